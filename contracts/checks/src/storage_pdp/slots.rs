//! Where `PDPVerifier` keeps what the rules read, as published in `src/PDPVerifierLayout.json`
//! (`FilOzone/pdp`, v3.5.0), and what is in those words.
//!
//! Both layouts are here: the mappings of data sets older than the cutover, and `compactPieces`.

pub(super) use crate::facts::{number, word};
use heliotrope_device_proofs::Bytes32;
use heliotrope_device_proofs::registry::keccak256;

const PIECE_CIDS_SLOT: u64 = 2;
const PIECE_LEAF_COUNTS_SLOT: u64 = 3;
const SUM_TREE_COUNTS_SLOT: u64 = 4;
const NEXT_PIECE_ID_SLOT: u64 = 5;
const DATA_SET_LEAF_COUNT_SLOT: u64 = 6;
const NEXT_CHALLENGE_EPOCH_SLOT: u64 = 7;
const CHALLENGE_RANGE_SLOT: u64 = 9;
const STORAGE_PROVIDER_SLOT: u64 = 12;
const COMPACT_PIECES_SLOT: u64 = 19;
const LEGACY_PIECE_STORAGE_ID_LIMIT_SLOT: u64 = 20;

/// `PieceV2.metadata`, lowest bits first.
const HEIGHT_SHIFT: u32 = 55;
const HEIGHT_BITS: u32 = 6;
const LEAF_COUNT_SHIFT: u32 = 61;
const LEAF_COUNT_BITS: u32 = 51;
const SUM_SHIFT: u32 = 112;
/// 143 in v3.5.0, whose highest bit says that the piece is scheduled for removal. Sums beyond 64 bits are
/// not read at all, so it does not matter that it once was part of the sum.
const SUM_BITS: u32 = 143;

fn value_of(key: u64, slot: &Bytes32) -> Bytes32 {
    keccak256(&[&word(key), slot])
}

fn of_set(set_id: u64, slot: u64) -> Bytes32 {
    value_of(set_id, &word(slot))
}

fn plus(slot: &Bytes32, offset: u64) -> Bytes32 {
    let mut sum = *slot;
    let mut carry = u128::from(offset);
    for byte in sum.iter_mut().rev() {
        let total = u128::from(*byte).saturating_add(carry);
        let [low, ..] = total.to_le_bytes();
        *byte = low;
        carry = total >> 8;
    }
    sum
}

/// `nextPieceId[setId]`.
pub(super) fn next_piece_id(set_id: u64) -> Bytes32 {
    of_set(set_id, NEXT_PIECE_ID_SLOT)
}

/// `dataSetLeafCount[setId]`.
pub(super) fn data_set_leaf_count(set_id: u64) -> Bytes32 {
    of_set(set_id, DATA_SET_LEAF_COUNT_SLOT)
}

/// `nextChallengeEpoch[setId]`.
pub(super) fn next_challenge_epoch(set_id: u64) -> Bytes32 {
    of_set(set_id, NEXT_CHALLENGE_EPOCH_SLOT)
}

/// `challengeRange[setId]`.
pub(super) fn challenge_range(set_id: u64) -> Bytes32 {
    of_set(set_id, CHALLENGE_RANGE_SLOT)
}

/// `storageProvider[setId]`.
pub(super) fn storage_provider(set_id: u64) -> Bytes32 {
    of_set(set_id, STORAGE_PROVIDER_SLOT)
}

/// `legacyPieceStorageIdLimit`; zero in contracts older than v3.5, where every data set is legacy.
pub(super) fn legacy_piece_storage_id_limit() -> Bytes32 {
    word(LEGACY_PIECE_STORAGE_ID_LIMIT_SLOT)
}

/// `pieceLeafCounts[setId][pieceId]`.
pub(super) fn piece_leaf_count(set_id: u64, piece_id: u64) -> Bytes32 {
    value_of(piece_id, &of_set(set_id, PIECE_LEAF_COUNTS_SLOT))
}

/// `sumTreeCounts[setId][index]`.
pub(super) fn sum_tree_count(set_id: u64, index: u64) -> Bytes32 {
    value_of(index, &of_set(set_id, SUM_TREE_COUNTS_SLOT))
}

/// `pieceCids[setId][pieceId].data`: the word with the length, and the first two of the bytes.
pub(super) fn piece_cid(set_id: u64, piece_id: u64) -> [Bytes32; 3] {
    let head = value_of(piece_id, &of_set(set_id, PIECE_CIDS_SLOT));
    let data = keccak256(&[&head]);
    [head, data, plus(&data, 1)]
}

/// `compactPieces[setId].length`.
pub(super) fn compact_piece_count(set_id: u64) -> Bytes32 {
    of_set(set_id, COMPACT_PIECES_SLOT)
}

/// `compactPieces[setId][pieceId]`: root and metadata.
pub(super) fn compact_piece(set_id: u64, piece_id: u64) -> [Bytes32; 2] {
    let data = keccak256(&[&compact_piece_count(set_id)]);
    let root = plus(&data, piece_id.saturating_mul(2));
    [root, plus(&root, 1)]
}

/// Length of `bytes` in storage that are longer than 31; `None` if they are not.
pub(super) fn long_bytes_len(head: &Bytes32) -> Option<u64> {
    let twice = number(head)?;
    (twice & 1 == 1).then_some(twice >> 1)
}

/// `PieceMetadata`.
#[derive(Clone, Copy)]
pub(super) struct Metadata {
    pub(super) height: u64,
    pub(super) leaf_count: u64,
    /// `None` if it does not fit 64 bits.
    pub(super) sum: Option<u64>,
}

impl Metadata {
    pub(super) fn of(word: &Bytes32) -> Self {
        Self {
            height: bits(word, HEIGHT_SHIFT, HEIGHT_BITS),
            leaf_count: bits(word, LEAF_COUNT_SHIFT, LEAF_COUNT_BITS),
            sum: (bits(word, SUM_SHIFT + 64, 64) == 0
                && bits(word, SUM_SHIFT + 128, SUM_BITS - 128) == 0)
                .then(|| bits(word, SUM_SHIFT, 64)),
        }
    }
}

/// `count` bits, at most 64, from bit `from` up.
fn bits(word: &Bytes32, from: u32, count: u32) -> u64 {
    (0..count).fold(0, |value, at| value | (bit(word, from.saturating_add(at)) << at))
}

fn bit(word: &Bytes32, at: u32) -> u64 {
    let byte = usize::try_from(at / 8).ok().and_then(|place| word.iter().rev().nth(place));
    byte.map_or(0, |byte| u64::from((byte >> (at % 8)) & 1))
}
