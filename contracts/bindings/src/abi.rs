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
        function setDisputeGame(address game) external;
        function disputeGame() external view returns (address);
        function settlement(bytes32 checkId, uint256 lane, uint256 epoch) external view returns (Settlement memory);
    }

    /// `contracts/src/RewardDistributor.sol`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IRewardDistributor {
        event RootAccepted(bytes32 indexed checkId, uint256 indexed lane, uint64 indexed epoch, bytes32 root);
        event Claimed(bytes32 indexed stream, address indexed account);
        function accept(bytes32 checkId, uint256 lane, uint64 epoch, ISettlementLedger.Roots calldata roots) external;
        function claim(bytes32 stream, bytes calldata proof) external;
        function claimedOf(bytes32 stream, address account) external view returns (uint256);
        function TOKEN() external view returns (address);
    }

    /// `contracts/src/DisputeGame.sol`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IDisputeGame {
        struct Roots {
            bytes32 evidence;
            bytes32 verdict;
            bytes32 coverage;
            bytes32 reward;
            bytes32 moduleHash;
            bytes32 anchorHash;
        }
        struct Claim {
            bytes32 checkId;
            uint256 lane;
            uint256 epoch;
            Roots roots;
        }
        struct Leaf {
            uint256 index;
            uint256 count;
            bytes32 bundleHash;
            bytes output;
            bytes32[] path;
        }
        struct Sealed {
            address challenger;
            uint40 blockNumber;
            uint40 sealedAt;
            uint8 status;
        }
        struct Dispute {
            bytes32 key;
            bytes32 commitment;
            bytes32 outputHash;
            bytes32 bundleHash;
            address proposer;
            uint64 deadline;
            uint32 needed;
            address challenger;
            uint64 openedAt;
            uint8 status;
        }
        /// The `proof` of `StorageVerifier`.
        struct StorageProof {
            uint256 index;
            uint256 count;
            bytes bundle;
            bytes output;
            bytes32[] path;
            uint256 opening;
        }
        /// The `proof` of `InclusionVerifier`.
        struct InclusionProof {
            Leaf verdict;
            uint256 count;
            bytes bundle;
            bytes32[] path;
        }
        event ChallengeWon(bytes32 indexed checkId, bytes32 indexed key, address indexed challenger, uint8 kind);
        event DisputeOpened(bytes32 indexed disputeId, bytes32 indexed checkId, bytes32 indexed key, uint256 leaf, bytes32 bundleHash, bytes32 outputHash);
        event DisputeClosed(bytes32 indexed disputeId, uint8 status, bytes32 outputHash);
        function BOND() external view returns (uint256);
        function seal(bytes32 hash) external payable;
        function challenge(Claim calldata claim, uint8 kind, bytes calldata proof, bytes32 salt) external;
        function ask(Claim calldata claim, Leaf calldata leaf, bytes32 salt) external returns (bytes32 disputeId);
        function resolve(bytes32 disputeId, bytes32 outputHash, bytes[] calldata signatures) external;
        function lapse(bytes32 disputeId) external;
        function collect(bytes32 hash) external;
        function withdraw() external;
        function announce(uint8 kind, address verifier) external;
        function LEDGER() external view returns (address);
        function QUORUM() external view returns (address);
        function PROPOSAL_BOND() external view returns (uint256);
        function BURN() external view returns (address);
        function verifiers(uint8 kind) external view returns (address);
        function withdrawableOf(address account) external view returns (uint256);
        function sealedAs(bytes32 hash) external view returns (Sealed memory);
        function dispute(bytes32 disputeId) external view returns (Dispute memory);
        function sealHash(address challenger, bytes32 key, bytes32 commitment, uint8 kind, bytes32 proofHash, bytes32 salt) external pure returns (bytes32);
    }

    /// `contracts/src/GatewayQuorum.sol`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IGatewayQuorum {
        function BOND() external view returns (uint256);
        function join() external payable;
        function needed() external view returns (uint256);
        function voteDigest(bytes32 disputeId, bytes32 outputHash) external view returns (bytes32);
    }

    /// `contracts/src/IVerifier.sol`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IVerifier {
        function refutes(IDisputeGame.Claim calldata claim, bytes calldata proof) external view returns (bool);
    }

    /// What a gateway signs to vote, EIP-712 (`GatewayQuorum.VOTE_TYPEHASH`).
    #[derive(Debug)]
    struct Vote {
        bytes32 disputeId;
        bytes32 outputHash;
    }
}

impl From<crate::Roots> for ISettlementLedger::Roots {
    fn from(roots: crate::Roots) -> Self {
        Self {
            evidence: roots.evidence,
            verdict: roots.verdict,
            coverage: roots.coverage,
            reward: roots.reward,
            moduleHash: roots.module_hash,
            anchorHash: roots.anchor_hash,
        }
    }
}
