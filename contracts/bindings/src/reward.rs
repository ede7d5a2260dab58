//! Leaves of the reward tree, as `contracts/src/lib/RewardLeaf.sol` reads them.
//!
//! ```text
//!  account (20) ‖ previous (16) ‖ score ppm (8) ‖ cumulative (16)      numbers big endian
//! ```
//! The [`tree`] over them is `heliotrope_device_proofs::merkle`. Sums are cumulative, and a leaf carries its
//! own step, so that one transaction can check its arithmetic.

#[cfg(feature = "abi")]
pub mod fault;
pub mod tree;

use alloy_primitives::{Address, B256, U256, keccak256};

use crate::{Slot, layout, mapping, offset};

/// Bytes of a leaf's data.
pub const REWARD_LEAF_LEN: usize = 60;
/// Score of a full check, in millionths.
const FULL_SCORE_PPM: u128 = 1_000_000;

/// What a check pays from an epoch on: `RewardSchedule.Rate`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rate {
    /// Smallest units of the token for one full score.
    pub per_score: u128,
    /// Most that one account gets in one epoch of one lane.
    pub cap: u128,
    /// First epoch that it holds for.
    pub from_epoch: u64,
}

impl Rate {
    /// Reads the two words of [`rate_slots`].
    #[must_use]
    pub fn from_words(words: [U256; 2]) -> Self {
        let [amounts, from_epoch] = words;
        let [a, b, c, d] = amounts.into_limbs();
        let whole = |low: u64, high: u64| u128::from(high) << 64 | u128::from(low);
        Self {
            per_score: whole(a, b),
            cap: whole(c, d),
            from_epoch: layout::RATE_FROM_EPOCH.read(from_epoch),
        }
    }

    /// What a score earns, rounded down, as `RewardSchedule.rewardOf` gives it.
    #[must_use]
    pub fn earned(&self, score_ppm: u64) -> u128 {
        // a product that does not fit is far above any cap
        self.per_score
            .checked_mul(u128::from(score_ppm))
            .map_or(self.cap, |product| product.wrapping_div(FULL_SCORE_PPM).min(self.cap))
    }
}

/// Slot of the number of rates that a check has.
#[must_use]
pub fn rate_count_slot(check_id: B256) -> Slot {
    mapping(check_id, layout::REWARD_SCHEDULE_COUNTS)
}

/// Slots of one [`Rate`] of a check. They are numbered from 1.
#[must_use]
pub fn rate_slots(check_id: B256, version: u64) -> [Slot; 2] {
    let rates = U256::from_be_bytes(mapping(check_id, layout::REWARD_SCHEDULE_RATES).0);
    let first = crate::hash_pair(U256::from(version).into(), rates.into());
    [first, offset(first, 1)]
}

/// What a lane of a check is paid from: `RewardDistributor.Stream`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stream {
    /// Reward root of a final settlement; zero: nothing can be claimed.
    pub root: B256,
    /// First epoch whose root is newer.
    pub next_epoch: u64,
}

impl Stream {
    /// Reads the two words of [`stream_slots`].
    #[must_use]
    pub fn from_words(words: [U256; 2]) -> Self {
        let [root, next_epoch] = words;
        Self { root: root.into(), next_epoch: layout::STREAM_NEXT_EPOCH.read(next_epoch) }
    }
}

/// Slots of one [`Stream`], by its key ([`crate::reward_stream`]).
#[must_use]
pub fn stream_slots(stream: B256) -> [Slot; 2] {
    let first = mapping(stream, layout::REWARD_DISTRIBUTOR_STREAMS);
    [first, offset(first, 1)]
}

/// What an account has earned in one (check, lane) since the beginning.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RewardLeaf {
    /// Who is paid.
    pub account: Address,
    /// `cumulative` of the account's leaf in the epoch before; 0 if it had none.
    pub previous: u128,
    /// Sum of the scores of its verdicts in this epoch, millionths of a full check.
    pub score_ppm: u64,
    /// Smallest units of the token, all epochs together.
    pub cumulative: u128,
}

impl RewardLeaf {
    /// The next leaf of an account: what `RewardSchedule.rewardOf` gives for the score, added. `None` if
    /// the sum does not fit.
    #[must_use]
    pub fn next(account: Address, previous: u128, score_ppm: u64, rate: &Rate) -> Option<Self> {
        let cumulative = previous.checked_add(rate.earned(score_ppm))?;
        Some(Self { account, previous, score_ppm, cumulative })
    }

    /// Reads a leaf's data. Any bytes of this length are some leaf.
    #[must_use]
    pub fn from_data(data: &[u8; REWARD_LEAF_LEN]) -> Self {
        let (account, rest) = data.split_at(20);
        let (previous, rest) = rest.split_at(16);
        let (score_ppm, cumulative) = rest.split_at(8);
        let number =
            |bytes: &[u8]| bytes.iter().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
        Self {
            account: Address::from_slice(account),
            previous: number(previous),
            score_ppm: u64::try_from(number(score_ppm)).unwrap_or(u64::MAX),
            cumulative: number(cumulative),
        }
    }

    /// The leaf's data, before the tree hashes it.
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        let mut data = Vec::with_capacity(REWARD_LEAF_LEN);
        data.extend_from_slice(self.account.as_slice());
        data.extend_from_slice(&self.previous.to_be_bytes());
        data.extend_from_slice(&self.score_ppm.to_be_bytes());
        data.extend_from_slice(&self.cumulative.to_be_bytes());
        data
    }

    /// The leaf's hash in the reward tree, which is over Keccak-256.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256([&[0][..], &self.data()].concat())
    }

    /// What `RewardDistributor.claim` takes of the leaf at `index` of `count`, with its path in the tree.
    #[must_use]
    pub fn claim_proof(&self, index: u64, count: u64, path: &[[u8; 32]]) -> Vec<u8> {
        let place = [index.to_be_bytes(), count.to_be_bytes()].concat();
        [place, self.data(), path.concat()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reward_is_the_score_times_the_rate_rounded_down_and_capped() {
        let rate = |per_score, cap| Rate { per_score, cap, from_epoch: 0 };
        let next = |score, cap| RewardLeaf::next(Address::ZERO, 10, score, &rate(3_000_001, cap));
        assert_eq!(next(500_000, u128::MAX).unwrap().cumulative, 10 + 1_500_000);
        assert_eq!(next(9_000_000, 5).unwrap().cumulative, 15);
        let most = rate(u128::MAX, 7);
        assert_eq!(RewardLeaf::next(Address::ZERO, 1, u64::MAX, &most).unwrap().cumulative, 8);
        let full = RewardLeaf::next(Address::ZERO, u128::MAX, 1_000_000, &rate(1, 7));
        assert_eq!(full, None);
    }

    #[test]
    fn a_leaf_survives_its_data() {
        let leaf = RewardLeaf {
            account: Address::repeat_byte(1),
            previous: u128::MAX - 1,
            score_ppm: u64::MAX - 2,
            cumulative: 0x0102_0304,
        };
        let data: [u8; REWARD_LEAF_LEN] = leaf.data().try_into().unwrap();
        assert_eq!(RewardLeaf::from_data(&data), leaf);
    }
}
