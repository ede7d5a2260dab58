// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// @title IPriceFeed
/// @notice Where the token's price is read.
interface IPriceFeed {
    /// @notice The last price.
    /// @return price Millionths of a dollar for one whole token.
    /// @return confidence Half the width of the interval in which the publisher believes, same unit.
    /// @return publishedAt Unix time, seconds; 0 if there was none yet.
    function latest() external view returns (uint96 price, uint96 confidence, uint64 publishedAt);
}

/// @title PriceFeed
/// @notice A price that publishers push, in small steps and within bounds: a publisher whose key is
/// stolen can be wrong by one step, not by any factor.
contract PriceFeed is IPriceFeed, AccessManaged {
    /// @notice One price; one word of storage.
    struct Price {
        uint96 price;
        uint96 confidence;
        uint64 publishedAt;
    }

    /// @notice Largest step from one price to the next, in ten-thousandths.
    uint96 public constant MAX_STEP_BPS = 1000;
    /// @notice Seconds between two prices, at least: with the step, at most a tenth a minute.
    uint64 public constant MIN_PAUSE = 60;
    uint96 internal constant BPS = 10_000;

    Price internal current;
    /// @notice Lowest price that is taken.
    uint96 public floor;
    /// @notice Highest price that is taken.
    uint96 public ceiling;

    /// @notice A publisher said a price.
    event Published(uint96 price, uint96 confidence);
    /// @notice Governance set the bounds.
    event BoundsSet(uint96 floor, uint96 ceiling);

    error OutOfBounds(uint256 got, uint256 floor, uint256 ceiling);
    error TooSoon(uint256 nowSeconds, uint256 expected);

    /// @notice Deploys the feed; it has no price yet.
    /// @param authority The AccessManager that says who publishes and who sets bounds.
    constructor(address authority, uint96 floor_, uint96 ceiling_) AccessManaged(authority) {
        _setBounds(floor_, ceiling_);
    }

    /// @notice Says a price, for those who hold the role.
    function publish(uint96 price, uint96 confidence) external restricted {
        (uint96 low, uint96 high) = (floor, ceiling);
        Price memory last = current;
        if (last.publishedAt != 0) {
            uint256 earliest = uint256(last.publishedAt) + MIN_PAUSE;
            require(block.timestamp >= earliest, TooSoon(block.timestamp, earliest));
            (low, high) = _reachable(last.price);
        }
        require(price >= low && price <= high, OutOfBounds(price, low, high));
        require(confidence <= price, OutOfBounds(confidence, 0, price));
        current = Price(price, confidence, uint64(block.timestamp));
        emit Published(price, confidence);
    }

    /// @notice Sets the bounds.
    function setBounds(uint96 floor_, uint96 ceiling_) external restricted {
        _setBounds(floor_, ceiling_);
    }

    /// @inheritdoc IPriceFeed
    function latest() external view returns (uint96, uint96, uint64) {
        return (current.price, current.confidence, current.publishedAt);
    }

    /// @dev One step from the last price, as far as the bounds allow. Bounds that have moved away are
    /// approached step by step.
    function _reachable(uint96 last) private view returns (uint96 low, uint96 high) {
        uint96 step = uint96(uint256(last) * MAX_STEP_BPS / BPS);
        if (step == 0) step = 1;
        (uint96 down, uint96 up) = (last - step, last + step);
        low = floor < down ? down : floor < up ? floor : up;
        high = ceiling > up ? up : ceiling > down ? ceiling : down;
    }

    function _setBounds(uint96 floor_, uint96 ceiling_) private {
        require(floor_ != 0 && floor_ <= ceiling_, OutOfBounds(floor_, 1, ceiling_));
        // a step up from the ceiling must fit
        require(ceiling_ <= type(uint96).max / 2, OutOfBounds(ceiling_, 1, type(uint96).max / 2));
        (floor, ceiling) = (floor_, ceiling_);
        emit BoundsSet(floor_, ceiling_);
    }
}
