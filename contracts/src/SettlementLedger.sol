// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {CheckRegistry} from "./CheckRegistry.sol";
import {SettlementLedgerStorage} from "./SettlementLedgerStorage.sol";
import {PullPayments} from "./lib/PullPayments.sol";

/// @title SettlementLedger
/// @notice What a gateway concluded: for each (check, lane, epoch) one commitment to all its roots.
/// A lane is an H3 base cell, so that many gateways settle one check without meeting.
/// @dev Two slots an entry, so one `eth_getProof` with two keys shows who said what with which
/// module. The six roots are hashed into one word: whoever shows them is checked against it, and
/// proposing costs a third of what six words would.
///
/// ```text
///            ┌──────────── reserve ───────────┐
///  nothing ──┴─ propose ─> proposed ─ finalize ─> final ─ reclaim
///     reserved ─ propose ─^   │  ^
///                      refute │  │ propose
///                             v  │
///                            refuted
/// ```
/// A reservation that lapsed, and a proposal that nobody made final in time, is proposed over.
/// Bond and window never change: nobody, no vote either, can weaken what secures an entry that is
/// already there. Other terms need another ledger, announced like any proposal.
contract SettlementLedger is SettlementLedgerStorage, PullPayments, AccessManaged {
    uint8 internal constant PROPOSED = 1;
    uint8 internal constant FINAL = 2;
    uint8 internal constant REFUTED = 3;
    uint8 internal constant RESERVED = 4;
    /// @dev H3 has 122 base cells, numbered from 0.
    uint256 internal constant LANES = 122;
    /// @notice Seconds that a reservation holds. Judging a lane takes minutes; an hour leaves room for
    /// a restart, and an epoch of a day is hardly delayed by a gateway that reserved and went away.
    uint64 public constant RESERVATION = 1 hours;
    /// @notice Seconds after its window in which a proposal must become final, which anyone can make
    /// it. One that cannot (its module was never pinned) would block the entry for ever; a week is
    /// longer than any dispute takes and than anybody who has a bond in it forgets.
    uint64 public constant TAKE_OVER = 7 days;

    mapping(bytes32 key => Seal) internal seals;
    /// @notice The contract that may refute entries.
    address public disputeGame;

    /// @notice Registry that says which module judges.
    CheckRegistry public immutable CHECKS;
    /// @notice Wei that a proposer puts in and gets back when the entry is final.
    uint256 public immutable BOND;
    /// @notice Seconds in which a proposal can be disputed.
    uint64 public immutable WINDOW;

    /// @notice A gateway means to settle an entry; until the deadline nobody else can.
    event Reserved(
        bytes32 indexed checkId,
        uint256 indexed lane,
        uint256 indexed epoch,
        address proposer,
        uint64 deadline
    );
    /// @notice A gateway proposed an entry. It can be final `WINDOW` seconds after this block.
    event Proposed(
        bytes32 indexed checkId,
        uint256 indexed lane,
        uint256 indexed epoch,
        address proposer,
        Roots roots
    );
    /// @notice An entry became final.
    event Finalized(bytes32 indexed checkId, uint256 indexed lane, uint256 indexed epoch);
    /// @notice An entry was shown to be wrong, or nobody could say.
    event Refuted(bytes32 indexed key, address indexed proposer);
    /// @notice All these lanes of an epoch can be proven together.
    event Sealed(bytes32 indexed checkId, uint256 indexed epoch, uint128 lanes, bytes32 digest);
    /// @notice Another contract may refute entries.
    event DisputeGameSet(address indexed game);

    error AlreadyProposed(bytes32 checkId, uint256 lane, uint256 epoch, address proposer);
    error NotProposed(bytes32 checkId, uint256 lane, uint256 epoch);
    error NotFinal(bytes32 key, uint8 got);
    error BondAlreadyReturned(bytes32 key);
    error LaneOutOfRange(uint256 got, uint256 limit);
    error BondMismatch(uint256 got, uint256 expected);
    error ModuleNotPinned(bytes32 got, bytes32 expected);
    error ModuleNotActive(uint64 activeFrom, uint64 proposedAt);
    error AnchorUnknown(uint256 anchorNumber, bytes32 got, bytes32 expected);
    error WindowOpen(uint64 deadline, uint256 nowSeconds);
    error WindowClosed(uint64 deadline, uint256 nowSeconds);
    error DisputesOpen(bytes32 key, uint16 got);
    error CommitmentMismatch(bytes32 got, bytes32 expected);
    error NotDisputeGame(address got, address expected);
    error SealShrinks(uint128 got, uint128 expected);

    modifier onlyGame() {
        require(msg.sender == disputeGame, NotDisputeGame(msg.sender, disputeGame));
        _;
    }

    /// @notice Deploys the ledger; bond and window are for ever.
    /// @param authority The AccessManager that says who names the dispute game.
    /// @param checks The check registry.
    /// @param bond Wei.
    /// @param window Seconds.
    constructor(address authority, CheckRegistry checks, uint256 bond, uint64 window)
        AccessManaged(authority)
    {
        CHECKS = checks;
        BOND = bond;
        WINDOW = window;
    }

    /// @notice Keeps an entry for the caller, with the bond as value. Whoever reserves and does not
    /// propose in time loses the bond, and the entry is open to all.
    function reserve(bytes32 checkId, uint256 lane, uint256 epoch) external payable {
        require(lane < LANES, LaneOutOfRange(lane, LANES));
        require(msg.value == BOND, BondMismatch(msg.value, BOND));
        Settlement storage s = settlements[settlementKey(checkId, lane, epoch)];
        require(
            s.status == 0 || s.status == REFUTED, AlreadyProposed(checkId, lane, epoch, s.proposer)
        );
        uint64 deadline = uint64(block.timestamp) + RESERVATION;
        s.commitment = 0;
        s.proposer = msg.sender;
        s.deadline = deadline;
        s.status = RESERVED;
        emit Reserved(checkId, lane, epoch, msg.sender, deadline);
    }

    /// @notice Proposes what an epoch of one lane came to, with the bond as value unless the caller
    /// reserved the entry. One proposal an entry; a refuted one may be replaced.
    /// @param anchorNumber Number of the anchor block, among the last 256: the EVM itself then
    /// vouches for its hash, and a reader needs no other proof of that header.
    function propose(
        bytes32 checkId,
        uint256 lane,
        uint256 epoch,
        uint256 anchorNumber,
        Roots calldata roots
    ) external payable {
        require(lane < LANES, LaneOutOfRange(lane, LANES));
        bytes32 known = blockhash(anchorNumber);
        require(
            known != 0 && known == roots.anchorHash,
            AnchorUnknown(anchorNumber, roots.anchorHash, known)
        );
        Settlement storage s = settlements[settlementKey(checkId, lane, epoch)];
        uint256 due = _takeOver(s, checkId, lane, epoch);
        require(msg.value == due, BondMismatch(msg.value, due));
        _write(s, keccak256(abi.encode(roots)), uint64(block.timestamp) + WINDOW);
        emit Proposed(checkId, lane, epoch, msg.sender, roots);
    }

    /// @notice Makes an undisputed entry final. Anyone may call it once the window has passed.
    /// @param version Version of the check that pins the module of the roots. It is checked here and
    /// not when the entry is proposed, which is thereby a tenth cheaper: until an entry is final
    /// nobody is paid by it.
    /// @param roots The roots behind the commitment, as the proposal's event has them.
    function finalize(
        bytes32 checkId,
        uint256 lane,
        uint256 epoch,
        uint256 version,
        Roots calldata roots
    ) external {
        bytes32 key = settlementKey(checkId, lane, epoch);
        Settlement storage s = settlements[key];
        require(s.status == PROPOSED, NotProposed(checkId, lane, epoch));
        require(block.timestamp > s.deadline, WindowOpen(s.deadline, block.timestamp));
        require(s.openDisputes == 0, DisputesOpen(key, s.openDisputes));
        bytes32 commitment = keccak256(abi.encode(roots));
        require(commitment == s.commitment, CommitmentMismatch(commitment, s.commitment));
        (bytes32 pinned, uint64 activeFrom) = CHECKS.moduleOf(checkId, version);
        require(
            pinned == roots.moduleHash && pinned != 0, ModuleNotPinned(roots.moduleHash, pinned)
        );
        uint64 proposedAt = s.deadline - WINDOW;
        require(activeFrom <= proposedAt, ModuleNotActive(activeFrom, proposedAt));
        s.status = FINAL;
        emit Finalized(checkId, lane, epoch);
    }

    /// @notice Frees the bond of a final entry, for its proposer to withdraw.
    function reclaim(bytes32 checkId, uint256 lane, uint256 epoch) external {
        bytes32 key = settlementKey(checkId, lane, epoch);
        Settlement storage s = settlements[key];
        require(s.status == FINAL, NotFinal(key, s.status));
        require(!s.bondReturned, BondAlreadyReturned(key));
        s.bondReturned = true;
        withdrawable[s.proposer] += BOND;
    }

    /// @notice Makes final lanes of an epoch provable together. Anyone may call it, again when more
    /// lanes are final; a lane that was in stays in.
    /// @param lanes Bit n for lane n.
    function sealEpoch(bytes32 checkId, uint256 epoch, uint128 lanes) external {
        require(lanes >> LANES == 0, LaneOutOfRange(lanes >> LANES, 0));
        Seal storage kept = seals[sealKey(checkId, epoch)];
        require(lanes & kept.lanes == kept.lanes, SealShrinks(lanes, kept.lanes));
        bytes memory commitments;
        for (uint256 lane = 0; lane < LANES; ++lane) {
            if ((lanes >> lane) & 1 == 0) continue;
            bytes32 key = settlementKey(checkId, lane, epoch);
            Settlement storage s = settlements[key];
            require(s.status == FINAL, NotFinal(key, s.status));
            commitments = bytes.concat(commitments, s.commitment);
        }
        bytes32 digest = keccak256(commitments);
        (kept.digest, kept.lanes, kept.sealedAt) = (digest, lanes, uint64(block.timestamp));
        emit Sealed(checkId, epoch, lanes, digest);
    }

    /// @notice The dispute game stops an entry from becoming final until a quorum has decided.
    /// @return proposer Whose proposal it is.
    /// @return deadline With proposer and commitment it names this proposal of the entry.
    function openDispute(bytes32 key, bytes32 commitment)
        external
        onlyGame
        returns (address proposer, uint64 deadline)
    {
        Settlement storage s = _disputable(key, commitment);
        ++s.openDisputes;
        return (s.proposer, s.deadline);
    }

    /// @notice The dispute game lets an entry go on that it had stopped.
    function closeDispute(bytes32 key) external onlyGame {
        Settlement storage s = settlements[key];
        require(s.openDisputes != 0, NotFinal(key, s.status));
        --s.openDisputes;
    }

    /// @notice The dispute game strikes an entry out before its deadline, and gets its bond to divide.
    function refute(bytes32 key, bytes32 commitment) external onlyGame {
        _refute(_disputable(key, commitment), key);
    }

    /// @notice The dispute game strikes an entry out that it had stopped, and gets its bond to divide.
    function refuteDisputed(bytes32 key) external onlyGame {
        Settlement storage s = settlements[key];
        require(s.openDisputes != 0, NotFinal(key, s.status));
        _refute(s, key);
    }

    /// @notice Names the contract that may refute entries.
    function setDisputeGame(address game) external restricted {
        disputeGame = game;
        emit DisputeGameSet(game);
    }

    /// @notice One entry; all zero if nothing was proposed.
    function settlement(bytes32 checkId, uint256 lane, uint256 epoch)
        external
        view
        returns (Settlement memory)
    {
        return settlements[settlementKey(checkId, lane, epoch)];
    }

    /// @notice One entry by its key.
    function settlementAt(bytes32 key) external view returns (Settlement memory) {
        return settlements[key];
    }

    /// @notice The seal of an epoch; all zero if there is none.
    function sealOf(bytes32 checkId, uint256 epoch) external view returns (Seal memory) {
        return seals[sealKey(checkId, epoch)];
    }

    /// @notice Key of an entry in the mapping at slot 0.
    function settlementKey(bytes32 checkId, uint256 lane, uint256 epoch)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(checkId, lane, epoch));
    }

    /// @notice Key of a seal in the mapping at slot 3.
    function sealKey(bytes32 checkId, uint256 epoch) public pure returns (bytes32) {
        return keccak256(abi.encode(checkId, epoch));
    }

    /// @dev What the caller owes to propose here: nothing more on an own reservation. A lapsed one, and
    /// a proposal that nobody could make final, is taken over, and its bond burns.
    function _takeOver(Settlement storage s, bytes32 checkId, uint256 lane, uint256 epoch)
        private
        returns (uint256 due)
    {
        uint8 status = s.status;
        if (status == 0 || status == REFUTED) return BOND;
        if (status == RESERVED && s.proposer == msg.sender) return 0;
        uint256 until = s.deadline;
        if (status == PROPOSED) until += TAKE_OVER;
        require(
            status != FINAL && block.timestamp > until && s.openDisputes == 0,
            AlreadyProposed(checkId, lane, epoch, s.proposer)
        );
        withdrawable[BURN] += BOND;
        return BOND;
    }

    /// @dev Both words at once, where the compiler would write the second one three times. The tests
    /// hold it against the getter.
    function _write(Settlement storage s, bytes32 commitment, uint64 deadline) private {
        uint256 word = uint160(msg.sender) | (uint256(deadline) << 160) | (uint256(PROPOSED) << 224);
        assembly ("memory-safe") {
            sstore(s.slot, commitment)
            sstore(add(s.slot, 1), word)
        }
    }

    function _disputable(bytes32 key, bytes32 commitment)
        private
        view
        returns (Settlement storage s)
    {
        s = settlements[key];
        require(s.status == PROPOSED, NotFinal(key, s.status));
        require(s.commitment == commitment, CommitmentMismatch(commitment, s.commitment));
        require(block.timestamp <= s.deadline, WindowClosed(s.deadline, block.timestamp));
    }

    /// @dev The one payment that is pushed: to the contract that called, which takes it.
    function _refute(Settlement storage s, bytes32 key) private {
        (s.status, s.openDisputes) = (REFUTED, 0);
        emit Refuted(key, s.proposer);
        (bool ok,) = msg.sender.call{value: BOND}("");
        require(ok, TransferFailed(msg.sender, BOND));
    }
}
