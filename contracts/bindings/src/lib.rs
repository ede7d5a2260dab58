//! Where Solidity meets Rust: the storage slots that a light client proves, and what is in them.
//!
//! The slot numbers and bit ranges in [`layout`] are generated from `contracts/layout/*.json`, which
//! the compiler wrote; the formulas here follow the Solidity storage layout (a mapping's value
//! stands at `keccak256(key ‖ slot)`, a struct's later words behind it).
//!
//! This crate trusts nobody and checks nothing: it says where to look. Whether the word found there
//! is the chain's is for `heliotrope-verifier` to prove.
//!
//! | Solidity | here |
//! |---|---|
//! | `DeviceRegistry.Device`, second word | `heliotrope_device_proofs::registry::Radio`, which the check modules read too |
//! | `CheckRegistry.Version` | [`Version`] |
//! | `SettlementLedger.Settlement` | [`Settlement`] |
//! | `SettlementLedger.Roots` | [`Roots`] |
//! | `SettlementLedger.Seal` | [`Seal`] |
//! | `DisputeGame.Dispute` | [`Dispute`] |
//! | `RewardLeaf.Leaf` | [`reward::RewardLeaf`] |
//! | `RewardSchedule.Rate` | [`reward::Rate`] |
//! | `RewardDistributor.Stream` | [`reward::Stream`] |

pub mod layout;
pub mod reward;

#[cfg(feature = "abi")]
pub mod abi;
#[cfg(feature = "abi")]
pub mod governance;

use alloy_primitives::{Address, B256, U256, keccak256};

/// A storage key of `eth_getProof`.
pub type Slot = B256;

/// One version of a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Version {
    /// sha256 of the module's bytes.
    pub module_hash: B256,
    /// sha256 of the parameters' bytes.
    pub params_hash: B256,
    /// Unix seconds from which it judges.
    pub active_from_s: u64,
    /// Version of the check ABI.
    pub abi_version: u16,
}

impl Version {
    /// Reads the three words of [`check_version_slots`].
    #[must_use]
    pub fn from_words(words: [U256; 3]) -> Self {
        let [module_hash, params_hash, packed] = words;
        Self {
            module_hash: module_hash.into(),
            params_hash: params_hash.into(),
            active_from_s: layout::VERSION_ACTIVE_FROM.read(packed),
            abi_version: low_two_bytes(layout::VERSION_ABI_VERSION.read(packed)),
        }
    }
}

/// [`Settlement::status`] of an entry that can be disputed.
pub const STATUS_PROPOSED: u8 = 1;
/// [`Settlement::status`] of an entry that stands for ever.
pub const STATUS_FINAL: u8 = 2;
/// [`Settlement::status`] of an entry that was shown to be wrong; it may be proposed anew.
pub const STATUS_REFUTED: u8 = 3;

/// One entry of the ledger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settlement {
    /// [`Roots::commitment`] of what was proposed.
    pub commitment: B256,
    /// Who proposed it.
    pub proposer: Address,
    /// Unix seconds after which it can be made final.
    pub deadline_s: u64,
    /// 0 nothing, 1 proposed, 2 final, 3 refuted, 4 reserved.
    pub status: u8,
    /// Disputes that a quorum has not yet decided.
    pub open_disputes: u16,
    /// The bond of a final entry went back.
    pub bond_returned: bool,
}

impl Settlement {
    /// Reads the two words of [`settlement_slots`].
    #[must_use]
    pub fn from_words(words: [U256; 2]) -> Self {
        let [commitment, packed] = words;
        Self {
            commitment: commitment.into(),
            proposer: Address::from_word(packed.into()),
            deadline_s: layout::SETTLEMENT_DEADLINE.read(packed),
            status: low_byte(layout::SETTLEMENT_STATUS.read(packed)),
            open_disputes: low_two_bytes(layout::SETTLEMENT_OPEN_DISPUTES.read(packed)),
            bond_returned: layout::SETTLEMENT_BOND_RETURNED.read(packed) != 0,
        }
    }

    /// The entry keeps the commitment that was struck out, so whoever compares it must ask this too.
    #[must_use]
    pub const fn is_refuted(&self) -> bool {
        self.status == STATUS_REFUTED
    }
}

/// [`Dispute::status`] while the quorum is asked.
pub const DISPUTE_OPEN: u8 = 1;

