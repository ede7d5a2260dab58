// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Keeps what the network knows of devices from before, with the layout that `coverage-radio` reads: the
/// compiler packs the words, and the check has to unpack them. Whoever asks may write: it is for tests.
contract Standings {
    /// @notice What is known of one device; times are Unix seconds, 0 for never.
    struct Standing {
        uint40 lastBeacon;
        uint40 lastValidBeacon;
        uint40 lastValidWitness;
        uint40 lastReceived;
        uint32 lastTmst;
        uint16 hexScale;
        bool full;
        bool denied;
    }

    /// @notice By device id.
    mapping(bytes32 deviceId => Standing) public standings;
    /// @notice Whether two devices may not witness each other, by `keccak256(lower id ‖ higher id)`.
    mapping(bytes32 pairId => bool) public denied;

    /// @notice Says what is known of a device.
    function set(bytes32 deviceId, Standing calldata standing) external {
        standings[deviceId] = standing;
    }

    /// @notice Forbids two devices to witness each other, in either order.
    function deny(bytes32 a, bytes32 b) external {
        (bytes32 lower, bytes32 higher) = a < b ? (a, b) : (b, a);
        denied[keccak256(bytes.concat(lower, higher))] = true;
    }
}
