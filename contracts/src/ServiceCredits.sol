// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IPriceFeed} from "./PriceFeed.sol";
import {ServiceToken} from "./ServiceToken.sol";

/// @title Storage of the credits
/// @notice Inherited first, so that the proven mappings stand at slots 0 and 1.
abstract contract ServiceCreditsStorage {
    /// @notice What was burned in one epoch; one word.
    struct Burned {
        /// Credits spent.
        uint128 credits;
        /// Tokens burned to make credits, in the token's smallest unit.
        uint128 tokens;
    }

    mapping(bytes32 key => Burned) internal burned;
    mapping(address account => uint256) internal balances;
}

/// @title ServiceCredits
/// @notice The unit in which service is bought: a hundred-thousandth of a dollar, made by burning
/// tokens at the price of the day, gone when spent. Nobody can pass it on, so it has no price of its
/// own.
contract ServiceCredits is ServiceCreditsStorage, AccessManaged {
    /// @notice Credits for one dollar, as the Helium network has it (data credits).
    uint256 public constant PER_DOLLAR = 100_000;
    /// @notice How many confidence widths the price is taken lower: an uncertain price never makes
    /// credits too cheap. The same factor as Helium's data credits.
    uint256 public constant CONFIDENCE_FACTOR = 2;
    /// @notice Seconds of an epoch in the account of what was burned: a day.
    uint64 public constant EPOCH = 1 days;
    /// @notice Oldest price that governance may allow: an hour. A price that old is still no gift.
    uint32 public constant MAX_AGE_LIMIT = 1 hours;
    /// @notice Millionths of a dollar in a dollar, times the token's smallest units in a token.
    uint256 internal constant PRICE_SCALE = 1e6 * 1e18;

    /// @notice The token that is burned.
    ServiceToken public immutable TOKEN;
    /// @notice Where its price is read.
    IPriceFeed public feed;
    /// @notice Oldest price that is taken, seconds.
    uint32 public maxAge = 10 minutes;
    /// @notice What `spender` may spend of `account`.
    mapping(address account => mapping(address spender => uint256)) public allowance;
    /// @dev What was spent in the name of a payer, by the hash of its key, and epoch: rule D8 of the check
    /// `data-transfer` reads it (`burned_by_slot` in `contracts/bindings`).
    mapping(bytes32 payer => mapping(uint256 epoch => uint256 credits)) internal burnedBy;

    /// @notice Tokens were burned for credits.
    event Minted(address indexed from, address indexed to, uint256 tokens, uint256 credits);
    /// @notice Credits were spent on a service.
    event Spent(
        bytes32 indexed checkId, address indexed account, uint64 indexed epoch, uint256 credits
    );
    /// @notice They were spent in the name of a payer.
    event SpentFor(bytes32 indexed payer, uint64 indexed epoch, uint256 credits);
    /// @notice An account lets another spend.
    event AllowanceSet(address indexed account, address indexed spender, uint256 credits);
    /// @notice Governance chose where the price is read, and how old it may be.
    event FeedSet(address indexed feed, uint32 maxAge);

    error PriceStale(uint256 publishedAt, uint256 nowSeconds, uint256 maxAge);
    error PriceUncertain(uint256 price, uint256 confidence);
    error TooFewCredits(uint256 got, uint256 expected);
    error BalanceTooSmall(address account, uint256 got, uint256 expected);
    error AllowanceTooSmall(address spender, uint256 got, uint256 expected);
    error OutOfBounds(uint256 got, uint256 limit);

    /// @notice Deploys the credits of a token.
    /// @param authority The AccessManager that says who chooses the feed.
    constructor(address authority, ServiceToken token, IPriceFeed feed_) AccessManaged(authority) {
        TOKEN = token;
        feed = feed_;
    }

    /// @notice Burns tokens of the caller, who has allowed it, and credits an account.
    /// @param fewest Fewest credits that the caller takes for them.
    function mint(address to, uint256 tokens, uint256 fewest) external returns (uint256 credits) {
        credits = creditsFor(tokens);
        require(credits >= fewest && credits != 0, TooFewCredits(credits, fewest));
        balances[to] += credits;
        burned[burnedKey(0, currentEpoch())].tokens += _u128(tokens);
        emit Minted(msg.sender, to, tokens, credits);
        TOKEN.burnFrom(msg.sender, tokens);
    }

    /// @notice Spends own credits on the service that a check judges.
    function spend(bytes32 checkId, uint256 credits) external {
        _spend(checkId, msg.sender, credits);
    }

    /// @notice Spends own credits in the name of a payer: what it owes for sessions of the epoch may be no
    /// more than that. Whoever pays for another harms nobody, so the payer is not asked.
    /// @param payer keccak256 of the payer's key, as its sessions name it.
    function spendFor(bytes32 checkId, bytes32 payer, uint256 credits) external {
        _spend(checkId, msg.sender, credits);
        uint64 epoch = currentEpoch();
        burnedBy[payer][epoch] += credits;
        emit SpentFor(payer, epoch, credits);
    }

    /// @notice Spends credits of an account that has allowed it.
    function spendFrom(bytes32 checkId, address account, uint256 credits) external {
        uint256 allowed = allowance[account][msg.sender];
        require(allowed >= credits, AllowanceTooSmall(msg.sender, allowed, credits));
        allowance[account][msg.sender] = allowed - credits;
        _spend(checkId, account, credits);
    }

    /// @notice Lets another account spend.
    function setAllowance(address spender, uint256 credits) external {
        allowance[msg.sender][spender] = credits;
        emit AllowanceSet(msg.sender, spender, credits);
    }

    /// @notice Chooses where the price is read, and how old it may be.
    function setFeed(IPriceFeed feed_, uint32 maxAge_) external restricted {
        require(maxAge_ != 0 && maxAge_ <= MAX_AGE_LIMIT, OutOfBounds(maxAge_, MAX_AGE_LIMIT));
        (feed, maxAge) = (feed_, maxAge_);
        emit FeedSet(address(feed_), maxAge_);
    }

    /// @notice Credits of an account.
    function balanceOf(address account) external view returns (uint256) {
        return balances[account];
    }

    /// @notice What was burned in an epoch: credits for one check, or tokens for check id 0.
    function burnedIn(bytes32 checkId, uint64 epoch) external view returns (Burned memory) {
        return burned[burnedKey(checkId, epoch)];
    }

    /// @notice Credits spent in the name of a payer in an epoch.
    function burnedFor(bytes32 payer, uint64 epoch) external view returns (uint256) {
        return burnedBy[payer][epoch];
    }

    /// @notice What tokens are worth now, in credits, rounded down.
    function creditsFor(uint256 tokens) public view returns (uint256) {
        (uint96 price, uint96 confidence, uint64 publishedAt) = feed.latest();
        require(
            publishedAt != 0 && publishedAt + maxAge >= block.timestamp,
            PriceStale(publishedAt, block.timestamp, maxAge)
        );
        uint256 margin = CONFIDENCE_FACTOR * confidence;
        require(price > margin, PriceUncertain(price, confidence));
        return tokens * (price - margin) * PER_DOLLAR / PRICE_SCALE;
    }

    /// @notice Number of the epoch that runs.
    function currentEpoch() public view returns (uint64) {
        return uint64(block.timestamp) / EPOCH;
    }

    /// @notice Key in the mapping at slot 0.
    function burnedKey(bytes32 checkId, uint64 epoch) public pure returns (bytes32) {
        return keccak256(abi.encode(checkId, epoch));
    }

    function _spend(bytes32 checkId, address account, uint256 credits) private {
        uint256 balance = balances[account];
        require(balance >= credits, BalanceTooSmall(account, balance, credits));
        balances[account] = balance - credits;
        uint64 epoch = currentEpoch();
        burned[burnedKey(checkId, epoch)].credits += _u128(credits);
        emit Spent(checkId, account, epoch, credits);
    }

    function _u128(uint256 value) private pure returns (uint128) {
        require(value <= type(uint128).max, OutOfBounds(value, type(uint128).max));
        // forge-lint: disable-next-line(unsafe-typecast) checked above
        return uint128(value);
    }
}
