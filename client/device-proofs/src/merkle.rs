//! Merkle trees of the shape of RFC 6962 §2.1, over SHA-256, with the number of leaves in the root.
//!
//! Leaf = `sha256(0x00 ‖ data)`, node = `sha256(0x01 ‖ left ‖ right)`; a tree of n leaves splits at
//! the largest power of two below n; the top of no leaves is `sha256("")`. The root is
//! `sha256(0x02 ‖ top ‖ u256be n)`. Leaves, nodes and roots are hashed apart, so none can pass as
//! another, and under one root a leaf has one place: with another n it is not under that root at all.
//!
//! [`RewardTree`] is of the same shape over Keccak-256: each claim folds a path of it in the EVM, to which that hash is
//! native.

use core::marker::PhantomData;

use crate::{Bytes32, registry::keccak256};
use sha2::{Digest as _, Sha256};

/// Why a path does not lead to the root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MerkleError {
    /// The leaf is outside the tree.
    #[error("leaf index {got} in a tree of {expected} leaves")]
    Index {
        /// Index asked for.
        got: u64,
        /// Number of leaves.
        expected: u64,
    },
    /// The path has another length than this leaf of this tree has.
    #[error("path of {got} hashes, expected {expected}")]
    Length {
        /// Length of the path.
        got: usize,
        /// Length this leaf needs.
        expected: usize,
    },
    /// The path leads elsewhere, or the tree has another number of leaves.
    #[error(
        "path in a tree of {count} leaves leads to root {}, expected {}",
        Hex(got),
        Hex(expected)
    )]
    Root {
        /// Number of leaves that was said.
        count: u64,
        /// Root computed.
        got: Bytes32,
        /// Root wanted.
        expected: Bytes32,
    },
}

/// Shows bytes as `0x` and lower-case hex in error messages.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a tree hashes with.
pub trait TreeHash {
    /// The hash of the concatenation of `parts`.
    fn hash(parts: &[&[u8]]) -> Bytes32;
}

/// SHA-256, of evidence, verdicts and coverage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha2 {}

/// Keccak-256, of rewards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keccak {}

impl TreeHash for Sha2 {
    fn hash(parts: &[&[u8]]) -> Bytes32 {
        let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part));
        hash.finalize().into()
    }
}

impl TreeHash for Keccak {
    fn hash(parts: &[&[u8]]) -> Bytes32 {
        keccak256(parts)
    }
}

/// The hash of a leaf's data.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Bytes32 {
    MerkleTree::leaf_hash(data)
}

/// A tree with all its levels stored, so that paths cost no hashing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree<H> {
    /// `levels[0]` are the leaf hashes; an odd last node is carried up unchanged.
    levels: Vec<Vec<Bytes32>>,
    hash: PhantomData<H>,
}

/// The tree behind the evidence, verdict and coverage roots.
pub type MerkleTree = Tree<Sha2>;

/// The tree behind the reward root (`contracts/src/lib/RewardTree.sol`).
pub type RewardTree = Tree<Keccak>;

impl<H: TreeHash> Tree<H> {
    /// Builds the tree over leaf hashes (see [`Self::leaf_hash`]).
    ///
    /// ```
    /// use heliotrope_device_proofs::merkle::{self, MerkleTree};
    /// let leaves: Vec<_> = [b"a", b"b", b"c"].iter().map(|d| merkle::leaf_hash(*d)).collect();
    /// let tree = MerkleTree::new(leaves.clone());
    /// merkle::verify_path(leaves[2], 2, 3, &tree.path(2), tree.root())?;
    /// # Ok::<(), merkle::MerkleError>(())
    /// ```
    #[must_use]
    pub fn new(leaves: Vec<Bytes32>) -> Self {
        let mut levels = Vec::new();
        let mut level = leaves;
        while level.len() > 1 {
            let next = level.chunks(2).map(|pair| match pair {
                [left, right] => Self::node_hash(left, right),
                [odd] => *odd,
                _ => Bytes32::default(),
            });
            let next = next.collect();
            levels.push(core::mem::replace(&mut level, next));
        }
        levels.push(level);
        Self { levels, hash: PhantomData }
    }

    /// The hash of a leaf's data.
    #[must_use]
    pub fn leaf_hash(data: &[u8]) -> Bytes32 {
        H::hash(&[&[0], data])
    }

