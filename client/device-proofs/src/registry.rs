//! The device's entry in `DeviceRegistry`: its id, the storage key of its radio word, and the word.
//!
//! The slot numbers repeat `contracts/layout`; `heliotrope-contracts` and a test hold them equal.
//! They stand here as well because check modules name storage keys and must not carry the bindings.

use crate::Bytes32;
use tiny_keccak::{Hasher as _, Keccak};

/// Slot of `mapping(bytes32 deviceId => Device)` in `DeviceRegistry`.
pub const DEVICES_SLOT: u8 = 0;
/// Offset of the radio word in `Device`.
pub const RADIO_OFFSET: u8 = 1;
/// Value of [`Radio::status`] of a device that takes part.
pub const STATUS_ACTIVE: u8 = 1;

/// Keccak-256 of the concatenation of `parts`.
#[must_use]
pub fn keccak256(parts: &[&[u8]]) -> Bytes32 {
    let mut hasher = Keccak::v256();
    parts.iter().for_each(|part| hasher.update(part));
    let mut out = Bytes32::default();
    hasher.finalize(&mut out);
    out
}

/// The registry's id of a device: the hash of its public key in Helium's binary form.
#[must_use]
pub fn device_id(public_key: &[u8]) -> Bytes32 {
    keccak256(&[public_key])
}

/// The storage key of the device's radio word: `keccak256(deviceId ‖ slot) + 1`.
#[must_use]
pub fn radio_slot(device_id: &Bytes32) -> Bytes32 {
    let mut slot = Bytes32::default();
    if let Some(low) = slot.last_mut() {
        *low = DEVICES_SLOT;
    }
    add_small(keccak256(&[device_id, &slot]), RADIO_OFFSET)
}

fn add_small(mut word: Bytes32, value: u8) -> Bytes32 {
    let mut carry = value;
    for byte in word.iter_mut().rev() {
        let (sum, overflow) = byte.overflowing_add(carry);
        *byte = sum;
        carry = u8::from(overflow);
    }
    word
}

/// The radio word: what the owner asserted about the device's place and antenna.
///
/// Solidity packs the first member into the lowest-order bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Radio {
    /// Asserted H3 cell, resolution 12; 0 if not asserted.
    pub cell: u64,
    /// Antenna gain in tenths of dBi.
    pub gain_ddbi: i16,
    /// Elevation above ground in metres.
    pub elevation_m: i16,
    /// Region number of the `LoRa` region table.
    pub region: u8,
    /// [`STATUS_ACTIVE`] or anything else: not taking part.
    pub status: u8,
    /// When it was asserted, in seconds since 1970.
    pub since: u64,
}

impl Radio {
    /// Reads the word as it stands in storage (big endian).
    #[must_use]
    pub fn from_word(word: &Bytes32) -> Self {
        let [
            ..,
            s4,
            s3,
            s2,
            s1,
            s0,
            status,
            region,
            e1,
            e0,
            g1,
            g0,
            c7,
            c6,
            c5,
            c4,
            c3,
            c2,
            c1,
            c0,
        ] = *word;
        Self {
            cell: u64::from_be_bytes([c7, c6, c5, c4, c3, c2, c1, c0]),
            gain_ddbi: i16::from_be_bytes([g1, g0]),
            elevation_m: i16::from_be_bytes([e1, e0]),
            region,
            status,
            since: u64::from_be_bytes([0, 0, 0, s4, s3, s2, s1, s0]),
        }
    }

    /// The word as it stands in storage; `since` keeps its low 40 bits.
    #[must_use]
    pub fn to_word(&self) -> Bytes32 {
        let [_, _, _, s4, s3, s2, s1, s0] = self.since.to_be_bytes();
        let [e1, e0] = self.elevation_m.to_be_bytes();
        let [g1, g0] = self.gain_ddbi.to_be_bytes();
        let low = [s4, s3, s2, s1, s0, self.status, self.region, e1, e0, g1, g0];
        let mut word = Bytes32::default();
        for (to, from) in
            word.iter_mut().rev().zip(self.cell.to_be_bytes().iter().rev().chain(low.iter().rev()))
        {
            *to = *from;
        }
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keccak_known_answer() {
        assert_eq!(
            hex::encode(keccak256(&[])),
            "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        );
    }

    #[test]
    fn a_radio_word_survives_its_storage_form() {
        let radio = Radio {
            cell: 0x08c3_f35a_2861_11ff,
            gain_ddbi: -12,
            elevation_m: 31,
            region: 1,
            status: STATUS_ACTIVE,
            since: 1_790_000_000,
        };
        let word = radio.to_word();
        assert_eq!(word[..13], [0; 13]);
        assert_eq!(word[24..], radio.cell.to_be_bytes());
        assert_eq!(Radio::from_word(&word), radio);
    }

    #[test]
    fn the_slot_offset_carries() {
        assert_eq!(add_small([0xff; 32], 1), [0; 32]);
        let mut word = [0; 32];
        word[31] = 0xff;
        assert_eq!(add_small(word, 1)[30..], [1, 0]);
    }
}
