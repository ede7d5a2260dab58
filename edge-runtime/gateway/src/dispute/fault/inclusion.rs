//! Kind 4: a verdict about evidence that was not committed. At its place of the evidence tree stands another bundle.
//!
//! One leaf of a file cannot show that: whichever bundle it carries, one of its two paths does not hold. Two files, or two
//! gateways, do: in one the evidence path holds, in the other the verdict path.

use alloy::sol_types::SolValue as _;
use alloy_primitives::{Bytes, U256};
use anyhow::{Result, bail};
use heliotrope_contracts::abi::IDisputeGame::InclusionProof;
use heliotrope_device_proofs::{
    epoch::{EvidenceLeaf, LaneManifest, verdict_leaf_data},
    merkle,
};

use super::{Fault, KIND_INCLUSION, Proof, path, placed};

/// A bundle of the evidence and a verdict at one place, which are not of each other.
pub(super) fn not_judged(lane: &LaneManifest, leaves: &[&EvidenceLeaf]) -> Option<Fault> {
    let committed = leaves.iter().filter(|leaf| in_evidence(lane, leaf));
    committed.into_iter().find_map(|evidence| {
        let verdict = leaves.iter().find(|verdict| {
            verdict.index == evidence.index
                && verdict.bundle != evidence.bundle
                && in_verdicts(lane, verdict)
        })?;
        let leaf = placed(lane, verdict);
        let shown = InclusionProof {
            verdict: leaf.clone(),
            count: U256::from(lane.leaf_count),
            bundle: Bytes::copy_from_slice(&evidence.bundle),
            path: path(&evidence.evidence_path),
        };
        Some(Fault {
            what: format!("leaf {}: what was judged is not the evidence there", leaf.index),
            leaf: Some(leaf),
            proof: Ok(Proof { kind: KIND_INCLUSION, bytes: shown.abi_encode() }),
        })
    })
}

/// Says of a leaf of which only one path holds what is missing to show it.
///
/// # Errors
/// When there is such a leaf.
pub(super) fn one_sided(lane: &LaneManifest, leaves: &[&EvidenceLeaf]) -> Result<()> {
    for leaf in leaves {
        let (missing, index) = match (in_evidence(lane, leaf), in_verdicts(lane, leaf)) {
            (true, false) => ("verdict", leaf.index),
            (false, true) => ("evidence", leaf.index),
            _ => continue,
        };
        bail!(
            "leaf {index}: the {missing} tree has something else there; get the leaf from another gateway, \
             and show both: --with FILE"
        );
    }
    Ok(())
}

fn in_evidence(lane: &LaneManifest, leaf: &EvidenceLeaf) -> bool {
    let hash = merkle::leaf_hash(&leaf.bundle);
    leads(lane, leaf, hash, &leaf.evidence_path, lane.commitment.evidence_root)
}

fn in_verdicts(lane: &LaneManifest, leaf: &EvidenceLeaf) -> bool {
    let hash = merkle::leaf_hash(&verdict_leaf_data(&leaf.bundle, &leaf.output));
    leads(lane, leaf, hash, &leaf.verdict_path, lane.commitment.verdict_root)
}

fn leads(
    lane: &LaneManifest,
    leaf: &EvidenceLeaf,
    hash: [u8; 32],
    path: &[[u8; 32]],
    root: [u8; 32],
) -> bool {
    let (index, count) = (u64::from(leaf.index), u64::from(lane.leaf_count));
    merkle::verify_path(hash, index, count, path, root).is_ok()
}
