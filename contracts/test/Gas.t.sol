// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SettlementLedger} from "../src/SettlementLedger.sol";
import {SettlementLedgerStorage} from "../src/SettlementLedgerStorage.sol";
import {MerkleTree} from "../src/lib/MerkleTree.sol";
import {RewardLeaf} from "../src/lib/RewardLeaf.sol";
import {CheckRegistry} from "../src/CheckRegistry.sol";
import {DeviceRegistry} from "../src/DeviceRegistry.sol";
import {Claim} from "../src/IVerifier.sol";
import {Sha254} from "../src/lib/Sha254.sol";
import {StorageVerifier} from "../src/verifiers/StorageVerifier.sol";
import {Base} from "./Base.sol";
import {Game} from "./Game.sol";
import {Rewards} from "./RewardDistributor.t.sol";
import {Trees, keccak, sha2} from "./Trees.sol";

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
        vm.snapshotGasLastCall("transactions", "propose");
        vm.warp(block.timestamp + 601);
        ledger.finalize(CHECK, LANE, 20_000, 1, full());
        vm.snapshotGasLastCall("transactions", "finalize");
    }

    function test_gas_claim() public {
        RewardLeaf.Leaf memory leaf =
            RewardLeaf.Leaf(address(uint160(uint256(keccak256("account")))), 0, 1_000_000, 1 ether);
        for (uint64 epoch = 0; epoch < 2; ++epoch) {
            (leaf.previous, leaf.cumulative) = (leaf.cumulative, leaf.cumulative + 1 ether);
            bytes32 hashed = RewardLeaf.hash(leaf);
            (bytes32[] memory path, bytes32 root) =
                Trees.perfectPath(hashed, 12345, 20, epoch, keccak);
            SettlementLedger.Roots memory r = full();
            r.reward = root;
            ledger.propose{value: 1 ether}(CHECK, LANE, epoch, 999, r);
            vm.warp(block.timestamp + 601);
            ledger.finalize(CHECK, LANE, epoch, 1, r);
            distributor.accept(CHECK, LANE, epoch, r);
            distributor.claim(stream, Trees.pack(leaf, 12_345, 1 << 20, path));
            vm.snapshotGasLastCall("transactions", epoch == 0 ? "claim, first" : "claim");
        }
    }

    function test_gas_pin() public {
        CheckRegistry checks = ledger.CHECKS();
        checks.pin(keccak256("new"), MODULE, keccak256("params"), 1, uint64(block.timestamp));
        vm.snapshotGasLastCall("transactions", "pin, first version");
        checks.pin(keccak256("new"), MODULE, keccak256("params"), 1, uint64(block.timestamp) + 3600);
        vm.snapshotGasLastCall("transactions", "pin");
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
        vm.snapshotGasLastCall("transactions", "register, P-256");
    }
}

/// @notice Five openings of one piece, as a possession proof has them, packed: leaf (32 bytes) ‖ index (4)
/// ‖ siblings (32 each), five times.
contract FiveOpenings {
    function check(bytes32 root, uint256 height, bytes calldata openings)
        external
        view
        returns (bool good)
    {
        good = openings.length == 5 * (36 + 32 * height);
        uint256 at;
        assembly ("memory-safe") {
            at := mload(0x40)
            calldatacopy(at, openings.offset, openings.length)
        }
        for (uint256 left = 5; left != 0;) {
            bytes32 leaf;
            uint256 index;
            uint256 first;
            assembly ("memory-safe") {
                leaf := mload(at)
                index := shr(224, mload(add(at, 32)))
                first := add(at, 36)
                at := add(first, shl(5, height))
                left := sub(left, 1)
            }
            if (Sha254.foldAt(leaf, index, first, height, 32) != root) return false;
        }
    }
}

/// @notice What a dispute costs, on the lane of the vectors and on a deep one.
/// forge-config: default.isolate = true
contract DisputeGasTest is Game {
    function setUp() public {
        deploy();
    }

    /// @dev The planted fraud, a sample of a piece of height 30, in a lane of 1,024 leaves.
    function test_gas_challenge_storage() public {
        bytes memory bundle = get("bundle", 3);
        bytes memory output = get("output", 3);
        (bytes32[] memory path_, bytes32 root_) = Trees.perfectPath(
            MerkleTree.leafHash(bytes.concat(sha256(bundle), output)), 700, 10, 1, sha2
        );
        // somebody was refuted before: the burn account has a word
        propose();
        bytes memory first = storageProof(3);
        seal(STORAGE, first);
        game.challenge(claim(), STORAGE, first, "salt");

        Claim memory c = claim();
        (c.epoch, c.roots.verdict) = (4, root_);
        (c.roots.coverage, c.roots.reward) = (keccak256("coverage"), keccak256("reward"));
        vm.prank(PROPOSER);
        ledger.propose{value: BOND}(CHECK, 15, 4, 999, c.roots);
        bytes memory proof = abi.encode(StorageVerifier.Proof(700, 1024, bundle, output, path_, 0));
        bytes32 salt = keccak256("salt");
        address challenger = vm.addr(77);
        vm.deal(challenger, 10 ether);
        bytes32 hash = game.sealHash(
            challenger,
            ledger.settlementKey(CHECK, 15, 4),
            keccak256(abi.encode(c.roots)),
            STORAGE,
            keccak256(proof),
            salt
        );
        vm.prank(challenger);
        game.seal{value: STAKE}(hash);
        vm.snapshotGasLastCall("transactions", "seal a challenge");
        vm.roll(block.number + 1);
        vm.prank(challenger);
        game.challenge(c, STORAGE, proof, salt);
        vm.snapshotGasLastCall("transactions", "challenge a storage leaf");
    }
}

/// @notice Five openings under both rules for calldata: whatever the code does, the bytes alone cost more
/// than 150,000 where EIP-7623 sets a floor.
abstract contract Openings is Base {
    function measure(string memory rules) internal {
        FiveOpenings five = new FiveOpenings();
        bytes32 leaf = keccak256("leaf") & ~bytes32(uint256(0xc0));
        // one path shown five times: what is measured is bytes and hashes
        (bytes32[] memory path_, bytes32 root_) = Trees.sha254Path(leaf, 123_456_789, 30, 1);
        bytes memory one = abi.encodePacked(leaf, uint32(123_456_789), path_);
        bytes memory openings = bytes.concat(one, one, one, one, one);
        // a call, not a static one: only calls are transactions of their own
        (bool ok, bytes memory out) =
            address(five).call(abi.encodeCall(five.check, (root_, 30, openings)));
        vm.assertTrue(ok && abi.decode(out, (bool)));
        vm.snapshotGasLastCall(rules, "five openings at height 30");
    }
}

/// forge-config: default.isolate = true
contract FiveOpeningsGasTest is Openings {
    function test_gas_five_openings() public {
        measure("transactions");
    }

    function test_gas_hashing() public {
        bytes32 leaf = keccak256("leaf") & ~bytes32(uint256(0xc0));
        (bytes32[] memory path_,) = Trees.sha254Path(leaf, 123_456_789, 30, 1);
        uint256 before = gasleft();
        for (uint256 i = 0; i < 5; ++i) {
            Sha254.fold(leaf, 123_456_789, path_);
        }
        vm.snapshotValue("hashing", "five openings at height 30", before - gasleft());
    }
}

/// @notice The same before Prague, whose rules FEVM and other chains without the floor have.
/// forge-config: default.isolate = true
/// forge-config: default.evm_version = "cancun"
contract FiveOpeningsCancunGasTest is Openings {
    function test_gas_five_openings_without_the_floor() public {
        measure("transactions-cancun");
    }
}
