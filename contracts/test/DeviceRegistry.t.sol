// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {DeviceRegistry} from "../src/DeviceRegistry.sol";

contract DeviceRegistryTest is Base {
    uint256 internal constant P256_P =
        0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff;
    uint256 internal constant P256_N =
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;
    uint64 internal constant CELL = 0x8c1fb46741ae9ff;
    DeviceRegistry internal registry = new DeviceRegistry();

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
        vm.expectRevert(
            abi.encodeWithSelector(DeviceRegistry.KeyTypeUnsupported.selector, uint8(4))
        );
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
}
