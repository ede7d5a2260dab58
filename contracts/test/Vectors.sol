// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Verdicts} from "../src/lib/Verdicts.sol";
import {RewardLeaf} from "../src/lib/RewardLeaf.sol";
import {Base} from "./Base.sol";

/// @notice `vectors.json`: bytes that `contracts/bindings/tests/vectors.rs` wrote with the Rust that
/// gateways and browsers run.
abstract contract Vectors is Base {
    uint256 internal constant LEAVES = 5;
    string private json;

    function load() internal {
        json = vm.readFile("test/vectors.json");
    }

    function get(string memory name) internal view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(".", name));
    }

    function get(string memory name, uint256 n) internal view returns (bytes memory) {
        return get(string.concat(name, "_", vm.toString(n)));
    }

    function root(string memory tree) internal view returns (bytes32) {
        return bytes32(get(string.concat(tree, "_root")));
    }

    function path(string memory tree, uint256 n) internal view returns (bytes32[] memory out) {
        bytes memory flat = get(string.concat(tree, "_path"), n);
        out = new bytes32[](flat.length / 32);
        for (uint256 i = 0; i < out.length; ++i) {
            bytes32 word;
            assembly ("memory-safe") {
                word := mload(add(add(flat, 32), shl(5, i)))
            }
            out[i] = word;
        }
    }

    function verdict(uint256 n) internal view returns (Verdicts.Leaf memory) {
        return
            Verdicts.Leaf(n, LEAVES, sha256(get("bundle", n)), get("output", n), path("verdict", n));
    }

    function reward(uint256 n) internal view returns (RewardLeaf.Leaf memory leaf) {
        bytes memory data = get("reward", n);
        assembly ("memory-safe") {
            mstore(leaf, shr(96, mload(add(data, 32))))
            mstore(add(leaf, 32), shr(128, mload(add(data, 52))))
            mstore(add(leaf, 64), shr(192, mload(add(data, 68))))
            mstore(add(leaf, 96), shr(128, mload(add(data, 76))))
        }
    }
}
