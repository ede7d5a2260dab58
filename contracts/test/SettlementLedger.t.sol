// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Base} from "./Base.sol";
import {CheckRegistry} from "../src/CheckRegistry.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";

/// @notice Proposes, finalizes and withdraws at random, for the invariant test.
contract Proposers is Base {
    SettlementLedger public immutable LEDGER;
    bytes32 internal immutable CHECK;
    bytes32 internal immutable MODULE;
    uint256 public open;

    constructor(SettlementLedger ledger, bytes32 check, bytes32 moduleHash) {
        LEDGER = ledger;
        CHECK = check;
        MODULE = moduleHash;
    }

    receive() external payable {}

    function propose(uint256 lane, uint256 epoch) external {
        vm.roll(block.number + 1);
        vm.deal(address(this), address(this).balance + LEDGER.BOND());
        SettlementLedger.Roots memory roots;
        roots.moduleHash = MODULE;
        roots.anchorHash = blockhash(block.number - 1);
        LEDGER.propose{value: LEDGER.BOND()}(CHECK, lane % 4, epoch % 4, 1, block.number - 1, roots);
        ++open;
    }

    function finalize(uint256 lane, uint256 epoch) external {
        vm.warp(block.timestamp + LEDGER.WINDOW() + 1);
        LEDGER.finalize(CHECK, lane % 4, epoch % 4);
        --open;
    }

    function withdraw() external {
        LEDGER.withdraw();
    }
}

contract SettlementLedgerTest is Base {
    bytes32 internal constant CHECK = keccak256("coverage-radio");
    bytes32 internal constant MODULE = keccak256("module");
    uint256 internal constant BOND = 1 ether;
    uint64 internal constant WINDOW = 600;
    SettlementLedger internal ledger;
    CheckRegistry internal checks;
    Proposers internal proposers;

    function setUp() public {
        vm.warp(1_000_000);
        vm.roll(1000);
        checks = new CheckRegistry(address(new AccessManager(address(this))), 3600);
        checks.pin(CHECK, MODULE, keccak256("params"), 1, 0);
        ledger = new SettlementLedger(checks, BOND, WINDOW);
        proposers = new Proposers(ledger, CHECK, MODULE);
        targetContract(address(proposers));
        vm.deal(address(this), 100 ether);
    }

    receive() external payable {}

    function roots() internal view returns (SettlementLedger.Roots memory r) {
        r.evidence = keccak256("evidence");
        r.verdict = keccak256("verdict");
        r.coverage = keccak256("coverage");
        r.moduleHash = MODULE;
        r.anchorHash = blockhash(999);
    }

    function propose(SettlementLedger.Roots memory r) internal {
        ledger.propose{value: BOND}(CHECK, 15, 3, 1, 999, r);
    }

    function test_propose_commits_to_all_roots_in_two_words() public {
        propose(roots());
        bytes32 key = ledger.settlementKey(CHECK, 15, 3);
        vm.assertEq(vm.load(address(ledger), mapped(key, 0, 0)), keccak256(abi.encode(roots())));
        uint256 word = uint256(vm.load(address(ledger), mapped(key, 0, 1)));
        vm.assertEq(bits(word, 0, 160), uint160(address(this)));
        vm.assertEq(bits(word, 160, 64), block.timestamp + WINDOW);
        vm.assertEq(word >> 224, 1);
    }

    function test_an_entry_is_proposed_once() public {
        propose(roots());
        vm.expectRevert(
            abi.encodeWithSelector(
                SettlementLedger.AlreadyProposed.selector, CHECK, 15, 3, address(this)
            )
        );
        propose(roots());
    }

    function test_a_module_that_is_not_pinned_is_refused() public {
        SettlementLedger.Roots memory r = roots();
        r.moduleHash = keccak256("another");
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.ModuleNotPinned.selector, r.moduleHash, MODULE)
        );
        propose(r);
    }

    function test_a_pending_module_is_refused() public {
        uint64 from = uint64(block.timestamp) + 3600;
        checks.pin(CHECK, keccak256("next"), keccak256("params"), 1, from);
        SettlementLedger.Roots memory r = roots();
        r.moduleHash = keccak256("next");
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.ModuleNotActive.selector, from, block.timestamp)
        );
        ledger.propose{value: BOND}(CHECK, 15, 3, 2, 999, r);
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
        ledger.propose{value: BOND}(CHECK, 15, 3, 1, 700, r);
    }

    function test_bond_and_lane_are_exact() public {
        SettlementLedger.Roots memory r = roots();
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.BondMismatch.selector, BOND - 1, BOND)
        );
        ledger.propose{value: BOND - 1}(CHECK, 15, 3, 1, 999, r);
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.LaneOutOfRange.selector, 122, 122));
        ledger.propose{value: BOND}(CHECK, 122, 3, 1, 999, r);
    }

    function test_final_only_after_the_window_and_the_bond_comes_back() public {
        propose(roots());
        uint64 deadline = uint64(block.timestamp) + WINDOW;
        vm.warp(deadline);
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.WindowOpen.selector, deadline, deadline)
        );
        ledger.finalize(CHECK, 15, 3);
        vm.warp(deadline + 1);
        ledger.finalize(CHECK, 15, 3);
        vm.assertEq(uint256(ledger.settlement(CHECK, 15, 3).status), 2);
        uint256 before = address(this).balance;
        ledger.withdraw();
        vm.assertEq(address(this).balance, before + BOND);
        vm.expectRevert(
            abi.encodeWithSelector(SettlementLedger.NothingToWithdraw.selector, address(this))
        );
        ledger.withdraw();
    }

    function test_what_was_not_proposed_cannot_be_final() public {
        vm.expectRevert(abi.encodeWithSelector(SettlementLedger.NotProposed.selector, CHECK, 1, 1));
        ledger.finalize(CHECK, 1, 1);
    }

    function invariant_bonds_are_conserved() public view {
        vm.assertEq(
            address(ledger).balance,
            proposers.open() * BOND + ledger.withdrawableOf(address(proposers))
        );
    }
}
