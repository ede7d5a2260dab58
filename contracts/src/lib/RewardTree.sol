// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleTree} from "./MerkleTree.sol";

/// @title RewardTree
/// @notice The tree behind the reward root: of the shape of `MerkleTree`, over Keccak-256, for every
/// claim folds a path of it here (`RewardTree` in `client/device-proofs/src/merkle.rs`).
library RewardTree {
    /// @notice The root that a leaf hash and its siblings in memory lead to. Reverts if the path has one
    /// hash too many or too few.
    function fold(bytes32 leaf, uint256 index, uint256 count, bytes32[] memory path)
        internal
        pure
        returns (bytes32)
    {
        require(count <= type(uint64).max, MerkleTree.LeafIndex(index, count));
        uint256 first;
        assembly ("memory-safe") {
            first := add(path, 32)
        }
        return _foldAt(leaf, index, count, first, first + 32 * path.length);
    }

    /// @notice The root that a packed proof leads to: index (8 bytes) ‖ count (8) ‖ the leaf's data (60)
    /// ‖ its siblings (32 each), lowest first.
    function foldPacked(bytes calldata proof) internal pure returns (bytes32) {
        bytes32 leaf;
        uint256 index;
        uint256 count;
        uint256 at;
        assembly ("memory-safe") {
            // behind the words that the fold hashes; nothing is allocated until it is done
            at := add(mload(0x40), 96)
            calldatacopy(at, proof.offset, proof.length)
            index := shr(192, mload(at))
            count := shr(192, mload(add(at, 8)))
            // the count's last byte makes room for the leaf's prefix
            mstore8(add(at, 15), 0)
            leaf := keccak256(add(at, 15), 61)
        }
        unchecked {
            return _foldAt(leaf, index, count, at + 76, at + proof.length);
        }
    }

    /// @dev `count` has 64 bits. A path that is too short is counted on over whatever stands behind it,
    /// and refused. A node goes left if it is an even one, its sibling to the other side.
    function _foldAt(bytes32 leaf, uint256 index, uint256 count, uint256 first, uint256 end)
        private
        pure
        returns (bytes32 node)
    {
        require(index < count, MerkleTree.LeafIndex(index, count));
        uint256 sibling = first;
        uint256 buffer;
        assembly ("memory-safe") {
            buffer := mload(0x40)
            mstore8(buffer, 1)
        }
        node = leaf;
        unchecked {
            (uint256 left, uint256 right) = (buffer + 1, buffer + 33);
            uint256 last = count - 1;
            // above: whether the node is not yet the last of its level; below: its index, times 32
            uint256 at = ((index ^ last) << 133) | (index << 5);
            while (at >> 133 != 0) {
                assembly ("memory-safe") {
                    let place := and(at, 32)
                    mstore(add(left, place), node)
                    mstore(sub(right, place), mload(sibling))
                    node := keccak256(buffer, 65)
                    sibling := add(sibling, 32)
                    at := shr(1, at)
                }
            }
            // from here on the node is the last of its level, and has a sibling only if it is an odd one
            for (last >>= (sibling - first) >> 5; last != 0; last >>= 1) {
                if (last & 1 == 0) continue;
                assembly ("memory-safe") {
                    mstore(left, mload(sibling))
                    mstore(right, node)
                    node := keccak256(buffer, 65)
                }
                sibling += 32;
            }
            assembly ("memory-safe") {
                mstore8(buffer, 2)
                mstore(left, node)
                mstore(right, count)
                node := keccak256(buffer, 65)
            }
            if (sibling != end) {
                revert MerkleTree.PathLength((end - first) >> 5, (sibling - first) >> 5);
            }
        }
    }
}
