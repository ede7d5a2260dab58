//! The reward tree of a lane as it is served: its leaves, ascending by account, one after the other.
//!
//! Whoever has the root that the chain keeps needs nothing else: the file either has that root or is another one, and
//! an account that is not in it has nothing. The tree of an epoch has every account of the tree before it, so that an
//! account that rests keeps its sum.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use heliotrope_device_proofs::merkle::RewardTree;

use super::{REWARD_LEAF_LEN, Rate, RewardLeaf};

/// Most accounts in a lane: a file of 15 MB.
pub const MAX_REWARD_LEAVES: usize = 1 << 18;

/// Why bytes are no reward tree, or a tree cannot go on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RewardError {
    /// Not a whole number of leaves.
    #[error("reward leaves of {got} bytes, expected a multiple of {expected}")]
    Length {
        /// Bytes.
        got: usize,
        /// Bytes of a leaf.
        expected: usize,
    },
    /// More accounts than a lane has.
    #[error("{got} reward leaves, expected at most {expected}")]
    TooMany {
        /// Leaves.
        got: usize,
        /// Limit.
        expected: usize,
    },
    /// Accounts do not ascend.
    #[error("reward leaf of account {got} after that of {after}, expected ascending accounts")]
    Order {
        /// The account.
        got: Address,
        /// The one before it.
        after: Address,
    },
    /// The root is another one.
    #[error("reward leaves have root {got}, expected {expected}")]
    Root {
        /// Root of the leaves.
        got: B256,
        /// Root that the chain keeps.
        expected: B256,
    },
    /// A sum that no leaf holds.
    #[error("the sum of account {account} does not fit")]
    Overflow {
        /// Whose.
        account: Address,
    },
}

/// A leaf with its path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlacedLeaf {
    /// The leaf.
    pub leaf: RewardLeaf,
    /// Its place.
    pub index: u64,
    /// Leaves of the tree.
    pub count: u64,
    /// Siblings, from the leaf up.
    pub path: Vec<B256>,
}

impl PlacedLeaf {
    /// What `RewardDistributor.claim` takes: index (8) ‖ count (8) ‖ the leaf's data ‖ its siblings.
    #[must_use]
    pub fn packed(&self) -> Vec<u8> {
        let path: Vec<_> = self.path.iter().map(|hash| hash.0).collect();
        self.leaf.claim_proof(self.index, self.count, &path)
    }
}

/// The reward leaves of a lane, each account once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RewardLeaves {
    leaves: Vec<RewardLeaf>,
}

impl RewardLeaves {
    /// Reads a file that a carrier sent for a root.
    ///
    /// # Errors
    /// If it is not the one encoding of a tree with that root.
    pub fn open(bytes: &[u8], expected: B256) -> Result<Self, RewardError> {
        let leaves = decode_leaves(bytes)?;
        for (before, leaf) in leaves.iter().zip(leaves.iter().skip(1)) {
            if before.account >= leaf.account {
                return Err(RewardError::Order { got: leaf.account, after: before.account });
            }
        }
        let tree = Self { leaves };
        let got = tree.root();
        if got == expected { Ok(tree) } else { Err(RewardError::Root { got, expected }) }
    }

    /// The file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.leaves.iter().flat_map(RewardLeaf::data).collect()
    }

    /// The leaves.
    #[must_use]
    pub fn leaves(&self) -> &[RewardLeaf] {
        &self.leaves
    }

    /// What a settlement commits to; zero, from which nothing can be claimed, of a tree without leaves.
    #[must_use]
    pub fn root(&self) -> B256 {
        if self.leaves.is_empty() { B256::ZERO } else { merkle_tree(&self.leaves).root().into() }
    }

    /// An account's leaf, if it has one.
    #[must_use]
    pub fn leaf_of(&self, account: Address) -> Option<PlacedLeaf> {
        let place = self.leaves.binary_search_by_key(&account, |leaf| leaf.account).ok()?;
        placed(&self.leaves, place)
    }

    /// The tree of the next epoch: every account of this one, and those that earned. `scores` are sums of the passing
    /// verdicts' scores in the epoch, millionths of a full check.
    ///
    /// # Errors
    /// If a sum does not fit, or there are too many accounts.
    pub fn next(&self, scores: &BTreeMap<Address, u64>, rate: &Rate) -> Result<Self, RewardError> {
        let mut sums: BTreeMap<Address, u128> =
            self.leaves.iter().map(|leaf| (leaf.account, leaf.cumulative)).collect();
        for account in scores.keys() {
            sums.entry(*account).or_default();
        }
        let (got, expected) = (sums.len(), MAX_REWARD_LEAVES);
        if got > expected {
            return Err(RewardError::TooMany { got, expected });
        }
        let leaf = |(account, previous): (Address, u128)| {
            let score = scores.get(&account).copied().unwrap_or_default();
            RewardLeaf::next(account, previous, score, rate)
                .ok_or(RewardError::Overflow { account })
        };
        Ok(Self { leaves: sums.into_iter().map(leaf).collect::<Result<_, _>>()? })
    }
}

