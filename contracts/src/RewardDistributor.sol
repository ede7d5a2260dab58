// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SettlementLedger} from "./SettlementLedger.sol";
import {SettlementLedgerStorage} from "./SettlementLedgerStorage.sol";
import {RewardLeaf} from "./lib/RewardLeaf.sol";
import {RewardTree} from "./lib/RewardTree.sol";

/// @title Storage of the reward distributor
/// @notice Inherited first, so that the proven mappings stand at slots 0 and 1.
abstract contract RewardDistributorStorage {
    /// @notice The last root of one (check, lane).
    struct Stream {
        /// Reward root of a final settlement; zero: nothing can be claimed.
        bytes32 root;
        /// First epoch whose root is newer.
        uint64 nextEpoch;
    }

    mapping(bytes32 stream => Stream) internal streams;
    mapping(bytes32 stream => mapping(address account => uint256)) internal claimed;
}

/// @title RewardDistributor
/// @notice Pays what final settlements say. Sums are cumulative: one word per account of a stream, a
/// stream being one lane of one check.
/// @dev The contract can lose no more than it holds, and `RewardReserve` lets only so much in per
/// window: that is the circuit breaker, and it costs a claim nothing.
contract RewardDistributor is RewardDistributorStorage, AccessManaged {
    /// @notice The token that is paid.
    IERC20 public immutable TOKEN;
    /// @notice Whose final entries are paid.
    SettlementLedger public immutable LEDGER;

    /// @notice A final settlement can be claimed from.
    event RootAccepted(
        bytes32 indexed checkId, uint256 indexed lane, uint64 indexed epoch, bytes32 root
    );
    /// @notice A guardian stopped a stream until its next final settlement.
    event StreamStopped(bytes32 indexed stream, uint64 indexed nextEpoch);
    /// @notice An account was paid; the token's own event, right after it, says how much.
    event Claimed(bytes32 indexed stream, address indexed account);

    error NotFinal(bytes32 key, uint8 got, uint8 expected);
    error CommitmentMismatch(bytes32 got, bytes32 expected);
    error EpochNotNewer(uint64 got, uint64 expected);
    error NoRewards(bytes32 stream);
    error NotInTree(bytes32 got, bytes32 expected);
    error NothingToClaim(address account, uint256 cumulative, uint256 claimed);
    error TransferFailed(address account, uint256 amount);

    uint8 private constant FINAL = 2;

    /// @notice Deploys the distributor of a token for a ledger.
    /// @param authority The AccessManager that says who may stop a stream.
    constructor(address authority, IERC20 token, SettlementLedger ledger) AccessManaged(authority) {
        TOKEN = token;
        LEDGER = ledger;
    }

    /// @notice Takes the reward root of a final settlement. Anyone may call it.
    function accept(
        bytes32 checkId,
        uint256 lane,
        uint64 epoch,
        SettlementLedgerStorage.Roots calldata roots
    ) external {
        SettlementLedgerStorage.Settlement memory s = LEDGER.settlement(checkId, lane, epoch);
        bytes32 key = LEDGER.settlementKey(checkId, lane, epoch);
        require(s.status == FINAL, NotFinal(key, s.status, FINAL));
        bytes32 commitment = keccak256(abi.encode(roots));
        require(commitment == s.commitment, CommitmentMismatch(commitment, s.commitment));
        bytes32 stream = streamOf(checkId, lane);
        require(roots.reward != 0, NoRewards(stream));
        Stream storage kept = streams[stream];
        // a later root holds all that an earlier one held
        require(epoch >= kept.nextEpoch, EpochNotNewer(epoch, kept.nextEpoch));
        (kept.root, kept.nextEpoch) = (roots.reward, epoch + 1);
        emit RootAccepted(checkId, lane, epoch, roots.reward);
    }

    /// @notice Pays an account what it has not yet had. Anyone may call it; only the account is paid.
    /// @param proof The leaf with its place and path, packed (`RewardTree.foldPacked`).
    function claim(bytes32 stream, bytes calldata proof) external {
        bytes32 root = streams[stream].root;
        bytes32 got = RewardTree.foldPacked(proof);
        if (got != root) {
            // nothing hashes to zero, so a stream without rewards ends here too
            require(root != 0, NoRewards(stream));
            revert NotInTree(got, root);
        }
        (address account, uint128 cumulative) = RewardLeaf.due(proof);
        mapping(address => uint256) storage had = claimed[stream];
        uint256 before = had[account];
        require(cumulative > before, NothingToClaim(account, cumulative, before));
        had[account] = cumulative;
        uint256 amount;
        unchecked {
            // more than before, as just required
            amount = cumulative - before;
        }
        emit Claimed(stream, account);
        require(TOKEN.transfer(account, amount), TransferFailed(account, amount));
    }

    /// @notice Stops a stream, for guardians: its next final settlement starts it again. It can only
    /// delay, never take or redirect.
    function stop(bytes32 stream) external restricted {
        streams[stream].root = 0;
        emit StreamStopped(stream, streams[stream].nextEpoch);
    }

    /// @notice The root that a stream is paid from.
    function streamAt(bytes32 stream) external view returns (Stream memory) {
        return streams[stream];
    }

    /// @notice What an account has had of a stream.
    function claimedOf(bytes32 stream, address account) external view returns (uint256) {
        return claimed[stream][account];
    }

    /// @notice Key of a stream.
    function streamOf(bytes32 checkId, uint256 lane) public pure returns (bytes32) {
        return keccak256(abi.encode(checkId, lane));
    }
}
