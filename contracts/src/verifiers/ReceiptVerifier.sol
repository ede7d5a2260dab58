// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claim, IVerifier} from "../IVerifier.sol";
import {MerkleTree} from "../lib/MerkleTree.sol";
import {Reports} from "../lib/Reports.sol";
import {Verdicts} from "../lib/Verdicts.sol";

/// @title ReceiptVerifier
/// @notice A signed report in the evidence is forged; something that counts once was counted twice; or
/// a verdict scores more than a full check.
contract ReceiptVerifier is IVerifier {
    /// @notice Form: a report that its device did not sign.
    uint8 public constant FORGED = 0;
    /// @notice Form: two passes with one replay key.
    uint8 public constant DOUBLE_CLAIM = 1;
    /// @notice Form: a verdict that scores more than a full check.
    uint8 public constant OVER_CAP = 2;

    error UnknownForm(uint8 got);
    error NotInEvidence(bytes32 got, bytes32 expected);

    /// @inheritdoc IVerifier
    /// @dev `proof` is abi.encode(form, bytes), the bytes being abi.encode of
    /// FORGED: (index, count, bundle, path in the evidence tree, report: 0 the beacon, n witness n − 1)
    /// DOUBLE_CLAIM: (Verdicts.Leaf, Verdicts.Leaf); OVER_CAP: (Verdicts.Leaf).
    function refutes(Claim calldata claim, bytes calldata proof) external view returns (bool) {
        (uint8 form, bytes memory shown) = abi.decode(proof, (uint8, bytes));
        if (form == FORGED) return _forged(claim.roots.evidence, shown);
        if (form == DOUBLE_CLAIM) return _twice(claim.roots.verdict, shown);
        require(form == OVER_CAP, UnknownForm(form));
        Verdicts.Leaf memory leaf = abi.decode(shown, (Verdicts.Leaf));
        Verdicts.check(leaf, claim.roots.verdict);
        return Verdicts.read(leaf.output).scorePpm > Verdicts.FULL_SCORE_PPM;
    }

    function _forged(bytes32 root, bytes memory shown) private view returns (bool) {
        (uint256 index, uint256 count, bytes memory bundle, bytes32[] memory path, uint256 n) =
            abi.decode(shown, (uint256, uint256, bytes, bytes32[], uint256));
        bytes32 got = MerkleTree.fold(MerkleTree.leafHash(bundle), index, count, path);
        require(got == root, NotInEvidence(got, root));
        return Reports.forged(Reports.read(Reports.at_(bundle, n).report));
    }

    function _twice(bytes32 root, bytes memory shown) private view returns (bool) {
        (Verdicts.Leaf memory a, Verdicts.Leaf memory b) =
            abi.decode(shown, (Verdicts.Leaf, Verdicts.Leaf));
        if (a.index == b.index) return false;
        Verdicts.check(a, root);
        Verdicts.check(b, root);
        Verdicts.Output memory first = Verdicts.read(a.output);
        Verdicts.Output memory second = Verdicts.read(b.output);
        return first.verdict == Verdicts.PASS && second.verdict == Verdicts.PASS
            && first.replayKey == second.replayKey;
    }
}
