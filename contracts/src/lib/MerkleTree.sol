// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title MerkleTree
/// @notice The trees behind the roots of a settlement: the shape of RFC 6962 §2.1 over SHA-256, with
/// the number of leaves in the root, as `client/device-proofs/src/merkle.rs` defines them.
/// @dev Leaf = sha256(0x00 ‖ data), node = sha256(0x01 ‖ left ‖ right). A last node without a sibling
/// is carried up unchanged. Root = sha256(0x02 ‖ topmost node ‖ number of leaves, 32 bytes).
library MerkleTree {
    error PathLength(uint256 got, uint256 expected);
    error LeafIndex(uint256 got, uint256 count);

    /// @notice The hash of a leaf's data.
    function leafHash(bytes memory data) internal pure returns (bytes32) {
        return sha256(bytes.concat(bytes1(0), data));
    }

    /// @notice Whether `leaf` (a leaf hash) stands at `index` of a tree of `count` leaves with `root`.
    /// @dev Under one root there is one count, and one index is one leaf: two indices are two leaves.
    function verify(bytes32 leaf, uint256 index, uint256 count, bytes32[] memory path, bytes32 root)
        internal
        view
        returns (bool)
    {
        return fold(leaf, index, count, path) == root;
    }

    /// @notice The root that a leaf hash and its siblings lead to. Reverts if the path has one hash
    /// too many or too few.
    function fold(bytes32 leaf, uint256 index, uint256 count, bytes32[] memory path)
        internal
        view
        returns (bytes32 node)
    {
        require(index < count, LeafIndex(index, count));
        uint256 used;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            let left := add(buffer, 1)
            let right := add(buffer, 33)
            let sibling := add(path, 32)
            let end := add(sibling, shl(5, mload(path)))
            let last := sub(count, 1)
            node := leaf
            for {} last {} {
                let odd := and(index, 1)
                // an odd last node has no sibling on this level
                if or(odd, xor(index, last)) {
                    used := add(used, 1)
                    if iszero(lt(sibling, end)) {
                        // too short: counted on to the end, hashed no more
                        index := shr(1, index)
                        last := shr(1, last)
                        continue
                    }
                    switch odd
                    case 0 {
                        mstore(left, node)
                        mstore(right, mload(sibling))
                    }
                    default {
                        mstore(left, mload(sibling))
                        mstore(right, node)
                    }
                    sibling := add(sibling, 32)
                    // the sha256 precompile fails for want of gas only, and then so does the caller
                    if iszero(staticcall(gas(), 2, buffer, 65, 0, 32)) { revert(0, 0) }
                    node := mload(0)
                }
                index := shr(1, index)
                last := shr(1, last)
            }
            mstore8(buffer, 2)
            mstore(left, node)
            mstore(right, count)
            if iszero(staticcall(gas(), 2, buffer, 65, 0, 32)) { revert(0, 0) }
            node := mload(0)
        }
        require(used == path.length, PathLength(path.length, used));
    }
}
