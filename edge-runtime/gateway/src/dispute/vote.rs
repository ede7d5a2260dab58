//! `heliotrope vote` and `heliotrope resolve`: the quorum's side of a dispute.
//!
//! A bonded gateway runs the pinned module on the disputed leaf itself and signs what came out. What is disputed it reads
//! by proof: the game's words under a finalized header that its own light client followed, so neither the carrier nor the
//! node at `--rpc` can have it sign for a leaf or a dispute that is not. Whoever has enough votes brings them to the game.

use std::path::PathBuf;

use alloy::{
    primitives::Bytes,
    signers::SignerSync as _,
    sol_types::{SolStruct as _, eip712_domain},
};
use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::{
    DISPUTE_OPEN, Dispute,
    abi::{IDisputeGame::IDisputeGameInstance, Vote as SignedVote},
    dispute_game_slot, dispute_slots,
};
use heliotrope_device_proofs::sha256;
use heliotrope_light_client::{
    execution::{ProvenBlock, prove_storage},
    proof_chain::roots,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Case,
    court::{self, Court, entry_key},
    fault::Again,
};
use crate::prove::Carrier;

/// `DisputeGame.Dispute` states.
const OPEN: u8 = DISPUTE_OPEN;
const WRONG: u8 = 2;
const RIGHT: u8 = 3;

/// A dispute's state, in a word.
pub(super) const fn state(status: u8) -> &'static str {
    match status {
        OPEN => "asked",
        WRONG => "won",
        RIGHT => "lost",
        _ => "undecided",
    }
}

/// Which dispute to vote in, and as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Vote {
    /// Proof bundle with the disputed leaf.
    bundle: PathBuf,
    /// The dispute, as `heliotrope challenge` names it.
    #[arg(long)]
    dispute: B256,
    /// Beacon block root that you trust; the bundle must stand on it, and the chain is followed from it.
    #[arg(long)]
    checkpoint: B256,
    /// Start from a checkpoint of any age. Who has left the validator set since can deceive you.
    #[arg(long)]
    allow_old_checkpoint: bool,
    /// Base address of a gateway that carries the chain. It is not believed.
    #[arg(long)]
    gateway: String,
    /// Execution JSON-RPC of the chain. It is not believed.
    #[arg(long)]
    rpc: String,
    /// File with the bonded gateway's key, 32 bytes of hex.
    #[arg(long)]
    key_file: PathBuf,
    /// File for the vote.
    #[arg(long, short)]
    out: PathBuf,
}

/// Votes to bring to the game.
#[derive(Debug, clap::Args)]
pub(crate) struct Resolve {
    /// Files that `heliotrope vote` wrote.
    #[arg(required = true)]
    votes: Vec<PathBuf>,
    /// Execution JSON-RPC of the chain.
    #[arg(long)]
    rpc: String,
    /// File with the key that pays for the transaction, 32 bytes of hex.
    #[arg(long)]
    key_file: PathBuf,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

/// A vote as a file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct VoteFile {
    game: Address,
    dispute: B256,
    /// sha256 of the output that the gateway had.
    output_hash: B256,
    voter: Address,
    signature: Bytes,
}

/// Runs the module on the disputed leaf and signs what came out.
pub(crate) async fn vote(wanted: &Vote) -> Result<String> {
    let case = Case::open(&wanted.bundle, &[], wanted.checkpoint)?;
    let key = court::key(&wanted.key_file)?;
    let (game, dispute) = proven(&case, wanted).await?;
    ensure!(dispute.status == OPEN, "dispute {} is {}", wanted.dispute, state(dispute.status));
    let (got, expected) = (dispute.commitment, roots(&case.bundle.lane).commitment());
    ensure!(
        got == expected && dispute.key == entry_key(&case),
        "the dispute is about commitment {got}, the proof is of {expected}"
    );
    let disputed = case.sound().find(|leaf| {
        dispute.bundle_hash == sha256(&leaf.bundle) && dispute.output_hash == sha256(&leaf.output)
    });
    let leaf = disputed.context("the disputed leaf is not in this proof: prove its hex")?;
    let output_hash: B256 = Again::open(&case.bundle, &case.deployed)?.answer(leaf)?.into();
    let domain = eip712_domain! {
        name: "Heliotrope GatewayQuorum",
        version: "1",
        chain_id: case.deployed.network.chain_id,
        verifying_contract: case.deployed.contracts.gateway_quorum.context("the network names no quorum")?,
    };
    let signed = SignedVote { disputeId: wanted.dispute, outputHash: output_hash };
    let signature = key.sign_hash_sync(&signed.eip712_signing_hash(&domain))?;
    let file = VoteFile {
        game,
        dispute: wanted.dispute,
        output_hash,
        voter: key.address(),
        signature: Bytes::from(signature.as_bytes().to_vec()),
    };
    std::fs::write(&wanted.out, serde_json::to_vec_pretty(&file)?)
        .with_context(|| wanted.out.display().to_string())?;
    let says = if output_hash == dispute.output_hash { "right" } else { "wrong" };
    Ok(format!(
        "leaf {}: the proposal is {says}, the pinned module gives {output_hash}\nvote of {} kept in {}",
        leaf.index,
        key.address(),
        wanted.out.display()
    ))
}

