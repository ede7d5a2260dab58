// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CheckRegistry} from "./CheckRegistry.sol";

/// @title SettlementLedger
/// @notice What a gateway concluded: for each (check, lane, epoch) one commitment to all its roots.
/// A lane is an H3 base cell, so that many gateways settle one check without meeting.
/// @dev Two slots an entry, so one `eth_getProof` with two keys shows who said what with which
/// module. The six roots are hashed into one word: whoever shows them is checked against it, and
/// proposing costs a third of what six words would.
contract SettlementLedger {
    /// @notice What is committed to, in this order.
    struct Roots {
        /// Merkle root over the evidence bundles.
        bytes32 evidence;
        /// Merkle root over the verdicts, leaf for leaf beside the evidence.
        bytes32 verdict;
        /// Merkle root over the coverage shards.
        bytes32 coverage;
        /// Merkle root over the rewards; zero while nothing is paid.
        bytes32 reward;
        /// sha256 of the check module that judged.
        bytes32 moduleHash;
        /// Hash of the execution block whose state supplied the facts and whose time was `now`.
        bytes32 anchorHash;
    }

    /// @notice One entry.
    struct Settlement {
        /// keccak256(abi.encode(Roots)).
        bytes32 commitment;
        /// Who proposed it and has the bond in.
        address proposer;
        /// Unix time after which it can be finalized, seconds.
        uint64 deadline;
        /// 0 nothing, 1 proposed, 2 final.
        uint8 status;
    }

    uint8 internal constant PROPOSED = 1;
    uint8 internal constant FINAL = 2;
    /// @dev H3 has 122 base cells, numbered from 0.
    uint256 internal constant LANES = 122;

    mapping(bytes32 key => Settlement) internal settlements;
    mapping(address account => uint256) internal withdrawable;

    /// @notice Registry that says which module judges.
    CheckRegistry public immutable CHECKS;
    /// @notice Wei that a proposer puts in and gets back when the entry is final.
    uint256 public immutable BOND;
    /// @notice Seconds in which a proposal can be disputed.
    uint64 public immutable WINDOW;

    /// @notice A gateway proposed an entry.
    event Proposed(
        bytes32 indexed checkId,
        uint256 indexed lane,
        uint256 indexed epoch,
        address proposer,
        uint64 deadline,
        Roots roots
    );
    /// @notice An entry became final.
    event Finalized(bytes32 indexed checkId, uint256 indexed lane, uint256 indexed epoch);

    error AlreadyProposed(bytes32 checkId, uint256 lane, uint256 epoch, address proposer);
    error NotProposed(bytes32 checkId, uint256 lane, uint256 epoch);
    error LaneOutOfRange(uint256 got, uint256 limit);
    error BondMismatch(uint256 got, uint256 expected);
    error ModuleNotPinned(bytes32 got, bytes32 expected);
    error ModuleNotActive(uint64 activeFrom, uint256 nowSeconds);
    error AnchorUnknown(uint256 anchorNumber, bytes32 got, bytes32 expected);
    error WindowOpen(uint64 deadline, uint256 nowSeconds);
    error NothingToWithdraw(address account);
    error TransferFailed(address account, uint256 amount);

    /// @param checks The check registry.
    /// @param bond Wei.
    /// @param window Seconds.
    constructor(CheckRegistry checks, uint256 bond, uint64 window) {
        CHECKS = checks;
        BOND = bond;
        WINDOW = window;
    }

    /// @notice Proposes what an epoch of one lane came to. One proposal an entry.
    /// @param version Version of the check whose module judged.
    /// @param anchorNumber Number of the anchor block, among the last 256: the EVM itself then
    /// vouches for its hash, and a reader needs no other proof of that header.
    function propose(
        bytes32 checkId,
        uint256 lane,
        uint256 epoch,
        uint256 version,
        uint256 anchorNumber,
        Roots calldata roots
    ) external payable {
        require(lane < LANES, LaneOutOfRange(lane, LANES));
        require(msg.value == BOND, BondMismatch(msg.value, BOND));
        _checkModule(checkId, version, roots.moduleHash);
        bytes32 known = blockhash(anchorNumber);
        require(
            known != 0 && known == roots.anchorHash,
            AnchorUnknown(anchorNumber, roots.anchorHash, known)
        );
        Settlement storage s = settlements[settlementKey(checkId, lane, epoch)];
        require(s.status == 0, AlreadyProposed(checkId, lane, epoch, s.proposer));
        uint64 deadline = uint64(block.timestamp) + WINDOW;
        s.commitment = keccak256(abi.encode(roots));
        s.proposer = msg.sender;
        s.deadline = deadline;
        s.status = PROPOSED;
        emit Proposed(checkId, lane, epoch, msg.sender, deadline, roots);
    }

    /// @notice Makes an undisputed entry final. Anyone may call it once the window has passed.
    function finalize(bytes32 checkId, uint256 lane, uint256 epoch) external {
        Settlement storage s = settlements[settlementKey(checkId, lane, epoch)];
        require(s.status == PROPOSED, NotProposed(checkId, lane, epoch));
        require(block.timestamp > s.deadline, WindowOpen(s.deadline, block.timestamp));
        s.status = FINAL;
        withdrawable[s.proposer] += BOND;
        emit Finalized(checkId, lane, epoch);
    }

    /// @notice Pays out what is due to the caller. Pulled, never pushed: a proposer that cannot
    /// receive holds up nobody.
    function withdraw() external {
        uint256 amount = withdrawable[msg.sender];
        require(amount != 0, NothingToWithdraw(msg.sender));
        withdrawable[msg.sender] = 0;
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, TransferFailed(msg.sender, amount));
    }

    /// @notice One entry; all zero if nothing was proposed.
    function settlement(bytes32 checkId, uint256 lane, uint256 epoch)
        external
        view
        returns (Settlement memory)
    {
        return settlements[settlementKey(checkId, lane, epoch)];
    }

    /// @notice Wei that `account` can withdraw.
    function withdrawableOf(address account) external view returns (uint256) {
        return withdrawable[account];
    }

    /// @notice Key of an entry in the mapping at slot 0.
    function settlementKey(bytes32 checkId, uint256 lane, uint256 epoch)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(checkId, lane, epoch));
    }

    function _checkModule(bytes32 checkId, uint256 version, bytes32 moduleHash) private view {
        CheckRegistry.Version memory v = CHECKS.versionOf(checkId, version);
        require(
            v.moduleHash == moduleHash && moduleHash != 0, ModuleNotPinned(moduleHash, v.moduleHash)
        );
        require(v.activeFrom <= block.timestamp, ModuleNotActive(v.activeFrom, block.timestamp));
    }
}
