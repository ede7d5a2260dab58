// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SettlementLedger} from "../src/SettlementLedger.sol";
import {Base} from "./Base.sol";

/// @notice Acts at random on four entries, for the invariant test. Whoever is not allowed is
/// turned away by the ledger itself: a call that reverts changes nothing here.
contract Proposers is Base {
    SettlementLedger public immutable LEDGER;
    bytes32 internal immutable CHECK;
    bytes32 internal immutable MODULE;
    /// Bonds that the ledger must still hold for entries.
    uint256 public held;
    /// Earliest time at which each entry may become final.
    mapping(bytes32 key => uint256) public earliest;
    bool public finalTooEarly;
    bool public finalChanged;
    mapping(bytes32 key => bytes32) public finals;

    constructor(SettlementLedger ledger, bytes32 check, bytes32 moduleHash) {
        LEDGER = ledger;
        CHECK = check;
        MODULE = moduleHash;
    }

    receive() external payable {}

    function roots() public view returns (SettlementLedger.Roots memory r) {
        r.moduleHash = MODULE;
        r.anchorHash = blockhash(block.number - 1);
    }

    function key(uint256 lane, uint256 epoch) public view returns (bytes32) {
        return LEDGER.settlementKey(CHECK, lane, epoch);
    }

    function reserve(uint256 lane, uint256 epoch) external {
        vm.deal(address(this), address(this).balance + LEDGER.BOND());
        LEDGER.reserve{value: LEDGER.BOND()}(CHECK, lane % 2, epoch % 2);
        ++held;
    }

    function propose(uint256 lane, uint256 epoch) external {
        (lane, epoch) = (lane % 2, epoch % 2);
        vm.roll(block.number + 1);
        uint8 status = LEDGER.settlement(CHECK, lane, epoch).status;
        uint256 due = status == 4 ? 0 : LEDGER.BOND();
        vm.deal(address(this), address(this).balance + due);
        LEDGER.propose{value: due}(CHECK, lane, epoch, block.number - 1, roots());
        // on a reservation the bond was in; taking over, one comes in and one burns
        if (status == 0 || status == 3) ++held;
        earliest[key(lane, epoch)] = block.timestamp + LEDGER.WINDOW() + 1;
        modules[key(lane, epoch)] = roots();
    }

    mapping(bytes32 key => SettlementLedger.Roots) internal modules;

    function wait() external {
        vm.warp(block.timestamp + LEDGER.TAKE_OVER());
    }

    function pass(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % (2 * LEDGER.WINDOW()));
    }

    function finalize(uint256 lane, uint256 epoch) external {
        (lane, epoch) = (lane % 2, epoch % 2);
        bytes32 at_ = key(lane, epoch);
        LEDGER.finalize(CHECK, lane, epoch, 1, modules[at_]);
        if (block.timestamp < earliest[at_]) finalTooEarly = true;
        finals[at_] = LEDGER.settlementAt(at_).commitment;
    }

    function dispute(uint256 lane, uint256 epoch, uint8 how) external {
        (lane, epoch) = (lane % 2, epoch % 2);
        bytes32 at_ = key(lane, epoch);
        SettlementLedger.Settlement memory s = LEDGER.settlementAt(at_);
        if (how % 4 == 0) {
            LEDGER.refute(at_, s.commitment);
            --held;
        } else if (how % 4 == 1) {
            LEDGER.openDispute(at_, s.commitment);
        } else if (how % 4 == 2) {
            LEDGER.closeDispute(at_);
        } else {
            LEDGER.refuteDisputed(at_);
            --held;
        }
    }

    function reclaim(uint256 lane, uint256 epoch) external {
        LEDGER.reclaim(CHECK, lane % 2, epoch % 2);
        --held;
    }

    function withdraw() external {
        LEDGER.withdraw();
    }

    /// @dev Whether any final entry is not what it was when it became final.
    function changed() external view returns (bool) {
        for (uint256 i = 0; i < 4; ++i) {
            bytes32 at_ = key(i % 2, i / 2);
            if (finals[at_] == 0) continue;
            SettlementLedger.Settlement memory s = LEDGER.settlementAt(at_);
            if (s.status != 2 || s.commitment != finals[at_]) return true;
        }
        return false;
    }
}
