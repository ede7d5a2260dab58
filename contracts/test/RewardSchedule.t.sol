// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {RewardSchedule} from "../src/RewardSchedule.sol";
import {Base} from "./Base.sol";

contract RewardScheduleTest is Base {
    bytes32 internal constant CHECK = keccak256("coverage-radio");
    RewardSchedule internal schedule;

    function setUp() public {
        schedule = new RewardSchedule(address(new AccessManager(address(this))));
    }

    function test_a_rate_holds_from_its_epoch_and_the_past_stays() public {
        schedule.append(CHECK, 10, 3 ether, 5 ether);
        schedule.append(CHECK, 20, 1 ether, 5 ether);
        vm.assertEq(schedule.rewardOf(CHECK, 10, 1_000_000), 3 ether);
        vm.assertEq(schedule.rewardOf(CHECK, 19, 500_000), 1.5 ether);
        vm.assertEq(schedule.rewardOf(CHECK, 19, 9_000_000), 5 ether);
        vm.assertEq(schedule.rewardOf(CHECK, 20, 1_000_000), 1 ether);
        vm.assertEq(schedule.rewardOf(CHECK, 9, 1_000_000), 0);
        vm.assertEq(schedule.count(CHECK), 2);
        vm.assertEq(uint256(schedule.rateOf(CHECK, 1).fromEpoch), 10);
    }

    function test_epochs_only_ascend_and_the_role_is_needed() public {
        schedule.append(CHECK, 0, 1, 1);
        vm.expectRevert(
            abi.encodeWithSelector(RewardSchedule.EpochNotAscending.selector, uint64(0), uint64(0))
        );
        schedule.append(CHECK, 0, 1, 1);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        schedule.append(CHECK, 1, 1, 1);
    }

    function testFuzz_words_are_the_getter(uint128 perScore, uint128 cap, uint64 epoch) public {
        schedule.append(CHECK, epoch, perScore, cap);
        bytes32 inner = mapped(CHECK, 0, 0);
        bytes32 first = keccak256(abi.encode(uint256(1), inner));
        RewardSchedule.Rate memory rate = schedule.rateOf(CHECK, 1);
        uint256 word = uint256(vm.load(address(schedule), first));
        vm.assertEq(bits(word, 0, 128), rate.perScore);
        vm.assertEq(bits(word, 128, 128), rate.cap);
        word = uint256(vm.load(address(schedule), bytes32(uint256(first) + 1)));
        vm.assertEq(word, rate.fromEpoch);
        vm.assertEq(uint256(vm.load(address(schedule), mapped(CHECK, 1, 0))), 1);
    }
}
