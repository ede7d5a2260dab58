//! Pieces: `PieceCIDv2` and the way from a payload to it.
//!
//! ```text
//!  payload ─ fr32 ─ leaves ─ sha254 tree, zeros to 2^height leaves ─ root
//!  01 55 9120 ‖ varint length ‖ varint padding ‖ height ‖ root
//! ```
//! (FRC-0069.) `padding` is counted in bytes before fr32, so that payload and padding together are
//! `127 · 2^(height − 2)` bytes. Only shortest varints are taken: a piece has one name.

use crate::Bytes32;
use crate::cbor::CborError;
use crate::fr32::Fr32;
use crate::sha254::RootHasher;

/// `CIDv1`, raw codec, multihash `fr32-sha2-256-trunc254-padded-binary-tree`.
pub const PREFIX: [u8; 4] = [0x01, 0x55, 0x91, 0x20];
/// Lowest tree: four leaves, one block of 127 bytes.
pub const MIN_HEIGHT: u8 = 2;
/// Highest tree, as `PDPVerifier` takes it (`MAX_PIECE_SIZE_LOG2`).
pub const MAX_HEIGHT: u8 = 50;
/// Longest encoding: the padding of the highest tree needs 8 bytes.
pub const MAX_LEN: usize = 46;
/// Bytes of a leaf.
const LEAF_LEN: u64 = 32;

/// Why bytes are not a `PieceCIDv2`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PieceCidError {
    /// The bytes are too few or too many.
    #[error("cid of {got} bytes, expected {expected}")]
    Length {
        /// How many there are.
        got: usize,
        /// How many the multihash says, or the fewest there can be.
        expected: usize,
    },
    /// It is the CID of something else.
    #[error("cid prefix {}, expected 01559120", crate::merkle::Hex(got))]
    Prefix {
        /// The first bytes.
        got: [u8; 4],
    },
    /// The padding is not a shortest varint of at most 55 bits.
    #[error("padding is not a shortest varint")]
    Varint,
    /// The tree is lower or higher than a piece's.
    #[error("height {got}, expected 2 to {expected}")]
    Height {
        /// Height found.
        got: u8,
        /// Greatest height.
        expected: u8,
    },
    /// There is more padding than room.
    #[error("padding of {got} bytes, expected at most {expected}")]
    Padding {
        /// Padding found.
        got: u64,
        /// Bytes in the tree.
        expected: u64,
    },
}

/// A piece: its tree's root and height, and how much of it is padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceCid {
    /// Padding in bytes before fr32.
    pub padding: u64,
    /// Height of the tree; it has `2^height` leaves.
    pub height: u8,
    /// Root of the tree (`commP`).
    pub root: Bytes32,
}

/// Bytes of payload that a tree of this height holds.
#[must_use]
pub const fn capacity(height: u8) -> u64 {
    let blocks = 1_u64.checked_shl(height.saturating_sub(MIN_HEIGHT) as u32);
    match blocks {
        Some(blocks) => blocks.saturating_mul(127),
        None => u64::MAX,
    }
}

impl PieceCid {
    /// The piece of a payload, in the lowest tree that holds it; `None` if none does.
    #[must_use]
    pub fn of(payload: &[u8]) -> Option<Self> {
        let mut hasher = PieceHasher::default();
        hasher.update(payload);
        hasher.piece()
    }

    /// Bytes of payload: what is not padding.
    #[must_use]
    pub const fn payload_len(&self) -> u64 {
        capacity(self.height).saturating_sub(self.padding)
    }

    /// Leaves that hold any payload, as `PDPVerifier` counts them (`Cids.leafCount`).
    #[must_use]
    pub fn leaf_count(&self) -> u64 {
        let leaves = 1_u64.checked_shl(self.height.into()).unwrap_or(u64::MAX);
        let padding = u128::from(self.padding).saturating_mul(128) / 127;
        leaves.saturating_sub(u64::try_from(padding).unwrap_or(u64::MAX) / LEAF_LEN)
    }

