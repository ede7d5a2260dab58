// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claim, IVerifier} from "../src/IVerifier.sol";
import {RewardSchedule} from "../src/RewardSchedule.sol";
import {SettlementLedgerStorage} from "../src/SettlementLedgerStorage.sol";
import {Cbor} from "../src/lib/Cbor.sol";
import {DeviceKeys} from "../src/lib/DeviceKeys.sol";
import {MerkleTree} from "../src/lib/MerkleTree.sol";
import {Pieces} from "../src/lib/Pieces.sol";
import {Reports} from "../src/lib/Reports.sol";
import {RewardLeaf} from "../src/lib/RewardLeaf.sol";
import {Verdicts} from "../src/lib/Verdicts.sol";
import {InclusionVerifier} from "../src/verifiers/InclusionVerifier.sol";
import {ModuleVerifier} from "../src/verifiers/ModuleVerifier.sol";
import {ReceiptVerifier} from "../src/verifiers/ReceiptVerifier.sol";
import {RewardVerifier} from "../src/verifiers/RewardVerifier.sol";
import {StorageVerifier} from "../src/verifiers/StorageVerifier.sol";
import {Game} from "./Game.sol";
import {Trees, keccak, sha2} from "./Trees.sol";

contract VerifiersTest is Game {
    ReceiptVerifier internal receipts;
    InclusionVerifier internal inclusion;
    RewardVerifier internal rewards;
    StorageVerifier internal storage_;
    ModuleVerifier internal modules;
    RewardSchedule internal schedule;

    function setUp() public {
        deploy();
        storage_ = new StorageVerifier();
        receipts = new ReceiptVerifier();
        inclusion = new InclusionVerifier();
        schedule = new RewardSchedule(address(manager));
        schedule.append(CHECK, 0, 3 ether, type(uint128).max);
        rewards = new RewardVerifier(schedule, ledger);
        modules = new ModuleVerifier(checks);
    }

    function says(IVerifier verifier, uint8 form, bytes memory shown) internal view returns (bool) {
        return verifier.refutes(claim(), abi.encode(form, shown));
    }

    function report(uint256 leaf, uint256 n) internal view returns (bytes memory) {
        return abi.encode(leaf, LEAVES, get("bundle", leaf), path("evidence", leaf), n);
    }

    function placed(uint256 n) internal view returns (RewardVerifier.Placed memory) {
        return RewardVerifier.Placed(reward(n), n, 3, path("reward", n));
    }

    // ---- storage ----

    function test_storage_only_a_pass_over_a_broken_path_is_wrong() public view {
        vm.assertTrue(storage_.refutes(claim(), storageProof(3)));
        vm.assertTrue(!storage_.refutes(claim(), storageProof(2)));
        // judged a fail, rightly
        vm.assertTrue(!storage_.refutes(claim(), storageProof(4)));
    }

    function test_storage_evidence_of_another_kind_decides_nothing() public {
        Claim memory c = claim();
        bytes memory proof = storageProof(0);
        vm.expectRevert();
        storage_.refutes(c, proof);
    }

    /// @dev Whatever bit of a valid fraud proof is flipped, it refutes that leaf or nothing: what may
    /// differ is padding, which no decoder reads.
    function testFuzz_storage_a_flipped_bit_proves_nothing_else(uint16 bit) public view {
        bytes memory proof = storageProof(3);
        bytes memory other = bytes.concat(proof);
        flip(other, uint256(bit) % (proof.length * 8));
        (bool ok, bytes memory out) =
            address(storage_).staticcall(abi.encodeCall(IVerifier.refutes, (claim(), other)));
        if (!ok || !abi.decode(out, (bool))) return;
        StorageVerifier.Proof memory a = abi.decode(proof, (StorageVerifier.Proof));
        StorageVerifier.Proof memory b = abi.decode(other, (StorageVerifier.Proof));
        vm.assertEq(keccak256(abi.encode(a)), keccak256(abi.encode(b)));
    }

    // ---- receipts ----

    function test_receipts_signed_reports_are_not_forged() public view {
        vm.assertTrue(!says(receipts, 0, report(0, 0)));
        vm.assertTrue(!says(receipts, 0, report(0, 1)));
    }

    function test_receipts_a_p256_and_a_secp256k1_forgery_are_found() public view {
        vm.assertTrue(says(receipts, 0, report(1, 0)));
        vm.assertTrue(says(receipts, 0, report(1, 1)));
    }

    function test_receipts_a_report_that_is_not_there_decides_nothing() public {
        Claim memory c = claim();
        bytes memory proof = abi.encode(uint8(0), report(0, 2));
        vm.expectRevert();
        receipts.refutes(c, proof);
        // evidence that was not committed
        proof =
            abi.encode(uint8(0), abi.encode(1, LEAVES, get("bundle", 0), path("evidence", 1), 0));
        vm.expectRevert();
        receipts.refutes(c, proof);
        vm.expectRevert(abi.encodeWithSelector(ReceiptVerifier.UnknownForm.selector, uint8(3)));
        receipts.refutes(c, abi.encode(uint8(3), ""));
    }

    function test_receipts_one_replay_key_twice_is_a_double_claim() public view {
        vm.assertTrue(says(receipts, 1, abi.encode(verdict(0), verdict(2))));
        vm.assertTrue(!says(receipts, 1, abi.encode(verdict(0), verdict(3))));
        vm.assertTrue(!says(receipts, 1, abi.encode(verdict(0), verdict(0))));
    }

    /// @dev SECURITY: with another count the last leaf of five was taken for the last of two, and could
    /// be shown as a double claim of itself.
    function test_receipts_one_leaf_under_another_count_is_refused() public {
        Verdicts.Leaf memory again = verdict(4);
        (again.index, again.count) = (1, 2);
        bytes32 got = Trees.bind(Trees.node(again.path[0], leafHash(4), sha2), 2, sha2);
        bytes32 expected = root("verdict");
        Claim memory c = claim();
        bytes memory proof = abi.encode(uint8(1), abi.encode(verdict(4), again));
        vm.expectRevert(abi.encodeWithSelector(Verdicts.NotInVerdicts.selector, got, expected));
        receipts.refutes(c, proof);
    }

    function test_receipts_more_than_a_full_score_is_over_the_cap() public view {
        vm.assertTrue(says(receipts, 2, abi.encode(verdict(1))));
        vm.assertTrue(!says(receipts, 2, abi.encode(verdict(0))));
    }

    // ---- inclusion ----

    function test_inclusion_a_verdict_without_its_evidence_is_found() public {
        vm.assertTrue(!inclusion.refutes(claim(), included(2, verdict(2))));
        // a proposal whose verdict tree has another bundle at place 2
        Claim memory c = claim();
        bytes32[] memory leaves = new bytes32[](LEAVES);
        for (uint256 n = 0; n < LEAVES; ++n) {
            bytes memory data = bytes.concat(sha256(get("bundle", n)), get("output", n));
            if (n == 2) data = bytes.concat(keccak256("made up"), get("output", n));
            leaves[n] = MerkleTree.leafHash(data);
        }
        c.roots.verdict = Trees.root(leaves, sha2);
        Verdicts.Leaf memory leaf = verdict(2);
        (leaf.bundleHash, leaf.path) = (keccak256("made up"), Trees.path(leaves, 2, sha2));
        vm.assertTrue(inclusion.refutes(c, included(2, leaf)));
        // with another count the bundle is not in the tree
        bytes memory proof = abi.encode(
            InclusionVerifier.Proof(leaf, LEAVES - 1, get("bundle", 2), path("evidence", 2))
        );
        vm.expectRevert();
        inclusion.refutes(c, proof);
        // the bundle of another place proves nothing
        proof = included(3, leaf);
        vm.expectRevert();
        inclusion.refutes(c, proof);
    }

    function test_inclusion_trees_of_two_sizes_are_found() public {
        Claim memory c = claim();
        bytes32[] memory leaves = new bytes32[](LEAVES - 1);
        for (uint256 n = 0; n < LEAVES - 1; ++n) {
            leaves[n] = MerkleTree.leafHash(get("bundle", n));
        }
        c.roots.evidence = Trees.root(leaves, sha2);
        bytes memory bundle = get("bundle", 1);
        bytes memory proof = abi.encode(
            InclusionVerifier.Proof(verdict(1), LEAVES - 1, bundle, Trees.path(leaves, 1, sha2))
        );
        vm.assertTrue(inclusion.refutes(c, proof));
        proof = abi.encode(
            InclusionVerifier.Proof(verdict(1), LEAVES, bundle, Trees.path(leaves, 1, sha2))
        );
        vm.expectRevert();
        inclusion.refutes(c, proof);
    }

    function included(uint256 n, Verdicts.Leaf memory leaf) internal view returns (bytes memory) {
        return
            abi.encode(InclusionVerifier.Proof(leaf, LEAVES, get("bundle", n), path("evidence", n)));
    }

    function leafHash(uint256 n) internal view returns (bytes32) {
        return MerkleTree.leafHash(bytes.concat(sha256(get("bundle", n)), get("output", n)));
    }

    // ---- rewards ----

    function test_rewards_a_leaf_that_does_not_add_up_is_found() public view {
        vm.assertTrue(!says(rewards, 0, abi.encode(placed(0))));
        vm.assertTrue(says(rewards, 0, abi.encode(placed(1))));
        vm.assertTrue(!says(rewards, 0, abi.encode(placed(2))));
    }

    function test_rewards_a_leaf_over_the_cap_is_found() public {
        schedule.append(CHECK, 3, 3 ether, 1 ether);
        vm.assertTrue(says(rewards, 0, abi.encode(placed(0))));
    }

    function test_rewards_epochs_beyond_64_bits_have_the_newest_rate() public view {
        Claim memory c = claim();
        c.epoch = uint256(type(uint64).max) + 5;
        bytes memory shown = abi.encode(placed(0));
        vm.assertTrue(!rewards.refutes(c, abi.encode(uint8(0), shown)));
    }

    function test_rewards_a_leaf_that_forgets_the_epoch_before_is_found() public {
        Claim memory before = claim();
        before.epoch = 2;
        RewardLeaf.Leaf memory leaf = reward(0);
        leaf.cumulative = leaf.previous;
        before.roots.reward = Trees.bind(RewardLeaf.hash(leaf), 1, keccak);
        vm.prank(PROPOSER);
        ledger.propose{value: BOND}(CHECK, 15, 2, 999, before.roots);
        RewardVerifier.Placed memory there = RewardVerifier.Placed(leaf, 0, 1, new bytes32[](0));
        bytes memory shown = abi.encode(placed(0), before.roots, there);
        Claim memory c = claim();
        bytes32 known = keccak256(abi.encode(before.roots));
        vm.expectRevert(
            abi.encodeWithSelector(RewardVerifier.NotSettled.selector, known, known, uint8(1))
        );
        rewards.refutes(c, abi.encode(uint8(1), shown));
        vm.warp(block.timestamp + WINDOW + 1);
        ledger.finalize(CHECK, 15, 2, 1, before.roots);
        vm.assertTrue(!says(rewards, 1, shown));
        // another account's leaf says nothing about this one
        vm.assertTrue(!says(rewards, 1, abi.encode(placed(2), before.roots, there)));
    }

    function test_rewards_a_broken_chain_is_found() public {
        Claim memory before = claim();
        before.epoch = 2;
        RewardLeaf.Leaf memory leaf = reward(0);
        leaf.cumulative = leaf.previous + 1;
        before.roots.reward = Trees.bind(RewardLeaf.hash(leaf), 1, keccak);
        vm.prank(PROPOSER);
        ledger.propose{value: BOND}(CHECK, 15, 2, 999, before.roots);
        vm.warp(block.timestamp + WINDOW + 1);
        ledger.finalize(CHECK, 15, 2, 1, before.roots);
        RewardVerifier.Placed memory there = RewardVerifier.Placed(leaf, 0, 1, new bytes32[](0));
        vm.assertTrue(says(rewards, 1, abi.encode(placed(0), before.roots, there)));
    }

    function test_rewards_an_account_twice_is_found() public {
        vm.assertTrue(!says(rewards, 2, abi.encode(placed(0), placed(1))));
        vm.assertTrue(!says(rewards, 2, abi.encode(placed(0), placed(0))));
        Claim memory c = claim();
        bytes32[] memory leaves = new bytes32[](2);
        leaves[0] = RewardLeaf.hash(reward(0));
        leaves[1] = leaves[0];
        c.roots.reward = Trees.root(leaves, keccak);
        RewardVerifier.Placed memory a =
            RewardVerifier.Placed(reward(0), 0, 2, Trees.path(leaves, 0, keccak));
        RewardVerifier.Placed memory b =
            RewardVerifier.Placed(reward(0), 1, 2, Trees.path(leaves, 1, keccak));
        vm.assertTrue(rewards.refutes(c, abi.encode(uint8(2), abi.encode(a, b))));
        vm.expectRevert(abi.encodeWithSelector(RewardVerifier.UnknownForm.selector, uint8(3)));
        rewards.refutes(c, abi.encode(uint8(3), ""));
        a.leaf.cumulative += 1;
        bytes memory shown = abi.encode(a, b);
        vm.expectRevert();
        rewards.refutes(c, abi.encode(uint8(2), shown));
    }

    /// @dev What Rust writes is what Solidity hashes.
    function test_reward_leaves_are_those_of_the_bindings() public view {
        for (uint256 n = 0; n < 3; ++n) {
            vm.assertEq(
                keccak256(bytes.concat(bytes1(0), get("reward", n))), RewardLeaf.hash(reward(n))
            );
            vm.assertEq(keccak256(RewardLeaf.encode(reward(n))), keccak256(get("reward", n)));
        }
    }

    // ---- counts ----

    /// @dev What every kind shows, under every other count: the path has another length or leads elsewhere.
    function test_every_verifier_refuses_another_count() public {
        vm.assertTrue(storage_.refutes(claim(), storageProof(3)));
        for (uint256 count = 0; count < 20; ++count) {
            if (count == LEAVES) continue;
            Verdicts.Leaf memory leaf = verdict(3);
            leaf.count = count;
            _refused(storage_, abi.encode(_storage(count)));
            bytes memory shown = abi.encode(1, count, get("bundle", 1), path("evidence", 1), 0);
            _refused(receipts, abi.encode(uint8(0), shown));
            _refused(receipts, abi.encode(uint8(1), abi.encode(verdict(0), leaf)));
            _refused(receipts, abi.encode(uint8(2), abi.encode(leaf)));
            bytes memory bundle = get("bundle", 3);
            InclusionVerifier.Proof memory p =
                InclusionVerifier.Proof(verdict(3), count, bundle, path("evidence", 3));
            _refused(inclusion, abi.encode(p));
            (p.verdict, p.count) = (leaf, LEAVES);
            _refused(inclusion, abi.encode(p));
        }
        for (uint256 count = 0; count < 20; ++count) {
            if (count == 3) continue;
            RewardVerifier.Placed memory a = placed(1);
            a.count = count;
            _refused(rewards, abi.encode(uint8(0), abi.encode(a)));
            _refused(rewards, abi.encode(uint8(2), abi.encode(placed(0), a)));
        }
    }

    function _storage(uint256 count) private view returns (StorageVerifier.Proof memory p) {
        p = abi.decode(storageProof(3), (StorageVerifier.Proof));
        p.count = count;
    }

    function _refused(IVerifier verifier, bytes memory proof) private {
        Claim memory c = claim();
        vm.expectRevert();
        verifier.refutes(c, proof);
    }

    // ---- modules ----

    /// @dev A header with a timestamp, and nothing else that matters.
    function header(uint64 time) internal pure returns (bytes memory) {
        bytes memory fields;
        for (uint256 i = 0; i < 11; ++i) {
            fields = bytes.concat(fields, hex"80");
        }
        fields = bytes.concat(fields, hex"88", bytes8(time), hex"80");
        return bytes.concat(bytes1(uint8(0xc0 + fields.length)), fields);
    }

    function test_modules_only_the_module_of_the_anchors_time_may_judge() public {
        uint64 from = uint64(block.timestamp) + 3600;
        checks.pin(CHECK, keccak256("next"), keccak256("params"), 1, from);
        Claim memory c = claim();
        c.roots.anchorHash = keccak256(header(from - 1));
        vm.assertTrue(!modules.refutes(c, header(from - 1)));
        c.roots.anchorHash = keccak256(header(from));
        vm.assertTrue(modules.refutes(c, header(from)));
        c.roots.moduleHash = keccak256("next");
        vm.assertTrue(!modules.refutes(c, header(from)));
        bytes memory other = header(from + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ModuleVerifier.NotTheAnchor.selector, keccak256(other), c.roots.anchorHash
            )
        );
        modules.refutes(c, other);
        // a check that was never pinned cannot have been judged
        c.checkId = keccak256("unknown");
        vm.assertTrue(modules.refutes(c, header(from)));
    }
}
