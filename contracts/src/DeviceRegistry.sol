// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {DeviceRegistryStorage} from "./DeviceRegistryStorage.sol";
import {DeviceKeys} from "./lib/DeviceKeys.sol";
import {PullPayments} from "./lib/PullPayments.sol";

/// @title DeviceRegistry
/// @notice Devices by the hash of their public key: who owns them and where they say they stand.
/// @dev A P-256 or secp256k1 device signs its own registration (EIP-712), so nobody can register a
/// key that they do not hold. The EVM has no ed25519: there the owner asserts the key or hands in a
/// signature that only others can check, and `keyProof` says which.
contract DeviceRegistry is DeviceRegistryStorage, PullPayments, AccessManaged, EIP712 {
    /// @notice A registration as it is handed in.
    struct Registration {
        /// Public key in the network's binary form: network and type byte, then the key.
        bytes publicKey;
        address owner;
        uint64 cell;
        int16 gainDdbi;
        int16 elevationM;
        uint8 region;
        bytes32 metadataHash;
        /// Last second at which the device's signature counts.
        uint256 deadline;
        /// P-256, secp256k1: abi.encode(r, s, y), y being the key's second coordinate. ed25519:
        /// empty, or the 64 bytes of a signature over the same digest.
        bytes proof;
    }

    /// @notice A new place of a device.
    struct Relocation {
        bytes publicKey;
        uint64 cell;
        int16 gainDdbi;
        int16 elevationM;
        uint8 region;
        uint256 deadline;
        /// As in `Registration`; for ed25519 the owner's word is enough.
        bytes proof;
    }

    /// @notice The second word of a device.
    struct Radio {
        uint64 cell;
        int16 gainDdbi;
        int16 elevationM;
        uint8 region;
        uint8 status;
        uint40 asserted;
    }

    /// @notice EIP-712 type that a device signs to be registered. The domain names chain and contract.
    bytes32 public constant REGISTER_TYPEHASH = keccak256(
        "Register(bytes32 deviceId,address owner,uint64 cell,int16 gainDdbi,int16 elevationM,uint8 region,bytes32 metadataHash,uint256 nonce,uint256 deadline)"
    );
    /// @notice EIP-712 type that a device signs to be moved.
    bytes32 public constant RELOCATE_TYPEHASH = keccak256(
        "Relocate(bytes32 deviceId,address owner,uint64 cell,int16 gainDdbi,int16 elevationM,uint8 region,uint256 nonce,uint256 deadline)"
    );
    uint8 internal constant STATUS_ACTIVE = 1;
    uint8 internal constant STATUS_RETIRED = 2;
    uint8 internal constant PROOF_NONE = 0;
    uint8 internal constant PROOF_ON_CHAIN = 1;
    uint8 internal constant PROOF_OFF_CHAIN = 2;
    /// @notice H3 resolution of a place: cells of some 10 m.
    uint8 public constant CELL_RESOLUTION = 12;
    /// @notice Most that governance may ask as a bond: 10 ether, so that no vote can lock devices out.
    uint40 public constant MAX_BOND_GWEI = 10e9;
    /// @notice Longest cooldown that governance may set. A device that moves house must not wait longer.
    uint32 public constant MAX_COOLDOWN = 90 days;
    /// @notice Seconds between retirement and the return of the bond: longer than any dispute window
    /// (`SettlementLedger`), so that what a device did last can still cost it.
    uint32 public constant UNBONDING = 21 days;

    /// @notice Gwei that a new device puts in.
    uint40 public registrationBondGwei;
    /// @notice Seconds that a place holds before it may change. Without it one device could be sold as
    /// coverage of many places in one epoch.
    uint32 public relocationCooldown = 1 days;

    /// @notice A device was registered.
    event DeviceRegistered(
        bytes32 indexed deviceId, address indexed owner, uint64 indexed cell, bytes publicKey
    );
    /// @notice A signature that this chain cannot check, for those who can.
    event OffChainProof(bytes32 indexed deviceId, bytes32 digest, bytes proof);
    /// @notice A device stands elsewhere now.
    event DeviceRelocated(bytes32 indexed deviceId, uint64 indexed from, uint64 indexed to);
    /// @notice A device has another owner.
    event DeviceTransferred(bytes32 indexed deviceId, address indexed from, address indexed to);
    /// @notice A device has another maintainer.
    event MaintainerSet(bytes32 indexed deviceId, address indexed maintainer);
    /// @notice A device has another description.
    event MetadataSet(bytes32 indexed deviceId, bytes32 metadataHash);
    /// @notice The owner took a device out of service.
    event DeviceRetired(bytes32 indexed deviceId);
    /// @notice What a device has at stake changed.
    event BondChanged(bytes32 indexed deviceId, uint40 fromGwei, uint40 toGwei);
    /// @notice Governance set the terms for new devices.
    event TermsSet(uint40 registrationBondGwei, uint32 relocationCooldown);

    error DeviceExists(bytes32 deviceId, address owner);
    error UnknownDevice(bytes32 deviceId);
    error NotOwner(address got, address expected);
    error ZeroOwner();
    error Expired(uint256 deadline, uint256 nowSeconds);
    error CellResolution(uint64 cell, uint8 got, uint8 expected);
    error ProofLength(uint256 got, uint256 expected);
    error BadDeviceSignature(bytes32 deviceId);
    error BondMismatch(uint256 got, uint256 expected);
    error BondTooSmall(uint40 got, uint40 expected);
    error StillBonded(uint256 nowSeconds, uint256 expected);
    error CoolingDown(uint256 nowSeconds, uint256 expected);
    error OutOfBounds(uint256 got, uint256 limit);

    /// @notice Deploys the registry; no bond is asked yet.
    /// @param authority The AccessManager that says who sets the terms and who may slash.
    constructor(address authority)
        AccessManaged(authority)
        EIP712("Heliotrope DeviceRegistry", "1")
    {}

    /// @notice Registers one device, with its bond as value.
    /// @param r The registration, signed by the device where the EVM can check its key.
    /// @return deviceId keccak256 of the public key bytes.
    function register(Registration calldata r) external payable returns (bytes32 deviceId) {
        uint40 bondGwei = registrationBondGwei;
        uint256 due = uint256(bondGwei) * 1 gwei;
        require(msg.value == due, BondMismatch(msg.value, due));
        return _register(r, bondGwei);
    }

    /// @notice Registers a fleet in one transaction; all or none.
    function registerBatch(Registration[] calldata batch) external payable {
        uint40 bondGwei = registrationBondGwei;
        uint256 total = uint256(bondGwei) * 1 gwei * batch.length;
        require(msg.value == total, BondMismatch(msg.value, total));
        for (uint256 i = 0; i < batch.length; ++i) {
            _register(batch[i], bondGwei);
        }
    }

    /// @notice Moves a device. The owner asks, the device signs, and the last place has held for the
    /// cooldown.
    function relocate(Relocation calldata r) external returns (bytes32 deviceId) {
        deviceId = DeviceKeys.idOf(r.publicKey);
        Device storage d = _owned(deviceId);
        require(block.timestamp <= r.deadline, Expired(r.deadline, block.timestamp));
        _checkCell(r.cell);
        uint256 allowed = uint256(d.asserted) + relocationCooldown;
        require(block.timestamp >= allowed, CoolingDown(block.timestamp, allowed));
        bytes32 digest = relocationDigest(r);
        if (d.keyType != DeviceKeys.ED25519) {
            _checkSignature(deviceId, r.publicKey, digest, r.proof);
        }
        ++d.nonce;
        emit DeviceRelocated(deviceId, d.cell, r.cell);
        d.cell = r.cell;
        d.gainDdbi = r.gainDdbi;
        d.elevationM = r.elevationM;
        d.region = r.region;
        d.asserted = uint40(block.timestamp);
    }

    /// @notice Gives a device to another owner. Its bond goes with it; its maintainer does not.
    function transferDevice(bytes32 deviceId, address to) external {
        Device storage d = _owned(deviceId);
        require(to != address(0), ZeroOwner());
        emit DeviceTransferred(deviceId, d.owner, to);
        d.owner = to;
        d.maintainer = address(0);
    }

    /// @notice Names who repairs the device.
    function setMaintainer(bytes32 deviceId, address maintainer) external {
        _owned(deviceId).maintainer = maintainer;
        emit MaintainerSet(deviceId, maintainer);
    }

    /// @notice Describes the device anew.
    function setMetadata(bytes32 deviceId, bytes32 metadataHash) external {
        _owned(deviceId).metadataHash = metadataHash;
        emit MetadataSet(deviceId, metadataHash);
    }

    /// @notice Takes a device out of service. It keeps its place in history and cannot come back.
    function retire(bytes32 deviceId) external {
        Device storage d = _owned(deviceId);
        d.status = STATUS_RETIRED;
        d.asserted = uint40(block.timestamp);
        emit DeviceRetired(deviceId);
    }

    /// @notice Frees the bond of a device that was retired long enough ago, for its owner to withdraw.
    function releaseBond(bytes32 deviceId) external {
        Device storage d = devices[deviceId];
        require(d.status == STATUS_RETIRED, UnknownDevice(deviceId));
        uint256 free = uint256(d.asserted) + UNBONDING;
        require(block.timestamp >= free, StillBonded(block.timestamp, free));
        _takeBond(deviceId, d.bondGwei, d.owner);
    }

    /// @notice Burns part of a device's bond. For contracts and votes that hold the role.
    function slash(bytes32 deviceId, uint40 amountGwei) external restricted {
        _takeBond(deviceId, amountGwei, BURN);
    }

    /// @notice Sets the terms: the bond of new devices and the cooldown of all.
    function setTerms(uint40 bondGwei, uint32 cooldown) external restricted {
        require(bondGwei <= MAX_BOND_GWEI, OutOfBounds(bondGwei, MAX_BOND_GWEI));
        require(cooldown <= MAX_COOLDOWN, OutOfBounds(cooldown, MAX_COOLDOWN));
        (registrationBondGwei, relocationCooldown) = (bondGwei, cooldown);
        emit TermsSet(bondGwei, cooldown);
    }

    /// @notice Everything known of a device; all zero if it was never registered.
    function device(bytes32 deviceId) external view returns (Device memory) {
        return devices[deviceId];
    }

    /// @notice What a radio check reads of a device.
    function radio(bytes32 deviceId) external view returns (Radio memory) {
        Device storage d = devices[deviceId];
        return Radio(d.cell, d.gainDdbi, d.elevationM, d.region, d.status, d.asserted);
    }

    /// @notice The digest that the device signs to be registered. Its nonce is 0: a key is registered
    /// once, and what it signs later counts from 1.
    function registrationDigest(Registration calldata r) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    REGISTER_TYPEHASH,
                    keccak256(r.publicKey),
                    r.owner,
                    r.cell,
                    r.gainDdbi,
                    r.elevationM,
                    r.region,
                    r.metadataHash,
                    uint256(0),
                    r.deadline
                )
            )
        );
    }

    /// @notice The digest that the device signs to be moved.
    function relocationDigest(Relocation calldata r) public view returns (bytes32) {
        bytes32 deviceId = DeviceKeys.idOf(r.publicKey);
        Device storage d = devices[deviceId];
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    RELOCATE_TYPEHASH,
                    deviceId,
                    d.owner,
                    r.cell,
                    r.gainDdbi,
                    r.elevationM,
                    r.region,
                    uint256(d.nonce) + 1,
                    r.deadline
                )
            )
        );
    }

    function _register(Registration calldata r, uint40 bondGwei)
        private
        returns (bytes32 deviceId)
    {
        require(r.owner != address(0), ZeroOwner());
        require(block.timestamp <= r.deadline, Expired(r.deadline, block.timestamp));
        _checkCell(r.cell);
        deviceId = DeviceKeys.idOf(r.publicKey);
        uint8 keyType = DeviceKeys.typeOf(r.publicKey);
        _checkNew(deviceId, r.publicKey);
        uint8 keyProof = _checkKey(deviceId, keyType, r);
        devices[deviceId] = Device({
            owner: r.owner,
            since: uint40(block.timestamp),
            keyType: keyType,
            keyProof: keyProof,
            bondGwei: bondGwei,
            cell: r.cell,
            gainDdbi: r.gainDdbi,
            elevationM: r.elevationM,
            region: r.region,
            status: STATUS_ACTIVE,
            asserted: uint40(block.timestamp),
            metadataHash: r.metadataHash,
            maintainer: address(0),
            nonce: 0
        });
        emit DeviceRegistered(deviceId, r.owner, r.cell, r.publicKey);
    }

    /// @dev SECURITY: one key has two binary forms, for the main and the test network. A clone must not
    /// get in under the other one.
    function _checkNew(bytes32 deviceId, bytes calldata key) private view {
        Device storage d = devices[deviceId];
        require(d.status == 0, DeviceExists(deviceId, d.owner));
        bytes32 twin = DeviceKeys.twinOf(key);
        require(devices[twin].status == 0, DeviceExists(twin, devices[twin].owner));
    }

    function _checkKey(bytes32 deviceId, uint8 keyType, Registration calldata r)
        private
        returns (uint8 keyProof)
    {
        if (keyType != DeviceKeys.ED25519) {
            _checkSignature(deviceId, r.publicKey, registrationDigest(r), r.proof);
            return PROOF_ON_CHAIN;
        }
        require(msg.sender == r.owner, NotOwner(msg.sender, r.owner));
        if (r.proof.length == 0) return PROOF_NONE;
        require(r.proof.length == 64, ProofLength(r.proof.length, 64));
        emit OffChainProof(deviceId, registrationDigest(r), r.proof);
        return PROOF_OFF_CHAIN;
    }

    function _checkSignature(
        bytes32 deviceId,
        bytes calldata key,
        bytes32 digest,
        bytes calldata proof
    ) private view {
        require(proof.length == 96, ProofLength(proof.length, 96));
        (bytes32 r, bytes32 s, bytes32 y) = abi.decode(proof, (bytes32, bytes32, bytes32));
        require(DeviceKeys.verify(key, digest, r, s, y), BadDeviceSignature(deviceId));
    }

    function _checkCell(uint64 cell) private pure {
        uint8 resolution = uint8((cell >> 52) & 0xf);
        require(resolution == CELL_RESOLUTION, CellResolution(cell, resolution, CELL_RESOLUTION));
    }

    function _takeBond(bytes32 deviceId, uint40 amountGwei, address to) private {
        Device storage d = devices[deviceId];
        uint40 held = d.bondGwei;
        require(amountGwei <= held, BondTooSmall(held, amountGwei));
        d.bondGwei = held - amountGwei;
        withdrawable[to] += uint256(amountGwei) * 1 gwei;
        emit BondChanged(deviceId, held, held - amountGwei);
    }

    function _owned(bytes32 deviceId) private view returns (Device storage d) {
        d = devices[deviceId];
        require(d.status == STATUS_ACTIVE, UnknownDevice(deviceId));
        require(d.owner == msg.sender, NotOwner(msg.sender, d.owner));
    }
}
