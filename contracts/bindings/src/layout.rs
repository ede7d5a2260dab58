//! Slots and bit ranges of the proven storage. Generated from `contracts/layout/*.json`; do not edit.
//! `tests/layout.rs` writes it and holds it to them.

use alloy_primitives::U256;

/// A value inside a storage word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field {
    /// Word of the struct, counted from its first; of the contract, where it is no struct's.
    pub word: u64,
    /// Lowest bit in that word.
    pub offset_bits: usize,
    /// Width, at most 64.
    pub bits: usize,
}

impl Field {
    /// The value's bits in `word`, as an unsigned number.
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

/// Slot of `DeviceRegistry.withdrawable`.
pub const DEVICE_REGISTRY_WITHDRAWABLE: u64 = 1;

/// `DeviceRegistry.registrationBondGwei`.
pub const DEVICE_REGISTRY_REGISTRATION_BOND_GWEI: Field =
    Field { word: 5, offset_bits: 0, bits: 40 };

/// `DeviceRegistry.relocationCooldown`.
pub const DEVICE_REGISTRY_RELOCATION_COOLDOWN: Field = Field { word: 5, offset_bits: 40, bits: 32 };

/// `Device.since`.
pub const DEVICE_SINCE: Field = Field { word: 0, offset_bits: 160, bits: 40 };

/// `Device.keyType`.
pub const DEVICE_KEY_TYPE: Field = Field { word: 0, offset_bits: 200, bits: 8 };

/// `Device.keyProof`.
pub const DEVICE_KEY_PROOF: Field = Field { word: 0, offset_bits: 208, bits: 8 };

/// `Device.bondGwei`.
pub const DEVICE_BOND_GWEI: Field = Field { word: 0, offset_bits: 216, bits: 40 };

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

/// `Device.nonce`.
pub const DEVICE_NONCE: Field = Field { word: 3, offset_bits: 160, bits: 64 };

/// Slot of `DisputeGame.seals`.
pub const DISPUTE_GAME_SEALS: u64 = 0;

/// Slot of `DisputeGame.disputes`.
pub const DISPUTE_GAME_DISPUTES: u64 = 1;

/// Slot of `DisputeGame.withdrawable`.
pub const DISPUTE_GAME_WITHDRAWABLE: u64 = 2;

/// Slot of `DisputeGame.verifiers`.
pub const DISPUTE_GAME_VERIFIERS: u64 = 4;

/// Slot of `DisputeGame.announced`.
pub const DISPUTE_GAME_ANNOUNCED: u64 = 5;

/// `Announced.activeFrom`.
pub const ANNOUNCED_ACTIVE_FROM: Field = Field { word: 0, offset_bits: 160, bits: 64 };

/// `Dispute.deadline`.
pub const DISPUTE_DEADLINE: Field = Field { word: 4, offset_bits: 160, bits: 64 };

/// `Dispute.needed`.
pub const DISPUTE_NEEDED: Field = Field { word: 4, offset_bits: 224, bits: 32 };

/// `Dispute.openedAt`.
pub const DISPUTE_OPENED_AT: Field = Field { word: 5, offset_bits: 160, bits: 64 };

/// `Dispute.status`.
pub const DISPUTE_STATUS: Field = Field { word: 5, offset_bits: 224, bits: 8 };

/// `Sealed.blockNumber`.
pub const SEALED_BLOCK_NUMBER: Field = Field { word: 0, offset_bits: 160, bits: 40 };

/// `Sealed.sealedAt`.
pub const SEALED_SEALED_AT: Field = Field { word: 0, offset_bits: 200, bits: 40 };

/// `Sealed.status`.
pub const SEALED_STATUS: Field = Field { word: 0, offset_bits: 240, bits: 8 };

/// Slot of `GatewayQuorum.gateways`.
pub const GATEWAY_QUORUM_GATEWAYS: u64 = 0;

/// Slot of `GatewayQuorum.withdrawable`.
pub const GATEWAY_QUORUM_WITHDRAWABLE: u64 = 1;

/// Slot of `GatewayQuorum.floorVotes`.
pub const GATEWAY_QUORUM_FLOOR_VOTES: u64 = 5;

/// Slot of `GatewayQuorum.active`.
pub const GATEWAY_QUORUM_ACTIVE: u64 = 6;

/// `Gateway.joinedAt`.
pub const GATEWAY_JOINED_AT: Field = Field { word: 0, offset_bits: 0, bits: 64 };

/// `Gateway.leavingAt`.
pub const GATEWAY_LEAVING_AT: Field = Field { word: 0, offset_bits: 64, bits: 64 };

/// `Gateway.bondGwei`.
pub const GATEWAY_BOND_GWEI: Field = Field { word: 0, offset_bits: 128, bits: 64 };

/// Slot of `HexEscrow.escrows`.
pub const HEX_ESCROW_ESCROWS: u64 = 0;

/// Slot of `HexEscrow.progress`.
pub const HEX_ESCROW_PROGRESS: u64 = 1;

/// Slot of `HexEscrow.withdrawable`.
pub const HEX_ESCROW_WITHDRAWABLE: u64 = 2;

/// `Escrow.deadline`.
pub const ESCROW_DEADLINE: Field = Field { word: 0, offset_bits: 160, bits: 64 };

/// `Escrow.epochs`.
pub const ESCROW_EPOCHS: Field = Field { word: 0, offset_bits: 224, bits: 32 };

/// `Escrow.hex_`.
pub const ESCROW_HEX: Field = Field { word: 1, offset_bits: 0, bits: 64 };

/// `Escrow.fundedAt`.
pub const ESCROW_FUNDED_AT: Field = Field { word: 1, offset_bits: 64, bits: 64 };

/// `Escrow.status`.
pub const ESCROW_STATUS: Field = Field { word: 1, offset_bits: 224, bits: 8 };

/// `Progress.epochs`.
pub const PROGRESS_EPOCHS: Field = Field { word: 0, offset_bits: 0, bits: 32 };

/// `Progress.nextEpoch`.
pub const PROGRESS_NEXT_EPOCH: Field = Field { word: 0, offset_bits: 32, bits: 64 };

/// Slot of `PriceFeed.current`.
pub const PRICE_FEED_CURRENT: u64 = 1;

/// Slot of `PriceFeed.floor`.
pub const PRICE_FEED_FLOOR: u64 = 2;

/// Slot of `PriceFeed.ceiling`.
pub const PRICE_FEED_CEILING: u64 = 2;

/// `Price.publishedAt`.
pub const PRICE_PUBLISHED_AT: Field = Field { word: 0, offset_bits: 192, bits: 64 };

/// Slot of `RewardDistributor.streams`.
pub const REWARD_DISTRIBUTOR_STREAMS: u64 = 0;

/// Slot of `RewardDistributor.claimed`.
pub const REWARD_DISTRIBUTOR_CLAIMED: u64 = 1;

/// `Stream.nextEpoch`.
pub const STREAM_NEXT_EPOCH: Field = Field { word: 1, offset_bits: 0, bits: 64 };

/// Slot of `RewardReserve.limit`.
pub const REWARD_RESERVE_LIMIT: u64 = 1;

/// `RewardReserve.window`.
pub const REWARD_RESERVE_WINDOW: Field = Field { word: 2, offset_bits: 0, bits: 64 };

/// `RewardReserve.windowStart`.
pub const REWARD_RESERVE_WINDOW_START: Field = Field { word: 2, offset_bits: 64, bits: 64 };

/// Slot of `RewardReserve.released`.
pub const REWARD_RESERVE_RELEASED: u64 = 3;

/// Slot of `RewardSchedule.rates`.
pub const REWARD_SCHEDULE_RATES: u64 = 0;

/// Slot of `RewardSchedule.counts`.
pub const REWARD_SCHEDULE_COUNTS: u64 = 1;

/// `Rate.fromEpoch`.
pub const RATE_FROM_EPOCH: Field = Field { word: 1, offset_bits: 0, bits: 64 };

/// Slot of `ServiceCredits.burned`.
pub const SERVICE_CREDITS_BURNED: u64 = 0;

/// Slot of `ServiceCredits.balances`.
pub const SERVICE_CREDITS_BALANCES: u64 = 1;

/// Slot of `ServiceCredits.feed`.
pub const SERVICE_CREDITS_FEED: u64 = 3;

/// `ServiceCredits.maxAge`.
pub const SERVICE_CREDITS_MAX_AGE: Field = Field { word: 3, offset_bits: 160, bits: 32 };

/// Slot of `ServiceCredits.allowance`.
pub const SERVICE_CREDITS_ALLOWANCE: u64 = 4;

/// Slot of `ServiceCredits.burnedBy`.
pub const SERVICE_CREDITS_BURNED_BY: u64 = 5;

/// Slot of `ServiceLevel.promises`.
pub const SERVICE_LEVEL_PROMISES: u64 = 0;

/// Slot of `ServiceLevel.withdrawable`.
pub const SERVICE_LEVEL_WITHDRAWABLE: u64 = 1;

/// Slot of `ServiceLevel.releases`.
pub const SERVICE_LEVEL_RELEASES: u64 = 3;

/// Slot of `ServiceLevel.runsSince`.
pub const SERVICE_LEVEL_RUNS_SINCE: u64 = 4;

/// `ServiceLevel.fewestSilent`.
pub const SERVICE_LEVEL_FEWEST_SILENT: Field = Field { word: 5, offset_bits: 0, bits: 32 };

/// `ServiceLevel.shareBps`.
pub const SERVICE_LEVEL_SHARE_BPS: Field = Field { word: 5, offset_bits: 32, bits: 32 };

/// `ServiceLevel.bountyGwei`.
pub const SERVICE_LEVEL_BOUNTY_GWEI: Field = Field { word: 5, offset_bits: 64, bits: 64 };

/// `ServiceLevel.reportsNeeded`.
pub const SERVICE_LEVEL_REPORTS_NEEDED: Field = Field { word: 5, offset_bits: 128, bits: 8 };

/// `Promise.lastSeen`.
pub const PROMISE_LAST_SEEN: Field = Field { word: 0, offset_bits: 0, bits: 64 };

/// `Promise.window`.
pub const PROMISE_WINDOW: Field = Field { word: 0, offset_bits: 64, bits: 32 };

/// `Promise.depositGwei`.
pub const PROMISE_DEPOSIT_GWEI: Field = Field { word: 0, offset_bits: 96, bits: 64 };

/// `Promise.status`.
pub const PROMISE_STATUS: Field = Field { word: 0, offset_bits: 160, bits: 8 };

/// `Promise.reports`.
pub const PROMISE_REPORTS: Field = Field { word: 0, offset_bits: 168, bits: 8 };

/// `Promise.lastEpoch`.
pub const PROMISE_LAST_EPOCH: Field = Field { word: 0, offset_bits: 176, bits: 64 };

/// `Promise.brokenAt`.
pub const PROMISE_BROKEN_AT: Field = Field { word: 1, offset_bits: 160, bits: 64 };

/// `Promise.takenAt`.
pub const PROMISE_TAKEN_AT: Field = Field { word: 2, offset_bits: 0, bits: 64 };

/// `Promise.bountyGwei`.
pub const PROMISE_BOUNTY_GWEI: Field = Field { word: 2, offset_bits: 64, bits: 64 };

/// `Release.enrolled`.
pub const RELEASE_ENROLLED: Field = Field { word: 0, offset_bits: 0, bits: 32 };

/// `Release.silent`.
pub const RELEASE_SILENT: Field = Field { word: 0, offset_bits: 32, bits: 32 };

/// `Release.waveAt`.
pub const RELEASE_WAVE_AT: Field = Field { word: 0, offset_bits: 64, bits: 64 };

/// `Release.outage`.
pub const RELEASE_OUTAGE: Field = Field { word: 0, offset_bits: 128, bits: 8 };

/// Slot of `SettlementLedger.settlements`.
pub const SETTLEMENT_LEDGER_SETTLEMENTS: u64 = 0;

/// Slot of `SettlementLedger.withdrawable`.
pub const SETTLEMENT_LEDGER_WITHDRAWABLE: u64 = 1;

/// Slot of `SettlementLedger.seals`.
pub const SETTLEMENT_LEDGER_SEALS: u64 = 3;

/// Slot of `SettlementLedger.disputeGame`.
pub const SETTLEMENT_LEDGER_DISPUTE_GAME: u64 = 4;

/// `Seal.sealedAt`.
pub const SEAL_SEALED_AT: Field = Field { word: 1, offset_bits: 128, bits: 64 };

/// `Settlement.deadline`.
pub const SETTLEMENT_DEADLINE: Field = Field { word: 1, offset_bits: 160, bits: 64 };

/// `Settlement.status`.
pub const SETTLEMENT_STATUS: Field = Field { word: 1, offset_bits: 224, bits: 8 };

/// `Settlement.openDisputes`.
pub const SETTLEMENT_OPEN_DISPUTES: Field = Field { word: 1, offset_bits: 232, bits: 16 };

/// `Settlement.bondReturned`.
pub const SETTLEMENT_BOND_RETURNED: Field = Field { word: 1, offset_bits: 248, bits: 8 };
