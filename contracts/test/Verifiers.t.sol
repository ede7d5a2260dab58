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
import {Game} from "./DisputeGame.t.sol";
import {Trees} from "./Trees.sol";

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
    /// differ is padding, which no decoder reads, and the count, which no root holds.
    function testFuzz_storage_a_flipped_bit_proves_nothing_else(uint16 bit) public view {
        bytes memory proof = storageProof(3);
        bytes memory other = bytes.concat(proof);
        flip(other, uint256(bit) % (proof.length * 8));
        (bool ok, bytes memory out) =
            address(storage_).staticcall(abi.encodeCall(IVerifier.refutes, (claim(), other)));
        if (!ok || !abi.decode(out, (bool))) return;
        StorageVerifier.Proof memory a = abi.decode(proof, (StorageVerifier.Proof));
        StorageVerifier.Proof memory b = abi.decode(other, (StorageVerifier.Proof));
        vm.assertEq(
            keccak256(abi.encode(a.bundle, a.output, a.path, a.opening)),
            keccak256(abi.encode(b.bundle, b.output, b.path, b.opening))
        );
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

    /// @dev SECURITY: with another count the last leaf of five passes for the last of two. Shown as two
    /// leaves it would be a double claim of itself.
    function test_receipts_one_leaf_under_two_counts_is_not_two_leaves() public view {
        Verdicts.Leaf memory leaf = verdict(4);
        Verdicts.Leaf memory again = verdict(4);
        (again.index, again.count) = (1, 2);
        Verdicts.check(leaf, claim().roots.verdict);
        Verdicts.check(again, claim().roots.verdict);
        vm.assertTrue(!says(receipts, 1, abi.encode(leaf, again)));
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
        c.roots.verdict = Trees.root(leaves);
        Verdicts.Leaf memory leaf = verdict(2);
        (leaf.bundleHash, leaf.path) = (keccak256("made up"), Trees.path(leaves, 2));
        vm.assertTrue(inclusion.refutes(c, included(2, leaf)));
        // the bundle of another place proves nothing
        bytes memory proof = included(3, leaf);
        vm.expectRevert();
        inclusion.refutes(c, proof);
    }

    function included(uint256 n, Verdicts.Leaf memory leaf) internal view returns (bytes memory) {
        return abi.encode(InclusionVerifier.Proof(leaf, get("bundle", n), path("evidence", n)));
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
        before.roots.reward = RewardLeaf.hash(leaf);
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
        before.roots.reward = RewardLeaf.hash(leaf);
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
        c.roots.reward = Trees.root(leaves);
        RewardVerifier.Placed memory a =
            RewardVerifier.Placed(reward(0), 0, 2, Trees.path(leaves, 0));
        RewardVerifier.Placed memory b =
            RewardVerifier.Placed(reward(0), 1, 2, Trees.path(leaves, 1));
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
            vm.assertEq(MerkleTree.leafHash(get("reward", n)), RewardLeaf.hash(reward(n)));
            vm.assertEq(keccak256(RewardLeaf.encode(reward(n))), keccak256(get("reward", n)));
        }
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

/// @notice What the readers refuse: a proof that cannot be read decides nothing.
contract ReadersTest is Game {
    function setUp() public {
        load();
    }

    function readVerdict(bytes memory output) external pure returns (Verdicts.Output memory) {
        return Verdicts.read(output);
    }

    function readReport(bytes memory report) external pure returns (Reports.Signed memory) {
        return Reports.read(report);
    }

    function forged(Reports.Signed memory s) external view returns (bool) {
        return Reports.forged(s);
    }

    function opens(bytes memory bundle, uint256 n) external view returns (bool) {
        return Pieces.opens(bundle, n);
    }

    function head(bytes memory data, uint8 major) external pure returns (uint256) {
        return Cbor.head(Cbor.reader(data), major);
    }

    function skip(bytes memory data) external pure {
        Cbor.skipInteger(Cbor.reader(data));
    }

    function liftY(bytes memory key_) external view returns (bytes32, bool) {
        return DeviceKeys.liftY(key_);
    }

    function test_an_output_is_read_as_it_was_written() public view {
        Verdicts.Output memory out = Verdicts.read(get("output", 1));
        vm.assertEq(uint256(out.verdict), 0);
        vm.assertEq(out.scorePpm, 1_000_001);
        vm.assertEq(uint256(out.replayKey) >> 248, 2);
        vm.assertEq(uint256(out.cell), 0x8c1fb46741ae9ff);
        vm.assertEq(uint256(Verdicts.verdictOf(get("output", 4))), 1);
        vm.assertEq(Reports.at_(get("bundle", 0), 0).receivedMs, 1_790_000_000_300);
        vm.assertEq(Reports.at_(get("bundle", 0), 1).receivedMs, 1_790_000_000_400);
    }

    function test_an_output_that_is_cut_or_longer_is_refused() public {
        bytes memory output = get("output", 0);
        for (uint256 length = 0; length < output.length; ++length) {
            bytes memory cut = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                cut[i] = output[i];
            }
            vm.expectRevert();
            this.readVerdict(cut);
        }
        vm.expectRevert();
        this.readVerdict(bytes.concat(output, hex"00"));
    }

    function test_heads_have_one_form() public {
        vm.assertEq(this.head(hex"17", 0), 23);
        vm.assertEq(this.head(hex"1818", 0), 24);
        vm.assertEq(this.head(hex"190100", 0), 256);
        vm.assertEq(this.head(hex"1a00010000", 0), 65_536);
        vm.assertEq(this.head(hex"1b0000000100000000", 0), 1 << 32);
        bytes[4] memory long =
            [bytes(hex"1817"), hex"1900ff", hex"1a0000ffff", hex"1b00000000ffffffff"];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Cbor.NotShortest.selector, 0));
            this.head(long[i], 0);
        }
        vm.expectRevert(abi.encodeWithSelector(Cbor.HeadInfo.selector, 0, uint8(28)));
        this.head(hex"1c", 0);
        vm.expectRevert(abi.encodeWithSelector(Cbor.MajorType.selector, 0, uint8(4), uint8(0)));
        this.head(hex"80", 0);
        vm.expectRevert(abi.encodeWithSelector(Cbor.Truncated.selector, 1, 2));
        this.head(hex"18", 0);
        this.skip(hex"20");
        vm.expectRevert(abi.encodeWithSelector(Cbor.Truncated.selector, 0, 1));
        this.skip("");
    }

    function test_a_report_has_its_fields_once_and_in_order() public {
        bytes[5] memory bad = [
            bytes(hex"1200120012"),
            hex"1a001200",
            hex"120501",
            hex"15000000",
            hex"10ffffffffffffffffffff01"
        ];
        for (uint256 i = 0; i < 5; ++i) {
            vm.expectRevert();
            this.readReport(bad[i]);
        }
    }

    /// @dev "I cannot read this signature" is not "this is forged".
    function test_a_signature_that_is_not_der_decides_nothing() public {
        Reports.Signed memory s = Reports.read(Reports.at_(get("bundle", 0), 0).report);
        vm.assertTrue(!Reports.forged(s));
        bytes memory der = s.signature;
        bytes[6] memory bad = [
            bytes(""),
            bytes.concat(der, hex"00"),
            hex"3006020100020180",
            hex"300602010003010a",
            hex"3008020200010202000a",
            hex"30080201010202000a00"
        ];
        for (uint256 i = 0; i < 6; ++i) {
            s.signature = bad[i];
            vm.expectRevert();
            this.forged(s);
        }
        // r and s of 1 are DER, and nobody's signature
        s.signature = hex"3006020101020101";
        vm.assertTrue(this.forged(s));
        s.signature = hex"3006020100020101";
        vm.assertTrue(this.forged(s));
        // an ed25519 key is for the quorum
        s.publicKey = abi.encodePacked(uint8(1), keccak256("k"));
        vm.expectRevert(abi.encodeWithSelector(DeviceKeys.KeyTypeUnsupported.selector, uint8(1)));
        this.forged(s);
    }

    function test_a_key_whose_x_has_no_point_signs_nothing() public {
        // 5 is not the x of any point of secp256k1
        (, bool onCurve) = this.liftY(abi.encodePacked(uint8(3), uint8(2), uint256(5)));
        vm.assertTrue(!onCurve);
        (, onCurve) = this.liftY(abi.encodePacked(uint8(3), uint8(4), uint256(1)));
        vm.assertTrue(!onCurve);
        (, onCurve) = this.liftY(abi.encodePacked(uint8(0), type(uint256).max));
        vm.assertTrue(!onCurve);
        Reports.Signed memory s = Reports.read(Reports.at_(get("bundle", 0), 1).report);
        s.publicKey = abi.encodePacked(uint8(3), uint8(2), uint256(5));
        vm.assertTrue(this.forged(s));
    }

    function testFuzz_the_lifted_point_is_the_keys(uint256 secret) public view {
        secret = 1 + secret % (1 << 250);
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        uint256 p = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff;
        (bytes32 lifted, bool onCurve) = DeviceKeys.liftY(abi.encodePacked(uint8(0), x));
        vm.assertTrue(onCurve);
        vm.assertEq(uint256(lifted), y < p - y ? y : p - y);
    }

    function test_openings_of_another_shape_are_refused() public {
        bytes memory bundle = get("bundle", 2);
        vm.assertTrue(this.opens(bundle, 0));
        vm.assertTrue(!this.opens(get("bundle", 3), 0));
        vm.expectRevert();
        this.opens(bundle, 1);
        bytes memory other = bytes.concat(bundle);
        // the piece's prefix
        other[8] ^= 0x01;
        vm.expectRevert();
        this.opens(other, 0);
        // the head of the last sibling
        other = bytes.concat(bundle);
        other[bundle.length - 33] = 0x21;
        vm.expectRevert();
        this.opens(other, 0);
    }

    function slice(bytes memory data, uint256 from, uint256 to)
        internal
        pure
        returns (bytes memory out)
    {
        out = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) {
            out[i - from] = data[i];
        }
    }

    /// @dev Two openings, the second one broken: each is judged by itself.
    function test_any_opening_of_a_sample_is_found() public view {
        (bytes memory good, bytes memory bad) = (get("bundle", 2), get("bundle", 3));
        // heads, the piece's name, the form; then an array of one
        vm.assertEq(uint256(uint8(good[50])), 0x81);
        bytes memory both = bytes.concat(
            slice(good, 0, 50), hex"82", slice(good, 51, good.length), slice(bad, 51, bad.length)
        );
        vm.assertTrue(this.opens(both, 0));
        vm.assertTrue(!this.opens(both, 1));
    }
}
