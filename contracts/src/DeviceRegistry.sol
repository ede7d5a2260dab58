// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Storage of the device registry
/// @notice Stands in a contract of its own, inherited first, so that `devices` is at slot 0 whatever
/// libraries the registry uses. Light clients read these slots with `eth_getProof`; the layout in
/// `layout/DeviceRegistry.json` is only ever extended.
abstract contract DeviceRegistryStorage {
    /// @notice What is known of one device.
    struct Device {
        /// Who acts for the device.
        address owner;
        /// Unix time of the registration, seconds.
        uint40 since;
        /// Key type: the low nibble of the key's first byte (0 P-256, 1 ed25519, 3 secp256k1).
        uint8 keyType;
        /// 0 the owner asserts that the device holds the key, 1 the device signed its registration.
        uint8 keyProof;
        // ---- second word: all that a radio check reads, in one storage proof ----
        /// Asserted place: an H3 cell of resolution 12.
        uint64 cell;
        /// Antenna gain, tenths of dBi.
        int16 gainDdbi;
        /// Height above ground, metres.
        int16 elevationM;
        /// Region plan, upstream's region numbers (0 US915, 1 EU868, …).
        uint8 region;
        /// 0 never registered, 1 active, 2 retired by the owner.
        uint8 status;
        /// Unix time since which the second word holds, seconds.
        uint40 asserted;
        // ---- third word ----
        /// Hash of the device's description, kept off chain.
        bytes32 metadataHash;
    }

    mapping(bytes32 deviceId => Device device) internal devices;
}

