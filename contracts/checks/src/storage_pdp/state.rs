//! The state of a data set, read out of proven words; and the words that must be proven.

use super::slots::{self, Metadata};
use super::sum_tree;
use crate::facts::Facts;
use heliotrope_device_proofs::Bytes32;
use heliotrope_device_proofs::pdp::{Layout, PossessionProof};

/// Shortest piece CID from which `PDPVerifier` takes a root and a height: `Cids.heightFromCid`.
const SHORTEST_CID: u64 = 33;
/// Longest piece CID that two words hold.
const LONGEST_CID: u64 = 64;

/// The words about a data set that do not depend on a challenge. `None`: no fact says it.
pub(super) struct DataSet {
    pub(super) provider: Option<Bytes32>,
    pub(super) legacy_id_limit: Option<Bytes32>,
    pub(super) piece_count: Option<Bytes32>,
    pub(super) leaf_count: Option<Bytes32>,
    pub(super) challenge_range: Option<Bytes32>,
    pub(super) next_challenge_epoch: Option<Bytes32>,
}

/// A piece as the proof rules need it.
pub(super) struct Piece {
    pub(super) root: Bytes32,
    pub(super) height: u64,
    pub(super) leaf_count: u64,
}

fn piece_count_slot(set_id: u64, layout: Layout) -> Bytes32 {
    match layout {
        Layout::Legacy => slots::next_piece_id(set_id),
        Layout::Compact => slots::compact_piece_count(set_id),
    }
}

fn sum_slot(set_id: u64, layout: Layout, node: u64) -> Bytes32 {
    match layout {
        Layout::Legacy => slots::sum_tree_count(set_id, node),
        Layout::Compact => {
            let [_, metadata] = slots::compact_piece(set_id, node);
            metadata
        }
    }
}

/// Names every word that judging the evidence reads, some of them twice.
pub(super) fn words(set_id: u64, evidence: &PossessionProof, mut name: impl FnMut(Bytes32)) {
    let layout = evidence.layout;
    for key in [
        slots::storage_provider(set_id),
        slots::legacy_piece_storage_id_limit(),
        piece_count_slot(set_id, layout),
        slots::data_set_leaf_count(set_id),
        slots::challenge_range(set_id),
        slots::next_challenge_epoch(set_id),
    ] {
        name(key);
    }
    for piece in &evidence.piece_ids {
        for node in sum_tree::nodes_on_the_way(*piece, evidence.piece_count) {
            name(sum_slot(set_id, layout, node));
        }
        match layout {
            Layout::Legacy => {
                slots::piece_cid(set_id, *piece).into_iter().for_each(&mut name);
                name(slots::piece_leaf_count(set_id, *piece));
            }
            Layout::Compact => {
                slots::compact_piece(set_id, *piece).into_iter().for_each(&mut name);
            }
        }
    }
}

impl DataSet {
    pub(super) fn read(facts: &mut Facts<'_>, set_id: u64, layout: Layout) -> Self {
        Self {
            provider: facts.word(&slots::storage_provider(set_id)),
            legacy_id_limit: facts.word(&slots::legacy_piece_storage_id_limit()),
            piece_count: facts.word(&piece_count_slot(set_id, layout)),
            leaf_count: facts.word(&slots::data_set_leaf_count(set_id)),
            challenge_range: facts.word(&slots::challenge_range(set_id)),
            next_challenge_epoch: facts.word(&slots::next_challenge_epoch(set_id)),
        }
    }
}

/// The sum in a node of the tree; `None` if no fact says it or it does not fit 64 bits.
pub(super) fn sum(facts: &mut Facts<'_>, set_id: u64, layout: Layout, node: u64) -> Option<u64> {
    let word = facts.word(&sum_slot(set_id, layout, node))?;
    match layout {
        Layout::Legacy => slots::number(&word),
        Layout::Compact => Metadata::of(&word).sum,
    }
}

/// A piece; `None` if a word of it is missing, or it is not in a form that two words hold.
pub(super) fn piece(facts: &mut Facts<'_>, set_id: u64, layout: Layout, id: u64) -> Option<Piece> {
    match layout {
        Layout::Legacy => legacy_piece(facts, set_id, id),
        Layout::Compact => {
            let [root, metadata] = slots::compact_piece(set_id, id);
            let (root, metadata) = (facts.word(&root)?, facts.word(&metadata)?);
            let Metadata { height, leaf_count, .. } = Metadata::of(&metadata);
            Some(Piece { root, height, leaf_count })
        }
    }
}

/// Root and height are the last 33 bytes of the CID, as the contract takes them (`Cids.digestFromCid`,
/// `Cids.heightFromCid`); what stands before them was checked when the piece was added.
fn legacy_piece(facts: &mut Facts<'_>, set_id: u64, id: u64) -> Option<Piece> {
    let [head, first, second] = slots::piece_cid(set_id, id);
    let len = slots::long_bytes_len(&facts.word(&head)?)?;
    let leaf_count = slots::number(&facts.word(&slots::piece_leaf_count(set_id, id))?)?;
    let (first, second) = (facts.word(&first)?, facts.word(&second)?);
    if !(SHORTEST_CID..=LONGEST_CID).contains(&len) {
        return None;
    }
    let data: Vec<u8> = first.iter().chain(&second).copied().collect();
    let cid = data.get(..usize::try_from(len).ok()?)?;
    let (before, root) = cid.split_last_chunk::<32>()?;
    Some(Piece { root: *root, height: u64::from(*before.last()?), leaf_count })
}
