// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Storage of the settlement ledger
/// @notice Inherited first, so that `settlements` stands at slot 0. Light clients read it; the layout
/// in `layout/SettlementLedger.json` is only ever extended.
abstract contract SettlementLedgerStorage {
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
        /// Who proposed or reserved it and has the bond in.
        address proposer;
        /// Unix time, seconds: proposed, after which it can be final; reserved, until when it is held.
        uint64 deadline;
        /// 0 nothing, 1 proposed, 2 final, 3 refuted, 4 reserved.
        uint8 status;
        /// Disputes that a quorum has not yet decided; none may be open when the entry becomes final.
        uint16 openDisputes;
        /// The bond of a final entry went back.
        bool bondReturned;
    }

    /// @notice All final lanes of one epoch of a check, provable in two words.
    struct Seal {
        /// keccak256 of the lanes' commitments, 32 bytes each, ascending by lane.
        bytes32 digest;
        /// Bit n: lane n is in the digest.
        uint128 lanes;
        /// Unix time of the last sealing, seconds.
        uint64 sealedAt;
    }

    mapping(bytes32 key => Settlement) internal settlements;
}
