// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleTree} from "../src/lib/MerkleTree.sol";
import {Base} from "./Base.sol";
import {Trees, sha2} from "./Trees.sol";

contract MerkleTreeTest is Base {
    function fold(bytes32 leaf, uint256 index, uint256 count, bytes32[] memory path)
        external
        view
        returns (bytes32)
    {
        return MerkleTree.fold(leaf, index, count, path);
    }

    function leaves(uint256 count) internal pure returns (bytes32[] memory out) {
        out = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            out[i] = MerkleTree.leafHash(abi.encode(i));
        }
    }

    /// @dev The leaves and the root that Certificate Transparency implementations share, as
    /// `client/device-proofs/src/merkle.rs` has them.
    function test_rfc_6962_known_answer() public view {
        bytes[] memory data = new bytes[](8);
        data[0] = "";
        data[1] = hex"00";
        data[2] = hex"10";
        data[3] = hex"2021";
        data[4] = hex"3031";
        data[5] = hex"40414243";
        data[6] = hex"5051525354555657";
        data[7] = hex"606162636465666768696a6b6c6d6e6f";
        bytes32[] memory hashed = Trees.hashes(data);
        bytes32 top = 0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328;
        vm.assertEq(Trees.top(hashed, sha2), top);
        bytes32 root = sha256(abi.encodePacked(uint8(2), top, uint256(8)));
        for (uint256 i = 0; i < 8; ++i) {
            vm.assertTrue(MerkleTree.verify(hashed[i], i, 8, Trees.path(hashed, i, sha2), root));
        }
    }

    function test_every_path_of_every_small_tree_and_none_of_another_length() public {
        for (uint256 n = 1; n < 20; ++n) {
            bytes32[] memory hashed = leaves(n);
            bytes32 root = Trees.root(hashed, sha2);
            for (uint256 i = 0; i < n; ++i) {
                bytes32[] memory path = Trees.path(hashed, i, sha2);
                vm.assertTrue(MerkleTree.verify(hashed[i], i, n, path, root));
                bytes32[] memory long = new bytes32[](path.length + 1);
                vm.expectRevert(
                    abi.encodeWithSelector(
                        MerkleTree.PathLength.selector, path.length + 1, path.length
                    )
                );
                this.fold(hashed[i], i, n, long);
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

    function test_an_index_outside_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeafIndex.selector, 3, 3));
        this.fold(0, 3, 3, new bytes32[](2));
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.LeafIndex.selector, 0, 0));
        this.fold(0, 0, 0, new bytes32[](0));
    }

    /// @dev SECURITY: the topmost node does not say how many leaves there are. The last leaf of five has
    /// the path of the last of two, so it could be shown as two leaves.
    function test_a_leaf_under_another_count_is_not_in_the_tree() public view {
        bytes32[] memory five = leaves(5);
        bytes32[] memory path = Trees.path(five, 4, sha2);
        bytes32 root = Trees.root(five, sha2);
        vm.assertTrue(MerkleTree.verify(five[4], 4, 5, path, root));
        bytes32 top = Trees.node(path[0], five[4], sha2);
        vm.assertEq(MerkleTree.fold(five[4], 4, 5, path), Trees.bind(top, 5, sha2));
        vm.assertEq(MerkleTree.fold(five[4], 1, 2, path), Trees.bind(top, 2, sha2));
        vm.assertTrue(!MerkleTree.verify(five[4], 1, 2, path, root));
    }

    /// @dev Whatever other count and index are said, and however wide they are.
    function testFuzz_another_count_is_another_root(uint8 leaf, uint256 index, uint256 count)
        public
    {
        uint256 n = 1 + uint256(leaf) % 12;
        vm.assume(count != n);
        bytes32[] memory hashed = leaves(n);
        uint256 i = uint256(leaf) % n;
        bytes32[] memory path = Trees.path(hashed, i, sha2);
        (bool ok, bytes memory out) =
            address(this).call(abi.encodeCall(this.fold, (hashed[i], index, count, path)));
        vm.assertTrue(!ok || abi.decode(out, (bytes32)) != Trees.root(hashed, sha2));
        count = 1 + count % 24;
        if (count == n) return;
        (ok, out) =
            address(this).call(abi.encodeCall(this.fold, (hashed[i], index % count, count, path)));
        vm.assertTrue(!ok || abi.decode(out, (bytes32)) != Trees.root(hashed, sha2));
    }

    function testFuzz_one_flipped_bit_is_another_root(uint8 count, uint8 index, uint16 bit)
        public
        view
    {
        uint256 n = 2 + uint256(count) % 40;
        uint256 i = uint256(index) % n;
        bytes32[] memory hashed = leaves(n);
        bytes32[] memory path = Trees.path(hashed, i, sha2);
        uint256 b = uint256(bit) % (path.length * 256);
        path[b / 256] ^= bytes32(uint256(1) << (b % 256));
        vm.assertTrue(!MerkleTree.verify(hashed[i], i, n, path, Trees.root(hashed, sha2)));
    }
}
