// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {CheckRegistry} from "../src/CheckRegistry.sol";
import {DisputeGame} from "../src/DisputeGame.sol";
import {GatewayQuorum} from "../src/GatewayQuorum.sol";
import {Claim} from "../src/IVerifier.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {StorageVerifier} from "../src/verifiers/StorageVerifier.sol";
import {Vectors} from "./Vectors.sol";

/// @notice A settled lane of the vectors, a game with the storage verifier, and three gateways.
abstract contract Game is Vectors {
    bytes32 internal constant CHECK = keccak256("storage-commp");
    bytes32 internal constant MODULE = keccak256("module");
    uint256 internal constant BOND = 1 ether;
    uint256 internal constant STAKE = 0.1 ether;
    uint64 internal constant WINDOW = 7200;
    uint8 internal constant STORAGE = 1;
    address internal constant PROPOSER = address(0x9999999999999999999999999999999999999999);
    AccessManager internal manager;
    CheckRegistry internal checks;
    SettlementLedger internal ledger;
    GatewayQuorum internal quorum;
    DisputeGame internal game;
    uint256 internal epoch = 3;

    function deploy() internal {
        load();
        vm.warp(100 days);
        vm.roll(1000);
        manager = new AccessManager(address(this));
        checks = new CheckRegistry(address(manager), 3600);
        checks.pin(CHECK, MODULE, keccak256("params"), 1, 0);
        ledger = new SettlementLedger(address(manager), checks, BOND, WINDOW);
        quorum = new GatewayQuorum(address(manager), 5 ether, 2);
        game = new DisputeGame(address(manager), ledger, quorum, STAKE);
        ledger.setDisputeGame(address(game));
        game.announce(STORAGE, new StorageVerifier());
        vm.deal(address(this), 1000 ether);
        vm.deal(PROPOSER, 1000 ether);
    }

    receive() external payable {}

    function claim() internal view returns (Claim memory c) {
        (c.checkId, c.lane, c.epoch) = (CHECK, 15, epoch);
        c.roots.evidence = root("evidence");
        c.roots.verdict = root("verdict");
        c.roots.reward = root("reward");
        c.roots.moduleHash = MODULE;
        c.roots.anchorHash = blockhash(999);
    }

    function propose() internal {
        Claim memory c = claim();
        vm.prank(PROPOSER);
        ledger.propose{value: BOND}(CHECK, 15, epoch, 999, c.roots);
    }

    function key() internal view returns (bytes32) {
        return ledger.settlementKey(CHECK, 15, epoch);
    }

    function commitment() internal view returns (bytes32) {
        return keccak256(abi.encode(claim().roots));
    }

    function storageProof(uint256 n) internal view returns (bytes memory) {
        return abi.encode(
            StorageVerifier.Proof(
                n, LEAVES, get("bundle", n), get("output", n), path("verdict", n), 0
            )
        );
    }

    function hashOf(address who, uint8 kind, bytes memory proof) internal view returns (bytes32) {
        return game.sealHash(who, key(), commitment(), kind, keccak256(proof), "salt");
    }

    /// @dev Seals a challenge, and goes on by a block.
    function seal(uint8 kind, bytes memory proof) internal returns (bytes32 hash) {
        hash = hashOf(address(this), kind, proof);
        game.seal{value: STAKE}(hash);
        vm.roll(block.number + 1);
    }

    function status() internal view returns (uint256) {
        return ledger.settlementAt(key()).status;
    }
}
