// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleTree} from "../src/lib/MerkleTree.sol";
import {RewardLeaf} from "../src/lib/RewardLeaf.sol";

/// @dev What evidence, verdicts and coverage are hashed with.
function sha2(bytes memory data) pure returns (bytes32) {
    return sha256(data);
}

/// @dev What rewards are hashed with.
function keccak(bytes memory data) pure returns (bytes32) {
    return keccak256(data);
}

/// @notice Builds the trees that the contracts check, level by level as
/// `client/device-proofs/src/merkle.rs` does, over the hash that is named.
library Trees {
    function node(bytes32 left, bytes32 right, function(bytes memory) pure returns (bytes32) hash)
        internal
        pure
        returns (bytes32)
    {
        return hash(abi.encodePacked(uint8(1), left, right));
    }

    function next(bytes32[] memory level, function(bytes memory) pure returns (bytes32) hash)
        internal
        pure
        returns (bytes32[] memory up)
    {
        up = new bytes32[]((level.length + 1) / 2);
        for (uint256 i = 0; i < up.length; ++i) {
            up[i] = 2 * i + 1 < level.length
                ? node(level[2 * i], level[2 * i + 1], hash)
                : level[2 * i];
        }
    }

    function root(bytes32[] memory leaves, function(bytes memory) pure returns (bytes32) hash)
        internal
        pure
        returns (bytes32)
    {
        return bind(top(leaves, hash), leaves.length, hash);
    }

    function bind(bytes32 node_, uint256 count, function(bytes memory) pure returns (bytes32) hash)
        internal
        pure
        returns (bytes32)
    {
        return hash(abi.encodePacked(uint8(2), node_, count));
    }

    /// @dev Without a leaf the hash of nothing, as RFC 6962 has it.
    function top(bytes32[] memory level, function(bytes memory) pure returns (bytes32) hash)
        internal
        pure
        returns (bytes32)
    {
        if (level.length == 0) return hash("");
        while (level.length > 1) {
            level = next(level, hash);
        }
        return level[0];
    }

    function path(
        bytes32[] memory level,
        uint256 index,
        function(bytes memory) pure returns (bytes32) hash
    ) internal pure returns (bytes32[] memory siblings) {
        siblings = new bytes32[](64);
        uint256 used;
        while (level.length > 1) {
            if (index ^ 1 < level.length) siblings[used++] = level[index ^ 1];
            level = next(level, hash);
            index >>= 1;
        }
        assembly ("memory-safe") {
            mstore(siblings, used)
        }
    }

    function hashes(bytes[] memory data) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](data.length);
        for (uint256 i = 0; i < data.length; ++i) {
            leaves[i] = MerkleTree.leafHash(data[i]);
        }
    }

    function sha254(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(left, right)) & ~bytes32(uint256(0xc0));
    }

    /// @dev Siblings made up, and the root that they give: a tree of any height.
    function sha254Path(bytes32 leaf, uint256 index, uint256 height, uint256 seed)
        internal
        pure
        returns (bytes32[] memory siblings, bytes32 root_)
    {
        siblings = new bytes32[](height);
        root_ = leaf;
        for (uint256 i = 0; i < height; ++i) {
            siblings[i] = keccak256(abi.encode(seed, i)) & ~bytes32(uint256(0xc0));
            root_ = (index >> i) & 1 == 0 ? sha254(root_, siblings[i]) : sha254(siblings[i], root_);
        }
    }

    /// @dev The same for our trees, perfect ones of 2^height leaves.
    function perfectPath(
        bytes32 leaf,
        uint256 index,
        uint256 height,
        uint256 seed,
        function(bytes memory) pure returns (bytes32) hash
    ) internal pure returns (bytes32[] memory siblings, bytes32 root_) {
        siblings = new bytes32[](height);
        bytes32 at = leaf;
        for (uint256 i = 0; i < height; ++i) {
            siblings[i] = keccak256(abi.encode(seed, i));
            at = (index >> i) & 1 == 0 ? node(at, siblings[i], hash) : node(siblings[i], at, hash);
        }
        root_ = bind(at, 2 ** height, hash);
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
