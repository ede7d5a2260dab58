// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {PullPayments} from "../src/lib/PullPayments.sol";
import {Base} from "./Base.sol";

contract Payer is PullPayments {
    function owe(address account) external payable {
        withdrawable[account] += msg.value;
    }
}

/// @notice Calls back while it is paid, and remembers what it was told.
contract Greedy {
    Payer internal immutable PAYER;
    bytes public answer;

    constructor(Payer payer) {
        PAYER = payer;
    }

    receive() external payable {
        (bool ok, bytes memory out) =
            address(PAYER).call(abi.encodeCall(PullPayments.withdrawFor, (address(1))));
        if (!ok) answer = out;
    }

    function take() external {
        PAYER.withdraw();
    }
}

contract PullPaymentsTest is Base {
    Payer internal payer = new Payer();

    function test_whoever_calls_back_while_paid_gets_nothing_more() public {
        Greedy greedy = new Greedy(payer);
        vm.deal(address(this), 3 ether);
        payer.owe{value: 1 ether}(address(greedy));
        payer.owe{value: 2 ether}(address(1));
        greedy.take();
        vm.assertEq(address(greedy).balance, 1 ether);
        vm.assertEq(payer.withdrawableOf(address(1)), 2 ether);
        bytes4 expected = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
        vm.assertEq(keccak256(greedy.answer()), keccak256(abi.encodeWithSelector(expected)));
    }

    function test_nothing_due_is_said() public {
        vm.expectRevert(
            abi.encodeWithSelector(PullPayments.NothingToWithdraw.selector, address(this))
        );
        payer.withdraw();
    }

    function testFuzz_all_that_is_owed_is_paid_once(uint96[4] memory amounts) public {
        uint256 total;
        for (uint256 i = 0; i < 4; ++i) {
            vm.deal(address(this), amounts[i]);
            payer.owe{value: amounts[i]}(address(0xbeef));
            total += amounts[i];
        }
        if (total == 0) return;
        payer.withdrawFor(address(0xbeef));
        vm.assertEq(address(0xbeef).balance, total);
        vm.assertEq(address(payer).balance, 0);
    }
}
