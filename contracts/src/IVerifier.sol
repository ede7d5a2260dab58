// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SettlementLedgerStorage} from "./SettlementLedgerStorage.sol";

/// @notice A proposal as a challenger names it.
struct Claim {
    bytes32 checkId;
    uint256 lane;
    uint256 epoch;
    SettlementLedgerStorage.Roots roots;
}

/// @title IVerifier
/// @notice One way to show in one transaction that a proposal is wrong.
interface IVerifier {
    /// @notice Whether the proof shows that the claim is wrong. Reverts where the proof is not one:
    /// "cannot tell" is never "wrong".
    /// @param claim The proposal; the dispute game checks that its roots are those proposed.
    /// @param proof What the verifier says that it takes.
    function refutes(Claim calldata claim, bytes calldata proof) external view returns (bool);
}
