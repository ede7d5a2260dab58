// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IPriceFeed, PriceFeed} from "../src/PriceFeed.sol";
import {ServiceCredits} from "../src/ServiceCredits.sol";
import {ServiceToken} from "../src/ServiceToken.sol";
import {Base} from "./Base.sol";

contract ServiceCreditsTest is Base {
    bytes32 internal constant CHECK = keccak256("coverage-radio");
    ServiceToken internal token;
    PriceFeed internal feed;
    ServiceCredits internal credits;

    function setUp() public {
        vm.warp(100 days);
        address manager = address(new AccessManager(address(this)));
        token = new ServiceToken(manager, address(0));
        feed = new PriceFeed(manager, 1, 1e12);
        credits = new ServiceCredits(manager, token, feed);
        token.mint(address(this), 1000 ether);
        token.approve(address(credits), type(uint256).max);
        feed.publish(2_000_000, 0);
    }

    function test_two_dollars_a_token_are_200_000_credits() public {
        vm.assertEq(credits.mint(address(0xbeef), 3 ether, 0), 600_000);
        vm.assertEq(credits.balanceOf(address(0xbeef)), 600_000);
        vm.assertEq(token.totalSupply(), 997 ether);
        vm.assertEq(credits.burnedIn(0, 100).tokens, 3 ether);
    }

    function test_an_uncertain_price_makes_fewer_credits_and_a_wild_one_none() public {
        vm.warp(block.timestamp + 60);
        feed.publish(2_000_000, 100_000);
        vm.assertEq(credits.creditsFor(1 ether), 180_000);
        vm.warp(block.timestamp + 60);
        feed.publish(2_000_000, 1_000_000);
        vm.expectRevert(
            abi.encodeWithSelector(ServiceCredits.PriceUncertain.selector, 2_000_000, 1_000_000)
        );
        credits.mint(address(this), 1 ether, 0);
    }

    function test_a_stale_price_is_refused() public {
        uint256 at_ = vm.getBlockTimestamp();
        vm.warp(at_ + 600);
        credits.mint(address(this), 1 ether, 0);
        vm.warp(at_ + 601);
        vm.expectRevert(
            abi.encodeWithSelector(ServiceCredits.PriceStale.selector, at_, at_ + 601, 600)
        );
        credits.mint(address(this), 1 ether, 0);
        IPriceFeed fresh = new PriceFeed(credits.authority(), 1, 2);
        credits.setFeed(fresh, 3600);
        vm.expectRevert(
            abi.encodeWithSelector(ServiceCredits.PriceStale.selector, 0, at_ + 601, 3600)
        );
        credits.mint(address(this), 1 ether, 0);
    }

    function test_whoever_mints_says_the_fewest_credits() public {
        vm.expectRevert(
            abi.encodeWithSelector(ServiceCredits.TooFewCredits.selector, 200_000, 200_001)
        );
        credits.mint(address(this), 1 ether, 200_001);
        vm.expectRevert(abi.encodeWithSelector(ServiceCredits.TooFewCredits.selector, 0, 0));
        credits.mint(address(this), 1, 0);
        // amounts that no epoch's word holds
        vm.expectRevert();
        credits.mint(address(this), uint256(1) << 140, 0);
    }

    function test_spending_is_counted_per_check_and_epoch() public {
        credits.mint(address(this), 1 ether, 0);
        credits.spend(CHECK, 500);
        vm.warp(block.timestamp + 1 days);
        credits.spend(CHECK, 7);
        vm.assertEq(credits.burnedIn(CHECK, 100).credits, 500);
        vm.assertEq(credits.burnedIn(CHECK, 101).credits, 7);
        vm.expectRevert(
            abi.encodeWithSelector(
                ServiceCredits.BalanceTooSmall.selector, address(this), 199_493, 199_494
            )
        );
        credits.spend(CHECK, 199_494);
    }

    function test_spending_for_a_payer_is_counted_per_payer_and_epoch() public {
        credits.mint(address(this), 1 ether, 0);
        bytes32 check = keccak256("data-transfer");
        bytes32 payer = keccak256("a payer's key");
        credits.spendFor(check, payer, 5);
        credits.spendFor(check, payer, 2);
        credits.spendFor(check, keccak256("another"), 11);
        vm.assertEq(credits.burnedFor(payer, 100), 7);
        vm.assertEq(credits.burnedFor(payer, 101), 0);
        vm.assertEq(credits.burnedIn(check, 100).credits, 18);
        vm.assertEq(credits.balanceOf(address(this)), 200_000 - 18);
        // `burned_by_slot` of contracts/bindings
        bytes32 epochs = keccak256(abi.encode(payer, uint256(5)));
        bytes32 word = keccak256(abi.encode(uint256(100), epochs));
        vm.assertEq(uint256(vm.load(address(credits), word)), 7);
        vm.expectRevert(
            abi.encodeWithSelector(
                ServiceCredits.BalanceTooSmall.selector, address(this), 199_982, 200_000
            )
        );
        credits.spendFor(check, payer, 200_000);
    }

    function test_another_spends_as_far_as_allowed() public {
        credits.mint(address(this), 1 ether, 0);
        credits.setAllowance(address(0xbeef), 10);
        vm.prank(address(0xbeef));
        credits.spendFrom(CHECK, address(this), 9);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(ServiceCredits.AllowanceTooSmall.selector, address(0xbeef), 1, 2)
        );
        credits.spendFrom(CHECK, address(this), 2);
    }

    function test_the_feed_is_chosen_by_the_role_within_bounds() public {
        vm.expectRevert(abi.encodeWithSelector(ServiceCredits.OutOfBounds.selector, 3601, 3600));
        credits.setFeed(feed, 3601);
        vm.expectRevert(abi.encodeWithSelector(ServiceCredits.OutOfBounds.selector, 0, 3600));
        credits.setFeed(feed, 0);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        credits.setFeed(feed, 1);
    }

    /// @dev The words that a light client proves are the values that the getters return.
    function testFuzz_words_are_the_getters(uint64 tokens, uint64 spent, address account) public {
        uint256 amount = 1 ether + uint256(tokens);
        uint256 made = credits.mint(account, amount, 0);
        uint256 used = spent % (made + 1);
        vm.prank(account);
        credits.spend(CHECK, used);
        bytes32 slot = mapped(bytes32(uint256(uint160(account))), 1, 0);
        vm.assertEq(uint256(vm.load(address(credits), slot)), credits.balanceOf(account));
        vm.assertEq(credits.balanceOf(account), made - used);
        uint256 word = uint256(vm.load(address(credits), mapped(credits.burnedKey(0, 100), 0, 0)));
        vm.assertEq(bits(word, 128, 128), amount);
        word = uint256(vm.load(address(credits), mapped(credits.burnedKey(CHECK, 100), 0, 0)));
        vm.assertEq(bits(word, 0, 128), used);
        vm.assertEq(credits.burnedIn(CHECK, 100).credits, used);
    }
}
