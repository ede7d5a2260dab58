//! Kind 2: a report that its device did not sign, a pass that counts twice, a score above a full check.

use std::collections::BTreeMap;

use alloy::sol_types::SolValue as _;
use alloy_primitives::{Bytes, U256};
use heliotrope_device_proofs::{
    abi::{CheckOutput, FULL_SCORE_PPM, Verdict},
    bundle::{BundleError, EvidenceBundle, Subject},
    epoch::{EvidenceLeaf, LaneManifest},
    evidence, report,
};

use super::{Fault, KIND_RECEIPT, Proof, of_form, path, placed};

/// Forms of the proofs for `ReceiptVerifier`.
const FORGED: u8 = 0;
const DOUBLE_CLAIM: u8 = 1;
const OVER_CAP: u8 = 2;

/// Low half of a key's first byte: the one type that the EVM cannot check.
const ED25519: u8 = 1;
const NO_CURVE: &str = "the EVM cannot check ed25519 signatures";
const NO_READER: &str = "no verifier reads evidence of this form";

/// A message that the key it names did not sign.
pub(super) fn forged(lane: &LaneManifest, leaves: &[&EvidenceLeaf]) -> Option<Fault> {
    leaves.iter().find_map(|leaf| {
        let error = evidence::authenticate(&leaf.bundle).err()?;
        let what = format!("leaf {}: {error}", leaf.index);
        Some(Fault { what, leaf: Some(placed(lane, leaf)), proof: unsigned(lane, leaf) })
    })
}

/// The report that is not signed, if it stands where `ReceiptVerifier` reads reports, and of a key that it can check.
fn unsigned(lane: &LaneManifest, leaf: &EvidenceLeaf) -> Result<Proof, &'static str> {
    let bundle = EvidenceBundle::decode(&leaf.bundle).map_err(|_| NO_READER)?;
    let (number, key) = match bundle.authenticate().err() {
        Some(BundleError::Report { subject: Subject::Beacon, .. }) => {
            let beacon = report::decode_beacon(&bundle.beacon.report).map_err(|_| NO_READER)?;
            (U256::ZERO, beacon.pub_key)
        }
        Some(BundleError::Report { subject: Subject::Witness(index), .. }) => {
            let witness = bundle.witnesses.get(index).ok_or(NO_READER)?;
            let witness = report::decode_witness(&witness.report).map_err(|_| NO_READER)?;
            (U256::from(index).saturating_add(U256::ONE), witness.pub_key)
        }
        _ => return Err(NO_READER),
    };
    if key.first().is_some_and(|kind| kind & 0x0f == ED25519) {
        return Err(NO_CURVE);
    }
    let shown = (
        U256::from(leaf.index),
        U256::from(lane.leaf_count),
        Bytes::copy_from_slice(&leaf.bundle),
        path(&leaf.evidence_path),
        number,
    );
    Ok(of_form(KIND_RECEIPT, FORGED, shown.abi_encode_params()))
}

/// Two passes with one replay key, in one file or in two. Each of them is what the module gives: link 2 does not show it.
pub(super) fn claimed_twice(lane: &LaneManifest, leaves: &[&EvidenceLeaf]) -> Option<Fault> {
    let mut seen: BTreeMap<[u8; 32], &EvidenceLeaf> = BTreeMap::new();
    for leaf in leaves {
        let Ok(output) = CheckOutput::decode(&leaf.output) else { continue };
        if output.verdict != Verdict::Pass {
            continue;
        }
        // a leaf that two files have is one leaf
        let first = *seen.entry(output.replay_key).or_insert(leaf);
        if first.index != leaf.index {
            let shown = (placed(lane, first), placed(lane, leaf)).abi_encode_params();
            let what =
                format!("leaves {} and {} are one pass, counted twice", first.index, leaf.index);
            let proof = Ok(of_form(KIND_RECEIPT, DOUBLE_CLAIM, shown));
            return Some(Fault { what, leaf: Some(placed(lane, leaf)), proof });
        }
    }
    None
}

/// A score that no module gives.
pub(super) fn over_cap(lane: &LaneManifest, leaves: &[&EvidenceLeaf]) -> Option<Fault> {
    leaves.iter().find_map(|leaf| {
        let score = CheckOutput::decode(&leaf.output).ok()?.score_ppm;
        let shown = placed(lane, leaf);
        (score > FULL_SCORE_PPM).then(|| Fault {
            what: format!("leaf {}: scores {score} ppm of {FULL_SCORE_PPM}", leaf.index),
            proof: Ok(of_form(KIND_RECEIPT, OVER_CAP, shown.abi_encode())),
            leaf: Some(shown),
        })
    })
}
