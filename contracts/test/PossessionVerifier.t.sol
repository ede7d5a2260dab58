// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {PossessionVerifier} from "./PossessionVerifier.sol";

/// @notice The words that a possession check reads stand where PDPVerifier's published layout has them.
contract PossessionVerifierTest is Base {
    PossessionVerifier private verifier = new PossessionVerifier();

    function word(uint256 setId, uint256 slot) private view returns (uint256) {
        return uint256(vm.load(address(verifier), mapped(bytes32(setId), slot, 0)));
    }

    function test_words_stand_where_the_layout_has_them() external {
        uint256 setId = verifier.createDataSet();
        verifier.nextProvingPeriod(setId, 77);
        verifier.cutOver();
        vm.assertEq(uint256(vm.load(address(verifier), bytes32(uint256(1)))), setId + 1);
        vm.assertEq(word(setId, 6), verifier.dataSetLeafCount(setId));
        vm.assertEq(word(setId, 7), 77);
        vm.assertEq(word(setId, 9), verifier.challengeRange(setId));
        vm.assertEq(address(uint160(word(setId, 12))), address(this));
        vm.assertEq(uint256(vm.load(address(verifier), bytes32(uint256(20)))), setId + 1);
    }

    function test_only_the_provider_adds_pieces() external {
        uint256 setId = verifier.createDataSet();
        address stranger = address(0xbad);
        vm.expectRevert(
            abi.encodeWithSelector(
                PossessionVerifier.NotTheProvider.selector, stranger, address(this)
            )
        );
        vm.prank(stranger);
        verifier.addPieces(setId, new PossessionVerifier.Cid[](0));
    }
}
