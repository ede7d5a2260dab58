//! `heliotrope claim`: what an account has earned, proven on this machine, and claimed.
//!
//! ```text
//! finalized header ─▶ distributor: every lane's root ─▶ its leaves, from any gateway ─ root? ─▶ the account's leaf
//!                                └▶ what it has had ─────────────────────────────────────────▶ what is due ─▶ claim
//! ```
//! Trusts the checkpoint that the reader names. The gateway only carries: leaves with another root than the chain's are
//! refused, and it cannot hide a leaf, because a lane's file is all of the lane's leaves or another file. The node at
//! `--rpc` sends the transaction, and the contract judges it again.

use std::path::PathBuf;

use alloy::{
    network::EthereumWallet,
    providers::{Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::{
    abi::IRewardDistributor,
    reward::tree::{PlacedLeaf, RewardLeaves},
    reward_stream,
};
use heliotrope_device_proofs::epoch::MAX_LANES;
use heliotrope_light_client::{
    execution::ProvenBlock, network::DeployedNetwork, proof_chain::rewards::At,
};

use crate::{dispute::court, prove::Carrier, settle::INCLUSION_TIMEOUT};

/// Whose, from where, and how it is claimed.
#[derive(Debug, clap::Args)]
pub(crate) struct Claim {
    /// Base address of a gateway, or of anything that serves `v1/rewards/<root>` and carries the chain.
    #[arg(long)]
    gateway: String,
    /// Beacon block root to start from: your own word, and nobody else is asked.
    #[arg(long)]
    checkpoint: Option<B256>,
    /// Start from a checkpoint of any age. Who has left the validator set since can deceive you.
    #[arg(long)]
    allow_old_checkpoint: bool,
    /// Who earned; the key's own account if none is named. Whoever claims, only this account is paid.
    #[arg(long, required_unless_present = "key_file")]
    account: Option<Address>,
    /// Node that the transactions are sent to. Without it nothing is claimed, only said.
    #[arg(long, requires = "key_file")]
    rpc: Option<String>,
    /// File with the key that sends them, 32 bytes of hex.
    #[arg(long)]
    key_file: Option<PathBuf>,
}

/// What is due in a lane.
struct Due {
    lane: u32,
    stream: B256,
    placed: PlacedLeaf,
    amount: U256,
}

/// Proves what is due, claims it if asked to, and says so.
pub(crate) async fn claim(wanted: &Claim) -> Result<String> {
    let key = wanted.key_file.as_deref().map(court::key).transpose()?;
    let account = wanted.account.or_else(|| key.as_ref().map(PrivateKeySigner::address));
    let account = account.context("whose? name an --account or a --key-file")?;
    let carrier = Carrier::new(&wanted.gateway)?;
    let deployed = DeployedNetwork::from_json(&carrier.get("v1/network.json").await?)?;
    let distributor = deployed.contracts.reward_distributor;
    let distributor = distributor.context("the network has no reward distributor")?;
    let client = carrier.follow(&deployed, wanted.checkpoint, wanted.allow_old_checkpoint).await?;
    let block = ProvenBlock::of(client.finalized()).context("the header names no state")?;
    let reader = Reader { carrier: &carrier, deployed: &deployed, distributor, block };
    let (due, mut lines) = reader.due(account).await?;
    let total = due.iter().fold(U256::ZERO, |sum, due| sum.saturating_add(due.amount));
    lines.push(format!(
        "{total} of the token's smallest unit are due to {account} in {} lanes, at finalized block {}",
        due.len(),
        block.number
    ));
    if let (Some(rpc), Some(key)) = (&wanted.rpc, key) {
        for due in &due {
            lines.push(reader.send(rpc, &key, due).await?);
        }
    }
    Ok(lines.join("\n"))
}

struct Reader<'a> {
    carrier: &'a Carrier,
    deployed: &'a DeployedNetwork,
    distributor: Address,
    block: ProvenBlock,
}

impl Reader<'_> {
    /// What is due in every lane, and a line for each.
    async fn due(&self, account: Address) -> Result<(Vec<Due>, Vec<String>)> {
        let rpc = format!("{}/rpc", self.carrier.base);
        let at = At { platform: &self.carrier.platform, rpc: &rpc, block: &self.block };
        let (check_id, distributor) = (self.deployed.check_id, self.distributor);
        let lanes: Vec<u32> = (0..u32::try_from(MAX_LANES)?).collect();
        let streams = at.streams(distributor, check_id, &lanes).await?;
        let (mut all, mut lines) = (Vec::new(), Vec::new());
        for (lane, stream) in lanes.into_iter().zip(streams) {
            if stream.root.is_zero() {
                continue;
            }
            let tree = self.tree(stream.root).await.with_context(|| format!("lane {lane}"))?;
            let Some(placed) = tree.leaf_of(account) else { continue };
            let had = at.claimed(distributor, check_id, lane, account).await?;
            let earned = U256::from(placed.leaf.cumulative);
            let amount = earned.saturating_sub(had);
            lines.push(format!(
                "lane {lane}: earned {earned} up to epoch {}, had {had}, due {amount}",
                stream.next_epoch.saturating_sub(1)
            ));
            if !amount.is_zero() {
                let stream = reward_stream(check_id, lane.into());
                all.push(Due { lane, stream, placed, amount });
            }
        }
        Ok((all, lines))
    }

    async fn tree(&self, root: B256) -> Result<RewardLeaves> {
        let path = format!("v1/rewards/{}", hex::encode(root));
        let bytes = self.carrier.get(&path).await?;
        RewardLeaves::open(&bytes, root).with_context(|| {
            format!("{}/{path}: not what the chain keeps; ask another gateway", self.carrier.base)
        })
    }

    async fn send(&self, rpc: &str, key: &PrivateKeySigner, due: &Due) -> Result<String> {
        let wallet = EthereumWallet::from(key.clone());
        let url = rpc.parse().with_context(|| format!("--rpc {rpc}"))?;
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(url);
        let (got, expected) = (provider.get_chain_id().await?, self.deployed.network.chain_id);
        ensure!(
            got == expected,
            "the node at --rpc is of chain {got}, the account earned on {expected}"
        );
        let distributor = IRewardDistributor::new(self.distributor, &provider);
        let what = format!("claim of lane {}", due.lane);
        let sent = distributor.claim(due.stream, due.placed.packed().into()).send().await;
        let sent = sent.with_context(|| what.clone())?.with_timeout(Some(INCLUSION_TIMEOUT));
        let receipt = sent.get_receipt().await.with_context(|| what.clone())?;
        if !receipt.status() {
            bail!("{what} was reverted: transaction {}", receipt.transaction_hash);
        }
        Ok(format!("{what}: {} paid, transaction {}", due.amount, receipt.transaction_hash))
    }
}
