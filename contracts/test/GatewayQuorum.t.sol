// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {GatewayQuorum} from "../src/GatewayQuorum.sol";
import {Base} from "./Base.sol";

/// @notice Joins, leaves and is slashed at random, for the invariant test.
contract Gateways is Base {
    GatewayQuorum public immutable QUORUM;
    uint256 public held;

    constructor(GatewayQuorum quorum) {
        QUORUM = quorum;
    }

    receive() external payable {}

    function join(uint256 n) external {
        address who = vm.addr(1 + n % 4);
        vm.deal(who, 5 ether);
        vm.prank(who);
        QUORUM.join{value: 5 ether}();
        held += 5 ether;
    }

    function leave(uint256 n) external {
        vm.prank(vm.addr(1 + n % 4));
        QUORUM.leave();
    }

    function release(uint256 n, uint256 pause) external {
        vm.warp(block.timestamp + pause % 30 days);
        QUORUM.release(vm.addr(1 + n % 4));
        held -= 5 ether;
    }

    function slash(uint256 n, bytes32 id) external {
        n = 1 + n % 4;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(n, QUORUM.voteDigest(id, "a"));
        bytes memory a = abi.encodePacked(r, s, v);
        (v, r, s) = vm.sign(n, QUORUM.voteDigest(id, "b"));
        QUORUM.slash(id, "a", a, "b", abi.encodePacked(r, s, v));
        held -= 5 ether;
    }

    function withdraw(uint256 n) external {
        QUORUM.withdrawFor(n % 2 == 0 ? address(this) : vm.addr(1 + n % 4));
    }

    /// @dev Bonds held and payments due.
    function due() external view returns (uint256 sum) {
        sum = held + QUORUM.withdrawableOf(address(this)) + QUORUM.withdrawableOf(QUORUM.BURN());
        for (uint256 n = 1; n <= 4; ++n) {
            sum += QUORUM.withdrawableOf(vm.addr(n));
        }
    }
}