/// A question to the quorum.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dispute {
    /// Key of the disputed entry of the ledger.
    pub key: B256,
    /// What was proposed there.
    pub commitment: B256,
    /// sha256 of the output that the proposal has.
    pub output_hash: B256,
    /// sha256 of the evidence bundle.
    pub bundle_hash: B256,
    /// 0 nothing, 1 open, 2 wrong, 3 right, 4 undecided.
    pub status: u8,
}

impl Dispute {
    /// Reads the six words of [`dispute_slots`].
    #[must_use]
    pub fn from_words(words: [U256; 6]) -> Self {
        let [key, commitment, output_hash, bundle_hash, _, packed] = words;
        Self {
            key: key.into(),
            commitment: commitment.into(),
            output_hash: output_hash.into(),
            bundle_hash: bundle_hash.into(),
            status: low_byte(layout::DISPUTE_STATUS.read(packed)),
        }
    }
}

/// All final lanes of an epoch in two words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seal {
    /// [`Seal::digest_of`] the lanes' commitments.
    pub digest: B256,
    /// Bit n: lane n is in the digest.
    pub lanes: u128,
    /// Unix seconds of the last sealing.
    pub sealed_at_s: u64,
}

impl Seal {
    /// Reads the two words of [`seal_slots`].
    #[must_use]
    pub fn from_words(words: [U256; 2]) -> Self {
        let [digest, packed] = words;
        // the lanes are the lower half of the word
        let [low, high, ..] = packed.into_limbs();
        Self {
            digest: digest.into(),
            lanes: u128::from(high) << 64 | u128::from(low),
            sealed_at_s: layout::SEAL_SEALED_AT.read(packed),
        }
    }

    /// The digest of these commitments, ascending by lane.
    #[must_use]
    pub fn digest_of(commitments: &[B256]) -> B256 {
        keccak256(commitments.concat())
    }
}

/// What one ledger entry commits to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Roots {
    /// Merkle root over the evidence bundles.
    pub evidence: B256,
    /// Merkle root over the verdicts.
    pub verdict: B256,
    /// Merkle root over the coverage shards.
    pub coverage: B256,
    /// Merkle root over the rewards.
    pub reward: B256,
    /// sha256 of the module that judged.
    pub module_hash: B256,
    /// Hash of the anchor block.
    pub anchor_hash: B256,
}

impl Roots {
    /// `keccak256(abi.encode(Roots))`, the word that the ledger keeps.
    #[must_use]
    pub fn commitment(&self) -> B256 {
        let words = [
            self.evidence,
            self.verdict,
            self.coverage,
            self.reward,
            self.module_hash,
            self.anchor_hash,
        ];
        keccak256(words.concat())
    }
}

/// Slot of the number of versions that a check has.
#[must_use]
pub fn check_count_slot(check_id: B256) -> Slot {
    mapping(check_id, layout::CHECK_REGISTRY_COUNTS)
}

/// Slots of one version of a check, see [`Version`]. Versions are numbered from 1.
#[must_use]
pub fn check_version_slots(check_id: B256, version: u64) -> [Slot; 3] {
    let versions = U256::from_be_bytes(mapping(check_id, layout::CHECK_REGISTRY_VERSIONS).0);
    let first = hash_pair(U256::from(version).into(), versions.into());
    [first, offset(first, 1), offset(first, 2)]
}

/// Slots of one ledger entry, see [`Settlement`].
#[must_use]
pub fn settlement_slots(check_id: B256, lane: u64, epoch: u64) -> [Slot; 2] {
    let key = keccak256([check_id, U256::from(lane).into(), U256::from(epoch).into()].concat());
    let first = mapping(key, layout::SETTLEMENT_LEDGER_SETTLEMENTS);
    [first, offset(first, 1)]
}

/// Slots of the seal of an epoch, see [`Seal`].
#[must_use]
pub fn seal_slots(check_id: B256, epoch: u64) -> [Slot; 2] {
    let key = hash_pair(check_id, U256::from(epoch).into());
    let first = mapping(key, layout::SETTLEMENT_LEDGER_SEALS);
    [first, offset(first, 1)]
}

/// Slot of the address of the contract that may refute a ledger's entries.
#[must_use]
pub fn dispute_game_slot() -> Slot {
    U256::from(layout::SETTLEMENT_LEDGER_DISPUTE_GAME).into()
}

/// Slots of one dispute of the game, see [`Dispute`].
#[must_use]
pub fn dispute_slots(dispute: B256) -> [Slot; 6] {
    let first = mapping(dispute, layout::DISPUTE_GAME_DISPUTES);
    [0, 1, 2, 3, 4, 5].map(|word| offset(first, word))
}

