// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DisputeGame} from "../src/DisputeGame.sol";
import {Claim} from "../src/IVerifier.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {Verdicts} from "../src/lib/Verdicts.sol";
import {Game} from "./Game.sol";

/// @notice What becomes of a question to the quorum.
contract DisputeGameQuorumTest is Game {
    function setUp() public {
        deploy();
        propose();
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

    /// @dev Members first, then a fresh game round: the entry of `setUp` is too old by then.
    function askWithMembers() internal returns (bytes32) {
        deploy();
        joinAll(4);
        propose();
        return ask(0);
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