contract GatewayQuorumTest is Base {
    bytes32 internal constant ID = keccak256("dispute");
    GatewayQuorum internal quorum;
    Gateways internal gateways;

    function setUp() public {
        vm.warp(100 days);
        quorum = new GatewayQuorum(address(new AccessManager(address(this))), 5 ether, 2);
        gateways = new Gateways(quorum);
        targetContract(address(gateways));
    }

    function join(uint256 n) internal {
        vm.deal(vm.addr(n), 5 ether);
        vm.prank(vm.addr(n));
        quorum.join{value: 5 ether}();
    }

    function vote(uint256 n, bytes32 outputHash) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(n, quorum.voteDigest(ID, outputHash));
        return abi.encodePacked(r, s, v);
    }

    function one(bytes memory a) internal pure returns (bytes[] memory list) {
        list = new bytes[](1);
        list[0] = a;
    }

    function tally(uint64 since, bytes[] memory signed) internal view returns (uint256) {
        return quorum.tally(ID, "out", since, address(1), address(2), signed);
    }

    function test_only_members_of_before_vote_and_no_party() public {
        join(1);
        uint64 warm = uint64(block.timestamp) + quorum.WARM_UP();
        bytes[] memory signed = one(vote(1, "out"));
        bytes memory refusal = abi.encodeWithSelector(GatewayQuorum.NotMember.selector, vm.addr(1));
        vm.expectRevert(refusal);
        tally(warm - 1, signed);
        vm.assertEq(tally(warm, signed), 1);
        vm.expectRevert(refusal);
        quorum.tally(ID, "out", warm, vm.addr(1), address(2), signed);
        vm.expectRevert(refusal);
        quorum.tally(ID, "out", warm, address(1), vm.addr(1), signed);
        bytes[] memory stranger = one(vote(7, "out"));
        vm.expectRevert(abi.encodeWithSelector(GatewayQuorum.NotMember.selector, vm.addr(7)));
        tally(warm, stranger);
        vm.warp(warm + 10);
        vm.prank(vm.addr(1));
        quorum.leave();
        vm.assertEq(tally(warm, signed), 1);
        vm.expectRevert(refusal);
        tally(warm + 10, signed);
    }

    function test_a_vote_counts_once() public {
        join(1);
        uint64 warm = uint64(block.timestamp) + quorum.WARM_UP();
        bytes[] memory twice = new bytes[](2);
        (twice[0], twice[1]) = (vote(1, "out"), vote(1, "out"));
        vm.expectRevert(
            abi.encodeWithSelector(GatewayQuorum.NotAscending.selector, vm.addr(1), vm.addr(1))
        );
        tally(warm, twice);
    }

    function test_two_thirds_and_not_fewer_than_the_floor() public {
        vm.assertEq(quorum.needed(), 2);
        for (uint256 n = 1; n <= 6; ++n) {
            join(n);
        }
        vm.assertEq(quorum.needed(), 5);
        vm.assertEq(quorum.active(), 6);
        quorum.setFloor(6);
        vm.assertEq(quorum.needed(), 6);
        vm.expectRevert(abi.encodeWithSelector(GatewayQuorum.OutOfBounds.selector, 0, 1, 100));
        quorum.setFloor(0);
        vm.expectRevert(abi.encodeWithSelector(GatewayQuorum.OutOfBounds.selector, 101, 1, 100));
        quorum.setFloor(101);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        quorum.setFloor(3);
    }

    function test_the_bond_is_exact_and_comes_back_after_unbonding() public {
        vm.deal(address(this), 10 ether);
        vm.expectRevert(
            abi.encodeWithSelector(GatewayQuorum.BondMismatch.selector, 1 ether, 5 ether)
        );
        quorum.join{value: 1 ether}();
        join(1);
        vm.deal(vm.addr(1), 5 ether);
        vm.prank(vm.addr(1));
        vm.expectRevert(abi.encodeWithSelector(GatewayQuorum.AlreadyMember.selector, vm.addr(1)));
        quorum.join{value: 5 ether}();
        bytes memory none = abi.encodeWithSelector(GatewayQuorum.NotMember.selector, vm.addr(1));
        vm.expectRevert(none);
        quorum.release(vm.addr(1));
        vm.prank(vm.addr(1));
        quorum.leave();
        vm.prank(vm.addr(1));
        vm.expectRevert(none);
        quorum.leave();
        uint256 free = block.timestamp + quorum.UNBONDING();
        vm.warp(free - 1);
        vm.expectRevert(abi.encodeWithSelector(GatewayQuorum.StillBonded.selector, free - 1, free));
        quorum.release(vm.addr(1));
        vm.warp(free);
        quorum.release(vm.addr(1));
        vm.assertEq(quorum.withdrawableOf(vm.addr(1)), 5 ether);
        vm.assertEq(uint256(quorum.gateway(vm.addr(1)).joinedAt), 0);
    }

    function test_two_answers_cost_the_bond() public {
        join(1);
        bytes memory a = vote(1, keccak256("a"));
        bytes memory b = vote(1, "b");
        vm.expectRevert(abi.encodeWithSelector(GatewayQuorum.SameVote.selector, keccak256("a")));
        quorum.slash(ID, keccak256("a"), a, keccak256("a"), a);
        bytes memory other = vote(2, "b");
        vm.expectRevert(abi.encodeWithSelector(GatewayQuorum.NotMember.selector, vm.addr(2)));
        quorum.slash(ID, keccak256("a"), a, "b", other);
        quorum.slash(ID, keccak256("a"), a, "b", b);
        vm.assertEq(quorum.withdrawableOf(address(this)), 2.5 ether);
        vm.assertEq(quorum.withdrawableOf(quorum.BURN()), 2.5 ether);
        vm.assertEq(quorum.active(), 0);
        vm.expectRevert(abi.encodeWithSelector(GatewayQuorum.NotMember.selector, vm.addr(1)));
        quorum.slash(ID, keccak256("a"), a, "b", b);
        address manager = quorum.authority();
        vm.expectRevert(
            abi.encodeWithSelector(GatewayQuorum.BondMismatch.selector, 1 gwei + 1, 1 gwei)
        );
        new GatewayQuorum(manager, 1 gwei + 1, 2);
    }

    function testFuzz_words_are_the_getter(uint32 joined, uint32 left) public {
        vm.warp(uint256(joined) + 1);
        join(3);
        vm.warp(uint256(joined) + uint256(left) + 1);
        vm.prank(vm.addr(3));
        quorum.leave();
        bytes32 slot = mapped(bytes32(uint256(uint160(vm.addr(3)))), 0, 0);
        uint256 word = uint256(vm.load(address(quorum), slot));
        GatewayQuorum.Gateway memory g = quorum.gateway(vm.addr(3));
        vm.assertEq(bits(word, 0, 64), g.joinedAt);
        vm.assertEq(bits(word, 64, 64), g.leavingAt);
        vm.assertEq(bits(word, 128, 64), g.bondGwei);
        vm.assertEq(g.bondGwei, 5e9);
    }

    function invariant_bonds_are_conserved() public view {
        vm.assertEq(address(quorum).balance, gateways.due());
    }
}
