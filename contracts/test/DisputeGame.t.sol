// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {CheckRegistry} from "../src/CheckRegistry.sol";
import {DisputeGame} from "../src/DisputeGame.sol";
import {GatewayQuorum} from "../src/GatewayQuorum.sol";
import {Claim, IVerifier} from "../src/IVerifier.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {Verdicts} from "../src/lib/Verdicts.sol";
import {StorageVerifier} from "../src/verifiers/StorageVerifier.sol";
import {Vectors} from "./Vectors.sol";

/// @notice A settled lane of the vectors, a game with the storage verifier, and three gateways.
abstract contract Game is Vectors {
    bytes32 internal constant CHECK = keccak256("storage-commp");
    bytes32 internal constant MODULE = keccak256("module");
    uint256 internal constant BOND = 1 ether;
    uint256 internal constant STAKE = 0.1 ether;
    uint64 internal constant WINDOW = 7200;
    uint8 internal constant STORAGE = 1;
    address internal constant PROPOSER = address(0x9999999999999999999999999999999999999999);
    AccessManager internal manager;
    CheckRegistry internal checks;
    SettlementLedger internal ledger;
    GatewayQuorum internal quorum;
    DisputeGame internal game;
    uint256 internal epoch = 3;

    function deploy() internal {
        load();
        vm.warp(100 days);
        vm.roll(1000);
        manager = new AccessManager(address(this));
        checks = new CheckRegistry(address(manager), 3600);
        checks.pin(CHECK, MODULE, keccak256("params"), 1, 0);
        ledger = new SettlementLedger(address(manager), checks, BOND, WINDOW);
        quorum = new GatewayQuorum(address(manager), 5 ether, 2);
        game = new DisputeGame(address(manager), ledger, quorum, STAKE);
        ledger.setDisputeGame(address(game));
        game.announce(STORAGE, new StorageVerifier());
        vm.deal(address(this), 1000 ether);
        vm.deal(PROPOSER, 1000 ether);
    }

    receive() external payable {}

    function claim() internal view returns (Claim memory c) {
        (c.checkId, c.lane, c.epoch) = (CHECK, 15, epoch);
        c.roots.evidence = root("evidence");
        c.roots.verdict = root("verdict");
        c.roots.reward = root("reward");
        c.roots.moduleHash = MODULE;
        c.roots.anchorHash = blockhash(999);
    }

    function propose() internal {
        Claim memory c = claim();
        vm.prank(PROPOSER);
        ledger.propose{value: BOND}(CHECK, 15, epoch, 999, c.roots);
    }

    function key() internal view returns (bytes32) {
        return ledger.settlementKey(CHECK, 15, epoch);
    }

    function commitment() internal view returns (bytes32) {
        return keccak256(abi.encode(claim().roots));
    }

    function storageProof(uint256 n) internal view returns (bytes memory) {
        return abi.encode(
            StorageVerifier.Proof(
                n, LEAVES, get("bundle", n), get("output", n), path("verdict", n), 0
            )
        );
    }

    function hashOf(address who, uint8 kind, bytes memory proof) internal view returns (bytes32) {
        return game.sealHash(who, key(), commitment(), kind, keccak256(proof), "salt");
    }

    /// @dev Seals a challenge, and goes on by a block.
    function seal(uint8 kind, bytes memory proof) internal returns (bytes32 hash) {
        hash = hashOf(address(this), kind, proof);
        game.seal{value: STAKE}(hash);
        vm.roll(block.number + 1);
    }

    function status() internal view returns (uint256) {
        return ledger.settlementAt(key()).status;
    }
}

