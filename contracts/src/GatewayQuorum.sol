// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {PullPayments} from "./lib/PullPayments.sol";

/// @title Storage of the gateway quorum
/// @notice Inherited first, so that the proven mapping stands at slot 0.
abstract contract GatewayQuorumStorage {
    /// @notice A bonded gateway; one word.
    struct Gateway {
        /// Unix time since which its bond is in, seconds; 0: no member.
        uint64 joinedAt;
        /// Unix time at which it said that it leaves; 0: it stays.
        uint64 leavingAt;
        /// What it has at stake, gwei.
        uint64 bondGwei;
    }

    mapping(address gateway => Gateway) internal gateways;
}

/// @title GatewayQuorum
/// @notice Gateways that re-run a pinned module on one leaf and sign what came out. Only those whose
/// bond was in before a dispute began may vote in it, and signing two answers costs the bond.
contract GatewayQuorum is GatewayQuorumStorage, PullPayments, AccessManaged, EIP712 {
    /// @notice EIP-712 type of a vote.
    bytes32 public constant VOTE_TYPEHASH = keccak256("Vote(bytes32 disputeId,bytes32 outputHash)");
    /// @notice Wei that a member puts in.
    uint256 public immutable BOND;
    /// @notice Seconds between joining and the first dispute that a member may vote in. Whoever sees a
    /// dispute coming cannot buy votes for it: no dispute waits that long.
    uint64 public constant WARM_UP = 7 days;
    /// @notice Seconds between leaving and the return of the bond: longer than any vote is open.
    uint64 public constant UNBONDING = 21 days;
    /// @notice Fewest votes that governance may set as enough.
    uint256 public constant LEAST_QUORUM = 1;
    /// @notice Most votes that governance may set as the floor.
    uint256 public constant MOST_QUORUM = 100;

    /// @notice Votes that are needed, however few members there are.
    uint256 public floorVotes;
    /// @notice Members that have not said that they leave.
    uint256 public active;

    /// @notice A gateway put its bond in.
    event Joined(address indexed gateway);
    /// @notice A gateway votes no more.
    event Left(address indexed gateway);
    /// @notice A gateway signed two answers and lost its bond.
    event Slashed(address indexed gateway, bytes32 indexed disputeId, address indexed reporter);
    /// @notice Governance set the floor.
    event FloorSet(uint256 floorVotes);

    error BondMismatch(uint256 got, uint256 expected);
    error AlreadyMember(address gateway);
    error NotMember(address gateway);
    error StillBonded(uint256 nowSeconds, uint256 expected);
    error NotAscending(address got, address expected);
    error SameVote(bytes32 outputHash);
    error OutOfBounds(uint256 got, uint256 least, uint256 most);

    /// @notice Deploys the quorum; the bond is for ever.
    /// @param authority The AccessManager that says who sets the floor.
    /// @param bond Wei, whole gwei.
    constructor(address authority, uint256 bond, uint256 floorVotes_)
        AccessManaged(authority)
        EIP712("Heliotrope GatewayQuorum", "1")
    {
        require(bond % 1 gwei == 0, BondMismatch(bond, bond - bond % 1 gwei));
        BOND = bond;
        _setFloor(floorVotes_);
    }

    /// @notice Joins, with the bond as value.
    function join() external payable {
        require(msg.value == BOND, BondMismatch(msg.value, BOND));
        require(gateways[msg.sender].joinedAt == 0, AlreadyMember(msg.sender));
        // forge-lint: disable-next-line(unsafe-typecast) 2^64 gwei are more ether than there is
        gateways[msg.sender] = Gateway(uint64(block.timestamp), 0, uint64(BOND / 1 gwei));
        ++active;
        emit Joined(msg.sender);
    }

    /// @notice Says that the caller leaves. It votes in no dispute that begins from now on.
    function leave() external {
        Gateway storage g = gateways[msg.sender];
        require(g.joinedAt != 0 && g.leavingAt == 0, NotMember(msg.sender));
        g.leavingAt = uint64(block.timestamp);
        --active;
        emit Left(msg.sender);
    }

    /// @notice Frees the bond of a gateway that left long enough ago, for it to withdraw.
    function release(address member) external {
        Gateway memory g = gateways[member];
        require(g.leavingAt != 0, NotMember(member));
        uint256 free = uint256(g.leavingAt) + UNBONDING;
        require(block.timestamp >= free, StillBonded(block.timestamp, free));
        delete gateways[member];
        withdrawable[member] += uint256(g.bondGwei) * 1 gwei;
    }

    /// @notice Takes the bond of a gateway that signed two answers to one dispute: half to whoever
    /// shows them, half burns.
    function slash(
        bytes32 disputeId,
        bytes32 outputA,
        bytes calldata signatureA,
        bytes32 outputB,
        bytes calldata signatureB
    ) external {
        require(outputA != outputB, SameVote(outputA));
        address signer = ECDSA.recover(voteDigest(disputeId, outputA), signatureA);
        address second = ECDSA.recover(voteDigest(disputeId, outputB), signatureB);
        require(signer == second, NotMember(second));
        Gateway memory g = gateways[signer];
        require(g.joinedAt != 0, NotMember(signer));
        if (g.leavingAt == 0) --active;
        delete gateways[signer];
        uint256 bond = uint256(g.bondGwei) * 1 gwei;
        withdrawable[msg.sender] += bond / 2;
        withdrawable[BURN] += bond - bond / 2;
        emit Slashed(signer, disputeId, msg.sender);
    }

    /// @notice Sets the fewest votes that decide.
    function setFloor(uint256 floorVotes_) external restricted {
        _setFloor(floorVotes_);
    }

    /// @notice Counts votes for one answer; reverts unless every one is a member's that may vote, each
    /// once.
    /// @param since When the dispute began, Unix seconds.
    /// @param proposer No vote of its own.
    /// @param challenger No vote of its own.
    /// @param signatures Ascending by signer.
    function tally(
        bytes32 disputeId,
        bytes32 outputHash,
        uint64 since,
        address proposer,
        address challenger,
        bytes[] calldata signatures
    ) external view returns (uint256) {
        bytes32 digest = voteDigest(disputeId, outputHash);
        address last;
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = ECDSA.recover(digest, signatures[i]);
            require(signer > last, NotAscending(signer, last));
            last = signer;
            require(
                signer != proposer && signer != challenger && _mayVote(signer, since),
                NotMember(signer)
            );
        }
        return signatures.length;
    }

    /// @notice Votes that decide a dispute that begins now: more than two thirds of the members, and
    /// not fewer than the floor.
    function needed() external view returns (uint256) {
        uint256 twoThirds = active * 2 / 3 + 1;
        return twoThirds > floorVotes ? twoThirds : floorVotes;
    }

    /// @notice A member; all zero if it is none.
    function gateway(address account) external view returns (Gateway memory) {
        return gateways[account];
    }

    /// @notice The digest that a gateway signs to vote.
    function voteDigest(bytes32 disputeId, bytes32 outputHash) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOTE_TYPEHASH, disputeId, outputHash)));
    }

    function _mayVote(address signer, uint64 since) private view returns (bool) {
        Gateway memory g = gateways[signer];
        return g.joinedAt != 0 && g.joinedAt + WARM_UP <= since
            && (g.leavingAt == 0 || g.leavingAt > since);
    }

    function _setFloor(uint256 floorVotes_) private {
        require(
            floorVotes_ >= LEAST_QUORUM && floorVotes_ <= MOST_QUORUM,
            OutOfBounds(floorVotes_, LEAST_QUORUM, MOST_QUORUM)
        );
        floorVotes = floorVotes_;
        emit FloorSet(floorVotes_);
    }
}
