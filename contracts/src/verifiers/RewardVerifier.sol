// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claim, IVerifier} from "../IVerifier.sol";
import {RewardSchedule} from "../RewardSchedule.sol";
import {SettlementLedger} from "../SettlementLedger.sol";
import {SettlementLedgerStorage} from "../SettlementLedgerStorage.sol";
import {RewardLeaf} from "../lib/RewardLeaf.sol";
import {RewardTree} from "../lib/RewardTree.sol";

/// @title RewardVerifier
/// @notice A reward leaf does not add up: with itself, with the epoch before, or it is there twice.
/// @dev That the score is the sum of the account's verdicts is not decided here: it needs all of them,
/// and a quorum.
contract RewardVerifier is IVerifier {
    /// @notice A leaf with its path in the reward tree.
    struct Placed {
        RewardLeaf.Leaf leaf;
        uint256 index;
        uint256 count;
        bytes32[] path;
    }

    /// @notice Form: a leaf that does not add up with itself.
    uint8 public constant ARITHMETIC = 0;
    /// @notice Form: a leaf that does not go on from the epoch before.
    uint8 public constant BROKEN_CHAIN = 1;
    /// @notice Form: two leaves of one account.
    uint8 public constant TWICE = 2;
    uint8 private constant FINAL = 2;

    /// @notice What a score is worth.
    RewardSchedule public immutable SCHEDULE;
    /// @notice Where the epoch before is.
    SettlementLedger public immutable LEDGER;

    error UnknownForm(uint8 got);
    error NotInTree(bytes32 got, bytes32 expected);
    error NotSettled(bytes32 got, bytes32 expected, uint8 status);

    /// @notice Deploys the verifier for a schedule and a ledger.
    constructor(RewardSchedule schedule, SettlementLedger ledger) {
        SCHEDULE = schedule;
        LEDGER = ledger;
    }

    /// @inheritdoc IVerifier
    /// @dev `proof` is abi.encode(form, bytes), the bytes being abi.encode of ARITHMETIC: (Placed);
    /// BROKEN_CHAIN: (Placed, Roots of the epoch before, Placed there); TWICE: (Placed, Placed).
    function refutes(Claim calldata claim, bytes calldata proof) external view returns (bool) {
        (uint8 form, bytes memory shown) = abi.decode(proof, (uint8, bytes));
        if (form == ARITHMETIC) return _wrong(claim, shown);
        if (form == BROKEN_CHAIN) return _broken(claim, shown);
        require(form == TWICE, UnknownForm(form));
        (Placed memory a, Placed memory b) = abi.decode(shown, (Placed, Placed));
        _check(a, claim.roots.reward);
        _check(b, claim.roots.reward);
        return a.leaf.account == b.leaf.account && a.index != b.index;
    }

    /// @dev cumulative = previous + what the score is worth, capped.
    function _wrong(Claim calldata claim, bytes memory shown) private view returns (bool) {
        Placed memory p = abi.decode(shown, (Placed));
        _check(p, claim.roots.reward);
        uint64 epoch = _epoch(claim.epoch);
        uint256 earned = SCHEDULE.rewardOf(claim.checkId, epoch, p.leaf.scorePpm);
        return p.leaf.cumulative != p.leaf.previous + earned;
    }

    /// @dev `previous` is not what the account's leaf of the epoch before says.
    function _broken(Claim calldata claim, bytes memory shown) private view returns (bool) {
        (Placed memory now_, SettlementLedgerStorage.Roots memory roots, Placed memory before) =
            abi.decode(shown, (Placed, SettlementLedgerStorage.Roots, Placed));
        _check(now_, claim.roots.reward);
        SettlementLedgerStorage.Settlement memory s =
            LEDGER.settlement(claim.checkId, claim.lane, claim.epoch - 1);
        bytes32 commitment = keccak256(abi.encode(roots));
        require(
            s.status == FINAL && s.commitment == commitment,
            NotSettled(commitment, s.commitment, s.status)
        );
        _check(before, roots.reward);
        return
            now_.leaf.account == before.leaf.account && now_.leaf.previous != before.leaf.cumulative;
    }

    function _check(Placed memory p, bytes32 root) private pure {
        bytes32 got = RewardTree.fold(RewardLeaf.hash(p.leaf), p.index, p.count, p.path);
        require(got == root, NotInTree(got, root));
    }

    /// @dev Epochs above 64 bits have no rate: the newest one holds for them.
    function _epoch(uint256 epoch) private pure returns (uint64) {
        // forge-lint: disable-next-line(unsafe-typecast) bounded beside it
        return epoch > type(uint64).max ? type(uint64).max : uint64(epoch);
    }
}