/// @notice Challenges, asks and collects at random, for the invariant test.
contract Challengers is Game {
    uint256 internal round;
    bytes32[] internal hashes;

    constructor() {
        deploy();
    }

    function fresh() internal {
        ++epoch;
        propose();
    }

    function sealNext(uint8 kind, bytes memory proof) internal returns (bytes32 salt) {
        salt = bytes32(++round);
        bytes32 hash =
            game.sealHash(address(this), key(), commitment(), kind, keccak256(proof), salt);
        game.seal{value: STAKE}(hash);
        hashes.push(hash);
        vm.roll(block.number + 1);
    }

    function strike() internal {
        bytes memory proof = storageProof(3);
        game.challenge(claim(), STORAGE, proof, sealNext(STORAGE, proof));
    }

    function question() internal {
        Verdicts.Leaf memory leaf = verdict(0);
        game.ask(claim(), leaf, sealNext(255, abi.encode(leaf)));
    }

    function sealOnly() external {
        fresh();
        sealNext(STORAGE, storageProof(2));
    }

    function challenge() external {
        fresh();
        strike();
    }

    function ask(bool thenStrike) external {
        fresh();
        question();
        if (thenStrike) strike();
    }

    function second() external {
        fresh();
        bytes memory proof = storageProof(3);
        bytes32 salt = sealNext(STORAGE, proof);
        strike();
        game.takeBackMoot(key(), commitment(), STORAGE, keccak256(proof), salt);
    }

    function lapse(uint256 n, bool late) external {
        if (late) vm.warp(block.timestamp + 1 days + 1);
        game.lapse(hashes[n % hashes.length]);
    }

    function collect(uint256 n) external {
        game.collect(hashes[n % hashes.length]);
    }

    function forfeit(uint256 n) external {
        vm.warp(block.timestamp + 1 hours + 1);
        game.forfeit(hashes[n % hashes.length]);
    }

    function withdraw() external {
        game.withdraw();
    }

    /// @dev Bonds of open seals and disputes, what was won and not yet collected, and payments due.
    function due() external view returns (uint256 sum) {
        sum = game.withdrawableOf(address(this)) + game.withdrawableOf(game.BURN())
            + game.withdrawableOf(PROPOSER);
        for (uint256 i = 0; i < hashes.length; ++i) {
            uint8 status_ = game.sealedAs(hashes[i]).status;
            if (status_ == 1) sum += STAKE;
            if (status_ == 2) sum += STAKE + BOND;
            if (game.dispute(hashes[i]).status == 1) sum += STAKE;
        }
    }

    function held() external view returns (uint256) {
        return address(game).balance;
    }
}

