// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// @title Storage of the reward schedule
/// @notice Inherited first, so that the proven mappings stand at slots 0 and 1.
abstract contract RewardScheduleStorage {
    /// @notice What one check pays from an epoch on; two words.
    struct Rate {
        /// Smallest units of the token for one full score.
        uint128 perScore;
        /// Most that one account gets in one epoch of one lane.
        uint128 cap;
        /// First epoch that it holds for.
        uint64 fromEpoch;
    }

    mapping(bytes32 checkId => mapping(uint256 version => Rate)) internal rates;
    mapping(bytes32 checkId => uint256) internal counts;
}

/// @title RewardSchedule
/// @notice What a score is worth. Append-only, like the checks: the rate of any past epoch stays
/// provable, so that every reward leaf can be recomputed.
contract RewardSchedule is RewardScheduleStorage, AccessManaged {
    /// @notice Scores are counted in millionths of a full check.
    uint256 internal constant FULL_SCORE_PPM = 1_000_000;

    /// @notice A rate holds from an epoch on.
    event RateSet(
        bytes32 indexed checkId,
        uint256 indexed version,
        uint64 fromEpoch,
        uint128 perScore,
        uint128 cap
    );

    error EpochNotAscending(uint64 got, uint64 expected);

    /// @notice Deploys the schedule; nothing is paid yet.
    /// @param authority The AccessManager that says who sets rates.
    constructor(address authority) AccessManaged(authority) {}

    /// @notice Appends a rate. Epochs only ascend: what was earned is not touched.
    function append(bytes32 checkId, uint64 fromEpoch, uint128 perScore, uint128 cap)
        external
        restricted
        returns (uint256 version)
    {
        version = counts[checkId] + 1;
        uint64 last = rates[checkId][version - 1].fromEpoch;
        require(version == 1 || fromEpoch > last, EpochNotAscending(fromEpoch, last));
        rates[checkId][version] = Rate(perScore, cap, fromEpoch);
        counts[checkId] = version;
        emit RateSet(checkId, version, fromEpoch, perScore, cap);
    }

    /// @notice How many rates a check has; they are numbered from 1.
    function count(bytes32 checkId) external view returns (uint256) {
        return counts[checkId];
    }

    /// @notice One rate; all zero if there is none of that number.
    function rateOf(bytes32 checkId, uint256 version) external view returns (Rate memory) {
        return rates[checkId][version];
    }

    /// @notice What a score earned in an epoch, rounded down, and never more than the cap; nothing
    /// before the first rate.
    function rewardOf(bytes32 checkId, uint64 epoch, uint64 scorePpm)
        external
        view
        returns (uint128)
    {
        for (uint256 version = counts[checkId]; version > 0; --version) {
            Rate memory rate = rates[checkId][version];
            if (rate.fromEpoch > epoch) continue;
            uint256 reward = uint256(rate.perScore) * scorePpm / FULL_SCORE_PPM;
            // forge-lint: disable-next-line(unsafe-typecast) not above the cap, which fits
            return reward < rate.cap ? uint128(reward) : rate.cap;
        }
        return 0;
    }
}