    /// The hash of an inner node.
    fn node_hash(left: &Bytes32, right: &Bytes32) -> Bytes32 {
        H::hash(&[&[1], left, right])
    }

    /// The root over a tree of `count` leaves whose topmost node this is.
    fn bind_count(top: &Bytes32, count: u64) -> Bytes32 {
        H::hash(&[&[2], top, &[0; 24], &count.to_be_bytes()])
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Bytes32 {
        Self::bind_count(&self.top(), u64::try_from(self.len()).unwrap_or(u64::MAX))
    }

    /// The hash that RFC 6962 names, were it this hash function.
    fn top(&self) -> Bytes32 {
        self.levels.last().and_then(|top| top.first()).copied().unwrap_or_else(|| H::hash(&[]))
    }

    /// Number of leaves.
    #[must_use]
    pub fn len(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// Whether there are no leaves.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sibling hashes from leaf `index` to the root; empty if there is no such leaf.
    #[must_use]
    pub fn path(&self, index: usize) -> Vec<Bytes32> {
        let mut at = index;
        let mut path = Vec::new();
        if index >= self.len() {
            return path;
        }
        for level in &self.levels {
            path.extend(level.get(at ^ 1));
            at >>= 1;
        }
        path
    }

    /// Checks that `leaf` (a leaf hash) stands at `index` in the tree of `count` leaves with `root`.
    ///
    /// # Errors
    /// If the index is outside, the path has one hash too many or too few, or leads elsewhere.
    pub fn verify_path(
        leaf: Bytes32,
        index: u64,
        count: u64,
        path: &[Bytes32],
        root: Bytes32,
    ) -> Result<(), MerkleError> {
        let Some(mut last) = count.checked_sub(1).filter(|last| index <= *last) else {
            return Err(MerkleError::Index { got: index, expected: count });
        };
        let mut at = index;
        let mut hash = leaf;
        let mut siblings = path.iter();
        let mut used = 0_usize;
        while last > 0 {
            // an odd last node has no sibling on this level
            if at != last || at & 1 == 1 {
                used = used.saturating_add(1);
                let Some(sibling) = siblings.next() else {
                    let expected = path_len(index, count);
                    return Err(MerkleError::Length { got: path.len(), expected });
                };
                let (left, right) = if at & 1 == 1 { (sibling, &hash) } else { (&hash, sibling) };
                hash = Self::node_hash(left, right);
            }
            at >>= 1;
            last >>= 1;
        }
        if used != path.len() {
            return Err(MerkleError::Length { got: path.len(), expected: used });
        }
        let got = Self::bind_count(&hash, count);
        if got == root { Ok(()) } else { Err(MerkleError::Root { count, got, expected: root }) }
    }
}

/// The root over leaf hashes.
#[must_use]
pub fn root(leaves: &[Bytes32]) -> Bytes32 {
    MerkleTree::new(leaves.to_vec()).root()
}

/// [`MerkleTree::verify_path`].
///
/// # Errors
/// If the index is outside, the path has one hash too many or too few, or leads elsewhere.
pub fn verify_path(
    leaf: Bytes32,
    index: u64,
    count: u64,
    path: &[Bytes32],
    root: Bytes32,
) -> Result<(), MerkleError> {
    MerkleTree::verify_path(leaf, index, count, path, root)
}

/// The length of the path of leaf `index` in a tree of `count` leaves.
fn path_len(index: u64, count: u64) -> usize {
    let (mut at, mut last, mut len) = (index, count.saturating_sub(1), 0_usize);
    while last > 0 {
        if at != last || at & 1 == 1 {
            len = len.saturating_add(1);
        }
        at >>= 1;
        last >>= 1;
    }
    len
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise"
)]
mod tests {
    use super::*;
    use crate::sha256;

    /// The leaves and roots that Certificate Transparency implementations share.
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn leaves(n: usize) -> Vec<Bytes32> {
        LEAVES[..n].iter().map(|l| leaf_hash(&hex::decode(l).unwrap())).collect()
    }

