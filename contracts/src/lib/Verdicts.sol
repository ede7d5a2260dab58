// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Cbor} from "./Cbor.sol";
import {MerkleTree} from "./MerkleTree.sol";

/// @title Verdicts
/// @notice Leaves of the verdict tree and the check outputs in them. Data of a leaf: sha256 of the
/// evidence bundle, then the output (`client/device-proofs/src/epoch.rs`, `verdict_leaf_data`); the
/// output is `CheckOutput` of `client/device-proofs/src/abi.rs`.
library Verdicts {
    using Cbor for Cbor.Reader;

    /// @notice A leaf with its path.
    struct Leaf {
        /// Place in the evidence and verdict trees, and how many leaves they have.
        uint256 index;
        uint256 count;
        /// sha256 of the evidence bundle.
        bytes32 bundleHash;
        /// The check's output.
        bytes output;
        /// Siblings in the verdict tree.
        bytes32[] path;
    }

    /// @notice The parts of an output that the chain reads.
    struct Output {
        uint8 verdict;
        /// H3 cell of resolution 12, 0 if unknown.
        uint64 cell;
        uint256 scorePpm;
        bytes32 replayKey;
    }

    uint8 internal constant PASS = 0;
    /// @notice Score of a full check, in millionths (`FULL_SCORE_PPM`).
    uint256 internal constant FULL_SCORE_PPM = 1_000_000;
    /// @dev A map of nine, 0: ABI version 1, 1: the verdict.
    bytes32 private constant PREFIX = bytes32(bytes4(0xa9000101));

    error NotInVerdicts(bytes32 got, bytes32 expected);

    /// @notice Reverts unless the leaf stands in the verdict tree.
    function check(Leaf memory leaf, bytes32 root) internal view {
        bytes32 hashed = sha256(bytes.concat(bytes1(0), leaf.bundleHash, leaf.output));
        bytes32 got = MerkleTree.fold(hashed, leaf.index, leaf.count, leaf.path);
        require(got == root, NotInVerdicts(got, root));
    }

    /// @notice Just the verdict: 0 pass, 1 fail, 2 indeterminate.
    function verdictOf(bytes memory output) internal pure returns (uint8 verdict) {
        (verdict,) = _begin(output);
    }

    /// @notice Reads an output; reverts unless it is one to its last byte.
    function read(bytes memory output) internal pure returns (Output memory out) {
        Cbor.Reader memory r;
        (out.verdict, r) = _begin(output);
        r.exactly(2);
        uint256 outcomes = r.head(Cbor.ARRAY);
        for (uint256 i = 0; i < outcomes; ++i) {
            r.tuple(Cbor.ARRAY, 6);
            for (uint256 field = 0; field < 6; ++field) {
                r.skipInteger();
            }
        }
        r.exactly(3);
        out.scorePpm = r.number();
        r.exactly(4);
        out.replayKey = r.word();
        r.exactly(5);
        _skipIndices(r);
        r.exactly(6);
        r.word();
        r.exactly(7);
        _skipIndices(r);
        r.exactly(8);
        // a head holds at most eight bytes
        out.cell = uint64(r.number());
        r.end();
    }

    function _begin(bytes memory output)
        private
        pure
        returns (uint8 verdict, Cbor.Reader memory r)
    {
        r = Cbor.after_(output, PREFIX, 4);
        uint256 got = r.number();
        require(got <= 2, Cbor.Value(4, got, 2));
        // forge-lint: disable-next-line(unsafe-typecast) checked above
        return (uint8(got), r);
    }

    function _skipIndices(Cbor.Reader memory r) private pure {
        uint256 count = r.head(Cbor.ARRAY);
        for (uint256 i = 0; i < count; ++i) {
            r.number();
        }
    }
}
