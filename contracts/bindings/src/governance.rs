//! Calls of what is deployed beside registry and ledger, as far as a deployer and a voter need them. The governor, the
//! timelock and the manager are `OpenZeppelin`'s.
#![allow(missing_docs, clippy::all, reason = "generated from the interface below")]

use alloy::sol;

sol! {
    /// `OpenZeppelin`'s `AccessManager`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IAccessManager {
        function grantRole(uint64 roleId, address account, uint32 executionDelay) external;
        function renounceRole(uint64 roleId, address callerConfirmation) external;
        function setTargetFunctionRole(address target, bytes4[] calldata selectors, uint64 roleId) external;
        function hasRole(uint64 roleId, address account) external view returns (bool isMember, uint32 executionDelay);
    }

    /// `OpenZeppelin`'s `TimelockController`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ITimelock {
        function PROPOSER_ROLE() external view returns (bytes32);
        function CANCELLER_ROLE() external view returns (bytes32);
        function DEFAULT_ADMIN_ROLE() external view returns (bytes32);
        function grantRole(bytes32 role, address account) external;
        function renounceRole(bytes32 role, address callerConfirmation) external;
        function hasRole(bytes32 role, address account) external view returns (bool);
        function getMinDelay() external view returns (uint256);
    }

    /// `contracts/src/governance/HeliotropeGovernor.sol`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IGovernor {
        event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description);
        function propose(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, string memory description) external returns (uint256 proposalId);
        function castVote(uint256 proposalId, uint8 support) external returns (uint256 weight);
        function queue(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) external returns (uint256 proposalId);
        function execute(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) external payable returns (uint256 proposalId);
        function hashProposal(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) external pure returns (uint256 proposalId);
        function state(uint256 proposalId) external view returns (uint8);
        function proposalSnapshot(uint256 proposalId) external view returns (uint256);
        function proposalDeadline(uint256 proposalId) external view returns (uint256);
        function proposalEta(uint256 proposalId) external view returns (uint256);
    }

    /// `contracts/src/ServiceToken.sol`.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IServiceToken {
        function mint(address to, uint256 amount) external;
        function delegate(address delegatee) external;
        function balanceOf(address account) external view returns (uint256);
    }

    /// What `contracts/script/Deploy.sol` calls of the other contracts.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IConnected {
        function setDisputeGame(address game) external;
        function announce(uint8 kind, address verifier) external;
        function append(bytes32 checkId, uint64 fromEpoch, uint128 perScore, uint128 cap) external returns (uint256 version);
        function publish(uint96 price, uint96 confidence) external;
        function stop(bytes32 stream) external;
        function release(uint256 amount) external;
    }
}
