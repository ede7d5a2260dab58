// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DeviceRegistry} from "../DeviceRegistry.sol";
import {SettlementLedger} from "../SettlementLedger.sol";
import {SettlementLedgerStorage} from "../SettlementLedgerStorage.sol";
import {DeviceKeys} from "./DeviceKeys.sol";
import {Reports} from "./Reports.sol";
import {Verdicts} from "./Verdicts.sol";

/// @title ServiceProofs
/// @notice Proof that a device did its service in an epoch: a beacon that it signed, in a bundle that
/// was judged a pass, in a settlement that is final. Nobody's word is in it, the owner's least of all.
/// @dev The time is the receiver's (`received_ms`): that of the gateway which settled, not the
/// device's. What cannot be read reverts.
abstract contract ServiceProofs {
    /// @notice What is shown.
    struct Heartbeat {
        uint256 lane;
        uint64 epoch;
        SettlementLedgerStorage.Roots roots;
        /// Place of the leaf, and how many there are.
        uint256 index;
        uint256 count;
        /// The evidence bundle, kind 1.
        bytes bundle;
        /// The check's output.
        bytes output;
        /// Siblings in the verdict tree.
        bytes32[] path;
    }

    /// @notice What it proves.
    struct Service {
        bytes32 deviceId;
        uint64 epoch;
        /// Unix seconds.
        uint64 receivedAt;
        /// H3 cell of resolution 12 at which it was judged.
        uint64 cell;
    }

    uint8 private constant FINAL = 2;

    /// @notice The check whose passes are service.
    bytes32 public immutable CHECK_ID;
    /// @notice Where settlements are final.
    SettlementLedger public immutable LEDGER;
    /// @notice Who owns the devices.
    DeviceRegistry public immutable DEVICES;

    error NotSettled(bytes32 got, bytes32 expected, uint8 status);
    error NotAPass(uint8 verdict);

    constructor(bytes32 checkId, SettlementLedger ledger, DeviceRegistry devices) {
        CHECK_ID = checkId;
        LEDGER = ledger;
        DEVICES = devices;
    }

    function _prove(Heartbeat calldata h) internal view returns (Service memory) {
        SettlementLedgerStorage.Settlement memory s = LEDGER.settlement(CHECK_ID, h.lane, h.epoch);
        bytes32 commitment = keccak256(abi.encode(h.roots));
        require(
            s.status == FINAL && s.commitment == commitment,
            NotSettled(commitment, s.commitment, s.status)
        );
        Verdicts.check(
            Verdicts.Leaf(h.index, h.count, sha256(h.bundle), h.output, h.path), h.roots.verdict
        );
        Verdicts.Output memory output = Verdicts.read(h.output);
        require(output.verdict == Verdicts.PASS, NotAPass(output.verdict));
        Reports.Received memory beacon = Reports.at_(h.bundle, 0);
        bytes32 deviceId = DeviceKeys.idOf(Reports.read(beacon.report).publicKey);
        // forge-lint: disable-next-line(unsafe-typecast) a CBOR number has 64 bits
        return Service(deviceId, h.epoch, uint64(beacon.receivedMs / 1000), output.cell);
    }
}
