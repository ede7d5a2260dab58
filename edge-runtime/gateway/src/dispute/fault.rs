//! What is wrong with a proposal, and the bytes that show it to the contracts (`contracts/README.md`, kinds).
//!
//! ```text
//! leaf ── evidence path ─┬─ both hold: openings (1), signatures, replay keys, scores (2), module (5), output (255)
//!      └─ verdict path ──┴─ one of them: with a leaf that has the other, evidence that was not judged (4)
//! reward leaves ── root ─── sums, the epoch before, accounts (3)
//! ```
//! Nothing here is believed: a leaf counts for a root only if its path leads there.

mod inclusion;
mod receipts;
pub(super) mod rewards;
mod storage;

use alloy::sol_types::SolValue as _;
use alloy_primitives::{B256, Bytes, U256};
use anyhow::{Result, bail, ensure};
use heliotrope_contracts::abi::IDisputeGame::Leaf;
use heliotrope_device_proofs::{
    epoch::{EvidenceLeaf, LaneManifest},
    evidence,
    proof::ProofBundle,
    sha256,
};
use heliotrope_light_client::{
    network::DeployedNetwork,
    proof_chain::{Anchor, Pin, run_again},
};

use super::Case;
use crate::engine::{self, Module};

/// Kinds of fraud as `contracts/script/Deploy.sol` numbers their verifiers.
const KIND_STORAGE: u8 = 1;
const KIND_RECEIPT: u8 = 2;
const KIND_INCLUSION: u8 = 4;
const KIND_MODULE: u8 = 5;
/// `DisputeGame.KIND_QUORUM`.
pub(super) const KIND_QUORUM: u8 = 255;

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Fault {
    /// In words.
    pub(super) what: String,
    /// The leaf of the verdict tree that the quorum is asked about where no verifier shows it; rewards have none.
    pub(super) leaf: Option<Leaf>,
    /// What a verifier takes, or why none can.
    pub(super) proof: Result<Proof, &'static str>,
}

/// A fraud proof.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) kind: u8,
    pub(super) bytes: Vec<u8>,
}

/// No form of a proof says which output is right.
const RUN_AGAIN: &str = "a verdict is decided by running the module again";

/// The first thing that is wrong, those first that one transaction shows; `None` when everything holds.
///
/// An error says that this host, or this file, cannot tell: that is no ground for a challenge.
pub(super) fn find(case: &Case) -> Result<Option<Fault>> {
    let lane = &case.bundle.lane;
    let leaves: Vec<_> = case.sound().collect();
    let shown = inclusion::not_judged(lane, &case.leaves().collect::<Vec<_>>())
        .or_else(|| storage::wrong_opening(lane, &leaves))
        .or_else(|| receipts::forged(lane, &leaves))
        .or_else(|| receipts::claimed_twice(lane, &leaves))
        .or_else(|| receipts::over_cap(lane, &leaves));
    if shown.is_some() {
        return Ok(shown);
    }
    let mut found = None;
    for bundle in case.bundles() {
        found = wrong_run(bundle, &case.deployed)?;
        if found.is_some() {
            break;
        }
    }
    if found.is_none() {
        inclusion::one_sided(lane, &case.leaves().collect::<Vec<_>>())?;
    }
    Ok(found)
}

/// Another module judged than the pinned one, or another output was committed than that gives.
fn wrong_run(bundle: &ProofBundle, deployed: &DeployedNetwork) -> Result<Option<Fault>> {
    let lane = &bundle.lane;
    let leaves = || bundle.evidence.leaves.iter().filter(|leaf| leaf.verify(lane).is_ok());
    let Some(first) = leaves().next() else { return Ok(None) };
    let mut again = Again::open(bundle, deployed)?;
    let (pinned, judged) = (again.pin.module_hash, B256::from(lane.commitment.module_hash));
    if judged != pinned {
        let bytes = bundle.evidence.anchor_header.clone();
        let what = format!("module {judged} judged, the registry pins {pinned}");
        let proof = Ok(Proof { kind: KIND_MODULE, bytes });
        return Ok(Some(Fault { what, leaf: Some(placed(lane, first)), proof }));
    }
    for leaf in leaves() {
        let (given, got) = (B256::from(again.answer(leaf)?), B256::from(sha256(&leaf.output)));
        if given != got {
            let what = format!(
                "leaf {}: output {got} was committed, the pinned module gives {given}",
                leaf.index
            );
            return Ok(Some(Fault { what, leaf: Some(placed(lane, leaf)), proof: Err(RUN_AGAIN) }));
        }
    }
    Ok(None)
}

/// Nothing is wrong, and the quorum is to be asked all the same: about the first leaf.
pub(super) fn nothing(case: &Case) -> Option<Fault> {
    let leaf = placed(&case.bundle.lane, case.sound().next()?);
    Some(Fault { what: "nothing".to_owned(), leaf: Some(leaf), proof: Err(RUN_AGAIN) })
}

/// A leaf of the verdict tree as the contracts take it.
fn placed(lane: &LaneManifest, leaf: &EvidenceLeaf) -> Leaf {
    Leaf {
        index: U256::from(leaf.index),
        count: U256::from(lane.leaf_count),
        bundleHash: sha256(&leaf.bundle).into(),
        output: Bytes::copy_from_slice(&leaf.output),
        path: path(&leaf.verdict_path),
    }
}

fn path(hashes: &[[u8; 32]]) -> Vec<B256> {
    hashes.iter().map(B256::from).collect()
}

/// What `ReceiptVerifier` and `RewardVerifier` take: a form, and what is of that form.
fn of_form(kind: u8, form: u8, shown: Vec<u8>) -> Proof {
    let bytes = (U256::from(form), Bytes::from(shown)).abi_encode_params();
    Proof { kind, bytes }
}

/// The pinned module on the bundle's anchor.
pub(super) struct Again {
    anchor: Anchor,
    pin: Pin,
    params: Vec<u8>,
    module: Module,
}

impl Again {
    /// An error is the file's or the host's: nothing is said of the proposal.
    pub(super) fn open(bundle: &ProofBundle, deployed: &DeployedNetwork) -> Result<Self> {
        let chain_id = deployed.network.chain_id;
        let mut anchor = Anchor::open(&bundle.evidence, &bundle.lane, chain_id)?;
        let pin = anchor.pin(deployed.contracts.check_registry, bundle.check_id.into())?;
        let got = B256::from(sha256(&bundle.params));
        ensure!(
            got == pin.params_hash,
            "the parameters hash to {got}, the check registry pins {}: fetch the proof elsewhere",
            pin.params_hash
        );
        let module = Module::load(&engine::host()?, &bundle.module, &pin.module_hash)?;
        Ok(Self { anchor, pin, params: bundle.params.clone(), module })
    }

    /// sha256 of what an honest gateway commits for a leaf's bundle. Of a bundle that is not signed, or
    /// that the module refuses, no output is right: the answer is that of no bytes, which no output has.
    pub(super) fn answer(&mut self, leaf: &EvidenceLeaf) -> Result<[u8; 32]> {
        if evidence::authenticate(&leaf.bundle).is_err() {
            return Ok(sha256(&[]));
        }
        match run_again(leaf, &mut self.anchor, &self.pin, &self.params, &self.module) {
            Ok(output) => Ok(sha256(&output.unwrap_or_default())),
            Err(unproven) => bail!("{unproven}: no ground for a challenge, and no vote"),
        }
    }
}
