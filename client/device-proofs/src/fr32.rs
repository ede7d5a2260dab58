//! Fr32 padding: how Filecoin makes field elements of a payload.
//!
//! ```text
//!  127 bytes = 4 × 254 bits ──► 128 bytes = 4 leaves of 32 bytes, the two top bits of each zero
//! ```
//! Bits are counted from the lowest of the first byte, so leaf `i` holds the bits from `254 · i` of the
//! payload (FRC-0069; `rust-fil-proofs`, `storage-proofs-core`: fr32). It works on a stream and holds
//! one block of 127 bytes, however long the payload is.

use crate::Bytes32;

/// Bytes of payload that make four leaves.
pub const BLOCK_LEN: usize = 127;
/// Bits of payload in a leaf.
pub const LEAF_BITS: u64 = 254;
/// What the last byte of a leaf may have set.
const LAST_BYTE_MASK: u8 = 0x3f;

/// Pads a stream.
#[derive(Clone, Debug)]
pub struct Fr32 {
    block: [u8; BLOCK_LEN],
    filled: usize,
}

impl Default for Fr32 {
    fn default() -> Self {
        Self { block: [0; BLOCK_LEN], filled: 0 }
    }
}

impl Fr32 {
    /// Takes more of the payload and hands over the leaves that are complete.
    pub fn update(&mut self, payload: &[u8], mut leaf: impl FnMut(Bytes32)) {
        for byte in payload {
            if let Some(place) = self.block.get_mut(self.filled) {
                *place = *byte;
            }
            self.filled = self.filled.saturating_add(1);
            if self.filled == BLOCK_LEN {
                leaves(&self.block).into_iter().for_each(&mut leaf);
                *self = Self::default();
            }
        }
    }

    /// Hands over the leaves of the last block, zero-padded, if there is one.
    pub fn finish(self, leaf: impl FnMut(Bytes32)) {
        if self.filled > 0 {
            leaves(&self.block).into_iter().for_each(leaf);
        }
    }
}

/// The four leaves of a block.
fn leaves(block: &[u8; BLOCK_LEN]) -> [Bytes32; 4] {
    // leaf k begins at bit 254 · k: byte 0, 31, 63, 95 and bit 0, 6, 4, 2 of it
    [(0, 0), (31, 6), (63, 4), (95, 2)].map(|(first, shift): (usize, u32)| {
        let mut leaf = Bytes32::default();
        let low = block.iter().skip(first);
        let high = block.iter().skip(first.saturating_add(1)).chain([&0]);
        for (out, (low, high)) in leaf.iter_mut().zip(low.zip(high)) {
            *out = (low >> shift) | high.checked_shl(8_u32.saturating_sub(shift)).unwrap_or(0);
        }
        if let Some(last) = leaf.last_mut() {
            *last &= LAST_BYTE_MASK;
        }
        leaf
    })
}

/// Whether a leaf is a field element by its form: the two top bits are zero.
#[must_use]
pub fn is_leaf(leaf: &Bytes32) -> bool {
    leaf.last().is_some_and(|last| last & !LAST_BYTE_MASK == 0)
}

/// Number of the bits of leaf `index` that are set beyond the end of a payload of `payload_len` bytes.
///
/// In a piece they are all zero: what stands there is padding.
#[must_use]
pub fn bits_beyond(leaf: &Bytes32, index: u64, payload_len: u64) -> u32 {
    let start = u128::from(index).saturating_mul(u128::from(LEAF_BITS));
    let end = u128::from(payload_len).saturating_mul(8);
    let inside = end.saturating_sub(start);
    let bits = |place: usize| u128::try_from(place).unwrap_or(u128::MAX).saturating_mul(8);
    let beyond = leaf.iter().enumerate().map(|(place, byte)| {
        let kept = inside.saturating_sub(bits(place));
        let kept = u32::try_from(kept).unwrap_or(u32::MAX);
        byte.checked_shr(kept).unwrap_or(0).count_ones()
    });
    beyond.sum()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    /// Bit by bit, as the definition says it.
    fn by_definition(payload: &[u8]) -> Vec<Bytes32> {
        let bit = |at: usize| payload.get(at / 8).map_or(0, |byte| (byte >> (at % 8)) & 1);
        (0..payload.len().div_ceil(BLOCK_LEN) * 4)
            .map(|index| {
                let mut leaf = Bytes32::default();
                for n in 0..254 {
                    leaf[n / 8] |= bit(254 * index + n) << (n % 8);
                }
                leaf
            })
            .collect()
    }

    #[test]
    fn a_stream_is_padded_as_the_definition_says() {
        let payload: Vec<u8> = (0..700_u32).map(|n| n.wrapping_mul(167).to_le_bytes()[0]).collect();
        for len in [0, 1, 126, 127, 128, 254, 381, 700] {
            for step in [1, 13, 700] {
                let (mut fr32, mut got) = (Fr32::default(), Vec::new());
                for part in payload[..len].chunks(step) {
                    fr32.update(part, |leaf| got.push(leaf));
                }
                fr32.finish(|leaf| got.push(leaf));
                assert_eq!(got, by_definition(&payload[..len]), "{len} bytes by {step}");
                assert!(got.iter().all(is_leaf));
                for (index, leaf) in (0..).zip(&got) {
                    assert_eq!(bits_beyond(leaf, index, len as u64), 0, "{len} bytes");
                }
            }
        }
    }

    #[test]
    fn every_bit_beyond_the_payload_is_seen() {
        for payload_len in [0, 1, 31, 32, 40, 127] {
            for bit in 0..256 {
                let mut leaf = Bytes32::default();
                leaf[bit / 8] = 1 << (bit % 8);
                let inside = (254 + bit as u64) < payload_len * 8;
                assert_eq!(bits_beyond(&leaf, 1, payload_len), u32::from(!inside), "bit {bit}");
            }
        }
    }
}
