// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SettlementLedger} from "../src/SettlementLedger.sol";
import {SettlementLedgerStorage} from "../src/SettlementLedgerStorage.sol";
import {MerkleTree} from "../src/lib/MerkleTree.sol";
import {RewardLeaf} from "../src/lib/RewardLeaf.sol";
import {CheckRegistry} from "../src/CheckRegistry.sol";
import {DeviceRegistry} from "../src/DeviceRegistry.sol";
import {Rewards} from "./RewardDistributor.t.sol";
import {Trees} from "./Trees.sol";

/// @notice What whole transactions cost, calldata and the first 21,000 included.
/// forge-config: default.isolate = true
contract GasTest is Rewards {
    function setUp() public {
        deploy();
        reserve.release(100 ether);
    }

    function full() internal view returns (SettlementLedger.Roots memory r) {
        r = SettlementLedgerStorage.Roots(
            keccak256("evidence"),
            keccak256("verdict"),
            keccak256("coverage"),
            keccak256("reward"),
            MODULE,
            blockhash(999)
        );
    }

    function test_gas_propose_and_finalize() public {
        ledger.propose{value: 1 ether}(CHECK, LANE, 20_000, 999, full());
        vm.snapshotGasLastCall("whole transaction", "propose");
        vm.warp(block.timestamp + 601);
        ledger.finalize(CHECK, LANE, 20_000, 1, full());
        vm.snapshotGasLastCall("whole transaction", "finalize");
    }

    function test_gas_claim() public {
        RewardLeaf.Leaf memory leaf = RewardLeaf.Leaf(address(0xacc0), 0, 1_000_000, 1 ether);
        for (uint64 epoch = 0; epoch < 2; ++epoch) {
            leaf.cumulative += 1 ether;
            bytes32 hashed = MerkleTree.leafHash(RewardLeaf.encode(leaf));
            (bytes32[] memory path, bytes32 root) = Trees.perfectPath(hashed, 12345, 20, epoch);
            SettlementLedger.Roots memory r = full();
            r.reward = root;
            ledger.propose{value: 1 ether}(CHECK, LANE, epoch, 999, r);
            vm.warp(block.timestamp + 601);
            ledger.finalize(CHECK, LANE, epoch, 1, r);
            distributor.accept(CHECK, LANE, epoch, r);
            distributor.claim(stream, leaf, 12345, 1 << 20, path);
            vm.snapshotGasLastCall("whole transaction", epoch == 0 ? "claim, first" : "claim");
        }
    }

    function test_gas_pin() public {
        CheckRegistry checks = ledger.CHECKS();
        checks.pin(keccak256("new"), MODULE, keccak256("params"), 1, uint64(block.timestamp));
        vm.snapshotGasLastCall("whole transaction", "pin, first version");
        checks.pin(keccak256("new"), MODULE, keccak256("params"), 1, uint64(block.timestamp) + 3600);
        vm.snapshotGasLastCall("whole transaction", "pin");
    }

    function test_gas_register_p256() public {
        DeviceRegistry devices = new DeviceRegistry(ledger.authority());
        DeviceRegistry.Registration memory r;
        uint256 secret = 7;
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        vm.assertTrue(y < 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff >> 1);
        r.publicKey = abi.encodePacked(uint8(0), x);
        r.owner = address(uint160(uint256(keccak256("owner"))));
        r.cell = 0x8c1fb46741ae9ff;
        r.gainDdbi = 12;
        r.elevationM = 37;
        r.region = 1;
        r.metadataHash = keccak256("metadata");
        r.deadline = block.timestamp + 60;
        (bytes32 sr, bytes32 ss) = vm.signP256(secret, devices.registrationDigest(r));
        r.proof = abi.encode(sr, ss, y);
        devices.register(r);
        vm.snapshotGasLastCall("whole transaction", "register, P-256");
    }
}
