// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claim, IVerifier} from "../IVerifier.sol";
import {Pieces} from "../lib/Pieces.sol";
import {Verdicts} from "../lib/Verdicts.sol";

/// @title StorageVerifier
/// @notice A sample of a piece was judged a pass, and one of its openings does not lead to the piece.
contract StorageVerifier is IVerifier {
    /// @notice What is shown: the verdict's leaf, its evidence, and which opening.
    struct Proof {
        uint256 index;
        uint256 count;
        bytes bundle;
        bytes output;
        bytes32[] path;
        uint256 opening;
    }

    /// @inheritdoc IVerifier
    /// @dev `proof` is abi.encode(Proof).
    function refutes(Claim calldata claim, bytes calldata proof) external view returns (bool) {
        Proof memory p = abi.decode(proof, (Proof));
        Verdicts.check(
            Verdicts.Leaf(p.index, p.count, sha256(p.bundle), p.output, p.path), claim.roots.verdict
        );
        return Verdicts.verdictOf(p.output) == Verdicts.PASS && !Pieces.opens(p.bundle, p.opening);
    }
}
