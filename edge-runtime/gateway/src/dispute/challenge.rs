//! `heliotrope challenge`: finds what is wrong in a proof bundle and shows it to the dispute game.
//!
//! The seal's salt comes from the key and from what is sealed, so a run that was cut off between sealing and showing is
//! repeated as it is: it finds its seal and goes on.

use std::path::PathBuf;

use alloy::{providers::DynProvider, signers::local::PrivateKeySigner, sol_types::SolValue as _};
use alloy_primitives::{Address, B256, U256, keccak256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::abi::{
    IDisputeGame::{IDisputeGameInstance, Leaf},
    IVerifier,
};
use heliotrope_light_client::proof_chain::{Outcome, roots};
use serde_json::{Value, json};

use super::{
    Case,
    court::{self, Court, claim, entry_key},
    fault::{self, Fault, KIND_QUORUM, Proof},
};

/// `DisputeGame.Sealed` states.
const NOTHING: u8 = 0;
const SEALED: u8 = 1;
const WON: u8 = 2;

/// What to challenge, and as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Challenge {
    /// Proof bundle, as `heliotrope prove` writes it.
    bundle: PathBuf,
    /// More bundles of the same lane and epoch: what one hex cannot show, two may.
    #[arg(long = "with", value_name = "BUNDLE")]
    others: Vec<PathBuf>,
    #[command(flatten)]
    rewards: fault::rewards::RewardFiles,
    /// Beacon block root that you trust; the bundle must stand on it.
    #[arg(long)]
    checkpoint: B256,
    /// Execution JSON-RPC of the chain.
    #[arg(long)]
    rpc: String,
    /// File with the key that pays the bond, 32 bytes of hex.
    #[arg(long)]
    key_file: PathBuf,
    /// Ask the quorum about a leaf although nothing is wrong. You lose the bond when it is not.
    #[arg(long)]
    anyway: bool,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

/// What is brought before the game.
enum Showing {
    /// To a verifier.
    Proof(Proof),
    /// To the quorum, and why.
    Question(Leaf, &'static str),
}

/// What is sealed, and what shows it.
struct Sealing {
    kind: u8,
    salt: B256,
    hash: B256,
}

/// Judges offline, then seals and shows; says what came of it.
pub(crate) async fn challenge(wanted: &Challenge) -> Result<String> {
    let case = Case::open(&wanted.bundle, &wanted.others, wanted.checkpoint)?;
    let key = court::key(&wanted.key_file)?;
    let court = Court::new(&wanted.rpc, &key)?;
    let game = court.game(&case).await?;
    let fault = match fault::rewards::find(&wanted.rewards, &case, &court.provider).await? {
        Some(fault) => fault,
        None => ground(&case, wanted.anyway)?,
    };
    let index = fault.leaf.as_ref().map(|leaf| leaf.index.saturating_to::<u64>());
    let showing = match accepted(&court, &game, &case, fault.proof).await? {
        Ok(proof) => Showing::Proof(proof),
        Err(because) => {
            let leaf = fault.leaf.with_context(|| {
                format!("{}: {because}, and the quorum judges verdicts only", fault.what)
            })?;
            Showing::Question(leaf, because)
        }
    };
    let sealing = Sealing::new(&case, &key, &showing);
    let (outcome, because) = match showing {
        Showing::Proof(proof) => (show(&court, &game, &case, &sealing, &proof).await?, None),
        Showing::Question(leaf, because) => {
            (ask(&court, &game, &case, &sealing, leaf).await?, Some(because))
        }
    };
    let said = json!({
        "fault": fault.what,
        "leaf": index,
        "kind": sealing.kind,
        "quorum_because": because,
        "seal": sealing.hash,
        "game": game.address(),
        "outcome": outcome,
    });
    Ok(if wanted.json { said.to_string() } else { in_words(&case, &said) })
}

/// What is wrong; with `anyway` the first leaf, whatever it is.
fn ground(case: &Case, anyway: bool) -> Result<Fault> {
    if let Some(fault) = fault::find(case)? {
        return Ok(fault);
    }
    let unproven = case.report.links.iter().find(|link| link.outcome != Outcome::Verified);
    if let Some(link) = unproven {
        let (name, outcome) = (link.link.as_str().to_uppercase(), link.outcome.as_str());
        bail!("{name} is {outcome}, and the proposer did not do it: {}", link.summary);
    }
    ensure!(
        anyway,
        "nothing is broken: all five links hold, and whoever challenges this loses the bond \
         (--anyway does it)"
    );
    fault::nothing(case).context("the bundle has no leaves")
}

/// The proof, if the game has a verifier that takes it; else the quorum has to be asked, and why. A verifier that cannot
/// tell reverts.
async fn accepted(
    court: &Court,
    game: &IDisputeGameInstance<DynProvider>,
    case: &Case,
    proof: Result<Proof, &'static str>,
) -> Result<Result<Proof, &'static str>> {
    let Ok(proof) = proof else { return Ok(proof) };
    let verifier = game.verifiers(proof.kind).call().await?;
    if verifier == Address::ZERO {
        return Ok(Err("the game has no verifier of this kind"));
    }
    let verifier = IVerifier::new(verifier, &court.provider);
    let shows = match verifier.refutes(claim(case), proof.bytes.clone().into()).call().await {
        Ok(shows) => shows,
        Err(error) if error.as_revert_data().is_some() => false,
        Err(error) => return Err(error).context("asking the verifier"),
    };
    Ok(if shows { Ok(proof) } else { Err("the chain's verifier cannot tell") })
}

impl Sealing {
    fn new(case: &Case, key: &PrivateKeySigner, showing: &Showing) -> Self {
        let (kind, proof_hash) = match showing {
            Showing::Proof(proof) => (proof.kind, keccak256(&proof.bytes)),
            Showing::Question(leaf, _) => (KIND_QUORUM, keccak256(leaf.abi_encode())),
        };
        let (entry, commitment) = (entry_key(case), roots(&case.bundle.lane).commitment());
        let named = [entry, commitment, U256::from(kind).into(), proof_hash];
        let salt = keccak256([key.to_bytes(), keccak256(named.concat())].concat());
        // `DisputeGame.sealHash`
        let sealed = [&[key.address().into_word()][..], &named, &[salt]].concat();
        Self { kind, salt, hash: keccak256(sealed.concat()) }
    }
}

/// Seals unless it is sealed already, and waits for the next block. Says what the seal is now.
async fn sealed(
    court: &Court,
    game: &IDisputeGameInstance<DynProvider>,
    case: &Case,
    sealing: &Sealing,
) -> Result<u8> {
    let kept = game.sealedAs(sealing.hash).call().await?;
    let block = match kept.status {
        NOTHING => {
            court.disputable(case).await?;
            let bond = game.BOND().call().await?;
            let sent = game.seal(sealing.hash).value(bond).send().await;
            court.mined("sealing the challenge", sent).await?
        }
        SEALED => {
            court.disputable(case).await?;
            kept.blockNumber.to()
        }
        other => return Ok(other),
    };
    court.block_after(block).await?;
    Ok(SEALED)
}

/// Shows a fraud proof, and lets the bonds be divided.
async fn show(
    court: &Court,
    game: &IDisputeGameInstance<DynProvider>,
    case: &Case,
    sealing: &Sealing,
    proof: &Proof,
) -> Result<Value> {
    let mut status = sealed(court, game, case, sealing).await?;
    if status == SEALED {
        let bytes = proof.bytes.clone().into();
        let sent = game.challenge(claim(case), proof.kind, bytes, sealing.salt).send().await;
        court.mined("the challenge", sent).await?;
        status = WON;
    }
    ensure!(status == WON, "seal {} is used up: its bond was divided or lost", sealing.hash);
    let sent = game.collect(sealing.hash).send().await;
    court.mined("dividing the bonds", sent).await?;
    let due = game.withdrawableOf(court.me).call().await?;
    Ok(json!({ "state": "won", "withdrawable_wei": due.to_string() }))
}

/// Asks the quorum. A question that was asked before is only reported.
async fn ask(
    court: &Court,
    game: &IDisputeGameInstance<DynProvider>,
    case: &Case,
    sealing: &Sealing,
    leaf: Leaf,
) -> Result<Value> {
    if sealed(court, game, case, sealing).await? == SEALED {
        let sent = game.ask(claim(case), leaf, sealing.salt).send().await;
        court.mined("asking the quorum", sent).await?;
    }
    let dispute = game.dispute(sealing.hash).call().await?;
    ensure!(dispute.status != NOTHING, "seal {} was lost: nothing was shown", sealing.hash);
    Ok(json!({
        "state": super::vote::state(dispute.status),
        "dispute": sealing.hash,
        "votes_needed": dispute.needed,
        "opened_at_s": dispute.openedAt,
    }))
}

fn in_words(case: &Case, said: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (lane, epoch) = (case.bundle.lane.lane, case.bundle.epoch);
    let outcome = &said["outcome"];
    let mut lines = vec![format!("wrong: {}", text(&said["fault"]))];
    lines.push(if outcome["state"] == "won" {
        format!(
            "won: lane {lane} of epoch {epoch} is refuted (kind {}); {} wei can be withdrawn from {}",
            said["kind"],
            text(&outcome["withdrawable_wei"]),
            text(&said["game"])
        )
    } else {
        format!(
            "{}: {}, so the quorum was asked about leaf {}; {} gateways have to say the same within a day:\n\
             heliotrope vote BUNDLE --dispute {} …, then heliotrope resolve VOTE…",
            text(&outcome["state"]),
            text(&said["quorum_because"]),
            said["leaf"],
            outcome["votes_needed"],
            text(&outcome["dispute"])
        )
    });
    lines.join("\n")
}
