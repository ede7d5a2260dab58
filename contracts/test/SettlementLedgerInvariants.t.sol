// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ledger} from "./Ledger.sol";

/// @notice What holds whatever proposers and challengers do.
contract SettlementLedgerInvariantsTest is Ledger {
    function invariant_bonds_are_conserved() public view {
        vm.assertEq(
            address(ledger).balance,
            proposers.held() * BOND + ledger.withdrawableOf(address(proposers))
                + ledger.withdrawableOf(ledger.BURN())
        );
    }

    function invariant_nothing_is_final_before_its_window() public view {
        vm.assertTrue(!proposers.finalTooEarly());
    }

    function invariant_what_is_final_stays() public view {
        vm.assertTrue(!proposers.changed());
    }
}
