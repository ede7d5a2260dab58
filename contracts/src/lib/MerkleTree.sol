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
    error NotHashed();

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
        assembly ("memory-safe") {
            first := add(path, 32)
        }
        uint256 sibling = first;
        node = leaf;
        unchecked {
            // a path that is too short is counted on over whatever stands behind it, and refused
            uint256 last = count - 1;
            while (index != last) {
                node = _hash(1, node, sibling, index & 1);
                sibling += 32;
                index >>= 1;
                last >>= 1;
            }
            // from here on the node is the last of its level, and has a sibling only if it is an odd one
            for (; last != 0; last >>= 1) {
                if (last & 1 == 0) continue;
                node = _hash(1, node, sibling, 1);
                sibling += 32;
            }
        }
        uint256 used = (sibling - first) >> 5;
        require(used == path.length, PathLength(path.length, used));
        node = sha256(abi.encodePacked(uint8(2), node, count));
    }

    /// @dev sha256(prefix ‖ node ‖ the word at `sibling`), or the two the other way round if the node is a
    /// right one. The precompile fails for want of gas only, and then so does the caller.
    function _hash(uint256 prefix, bytes32 node, uint256 sibling, uint256 right)
        private
        view
        returns (bytes32 hashed)
    {
        bool done;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, prefix)
            mstore(add(buffer, add(1, shl(5, right))), node)
            mstore(sub(add(buffer, 33), shl(5, right)), mload(sibling))
            done := staticcall(gas(), 2, buffer, 65, 0, 32)
            hashed := mload(0)
        }
        require(done, NotHashed());
    }
}
