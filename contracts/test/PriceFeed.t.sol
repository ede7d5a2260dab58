// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {PriceFeed} from "../src/PriceFeed.sol";
import {Base} from "./Base.sol";

contract PriceFeedTest is Base {
    PriceFeed internal feed;

    function setUp() public {
        vm.warp(1_000_000);
        feed = new PriceFeed(address(new AccessManager(address(this))), 100_000, 10_000_000);
    }

    function outside(uint256 got, uint256 low, uint256 high) internal {
        vm.expectRevert(abi.encodeWithSelector(PriceFeed.OutOfBounds.selector, got, low, high));
    }

    function test_first_price_is_within_the_bounds() public {
        outside(99_999, 100_000, 10_000_000);
        feed.publish(99_999, 0);
        outside(10_000_001, 100_000, 10_000_000);
        feed.publish(10_000_001, 0);
        outside(1_000_001, 0, 1_000_000);
        feed.publish(1_000_000, 1_000_001);
        feed.publish(1_000_000, 5);
        (uint96 price, uint96 confidence, uint64 publishedAt) = feed.latest();
        vm.assertEq(price, 1_000_000);
        vm.assertEq(confidence, 5);
        vm.assertEq(publishedAt, block.timestamp);
    }

    function test_a_stolen_key_is_wrong_by_one_step_a_minute() public {
        feed.publish(1_000_000, 0);
        uint256 earliest = block.timestamp + 60;
        vm.expectRevert(
            abi.encodeWithSelector(PriceFeed.TooSoon.selector, block.timestamp, earliest)
        );
        feed.publish(1_000_000, 0);
        vm.warp(earliest);
        outside(1_100_001, 900_000, 1_100_000);
        feed.publish(1_100_001, 0);
        outside(899_999, 900_000, 1_100_000);
        feed.publish(899_999, 0);
        feed.publish(900_000, 0);
    }

    function test_bounds_that_moved_away_are_approached_step_by_step() public {
        feed.publish(1_000_000, 0);
        feed.setBounds(5_000_000, 6_000_000);
        vm.warp(block.timestamp + 60);
        outside(1_000_000, 1_100_000, 1_100_000);
        feed.publish(1_000_000, 0);
        feed.publish(1_100_000, 0);
        feed.setBounds(1, 2);
        vm.warp(block.timestamp + 60);
        feed.publish(990_000, 0);
    }

    function test_bounds_make_sense() public {
        outside(0, 1, 5);
        feed.setBounds(0, 5);
        outside(6, 1, 5);
        feed.setBounds(6, 5);
        uint96 limit = type(uint96).max / 2;
        outside(limit + 1, 1, limit);
        feed.setBounds(1, limit + 1);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        feed.publish(1_000_000, 0);
    }

    /// @dev However the bounds lie, there is always a price that can be said.
    function testFuzz_never_stuck(uint96 first, uint96 low, uint96 high) public {
        uint96 limit = type(uint96).max / 2;
        first = 1 + first % (limit - 1);
        low = 1 + low % (limit - 1);
        high = low + high % (limit - low);
        feed.setBounds(first, first);
        feed.publish(first, 0);
        feed.setBounds(low, high);
        vm.warp(block.timestamp + 60);
        uint256 step = uint256(first) / 10 == 0 ? 1 : uint256(first) / 10;
        uint256 best = low > first + step ? first + step : low < first - step ? first - step : low;
        if (best > high && best > first - step) best = first - step > high ? first - step : high;
        // forge-lint: disable-next-line(unsafe-typecast) within a step of a price that fits
        feed.publish(uint96(best), 0);
    }
}
