// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {CheckRegistry} from "../CheckRegistry.sol";
import {Claim, IVerifier} from "../IVerifier.sol";

/// @title ModuleVerifier
/// @notice Another module judged than the one that was active at the anchor block's time.
contract ModuleVerifier is IVerifier {
    /// @notice Registry that says which module judges.
    CheckRegistry public immutable CHECKS;

    error NotTheAnchor(bytes32 got, bytes32 expected);

    /// @notice Deploys the verifier for a check registry.
    constructor(CheckRegistry checks) {
        CHECKS = checks;
    }

    /// @inheritdoc IVerifier
    /// @dev `proof` is the anchor block's header, RLP as the execution layer hashes it. The proposer
    /// could only name an anchor that the chain knows (`SettlementLedger.propose`), so its hash is
    /// that of a true header.
    function refutes(Claim calldata claim, bytes calldata proof) external view returns (bool) {
        bytes32 got = keccak256(proof);
        require(got == claim.roots.anchorHash, NotTheAnchor(got, claim.roots.anchorHash));
        uint64 time = uint64(BlockHeader.getTimestamp(proof));
        try CHECKS.activeAt(claim.checkId, time) returns (
            uint256, CheckRegistry.Version memory active
        ) {
            return active.moduleHash != claim.roots.moduleHash;
        } catch (bytes memory reason) {
            // nothing was active: whatever judged was not pinned. Any other failure proves nothing.
            require(
                // forge-lint: disable-next-line(unsafe-typecast) a selector is what stands first
                bytes4(reason) == CheckRegistry.NoActiveVersion.selector,
                NotTheAnchor(got, claim.roots.anchorHash)
            );
            return true;
        }
    }
}
