// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Commits to what oracles say of an area in an epoch, as the parameters of `coverage-map` want it: the
/// compiler says where a digest stands, and the check has to look there. Whoever asks may write: it is for tests.
contract OracleDigests {
    /// @notice SHA-256 of the oracle data of an area (H3 cell) in an epoch.
    mapping(uint256 area => mapping(uint256 epoch => bytes32 digest)) public digests;

    /// @notice Commits to the oracle data of an area in an epoch.
    function publish(uint256 area, uint256 epoch, bytes32 digest) external {
        digests[area][epoch] = digest;
    }
}
