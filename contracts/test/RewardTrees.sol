// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RewardLeaf} from "../src/lib/RewardLeaf.sol";

/// @notice Builds reward trees, level by level as `client/device-proofs/src/merkle.rs` does.
library RewardTrees {
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(1), left, right));
    }

    function bind(bytes32 top, uint256 count) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(2), top, count));
    }

    function next(bytes32[] memory level) internal pure returns (bytes32[] memory up) {
        up = new bytes32[]((level.length + 1) / 2);
        for (uint256 i = 0; i < up.length; ++i) {
            up[i] = 2 * i + 1 < level.length ? node(level[2 * i], level[2 * i + 1]) : level[2 * i];
        }
    }

    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        uint256 count = leaves.length;
        while (leaves.length > 1) {
            leaves = next(leaves);
        }
        return bind(count == 0 ? keccak256("") : leaves[0], count);
    }

    function path(bytes32[] memory level, uint256 index)
        internal
        pure
        returns (bytes32[] memory siblings)
    {
        siblings = new bytes32[](64);
        uint256 used;
        while (level.length > 1) {
            if (index ^ 1 < level.length) siblings[used++] = level[index ^ 1];
            level = next(level);
            index >>= 1;
        }
        assembly ("memory-safe") {
            mstore(siblings, used)
        }
    }

    /// @dev Siblings made up, and the root that they give: a perfect tree of 2^height leaves.
    function perfectPath(bytes32 leaf, uint256 index, uint256 height, uint256 seed)
        internal
        pure
        returns (bytes32[] memory siblings, bytes32 root_)
    {
        siblings = new bytes32[](height);
        bytes32 at = leaf;
        for (uint256 i = 0; i < height; ++i) {
            siblings[i] = keccak256(abi.encode(seed, i));
            at = (index >> i) & 1 == 0 ? node(at, siblings[i]) : node(siblings[i], at);
        }
        root_ = bind(at, 2 ** height);
    }

    /// @dev What `RewardDistributor.claim` takes.
    function pack(
        RewardLeaf.Leaf memory leaf,
        uint256 index,
        uint256 count,
        bytes32[] memory siblings
    ) internal pure returns (bytes memory) {
        // forge-lint: disable-next-line(unsafe-typecast) tests give no more than 64 bits
        bytes16 place = bytes16(uint128((index << 64) | count));
        return abi.encodePacked(place, RewardLeaf.encode(leaf), siblings);
    }
}
