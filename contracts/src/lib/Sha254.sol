// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Sha254
/// @notice Paths in the trees of Filecoin pieces (FRC-0069), as `client/device-proofs/src/sha254.rs`
/// defines them: node = sha256(left ‖ right) with the two top bits of its last byte cleared; leaves
/// are not hashed.
library Sha254 {
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
        assembly ("memory-safe") {
            node := leaf
            let done := 1
            let end := add(first, mul(count, stride))
            // bit 5 is the node's side, so that it is an address too: the node goes to scratch word 0 if
            // it is a left one, to word 1 if right
            let at := shl(5, index)
            if and(count, 1) {
                mstore(and(at, 32), node)
                mstore(xor(and(at, 32), 32), mload(first))
                done := staticcall(gas(), 2, 0, 64, 0, 32)
                node := and(mload(0), not(0xc0))
                at := shr(1, at)
                first := add(first, stride)
            }
            // two levels a turn: most of what a turn costs beside the hashes is the turning
            for {} xor(first, end) {} {
                let place := and(at, 32)
                mstore(place, node)
                mstore(xor(place, 32), mload(first))
                done := and(done, staticcall(gas(), 2, 0, 64, 0, 32))
                first := add(first, stride)
                place := and(shr(1, at), 32)
                mstore(place, and(mload(0), not(0xc0)))
                mstore(xor(place, 32), mload(first))
                done := and(done, staticcall(gas(), 2, 0, 64, 0, 32))
                first := add(first, stride)
                node := and(mload(0), not(0xc0))
                at := shr(2, at)
            }
            // the sha256 precompile fails for want of gas only, and then so does the caller
            if iszero(done) { revert(0, 0) }
        }
    }
}
