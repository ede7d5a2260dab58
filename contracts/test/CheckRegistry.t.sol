// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Base} from "./Base.sol";
import {CheckRegistry, CheckRegistryStorage} from "../src/CheckRegistry.sol";

/// @notice Pins at random, and remembers, for the invariant test.
contract Pinners is Base {
    bytes32 internal constant CHECK = keccak256("coverage-radio");
    CheckRegistry public immutable CHECKS;
    CheckRegistry.Version[] internal pinned;

    constructor() {
        CHECKS = new CheckRegistry(address(new AccessManager(address(this))), 3600);
    }

    function pin(bytes32 moduleHash, bytes32 paramsHash, uint16 abi_, uint16 later) external {
        // mostly far enough ahead to be taken
        uint64 activeFrom = uint64(block.timestamp) + 2 * uint64(later);
        CHECKS.pin(CHECK, moduleHash, paramsHash, abi_, activeFrom);
        pinned.push(CheckRegistryStorage.Version(moduleHash, paramsHash, activeFrom, abi_));
    }

    function pass(uint16 seconds_) external {
        vm.warp(block.timestamp + seconds_);
    }

    /// @dev Every version is what it was when it was pinned, and times never go back.
    function kept() external view returns (bool) {
        if (CHECKS.count(CHECK) != pinned.length) return false;
        uint64 last;
        for (uint256 i = 0; i < pinned.length; ++i) {
            CheckRegistry.Version memory v = CHECKS.versionOf(CHECK, i + 1);
            if (keccak256(abi.encode(v)) != keccak256(abi.encode(pinned[i]))) return false;
            if (v.activeFrom < last) return false;
            last = v.activeFrom;
        }
        return CHECKS.versionOf(CHECK, pinned.length + 1).moduleHash == 0;
    }
}

contract CheckRegistryTest is Base {
    bytes32 internal constant CHECK = keccak256("coverage-radio");
    uint64 internal constant DELAY = 3600;
    CheckRegistry internal checks;
    Pinners internal pinners;

    function setUp() public {
        vm.warp(1_000_000);
        pinners = new Pinners();
        targetContract(address(pinners));
        checks = new CheckRegistry(address(new AccessManager(address(this))), DELAY);
    }

    function pin(bytes32 moduleHash, uint64 activeFrom) internal returns (uint256) {
        return checks.pin(CHECK, moduleHash, keccak256("params"), 1, activeFrom);
    }

    function test_first_version_may_be_active_at_once() public {
        vm.assertEq(pin(keccak256("one"), 0), 1);
        (uint256 version, CheckRegistry.Version memory v) =
            checks.activeAt(CHECK, uint64(block.timestamp));
        vm.assertEq(version, 1);
        vm.assertEq(v.moduleHash, keccak256("one"));
    }

    function test_later_version_waits_for_the_delay() public {
        pin(keccak256("one"), 0);
        uint64 earliest = uint64(block.timestamp) + DELAY;
        vm.expectRevert(
            abi.encodeWithSelector(
                CheckRegistry.ActivationTooEarly.selector, earliest - 1, earliest
            )
        );
        pin(keccak256("two"), earliest - 1);
        pin(keccak256("two"), earliest);
        (uint256 version,) = checks.activeAt(CHECK, earliest - 1);
        vm.assertEq(version, 1);
        (version,) = checks.activeAt(CHECK, earliest);
        vm.assertEq(version, 2);
    }

    function test_activation_times_never_go_back() public {
        pin(keccak256("one"), 0);
        uint64 far = uint64(block.timestamp) + 10 * DELAY;
        pin(keccak256("two"), far);
        vm.expectRevert(
            abi.encodeWithSelector(CheckRegistry.ActivationTooEarly.selector, far - 1, far)
        );
        pin(keccak256("three"), far - 1);
    }

    function test_old_versions_never_change() public {
        pin(keccak256("one"), 0);
        pin(keccak256("two"), uint64(block.timestamp) + DELAY);
        vm.assertEq(checks.versionOf(CHECK, 1).moduleHash, keccak256("one"));
        vm.assertEq(checks.count(CHECK), 2);
    }

    function test_nothing_active_before_the_first_activation() public {
        pin(keccak256("one"), uint64(block.timestamp) + 5);
        vm.expectRevert(
            abi.encodeWithSelector(
                CheckRegistry.NoActiveVersion.selector, CHECK, uint64(block.timestamp)
            )
        );
        checks.activeAt(CHECK, uint64(block.timestamp));
    }

    function test_a_stranger_cannot_pin() public {
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        pin(keccak256("evil"), 0);
    }

    function test_zero_hash_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(CheckRegistry.ZeroHash.selector));
        pin(0, 0);
    }

    function testFuzz_words_are_the_getter(bytes32 moduleHash, uint64 activeFrom) public {
        vm.assume(moduleHash != 0);
        pin(moduleHash, activeFrom);
        bytes32 inner = keccak256(abi.encode(CHECK, uint256(0)));
        bytes32 first = keccak256(abi.encode(uint256(1), inner));
        vm.assertEq(vm.load(address(checks), first), moduleHash);
        vm.assertEq(vm.load(address(checks), bytes32(uint256(first) + 1)), keccak256("params"));
        uint256 word = uint256(vm.load(address(checks), bytes32(uint256(first) + 2)));
        vm.assertEq(bits(word, 0, 64), activeFrom);
        vm.assertEq(word >> 64, 1);
        vm.assertEq(uint256(vm.load(address(checks), mapped(CHECK, 1, 0))), 1);
    }

    function invariant_versions_are_only_appended() public view {
        vm.assertTrue(pinners.kept());
    }
}
