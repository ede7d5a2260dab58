// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title RewardReserve
/// @notice The windowed circuit breaker: tokens that wait to be paid, let through to the distributor
/// so many per window and no more, whatever a root says.
contract RewardReserve is AccessManaged {
    /// @notice Shortest window that governance may set: people need an hour to see that something runs
    /// out too fast.
    uint64 public constant MIN_WINDOW = 1 hours;
    /// @notice Longest window that governance may set.
    uint64 public constant MAX_WINDOW = 30 days;

    /// @notice The token that waits.
    IERC20 public immutable TOKEN;
    /// @notice The only receiver.
    address public immutable DISTRIBUTOR;
    /// @notice Most tokens let through in one window.
    uint256 public limit;
    /// @notice Length of a window, seconds.
    uint64 public window;
    /// @notice When the running window began, Unix seconds.
    uint64 public windowStart;
    /// @notice What was let through in it.
    uint256 public released;

    /// @notice Tokens went to the distributor.
    event Released(uint256 amount, uint256 inWindow);
    /// @notice Governance set the breaker.
    event LimitSet(uint256 limit, uint64 window);

    error OverLimit(uint256 got, uint256 limit);
    error OutOfBounds(uint256 got, uint256 floor, uint256 ceiling);
    error TransferFailed(address account, uint256 amount);

    /// @notice Deploys the reserve before one distributor.
    /// @param authority The AccessManager that says who sets the breaker.
    constructor(
        address authority,
        IERC20 token,
        address distributor,
        uint256 limit_,
        uint64 window_
    ) AccessManaged(authority) {
        TOKEN = token;
        DISTRIBUTOR = distributor;
        _setLimit(limit_, window_);
    }

    /// @notice Lets tokens through. Anyone may call it.
    function release(uint256 amount) external {
        if (block.timestamp >= uint256(windowStart) + window) {
            windowStart = uint64(block.timestamp);
            released = 0;
        }
        uint256 total = released + amount;
        require(total <= limit, OverLimit(total, limit));
        released = total;
        emit Released(amount, total);
        require(TOKEN.transfer(DISTRIBUTOR, amount), TransferFailed(DISTRIBUTOR, amount));
    }

    /// @notice Sets the breaker; a limit of zero closes it.
    function setLimit(uint256 limit_, uint64 window_) external restricted {
        _setLimit(limit_, window_);
    }

    function _setLimit(uint256 limit_, uint64 window_) private {
        require(
            window_ >= MIN_WINDOW && window_ <= MAX_WINDOW,
            OutOfBounds(window_, MIN_WINDOW, MAX_WINDOW)
        );
        (limit, window) = (limit_, window_);
        emit LimitSet(limit_, window_);
    }
}
