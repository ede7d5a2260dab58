// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {CheckRegistry} from "../src/CheckRegistry.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {Base} from "./Base.sol";
import {Proposers} from "./Proposers.sol";

/// @notice A ledger with one check, and helpers for one entry of it.
abstract contract Ledger is Base {
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
        AccessManager manager = new AccessManager(address(this));
        checks = new CheckRegistry(address(manager), 3600);
        checks.pin(CHECK, MODULE, keccak256("params"), 1, 0);
        ledger = new SettlementLedger(address(manager), checks, BOND, WINDOW);
        proposers = new Proposers(ledger, CHECK, MODULE);
        ledger.setDisputeGame(address(proposers));
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
        ledger.propose{value: BOND}(CHECK, 15, 3, 999, r);
    }

    function key() internal view returns (bytes32) {
        return ledger.settlementKey(CHECK, 15, 3);
    }

    function finalize(uint256 lane) internal {
        ledger.finalize(CHECK, lane, 3, 1, roots());
    }

    function status() internal view returns (uint256) {
        return ledger.settlement(CHECK, 15, 3).status;
    }
}
