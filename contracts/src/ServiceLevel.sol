// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {DeviceRegistry} from "./DeviceRegistry.sol";
import {DeviceRegistryStorage} from "./DeviceRegistryStorage.sol";
import {FirmwareOutages} from "./FirmwareOutages.sol";
import {SettlementLedger} from "./SettlementLedger.sol";
import {PullPayments} from "./lib/PullPayments.sol";
import {ServiceProofs} from "./lib/ServiceProofs.sol";

/// @title Storage of the service level
/// @notice Inherited first, so that the proven mapping stands at slot 0.
abstract contract ServiceLevelStorage {
    /// @notice What an owner promised of a device, and how it stands.
    struct Promise {
        /// Unix time of the last settled heartbeat, seconds.
        uint64 lastSeen;
        /// Longest silence that was promised, seconds.
        uint32 window;
        /// What repairs are paid from, gwei.
        uint64 depositGwei;
        /// 0 nothing, 1 kept, 2 broken: a repair is wanted.
        uint8 status;
        /// Reports since the repair, each of another epoch.
        uint8 reports;
        /// Epoch of the last one.
        uint64 lastEpoch;
        // ---- second word ----
        /// Who repairs; zero: nobody yet.
        address technician;
        /// Unix time at which the silence was declared, seconds.
        uint64 brokenAt;
        // ---- third word ----
        /// Unix time at which the technician took the repair, seconds.
        uint64 takenAt;
        /// What the repair is worth, gwei.
        uint64 bountyGwei;
        // ---- fourth word ----
        /// Firmware release that the device runs.
        bytes32 release;
    }

    mapping(bytes32 deviceId => Promise) internal promises;
}

