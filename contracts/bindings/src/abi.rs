//! Calls and events of the contracts, as `contracts/src` declares them.
#![allow(missing_docs, clippy::all, reason = "generated from the interface below")]

use alloy::sol;

sol! {
    /// `contracts/src/DeviceRegistry.sol`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IDeviceRegistry {
        struct Registration {
            bytes publicKey;
            address owner;
            uint64 cell;
            int16 gainDdbi;
            int16 elevationM;
            uint8 region;
            bytes32 metadataHash;
            uint256 deadline;
            bytes proof;
        }
        struct Radio {
            uint64 cell;
            int16 gainDdbi;
            int16 elevationM;
            uint8 region;
            uint8 status;
            uint40 asserted;
        }
        event DeviceRegistered(bytes32 indexed deviceId, address indexed owner, uint64 indexed cell, bytes publicKey);
        event DeviceRetired(bytes32 indexed deviceId);
        function register(Registration calldata r) external payable returns (bytes32 deviceId);
        function registerBatch(Registration[] calldata batch) external payable;
        function retire(bytes32 deviceId) external;
        function radio(bytes32 deviceId) external view returns (Radio memory);
        function registrationDigest(Registration calldata r) external view returns (bytes32);
    }

    /// `contracts/src/CheckRegistry.sol`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ICheckRegistry {
        struct Version {
            bytes32 moduleHash;
            bytes32 paramsHash;
            uint64 activeFrom;
            uint16 abiVersion;
        }
        event CheckPinned(bytes32 indexed checkId, uint256 indexed version, bytes32 indexed moduleHash, bytes32 paramsHash, uint64 activeFrom);
        function pin(bytes32 checkId, bytes32 moduleHash, bytes32 paramsHash, uint16 abiVersion, uint64 activeFrom) external returns (uint256 version);
        function count(bytes32 checkId) external view returns (uint256);
        function versionOf(bytes32 checkId, uint256 version) external view returns (Version memory);
    }

    /// `contracts/src/SettlementLedger.sol`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ISettlementLedger {
        struct Roots {
            bytes32 evidence;
            bytes32 verdict;
            bytes32 coverage;
            bytes32 reward;
            bytes32 moduleHash;
            bytes32 anchorHash;
        }
        struct Settlement {
            bytes32 commitment;
            address proposer;
            uint64 deadline;
            uint8 status;
            uint16 openDisputes;
            bool bondReturned;
        }
        event Proposed(bytes32 indexed checkId, uint256 indexed lane, uint256 indexed epoch, address proposer, Roots roots);
        event Finalized(bytes32 indexed checkId, uint256 indexed lane, uint256 indexed epoch);
        function BOND() external view returns (uint256);
        function WINDOW() external view returns (uint64);
        function reserve(bytes32 checkId, uint256 lane, uint256 epoch) external payable;
        function propose(bytes32 checkId, uint256 lane, uint256 epoch, uint256 anchorNumber, Roots calldata roots) external payable;
        function finalize(bytes32 checkId, uint256 lane, uint256 epoch, uint256 version, Roots calldata roots) external;
        function reclaim(bytes32 checkId, uint256 lane, uint256 epoch) external;
        function sealEpoch(bytes32 checkId, uint256 epoch, uint128 lanes) external;
        function withdraw() external;
        function settlement(bytes32 checkId, uint256 lane, uint256 epoch) external view returns (Settlement memory);
    }
}
