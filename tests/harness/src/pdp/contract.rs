//! What is called of `contracts/test/PossessionVerifier.sol`.
#![allow(missing_docs, clippy::all, reason = "generated from the interface below")]

use alloy::sol;

sol! {
    #[sol(rpc)]
    #[derive(Debug)]
    interface IPossessionVerifier {
        struct Cid { bytes data; }
        function cutOver() external;
        function createDataSet() external returns (uint256 setId);
        function nextDataSetId() external view returns (uint64);
        function addPieces(uint256 setId, Cid[] calldata pieces) external;
        function removePiece(uint256 setId, uint256 pieceId) external;
        function nextProvingPeriod(uint256 setId, uint256 epoch) external;
        function setBeacon(uint256 epoch, uint256 digest) external;
        function challengeRange(uint256 setId) external view returns (uint256);
        function dataSetLastProvenEpoch(uint256 setId) external view returns (uint256);
    }
}
