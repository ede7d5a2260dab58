// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {CheckRegistry} from "../src/CheckRegistry.sol";
import {DeviceRegistry} from "../src/DeviceRegistry.sol";
import {DisputeGame} from "../src/DisputeGame.sol";
import {GatewayQuorum} from "../src/GatewayQuorum.sol";
import {HexEscrow} from "../src/HexEscrow.sol";
import {PriceFeed} from "../src/PriceFeed.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {RewardReserve} from "../src/RewardReserve.sol";
import {RewardSchedule} from "../src/RewardSchedule.sol";
import {ServiceCredits} from "../src/ServiceCredits.sol";
import {ServiceLevel} from "../src/ServiceLevel.sol";
import {ServiceToken} from "../src/ServiceToken.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {HeliotropeGovernor} from "../src/governance/HeliotropeGovernor.sol";
import {InclusionVerifier} from "../src/verifiers/InclusionVerifier.sol";
import {ModuleVerifier} from "../src/verifiers/ModuleVerifier.sol";
import {ReceiptVerifier} from "../src/verifiers/ReceiptVerifier.sol";
import {RewardVerifier} from "../src/verifiers/RewardVerifier.sol";
import {StorageVerifier} from "../src/verifiers/StorageVerifier.sol";

/// @notice Puts everything on a chain, in the one order in which it fits together, and hands it over to
/// the timelock. Tests run it; a deployer in another language follows it step by step.
/// @dev Roles: every restricted function belongs to role 0 (administrator), which the timelock alone
/// holds in the end, but two: `PriceFeed.publish` is the publishers', `RewardDistributor.stop` the
/// guardians'.
abstract contract Deploy {
    uint64 internal constant PUBLISHER = 1;
    uint64 internal constant GUARDIAN = 2;
    /// @dev Kinds of the verifiers, as `heliotrope challenge` names them.
    uint8 internal constant KIND_STORAGE = 1;
    uint8 internal constant KIND_RECEIPT = 2;
    uint8 internal constant KIND_REWARD = 3;
    uint8 internal constant KIND_INCLUSION = 4;
    uint8 internal constant KIND_MODULE = 5;

    struct Config {
        /// Has every right while it deploys, and none afterwards.
        address deployer;
        address publisher;
        address guardian;
        bytes32 serviceCheck;
        uint64 timelockDelay;
        uint64 activationDelay;
        uint256 proposalBond;
        uint64 disputeWindow;
        uint256 challengeBond;
        uint256 gatewayBond;
        uint256 quorumFloor;
        uint64 bountyGwei;
        uint96 priceFloor;
        uint96 priceCeiling;
        uint256 breakerLimit;
        uint64 breakerWindow;
        uint48 votingDelay;
        uint32 votingPeriod;
        uint256 proposalThreshold;
    }

    struct Deployed {
        AccessManager manager;
        TimelockController timelock;
        HeliotropeGovernor governor;
        DeviceRegistry devices;
        CheckRegistry checks;
        SettlementLedger ledger;
        GatewayQuorum quorum;
        DisputeGame game;
        ServiceToken token;
        PriceFeed feed;
        ServiceCredits credits;
        RewardSchedule schedule;
        RewardDistributor distributor;
        RewardReserve reserve;
        ServiceLevel level;
        HexEscrow escrow;
    }

    error ActivationBeforeTimelock(uint64 got, uint64 expected);
    error NotForetold(address got, address expected);
    error WindowTooLong(uint64 got, uint64 limit);

    /// @dev Where the `ahead`-th creation from now will stand; 0 is the next.
    function _next(uint256 ahead) internal view virtual returns (address);

    function deploy(Config memory c) internal returns (Deployed memory d) {
        // everybody can fetch and prove the next module before it acts only if it is announced for at
        // least as long as any other change
        require(
            c.activationDelay >= c.timelockDelay,
            ActivationBeforeTimelock(c.activationDelay, c.timelockDelay)
        );
        // a verifier is announced for seven days (`DisputeGame.VERIFIER_DELAY`): no proposal may be open
        // for longer, or it could be judged by one that came after it
        require(c.disputeWindow < 7 days, WindowTooLong(c.disputeWindow, 7 days));
        d.manager = new AccessManager(c.deployer);
        address manager = address(d.manager);
        d.devices = new DeviceRegistry(manager);
        d.checks = new CheckRegistry(manager, c.activationDelay);
        d.ledger = new SettlementLedger(manager, d.checks, c.proposalBond, c.disputeWindow);
        d.quorum = new GatewayQuorum(manager, c.gatewayBond, c.quorumFloor);
        d.game = new DisputeGame(manager, d.ledger, d.quorum, c.challengeBond);
        // the token names the distributor, the distributor the token: it comes right after it
        address next = _next(1);
        d.token = new ServiceToken(manager, next);
        d.distributor = new RewardDistributor(manager, d.token, d.ledger);
        require(address(d.distributor) == next, NotForetold(address(d.distributor), next));
        d.feed = new PriceFeed(manager, c.priceFloor, c.priceCeiling);
        d.credits = new ServiceCredits(manager, d.token, d.feed);
        d.schedule = new RewardSchedule(manager);
        d.reserve = new RewardReserve(
            manager, d.token, address(d.distributor), c.breakerLimit, c.breakerWindow
        );
        d.level = new ServiceLevel(manager, c.serviceCheck, d.ledger, d.devices, c.bountyGwei);
        d.escrow = new HexEscrow(c.serviceCheck, d.ledger, d.devices);
        _connect(d);
        _govern(d, c);
    }

    function _connect(Deployed memory d) private {
        d.ledger.setDisputeGame(address(d.game));
        d.game.announce(KIND_STORAGE, new StorageVerifier());
        d.game.announce(KIND_RECEIPT, new ReceiptVerifier());
        d.game.announce(KIND_REWARD, new RewardVerifier(d.schedule, d.ledger));
        d.game.announce(KIND_INCLUSION, new InclusionVerifier());
        d.game.announce(KIND_MODULE, new ModuleVerifier(d.checks));
    }

    /// @dev The deployer's last act is to give up its own right.
    function _govern(Deployed memory d, Config memory c) private {
        // nobody proposes but the governor, anybody executes what has waited, nobody administers
        address[] memory none = new address[](0);
        address[] memory anybody = new address[](1);
        d.timelock = new TimelockController(c.timelockDelay, none, anybody, c.deployer);
        d.governor = new HeliotropeGovernor(
            d.token, d.timelock, c.votingDelay, c.votingPeriod, c.proposalThreshold
        );
        d.timelock.grantRole(d.timelock.PROPOSER_ROLE(), address(d.governor));
        d.timelock.grantRole(d.timelock.CANCELLER_ROLE(), address(d.governor));
        d.timelock.renounceRole(d.timelock.DEFAULT_ADMIN_ROLE(), c.deployer);

        _assign(d.manager, address(d.feed), PriceFeed.publish.selector, PUBLISHER);
        _assign(d.manager, address(d.distributor), RewardDistributor.stop.selector, GUARDIAN);
        d.manager.grantRole(PUBLISHER, c.publisher, 0);
        d.manager.grantRole(GUARDIAN, c.guardian, 0);
        uint64 administrator = d.manager.ADMIN_ROLE();
        d.manager.grantRole(administrator, address(d.timelock), 0);
        d.manager.renounceRole(administrator, c.deployer);
    }

    function _assign(AccessManager manager, address target, bytes4 selector, uint64 role) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        manager.setTargetFunctionRole(target, selectors, role);
    }
}
