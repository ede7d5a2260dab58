// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title RewardLeaf
/// @notice A leaf of the reward tree of a settlement, as `contracts/bindings/src/reward.rs` writes it:
/// account (20 bytes) ‖ previous (16) ‖ score (8) ‖ cumulative (16), numbers big endian.
/// @dev The sums never fall, so whoever misses an epoch misses nothing, and one word per account
/// keeps what was paid. That the leaf carries its own step lets one transaction check its arithmetic.
library RewardLeaf {
    /// @notice What an account has earned in one (check, lane) since the beginning.
    struct Leaf {
        address account;
        /// `cumulative` of the account's leaf in the epoch before; 0 if it had none.
        uint128 previous;
        /// Sum of the scores of its verdicts in this epoch, millionths of a full check.
        uint64 scorePpm;
        /// Smallest units of the token, all epochs together.
        uint128 cumulative;
    }

    /// @notice The leaf's data, before the tree hashes it.
    function encode(Leaf memory leaf) internal pure returns (bytes memory) {
        return abi.encodePacked(leaf.account, leaf.previous, leaf.scorePpm, leaf.cumulative);
    }

    /// @notice The leaf's hash in the reward tree.
    function hash(Leaf memory leaf) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(bytes1(0), leaf.account, leaf.previous, leaf.scorePpm, leaf.cumulative)
        );
    }

    /// @notice Who is paid, and what is due since the beginning, of the leaf in a packed proof
    /// (`RewardTree.foldPacked`). It says nothing until that leads to a root.
    function due(bytes calldata proof) internal pure returns (address account, uint128 cumulative) {
        assembly ("memory-safe") {
            account := shr(96, calldataload(add(proof.offset, 16)))
            cumulative := shr(128, calldataload(add(proof.offset, 60)))
        }
    }
}