/// The game that the ledger listens to, and one of its disputes, as they stand at a finalized header that is followed
/// here. Whoever carries the proofs can only withhold them.
async fn proven(case: &Case, wanted: &Vote) -> Result<(Address, Dispute)> {
    let carrier = Carrier::new(&wanted.gateway)?;
    let (from, old) = (Some(wanted.checkpoint), wanted.allow_old_checkpoint);
    let client = carrier.follow(&case.deployed, from, old).await?;
    let block = ProvenBlock::of(client.finalized()).context("the header names no state")?;
    let (platform, rpc) = (&carrier.platform, wanted.rpc.as_str());
    let ledger = case.deployed.contracts.settlement_ledger;
    let hearsay = || format!("what {rpc} says of the dispute is not proven: nothing is signed");
    let named = prove_storage(platform, rpc, &block, ledger, &[dispute_game_slot()])
        .await
        .with_context(hearsay)?;
    let game = Address::from_word(named.values.first().copied().unwrap_or_default().into());
    ensure!(game != Address::ZERO, "ledger {ledger} has no dispute game");
    let slots = dispute_slots(wanted.dispute);
    let words = prove_storage(platform, rpc, &block, game, &slots).await.with_context(hearsay)?;
    let words = <[U256; 6]>::try_from(words.values).ok().context("as many words as slots")?;
    let dispute = Dispute::from_words(words);
    ensure!(
        dispute.status != 0,
        "game {game} has no dispute {} at finalized block {}: try again in a minute",
        wanted.dispute,
        block.number
    );
    Ok((game, dispute))
}

/// Brings votes to the game, which counts them.
pub(crate) async fn resolve(wanted: &Resolve) -> Result<String> {
    let mut votes = Vec::with_capacity(wanted.votes.len());
    for path in &wanted.votes {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let vote: VoteFile =
            serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?;
        votes.push(vote);
    }
    // the quorum takes them ascending by voter, each once
    votes.sort_by_key(|vote| vote.voter);
    votes.dedup_by_key(|vote| vote.voter);
    let Some(VoteFile { game, dispute, output_hash, .. }) = votes.first() else {
        bail!("no votes");
    };
    let (game, dispute, output_hash) = (*game, *dispute, *output_hash);
    for vote in &votes {
        ensure!(
            (vote.game, vote.dispute, vote.output_hash) == (game, dispute, output_hash),
            "{} votes for {} in dispute {}, others for {output_hash} in {dispute}",
            vote.voter,
            vote.output_hash,
            vote.dispute
        );
    }
    let court = Court::new(&wanted.rpc, &court::key(&wanted.key_file)?)?;
    let game = IDisputeGameInstance::new(game, court.provider.clone());
    let signatures = votes.into_iter().map(|vote| vote.signature).collect();
    let sent = game.resolve(dispute, output_hash, signatures).send().await;
    court.mined("bringing the votes", sent).await?;
    let ended = game.dispute(dispute).call().await?;
    let outcome = state(ended.status);
    if wanted.json {
        return Ok(
            json!({ "dispute": dispute, "challenger": ended.challenger, "outcome": outcome })
                .to_string(),
        );
    }
    let becomes = match ended.status {
        WRONG => "the proposal is refuted, the challenger has half of its bond",
        RIGHT => "the proposal stands, half of the challenger's bond is the proposer's",
        _ => "another dispute was first",
    };
    Ok(format!("{outcome} by {}: {becomes}", ended.challenger))
}