    #[test]
    fn rfc_6962_known_answers() {
        let top = |n| hex::encode(MerkleTree::new(leaves(n)).top());
        assert_eq!(top(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (n, expected) in ROOTS.iter().enumerate() {
            assert_eq!(top(n + 1), *expected, "{} leaves", n + 1);
        }
    }

    /// The bytes that are hashed, written out: `contracts/src/lib/MerkleTree.sol` hashes the same.
    #[test]
    fn the_root_is_the_hash_of_top_and_count() {
        for n in [0, 1, 5] {
            let mut bytes = vec![2];
            bytes.extend(MerkleTree::new(leaves(n)).top());
            bytes.extend([0; 31]);
            bytes.push(n as u8);
            assert_eq!(root(&leaves(n)), sha256(&bytes), "{n} leaves");
        }
    }

    /// SECURITY: the top alone does not say how many leaves there are. The last leaf of five has the
    /// path of the last of two, so it could be shown as two leaves.
    #[test]
    fn a_leaf_under_another_count_is_refused() {
        let tree = MerkleTree::new(leaves(5));
        let (leaf, path) = (leaves(5)[4], tree.path(4));
        verify_path(leaf, 4, 5, &path, tree.root()).unwrap();
        assert_eq!(MerkleTree::bind_count(&MerkleTree::node_hash(&path[0], &leaf), 5), tree.root());
        let error = verify_path(leaf, 1, 2, &path, tree.root()).unwrap_err();
        let expected = tree.root();
        let got = MerkleTree::bind_count(&MerkleTree::node_hash(&path[0], &leaf), 2);
        assert_eq!(error, MerkleError::Root { count: 2, got, expected });
        assert!(error.to_string().starts_with("path in a tree of 2 leaves leads to root 0x"));
        for n in 1..40 {
            let hashes: Vec<_> = (0..n).map(|i: u64| leaf_hash(&i.to_be_bytes())).collect();
            let tree = MerkleTree::new(hashes.clone());
            for count in (0..80).filter(|count| *count != n) {
                for index in 0..n {
                    let (leaf, path) = (hashes[index as usize], tree.path(index as usize));
                    for shown in 0..count {
                        assert!(verify_path(leaf, shown, count, &path, tree.root()).is_err());
                    }
                }
            }
        }
    }

    #[test]
    fn a_reward_tree_has_the_same_shape_and_another_hash() {
        let hashes: Vec<_> = (0..5_u8).map(|n| RewardTree::leaf_hash(&[n])).collect();
        assert_eq!(hashes[3], keccak256(&[&[0, 3]]));
        let tree = RewardTree::new(hashes.clone());
        let pair = |left: &Bytes32, right: &Bytes32| keccak256(&[&[1], left, right]);
        let four = pair(&pair(&hashes[0], &hashes[1]), &pair(&hashes[2], &hashes[3]));
        let top = pair(&four, &hashes[4]);
        let mut count = [0; 32];
        count[31] = 5;
        assert_eq!(tree.root(), keccak256(&[&[2], &top, &count]));
        for (index, leaf) in (0..5).zip(&hashes) {
            let path = tree.path(index as usize);
            RewardTree::verify_path(*leaf, index, 5, &path, tree.root()).unwrap();
            assert!(RewardTree::verify_path(*leaf, index, 6, &path, tree.root()).is_err());
            assert!(verify_path(*leaf, index, 5, &path, tree.root()).is_err());
        }
    }

    #[test]
    fn every_path_of_every_small_tree_verifies_and_nothing_near_it_does() {
        for n in 1..40_u64 {
            let hashes: Vec<_> = (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect();
            let tree = MerkleTree::new(hashes.clone());
            for i in 0..n {
                let (leaf, path) = (hashes[i as usize], tree.path(i as usize));
                verify_path(leaf, i, n, &path, tree.root()).unwrap();
                let mut long = path.clone();
                long.push([0; 32]);
                assert!(verify_path(leaf, i, n, &long, tree.root()).is_err());
                if let Some((_, short)) = path.split_last() {
                    assert!(verify_path(leaf, i, n, short, tree.root()).is_err());
                }
                for j in (0..=n).filter(|j| *j != i) {
                    assert!(verify_path(leaf, j, n, &path, tree.root()).is_err());
                }
                for at in 0..path.len() * 256 {
                    let mut flipped = path.clone();
                    flipped[at / 256][at % 256 / 8] ^= 1 << (at % 8);
                    assert!(verify_path(leaf, i, n, &flipped, tree.root()).is_err());
                }
            }
        }
    }
}
