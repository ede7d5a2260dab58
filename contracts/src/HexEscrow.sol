// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DeviceRegistry} from "./DeviceRegistry.sol";
import {DeviceRegistryStorage} from "./DeviceRegistryStorage.sol";
import {SettlementLedger} from "./SettlementLedger.sol";
import {PullPayments} from "./lib/PullPayments.sol";
import {ServiceProofs} from "./lib/ServiceProofs.sol";

/// @title Storage of the escrow
/// @notice Inherited first, so that the proven mappings stand at slots 0 and 1.
abstract contract HexEscrowStorage {
    /// @notice Ether that waits for service in a hex.
    struct Escrow {
        address sponsor;
        /// Unix time after which the sponsor may take it back, seconds.
        uint64 deadline;
        /// Epochs of service that release it.
        uint32 epochs;
        // ---- second word ----
        /// H3 cell of resolution 8.
        uint64 hex_;
        /// Unix time of the funding, seconds: only service after it counts.
        uint64 fundedAt;
        uint96 amount;
        /// 0 nothing, 1 open, 2 released, 3 refunded.
        uint8 status;
    }

    /// @notice How far one device has come.
    struct Progress {
        /// Epochs of service so far.
        uint32 epochs;
        /// First epoch that counts next.
        uint64 nextEpoch;
    }

    mapping(bytes32 id => Escrow) internal escrows;
    mapping(bytes32 id => mapping(bytes32 deviceId => Progress)) internal progress;
}

/// @title HexEscrow
/// @notice A sponsor pays whoever first serves a hex for so many epochs, as settlements show it, and
/// gets the ether back after a deadline if nobody did.
contract HexEscrow is HexEscrowStorage, PullPayments, ServiceProofs {
    uint8 internal constant OPEN = 1;
    uint8 internal constant RELEASED = 2;
    uint8 internal constant REFUNDED = 3;
    /// @notice H3 resolution of a hex on the map.
    uint8 public constant HEX_RESOLUTION = 8;
    /// @notice Most epochs that may be asked: a year of days.
    uint32 public constant MAX_EPOCHS = 366;
    /// @notice Longest time that ether may wait.
    uint64 public constant MAX_TIME = 2 * 366 days;

    /// @notice Seconds after the deadline in which service from before it can still be shown.
    uint64 public constant SETTLING = 2 days;

    /// @notice A sponsor pays for service in a hex.
    event Funded(
        bytes32 indexed id,
        uint64 indexed hex_,
        address indexed sponsor,
        uint96 amount,
        uint32 epochs,
        uint64 deadline
    );
    /// @notice A device served an epoch.
    event Served(bytes32 indexed id, bytes32 indexed deviceId, uint64 indexed epoch, uint32 epochs);
    /// @notice A device served as long as was asked; its owner is paid.
    event Released(bytes32 indexed id, bytes32 indexed deviceId, address indexed owner);
    /// @notice The sponsor has its ether back.
    event Refunded(bytes32 indexed id, address indexed sponsor);

    error HexResolution(uint64 got, uint8 resolution, uint8 expected);
    error OutOfBounds(uint256 got, uint256 least, uint256 most);
    error EscrowExists(bytes32 id);
    error NotOpen(bytes32 id, uint8 got, uint8 expected);
    error NotInTime(uint64 got, uint64 from, uint64 until);
    error WrongHex(uint64 got, uint64 expected);
    error EpochNotNewer(uint64 got, uint64 expected);
    error DeadlineAhead(uint256 nowSeconds, uint256 expected);

    /// @notice Deploys the escrow for the passes of one check.
    constructor(bytes32 checkId, SettlementLedger ledger, DeviceRegistry devices)
        ServiceProofs(checkId, ledger, devices)
    {}

    /// @notice Puts the value in escrow.
    /// @param salt Lets a sponsor have several for one hex.
    function fund(uint64 hex_, uint32 epochs, uint64 deadline, bytes32 salt)
        external
        payable
        returns (bytes32 id)
    {
        uint8 resolution = uint8((hex_ >> 52) & 0xf);
        require(resolution == HEX_RESOLUTION, HexResolution(hex_, resolution, HEX_RESOLUTION));
        require(epochs != 0 && epochs <= MAX_EPOCHS, OutOfBounds(epochs, 1, MAX_EPOCHS));
        require(
            deadline > block.timestamp && deadline <= block.timestamp + MAX_TIME,
            OutOfBounds(deadline, block.timestamp + 1, block.timestamp + MAX_TIME)
        );
        require(
            msg.value != 0 && msg.value <= type(uint96).max,
            OutOfBounds(msg.value, 1, type(uint96).max)
        );
        id = keccak256(abi.encode(msg.sender, hex_, salt));
        require(escrows[id].status == 0, EscrowExists(id));
        // forge-lint: disable-next-line(unsafe-typecast) checked above
        uint96 amount = uint96(msg.value);
        escrows[id] =
            Escrow(msg.sender, deadline, epochs, hex_, uint64(block.timestamp), amount, OPEN);
        emit Funded(id, hex_, msg.sender, amount, epochs, deadline);
    }

    /// @notice Shows an epoch of service. Anyone may call it; each epoch of a device counts once, and
    /// the first device to have all of them releases the escrow to its owner.
    function serve(bytes32 id, Heartbeat calldata heartbeat) external {
        Escrow storage e = escrows[id];
        require(e.status == OPEN, NotOpen(id, e.status, OPEN));
        Service memory s = _prove(heartbeat);
        require(
            s.receivedAt > e.fundedAt && s.receivedAt <= e.deadline,
            NotInTime(s.receivedAt, e.fundedAt, e.deadline)
        );
        uint64 hex_ = parentOf(s.cell);
        require(hex_ == e.hex_, WrongHex(hex_, e.hex_));
        Progress storage p = progress[id][s.deviceId];
        require(s.epoch >= p.nextEpoch, EpochNotNewer(s.epoch, p.nextEpoch));
        p.nextEpoch = s.epoch + 1;
        uint32 epochs = ++p.epochs;
        emit Served(id, s.deviceId, s.epoch, epochs);
        if (epochs < e.epochs) return;
        e.status = RELEASED;
        DeviceRegistryStorage.Device memory d = DEVICES.device(s.deviceId);
        withdrawable[d.owner] += e.amount;
        emit Released(id, s.deviceId, d.owner);
    }

    /// @notice Frees the ether for the sponsor after the deadline. Anyone may call it.
    function refund(bytes32 id) external {
        Escrow storage e = escrows[id];
        require(e.status == OPEN, NotOpen(id, e.status, OPEN));
        // service of the last second is settled days later
        uint256 until = uint256(e.deadline) + SETTLING;
        require(block.timestamp > until, DeadlineAhead(block.timestamp, until));
        e.status = REFUNDED;
        withdrawable[e.sponsor] += e.amount;
        emit Refunded(id, e.sponsor);
    }

    /// @notice One escrow; all zero if there is none.
    function escrow(bytes32 id) external view returns (Escrow memory) {
        return escrows[id];
    }

    /// @notice How far a device has come.
    function progressOf(bytes32 id, bytes32 deviceId) external view returns (Progress memory) {
        return progress[id][deviceId];
    }

    /// @notice The hex of the map that a cell of resolution 12 is in.
    /// @dev H3 indexes: resolution in bits 52 to 55; a digit of three bits per resolution, all ones
    /// where it is not used.
    function parentOf(uint64 cell) public pure returns (uint64) {
        uint64 unused = (uint64(1) << 21) - 1;
        return (cell & ~(uint64(0xf) << 52)) | (uint64(HEX_RESOLUTION) << 52) | unused;
    }
}
