// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Sha254} from "../src/lib/Sha254.sol";
import {Base} from "./Base.sol";
import {Trees} from "./Trees.sol";

contract Sha254Test is Base {
    /// @dev Roots of trees of zeros, as `client/device-proofs/src/sha254.rs` and `PDPVerifier` have them.
    function test_zero_roots_are_the_published_ones() public view {
        bytes32[] memory path = new bytes32[](30);
        bytes32 node;
        for (uint256 i = 0; i < 30; ++i) {
            path[i] = node;
            node = Trees.sha254(node, node);
        }
        vm.assertEq(
            Sha254.fold(0, 0, path),
            0x077e5fde35c50a9303a55009e3498a4ebedff39c42b710b730d8ec7ac7afa63e
        );
        vm.assertEq(Sha254.fold(0, 0, new bytes32[](0)), bytes32(0));
    }

    function testFuzz_the_root_of_any_path(bytes32 leaf, uint64 index, uint8 height) public view {
        (bytes32[] memory path, bytes32 root) =
            Trees.sha254Path(leaf, index, uint256(height) % 51, uint256(leaf));
        vm.assertEq(Sha254.fold(leaf, index, path), root);
    }

    function testFuzz_one_flipped_bit_is_another_root(bytes32 leaf, uint32 index, uint16 bit)
        public
        view
    {
        (bytes32[] memory path, bytes32 root) = Trees.sha254Path(leaf, index, 30, 7);
        uint256 b = uint256(bit) % (30 * 256);
        path[b / 256] ^= bytes32(uint256(1) << (b % 256));
        vm.assertTrue(Sha254.fold(leaf, index, path) != root);
    }
}
