//! The contracts of a dispute behind one account: who asks, where an entry stands, what is sent.

use std::{path::Path, time::Duration};

use alloy::{
    network::{Ethereum, EthereumWallet},
    providers::{DynProvider, PendingTransactionBuilder, Provider as _, ProviderBuilder},
    rpc::types::BlockId,
    signers::local::PrivateKeySigner,
    sol_types::SolValue as _,
};
use alloy_primitives::{Address, B256, U256, keccak256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::{
    STATUS_PROPOSED, STATUS_REFUTED,
    abi::{
        IDisputeGame::{Claim, IDisputeGameInstance, Roots},
        ISettlementLedger,
    },
};
use heliotrope_light_client::proof_chain::roots;

use super::Case;

/// How long a transaction may take to be mined.
const INCLUSION_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a new block is looked for.
const BLOCK_PAUSE: Duration = Duration::from_millis(500);

/// A key from a file: 32 bytes of hex.
pub(crate) fn key(file: &Path) -> Result<PrivateKeySigner> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    // what the parser says could quote the key
    let parsed = text.trim().parse::<PrivateKeySigner>().ok();
    parsed.with_context(|| format!("{}: expected 32 bytes of hex", file.display()))
}

/// The contracts, and who calls them.
pub(super) struct Court {
    pub(super) provider: DynProvider,
    pub(super) me: Address,
}

impl Court {
    pub(super) fn new(rpc: &str, key: &PrivateKeySigner) -> Result<Self> {
        let wallet = EthereumWallet::from(key.clone());
        let url = rpc.parse().with_context(|| format!("--rpc {rpc}"))?;
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(url).erased();
        Ok(Self { provider, me: key.address() })
    }

    /// The game that the case's ledger listens to, on the case's chain.
    pub(super) async fn game(&self, case: &Case) -> Result<IDisputeGameInstance<DynProvider>> {
        let (got, expected) = (self.provider.get_chain_id().await?, case.deployed.network.chain_id);
        ensure!(got == expected, "the node at --rpc is of chain {got}, the proof of {expected}");
        let address = case.deployed.contracts.settlement_ledger;
        let game = ISettlementLedger::new(address, &self.provider).disputeGame().call().await?;
        ensure!(game != Address::ZERO, "ledger {address} has no dispute game: nothing to call");
        Ok(IDisputeGameInstance::new(game, self.provider.clone()))
    }

    /// Fails, saying why, unless the entry can still be disputed.
    pub(super) async fn disputable(&self, case: &Case) -> Result<()> {
        let (check, lane, epoch) = name(case);
        let address = case.deployed.contracts.settlement_ledger;
        let ledger = ISettlementLedger::new(address, &self.provider);
        let entry = ledger.settlement(check, lane, epoch).call().await?;
        let what = format!("lane {lane} of epoch {epoch}");
        let (got, expected) = (entry.commitment, roots(&case.bundle.lane).commitment());
        ensure!(got == expected, "{what}: the ledger now has {got}, the proof is of {expected}");
        match entry.status {
            STATUS_PROPOSED => {}
            STATUS_REFUTED => bail!("{what} is refuted already: nothing is left to dispute"),
            other => bail!("too late: {what} is final (status {other}); nobody can dispute it"),
        }
        let newest = self.provider.get_block(BlockId::latest()).await?;
        let now_s = newest.context("the node has no newest block")?.header.timestamp;
        ensure!(
            now_s <= entry.deadline,
            "too late: {what} could be disputed until {} (Unix seconds), the newest block is of {now_s}",
            entry.deadline
        );
        Ok(())
    }

    /// Waits until a call is in a block.
    pub(super) async fn mined(
        &self,
        what: &str,
        sent: alloy::contract::Result<PendingTransactionBuilder<Ethereum>>,
    ) -> Result<u64> {
        let sent = sent.with_context(|| what.to_owned())?.with_timeout(Some(INCLUSION_TIMEOUT));
        let receipt = sent.get_receipt().await.with_context(|| what.to_owned())?;
        ensure!(receipt.status(), "{what} was reverted: transaction {}", receipt.transaction_hash);
        receipt.block_number.with_context(|| format!("{what} is in no block"))
    }

    /// Waits for a block after this one: what is sent then can only come later.
    pub(super) async fn block_after(&self, number: u64) -> Result<()> {
        while self.provider.get_block_number().await? <= number {
            tokio::time::sleep(BLOCK_PAUSE).await;
        }
        Ok(())
    }
}

fn name(case: &Case) -> (B256, U256, U256) {
    let bundle = &case.bundle;
    (bundle.check_id.into(), U256::from(bundle.lane.lane), U256::from(bundle.epoch))
}

/// The proposal as a challenger names it.
pub(super) fn claim(case: &Case) -> Claim {
    let (check_id, lane, epoch) = name(case);
    let named = roots(&case.bundle.lane);
    let roots = Roots {
        evidence: named.evidence,
        verdict: named.verdict,
        coverage: named.coverage,
        reward: named.reward,
        moduleHash: named.module_hash,
        anchorHash: named.anchor_hash,
    };
    Claim { checkId: check_id, lane, epoch, roots }
}

/// `SettlementLedger.settlementKey`.
pub(super) fn entry_key(case: &Case) -> B256 {
    keccak256(name(case).abi_encode())
}