/// @title ServiceLevel
/// @notice A device's promised liveness, judged from settled heartbeats. A broken promise opens a
/// repair bounty; a technician is paid when the same key reports again, often enough, from its place;
/// an outage of a whole firmware release excuses the owners.
/// @dev
/// ```text
///  kept ── silence ──> broken ── excuse (outage proven) ──> kept
///                        │ take                              ^
///                        └──> N settled reports: paid ───────┘
/// ```
contract ServiceLevel is ServiceLevelStorage, PullPayments, FirmwareOutages, ServiceProofs {
    uint8 internal constant KEPT = 1;
    uint8 internal constant BROKEN = 2;
    /// @notice Shortest silence that may be promised: an epoch of hours would make every promise a lie.
    uint32 public constant MIN_WINDOW = 1 hours;
    /// @notice Longest silence that may be promised.
    uint32 public constant MAX_WINDOW = 30 days;
    /// @notice Seconds that settling may take: a heartbeat is known only when its epoch is final.
    uint64 public constant SETTLING = 2 days;
    /// @notice Seconds before a repair can be taken, for an outage to show: nobody drives out to a
    /// device that an update will bring back.
    uint64 public constant HOLD_OFF = 6 hours;
    /// @notice Seconds in which only the device's maintainer, if it has one, may take the repair.
    uint64 public constant MAINTAINER_FIRST = 1 days;
    /// @notice Seconds that a technician has; then another may take it.
    uint64 public constant REPAIR_TIME = 14 days;
    /// @notice Most reports that governance may ask of a repair.
    uint8 public constant MAX_REPORTS = 100;
    /// @notice Most that governance may set as a bounty: 10 ether, so that no owner is priced out.
    uint64 public constant MAX_BOUNTY_GWEI = 10e9;

    /// @notice Gwei that a repair is worth.
    uint64 public bountyGwei;
    /// @notice Verified reports that show a repair: twelve, as user story 5 of the product asks.
    uint8 public reportsNeeded = 12;

    /// @notice An owner promised.
    event Promised(bytes32 indexed deviceId, uint32 window, uint64 depositGwei, bytes32 release);
    /// @notice A promise ended.
    event PromiseEnded(bytes32 indexed deviceId);
    /// @notice A settled heartbeat was shown.
    event Heard(bytes32 indexed deviceId, uint64 indexed epoch, uint64 receivedAt);
    /// @notice A device was silent for longer than promised.
    event Broken(bytes32 indexed deviceId, bytes32 indexed release, uint64 lastSeen);
    /// @notice A technician will repair a device.
    event RepairTaken(bytes32 indexed deviceId, address indexed technician);
    /// @notice A device is back; whoever repaired it was paid.
    event Repaired(bytes32 indexed deviceId, address indexed technician, uint64 bountyGwei);
    /// @notice An owner is not to blame.
    event Excused(bytes32 indexed deviceId, bytes32 indexed release);
    /// @notice Governance set the terms of repairs.
    event TermsSet(uint64 bountyGwei, uint8 reportsNeeded);

    error NotOwner(address got, address expected);
    error NotActive(bytes32 deviceId, uint8 got);
    error WrongStatus(bytes32 deviceId, uint8 got, uint8 expected);
    error WindowOutOfBounds(uint32 got, uint32 least, uint32 most);
    error DepositTooSmall(uint256 got, uint256 expected);
    error NotSilent(uint256 nowSeconds, uint256 expected);
    error FromTheFuture(uint256 got, uint256 nowSeconds);
    error TooEarly(uint256 nowSeconds, uint256 expected);
    error NotTheMaintainer(address got, address expected);
    error RepairRunning(address technician, uint256 until);
    error WrongPlace(uint64 got, uint64 expected);
    error NotNewer(uint64 got, uint64 expected);
    error NoOutage(bytes32 release, uint64 brokenAt);
    error OutOfBounds(uint256 got, uint256 limit);

    /// @notice Deploys the service level for the passes of one check.
    /// @param authority The AccessManager that says who sets the terms.
    constructor(
        address authority,
        bytes32 checkId,
        SettlementLedger ledger,
        DeviceRegistry devices,
        uint64 bountyGwei_
    ) AccessManaged(authority) ServiceProofs(checkId, ledger, devices) {
        bountyGwei = bountyGwei_;
    }

    /// @notice Promises that a device is never silent for longer than a window. The value is what
    /// repairs are paid from, whole gwei, at least one bounty.
    /// @param release Firmware release that the device runs, any hash that its maker publishes.
    function pledge(bytes32 deviceId, uint32 window, bytes32 release) external payable {
        _owned(deviceId);
        Promise storage p = promises[deviceId];
        require(p.status == 0, WrongStatus(deviceId, p.status, 0));
        require(
            window >= MIN_WINDOW && window <= MAX_WINDOW,
            WindowOutOfBounds(window, MIN_WINDOW, MAX_WINDOW)
        );
        require(
            msg.value % 1 gwei == 0 && msg.value >= uint256(bountyGwei) * 1 gwei,
            DepositTooSmall(msg.value, uint256(bountyGwei) * 1 gwei)
        );
        // forge-lint: disable-next-line(unsafe-typecast) 2^64 gwei are more ether than there is
        uint64 depositGwei = uint64(msg.value / 1 gwei);
        (p.lastSeen, p.window, p.depositGwei) = (uint64(block.timestamp), window, depositGwei);
        (p.status, p.release) = (KEPT, release);
        _enrol(deviceId, release);
        emit Promised(deviceId, window, depositGwei, release);
    }

    /// @notice Adds to what repairs are paid from, whole gwei.
    function topUp(bytes32 deviceId) external payable {
        Promise storage p = promises[deviceId];
        require(p.status != 0, WrongStatus(deviceId, 0, KEPT));
        require(msg.value % 1 gwei == 0, DepositTooSmall(msg.value, 1 gwei));
        // forge-lint: disable-next-line(unsafe-typecast) 2^64 gwei are more ether than there is
        p.depositGwei += uint64(msg.value / 1 gwei);
    }

    /// @notice Says that the device runs another release. Not while it is broken: nobody joins an
    /// outage afterwards.
    function setRelease(bytes32 deviceId, bytes32 release) external {
        _owned(deviceId);
        Promise storage p = _with(deviceId, KEPT);
        _leave(p.release);
        p.release = release;
        _enrol(deviceId, release);
    }

    /// @notice Ends a promise that is kept, and frees the deposit. Too late once the device is silent.
    function end(bytes32 deviceId) external {
        address owner = DEVICES.device(deviceId).owner;
        require(owner == msg.sender, NotOwner(msg.sender, owner));
        Promise storage p = _with(deviceId, KEPT);
        uint256 until = uint256(p.lastSeen) + p.window;
        require(block.timestamp <= until, NotSilent(block.timestamp, until));
        _leave(p.release);
        uint256 deposit = uint256(p.depositGwei) * 1 gwei;
        delete promises[deviceId];
        withdrawable[owner] += deposit;
        emit PromiseEnded(deviceId);
    }

    /// @notice Shows that a device was heard. Anyone may call it; each epoch counts once.
    function heard(Heartbeat calldata heartbeat) external {
        Service memory s = _prove(heartbeat);
        Promise storage p = promises[s.deviceId];
        require(p.status != 0, WrongStatus(s.deviceId, 0, KEPT));
        require(s.receivedAt > p.lastSeen, NotNewer(s.receivedAt, p.lastSeen));
        // the receiver's clock cannot promise the future
        require(s.receivedAt <= block.timestamp, FromTheFuture(s.receivedAt, block.timestamp));
        p.lastSeen = s.receivedAt;
        emit Heard(s.deviceId, s.epoch, s.receivedAt);
        if (s.epoch <= p.lastEpoch) return;
        p.lastEpoch = s.epoch;
        if (p.status != BROKEN) return;
        // a report from before the repair says nothing about it
        uint64 since = p.takenAt == 0 ? p.brokenAt : p.takenAt;
        if (s.receivedAt <= since) return;
        // SECURITY: the same key elsewhere is a clone, or the device was carried off
        uint64 cell = DEVICES.radio(s.deviceId).cell;
        require(s.cell == cell, WrongPlace(s.cell, cell));
        if (++p.reports >= reportsNeeded) _repaired(s.deviceId, p);
    }

    /// @notice Declares that a device was silent for longer than promised. Anyone may call it.
    function declareSilent(bytes32 deviceId) external {
        Promise storage p = _with(deviceId, KEPT);
        uint256 until = uint256(p.lastSeen) + p.window + SETTLING;
        require(block.timestamp > until, NotSilent(block.timestamp, until));
        uint64 bounty = bountyGwei < p.depositGwei ? bountyGwei : p.depositGwei;
        (p.status, p.reports, p.brokenAt) = (BROKEN, 0, uint64(block.timestamp));
        (p.technician, p.takenAt, p.bountyGwei) = (address(0), 0, bounty);
        p.depositGwei -= bounty;
        _countSilent(deviceId, p.release);
        emit Broken(deviceId, p.release, p.lastSeen);
    }

    /// @notice Takes a repair on. The device's maintainer comes first; a technician who was too slow
    /// can be replaced.
    function take(bytes32 deviceId) external {
        Promise storage p = _with(deviceId, BROKEN);
        uint256 open = uint256(p.brokenAt) + HOLD_OFF;
        require(block.timestamp >= open, TooEarly(block.timestamp, open));
        address maintainer = DEVICES.device(deviceId).maintainer;
        require(
            maintainer == address(0) || msg.sender == maintainer
                || block.timestamp >= open + MAINTAINER_FIRST,
            NotTheMaintainer(msg.sender, maintainer)
        );
        uint256 until = uint256(p.takenAt) + REPAIR_TIME;
        require(
            p.technician == address(0) || block.timestamp > until,
            RepairRunning(p.technician, until)
        );
        (p.technician, p.takenAt, p.reports) = (msg.sender, uint64(block.timestamp), 0);
        emit RepairTaken(deviceId, msg.sender);
    }

    /// @notice Excuses a device that fell silent in a proven outage of its release: the bounty goes
    /// back to the deposit. A technician who is already at work keeps it.
    function excuse(bytes32 deviceId) external {
        Promise storage p = _with(deviceId, BROKEN);
        require(
            p.technician == address(0) && _excused(deviceId, p.release, p.brokenAt),
            NoOutage(p.release, p.brokenAt)
        );
        emit Excused(deviceId, p.release);
        p.depositGwei += p.bountyGwei;
        _keep(p);
    }

    /// @notice Sets the terms of repairs.
    function setTerms(uint64 bountyGwei_, uint8 reportsNeeded_) external restricted {
        require(bountyGwei_ <= MAX_BOUNTY_GWEI, OutOfBounds(bountyGwei_, MAX_BOUNTY_GWEI));
        require(
            reportsNeeded_ != 0 && reportsNeeded_ <= MAX_REPORTS,
            OutOfBounds(reportsNeeded_, MAX_REPORTS)
        );
        (bountyGwei, reportsNeeded) = (bountyGwei_, reportsNeeded_);
        emit TermsSet(bountyGwei_, reportsNeeded_);
    }

    /// @notice What was promised of a device, and how it stands.
    function promised(bytes32 deviceId) external view returns (Promise memory) {
        return promises[deviceId];
    }

    /// @dev Whoever repaired it is paid; if nobody had to, the bounty goes back to the deposit.
    function _repaired(bytes32 deviceId, Promise storage p) private {
        (address technician, uint64 bounty) = (p.technician, p.bountyGwei);
        emit Repaired(deviceId, technician, bounty);
        if (technician == address(0)) p.depositGwei += bounty;
        else withdrawable[technician] += uint256(bounty) * 1 gwei;
        _keep(p);
    }

    /// @dev Time begins anew: what was excused or repaired is not declared silent again at once.
    function _keep(Promise storage p) private {
        (p.status, p.lastSeen, p.bountyGwei) = (KEPT, uint64(block.timestamp), 0);
        (p.technician, p.takenAt) = (address(0), 0);
    }

    function _with(bytes32 deviceId, uint8 status) private view returns (Promise storage p) {
        p = promises[deviceId];
        require(p.status == status, WrongStatus(deviceId, p.status, status));
    }

    function _owned(bytes32 deviceId) private view {
        DeviceRegistryStorage.Device memory d = DEVICES.device(deviceId);
        require(d.status == 1, NotActive(deviceId, d.status));
        require(d.owner == msg.sender, NotOwner(msg.sender, d.owner));
    }
}
