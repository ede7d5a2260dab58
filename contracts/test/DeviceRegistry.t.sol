// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Base} from "./Base.sol";
import {DeviceRegistry} from "../src/DeviceRegistry.sol";
import {DeviceKeys} from "../src/lib/DeviceKeys.sol";

contract DeviceRegistryTest is Base {
    uint256 internal constant P256_P =
        0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff;
    uint256 internal constant P256_N =
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;
    uint64 internal constant CELL = 0x8c1fb46741ae9ff;
    DeviceRegistry internal registry;

    function setUp() public {
        vm.warp(1_000_000);
        registry = new DeviceRegistry(address(new AccessManager(address(this))));
        vm.deal(address(this), 100 ether);
    }

    receive() external payable {}

    function registration(bytes memory key)
        internal
        view
        returns (DeviceRegistry.Registration memory r)
    {
        r.publicKey = key;
        r.owner = address(this);
        r.cell = CELL;
        r.gainDdbi = -12;
        r.elevationM = 37;
        r.region = 1;
        r.metadataHash = keccak256("metadata");
        r.deadline = block.timestamp + 60;
    }

    function p256(uint256 secret) internal view returns (DeviceRegistry.Registration memory r) {
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        r = registration(abi.encodePacked(uint8(0), x));
        (bytes32 sr, bytes32 ss) = vm.signP256(secret, registry.registrationDigest(r));
        r.proof = abi.encode(sr, ss, y > P256_P / 2 ? P256_P - y : y);
        // the compact key means the point with the smaller y: sign with the secret of that point
        if (y > P256_P / 2) {
            (sr, ss) = vm.signP256(P256_N - secret, registry.registrationDigest(r));
            r.proof = abi.encode(sr, ss, P256_P - y);
        }
    }

    function ed25519() internal view returns (DeviceRegistry.Registration memory) {
        return registration(abi.encodePacked(uint8(1), keccak256("an ed25519 key")));
    }

    function test_p256_device_signs_its_own_registration() public {
        DeviceRegistry.Registration memory r = p256(7);
        bytes32 id = registry.register(r);
        DeviceRegistry.Device memory d = registry.device(id);
        vm.assertEq(id, keccak256(r.publicKey));
        vm.assertEq(d.owner, address(this));
        vm.assertEq(uint256(d.keyProof), 1);
        vm.assertEq(uint256(d.status), 1);
    }

    function test_p256_signature_over_another_cell_is_refused() public {
        DeviceRegistry.Registration memory r = p256(7);
        r.cell = CELL - 0x200;
        vm.expectRevert(
            abi.encodeWithSelector(
                DeviceRegistry.BadDeviceSignature.selector, keccak256(r.publicKey)
            )
        );
        registry.register(r);
    }

    function testFuzz_p256_any_flipped_proof_bit_is_refused(uint256 secret, uint16 bit) public {
        secret = 1 + (secret % (P256_N - 1));
        DeviceRegistry.Registration memory r = p256(secret);
        flip(r.proof, bit % 768);
        (bool ok,) = address(registry).call(abi.encodeCall(registry.register, (r)));
        vm.assertTrue(!ok);
    }

    function test_secp256k1_device_signs_its_own_registration() public {
        // generator point: secret 1
        uint256 x = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;
        uint256 y = 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8;
        DeviceRegistry.Registration memory r =
            registration(abi.encodePacked(uint8(3), uint8(2 + (y & 1)), x));
        (, bytes32 sr, bytes32 ss) = vm.sign(1, registry.registrationDigest(r));
        r.proof = abi.encode(sr, ss, y);
        vm.assertEq(uint256(registry.device(registry.register(r)).keyProof), 1);
        // high s, the malleable twin, is refused for a fresh key of the same point's owner
        r.metadataHash = 0;
        (, sr, ss) = vm.sign(2, registry.registrationDigest(r));
        r.proof = abi.encode(sr, ss, y);
        (bool ok,) = address(registry).call(abi.encodeCall(registry.register, (r)));
        vm.assertTrue(!ok);
    }

    function test_ed25519_is_the_owners_word_and_says_so() public {
        DeviceRegistry.Registration memory r = ed25519();
        vm.assertEq(uint256(registry.device(registry.register(r)).keyProof), 0);
    }

    function test_ed25519_cannot_be_registered_for_somebody_else() public {
        DeviceRegistry.Registration memory r = ed25519();
        r.owner = address(0xbeef);
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.NotOwner.selector, address(this), address(0xbeef))
        );
        registry.register(r);
    }

    function test_a_key_is_registered_once() public {
        DeviceRegistry.Registration memory r = ed25519();
        bytes32 id = registry.register(r);
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.DeviceExists.selector, id, address(this))
        );
        registry.register(r);
    }

    function test_expired_registration_is_refused() public {
        DeviceRegistry.Registration memory r = ed25519();
        vm.warp(r.deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.Expired.selector, r.deadline, r.deadline + 1)
        );
        registry.register(r);
    }

    function test_cell_must_be_of_resolution_12() public {
        DeviceRegistry.Registration memory r = ed25519();
        r.cell = 0x881fb46741fffff;
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.CellResolution.selector, r.cell, 8, 12)
        );
        registry.register(r);
    }

    function test_unknown_key_type_is_refused() public {
        DeviceRegistry.Registration memory r =
            registration(abi.encodePacked(uint8(4), keccak256("rsa")));
        r.proof = new bytes(96);
        vm.expectRevert(abi.encodeWithSelector(DeviceKeys.KeyTypeUnsupported.selector, uint8(4)));
        registry.register(r);
    }

    function test_batch_is_all_or_none() public {
        DeviceRegistry.Registration[] memory batch = new DeviceRegistry.Registration[](2);
        batch[0] = p256(11);
        batch[1] = batch[0];
        (bool ok,) = address(registry).call(abi.encodeCall(registry.registerBatch, (batch)));
        vm.assertTrue(!ok);
        batch[1] = p256(12);
        registry.registerBatch(batch);
        vm.assertEq(uint256(registry.device(keccak256(batch[1].publicKey)).status), 1);
    }

    function test_only_the_owner_retires_and_only_once() public {
        bytes32 id = registry.register(ed25519());
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.NotOwner.selector, address(0xbeef), address(this))
        );
        registry.retire(id);
        registry.retire(id);
        vm.assertEq(uint256(registry.radio(id).status), 2);
        vm.expectRevert(abi.encodeWithSelector(DeviceRegistry.UnknownDevice.selector, id));
        registry.retire(id);
    }

    /// @dev The words that a light client proves are the values that the getter returns.
    function testFuzz_radio_word_is_the_getter(
        bytes32 key,
        int16 gain,
        int16 elevation,
        uint8 region,
        uint64 cellSeed
    ) public {
        DeviceRegistry.Registration memory r = registration(abi.encodePacked(uint8(1), key));
        r.gainDdbi = gain;
        r.elevationM = elevation;
        r.region = region;
        r.cell = (cellSeed & ~(uint64(0xf) << 52)) | (uint64(12) << 52);
        bytes32 id = registry.register(r);
        uint256 word = uint256(vm.load(address(registry), mapped(id, 0, 1)));
        vm.assertEq(bits(word, 0, 64), r.cell);
        // forge-lint: disable-next-line(unsafe-typecast) the low bits are what is compared
        vm.assertEq(bits(word, 64, 16), bits(uint256(int256(gain)), 0, 16));
        // forge-lint: disable-next-line(unsafe-typecast) the low bits are what is compared
        vm.assertEq(bits(word, 80, 16), bits(uint256(int256(elevation)), 0, 16));
        vm.assertEq(bits(word, 96, 8), region);
        vm.assertEq(bits(word, 104, 8), 1);
        vm.assertEq(bits(word, 112, 40), block.timestamp);
        vm.assertEq(word >> 152, 0);
    }

    /// @dev One key, two binary forms: a clone must not get in under the other network's byte.
    function test_a_cloned_key_is_refused_under_the_other_network_too() public {
        DeviceRegistry.Registration memory r = ed25519();
        bytes32 id = registry.register(r);
        r.publicKey[0] = 0x11;
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.DeviceExists.selector, id, address(this))
        );
        registry.register(r);
        r.publicKey[0] = 0x21;
        vm.expectRevert(abi.encodeWithSelector(DeviceKeys.KeyNetwork.selector, uint8(0x21)));
        registry.register(r);
    }

    function test_lengths_of_keys_and_proofs_are_exact() public {
        DeviceRegistry.Registration memory r = registration("");
        vm.expectRevert(abi.encodeWithSelector(DeviceKeys.KeyLength.selector, 0, 33));
        registry.register(r);
        r = registration(abi.encodePacked(uint8(3), keccak256("short")));
        vm.expectRevert(abi.encodeWithSelector(DeviceKeys.KeyLength.selector, 33, 34));
        registry.register(r);
        r = registration(abi.encodePacked(uint8(1), keccak256("k"), uint8(0)));
        vm.expectRevert(abi.encodeWithSelector(DeviceKeys.KeyLength.selector, 34, 33));
        registry.register(r);
        r = p256(7);
        r.proof = new bytes(95);
        vm.expectRevert(abi.encodeWithSelector(DeviceRegistry.ProofLength.selector, 95, 96));
        registry.register(r);
        r = ed25519();
        r.proof = new bytes(63);
        vm.expectRevert(abi.encodeWithSelector(DeviceRegistry.ProofLength.selector, 63, 64));
        registry.register(r);
    }

    function test_an_ed25519_signature_is_kept_for_others_and_labelled() public {
        DeviceRegistry.Registration memory r = ed25519();
        r.proof = abi.encodePacked(keccak256("R"), keccak256("S"));
        vm.expectEmit(address(registry));
        emit DeviceRegistry.OffChainProof(
            keccak256(r.publicKey), registry.registrationDigest(r), r.proof
        );
        vm.assertEq(uint256(registry.device(registry.register(r)).keyProof), 2);
    }

    function test_nobody_owns_a_device_of_owner_zero() public {
        DeviceRegistry.Registration memory r = ed25519();
        r.owner = address(0);
        vm.expectRevert(abi.encodeWithSelector(DeviceRegistry.ZeroOwner.selector));
        registry.register(r);
        bytes32 id = registry.register(ed25519());
        vm.expectRevert(abi.encodeWithSelector(DeviceRegistry.ZeroOwner.selector));
        registry.transferDevice(id, address(0));
    }

    /// @dev Where 0x100 is empty (as before Osaka), OpenZeppelin's Solidity code answers the same.
    /// forge-config: default.evm_version = "cancun"
    function test_p256_without_the_precompile() public {
        DeviceRegistry.Registration memory r = p256(7);
        (bool ok, bytes memory answer) = address(0x100).staticcall(new bytes(160));
        vm.assertTrue(ok && answer.length == 0);
        vm.assertEq(uint256(registry.device(registry.register(r)).keyProof), 1);
        r = p256(8);
        r.cell = CELL - 0x200;
        vm.expectRevert(
            abi.encodeWithSelector(
                DeviceRegistry.BadDeviceSignature.selector, keccak256(r.publicKey)
            )
        );
        registry.register(r);
    }

    /// @dev P-256 signers do not agree on which of the twins they make.
    function test_p256_both_twins_of_a_signature_are_taken() public {
        DeviceRegistry.Registration memory r = p256(7);
        (bytes32 sr, bytes32 ss, bytes32 y) = abi.decode(r.proof, (bytes32, bytes32, bytes32));
        r.proof = abi.encode(sr, P256_N - uint256(ss), y);
        registry.register(r);
    }

    function relocation(uint256 secret) internal view returns (DeviceRegistry.Relocation memory r) {
        DeviceRegistry.Registration memory reg = p256(secret);
        r = DeviceRegistry.Relocation(reg.publicKey, CELL - 0x200, 5, 6, 7, type(uint64).max, "");
        (, uint256 y) = vm.publicKeyP256(secret);
        bool low = y <= P256_P / 2;
        (bytes32 sr, bytes32 ss) =
            vm.signP256(low ? secret : P256_N - secret, registry.relocationDigest(r));
        r.proof = abi.encode(sr, ss, low ? y : P256_P - y);
    }

    function test_a_device_moves_when_it_signs_and_the_cooldown_is_over() public {
        bytes32 id = registry.register(p256(7));
        DeviceRegistry.Relocation memory r = relocation(7);
        uint256 allowed = block.timestamp + registry.relocationCooldown();
        vm.warp(allowed - 1);
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.CoolingDown.selector, allowed - 1, allowed)
        );
        registry.relocate(r);
        vm.warp(allowed);
        registry.relocate(r);
        DeviceRegistry.Device memory d = registry.device(id);
        vm.assertEq(uint256(d.cell), uint256(r.cell));
        vm.assertEq(uint256(d.asserted), allowed);
        vm.assertEq(uint256(d.nonce), 1);
        // the same message again, after another cooldown: its nonce is used
        vm.warp(allowed * 2);
        vm.expectRevert(abi.encodeWithSelector(DeviceRegistry.BadDeviceSignature.selector, id));
        registry.relocate(r);
    }

    function test_a_move_is_refused_late_or_to_a_coarse_cell_or_by_a_stranger() public {
        registry.register(p256(7));
        vm.warp(block.timestamp + 2 days);
        DeviceRegistry.Relocation memory r = relocation(7);
        r.deadline = block.timestamp - 1;
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.Expired.selector, r.deadline, block.timestamp)
        );
        registry.relocate(r);
        r = relocation(7);
        r.cell = 0x881fb46741fffff;
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.CellResolution.selector, r.cell, 8, 12)
        );
        registry.relocate(r);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.NotOwner.selector, address(0xbeef), address(this))
        );
        registry.relocate(r);
    }

    function test_an_ed25519_device_moves_by_its_owners_word() public {
        bytes32 id = registry.register(ed25519());
        vm.warp(block.timestamp + 2 days);
        registry.relocate(
            DeviceRegistry.Relocation(
                ed25519().publicKey, CELL - 0x200, 0, 0, 0, type(uint64).max, ""
            )
        );
        vm.assertEq(uint256(registry.radio(id).cell), CELL - 0x200);
    }

    function test_owner_maintainer_and_metadata_change_by_the_owner_only() public {
        bytes32 id = registry.register(ed25519());
        registry.setMaintainer(id, address(0xfee));
        registry.setMetadata(id, keccak256("other"));
        vm.assertEq(registry.device(id).maintainer, address(0xfee));
        vm.assertEq(registry.device(id).metadataHash, keccak256("other"));
        registry.transferDevice(id, address(0xbeef));
        vm.assertEq(registry.device(id).owner, address(0xbeef));
        vm.assertEq(registry.device(id).maintainer, address(0));
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.NotOwner.selector, address(this), address(0xbeef))
        );
        registry.setMaintainer(id, address(1));
    }

    function test_bond_goes_in_exactly_and_comes_back_after_unbonding() public {
        registry.setTerms(2e9, 0);
        DeviceRegistry.Registration memory r = ed25519();
        vm.expectRevert(abi.encodeWithSelector(DeviceRegistry.BondMismatch.selector, 0, 2 ether));
        registry.register(r);
        bytes32 id = registry.register{value: 2 ether}(r);
        vm.expectRevert(abi.encodeWithSelector(DeviceRegistry.UnknownDevice.selector, id));
        registry.releaseBond(id);
        registry.retire(id);
        uint256 free = block.timestamp + registry.UNBONDING();
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.StillBonded.selector, block.timestamp, free)
        );
        registry.releaseBond(id);
        registry.slash(id, 5e8);
        vm.warp(free);
        registry.releaseBond(id);
        vm.assertEq(registry.withdrawableOf(address(this)), 1.5 ether);
        vm.assertEq(registry.withdrawableOf(registry.BURN()), 0.5 ether);
        uint256 before = address(this).balance;
        registry.withdraw();
        vm.assertEq(address(this).balance, before + 1.5 ether);
        registry.withdrawFor(registry.BURN());
        vm.assertEq(address(registry).balance, 0);
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.BondTooSmall.selector, uint40(0), uint40(1))
        );
        registry.slash(id, 1);
    }

    function test_batch_takes_the_bonds_of_all() public {
        registry.setTerms(1e9, 0);
        DeviceRegistry.Registration[] memory batch = new DeviceRegistry.Registration[](2);
        (batch[0], batch[1]) = (p256(11), p256(12));
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.BondMismatch.selector, 1 ether, 2 ether)
        );
        registry.registerBatch{value: 1 ether}(batch);
        registry.registerBatch{value: 2 ether}(batch);
        vm.assertEq(uint256(registry.device(keccak256(batch[1].publicKey)).bondGwei), 1e9);
    }

    function test_terms_have_bounds_and_an_owner() public {
        vm.expectRevert(abi.encodeWithSelector(DeviceRegistry.OutOfBounds.selector, 10e9 + 1, 10e9));
        registry.setTerms(10e9 + 1, 0);
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.OutOfBounds.selector, 90 days + 1, 90 days)
        );
        registry.setTerms(0, 90 days + 1);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        registry.setTerms(0, 0);
    }

    function test_bond_cannot_be_pushed_into_a_receiver_that_refuses() public {
        registry.setTerms(1e9, 0);
        DeviceRegistry.Registration memory r = p256(7);
        r.owner = address(registry);
        (bytes32 sr, bytes32 ss) = vm.signP256(7, registry.registrationDigest(r));
        (, uint256 y) = vm.publicKeyP256(7);
        if (y > P256_P / 2) {
            (sr, ss) = vm.signP256(P256_N - 7, registry.registrationDigest(r));
            y = P256_P - y;
        }
        r.proof = abi.encode(sr, ss, y);
        bytes32 id = registry.register{value: 1 ether}(r);
        vm.prank(address(registry));
        registry.retire(id);
        vm.warp(block.timestamp + registry.UNBONDING());
        registry.releaseBond(id);
        vm.expectRevert();
        registry.withdrawFor(address(registry));
        vm.assertEq(registry.withdrawableOf(address(registry)), 1 ether);
    }

    /// @dev The other words of a device, bit for bit.
    function testFuzz_the_other_words_are_the_getter(bytes32 key, address owner, bytes32 meta)
        public
    {
        vm.assume(owner != address(0));
        registry.setTerms(3, 0);
        vm.deal(owner, 1 ether);
        DeviceRegistry.Registration memory r = registration(abi.encodePacked(uint8(1), key));
        (r.owner, r.metadataHash) = (owner, meta);
        vm.prank(owner);
        bytes32 id = registry.register{value: 3 gwei}(r);
        vm.prank(owner);
        registry.setMaintainer(id, address(uint160(uint256(key))));
        uint256 word = uint256(vm.load(address(registry), mapped(id, 0, 0)));
        vm.assertEq(bits(word, 0, 160), uint160(owner));
        vm.assertEq(bits(word, 160, 40), block.timestamp);
        vm.assertEq(bits(word, 200, 8), 1);
        vm.assertEq(bits(word, 208, 8), 0);
        vm.assertEq(bits(word, 216, 40), 3);
        vm.assertEq(vm.load(address(registry), mapped(id, 0, 2)), meta);
        word = uint256(vm.load(address(registry), mapped(id, 0, 3)));
        vm.assertEq(bits(word, 0, 160), bits(uint256(key), 0, 160));
        vm.assertEq(word >> 160, 0);
    }
}
