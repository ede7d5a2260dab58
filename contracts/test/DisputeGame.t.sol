// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {DisputeGame} from "../src/DisputeGame.sol";
import {Claim, IVerifier} from "../src/IVerifier.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {Verdicts} from "../src/lib/Verdicts.sol";
import {StorageVerifier} from "../src/verifiers/StorageVerifier.sol";
import {Game} from "./Game.sol";

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
}