/// The leaves of a file, whatever they say: whoever looks for a fraud wants to see it.
///
/// # Errors
/// If the bytes are no leaves, or too many.
pub fn decode_leaves(bytes: &[u8]) -> Result<Vec<RewardLeaf>, RewardError> {
    let (leaves, rest) = bytes.as_chunks::<REWARD_LEAF_LEN>();
    if !rest.is_empty() {
        return Err(RewardError::Length { got: bytes.len(), expected: REWARD_LEAF_LEN });
    }
    let (got, expected) = (leaves.len(), MAX_REWARD_LEAVES);
    if got > expected {
        return Err(RewardError::TooMany { got, expected });
    }
    Ok(leaves.iter().map(RewardLeaf::from_data).collect())
}

/// The tree over leaves, with its paths.
#[must_use]
pub fn merkle_tree(leaves: &[RewardLeaf]) -> RewardTree {
    RewardTree::new(leaves.iter().map(|leaf| leaf.hash().0).collect())
}

/// The leaf at a place, with its path.
#[must_use]
pub fn placed(leaves: &[RewardLeaf], place: usize) -> Option<PlacedLeaf> {
    Some(PlacedLeaf {
        leaf: *leaves.get(place)?,
        index: u64::try_from(place).ok()?,
        count: u64::try_from(leaves.len()).ok()?,
        path: merkle_tree(leaves).path(place).into_iter().map(B256::from).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_score: 1_000, cap: 1_500, from_epoch: 0 };

    fn account(byte: u8) -> Address {
        Address::repeat_byte(byte)
    }

    fn scores<const N: usize>(scores: [(u8, u64); N]) -> BTreeMap<Address, u64> {
        scores.into_iter().map(|(byte, score)| (account(byte), score)).collect()
    }

    #[test]
    fn sums_go_on_and_an_account_that_rests_keeps_its_own() {
        let first =
            RewardLeaves::default().next(&scores([(2, 1_000_000), (1, 500_000)]), &RATE).unwrap();
        let second = first.next(&scores([(3, 250_000), (2, 9_000_000)]), &RATE).unwrap();
        let sums: Vec<_> =
            second.leaves().iter().map(|l| (l.previous, l.score_ppm, l.cumulative)).collect();
        // the second one is capped
        assert_eq!(sums, [(500, 0, 500), (1_000, 9_000_000, 2_500), (0, 250_000, 250)]);
        assert_eq!(RewardLeaves::default().root(), B256::ZERO);
    }

    #[test]
    fn a_leaf_stands_where_it_says_and_a_stranger_has_none() {
        let tree = RewardLeaves::default().next(&scores([(1, 1), (2, 2), (3, 3)]), &RATE).unwrap();
        for leaf in tree.leaves() {
            let at = tree.leaf_of(leaf.account).unwrap();
            let path: Vec<_> = at.path.iter().map(|hash| hash.0).collect();
            let (hash, root) = (leaf.hash().0, tree.root().0);
            RewardTree::verify_path(hash, at.index, at.count, &path, root).unwrap();
        }
        assert_eq!(tree.leaf_of(account(9)), None);
    }

    #[test]
    fn a_file_is_its_root_s_or_refused() {
        let tree = RewardLeaves::default().next(&scores([(1, 1), (2, 2)]), &RATE).unwrap();
        let (file, root) = (tree.encode(), tree.root());
        assert_eq!(RewardLeaves::open(&file, root).unwrap(), tree);
        for place in 0..file.len() {
            let mut other = file.clone();
            other[place] ^= 1;
            assert!(RewardLeaves::open(&other, root).is_err(), "byte {place}");
        }
        assert!(matches!(
            RewardLeaves::open(&file[1..], root),
            Err(RewardError::Length { got: 119, expected: 60 })
        ));
        let (a, b) = file.split_at(REWARD_LEAF_LEN);
        let swapped = [b, a].concat();
        let root = merkle_tree(&decode_leaves(&swapped).unwrap()).root().into();
        assert!(matches!(RewardLeaves::open(&swapped, root), Err(RewardError::Order { .. })));
        let twice = [a, a].concat();
        let root = merkle_tree(&decode_leaves(&twice).unwrap()).root().into();
        assert!(matches!(RewardLeaves::open(&twice, root), Err(RewardError::Order { .. })));
        let too_long = vec![0; (MAX_REWARD_LEAVES + 1) * REWARD_LEAF_LEN];
        assert!(matches!(decode_leaves(&too_long), Err(RewardError::TooMany { .. })));
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        let full = RewardLeaf { account: account(1), cumulative: u128::MAX, ..Default::default() };
        let tree = RewardLeaves { leaves: vec![full] };
        assert_eq!(
            tree.next(&scores([(1, 1_000_000)]), &RATE),
            Err(RewardError::Overflow { account: account(1) })
        );
        // one that rests still fits
        assert_eq!(tree.next(&scores([]), &RATE).unwrap().leaves()[0].cumulative, u128::MAX);
    }
}
