//! Kind 1: a sample of a piece passed, and one of its openings does not lead to the piece.

use alloy::sol_types::SolValue as _;
use alloy_primitives::{Bytes, U256};
use heliotrope_contracts::abi::IDisputeGame::StorageProof;
use heliotrope_device_proofs::{
    abi::{CheckOutput, Verdict},
    commp::{CommpSample, Content, Opening},
    epoch::{EvidenceLeaf, LaneManifest},
    piece::PieceCid,
    sha254,
};

use super::{Fault, KIND_STORAGE, Proof, path, placed};

/// The first opening that leads elsewhere, of a leaf that passed.
pub(super) fn wrong_opening(lane: &LaneManifest, leaves: &[&EvidenceLeaf]) -> Option<Fault> {
    leaves.iter().find_map(|leaf| {
        let sample = CommpSample::decode(&leaf.bundle).ok()?;
        let piece = PieceCid::decode(&sample.piece_cid).ok()?;
        let Content::Openings(openings) = &sample.content else { return None };
        let output = CheckOutput::decode(&leaf.output).ok()?;
        if output.verdict != Verdict::Pass {
            return None;
        }
        let place = openings.iter().position(|opening| !leads(opening, &piece))?;
        let shown = StorageProof {
            index: U256::from(leaf.index),
            count: U256::from(lane.leaf_count),
            bundle: Bytes::copy_from_slice(&leaf.bundle),
            output: Bytes::copy_from_slice(&leaf.output),
            path: path(&leaf.verdict_path),
            opening: U256::from(place),
        };
        Some(Fault {
            what: format!("leaf {}: opening {place} does not lead to the piece", leaf.index),
            leaf: Some(placed(lane, leaf)),
            proof: Ok(Proof { kind: KIND_STORAGE, bytes: shown.abi_encode() }),
        })
    })
}

/// As `Pieces.opens` has it: a path as long as the tree is high, of a leaf inside, to the root.
fn leads(opening: &Opening, piece: &PieceCid) -> bool {
    let height = u32::from(piece.height);
    opening.path.len() == usize::from(piece.height)
        && opening.index.checked_shr(height).unwrap_or_default() == 0
        && sha254::fold(&opening.leaf, opening.index, &opening.path) == piece.root
}
