//! Merkleization and Merkle branches of the SSZ specification, over SHA-256.
//!
//! Functions keep the names of the consensus specification
//! (<https://github.com/ethereum/consensus-specs/blob/dev/ssz/merkle-proofs.md>,
//! <https://github.com/ethereum/consensus-specs/blob/dev/ssz/simple-serialize.md>).

use alloy_primitives::B256;
use sha2::{Digest as _, Sha256};

/// Deepest branch accepted, in levels. No gindex of the light client protocol is deeper than 11.
pub const MAX_BRANCH_DEPTH: usize = 64;

/// SHA-256 of two nodes.
#[must_use]
pub fn hash_pair(left: &B256, right: &B256) -> B256 {
    let digest: [u8; 32] = Sha256::new().chain_update(left).chain_update(right).finalize().into();
    B256::new(digest)
}

/// SHA-256 of bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> B256 {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    B256::new(digest)
}

/// Position of the highest set bit: the depth of a generalized index. 0 for 0.
#[must_use]
pub const fn floorlog2(gindex: u64) -> u32 {
    match gindex.checked_ilog2() {
        Some(depth) => depth,
        None => 0,
    }
}

/// `get_subtree_index`: the position of `gindex` among the nodes of its depth.
#[must_use]
pub const fn get_subtree_index(gindex: u64) -> u64 {
    match 1u64.checked_shl(floorlog2(gindex)) {
        Some(first) => gindex ^ first,
        None => 0,
    }
}

/// `merkleize`: root of `chunks`, padded with zero chunks to `2^depth` leaves.
///
/// Chunks beyond `2^depth` leaves are the caller's mistake; the tree then grows deeper.
#[must_use]
pub fn merkleize(chunks: &[B256], depth: u32) -> B256 {
    let mut level = chunks.to_vec();
    let mut zero = B256::ZERO;
    let mut levels_left = depth;
    while levels_left > 0 || level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => hash_pair(left, right),
                [left] => hash_pair(left, &zero),
                _ => zero,
            })
            .collect();
        zero = hash_pair(&zero, &zero);
        levels_left = levels_left.saturating_sub(1);
    }
    level.first().copied().unwrap_or(zero)
}

/// `mix_in_length`: root of a list.
#[must_use]
pub fn mix_in_length(root: &B256, length: u64) -> B256 {
    hash_pair(root, &uint64_chunk(length))
}

/// The chunk of a `uint64`.
#[must_use]
pub fn uint64_chunk(value: u64) -> B256 {
    B256::right_padding_from(&value.to_le_bytes())
}

/// `compute_merkle_branch_root`: hashes `leaf` at `index` up along `branch`.
#[must_use]
pub fn compute_merkle_branch_root(leaf: B256, branch: &[B256], index: u64) -> B256 {
    let mut value = leaf;
    let mut index = index;
    for sibling in branch {
        value =
            if index & 1 == 1 { hash_pair(sibling, &value) } else { hash_pair(&value, sibling) };
        index >>= 1;
    }
    value
}

/// `is_valid_merkle_branch`: exact depth, no slack in the index.
///
/// ```
/// use alloy_primitives::B256;
/// use heliotrope_verifier::proofs::ssz_merkle::{hash_pair, is_valid_merkle_branch};
/// let (left, right) = (B256::repeat_byte(1), B256::repeat_byte(2));
/// let root = hash_pair(&left, &right);
/// assert!(is_valid_merkle_branch(left, &[right], 1, 0, root));
/// assert!(!is_valid_merkle_branch(left, &[right], 1, 1, root));
/// assert!(!is_valid_merkle_branch(left, &[right], 1, 2, root));
/// ```
#[must_use]
pub fn is_valid_merkle_branch(
    leaf: B256,
    branch: &[B256],
    depth: u32,
    index: u64,
    root: B256,
) -> bool {
    let depth_matches = usize::try_from(depth).is_ok_and(|d| d == branch.len());
    let index_in_range = index.checked_shr(depth).unwrap_or(0) == 0;
    depth_matches
        && branch.len() < MAX_BRANCH_DEPTH
        && index_in_range
        && compute_merkle_branch_root(leaf, branch, index) == root
}

/// `is_valid_normalized_merkle_branch`: as above, with leading zero nodes where the container's branch is longer than
/// the depth of `gindex`.
#[must_use]
pub fn is_valid_normalized_merkle_branch(
    leaf: B256,
    branch: &[B256],
    gindex: u64,
    root: B256,
) -> bool {
    let depth = floorlog2(gindex);
    let Some((extra, branch)) = usize::try_from(depth)
        .ok()
        .and_then(|depth| branch.len().checked_sub(depth))
        .and_then(|num_extra| branch.split_at_checked(num_extra))
    else {
        return false;
    };
    extra.iter().all(B256::is_zero)
        && is_valid_merkle_branch(leaf, branch, depth, get_subtree_index(gindex), root)
}

/// `normalize_merkle_branch`: leading zeros up to the depth of `gindex`. A longer branch stays as it is.
#[must_use]
pub fn normalize_merkle_branch(branch: &[B256], gindex: u64) -> Vec<B256> {
    let depth = usize::try_from(floorlog2(gindex)).unwrap_or(0);
    let mut normalized = vec![B256::ZERO; depth.saturating_sub(branch.len())];
    normalized.extend_from_slice(branch);
    normalized
}

/// The siblings of leaf `index` in the tree of `chunks` padded to `2^depth` leaves, bottom up.
#[must_use]
pub fn compute_merkle_proof(chunks: &[B256], depth: u32, index: usize) -> Vec<B256> {
    let mut level = chunks.to_vec();
    let mut zero = B256::ZERO;
    let mut index = index;
    let mut proof = Vec::new();
    for _ in 0..depth {
        proof.push(level.get(index ^ 1).copied().unwrap_or(zero));
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => hash_pair(left, right),
                [left] => hash_pair(left, &zero),
                _ => zero,
            })
            .collect();
        zero = hash_pair(&zero, &zero);
        index >>= 1;
    }
    proof
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_of_every_leaf_is_accepted_and_of_no_other() {
        let chunks: Vec<B256> = (1..=5).map(B256::repeat_byte).collect();
        let root = merkleize(&chunks, 4);
        for index in 0..5usize {
            let proof = compute_merkle_proof(&chunks, 4, index);
            let at = u64::try_from(index).unwrap();
            assert!(is_valid_merkle_branch(chunks[index], &proof, 4, at, root));
            assert!(!is_valid_merkle_branch(chunks[index], &proof, 4, at ^ 1, root));
            assert!(!is_valid_merkle_branch(chunks[index], &proof[1..], 3, at, root));
            let normalized = normalize_merkle_branch(&proof, 1 << 6);
            assert!(is_valid_normalized_merkle_branch(chunks[index], &normalized, 16 | at, root));
        }
    }

    #[test]
    fn gindex_parts() {
        assert_eq!((floorlog2(169), get_subtree_index(169)), (7, 41));
        assert_eq!((floorlog2(0), get_subtree_index(1)), (0, 0));
    }

    #[test]
    fn empty_list_is_the_zero_tree() {
        assert_eq!(merkleize(&[], 1), hash_pair(&B256::ZERO, &B256::ZERO));
        assert_eq!(merkleize(&[], 0), B256::ZERO);
    }
}
