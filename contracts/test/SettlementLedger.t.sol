// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {PullPayments} from "../src/lib/PullPayments.sol";
import {Ledger} from "./Ledger.sol";

contract SettlementLedgerTest is Ledger {
    function test_propose_commits_to_all_roots_in_two_words() public {
        propose(roots());
        vm.assertEq(vm.load(address(ledger), mapped(key(), 0, 0)), keccak256(abi.encode(roots())));
        uint256 word = uint256(vm.load(address(ledger), mapped(key(), 0, 1)));
        vm.assertEq(bits(word, 0, 160), uint160(address(this)));
        vm.assertEq(bits(word, 160, 64), block.timestamp + WINDOW);
        vm.assertEq(word >> 224, 1);
    }

    function test_an_entry_is_proposed_once() public {
        propose(roots());
        bytes memory refusal = abi.encodeWithSelector(
            SettlementLedger.AlreadyProposed.selector, CHECK, 15, 3, address(this)
        );
        vm.expectRevert(refusal);
        propose(roots());
        vm.expectRevert(refusal);
        ledger.reserve{value: BOND}(CHECK, 15, 3);
    }

    function test_an_entry_with_a_module_that_is_not_pinned_never_becomes_final() public {
        SettlementLedger.Roots memory r = roots();
        r.moduleHash = keccak256("another");
        propose(r);
        vm.warp(block.timestamp + WINDOW + 1);
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.ModuleNotPinned.selector, r.moduleHash, MODULE)
        );
        ledger.finalize(CHECK, 15, 3, 1, r);
        r.moduleHash = 0;
        ledger.propose{value: BOND}(CHECK, 16, 3, 999, r);
        vm.warp(block.timestamp + WINDOW + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                SettlementLedger.ModuleNotPinned.selector, bytes32(0), bytes32(0)
            )
        );
        ledger.finalize(CHECK, 16, 3, 9, r);
    }

    /// @dev A module that became active during the window did not judge what was proposed before.
    function test_a_module_that_was_pending_when_proposed_never_becomes_final() public {
        uint64 from = uint64(block.timestamp) + 3600;
        checks.pin(CHECK, keccak256("next"), keccak256("params"), 1, from);
        SettlementLedger.Roots memory r = roots();
        r.moduleHash = keccak256("next");
        propose(r);
        uint256 proposedAt = vm.getBlockTimestamp();
        vm.warp(from + 1);
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.ModuleNotActive.selector, from, proposedAt)
        );
        ledger.finalize(CHECK, 15, 3, 2, r);
    }

    function test_only_the_roots_that_were_proposed_become_final() public {
        propose(roots());
        vm.warp(block.timestamp + WINDOW + 1);
        SettlementLedger.Roots memory r = roots();
        r.reward = keccak256("more");
        vm.expectRevert(
            abi.encodeWithSelector(
                SettlementLedger.CommitmentMismatch.selector,
                keccak256(abi.encode(r)),
                keccak256(abi.encode(roots()))
            )
        );
        ledger.finalize(CHECK, 15, 3, 1, r);
    }

    function test_an_anchor_that_the_chain_does_not_know_is_refused() public {
        SettlementLedger.Roots memory r = roots();
        r.anchorHash = keccak256("made up");
        vm.expectRevert(
            abi.encodeWithSelector(
                SettlementLedger.AnchorUnknown.selector, 999, r.anchorHash, blockhash(999)
            )
        );
        propose(r);
        r.anchorHash = 0;
        vm.expectRevert(
            abi.encodeWithSelector(
                SettlementLedger.AnchorUnknown.selector, 700, bytes32(0), bytes32(0)
            )
        );
        ledger.propose{value: BOND}(CHECK, 15, 3, 700, r);
    }

    function test_bond_and_lane_are_exact() public {
        SettlementLedger.Roots memory r = roots();
        bytes memory bond =
            abi.encodeWithSelector(SettlementLedger.BondMismatch.selector, BOND - 1, BOND);
        bytes memory lane =
            abi.encodeWithSelector(SettlementLedger.LaneOutOfRange.selector, 122, 122);
        vm.expectRevert(bond);
        ledger.propose{value: BOND - 1}(CHECK, 15, 3, 999, r);
        vm.expectRevert(lane);
        ledger.propose{value: BOND}(CHECK, 122, 3, 999, r);
        vm.expectRevert(bond);
        ledger.reserve{value: BOND - 1}(CHECK, 15, 3);
        vm.expectRevert(lane);
        ledger.reserve{value: BOND}(CHECK, 122, 3);
    }

    function test_final_only_after_the_window_and_the_bond_comes_back_once() public {
        propose(roots());
        uint64 deadline = uint64(block.timestamp) + WINDOW;
        vm.warp(deadline);
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.WindowOpen.selector, deadline, deadline)
        );
        finalize(15);
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.NotFinal.selector, key(), 1));
        ledger.reclaim(CHECK, 15, 3);
        vm.warp(deadline + 1);
        finalize(15);
        vm.assertEq(status(), 2);
        ledger.reclaim(CHECK, 15, 3);
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.BondAlreadyReturned.selector, key())
        );
        ledger.reclaim(CHECK, 15, 3);
        uint256 before = address(this).balance;
        ledger.withdraw();
        vm.assertEq(address(this).balance, before + BOND);
    }

    function test_what_was_not_proposed_cannot_be_final() public {
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.NotProposed.selector, CHECK, 1, 3));
        finalize(1);
        ledger.reserve{value: BOND}(CHECK, 1, 3);
        vm.warp(block.timestamp + WINDOW + 1 hours);
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.NotProposed.selector, CHECK, 1, 3));
        finalize(1);
    }

    function test_a_reservation_is_proposed_on_with_no_second_bond() public {
        ledger.reserve{value: BOND}(CHECK, 15, 3);
        vm.assertEq(status(), 4);
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.BondMismatch.selector, BOND, 0));
        propose(roots());
        ledger.propose(CHECK, 15, 3, 999, roots());
        vm.assertEq(status(), 1);
        vm.assertEq(address(ledger).balance, BOND);
    }

    function test_a_reservation_keeps_others_out_until_it_lapses() public {
        vm.deal(address(0xbeef), 2 ether);
        vm.prank(address(0xbeef));
        ledger.reserve{value: BOND}(CHECK, 15, 3);
        vm.warp(block.timestamp + ledger.RESERVATION());
        vm.expectRevert(
            abi.encodeWithSelector(
                SettlementLedger.AlreadyProposed.selector, CHECK, 15, 3, address(0xbeef)
            )
        );
        propose(roots());
        vm.warp(block.timestamp + 1);
        propose(roots());
        vm.assertEq(ledger.settlement(CHECK, 15, 3).proposer, address(this));
        vm.assertEq(ledger.withdrawableOf(ledger.BURN()), BOND);
    }

    /// @dev SECURITY: a proposal that can never be final must not block its entry for ever.
    function test_a_proposal_that_nobody_can_make_final_is_taken_over() public {
        SettlementLedger.Roots memory r = roots();
        r.moduleHash = keccak256("never pinned");
        vm.deal(address(0xbeef), 2 ether);
        vm.prank(address(0xbeef));
        ledger.propose{value: BOND}(CHECK, 15, 3, 999, r);
        uint256 until = vm.getBlockTimestamp() + WINDOW + ledger.TAKE_OVER();
        vm.warp(until);
        bytes memory refusal = abi.encodeWithSelector(
            SettlementLedger.AlreadyProposed.selector, CHECK, 15, 3, address(0xbeef)
        );
        vm.expectRevert(refusal);
        propose(roots());
        vm.warp(until + 1);
        propose(roots());
        vm.assertEq(ledger.settlement(CHECK, 15, 3).proposer, address(this));
        vm.assertEq(ledger.withdrawableOf(ledger.BURN()), BOND);
        vm.assertEq(address(ledger).balance, 2 * BOND);
    }

    function test_a_disputed_proposal_is_not_taken_over() public {
        propose(roots());
        bytes32 at_ = key();
        vm.prank(address(proposers));
        ledger.openDispute(at_, keccak256(abi.encode(roots())));
        vm.warp(vm.getBlockTimestamp() + WINDOW + ledger.TAKE_OVER() + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                SettlementLedger.AlreadyProposed.selector, CHECK, 15, 3, address(this)
            )
        );
        propose(roots());
    }

    function test_only_the_game_disputes() public {
        propose(roots());
        bytes32 commitment = keccak256(abi.encode(roots()));
        bytes memory refusal = abi.encodeWithSelector(
            SettlementLedger.NotDisputeGame.selector, address(this), address(proposers)
        );
        bytes32 at_ = key();
        vm.expectRevert(refusal);
        ledger.refute(at_, commitment);
        vm.expectRevert(refusal);
        ledger.openDispute(at_, commitment);
        vm.expectRevert(refusal);
        ledger.closeDispute(at_);
        vm.expectRevert(refusal);
        ledger.refuteDisputed(at_);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        ledger.setDisputeGame(address(0xbeef));
    }

    function test_a_late_dispute_is_refused_and_one_in_the_last_second_is_not() public {
        propose(roots());
        bytes32 commitment = keccak256(abi.encode(roots()));
        bytes32 at_ = key();
        uint64 deadline = uint64(block.timestamp) + WINDOW;
        vm.warp(deadline + 1);
        vm.startPrank(address(proposers));
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.WindowClosed.selector, deadline, deadline + 1)
        );
        ledger.refute(at_, commitment);
        vm.warp(deadline);
        vm.expectRevert(
            abi.encodeWithSelector(
                SettlementLedger.CommitmentMismatch.selector, bytes32(0), commitment
            )
        );
        ledger.refute(at_, 0);
        ledger.refute(at_, commitment);
        vm.stopPrank();
        vm.assertEq(status(), 3);
        vm.assertEq(address(proposers).balance, BOND);
        vm.assertEq(address(ledger).balance, 0);
    }

    function test_a_game_that_takes_no_bond_refutes_nothing() public {
        propose(roots());
        ledger.setDisputeGame(address(ledger.CHECKS()));
        bytes32 commitment = keccak256(abi.encode(roots()));
        bytes32 at_ = key();
        vm.prank(address(checks));
        vm.expectRevert(
            abi.encodeWithSelector(PullPayments.TransferFailed.selector, address(checks), BOND)
        );
        ledger.refute(at_, commitment);
        vm.assertEq(status(), 1);
    }

    function test_an_open_dispute_stops_the_entry_and_a_refuted_one_is_replaced() public {
        propose(roots());
        bytes32 commitment = keccak256(abi.encode(roots()));
        bytes32 at_ = key();
        vm.startPrank(address(proposers));
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.NotFinal.selector, at_, 1));
        ledger.closeDispute(at_);
        ledger.openDispute(at_, commitment);
        ledger.openDispute(at_, commitment);
        vm.warp(block.timestamp + WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.DisputesOpen.selector, at_, 2));
        finalize(15);
        ledger.closeDispute(at_);
        ledger.refuteDisputed(at_);
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.NotFinal.selector, at_, 3));
        ledger.refuteDisputed(at_);
        vm.stopPrank();
        propose(roots());
        vm.assertEq(status(), 1);
        vm.assertEq(uint256(ledger.settlementAt(at_).openDisputes), 0);
    }

    function test_final_lanes_are_sealed_in_two_words() public {
        ledger.propose{value: BOND}(CHECK, 1, 3, 999, roots());
        ledger.propose{value: BOND}(CHECK, 121, 3, 999, roots());
        vm.warp(block.timestamp + WINDOW + 1);
        finalize(1);
        bytes32 open = ledger.settlementKey(CHECK, 121, 3);
        uint128 both = uint128(2 | (uint128(1) << 121));
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.NotFinal.selector, open, 1));
        ledger.sealEpoch(CHECK, 3, both);
        ledger.sealEpoch(CHECK, 3, 2);
        bytes32 commitment = keccak256(abi.encode(roots()));
        vm.assertEq(ledger.sealOf(CHECK, 3).digest, keccak256(abi.encode(commitment)));
        finalize(121);
        ledger.sealEpoch(CHECK, 3, both);
        bytes32 digest = keccak256(abi.encode(commitment, commitment));
        vm.assertEq(ledger.sealOf(CHECK, 3).digest, digest);
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.SealShrinks.selector, uint128(2), both)
        );
        ledger.sealEpoch(CHECK, 3, 2);
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.LaneOutOfRange.selector, 1, 0));
        ledger.sealEpoch(CHECK, 3, uint128(1) << 122);
        bytes32 at_ = ledger.sealKey(CHECK, 3);
        vm.assertEq(vm.load(address(ledger), mapped(at_, 3, 0)), digest);
        uint256 word = uint256(vm.load(address(ledger), mapped(at_, 3, 1)));
        vm.assertEq(bits(word, 0, 128), both);
        vm.assertEq(word >> 128, block.timestamp);
    }

    /// @dev The words that a light client proves are the values that the getter returns.
    function testFuzz_words_are_the_getter(address who, uint64 time, uint16 disputes, bytes32 r)
        public
    {
        vm.assume(who.code.length == 0 && uint160(who) > 0xffff);
        time = 1_000_000 + time % (1 << 40);
        vm.warp(time);
        vm.deal(who, BOND);
        SettlementLedger.Roots memory proposed = roots();
        proposed.reward = r;
        vm.prank(who);
        ledger.propose{value: BOND}(CHECK, 15, 3, 999, proposed);
        bytes32 commitment = keccak256(abi.encode(proposed));
        vm.startPrank(address(proposers));
        for (uint256 i = 0; i < disputes % 4; ++i) {
            ledger.openDispute(key(), commitment);
        }
        vm.stopPrank();
        SettlementLedger.Settlement memory s = ledger.settlement(CHECK, 15, 3);
        vm.assertEq(vm.load(address(ledger), mapped(key(), 0, 0)), s.commitment);
        uint256 word = uint256(vm.load(address(ledger), mapped(key(), 0, 1)));
        vm.assertEq(bits(word, 0, 160), uint160(s.proposer));
        vm.assertEq(bits(word, 160, 64), s.deadline);
        vm.assertEq(bits(word, 224, 8), s.status);
        vm.assertEq(bits(word, 232, 16), s.openDisputes);
        vm.assertEq(bits(word, 232, 16), disputes % 4);
        vm.assertEq(word >> 248, s.bondReturned ? 1 : 0);
    }
}
