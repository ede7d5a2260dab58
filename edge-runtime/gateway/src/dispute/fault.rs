//! What is wrong in a proof bundle, and the bytes that show it to the contracts (`contracts/README.md`, kinds).
//!
//! From one bundle of radio evidence come the kinds 2, 5 and 255. The others need what such a bundle does not hold: a
//! piece's openings (1), reward leaves (3), the bundle that stands at a verdict's place (4).

use std::collections::BTreeMap;

use alloy::sol_types::SolValue as _;
use alloy_primitives::{B256, Bytes, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::abi::IDisputeGame::Leaf;
use heliotrope_device_proofs::{
    abi::{CheckOutput, FULL_SCORE_PPM, Verdict},
    bundle::{BundleError, EvidenceBundle, Subject},
    epoch::EvidenceLeaf,
    proof::ProofBundle,
    sha256,
};
use heliotrope_light_client::{
    network::DeployedNetwork,
    proof_chain::{Anchor, Pin, run_again},
};

use crate::engine::{self, Module};

/// Kinds of fraud as `contracts/script/Deploy.sol` numbers their verifiers.
pub(super) const KIND_RECEIPT: u8 = 2;
pub(super) const KIND_MODULE: u8 = 5;
/// `DisputeGame.KIND_QUORUM`.
pub(super) const KIND_QUORUM: u8 = 255;
/// Forms of the proofs for `ReceiptVerifier`.
const FORGED: u8 = 0;
const DOUBLE_CLAIM: u8 = 1;
const OVER_CAP: u8 = 2;

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Fault {
    /// In words.
    pub(super) what: String,
    /// Index of the leaf in the lane's trees.
    pub(super) leaf: u32,
    /// What a verifier takes; without it only the quorum can be asked.
    pub(super) proof: Option<Proof>,
}

/// A fraud proof.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) kind: u8,
    pub(super) bytes: Vec<u8>,
}

/// The first thing that is wrong, those first that one transaction shows; `None` when everything holds.
///
/// An error says that this host, or this file, cannot tell: that is no ground for a challenge.
pub(super) fn find(bundle: &ProofBundle, deployed: &DeployedNetwork) -> Result<Option<Fault>> {
    if let Some(fault) = forged(bundle).or_else(|| claimed_twice(bundle)) {
        return Ok(Some(fault));
    }
    let mut again = Again::open(bundle, deployed)?;
    let (pinned, judged) = (again.pin.module_hash, B256::from(bundle.lane.commitment.module_hash));
    if judged != pinned {
        let leaf = bundle.evidence.leaves.first().context("the bundle has no leaves")?.index;
        let bytes = bundle.evidence.anchor_header.clone();
        let what = format!("module {judged} judged, the registry pins {pinned}");
        let proof = Some(Proof { kind: KIND_MODULE, bytes });
        return Ok(Some(Fault { what, leaf, proof }));
    }
    for leaf in &bundle.evidence.leaves {
        let given = again.answer(leaf)?;
        if given != sha256(&leaf.output) {
            return Ok(Some(wrong_verdict(bundle, leaf, given.into())));
        }
    }
    Ok(None)
}

/// Link 1: a report that the key it names did not sign.
fn forged(bundle: &ProofBundle) -> Option<Fault> {
    bundle.evidence.leaves.iter().find_map(|leaf| {
        let error = authentic(leaf).err()?;
        let report = match &error {
            BundleError::Report { subject: Subject::Beacon, .. } => Some(U256::ZERO),
            BundleError::Report { subject: Subject::Witness(index), .. } => {
                Some(U256::from(*index).saturating_add(U256::ONE))
            }
            _ => None,
        };
        let proof = report.map(|report| {
            let shown = (
                U256::from(leaf.index),
                U256::from(bundle.lane.leaf_count),
                Bytes::copy_from_slice(&leaf.bundle),
                path(&leaf.evidence_path),
                report,
            );
            receipt(FORGED, shown.abi_encode_params())
        });
        Some(Fault { what: format!("leaf {}: {error}", leaf.index), leaf: leaf.index, proof })
    })
}

fn authentic(leaf: &EvidenceLeaf) -> Result<(), BundleError> {
    EvidenceBundle::decode(&leaf.bundle)?.authenticate().map(|_| ())
}

/// Two passes with one replay key. Each of them is what the module gives: link 2 does not show it.
fn claimed_twice(bundle: &ProofBundle) -> Option<Fault> {
    let mut seen: BTreeMap<[u8; 32], &EvidenceLeaf> = BTreeMap::new();
    for leaf in &bundle.evidence.leaves {
        let Ok(output) = CheckOutput::decode(&leaf.output) else { continue };
        if output.verdict != Verdict::Pass {
            continue;
        }
        if let Some(first) = seen.insert(output.replay_key, leaf) {
            let shown = (placed(bundle, first), placed(bundle, leaf)).abi_encode_params();
            let what =
                format!("leaves {} and {} are one pass, counted twice", first.index, leaf.index);
            return Some(Fault {
                what,
                leaf: leaf.index,
                proof: Some(receipt(DOUBLE_CLAIM, shown)),
            });
        }
    }
    None
}

/// Link 2: another output was committed than the module gives.
fn wrong_verdict(bundle: &ProofBundle, leaf: &EvidenceLeaf, given: B256) -> Fault {
    let committed = B256::from(sha256(&leaf.output));
    let over = CheckOutput::decode(&leaf.output).is_ok_and(|out| out.score_ppm > FULL_SCORE_PPM);
    let proof = over.then(|| receipt(OVER_CAP, placed(bundle, leaf).abi_encode()));
    let what = format!(
        "leaf {}: output {committed} was committed, the pinned module gives {given}",
        leaf.index
    );
    Fault { what, leaf: leaf.index, proof }
}

/// A leaf as the contracts take it.
pub(super) fn placed(bundle: &ProofBundle, leaf: &EvidenceLeaf) -> Leaf {
    Leaf {
        index: U256::from(leaf.index),
        count: U256::from(bundle.lane.leaf_count),
        bundleHash: sha256(&leaf.bundle).into(),
        output: Bytes::copy_from_slice(&leaf.output),
        path: path(&leaf.verdict_path),
    }
}

fn path(hashes: &[[u8; 32]]) -> Vec<B256> {
    hashes.iter().map(B256::from).collect()
}

fn receipt(form: u8, shown: Vec<u8>) -> Proof {
    let bytes = (U256::from(form), Bytes::from(shown)).abi_encode_params();
    Proof { kind: KIND_RECEIPT, bytes }
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
        if authentic(leaf).is_err() {
            return Ok(sha256(&[]));
        }
        match run_again(leaf, &mut self.anchor, &self.pin, &self.params, &self.module) {
            Ok(output) => Ok(sha256(&output.unwrap_or_default())),
            Err(unproven) => bail!("{unproven}: no ground for a challenge, and no vote"),
        }
    }
}
