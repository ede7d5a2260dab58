// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {DeviceRegistry} from "../src/DeviceRegistry.sol";
import {FirmwareOutages} from "../src/FirmwareOutages.sol";
import {ServiceLevel} from "../src/ServiceLevel.sol";
import {ServiceProofs} from "../src/lib/ServiceProofs.sol";
import {Verdicts} from "../src/lib/Verdicts.sol";
import {Service} from "./Service.sol";

/// @notice A fleet of devices that only their owner answers for.
abstract contract Fleet is Service {
    bytes32 internal constant RELEASE = keccak256("1.8");
    uint32 internal constant WINDOW = 1 days;
    ServiceLevel internal level;

    function deployLevel() internal {
        deploy();
        level = new ServiceLevel(manager, CHECK, ledger, devices, 1e9);
        level.setTerms(1e9, 3);
    }

    function fleet(uint256 n) internal returns (bytes32[] memory ids) {
        ids = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) {
            DeviceRegistry.Registration memory r;
            r.publicKey = abi.encodePacked(uint8(1), keccak256(abi.encode(i)));
            (r.owner, r.cell, r.deadline) = (address(this), CELL, type(uint64).max);
            ids[i] = devices.register(r);
        }
    }
}

/// @notice Promises, breaks, repairs and ends at random, for the invariant test.
contract Owners is Fleet {
    bytes32[] internal ids;

    constructor() {
        deployLevel();
        level.setOutageTerms(3, 5000);
        ids = fleet(4);
    }

    function pledge(uint256 n, uint64 more) external {
        level.pledge{value: 1 ether + uint256(more) * 1 gwei}(ids[n % 4], WINDOW, RELEASE);
    }

    function topUp(uint256 n, uint32 more) external {
        level.topUp{value: uint256(more) * 1 gwei}(ids[n % 4]);
    }

    function declareSilent(uint256 n) external {
        vm.warp(block.timestamp + 3 days + 1);
        level.declareSilent(ids[n % 4]);
    }

    function declareAll() external {
        vm.warp(block.timestamp + 3 days + 1);
        for (uint256 i = 0; i < 4; ++i) {
            if (level.promised(ids[i]).status == 1) level.declareSilent(ids[i]);
        }
    }

    function take(uint256 n) external {
        vm.warp(block.timestamp + 6 hours);
        level.take(ids[n % 4]);
    }

    function excuse(uint256 n) external {
        level.excuse(ids[n % 4]);
    }

    function setRelease(uint256 n, bool other) external {
        level.setRelease(ids[n % 4], other ? keccak256("1.9") : RELEASE);
    }

    function end(uint256 n) external {
        level.end(ids[n % 4]);
    }

    function withdraw() external {
        level.withdraw();
    }

    function due() external view returns (uint256 sum) {
        sum = level.withdrawableOf(address(this));
        for (uint256 i = 0; i < 4; ++i) {
            ServiceLevel.Promise memory p = level.promised(ids[i]);
            sum += (uint256(p.depositGwei) + p.bountyGwei) * 1 gwei;
        }
    }

    function held() external view returns (uint256) {
        return address(level).balance;
    }

    /// @dev Devices with a promise, as the releases count them.
    function counted() external view returns (bool) {
        uint256 promised_;
        for (uint256 i = 0; i < 4; ++i) {
            if (level.promised(ids[i]).status != 0) ++promised_;
        }
        uint256 enrolled = level.releaseOf(RELEASE).enrolled;
        return promised_ == enrolled + level.releaseOf(keccak256("1.9")).enrolled;
    }
}