    /// The one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(MAX_LEN);
        let mut rest = self.padding;
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                body.push(low);
                break;
            }
            body.push(low | 0x80);
        }
        body.push(self.height);
        body.extend_from_slice(&self.root);
        let mut out = PREFIX.to_vec();
        out.push(u8::try_from(body.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(&body);
        out
    }

    /// Reads the one encoding.
    ///
    /// # Errors
    /// If the bytes are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, PieceCidError> {
        let short = |expected| PieceCidError::Length { got: bytes.len(), expected };
        let (prefix, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| short(39))?;
        if *prefix != PREFIX {
            return Err(PieceCidError::Prefix { got: *prefix });
        }
        let (len, body) = rest.split_first().ok_or_else(|| short(39))?;
        if usize::from(*len) != body.len() || bytes.len() > MAX_LEN {
            return Err(short(usize::from(*len).saturating_add(5).min(MAX_LEN)));
        }
        let (body, root) = body.split_last_chunk::<32>().ok_or_else(|| short(39))?;
        let (height, varint) = body.split_last().ok_or_else(|| short(39))?;
        let padding = padding(varint).ok_or(PieceCidError::Varint)?;
        let (got, expected) = (*height, MAX_HEIGHT);
        if !(MIN_HEIGHT..=MAX_HEIGHT).contains(&got) {
            return Err(PieceCidError::Height { got, expected });
        }
        if padding > capacity(got) {
            return Err(PieceCidError::Padding { got: padding, expected: capacity(got) });
        }
        Ok(Self { padding, height: got, root: *root })
    }
}

/// A shortest varint of at most 8 bytes, and nothing after it.
fn padding(varint: &[u8]) -> Option<u64> {
    let (last, before) = varint.split_last()?;
    let shortest = *last != 0 || before.is_empty();
    if last & 0x80 != 0 || !shortest || before.len() > 7 {
        return None;
    }
    before.iter().rev().try_fold(u64::from(*last), |value, byte| {
        (byte & 0x80 != 0).then_some((value << 7) | u64::from(byte & 0x7f))
    })
}

/// Makes a piece of a stream in bounded memory: one block and one node per level.
#[derive(Clone, Debug, Default)]
pub struct PieceHasher {
    fr32: Fr32,
    tree: RootHasher,
    len: u64,
}

impl PieceHasher {
    /// Takes more of the payload.
    pub fn update(&mut self, payload: &[u8]) {
        let Self { fr32, tree, len } = self;
        fr32.update(payload, |leaf| tree.push(leaf));
        *len = len.saturating_add(u64::try_from(payload.len()).unwrap_or(u64::MAX));
    }

    /// The piece in the lowest tree that holds the payload; `None` if none does.
    #[must_use]
    pub fn piece(self) -> Option<PieceCid> {
        let height = (MIN_HEIGHT..=MAX_HEIGHT).find(|height| capacity(*height) >= self.len)?;
        self.piece_of_height(height)
    }

    /// The piece in a tree of this height; `None` if it is too low, or not a piece's.
    #[must_use]
    pub fn piece_of_height(self, height: u8) -> Option<PieceCid> {
        let Self { fr32, mut tree, len } = self;
        let padding = capacity(height).checked_sub(len)?;
        if !(MIN_HEIGHT..=MAX_HEIGHT).contains(&height) {
            return None;
        }
        fr32.finish(|leaf| tree.push(leaf));
        Some(PieceCid { padding, height, root: tree.root(height)? })
    }
}

/// A 256-bit big-endian number modulo `range`; `None` if that is zero.
#[must_use]
pub fn modulo(number: &Bytes32, range: u64) -> Option<u64> {
    let range = u128::from(range);
    let rest = number.iter().try_fold(0_u128, |rest, byte| {
        // below 2^64 · 2^8, so nothing is lost
        ((rest << 8) | u128::from(*byte)).checked_rem(range)
    })?;
    u64::try_from(rest).ok()
}

/// The bytes of a piece's name in an evidence format.
pub(crate) fn bounded(d: &mut crate::cbor::Decoder<'_>) -> Result<Vec<u8>, CborError> {
    Ok(d.bytes("piece cid bytes", MAX_LEN)?.to_vec())
}
