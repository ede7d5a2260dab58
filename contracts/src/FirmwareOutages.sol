// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// @title FirmwareOutages
/// @notice Counts, per firmware release, how many devices promised service and how many fell silent
/// in one wave. Many at once are the release's fault, not their owners'.
abstract contract FirmwareOutages is AccessManaged {
    /// @notice A release and its last wave.
    struct Release {
        /// Devices with a promise that run it.
        uint32 enrolled;
        /// Devices that fell silent in the wave.
        uint32 silent;
        /// When the wave began, Unix seconds.
        uint64 waveAt;
        /// Whether the wave was an outage.
        bool outage;
    }

    /// @notice Seconds of a wave: an update reaches a fleet in rings, over a day or two.
    uint64 public constant WAVE = 2 days;
    /// @notice Fewest devices that governance may let count as a fleet.
    uint32 public constant LEAST_SILENT = 3;
    /// @notice Smallest share that governance may let count as an outage, in ten-thousandths: five in
    /// a hundred, the share of a staged rollout's first ring.
    uint32 public constant LEAST_SHARE_BPS = 500;
    uint32 internal constant BPS = 10_000;

    mapping(bytes32 release => Release) internal releases;
    mapping(bytes32 deviceId => uint64) internal runsSince;
    /// @notice Fewest silent devices of an outage.
    uint32 public fewestSilent = 10;
    /// @notice Smallest share of a release's devices in an outage, ten-thousandths.
    uint32 public shareBps = 2000;

    /// @notice A release failed its fleet.
    event OutageProven(bytes32 indexed release, uint64 waveAt, uint32 silent, uint32 enrolled);
    /// @notice Governance set what an outage is.
    event OutageTermsSet(uint32 fewestSilent, uint32 shareBps);

    error TermOutOfBounds(uint256 got, uint256 least, uint256 most);

    /// @notice Sets what an outage is.
    function setOutageTerms(uint32 fewestSilent_, uint32 shareBps_) external restricted {
        require(
            fewestSilent_ >= LEAST_SILENT,
            TermOutOfBounds(fewestSilent_, LEAST_SILENT, type(uint32).max)
        );
        require(
            shareBps_ >= LEAST_SHARE_BPS && shareBps_ <= BPS,
            TermOutOfBounds(shareBps_, LEAST_SHARE_BPS, BPS)
        );
        (fewestSilent, shareBps) = (fewestSilent_, shareBps_);
        emit OutageTermsSet(fewestSilent_, shareBps_);
    }

    /// @notice A release and its last wave.
    function releaseOf(bytes32 release) external view returns (Release memory) {
        return releases[release];
    }

    function _enrol(bytes32 deviceId, bytes32 release) internal {
        ++releases[release].enrolled;
        runsSince[deviceId] = uint64(block.timestamp);
    }

    function _leave(bytes32 release) internal {
        --releases[release].enrolled;
    }

    /// @dev SECURITY: a device that joined the release after the wave began does not count, or owners
    /// could make an outage of devices that have long been dead.
    function _countSilent(bytes32 deviceId, bytes32 release) internal {
        Release storage r = releases[release];
        if (block.timestamp > uint256(r.waveAt) + WAVE) {
            (r.waveAt, r.silent, r.outage) = (uint64(block.timestamp), 0, false);
        }
        if (runsSince[deviceId] > r.waveAt) return;
        uint32 silent = ++r.silent;
        if (r.outage || silent < fewestSilent) return;
        if (uint256(silent) * BPS < uint256(r.enrolled) * shareBps) return;
        r.outage = true;
        emit OutageProven(release, r.waveAt, silent, r.enrolled);
    }

    /// @dev Whether a silence that was declared then belongs to the release's last wave, and that was
    /// an outage.
    function _excused(bytes32 deviceId, bytes32 release, uint64 brokenAt)
        internal
        view
        returns (bool)
    {
        Release storage r = releases[release];
        return r.outage && brokenAt >= r.waveAt && brokenAt <= r.waveAt + WAVE
            && runsSince[deviceId] <= r.waveAt;
    }
}
