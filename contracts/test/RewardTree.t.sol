// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleTree} from "../src/lib/MerkleTree.sol";
import {RewardLeaf} from "../src/lib/RewardLeaf.sol";
import {RewardTree} from "../src/lib/RewardTree.sol";
import {Base} from "./Base.sol";
import {Trees, keccak} from "./Trees.sol";

contract RewardTreeTest is Base {
    function fold(bytes32 leaf, uint256 index, uint256 count, bytes32[] memory path)
        external
        pure
        returns (bytes32)
    {
        return RewardTree.fold(leaf, index, count, path);
    }

    function foldPacked(bytes calldata proof) external pure returns (bytes32) {
        return RewardTree.foldPacked(proof);
    }

    function leafOf(uint256 n) internal pure returns (RewardLeaf.Leaf memory leaf) {
        leaf.account = address(bytes20(keccak256(abi.encode(n))));
        leaf.previous = uint128(bytes16(keccak256(abi.encode(n, "previous"))));
        leaf.scorePpm = uint64(bytes8(keccak256(abi.encode(n, "score"))));
        leaf.cumulative = uint128(bytes16(keccak256(abi.encode(n, "cumulative"))));
    }

    function leaves(uint256 count) internal pure returns (bytes32[] memory out) {
        out = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            out[i] = RewardLeaf.hash(leafOf(i));
        }
    }

    function test_every_path_of_every_small_tree_and_none_of_another_length() public {
        for (uint256 n = 1; n < 20; ++n) {
            bytes32[] memory hashed = leaves(n);
            bytes32 root = Trees.root(hashed, keccak);
            for (uint256 i = 0; i < n; ++i) {
                bytes32[] memory path = Trees.path(hashed, i, keccak);
                vm.assertEq(RewardTree.fold(hashed[i], i, n, path), root);
                bytes memory packed = Trees.pack(leafOf(i), i, n, path);
                vm.assertEq(this.foldPacked(packed), root);
                bytes memory refusal = abi.encodeWithSelector(
                    MerkleTree.PathLength.selector, path.length + 1, path.length
                );
                bytes32[] memory long = new bytes32[](path.length + 1);
                vm.expectRevert(refusal);
                this.fold(hashed[i], i, n, long);
                vm.expectRevert(refusal);
                this.foldPacked(bytes.concat(packed, bytes32(0)));
                if (path.length == 0) continue;
                bytes32[] memory short = new bytes32[](path.length - 1);
                vm.expectRevert(
                    abi.encodeWithSelector(
                        MerkleTree.PathLength.selector, path.length - 1, path.length
                    )
                );
                this.fold(hashed[i], i, n, short);
            }
        }
    }

    function test_the_leaf_of_a_packed_proof_is_read_as_it_was_packed() public view {
        this.due(Trees.pack(leafOf(3), 0, 1, new bytes32[](0)));
    }

    function due(bytes calldata proof) external pure {
        (address account, uint128 cumulative) = RewardLeaf.due(proof);
        vm.assertEq(account, leafOf(3).account);
        vm.assertEq(uint256(cumulative), leafOf(3).cumulative);
    }

    function test_an_index_outside_and_a_count_over_64_bits_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeafIndex.selector, 3, 3));
        this.fold(0, 3, 3, new bytes32[](2));
        uint256 count = uint256(type(uint64).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeafIndex.selector, 0, count));
        this.fold(0, 0, count, new bytes32[](64));
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeafIndex.selector, 0, 0));
        this.foldPacked("");
    }

    /// @dev The highest tree that a count allows: 64 siblings for its first leaf, one for its last.
    function test_a_tree_of_the_largest_count_has_64_levels() public pure {
        uint256 count = type(uint64).max;
        RewardTree.fold(0, 0, count, new bytes32[](64));
        RewardTree.fold(0, count - 1, count, new bytes32[](63));
    }

    function testFuzz_one_flipped_bit_is_another_root(uint8 count, uint8 index, uint16 bit)
        public
        pure
    {
        uint256 n = 2 + uint256(count) % 40;
        uint256 i = uint256(index) % n;
        bytes32[] memory hashed = leaves(n);
        bytes32[] memory path = Trees.path(hashed, i, keccak);
        uint256 b = uint256(bit) % (path.length * 256);
        path[b / 256] ^= bytes32(uint256(1) << (b % 256));
        vm.assertTrue(RewardTree.fold(hashed[i], i, n, path) != Trees.root(hashed, keccak));
    }
}
