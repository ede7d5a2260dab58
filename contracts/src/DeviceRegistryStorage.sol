// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

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
        /// How the key was proven: 0 the owner's word, 1 the chain checked the device's signature,
        /// 2 the signature stands in the event for anybody to check off chain.
        uint8 keyProof;
        /// What the owner has at stake, gwei (40 bits hold 1,099 ether).
        uint40 bondGwei;
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
        // ---- fourth word, written only when there is something to say ----
        /// Who repairs the device; zero: nobody but the owner.
        address maintainer;
        /// Messages that the device signed after its registration; the next one carries this + 1.
        uint64 nonce;
    }

    mapping(bytes32 deviceId => Device device) internal devices;
}
