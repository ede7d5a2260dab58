//! Slots and bit ranges of the proven storage. Generated from the compiler's storage layout by
//! `cargo run --release -p heliotrope-harness -- layout --update`; do not edit.

use alloy_primitives::U256;

/// A struct member inside a storage word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field {
    /// Word of the struct, counted from its first.
    pub word: u64,
    /// Lowest bit in that word.
    pub offset_bits: usize,
    /// Width, at most 64.
    pub bits: usize,
}

impl Field {
    /// The member's bits in `word`, as an unsigned number.
    #[must_use]
    pub fn read(self, word: U256) -> u64 {
        let [low, ..] = word.wrapping_shr(self.offset_bits).into_limbs();
        if self.bits >= 64 { low } else { low & !(u64::MAX << self.bits) }
    }
}

/// Slot of `CheckRegistry.versions`.
pub const CHECK_REGISTRY_VERSIONS: u64 = 0;

/// Slot of `CheckRegistry.counts`.
pub const CHECK_REGISTRY_COUNTS: u64 = 1;

/// `Version.activeFrom`.
pub const VERSION_ACTIVE_FROM: Field = Field { word: 2, offset_bits: 0, bits: 64 };

/// `Version.abiVersion`.
pub const VERSION_ABI_VERSION: Field = Field { word: 2, offset_bits: 64, bits: 16 };

/// Slot of `DeviceRegistry.devices`.
pub const DEVICE_REGISTRY_DEVICES: u64 = 0;

/// `Device.since`.
pub const DEVICE_SINCE: Field = Field { word: 0, offset_bits: 160, bits: 40 };

/// `Device.keyType`.
pub const DEVICE_KEY_TYPE: Field = Field { word: 0, offset_bits: 200, bits: 8 };

/// `Device.keyProof`.
pub const DEVICE_KEY_PROOF: Field = Field { word: 0, offset_bits: 208, bits: 8 };

/// `Device.cell`.
pub const DEVICE_CELL: Field = Field { word: 1, offset_bits: 0, bits: 64 };

/// `Device.gainDdbi`.
pub const DEVICE_GAIN_DDBI: Field = Field { word: 1, offset_bits: 64, bits: 16 };

/// `Device.elevationM`.
pub const DEVICE_ELEVATION_M: Field = Field { word: 1, offset_bits: 80, bits: 16 };

/// `Device.region`.
pub const DEVICE_REGION: Field = Field { word: 1, offset_bits: 96, bits: 8 };

/// `Device.status`.
pub const DEVICE_STATUS: Field = Field { word: 1, offset_bits: 104, bits: 8 };

/// `Device.asserted`.
pub const DEVICE_ASSERTED: Field = Field { word: 1, offset_bits: 112, bits: 40 };

/// Slot of `SettlementLedger.settlements`.
pub const SETTLEMENT_LEDGER_SETTLEMENTS: u64 = 0;

/// Slot of `SettlementLedger.withdrawable`.
pub const SETTLEMENT_LEDGER_WITHDRAWABLE: u64 = 1;

/// `Settlement.deadline`.
pub const SETTLEMENT_DEADLINE: Field = Field { word: 1, offset_bits: 160, bits: 64 };

/// `Settlement.status`.
pub const SETTLEMENT_STATUS: Field = Field { word: 1, offset_bits: 224, bits: 8 };
