//! Balanced binary trees over SHA-254, the trees of Filecoin pieces.
//!
//! A node is `sha256(left ‖ right)` with the two top bits of its last byte cleared, so that it is a field
//! element again; leaves are not hashed. A tree of height `h` has `2^h` leaves; what is not there is zero.
//! Leaves and nodes are told apart by height alone, so every check of a path checks its length too.

mod pair;

use crate::Bytes32;

/// What the last byte of a node may have set.
const LAST_BYTE_MASK: u8 = 0x3f;

/// The hash of an inner node.
#[must_use]
pub fn node_hash(left: &Bytes32, right: &Bytes32) -> Bytes32 {
    let mut node = pair::sha256_pair(left, right);
    node[31] &= LAST_BYTE_MASK;
    node
}

/// The root of `2^height` zero leaves.
#[must_use]
pub fn zero_root(height: u8) -> Bytes32 {
    (0..height).fold(Bytes32::default(), |node, _| node_hash(&node, &node))
}

/// The root that a leaf and its siblings, lowest first, lead to; an even position is a left one.
///
/// It proves nothing unless the path is as long as the tree is high and `index` is inside the tree.
#[must_use]
pub fn fold(leaf: &Bytes32, index: u64, path: &[Bytes32]) -> Bytes32 {
    let mut position = index;
    path.iter().fold(*leaf, |node, sibling| {
        let left = position & 1 == 0;
        position >>= 1;
        if left { node_hash(&node, sibling) } else { node_hash(sibling, &node) }
    })
}

/// The root of a stream of leaves, holding one node per level.
#[derive(Clone, Debug, Default)]
pub struct RootHasher {
    /// `levels[h]` is a complete subtree of height h that waits for its right neighbour.
    levels: Vec<Option<Bytes32>>,
}

impl RootHasher {
    /// Takes the next leaf.
    pub fn push(&mut self, leaf: Bytes32) {
        let mut node = leaf;
        for level in &mut self.levels {
            match level.take() {
                Some(left) => node = node_hash(&left, &node),
                None => {
                    *level = Some(node);
                    return;
                }
            }
        }
        self.levels.push(Some(node));
    }

    /// The root of a tree of this height with the leaves so far; `None` if there are more than it has.
    #[must_use]
    pub fn root(&self, height: u8) -> Option<Bytes32> {
        let mut zero = Bytes32::default();
        let mut right = None;
        let mut levels = self.levels.iter();
        for _ in 0..height {
            right = match (levels.next().copied().flatten(), right) {
                (Some(left), Some(right)) => Some(node_hash(&left, &right)),
                (Some(alone), None) | (None, Some(alone)) => Some(node_hash(&alone, &zero)),
                (None, None) => None,
            };
            zero = node_hash(&zero, &zero);
        }
        match (levels.next().copied().flatten(), right) {
            (Some(_), Some(_)) => None,
            (root, rest) => levels.next().is_none().then(|| root.or(rest).unwrap_or(zero)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    fn level_by_level(mut level: Vec<Bytes32>, height: u8) -> Bytes32 {
        level.resize(1 << height, Bytes32::default());
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        level[0]
    }

    #[test]
    fn the_root_of_a_stream_is_that_of_the_whole_tree() {
        let leaves: Vec<Bytes32> = (1..=33_u8).map(|n| [n & 0x3f; 32]).collect();
        for count in 0..=33_usize {
            let mut hasher = RootHasher::default();
            leaves[..count].iter().for_each(|leaf| hasher.push(*leaf));
            for height in 0..8 {
                let expected = (count <= 1 << height)
                    .then(|| level_by_level(leaves[..count].to_vec(), height));
                assert_eq!(hasher.root(height), expected, "{count} leaves, height {height}");
            }
        }
    }

    /// The roots of zero trees that `PDPVerifier` carries, at a few heights.
    #[test]
    fn zero_roots_are_the_published_ones() {
        for (height, root) in [
            (0, "0000000000000000000000000000000000000000000000000000000000000000"),
            (1, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb0b"),
            (30, "077e5fde35c50a9303a55009e3498a4ebedff39c42b710b730d8ec7ac7afa63e"),
            (50, "0b5b44ccf91ff135af58d2cf694b2ac99f22f5264863d6b9272b6155956aa10e"),
        ] {
            assert_eq!(hex::encode(zero_root(height)), root, "height {height}");
        }
    }
}
