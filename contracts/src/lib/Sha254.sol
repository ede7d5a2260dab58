// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Sha254
/// @notice Paths in the trees of Filecoin pieces (FRC-0069), as `client/device-proofs/src/sha254.rs`
/// defines them: node = sha256(left ‖ right) with the two top bits of its last byte cleared; leaves
/// are not hashed.
library Sha254 {
    error NotHashed();

    /// @notice The root that a leaf and its siblings, lowest first, lead to.
    /// @dev It proves nothing unless the path is as long as the tree is high and `index` is inside:
    /// leaves and nodes are told apart by height alone. `index` has at most 251 bits.
    function fold(bytes32 leaf, uint256 index, bytes32[] memory path)
        internal
        view
        returns (bytes32)
    {
        uint256 first;
        assembly ("memory-safe") {
            first := add(path, 32)
        }
        return foldAt(leaf, index, first, path.length, 32);
    }

    /// @notice The same over siblings that stand in memory at `first`, `stride` bytes apart: 34 where
    /// they are CBOR byte strings of 32 bytes.
    function foldAt(bytes32 leaf, uint256 index, uint256 first, uint256 count, uint256 stride)
        internal
        view
        returns (bytes32 node)
    {
        node = leaf;
        uint256 done = 1;
        unchecked {
            uint256 end = first + count * stride;
            // bit 5 is the node's side, so that it is an address too: the node goes to scratch word 0 if it
            // is a left one, to word 1 if right
            uint256 at = index << 5;
            if (count & 1 != 0) {
                uint256 place = at & 32;
                assembly ("memory-safe") {
                    mstore(place, node)
                    mstore(xor(place, 32), mload(first))
                    done := staticcall(gas(), 2, 0, 64, 0, 32)
                    node := and(mload(0), not(0xc0))
                }
                at >>= 1;
                first += stride;
            }
            // two levels a turn: most of what a turn costs beside the hashes is the turning
            while (first != end) {
                uint256 place = at & 32;
                assembly ("memory-safe") {
                    mstore(place, node)
                    mstore(xor(place, 32), mload(first))
                    done := and(done, staticcall(gas(), 2, 0, 64, 0, 32))
                }
                first += stride;
                assembly ("memory-safe") {
                    let other := and(shr(1, at), 32)
                    mstore(other, and(mload(0), not(0xc0)))
                    mstore(xor(other, 32), mload(first))
                    done := and(done, staticcall(gas(), 2, 0, 64, 0, 32))
                    node := and(mload(0), not(0xc0))
                }
                first += stride;
                at >>= 2;
            }
        }
        // the sha256 precompile fails for want of gas only, and then so does the caller
        require(done != 0, NotHashed());
    }
}
