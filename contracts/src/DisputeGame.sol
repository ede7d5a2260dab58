// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {GatewayQuorum} from "./GatewayQuorum.sol";
import {Claim, IVerifier} from "./IVerifier.sol";
import {SettlementLedger} from "./SettlementLedger.sol";
import {SettlementLedgerStorage} from "./SettlementLedgerStorage.sol";
import {PullPayments} from "./lib/PullPayments.sol";
import {Verdicts} from "./lib/Verdicts.sol";

/// @title Storage of the dispute game
/// @notice Inherited first, so that the proven mappings stand at slots 0 and 1.
abstract contract DisputeGameStorage {
    /// @notice A challenge that is announced but not yet shown; one word.
    struct Sealed {
        address challenger;
        uint40 blockNumber;
        /// Unix time, seconds.
        uint40 sealedAt;
        /// 0 nothing, 1 sealed, 2 won: prize and bond can be taken, 3 the bond is gone.
        uint8 status;
    }

    /// @notice A question to the quorum.
    struct Dispute {
        /// Entry of the ledger.
        bytes32 key;
        /// Commitment, proposer and deadline name the proposal: the entry may be proposed anew.
        bytes32 commitment;
        /// sha256 of the output that the proposal has for the leaf.
        bytes32 outputHash;
        /// sha256 of the evidence bundle that the quorum judges.
        bytes32 bundleHash;
        address proposer;
        uint64 deadline;
        /// Votes that decide, as there were members when it began.
        uint32 needed;
        address challenger;
        /// Unix time, seconds.
        uint64 openedAt;
        /// 0 nothing, 1 open, 2 the proposal was wrong, 3 it was right, 4 nobody could say.
        uint8 status;
    }

    mapping(bytes32 hash => Sealed) internal seals;
    mapping(bytes32 disputeId => Dispute) internal disputes;
}