/// @title DeviceRegistry
/// @notice Devices by the hash of their public key: who owns them and where they say they stand.
/// @dev A P-256 or secp256k1 device signs its own registration (EIP-712), so nobody can register a
/// key that they do not hold. The EVM has no ed25519: there the owner asserts the key, `keyProof`
/// says so, and the first report that the key signs is the proof.
contract DeviceRegistry is DeviceRegistryStorage, EIP712 {
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
        /// P-256, secp256k1: abi.encode(r, s, y), y being the key's second coordinate. ed25519: empty.
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

    /// @notice EIP-712 type that a device signs.
    bytes32 public constant REGISTER_TYPEHASH = keccak256(
        "Register(bytes32 deviceId,address owner,uint64 cell,int16 gainDdbi,int16 elevationM,uint8 region,bytes32 metadataHash,uint256 deadline)"
    );
    /// @notice Key types, as the network numbers them.
    uint8 public constant KEY_P256 = 0;
    uint8 public constant KEY_ED25519 = 1;
    uint8 public constant KEY_SECP256K1 = 3;
    uint8 internal constant STATUS_ACTIVE = 1;
    uint8 internal constant STATUS_RETIRED = 2;
    /// @dev EIP-7951 precompile. Present on every chain since Osaka; where it is missing the call
    /// returns nothing and the registration fails closed.
    address internal constant P256_VERIFY = address(0x100);
    /// @dev Field prime of P-256. A compact key stands for the point with the smaller y.
    uint256 internal constant P256_P =
        0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff;
    /// @dev Half the order of secp256k1: a larger s is the malleable twin (EIP-2).
    uint256 internal constant SECP256K1_HALF_N =
        0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice A device was registered.
    event DeviceRegistered(
        bytes32 indexed deviceId, address indexed owner, uint64 indexed cell, bytes publicKey
    );
    /// @notice The owner took a device out of service.
    event DeviceRetired(bytes32 indexed deviceId);

    error DeviceExists(bytes32 deviceId, address owner);
    error UnknownDevice(bytes32 deviceId);
    error NotOwner(address got, address expected);
    error ZeroOwner();
    error Expired(uint256 deadline, uint256 nowSeconds);
    error KeyLength(uint256 got, uint256 expected);
    error KeyTypeUnsupported(uint8 got);
    error CellResolution(uint64 cell, uint8 got, uint8 expected);
    error ProofLength(uint256 got, uint256 expected);
    error BadDeviceSignature(bytes32 deviceId);

    constructor() EIP712("Heliotrope DeviceRegistry", "1") {}

    /// @notice Registers one device.
    /// @param r The registration, signed by the device where the EVM can check its key.
    /// @return deviceId keccak256 of the public key bytes.
    function register(Registration calldata r) external returns (bytes32 deviceId) {
        return _register(r);
    }

    /// @notice Registers a fleet in one transaction; all or none.
    function registerBatch(Registration[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            _register(batch[i]);
        }
    }

    /// @notice Takes a device out of service. It keeps its place in history and cannot come back.
    function retire(bytes32 deviceId) external {
        Device storage d = devices[deviceId];
        require(d.status == STATUS_ACTIVE, UnknownDevice(deviceId));
        require(d.owner == msg.sender, NotOwner(msg.sender, d.owner));
        d.status = STATUS_RETIRED;
        d.asserted = uint40(block.timestamp);
        emit DeviceRetired(deviceId);
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

    /// @notice The digest that the device signs to be registered.
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
                    r.deadline
                )
            )
        );
    }

    function _register(Registration calldata r) private returns (bytes32 deviceId) {
        require(r.owner != address(0), ZeroOwner());
        require(block.timestamp <= r.deadline, Expired(r.deadline, block.timestamp));
        uint8 resolution = uint8((r.cell >> 52) & 0xf);
        require(resolution == 12, CellResolution(r.cell, resolution, 12));
        deviceId = keccak256(r.publicKey);
        Device storage d = devices[deviceId];
        require(d.status == 0, DeviceExists(deviceId, d.owner));
        (uint8 keyType, uint8 keyProof) = _checkKey(deviceId, r);
        devices[deviceId] = Device({
            owner: r.owner,
            since: uint40(block.timestamp),
            keyType: keyType,
            keyProof: keyProof,
            cell: r.cell,
            gainDdbi: r.gainDdbi,
            elevationM: r.elevationM,
            region: r.region,
            status: STATUS_ACTIVE,
            asserted: uint40(block.timestamp),
            metadataHash: r.metadataHash
        });
        emit DeviceRegistered(deviceId, r.owner, r.cell, r.publicKey);
    }

    function _checkKey(bytes32 deviceId, Registration calldata r)
        private
        view
        returns (uint8 keyType, uint8 keyProof)
    {
        require(r.publicKey.length != 0, KeyLength(0, 33));
        keyType = uint8(r.publicKey[0]) & 0x0f;
        if (keyType == KEY_ED25519) {
            require(r.publicKey.length == 33, KeyLength(r.publicKey.length, 33));
            require(msg.sender == r.owner, NotOwner(msg.sender, r.owner));
            return (keyType, 0);
        }
        require(r.proof.length == 96, ProofLength(r.proof.length, 96));
        (bytes32 rr, bytes32 ss, bytes32 y) = abi.decode(r.proof, (bytes32, bytes32, bytes32));
        bytes32 digest = registrationDigest(r);
        bool ok;
        if (keyType == KEY_P256) {
            require(r.publicKey.length == 33, KeyLength(r.publicKey.length, 33));
            ok = _verifyP256(digest, rr, ss, bytes32(r.publicKey[1:33]), y);
        } else if (keyType == KEY_SECP256K1) {
            require(r.publicKey.length == 34, KeyLength(r.publicKey.length, 34));
            ok = _verifySecp256k1(digest, rr, ss, r.publicKey[1:34], y);
        } else {
            revert KeyTypeUnsupported(keyType);
        }
        require(ok, BadDeviceSignature(deviceId));
        return (keyType, 1);
    }

    /// @dev The precompile itself refuses a point that is not on the curve.
    function _verifyP256(bytes32 digest, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        private
        view
        returns (bool)
    {
        if (uint256(y) > P256_P / 2) return false;
        (bool ok, bytes memory out) = P256_VERIFY.staticcall(abi.encode(digest, r, s, x, y));
        return ok && out.length == 32 && abi.decode(out, (uint256)) == 1;
    }

    /// @dev `ecrecover` gives the address of a point; hashing (x, y) binds it to the key's x, and the
    /// compressed form's first byte to the parity of y.
    function _verifySecp256k1(bytes32 digest, bytes32 r, bytes32 s, bytes calldata key, bytes32 y)
        private
        pure
        returns (bool)
    {
        bytes32 x = bytes32(key[1:33]);
        if (uint8(key[0]) != 2 + uint8(uint256(y) & 1)) return false;
        if (uint256(s) > SECP256K1_HALF_N) return false;
        address expected = address(uint160(uint256(keccak256(abi.encode(x, y)))));
        return expected != address(0)
            && (ecrecover(digest, 27, r, s) == expected || ecrecover(digest, 28, r, s) == expected);
    }
}
