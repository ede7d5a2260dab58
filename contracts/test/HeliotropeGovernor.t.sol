// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Deploy} from "../script/Deploy.sol";
import {IVerifier} from "../src/IVerifier.sol";
import {IPriceFeed} from "../src/PriceFeed.sol";
import {Base} from "./Base.sol";

contract HeliotropeGovernorTest is Base, Deploy {
    address internal constant VOTER = address(0x1111111111111111111111111111111111111111);
    Deployed internal d;

    function config() internal view returns (Config memory c) {
        c.deployer = address(this);
        (c.publisher, c.guardian) = (address(0x2222), address(0x3333));
        c.serviceCheck = keccak256("coverage-radio");
        (c.timelockDelay, c.activationDelay) = (2 days, 7 days);
        (c.proposalBond, c.disputeWindow) = (1 ether, 1 days);
        (c.challengeBond, c.gatewayBond, c.quorumFloor) = (0.1 ether, 5 ether, 3);
        (c.bountyGwei, c.priceFloor, c.priceCeiling) = (1e8, 1e3, 1e9);
        (c.breakerLimit, c.breakerWindow) = (1e6 ether, 1 days);
        (c.votingDelay, c.votingPeriod, c.proposalThreshold) = (1 days, 3 days, 1000 ether);
    }

    function _next(uint256 ahead) internal view override returns (address) {
        return next(ahead);
    }

    function setUp() public {
        vm.warp(100 days);
        d = deploy(config());
        // tokens exist by a vote only; the first voter's come from the timelock, as they would
        vm.prank(address(d.timelock));
        d.token.mint(VOTER, 10_000 ether);
        vm.prank(VOTER);
        d.token.delegate(VOTER);
        vm.warp(block.timestamp + 1);
    }

    function proposal(address target, bytes memory call)
        internal
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calls)
    {
        (targets, values, calls) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], calls[0]) = (target, call);
    }

    /// @dev A vote from its proposal to the queue of the timelock.
    function decide(address target, bytes memory call) internal returns (bytes32 operation) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) =
            proposal(target, call);
        vm.startPrank(VOTER);
        uint256 id = d.governor.propose(targets, values, calls, "why");
        vm.warp(block.timestamp + 1 days + 1);
        d.governor.castVote(id, 1);
        vm.stopPrank();
        vm.warp(block.timestamp + 3 days + 1);
        vm.assertTrue(d.governor.state(id) == IGovernor.ProposalState.Succeeded);
        vm.assertTrue(d.governor.proposalNeedsQueuing(id));
        d.governor.queue(targets, values, calls, keccak256("why"));
        bytes32 salt = bytes20(address(d.governor)) ^ keccak256("why");
        return d.timelock.hashOperationBatch(targets, values, calls, 0, salt);
    }

    function execute(address target, bytes memory call) internal {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) =
            proposal(target, call);
        d.governor.execute(targets, values, calls, keccak256("why"));
    }

    function test_a_parameter_changes_by_a_vote_and_after_the_delay() public {
        bytes memory call = abi.encodeCall(d.feed.setBounds, (5, 6));
        bytes32 operation = decide(address(d.feed), call);
        // what waits can be proven: the timelock's timestamps stand at slot 1
        uint256 ready = uint256(vm.load(address(d.timelock), mapped(operation, 1, 0)));
        vm.assertEq(ready, d.timelock.getTimestamp(operation));
        vm.assertEq(ready, block.timestamp + 2 days);
        (bool ok,) = address(this).call(abi.encodeCall(this.executeNow, (address(d.feed), call)));
        vm.assertTrue(!ok);
        vm.warp(ready);
        execute(address(d.feed), call);
        vm.assertEq(uint256(d.feed.floor()), 5);
    }

    function executeNow(address target, bytes calldata call) external {
        execute(target, call);
    }

    function test_a_check_is_pinned_by_a_vote() public {
        bytes memory call = abi.encodeCall(
            d.checks.pin, (keccak256("check"), keccak256("module"), keccak256("params"), 1, 0)
        );
        decide(address(d.checks), call);
        vm.warp(block.timestamp + 2 days);
        execute(address(d.checks), call);
        vm.assertEq(d.checks.count(keccak256("check")), 1);
    }

    function test_a_proposal_is_withdrawn_by_its_proposer() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) =
            proposal(address(d.feed), abi.encodeCall(d.feed.setBounds, (5, 6)));
        vm.startPrank(VOTER);
        uint256 id = d.governor.propose(targets, values, calls, "why");
        d.governor.cancel(targets, values, calls, keccak256("why"));
        vm.stopPrank();
        vm.assertTrue(d.governor.state(id) == IGovernor.ProposalState.Canceled);
        vm.assertEq(d.governor.proposalThreshold(), 1000 ether);
    }

    /// @dev Every restricted function of every contract, and nobody who may call it but the timelock.
    function test_the_deployer_has_no_right_left() public {
        bytes[] memory calls = new bytes[](17);
        address[] memory targets = new address[](17);
        (targets[0], calls[0]) = (address(d.devices), abi.encodeCall(d.devices.setTerms, (0, 0)));
        (targets[1], calls[1]) = (address(d.devices), abi.encodeCall(d.devices.slash, (0, 0)));
        (targets[2], calls[2]) =
        (address(d.checks), abi.encodeCall(d.checks.pin, ("c", "m", "p", 1, 0)));
        (targets[3], calls[3]) =
        (address(d.ledger), abi.encodeCall(d.ledger.setDisputeGame, (address(this))));
        (targets[4], calls[4]) = (address(d.quorum), abi.encodeCall(d.quorum.setFloor, (1)));
        (targets[5], calls[5]) =
        (address(d.game), abi.encodeCall(d.game.announce, (9, IVerifier(address(1)))));
        (targets[6], calls[6]) = (address(d.token), abi.encodeCall(d.token.mint, (VOTER, 1)));
        (targets[7], calls[7]) = (address(d.feed), abi.encodeCall(d.feed.publish, (1e6, 0)));
        (targets[8], calls[8]) = (address(d.feed), abi.encodeCall(d.feed.setBounds, (1, 2)));
        (targets[9], calls[9]) =
        (address(d.credits), abi.encodeCall(d.credits.setFeed, (IPriceFeed(VOTER), 1)));
        (targets[10], calls[10]) =
        (address(d.schedule), abi.encodeCall(d.schedule.append, ("c", 1, 1, 1)));
        (targets[11], calls[11]) =
        (address(d.distributor), abi.encodeCall(d.distributor.stop, ("s")));
        (targets[12], calls[12]) =
        (address(d.reserve), abi.encodeCall(d.reserve.setLimit, (1, 1 days)));
        (targets[13], calls[13]) = (address(d.level), abi.encodeCall(d.level.setTerms, (1, 1)));
        (targets[14], calls[14]) =
        (address(d.level), abi.encodeCall(d.level.setOutageTerms, (3, 500)));
        (targets[15], calls[15]) =
        (address(d.manager), abi.encodeCall(d.manager.grantRole, (0, address(this), 0)));
        (targets[16], calls[16]) =
        (
            address(d.timelock),
            abi.encodeCall(d.timelock.grantRole, (d.timelock.PROPOSER_ROLE(), address(this)))
        );
        for (uint256 i = 0; i < 17; ++i) {
            (bool ok,) = targets[i].call(calls[i]);
            vm.assertTrue(!ok);
            bool publisher = i == 7;
            bool guardian = i == 11;
            if (i == 16) continue;
            vm.prank(publisher ? address(0x2222) : guardian ? address(0x3333) : address(d.timelock));
            (ok,) = targets[i].call(calls[i]);
            vm.assertTrue(ok);
        }
    }

    function test_nobody_but_the_governor_proposes_to_the_timelock() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) =
            proposal(address(d.feed), "");
        vm.expectRevert();
        d.timelock.scheduleBatch(targets, values, calls, 0, 0, 2 days);
        vm.assertTrue(!d.timelock.hasRole(d.timelock.DEFAULT_ADMIN_ROLE(), address(this)));
    }

    function deployWith(Config memory c) external {
        deploy(c);
    }

    function test_a_verifier_never_judges_what_was_open_before_it_came() public {
        Config memory c = config();
        c.disputeWindow = d.game.VERIFIER_DELAY();
        vm.expectRevert(
            abi.encodeWithSelector(Deploy.WindowTooLong.selector, c.disputeWindow, 7 days)
        );
        this.deployWith(c);
    }

    function test_modules_are_announced_for_as_long_as_any_change() public {
        Config memory c = config();
        c.activationDelay = c.timelockDelay - 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                Deploy.ActivationBeforeTimelock.selector, c.activationDelay, c.timelockDelay
            )
        );
        this.deployWith(c);
    }
}
