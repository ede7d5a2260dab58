// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ServiceToken} from "../src/ServiceToken.sol";
import {Base} from "./Base.sol";

contract ServiceTokenTest is Base {
    address internal constant DISTRIBUTOR = address(0xd157);
    ServiceToken internal token;

    function setUp() public {
        vm.warp(1_000_000);
        token = new ServiceToken(address(new AccessManager(address(this))), DISTRIBUTOR);
    }

    function test_minting_stops_at_the_cap_and_needs_the_role() public {
        uint256 cap = token.CAP();
        token.mint(address(this), cap);
        vm.expectRevert(abi.encodeWithSelector(ServiceToken.OverCap.selector, cap + 1, cap));
        token.mint(address(this), 1);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        token.mint(address(0xbeef), 1);
    }

    function test_votes_follow_the_tokens_by_time() public {
        token.mint(address(this), 5 ether);
        token.delegate(address(this));
        vm.warp(block.timestamp + 10);
        vm.assertEq(token.getPastVotes(address(this), block.timestamp - 1), 5 ether);
        vm.assertEq(token.clock(), block.timestamp);
        vm.assertEq(keccak256(bytes(token.CLOCK_MODE())), keccak256("mode=timestamp"));
        token.burn(1 ether);
        vm.assertEq(token.getVotes(address(this)), 4 ether);
        vm.assertEq(token.nonces(address(this)), 0);
    }

    /// @dev The short way for the distributor moves exactly the votes that the long one would.
    function test_what_waits_to_be_paid_has_no_vote() public {
        token.mint(DISTRIBUTOR, 5 ether);
        vm.assertEq(token.delegates(DISTRIBUTOR), address(0));
        vm.prank(DISTRIBUTOR);
        vm.expectRevert(
            abi.encodeWithSelector(ServiceToken.DistributorCannotVote.selector, DISTRIBUTOR)
        );
        token.delegate(DISTRIBUTOR);
        token.delegate(address(this));
        vm.prank(DISTRIBUTOR);
        vm.assertTrue(token.transfer(address(this), 2 ether));
        vm.assertEq(token.getVotes(address(this)), 2 ether);
        vm.assertTrue(token.transfer(DISTRIBUTOR, 1 ether));
        vm.assertEq(token.getVotes(address(this)), 1 ether);
    }
}