/// Slot of the word that names a device's owner, see [`device_owner`]. A device id is keccak256 of its key.
#[must_use]
pub fn device_owner_slot(device_id: B256) -> Slot {
    mapping(device_id, layout::DEVICE_REGISTRY_DEVICES)
}

/// The owner in the word of [`device_owner_slot`]; zero where nobody registered the device.
#[must_use]
pub fn device_owner(word: U256) -> Address {
    Address::from_word(word.into())
}

/// Key of the rewards of a lane in `RewardDistributor`.
#[must_use]
pub fn reward_stream(check_id: B256, lane: u64) -> B256 {
    hash_pair(check_id, U256::from(lane).into())
}

/// Slot of what an account has had of a stream.
#[must_use]
pub fn claimed_slot(stream: B256, account: Address) -> Slot {
    hash_pair(account.into_word(), mapping(stream, layout::REWARD_DISTRIBUTOR_CLAIMED))
}

/// Slot of what was burned for a check in an epoch: credits in the lower half, tokens (of check id 0) in
/// the upper.
#[must_use]
pub fn burned_slot(check_id: B256, epoch: u64) -> Slot {
    mapping(hash_pair(check_id, U256::from(epoch).into()), layout::SERVICE_CREDITS_BURNED)
}

/// Slot of the credits that were spent in the name of a payer (the hash of its key) in an epoch, which is a day. Rule D8
/// of the check `data-transfer` asks for it, by its parameters `credits` and `burned_slot`:
/// [`layout::SERVICE_CREDITS_BURNED_BY`].
#[must_use]
pub fn burned_by_slot(payer: B256, epoch: u64) -> Slot {
    let epochs = mapping(payer, layout::SERVICE_CREDITS_BURNED_BY);
    hash_pair(U256::from(epoch).into(), epochs)
}

/// Id of a check: keccak256 of its name.
#[must_use]
pub fn check_id(name: &str) -> B256 {
    keccak256(name.as_bytes())
}

/// Slot of a mapping's value; the words of a struct follow it.
#[must_use]
pub fn mapping(key: B256, slot: u64) -> Slot {
    hash_pair(key, U256::from(slot).into())
}

fn hash_pair(left: B256, right: B256) -> B256 {
    keccak256([left, right].concat())
}

/// The slot so many words on.
#[must_use]
pub fn offset(slot: Slot, words: u64) -> Slot {
    U256::from_be_bytes(slot.0).wrapping_add(U256::from(words)).into()
}

fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

fn low_two_bytes(value: u64) -> u16 {
    let [low, high, ..] = value.to_le_bytes();
    u16::from_le_bytes([low, high])
}

#[cfg(test)]
mod tests {
    use heliotrope_device_proofs::registry::{Radio, radio_slot};

    use super::*;

    /// The check modules read the device word by their own code, which goes into pinned bytes; it must
    /// follow the same layout.
    #[test]
    fn the_radio_word_is_where_the_compiler_put_it() {
        let id = [7; 32];
        let word =
            offset(mapping(id.into(), layout::DEVICE_REGISTRY_DEVICES), layout::DEVICE_CELL.word);
        assert_eq!(B256::from(radio_slot(&id)), word);
        let radio = Radio {
            cell: 0x08c1_fb46_741a_e9ff,
            gain_ddbi: -12,
            elevation_m: 37,
            region: 1,
            status: 2,
            since: 0x0102_0304,
        };
        let word = U256::from_be_bytes(radio.to_word());
        assert_eq!(layout::DEVICE_CELL.read(word), radio.cell);
        assert_eq!(layout::DEVICE_GAIN_DDBI.read(word), u64::from((-12_i16).cast_unsigned()));
        assert_eq!(layout::DEVICE_ELEVATION_M.read(word), 37);
        assert_eq!(layout::DEVICE_REGION.read(word), 1);
        assert_eq!(layout::DEVICE_STATUS.read(word), 2);
        assert_eq!(layout::DEVICE_ASSERTED.read(word), radio.since);
    }

    #[test]
    fn commitment_is_the_abi_encoding_hashed() {
        let roots = Roots { evidence: B256::repeat_byte(1), ..Roots::default() };
        let mut encoded = [0_u8; 192];
        encoded[..32].fill(1);
        assert_eq!(roots.commitment(), keccak256(encoded));
    }
}
