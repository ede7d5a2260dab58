// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// @title Storage of the check registry
/// @notice Inherited first, so that the proven mappings stand at slots 0 and 1.
abstract contract CheckRegistryStorage {
    /// @notice One version of a check. Never changed once written.
    struct Version {
        /// sha256 of the module's bytes.
        bytes32 moduleHash;
        /// sha256 of its parameters' bytes.
        bytes32 paramsHash;
        /// Unix time from which it judges, seconds.
        uint64 activeFrom;
        /// Version of the check ABI that it speaks.
        uint16 abiVersion;
    }

    mapping(bytes32 checkId => mapping(uint256 version => Version)) internal versions;
    mapping(bytes32 checkId => uint256) internal counts;
}

/// @title CheckRegistry
/// @notice Which bytes judge which claim. Append-only: the module that was active at any past time
/// stays provable, and a new one is announced before it acts.
contract CheckRegistry is CheckRegistryStorage, AccessManaged {
    /// @notice Seconds between pinning a later version and its activation, at least. Long enough for
    /// everybody to fetch and prove the next module before it judges. A check's first version has
    /// nothing to displace and may be active at once.
    uint64 public immutable ACTIVATION_DELAY;

    /// @notice A version was pinned.
    event CheckPinned(
        bytes32 indexed checkId,
        uint256 indexed version,
        bytes32 indexed moduleHash,
        bytes32 paramsHash,
        uint64 activeFrom
    );

    error ZeroHash();
    error ActivationTooEarly(uint64 got, uint64 expected);
    error NoActiveVersion(bytes32 checkId, uint64 atSeconds);

    /// @notice Deploys the registry; the activation delay is for ever.
    /// @param authority The AccessManager that says who may pin.
    /// @param activationDelay Seconds, at least the governance timelock's delay.
    constructor(address authority, uint64 activationDelay) AccessManaged(authority) {
        ACTIVATION_DELAY = activationDelay;
    }

    /// @notice Appends a version.
    /// @param activeFrom Not before the delay has passed, nor before the previous version's own time.
    function pin(
        bytes32 checkId,
        bytes32 moduleHash,
        bytes32 paramsHash,
        uint16 abiVersion,
        uint64 activeFrom
    ) external restricted returns (uint256 version) {
        require(moduleHash != 0 && paramsHash != 0, ZeroHash());
        version = counts[checkId] + 1;
        uint64 earliest = version == 1
            ? 0
            : _max(
                uint64(block.timestamp) + ACTIVATION_DELAY,
                versions[checkId][version - 1].activeFrom
            );
        require(activeFrom >= earliest, ActivationTooEarly(activeFrom, earliest));
        versions[checkId][version] = Version(moduleHash, paramsHash, activeFrom, abiVersion);
        counts[checkId] = version;
        emit CheckPinned(checkId, version, moduleHash, paramsHash, activeFrom);
    }

    /// @notice How many versions a check has; they are numbered from 1.
    function count(bytes32 checkId) external view returns (uint256) {
        return counts[checkId];
    }

    /// @notice One version; all zero if there is none of that number.
    function versionOf(bytes32 checkId, uint256 version) external view returns (Version memory) {
        return versions[checkId][version];
    }

    /// @notice What a settlement is held against: one version's module and since when it judges.
    function moduleOf(bytes32 checkId, uint256 version)
        external
        view
        returns (bytes32 moduleHash, uint64 activeFrom)
    {
        Version storage v = versions[checkId][version];
        return (v.moduleHash, v.activeFrom);
    }

    /// @notice The version that judges at a time: the latest whose `activeFrom` has come.
    /// @param atSeconds Unix time, seconds.
    function activeAt(bytes32 checkId, uint64 atSeconds)
        external
        view
        returns (uint256 version, Version memory active)
    {
        for (version = counts[checkId]; version > 0; --version) {
            active = versions[checkId][version];
            if (active.activeFrom <= atSeconds) return (version, active);
        }
        revert NoActiveVersion(checkId, atSeconds);
    }

    function _max(uint64 a, uint64 b) private pure returns (uint64) {
        return a > b ? a : b;
    }
}