contract DisputeGameTest is Game {
    Challengers internal challengers;

    function setUp() public {
        deploy();
        propose();
        challengers = new Challengers();
        targetContract(address(challengers));
    }

    function invariant_bonds_are_conserved() public view {
        vm.assertEq(challengers.held(), challengers.due());
    }

    function sealQuestion(uint256 leaf) internal returns (Verdicts.Leaf memory asked) {
        asked = verdict(leaf);
        seal(255, abi.encode(asked));
    }

    function ask(uint256 leaf) internal returns (bytes32) {
        Claim memory c = claim();
        return game.ask(c, sealQuestion(leaf), "salt");
    }

    function joinAll(uint256 members) internal {
        for (uint256 i = 1; i <= members; ++i) {
            vm.deal(vm.addr(i), 5 ether);
            vm.prank(vm.addr(i));
            quorum.join{value: 5 ether}();
        }
        vm.warp(block.timestamp + quorum.WARM_UP());
    }

    /// @dev Votes of members 1 to n for one answer, ascending by signer.
    function votes(bytes32 id, bytes32 outputHash, uint256 n)
        internal
        view
        returns (bytes[] memory signed)
    {
        signed = new bytes[](n);
        address[] memory signers = new address[](n);
        for (uint256 i = 0; i < n; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(i + 1, quorum.voteDigest(id, outputHash));
            uint256 place = i;
            for (; place > 0 && signers[place - 1] > vm.addr(i + 1); --place) {
                (signers[place], signed[place]) = (signers[place - 1], signed[place - 1]);
            }
            (signers[place], signed[place]) = (vm.addr(i + 1), abi.encodePacked(r, s, v));
        }
    }

    function test_a_planted_storage_fraud_is_struck_out_and_pays_half() public {
        bytes memory proof = storageProof(3);
        bytes32 hash = seal(STORAGE, proof);
        game.challenge(claim(), STORAGE, proof, "salt");
        vm.assertEq(status(), 3);
        game.collect(hash);
        vm.assertEq(game.withdrawableOf(address(this)), STAKE + BOND / 2);
        vm.assertEq(game.withdrawableOf(game.BURN()), BOND / 2);
        vm.expectRevert(
            abi.encodeWithSelector(DisputeGame.NotSealed.selector, hash, uint8(3), uint8(2))
        );
        game.collect(hash);
        game.withdraw();
        game.withdrawFor(game.BURN());
        vm.assertEq(address(game).balance, 0);
        propose();
        vm.assertEq(status(), 1);
    }

    function test_an_honest_leaf_cannot_be_challenged() public {
        Claim memory c = claim();
        for (uint256 n = 2; n < 5; n += 2) {
            bytes memory proof = storageProof(n);
            seal(STORAGE, proof);
            vm.expectRevert(abi.encodeWithSelector(DisputeGame.NothingShown.selector, STORAGE));
            game.challenge(c, STORAGE, proof, "salt");
        }
    }

    function test_a_false_challenge_loses_its_bond() public {
        bytes32 hash = seal(STORAGE, storageProof(2));
        uint256 until = block.timestamp + game.SEAL_TIME();
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.SealStillOpen.selector, until, until));
        game.forfeit(hash);
        vm.warp(until + 1);
        game.forfeit(hash);
        vm.assertEq(game.withdrawableOf(game.BURN()), STAKE);
        vm.expectRevert(
            abi.encodeWithSelector(DisputeGame.NotSealed.selector, hash, uint8(3), uint8(1))
        );
        game.forfeit(hash);
    }

    /// @dev SECURITY: whoever copies a proof out of the pool has no seal for it, or one that is too young.
    function test_nobody_runs_in_front_of_a_challenge() public {
        bytes memory proof = storageProof(3);
        seal(STORAGE, proof);
        Claim memory c = claim();
        address thief = address(0x7777777777777777777777777777777777777777);
        bytes32 stolen = hashOf(thief, STORAGE, proof);
        vm.deal(thief, 1 ether);
        vm.startPrank(thief);
        vm.expectRevert(
            abi.encodeWithSelector(DisputeGame.NotSealed.selector, stolen, uint8(0), uint8(1))
        );
        game.challenge(c, STORAGE, proof, "salt");
        game.seal{value: STAKE}(stolen);
        vm.expectRevert(
            abi.encodeWithSelector(
                DisputeGame.SealTooFresh.selector, block.number, block.number + 1
            )
        );
        game.challenge(c, STORAGE, proof, "salt");
        vm.stopPrank();
        game.challenge(c, STORAGE, proof, "salt");
        // the thief was second: its bond comes back, the prize does not
        (bytes32 key_, bytes32 commitment_) = (key(), commitment());
        vm.prank(thief);
        game.takeBackMoot(key_, commitment_, STORAGE, keccak256(proof), "salt");
        vm.assertEq(game.withdrawableOf(thief), STAKE);
    }

    function test_only_the_ledger_pays_in() public {
        (bool ok, bytes memory out) = address(game).call{value: 1}("");
        vm.assertTrue(!ok);
        vm.assertEq(
            keccak256(out),
            keccak256(
                abi.encodeWithSelector(
                    DisputeGame.NotTheLedger.selector, address(this), address(ledger)
                )
            )
        );
    }

    function test_a_bond_is_not_moot_while_the_proposal_stands() public {
        bytes memory proof = storageProof(3);
        bytes32 hash = seal(STORAGE, proof);
        (bytes32 key_, bytes32 commitment_) = (key(), commitment());
        vm.expectRevert(
            abi.encodeWithSelector(DisputeGame.StillDisputable.selector, key_, uint8(1))
        );
        game.takeBackMoot(key_, commitment_, STORAGE, keccak256(proof), "salt");
        game.challenge(claim(), STORAGE, proof, "salt");
        vm.expectRevert(
            abi.encodeWithSelector(DisputeGame.NotSealed.selector, hash, uint8(2), uint8(1))
        );
        game.takeBackMoot(key_, commitment_, STORAGE, keccak256(proof), "salt");
    }

    function test_a_seal_is_bonded_once_and_shown_in_time() public {
        bytes memory proof = storageProof(3);
        bytes32 hash = hashOf(address(this), STORAGE, proof);
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.BondMismatch.selector, STAKE - 1, STAKE));
        game.seal{value: STAKE - 1}(hash);
        seal(STORAGE, proof);
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.AlreadySealed.selector, hash));
        game.seal{value: STAKE}(hash);
        Claim memory c = claim();
        uint256 until = block.timestamp + game.SEAL_TIME();
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.SealTooOld.selector, until + 1, until));
        game.challenge(c, STORAGE, proof, "salt");
        DisputeGame.Sealed memory s = game.sealedAs(hash);
        vm.assertEq(s.challenger, address(this));
    }

    function test_a_late_challenge_reverts() public {
        vm.warp(block.timestamp + WINDOW + 1);
        bytes memory proof = storageProof(3);
        seal(STORAGE, proof);
        Claim memory c = claim();
        uint64 deadline = ledger.settlementAt(key()).deadline;
        vm.expectRevert(
            abi.encodeWithSelector(
                SettlementLedger.WindowClosed.selector, deadline, block.timestamp
            )
        );
        game.challenge(c, STORAGE, proof, "salt");
    }

    function test_a_proof_about_other_roots_is_refused() public {
        Claim memory c = claim();
        c.roots.coverage = keccak256("other");
        bytes memory proof = storageProof(3);
        bytes32 other = keccak256(abi.encode(c.roots));
        game.seal{value: STAKE}(
            game.sealHash(address(this), key(), other, STORAGE, keccak256(proof), "salt")
        );
        vm.roll(block.number + 1);
        bytes32 expected = commitment();
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.CommitmentMismatch.selector, other, expected)
        );
        game.challenge(c, STORAGE, proof, "salt");
    }

    function test_a_kind_without_a_verifier_is_refused() public {
        Claim memory c = claim();
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.NoVerifier.selector, uint8(9)));
        game.challenge(c, 9, "", "salt");
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.NoVerifier.selector, uint8(255)));
        game.announce(255, IVerifier(address(1)));
    }

    function test_another_verifier_is_announced_a_week_ahead() public {
        IVerifier next = new StorageVerifier();
        uint64 from = uint64(block.timestamp) + game.VERIFIER_DELAY();
        game.announce(STORAGE, next);
        vm.warp(from - 1);
        vm.expectRevert(
            abi.encodeWithSelector(DisputeGame.NotAnnounced.selector, STORAGE, from - 1, from)
        );
        game.activate(STORAGE);
        vm.warp(from);
        game.activate(STORAGE);
        vm.assertEq(address(game.verifiers(STORAGE)), address(next));
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.NotAnnounced.selector, STORAGE, from, 0));
        game.activate(STORAGE);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        game.announce(STORAGE, next);
    }

    function test_the_quorum_finds_the_proposal_wrong() public {
        bytes32 id = askWithMembers();
        vm.assertEq(uint256(game.dispute(id).needed), 3);
        vm.warp(block.timestamp + WINDOW + 1);
        SettlementLedger.Roots memory r = claim().roots;
        bytes32 key_ = key();
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.DisputesOpen.selector, key_, 1));
        ledger.finalize(CHECK, 15, 3, 1, r);
        bytes32 truth = keccak256("another output");
        bytes[] memory two = votes(id, truth, 2);
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.TooFewVotes.selector, 2, 3));
        game.resolve(id, truth, two);
        game.resolve(id, truth, votes(id, truth, 3));
        vm.assertEq(status(), 3);
        vm.assertEq(uint256(game.dispute(id).status), 2);
        vm.assertEq(game.withdrawableOf(address(this)), STAKE + BOND / 2);
        vm.assertEq(game.withdrawableOf(game.BURN()), BOND / 2);
        vm.expectRevert(
            abi.encodeWithSelector(DisputeGame.NotOpen.selector, id, uint8(2), uint8(1))
        );
        game.resolve(id, truth, new bytes[](0));
    }

    function test_the_quorum_finds_the_proposal_right() public {
        bytes32 id = askWithMembers();
        bytes32 same = sha256(get("output", 0));
        game.resolve(id, same, votes(id, same, 3));
        vm.assertEq(status(), 1);
        vm.assertEq(uint256(game.dispute(id).status), 3);
        vm.assertEq(game.withdrawableOf(PROPOSER), STAKE / 2);
        vm.assertEq(game.withdrawableOf(game.BURN()), STAKE - STAKE / 2);
        vm.warp(block.timestamp + WINDOW + 1);
        ledger.finalize(CHECK, 15, 3, 1, claim().roots);
        vm.assertEq(status(), 2);
    }

    /// @dev Members first, then a fresh game round: the entry of `setUp` is too old by then.
    function askWithMembers() internal returns (bytes32) {
        deploy();
        joinAll(4);
        propose();
        return ask(0);
    }

    function test_a_quorum_that_does_not_answer_leaves_the_entry_open() public {
        bytes32 id = askWithMembers();
        uint256 until = block.timestamp + game.VOTE_TIME();
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.VoteRunning.selector, until, until));
        game.lapse(id);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(DisputeGame.VoteOver.selector, until + 1, until));
        game.resolve(id, 0, new bytes[](0));
        game.lapse(id);
        vm.assertEq(status(), 3);
        vm.assertEq(game.withdrawableOf(PROPOSER), BOND);
        vm.assertEq(game.withdrawableOf(address(this)), STAKE / 2);
        propose();
        vm.assertEq(status(), 1);
    }

    function test_a_dispute_about_a_proposal_that_is_gone_is_moot() public {
        bytes32 id = askWithMembers();
        bytes memory proof = storageProof(3);
        seal(STORAGE, proof);
        game.challenge(claim(), STORAGE, proof, "salt");
        propose();
        game.resolve(id, 0, new bytes[](0));
        vm.assertEq(uint256(game.dispute(id).status), 4);
        vm.assertEq(game.withdrawableOf(address(this)), STAKE);
        // the new proposal is not touched
        vm.assertEq(status(), 1);
        vm.assertEq(uint256(ledger.settlementAt(key()).openDisputes), 0);
        vm.expectRevert(
            abi.encodeWithSelector(DisputeGame.NotOpen.selector, id, uint8(4), uint8(1))
        );
        game.lapse(id);
    }

    function test_a_leaf_that_was_not_committed_cannot_be_asked_about() public {
        Verdicts.Leaf memory leaf = verdict(0);
        leaf.bundleHash = keccak256("other");
        Claim memory c = claim();
        seal(255, abi.encode(leaf));
        vm.expectRevert();
        game.ask(c, leaf, "salt");
    }

    /// @dev The words that a light client proves are the values that the getters return.
    function testFuzz_words_are_the_getters(bytes32 hash, address who, uint40 time) public {
        vm.assume(uint160(who) > 0xffff);
        vm.warp(uint256(time));
        vm.deal(who, STAKE);
        vm.prank(who);
        game.seal{value: STAKE}(hash);
        DisputeGame.Sealed memory s = game.sealedAs(hash);
        uint256 word = uint256(vm.load(address(game), mapped(hash, 0, 0)));
        vm.assertEq(bits(word, 0, 160), uint160(s.challenger));
        vm.assertEq(bits(word, 160, 40), s.blockNumber);
        vm.assertEq(bits(word, 200, 40), s.sealedAt);
        vm.assertEq(bits(word, 240, 8), s.status);
        vm.assertEq(s.challenger, who);
    }

    function test_words_of_a_dispute_are_the_getter() public {
        bytes32 id = askWithMembers();
        DisputeGame.Dispute memory d = game.dispute(id);
        bytes32[4] memory first = [d.key, d.commitment, d.outputHash, d.bundleHash];
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(vm.load(address(game), mapped(id, 1, i)), first[i]);
            vm.assertTrue(first[i] != 0);
        }
        uint256 word = uint256(vm.load(address(game), mapped(id, 1, 4)));
        vm.assertEq(bits(word, 0, 160), uint160(d.proposer));
        vm.assertEq(bits(word, 160, 64), d.deadline);
        vm.assertEq(bits(word, 224, 32), d.needed);
        word = uint256(vm.load(address(game), mapped(id, 1, 5)));
        vm.assertEq(bits(word, 0, 160), uint160(d.challenger));
        vm.assertEq(bits(word, 160, 64), d.openedAt);
        vm.assertEq(bits(word, 224, 8), d.status);
    }
}
