// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claim, IVerifier} from "../IVerifier.sol";
import {MerkleTree} from "../lib/MerkleTree.sol";
import {Verdicts} from "../lib/Verdicts.sol";

/// @title InclusionVerifier
/// @notice A verdict is about evidence that is not in the evidence tree: at its place stands another
/// bundle, or the two trees have not the same number of leaves.
contract InclusionVerifier is IVerifier {
    /// @notice What is shown: the verdict's leaf, and the bundle at the same place of the evidence.
    struct Proof {
        Verdicts.Leaf verdict;
        /// Leaves of the evidence tree.
        uint256 count;
        bytes bundle;
        bytes32[] path;
    }

    error NotInEvidence(bytes32 got, bytes32 expected);

    /// @inheritdoc IVerifier
    /// @dev `proof` is abi.encode(Proof). The trees stand leaf for leaf beside each other (`epoch.rs`).
    function refutes(Claim calldata claim, bytes calldata proof) external view returns (bool) {
        Proof memory p = abi.decode(proof, (Proof));
        Verdicts.check(p.verdict, claim.roots.verdict);
        bytes32 got =
            MerkleTree.fold(MerkleTree.leafHash(p.bundle), p.verdict.index, p.count, p.path);
        require(got == claim.roots.evidence, NotInEvidence(got, claim.roots.evidence));
        return p.count != p.verdict.count || sha256(p.bundle) != p.verdict.bundleHash;
    }
}
