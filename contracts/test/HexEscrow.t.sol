// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HexEscrow} from "../src/HexEscrow.sol";
import {ServiceProofs} from "../src/lib/ServiceProofs.sol";
import {Service} from "./Service.sol";

contract HexEscrowTest is Service {
    uint64 internal constant HEX = 0x881fb46741fffff;
    HexEscrow internal escrow;
    uint64 internal deadline;

    function setUp() public {
        deploy();
        escrow = new HexEscrow(CHECK, ledger, devices);
        deadline = uint64(block.timestamp) + 30 days;
    }

    function fund() internal returns (bytes32) {
        return escrow.fund{value: 5 ether}(HEX, 3, deadline, "");
    }

    function test_the_hex_of_a_cell_is_its_h3_parent() public view {
        vm.assertEq(uint256(escrow.parentOf(CELL)), HEX);
    }

    function test_service_of_enough_epochs_releases_the_escrow_once() public {
        bytes32 id = fund();
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(block.timestamp + 1 days);
            escrow.serve(id, beat());
        }
        vm.assertEq(escrow.withdrawableOf(address(this)), 0);
        vm.assertEq(uint256(escrow.progressOf(id, device).epochs), 2);
        vm.warp(block.timestamp + 1 days);
        escrow.serve(id, beat());
        vm.assertEq(escrow.withdrawableOf(address(this)), 5 ether);
        ServiceProofs.Heartbeat memory h = beat();
        vm.expectRevert(abi.encodeWithSelector(HexEscrow.NotOpen.selector, id, uint8(2), uint8(1)));
        escrow.serve(id, h);
        vm.warp(deadline + 3 days);
        vm.expectRevert(abi.encodeWithSelector(HexEscrow.NotOpen.selector, id, uint8(2), uint8(1)));
        escrow.refund(id);
    }

    function test_an_epoch_counts_once_in_the_right_hex_and_in_time() public {
        ServiceProofs.Heartbeat memory early = beat();
        bytes32 id = fund();
        uint64 fundedAt = uint64(vm.getBlockTimestamp());
        vm.expectRevert(
            abi.encodeWithSelector(HexEscrow.NotInTime.selector, fundedAt - 601, fundedAt, deadline)
        );
        escrow.serve(id, early);
        vm.warp(block.timestamp + 1 days);
        ServiceProofs.Heartbeat memory h = beat();
        escrow.serve(id, h);
        vm.expectRevert(abi.encodeWithSelector(HexEscrow.EpochNotNewer.selector, epoch, epoch + 1));
        escrow.serve(id, h);
        h = settle(++epoch, uint64(block.timestamp), CELL ^ (uint64(1) << 25));
        uint64 other = escrow.parentOf(CELL ^ (uint64(1) << 25));
        vm.expectRevert(abi.encodeWithSelector(HexEscrow.WrongHex.selector, other, HEX));
        escrow.serve(id, h);
        vm.warp(deadline + 1);
        h = beat();
        vm.expectRevert(
            abi.encodeWithSelector(HexEscrow.NotInTime.selector, deadline + 1, fundedAt, deadline)
        );
        escrow.serve(id, h);
    }

    function test_refundable_after_the_deadline_and_what_settling_takes() public {
        bytes32 id = fund();
        uint256 until = uint256(deadline) + escrow.SETTLING();
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(HexEscrow.DeadlineAhead.selector, until, until));
        escrow.refund(id);
        vm.warp(until + 1);
        escrow.refund(id);
        vm.assertEq(escrow.withdrawableOf(address(this)), 5 ether);
        vm.expectRevert(abi.encodeWithSelector(HexEscrow.NotOpen.selector, id, uint8(3), uint8(1)));
        escrow.refund(id);
    }

    function test_an_escrow_has_bounds() public {
        bytes32 id = fund();
        vm.expectRevert(abi.encodeWithSelector(HexEscrow.EscrowExists.selector, id));
        escrow.fund{value: 5 ether}(HEX, 3, deadline, "");
        vm.expectRevert(
            abi.encodeWithSelector(HexEscrow.HexResolution.selector, CELL, uint8(12), uint8(8))
        );
        escrow.fund{value: 1}(CELL, 3, deadline, "a");
        vm.expectRevert(abi.encodeWithSelector(HexEscrow.OutOfBounds.selector, 367, 1, 366));
        escrow.fund{value: 1}(HEX, 367, deadline, "a");
        vm.expectRevert(
            abi.encodeWithSelector(HexEscrow.OutOfBounds.selector, 0, 1, type(uint96).max)
        );
        escrow.fund(HEX, 3, deadline, "a");
        uint64 now_ = uint64(block.timestamp);
        vm.expectRevert(
            abi.encodeWithSelector(HexEscrow.OutOfBounds.selector, now_, now_ + 1, now_ + 732 days)
        );
        escrow.fund{value: 1}(HEX, 3, now_, "a");
    }

    function testFuzz_words_are_the_getters(uint96 amount, uint32 epochs, bytes32 salt) public {
        vm.assume(amount != 0);
        vm.deal(address(this), amount);
        epochs = 1 + epochs % 366;
        bytes32 id = escrow.fund{value: amount}(HEX, epochs, deadline, salt);
        HexEscrow.Escrow memory e = escrow.escrow(id);
        uint256 word = uint256(vm.load(address(escrow), mapped(id, 0, 0)));
        vm.assertEq(bits(word, 0, 160), uint160(e.sponsor));
        vm.assertEq(bits(word, 160, 64), e.deadline);
        vm.assertEq(bits(word, 224, 32), e.epochs);
        word = uint256(vm.load(address(escrow), mapped(id, 0, 1)));
        vm.assertEq(bits(word, 0, 64), e.hex_);
        vm.assertEq(bits(word, 64, 64), e.fundedAt);
        vm.assertEq(bits(word, 128, 96), e.amount);
        vm.assertEq(bits(word, 224, 8), e.status);
        vm.assertEq(e.amount, amount);
    }

    function test_the_word_of_progress_is_the_getter() public {
        bytes32 id = fund();
        escrow.serve(id, settle(++epoch, uint64(block.timestamp) + 1, CELL));
        bytes32 slot = keccak256(abi.encode(device, mapped(id, 1, 0)));
        uint256 word = uint256(vm.load(address(escrow), slot));
        HexEscrow.Progress memory p = escrow.progressOf(id, device);
        vm.assertEq(bits(word, 0, 32), p.epochs);
        vm.assertEq(bits(word, 32, 64), p.nextEpoch);
        vm.assertEq(uint256(p.epochs), 1);
    }
}