contract ServiceLevelTest is Fleet {
    Owners internal owners;

    function setUp() public {
        deployLevel();
        level.pledge{value: 2 ether}(device, WINDOW, RELEASE);
        owners = new Owners();
        targetContract(address(owners));
    }

    function silent(bytes32 id) internal {
        uint256 until = uint256(level.promised(id).lastSeen) + WINDOW + level.SETTLING();
        vm.warp(until + 1);
        level.declareSilent(id);
    }

    function status(bytes32 id) internal view returns (uint256) {
        return level.promised(id).status;
    }

    function technician(uint160 n) internal returns (address who) {
        who = address(n << 140);
        vm.warp(block.timestamp + level.HOLD_OFF());
        vm.prank(who);
        level.take(device);
    }

    function test_settled_heartbeats_keep_a_promise() public {
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(block.timestamp + 20 hours);
            level.heard(beat());
        }
        uint256 until = uint256(level.promised(device).lastSeen) + WINDOW + level.SETTLING();
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.NotSilent.selector, until, until));
        level.declareSilent(device);
        vm.warp(until + 1);
        level.declareSilent(device);
        vm.assertEq(status(device), 2);
        vm.assertEq(uint256(level.promised(device).bountyGwei), 1e9);
        vm.assertEq(uint256(level.promised(device).depositGwei), 1e9);
    }

    function test_a_technician_is_paid_after_enough_reports_of_the_same_key() public {
        silent(device);
        address who = technician(7);
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(block.timestamp + 1 days);
            level.heard(beat());
        }
        vm.assertEq(level.withdrawableOf(who), 0);
        vm.warp(block.timestamp + 1 days);
        ServiceProofs.Heartbeat memory last = beat();
        level.heard(last);
        vm.assertEq(level.withdrawableOf(who), 1 ether);
        vm.assertEq(status(device), 1);
        // the bounty is not claimed twice
        vm.expectRevert(
            abi.encodeWithSelector(
                ServiceLevel.NotNewer.selector,
                uint64(block.timestamp - 601),
                uint64(block.timestamp)
            )
        );
        level.heard(last);
        level.withdrawFor(who);
        vm.assertEq(who.balance, 1 ether);
    }

    function test_a_device_that_comes_back_by_itself_costs_nothing() public {
        silent(device);
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(block.timestamp + 1 hours);
            level.heard(beat());
        }
        vm.assertEq(status(device), 1);
        vm.assertEq(uint256(level.promised(device).depositGwei), 2e9);
    }

    function test_reports_from_before_the_repair_and_of_one_epoch_do_not_count() public {
        silent(device);
        uint64 before = uint64(vm.getBlockTimestamp());
        technician(7);
        level.heard(settle(++epoch, before + 1, CELL));
        vm.assertEq(uint256(level.promised(device).reports), 0);
        vm.warp(block.timestamp + 1 days);
        level.heard(beat());
        vm.assertEq(uint256(level.promised(device).reports), 1);
        // an older epoch, shown later
        level.heard(settle(50, uint64(block.timestamp), CELL));
        vm.assertEq(uint256(level.promised(device).reports), 1);
        vm.assertEq(uint256(level.promised(device).lastEpoch), epoch);
    }

    /// @dev SECURITY: a cloned key at another site must not earn the bounty of the device it copies.
    function test_the_same_key_at_another_site_repairs_nothing() public {
        silent(device);
        technician(7);
        vm.warp(block.timestamp + 1 days);
        ServiceProofs.Heartbeat memory h = settle(++epoch, uint64(block.timestamp), CELL - 0x200);
        vm.expectRevert(
            abi.encodeWithSelector(ServiceLevel.WrongPlace.selector, CELL - 0x200, CELL)
        );
        level.heard(h);
    }

    function test_only_settled_passes_of_devices_with_a_promise_count() public {
        ServiceProofs.Heartbeat memory h = settle(++epoch, uint64(block.timestamp), CELL, 1);
        vm.expectRevert(abi.encodeWithSelector(ServiceProofs.NotAPass.selector, uint8(1)));
        level.heard(h);
        h = settle(++epoch, uint64(block.timestamp), CELL);
        h.epoch += 1;
        bytes32 commitment = keccak256(abi.encode(h.roots));
        vm.expectRevert(
            abi.encodeWithSelector(
                ServiceProofs.NotSettled.selector, commitment, bytes32(0), uint8(0)
            )
        );
        level.heard(h);
        h.epoch -= 1;
        h.output[4] = 0x02;
        vm.expectRevert();
        level.heard(h);
        h = settle(++epoch, uint64(block.timestamp + 1 days), CELL);
        vm.expectRevert(
            abi.encodeWithSelector(
                ServiceLevel.FromTheFuture.selector, block.timestamp + 1 days - 601, block.timestamp
            )
        );
        level.heard(h);
        level.end(device);
        h = beat();
        vm.expectRevert(
            abi.encodeWithSelector(ServiceLevel.WrongStatus.selector, device, uint8(0), uint8(1))
        );
        level.heard(h);
    }

    function test_the_maintainer_comes_first_and_a_slow_technician_is_replaced() public {
        devices.setMaintainer(device, address(0x1234567));
        silent(device);
        vm.expectRevert(
            abi.encodeWithSelector(
                ServiceLevel.TooEarly.selector, block.timestamp, block.timestamp + 6 hours
            )
        );
        level.take(device);
        vm.warp(block.timestamp + 6 hours);
        vm.expectRevert(
            abi.encodeWithSelector(
                ServiceLevel.NotTheMaintainer.selector, address(this), address(0x1234567)
            )
        );
        level.take(device);
        vm.prank(address(0x1234567));
        level.take(device);
        uint256 until = block.timestamp + level.REPAIR_TIME();
        vm.warp(until);
        vm.expectRevert(
            abi.encodeWithSelector(ServiceLevel.RepairRunning.selector, address(0x1234567), until)
        );
        level.take(device);
        vm.warp(until + 1);
        level.take(device);
        vm.assertEq(level.promised(device).technician, address(this));
    }

    function test_an_outage_of_a_release_excuses_the_owners() public {
        level.setOutageTerms(10, 2000);
        bytes32[] memory ids = fleet(40);
        for (uint256 i = 0; i < 40; ++i) {
            level.pledge{value: 1 ether}(ids[i], WINDOW, RELEASE);
        }
        uint256 until = uint256(level.promised(ids[0]).lastSeen) + WINDOW + level.SETTLING();
        vm.warp(until + 1);
        for (uint256 i = 0; i < 9; ++i) {
            level.declareSilent(ids[i]);
        }
        uint64 brokenAt = level.promised(ids[3]).brokenAt;
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.NoOutage.selector, RELEASE, brokenAt));
        level.excuse(ids[3]);
        level.declareSilent(ids[9]);
        vm.assertTrue(level.releaseOf(RELEASE).outage);
        level.excuse(ids[3]);
        vm.assertEq(status(ids[3]), 1);
        vm.assertEq(uint256(level.promised(ids[3]).depositGwei), 1e9);
        // later in the same wave, and out of it
        level.declareSilent(ids[10]);
        level.excuse(ids[10]);
        vm.warp(block.timestamp + 2 days + 1);
        level.declareSilent(ids[11]);
        brokenAt = level.promised(ids[11]).brokenAt;
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.NoOutage.selector, RELEASE, brokenAt));
        level.excuse(ids[11]);
    }

    function test_a_few_of_many_are_no_outage() public {
        level.setOutageTerms(10, 2000);
        bytes32[] memory ids = fleet(60);
        for (uint256 i = 0; i < 60; ++i) {
            level.pledge{value: 1 ether}(ids[i], WINDOW, RELEASE);
        }
        vm.warp(uint256(level.promised(ids[0]).lastSeen) + WINDOW + level.SETTLING() + 1);
        // ten of 61 are under a fifth; thirteen are not
        for (uint256 i = 0; i < 12; ++i) {
            level.declareSilent(ids[i]);
        }
        vm.assertTrue(!level.releaseOf(RELEASE).outage);
        level.declareSilent(ids[12]);
        vm.assertTrue(level.releaseOf(RELEASE).outage);
    }

    /// @dev SECURITY: owners of dead devices must not move them to a release that is failing.
    function test_a_device_that_joined_the_release_afterwards_is_not_excused() public {
        level.setOutageTerms(3, 500);
        bytes32[] memory ids = fleet(5);
        for (uint256 i = 0; i < 4; ++i) {
            level.pledge{value: 1 ether}(ids[i], WINDOW, RELEASE);
        }
        level.pledge{value: 1 ether}(ids[4], WINDOW, keccak256("1.9"));
        vm.warp(uint256(level.promised(ids[0]).lastSeen) + WINDOW + level.SETTLING() + 1);
        level.declareSilent(ids[0]);
        vm.warp(block.timestamp + 1);
        level.setRelease(ids[4], RELEASE);
        level.declareSilent(ids[4]);
        vm.assertEq(uint256(level.releaseOf(RELEASE).silent), 1);
        level.declareSilent(ids[1]);
        level.declareSilent(ids[2]);
        vm.assertTrue(level.releaseOf(RELEASE).outage);
        uint64 brokenAt = level.promised(ids[4]).brokenAt;
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.NoOutage.selector, RELEASE, brokenAt));
        level.excuse(ids[4]);
        vm.expectRevert(
            abi.encodeWithSelector(ServiceLevel.WrongStatus.selector, ids[1], uint8(2), uint8(1))
        );
        level.setRelease(ids[1], keccak256("1.9"));
    }

    function test_a_promise_is_made_once_with_a_bounty_in_it() public {
        bytes32 id = fleet(1)[0];
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.DepositTooSmall.selector, 0, 1 ether));
        level.pledge(id, WINDOW, RELEASE);
        vm.expectRevert(
            abi.encodeWithSelector(
                ServiceLevel.WindowOutOfBounds.selector,
                uint32(1 hours - 1),
                uint32(1 hours),
                uint32(30 days)
            )
        );
        level.pledge{value: 1 ether}(id, 1 hours - 1, RELEASE);
        vm.expectRevert(
            abi.encodeWithSelector(ServiceLevel.WrongStatus.selector, device, uint8(1), uint8(0))
        );
        level.pledge{value: 1 ether}(device, WINDOW, RELEASE);
        vm.deal(address(0xbeef), 1 ether);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(ServiceLevel.NotOwner.selector, address(0xbeef), address(this))
        );
        level.pledge{value: 1 ether}(id, WINDOW, RELEASE);
        devices.retire(id);
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.NotActive.selector, id, uint8(2)));
        level.pledge{value: 1 ether}(id, WINDOW, RELEASE);
    }

    function test_a_promise_ends_only_while_it_is_kept() public {
        level.topUp{value: 1 ether}(device);
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.DepositTooSmall.selector, 1, 1 gwei));
        level.topUp{value: 1}(device);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(ServiceLevel.NotOwner.selector, address(0xbeef), address(this))
        );
        level.end(device);
        uint256 until = uint256(level.promised(device).lastSeen) + WINDOW;
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.NotSilent.selector, until + 1, until));
        level.end(device);
        vm.warp(until);
        // a retired device's deposit is not lost
        devices.retire(device);
        level.end(device);
        vm.assertEq(level.withdrawableOf(address(this)), 3 ether);
        vm.expectRevert(
            abi.encodeWithSelector(ServiceLevel.WrongStatus.selector, device, uint8(0), uint8(1))
        );
        level.topUp{value: 1 gwei}(device);
    }

    function test_terms_have_bounds_and_an_owner() public {
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.OutOfBounds.selector, 10e9 + 1, 10e9));
        level.setTerms(10e9 + 1, 1);
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.OutOfBounds.selector, 0, 100));
        level.setTerms(1, 0);
        vm.expectRevert(abi.encodeWithSelector(ServiceLevel.OutOfBounds.selector, 101, 100));
        level.setTerms(1, 101);
        vm.expectRevert(
            abi.encodeWithSelector(FirmwareOutages.TermOutOfBounds.selector, 2, 3, type(uint32).max)
        );
        level.setOutageTerms(2, 2000);
        vm.expectRevert(
            abi.encodeWithSelector(FirmwareOutages.TermOutOfBounds.selector, 499, 500, 10_000)
        );
        level.setOutageTerms(3, 499);
        vm.startPrank(address(0xbeef));
        bytes memory refusal = abi.encodeWithSelector(
            IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
        );
        vm.expectRevert(refusal);
        level.setTerms(1, 1);
        vm.expectRevert(refusal);
        level.setOutageTerms(3, 500);
        vm.stopPrank();
    }

    /// @dev The words that a light client proves are the values that the getter returns.
    function testFuzz_words_are_the_getter(
        uint32 window,
        uint40 deposit,
        bytes32 release,
        bool broken
    ) public {
        bytes32 id = fleet(1)[0];
        window = 1 hours + window % (29 days);
        level.pledge{value: 1 ether + uint256(deposit) * 1 gwei}(id, window, release);
        if (broken) {
            vm.warp(block.timestamp + window + 2 days + 1);
            level.declareSilent(id);
            vm.warp(block.timestamp + 6 hours);
            level.take(id);
        }
        ServiceLevel.Promise memory p = level.promised(id);
        uint256 word = uint256(vm.load(address(level), mapped(id, 0, 0)));
        vm.assertEq(bits(word, 0, 64), p.lastSeen);
        vm.assertEq(bits(word, 64, 32), p.window);
        vm.assertEq(bits(word, 96, 64), p.depositGwei);
        vm.assertEq(bits(word, 160, 8), p.status);
        vm.assertEq(bits(word, 168, 8), p.reports);
        vm.assertEq(bits(word, 176, 64), p.lastEpoch);
        word = uint256(vm.load(address(level), mapped(id, 0, 1)));
        vm.assertEq(bits(word, 0, 160), uint160(p.technician));
        vm.assertEq(bits(word, 160, 64), p.brokenAt);
        word = uint256(vm.load(address(level), mapped(id, 0, 2)));
        vm.assertEq(bits(word, 0, 64), p.takenAt);
        vm.assertEq(bits(word, 64, 64), p.bountyGwei);
        vm.assertEq(vm.load(address(level), mapped(id, 0, 3)), release);
        vm.assertEq(p.technician, broken ? address(this) : address(0));
    }

    function invariant_deposits_are_conserved() public view {
        vm.assertEq(owners.held(), owners.due());
    }

    function invariant_releases_count_their_devices() public view {
        vm.assertTrue(owners.counted());
    }
}