/// @title DisputeGame
/// @notice Anyone with a bond shows that a proposal is wrong.
/// @dev
/// ```text
///  seal ──> challenge     one proof, one transaction: a verifier says so, the entry is struck out
///     └───> ask ──> resolve   a quorum re-runs the pinned module on the leaf
///                └> lapse     it did not answer: the entry is open again
///  collect / takeBackMoot / forfeit      what becomes of the challenger's bond
/// ```
/// A challenge is sealed a block before it is shown, so that nobody who reads it in the pool can be
/// first with it.
contract DisputeGame is DisputeGameStorage, PullPayments, AccessManaged {
    /// @notice The verifier of this kind would be the quorum: questions are sealed with it.
    uint8 public constant KIND_QUORUM = 255;
    /// @notice Blocks between sealing and showing, at least one: whoever orders one block cannot put a
    /// seal before the proof that it copies.
    uint40 public constant SEAL_BLOCKS = 1;
    /// @notice Seconds in which a seal must be shown or be lost.
    uint40 public constant SEAL_TIME = 1 hours;
    /// @notice Seconds in which the quorum answers. Re-running one leaf takes seconds; a day is there
    /// for people to be woken.
    uint64 public constant VOTE_TIME = 1 days;
    /// @notice Seconds between announcing another verifier and its first use: longer than a dispute
    /// window, so that no proposal is judged by rules that came after it.
    uint64 public constant VERIFIER_DELAY = 7 days;
    uint8 internal constant PROPOSED = 1;
    uint8 internal constant REFUTED = 3;
    uint8 internal constant SEALED = 1;
    uint8 internal constant WON = 2;
    uint8 internal constant GONE = 3;
    uint8 internal constant OPEN = 1;
    uint8 internal constant WRONG = 2;
    uint8 internal constant RIGHT = 3;
    uint8 internal constant UNDECIDED = 4;

    /// @notice A verifier to come.
    struct Announced {
        address verifier;
        uint64 activeFrom;
    }

    /// @notice What shows that a proposal is wrong, by kind.
    mapping(uint8 kind => IVerifier) public verifiers;
    /// @notice What will, once its delay has passed.
    mapping(uint8 kind => Announced) public announced;

    /// @notice The ledger whose entries are disputed.
    SettlementLedger public immutable LEDGER;
    /// @notice Who answers what no verifier can.
    GatewayQuorum public immutable QUORUM;
    /// @notice Wei that a challenger puts in.
    uint256 public immutable BOND;
    /// @notice Wei that a proposer put in. The winner gets half of it; the other half burns, so that
    /// whoever refutes its own proposal still loses.
    uint256 public immutable PROPOSAL_BOND;

    /// @notice Somebody will show something.
    event ChallengeSealed(bytes32 indexed hash, address indexed challenger);
    /// @notice A proposal was shown to be wrong.
    event ChallengeWon(
        bytes32 indexed checkId, bytes32 indexed key, address indexed challenger, uint8 kind
    );
    /// @notice The quorum is asked.
    event DisputeOpened(
        bytes32 indexed disputeId,
        bytes32 indexed checkId,
        bytes32 indexed key,
        uint256 leaf,
        bytes32 bundleHash,
        bytes32 outputHash
    );
    /// @notice A dispute is over.
    event DisputeClosed(bytes32 indexed disputeId, uint8 status, bytes32 outputHash);
    /// @notice A challenger's bond is gone: it sealed and showed nothing.
    event SealForfeited(bytes32 indexed hash, address indexed challenger);
    /// @notice Another verifier will be used.
    event VerifierAnnounced(uint8 indexed kind, address indexed verifier, uint64 activeFrom);
    /// @notice Another verifier is used.
    event VerifierActivated(uint8 indexed kind, address indexed verifier);

    error BondMismatch(uint256 got, uint256 expected);
    error NotTheLedger(address got, address expected);
    error AlreadySealed(bytes32 hash);
    error NotSealed(bytes32 hash, uint8 got, uint8 expected);
    error SealTooFresh(uint256 blockNumber, uint256 expected);
    error SealTooOld(uint256 nowSeconds, uint256 expected);
    error SealStillOpen(uint256 nowSeconds, uint256 expected);
    error NoVerifier(uint8 kind);
    error NothingShown(uint8 kind);
    error StillDisputable(bytes32 key, uint8 status);
    error NotOpen(bytes32 disputeId, uint8 got, uint8 expected);
    error TooFewVotes(uint256 got, uint256 expected);
    error VoteOver(uint256 nowSeconds, uint256 expected);
    error VoteRunning(uint256 nowSeconds, uint256 expected);
    error NotAnnounced(uint8 kind, uint256 nowSeconds, uint256 expected);

    /// @notice Deploys the game for a ledger and a quorum; the bond is for ever.
    /// @param authority The AccessManager that says who announces verifiers.
    /// @param bond Wei that a challenger puts in.
    constructor(address authority, SettlementLedger ledger, GatewayQuorum quorum, uint256 bond)
        AccessManaged(authority)
    {
        LEDGER = ledger;
        QUORUM = quorum;
        BOND = bond;
        PROPOSAL_BOND = ledger.BOND();
    }

    /// @notice Announces a challenge without saying which, with the bond as value.
    /// @param hash `sealHash` of what will be shown.
    function seal(bytes32 hash) external payable {
        require(msg.value == BOND, BondMismatch(msg.value, BOND));
        require(seals[hash].status == 0, AlreadySealed(hash));
        seals[hash] = Sealed(msg.sender, uint40(block.number), uint40(block.timestamp), SEALED);
        emit ChallengeSealed(hash, msg.sender);
    }

    /// @notice The ledger hands over the bond of an entry that was struck out.
    receive() external payable {
        require(msg.sender == address(LEDGER), NotTheLedger(msg.sender, address(LEDGER)));
    }

    /// @notice Shows that a proposal is wrong. It is struck out at once; `collect` then pays.
    function challenge(Claim calldata claim, uint8 kind, bytes calldata proof, bytes32 salt)
        external
    {
        IVerifier verifier = verifiers[kind];
        require(address(verifier) != address(0), NoVerifier(kind));
        (bytes32 key, bytes32 commitment) = _name(claim);
        _show(sealHash(msg.sender, key, commitment, kind, keccak256(proof), salt));
        require(verifier.refutes(claim, proof), NothingShown(kind));
        emit ChallengeWon(claim.checkId, key, msg.sender, kind);
        LEDGER.refute(key, commitment);
    }

    /// @notice Asks the quorum about one leaf of the verdict tree. Until it has answered, the entry
    /// cannot become final.
    function ask(Claim calldata claim, Verdicts.Leaf calldata leaf, bytes32 salt)
        external
        returns (bytes32 disputeId)
    {
        (bytes32 key, bytes32 commitment) = _name(claim);
        disputeId =
            sealHash(msg.sender, key, commitment, KIND_QUORUM, keccak256(abi.encode(leaf)), salt);
        _show(disputeId);
        // the bond now hangs on the answer
        seals[disputeId].status = GONE;
        Verdicts.check(leaf, claim.roots.verdict);
        Dispute storage d = disputes[disputeId];
        (d.key, d.commitment) = (key, commitment);
        (d.outputHash, d.bundleHash) = (sha256(leaf.output), leaf.bundleHash);
        (d.challenger, d.openedAt, d.status) = (msg.sender, uint64(block.timestamp), OPEN);
        // forge-lint: disable-next-line(unsafe-typecast) members pay for every one of them
        d.needed = uint32(QUORUM.needed());
        emit DisputeOpened(disputeId, claim.checkId, key, leaf.index, leaf.bundleHash, d.outputHash);
        (d.proposer, d.deadline) = LEDGER.openDispute(key, commitment);
    }

    /// @notice Brings the quorum's answer: enough gateways signed the same output for the leaf.
    /// @param outputHash sha256 of the output that they had.
    /// @param signatures Ascending by signer.
    function resolve(bytes32 disputeId, bytes32 outputHash, bytes[] calldata signatures) external {
        Dispute storage d = _open(disputeId);
        if (_moot(disputeId, d)) return;
        uint256 until = uint256(d.openedAt) + VOTE_TIME;
        require(block.timestamp <= until, VoteOver(block.timestamp, until));
        uint256 votes =
            QUORUM.tally(disputeId, outputHash, d.openedAt, d.proposer, d.challenger, signatures);
        require(votes >= d.needed, TooFewVotes(votes, d.needed));
        bool wrong = outputHash != d.outputHash;
        d.status = wrong ? WRONG : RIGHT;
        if (wrong) {
            _reward(d.challenger);
            LEDGER.refuteDisputed(d.key);
        } else {
            // the loser's bond: half to the one it hurt, half burns
            withdrawable[d.proposer] += BOND / 2;
            withdrawable[BURN] += BOND - BOND / 2;
            LEDGER.closeDispute(d.key);
        }
        emit DisputeClosed(disputeId, d.status, outputHash);
    }

    /// @notice Ends a dispute that the quorum left unanswered. The entry can be proposed anew: what
    /// nobody can judge is not final. The proposer loses nothing; half of the challenger's bond burns,
    /// for it stopped an entry for a day and proved nothing.
    function lapse(bytes32 disputeId) external {
        Dispute storage d = _open(disputeId);
        if (_moot(disputeId, d)) return;
        uint256 until = uint256(d.openedAt) + VOTE_TIME;
        require(block.timestamp > until, VoteRunning(block.timestamp, until));
        d.status = UNDECIDED;
        withdrawable[d.challenger] += BOND / 2;
        withdrawable[BURN] += BOND - BOND / 2;
        withdrawable[d.proposer] += PROPOSAL_BOND;
        emit DisputeClosed(disputeId, UNDECIDED, 0);
        LEDGER.refuteDisputed(d.key);
    }

    /// @notice Divides what a won challenge brought: bond and prize to the challenger, the rest burns.
    function collect(bytes32 hash) external {
        Sealed storage s = seals[hash];
        require(s.status == WON, NotSealed(hash, s.status, WON));
        s.status = GONE;
        _reward(s.challenger);
    }

    /// @notice Takes the bond back when somebody else was first: the proposal that the seal names is
    /// already struck out or replaced.
    function takeBackMoot(
        bytes32 key,
        bytes32 commitment,
        uint8 kind,
        bytes32 proofHash,
        bytes32 salt
    ) external {
        bytes32 hash = sealHash(msg.sender, key, commitment, kind, proofHash, salt);
        Sealed storage s = seals[hash];
        require(s.status == SEALED, NotSealed(hash, s.status, SEALED));
        SettlementLedgerStorage.Settlement memory entry = LEDGER.settlementAt(key);
        require(
            entry.status == REFUTED || entry.commitment != commitment,
            StillDisputable(key, entry.status)
        );
        s.status = GONE;
        withdrawable[msg.sender] += BOND;
    }

    /// @notice Burns the bond of a seal that was not shown in time. A false challenge ends here: there
    /// is nothing it could show.
    function forfeit(bytes32 hash) external {
        Sealed storage s = seals[hash];
        require(s.status == SEALED, NotSealed(hash, s.status, SEALED));
        uint256 until = uint256(s.sealedAt) + SEAL_TIME;
        require(block.timestamp > until, SealStillOpen(block.timestamp, until));
        s.status = GONE;
        withdrawable[BURN] += BOND;
        emit SealForfeited(hash, s.challenger);
    }

    /// @notice Announces the verifier of a kind. The first of a kind is active at once: there is
    /// nothing that it displaces.
    function announce(uint8 kind, IVerifier verifier) external restricted {
        require(kind != KIND_QUORUM, NoVerifier(kind));
        if (address(verifiers[kind]) == address(0)) {
            verifiers[kind] = verifier;
            emit VerifierActivated(kind, address(verifier));
            return;
        }
        uint64 activeFrom = uint64(block.timestamp) + VERIFIER_DELAY;
        announced[kind] = Announced(address(verifier), activeFrom);
        emit VerifierAnnounced(kind, address(verifier), activeFrom);
    }

    /// @notice Puts an announced verifier in its place. Anyone may call it once its time has come.
    function activate(uint8 kind) external {
        Announced memory next = announced[kind];
        require(
            next.activeFrom != 0 && block.timestamp >= next.activeFrom,
            NotAnnounced(kind, block.timestamp, next.activeFrom)
        );
        delete announced[kind];
        verifiers[kind] = IVerifier(next.verifier);
        emit VerifierActivated(kind, next.verifier);
    }

    /// @notice One dispute; all zero if there is none.
    function dispute(bytes32 disputeId) external view returns (Dispute memory) {
        return disputes[disputeId];
    }

    /// @notice One seal; all zero if there is none.
    function sealedAs(bytes32 hash) external view returns (Sealed memory) {
        return seals[hash];
    }

    /// @notice What a challenger seals.
    /// @param proofHash keccak256 of the proof; for the quorum of abi.encode(leaf).
    function sealHash(
        address challenger,
        bytes32 key,
        bytes32 commitment,
        uint8 kind,
        bytes32 proofHash,
        bytes32 salt
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(challenger, key, commitment, kind, proofHash, salt));
    }

    function _name(Claim calldata claim) private pure returns (bytes32 key, bytes32 commitment) {
        key = keccak256(abi.encode(claim.checkId, claim.lane, claim.epoch));
        commitment = keccak256(abi.encode(claim.roots));
    }

    /// @dev The seal names its challenger, so nobody else can show what it hides.
    function _show(bytes32 hash) private {
        Sealed storage s = seals[hash];
        require(s.status == SEALED, NotSealed(hash, s.status, SEALED));
        uint256 shown = uint256(s.blockNumber) + SEAL_BLOCKS;
        require(block.number >= shown, SealTooFresh(block.number, shown));
        uint256 until = uint256(s.sealedAt) + SEAL_TIME;
        require(block.timestamp <= until, SealTooOld(block.timestamp, until));
        s.status = WON;
    }

    function _reward(address challenger) private {
        uint256 prize = PROPOSAL_BOND / 2;
        withdrawable[challenger] += BOND + prize;
        withdrawable[BURN] += PROPOSAL_BOND - prize;
    }

    function _open(bytes32 disputeId) private view returns (Dispute storage d) {
        d = disputes[disputeId];
        require(d.status == OPEN, NotOpen(disputeId, d.status, OPEN));
    }

    /// @dev Whether the proposal was struck out meanwhile by another dispute or challenge. Then the
    /// bond goes back, and the entry, which may be proposed anew, is not touched.
    function _moot(bytes32 disputeId, Dispute storage d) private returns (bool) {
        SettlementLedgerStorage.Settlement memory entry = LEDGER.settlementAt(d.key);
        if (
            entry.status == PROPOSED && entry.commitment == d.commitment
                && entry.proposer == d.proposer && entry.deadline == d.deadline
                && entry.openDisputes != 0
        ) return false;
        d.status = UNDECIDED;
        withdrawable[d.challenger] += BOND;
        emit DisputeClosed(disputeId, UNDECIDED, 0);
        return true;
    }
}
