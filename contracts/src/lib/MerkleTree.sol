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
        uint256 first;
        uint256 sibling;
        assembly ("memory-safe") {
            // the sha256 precompile fails for want of gas only, and then so does the caller
            function hash(buffer) -> hashed {
                if iszero(staticcall(gas(), 2, buffer, 65, 0, 32)) { revert(0, 0) }
                hashed := mload(0)
            }
            let buffer := mload(0x40)
            let left := add(buffer, 1)
            let right := add(buffer, 33)
            mstore8(buffer, 1)
            first := add(path, 32)
            sibling := first
            node := leaf
            let last := sub(count, 1)
            // a path that is too short is counted on over whatever stands behind it, and refused
            for {} xor(index, last) {} {
                // the node goes left if it is an even one, its sibling to the other side
                let place := shl(5, and(index, 1))
                mstore(add(left, place), node)
                mstore(sub(right, place), mload(sibling))
                node := hash(buffer)
                sibling := add(sibling, 32)
                index := shr(1, index)
                last := shr(1, last)
            }
            // from here on the node is the last of its level, and has a sibling only if it is an odd one
            for {} last { last := shr(1, last) } {
                if and(last, 1) {
                    mstore(left, mload(sibling))
                    mstore(right, node)
                    node := hash(buffer)
                    sibling := add(sibling, 32)
                }
            }
            mstore8(buffer, 2)
            mstore(left, node)
            mstore(right, count)
            node := hash(buffer)
        }
        uint256 used = (sibling - first) >> 5;
        require(used == path.length, PathLength(path.length, used));
    }
}
