//! The sum tree of a data set: which piece holds a leaf (`PDPVerifier.findOnePieceId`).
//!
//! A Fenwick tree: node `j` of height `h = trailing_zeros(j + 1)` holds the leaf counts of pieces
//! `j + 1 − 2^h ..= j`. The search goes down from the node above all pieces; a node beyond the last piece
//! only sends it left.
//!
//! The way down depends on the piece alone, as sums only tell whether the piece lies right of a node. So
//! whoever names the piece names the words to prove, and the search over the proven words shows whether the
//! name was right.

/// A place in the search: `Some(node)` to be read, or beyond the last piece.
struct Step {
    node: u64,
    height: u32,
}

/// The first node: `2^top − 1`, with `top` the bits of the number of pieces.
fn top(piece_count: u64) -> Step {
    let height = u64::BITS.saturating_sub(piece_count.leading_zeros());
    let node = 1_u64.checked_shl(height).map_or(u64::MAX, |width| width.saturating_sub(1));
    Step { node, height }
}

impl Step {
    fn go(&mut self, right: bool) {
        let half = self.height.checked_sub(1).and_then(|below| 1_u64.checked_shl(below));
        let half = half.unwrap_or_default();
        self.node =
            if right { self.node.saturating_add(half) } else { self.node.saturating_sub(half) };
        self.height = self.height.saturating_sub(1);
    }
}

/// The nodes that a search for a leaf of `piece` reads, in order.
pub(super) fn nodes_on_the_way(piece: u64, piece_count: u64) -> Vec<u64> {
    let mut step = top(piece_count);
    let mut nodes = Vec::new();
    loop {
        let inside = step.node < piece_count;
        if inside {
            nodes.push(step.node);
        }
        if step.height == 0 {
            return nodes;
        }
        step.go(inside && piece > step.node);
    }
}

/// The piece that holds leaf `leaf`, and the leaf's place in it; `None` if a word is missing, or the sums are
/// not those of a tree.
pub(super) fn find(
    leaf: u64,
    piece_count: u64,
    mut sum: impl FnMut(u64) -> Option<u64>,
) -> Option<(u64, u64)> {
    let mut step = top(piece_count);
    let mut left_of = 0_u64;
    loop {
        let inside = step.node < piece_count;
        let mut right = false;
        if inside {
            let candidate = left_of.checked_add(sum(step.node)?)?;
            right = candidate <= leaf;
            if right {
                left_of = candidate;
            }
        }
        if step.height == 0 {
            let piece = if right { step.node.checked_add(1)? } else { step.node };
            return Some((piece, leaf.checked_sub(left_of)?));
        }
        step.go(right);
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_is_found_and_reads_only_the_nodes_that_were_named() {
        for piece_count in 1..40_usize {
            // some pieces are removed: they have no leaves
            let leaves: Vec<u64> = (0..piece_count as u64).map(|p| (p * 7 + 3) % 5).collect();
            let sum = |node: usize| {
                let width = 1 << (node + 1).trailing_zeros();
                leaves[node + 1 - width..=node].iter().sum::<u64>()
            };
            let mut leaf = 0;
            for (piece, count) in leaves.iter().enumerate() {
                for offset in 0..*count {
                    let mut read = Vec::new();
                    let found = find(leaf, piece_count as u64, |node| {
                        read.push(node);
                        Some(sum(usize::try_from(node).ok()?))
                    });
                    assert_eq!(found, Some((piece as u64, offset)), "{piece_count} pieces");
                    assert_eq!(read, nodes_on_the_way(piece as u64, piece_count as u64));
                    leaf += 1;
                }
            }
        }
    }

    #[test]
    fn no_count_makes_it_run_long() {
        for piece_count in [0, 1, u64::MAX - 1, u64::MAX] {
            assert!(nodes_on_the_way(u64::MAX, piece_count).len() <= 65);
            find(u64::MAX, piece_count, |_| Some(0));
        }
    }
}
