// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {CheckRegistry} from "../src/CheckRegistry.sol";
import {DeviceRegistry} from "../src/DeviceRegistry.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {MerkleTree} from "../src/lib/MerkleTree.sol";
import {Reports} from "../src/lib/Reports.sol";
import {ServiceProofs} from "../src/lib/ServiceProofs.sol";
import {Trees, sha2} from "./Trees.sol";
import {Vectors} from "./Vectors.sol";

/// @notice Settles heartbeats of the device whose report stands in the vectors.
abstract contract Service is Vectors {
    bytes32 internal constant CHECK = keccak256("coverage-radio");
    bytes32 internal constant MODULE = keccak256("module");
    uint64 internal constant CELL = 0x8c1fb46741ae9ff;
    uint256 internal constant P256_N =
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;
    address internal manager;
    SettlementLedger internal ledger;
    DeviceRegistry internal devices;
    bytes32 internal device;
    uint64 internal epoch = 100;

    function deploy() internal {
        load();
        vm.warp(1_790_000_000);
        vm.roll(1000);
        manager = address(new AccessManager(address(this)));
        CheckRegistry checks = new CheckRegistry(manager, 3600);
        checks.pin(CHECK, MODULE, keccak256("params"), 1, 0);
        ledger = new SettlementLedger(manager, checks, 1 ether, 600);
        devices = new DeviceRegistry(manager);
        vm.deal(address(this), 1_000_000 ether);
        device = register();
    }

    receive() external payable {}

    /// @dev The device signs with the secret that `vectors.rs` gave it: one byte, 32 times.
    function register() internal returns (bytes32) {
        DeviceRegistry.Registration memory r;
        r.publicKey = Reports.read(Reports.at_(get("bundle", 0), 0).report).publicKey;
        (r.owner, r.cell, r.deadline) = (address(this), CELL, type(uint64).max);
        for (uint256 seed = 1; seed < 256; ++seed) {
            uint256 secret = seed * (type(uint256).max / 255);
            (uint256 x, uint256 y) = vm.publicKeyP256(secret);
            if (keccak256(abi.encodePacked(uint8(0), x)) != keccak256(r.publicKey)) continue;
            (bytes32 sr, bytes32 ss) = vm.signP256(secret, devices.registrationDigest(r));
            r.proof = abi.encode(sr, ss, y);
            return devices.register(r);
        }
        revert("no secret");
    }

    /// @dev A beacon received at a time and judged a pass in a cell, in an epoch that is final.
    function settle(uint64 epoch_, uint64 receivedAt, uint64 cell)
        internal
        returns (ServiceProofs.Heartbeat memory h)
    {
        return settle(epoch_, receivedAt, cell, 0);
    }

    function settle(uint64 epoch_, uint64 receivedAt, uint64 cell, uint8 verdict_)
        internal
        returns (ServiceProofs.Heartbeat memory h)
    {
        (h.lane, h.epoch, h.count) = (15, epoch_, 1);
        h.bundle = get("bundle", 0);
        // the head of the beacon's receive time, then its eight bytes
        vm.assertEq(uint256(uint8(h.bundle[49])), 0x1b);
        write(h.bundle, 50, uint64(receivedAt * 1000));
        h.output = get("output", 0);
        h.output[4] = bytes1(verdict_);
        write(h.output, h.output.length - 8, cell);
        bytes32 leaf = MerkleTree.leafHash(bytes.concat(sha256(h.bundle), h.output));
        h.roots.verdict = Trees.bind(leaf, 1, sha2);
        h.roots.moduleHash = MODULE;
        h.roots.anchorHash = blockhash(999);
        ledger.propose{value: 1 ether}(CHECK, 15, epoch_, 999, h.roots);
        vm.warp(block.timestamp + 601);
        ledger.finalize(CHECK, 15, epoch_, 1, h.roots);
    }

    /// @dev The next epoch's heartbeat, received just now.
    function beat() internal returns (ServiceProofs.Heartbeat memory) {
        return settle(++epoch, uint64(block.timestamp), CELL);
    }

    function write(bytes memory data, uint256 place, uint64 value) internal pure {
        for (uint256 i = 0; i < 8; ++i) {
            data[place + i] = bytes8(value)[i];
        }
    }
}
