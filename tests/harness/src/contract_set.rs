//! Every contract on the development chain, in the order of `contracts/script/Deploy.sol`, and the hand-over of all
//! rights to the timelock. The terms are a demo's: what takes days on a real network takes seconds here.

use std::path::Path;

use alloy::{
    network::TransactionBuilder as _,
    primitives::Bytes,
    providers::{DynProvider, Provider as _},
    rpc::types::TransactionRequest,
    sol_types::{SolCall, SolValue as _},
};
use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::governance::{IAccessManager, IConnected, IServiceToken, ITimelock};
use heliotrope_light_client::network::NetworkContracts;

use crate::{
    contracts_build::bytecode,
    deploy::{Mine, receipt},
};

/// Wei of one ether, and units of one token.
const ONE: u128 = 1_000_000_000_000_000_000;
/// Bond of a proposer of settlements, wei.
const PROPOSAL_BOND: u128 = ONE;
/// Bond of a challenger, wei.
const CHALLENGE_BOND: u128 = ONE / 10;
/// Bond of a gateway in the quorum, wei.
pub(crate) const GATEWAY_BOND: u128 = 5 * ONE;
/// Votes that the quorum needs at least.
const QUORUM_FLOOR: u64 = 3;
/// Seconds in which a proposal can be disputed.
pub const DISPUTE_WINDOW_S: u64 = 600;
/// Seconds that a decision waits in the timelock.
pub const TIMELOCK_DELAY_S: u64 = 4;
/// Seconds between pinning a later version and its activation: time for an epoch that is judged by both.
pub const ACTIVATION_DELAY_S: u64 = 90;
/// Seconds between a governance proposal and its vote, and of the vote.
pub const VOTING_DELAY_S: u64 = 2;
/// Seconds of a vote.
pub const VOTING_PERIOD_S: u64 = 8;
/// Tokens that a proposer of a change needs.
const PROPOSAL_THRESHOLD: u128 = 1_000 * ONE;
/// Tokens of the deployer, who votes with them.
const FIRST_TOKENS: u128 = 10_000 * ONE;
/// Tokens for rewards.
const REWARD_TOKENS: u128 = 10_000 * ONE;
/// What a full score is paid, the token's smallest units.
pub const PER_SCORE: u128 = ONE;
/// The most that an account gets in one lane and epoch.
pub const REWARD_CAP: u128 = 1_000_000 * ONE;
/// A gateway's first epoch. Not 0: anvil keeps a zero that was written as a leaf, which no real trie has.
const FIRST_EPOCH: u64 = 1;
const BOUNTY_GWEI: u64 = 100_000_000;
const PRICE_BOUNDS: [u64; 2] = [1_000, 1_000_000_000];
const BREAKER_LIMIT: u128 = 1_000_000 * ONE;
const BREAKER_WINDOW_S: u64 = 86_400;
/// Roles of the `AccessManager`, as `Deploy.sol` numbers them.
const ADMIN: u64 = 0;
const PUBLISHER: u64 = 1;
const GUARDIAN: u64 = 2;
/// Verifiers by their kind, from 1 on, as `heliotrope challenge` names them.
const VERIFIERS: [&str; 5] =
    ["StorageVerifier", "ReceiptVerifier", "RewardVerifier", "InclusionVerifier", "ModuleVerifier"];
/// Gas of a call that only writes a few words.
const CALL_GAS: u64 = 1_000_000;

/// What deploys.
pub(crate) struct ContractSet<'a, M> {
    /// Root of the checkout, with the compiled contracts.
    pub(crate) root: &'a Path,
    /// Signs for the owner.
    pub(crate) provider: &'a DynProvider,
    /// Has every right while it deploys.
    pub(crate) owner: Address,
    /// The check that service is proven with.
    pub(crate) check_id: B256,
    pub(crate) chain: &'a M,
}

impl<M: Mine> ContractSet<'_, M> {
    /// `Deploy.deploy` without its last act, see [`hand_over`].
    pub(crate) async fn deploy(&self) -> Result<NetworkContracts> {
        let word = |value: u128| U256::from(value);
        let manager = self.create("AccessManager", self.owner.abi_encode()).await?;
        let devices = self.create("DeviceRegistry", manager.abi_encode()).await?;
        let arguments = (manager, ACTIVATION_DELAY_S).abi_encode();
        let checks = self.create("CheckRegistry", arguments).await?;
        let arguments = (manager, checks, word(PROPOSAL_BOND), DISPUTE_WINDOW_S).abi_encode();
        let ledger = self.create("SettlementLedger", arguments).await?;
        let arguments = (manager, word(GATEWAY_BOND), U256::from(QUORUM_FLOOR)).abi_encode();
        let quorum = self.create("GatewayQuorum", arguments).await?;
        let arguments = (manager, ledger, quorum, word(CHALLENGE_BOND)).abi_encode();
        let game = self.create("DisputeGame", arguments).await?;
        // the token names the distributor, the distributor the token: it comes right after it
        let nonce = self.provider.get_transaction_count(self.owner).pending().await?;
        let next = self.owner.create(nonce.saturating_add(1));
        let token = self.create("ServiceToken", (manager, next).abi_encode()).await?;
        let arguments = (manager, token, ledger).abi_encode();
        let distributor = self.create("RewardDistributor", arguments).await?;
        ensure!(distributor == next, "the distributor is at {distributor}, foretold at {next}");
        let [floor, ceiling] = PRICE_BOUNDS;
        let feed = self.create("PriceFeed", (manager, floor, ceiling).abi_encode()).await?;
        let credits = self.create("ServiceCredits", (manager, token, feed).abi_encode()).await?;
        let schedule = self.create("RewardSchedule", manager.abi_encode()).await?;
        let arguments =
            (manager, token, distributor, word(BREAKER_LIMIT), BREAKER_WINDOW_S).abi_encode();
        let reserve = self.create("RewardReserve", arguments).await?;
        let arguments = (manager, self.check_id, ledger, devices, BOUNTY_GWEI).abi_encode();
        let level = self.create("ServiceLevel", arguments).await?;
        let arguments = (self.check_id, ledger, devices).abi_encode();
        let escrow = self.create("HexEscrow", arguments).await?;
        let mut contracts = NetworkContracts {
            device_registry: devices,
            check_registry: checks,
            settlement_ledger: ledger,
            access_manager: Some(manager),
            timelock: None,
            governor: None,
            dispute_game: Some(game),
            gateway_quorum: Some(quorum),
            service_token: Some(token),
            price_feed: Some(feed),
            service_credits: Some(credits),
            reward_schedule: Some(schedule),
            reward_distributor: Some(distributor),
            reward_reserve: Some(reserve),
            service_level: Some(level),
            hex_escrow: Some(escrow),
        };
        self.connect(&contracts, game, schedule).await?;
        self.governors(&mut contracts, token).await?;
        Ok(contracts)
    }

    /// The game may strike out, and each kind of fraud has its verifier.
    async fn connect(
        &self,
        contracts: &NetworkContracts,
        game: Address,
        schedule: Address,
    ) -> Result<()> {
        let ledger = contracts.settlement_ledger;
        let mut calls = vec![call(ledger, IConnected::setDisputeGameCall { game })];
        for (kind, contract) in (1..).zip(VERIFIERS) {
            let arguments = match contract {
                "RewardVerifier" => (schedule, ledger).abi_encode(),
                "ModuleVerifier" => contracts.check_registry.abi_encode(),
                _ => Vec::new(),
            };
            let verifier = self.create(contract, arguments).await?;
            calls.push(call(game, IConnected::announceCall { kind, verifier }));
        }
        calls.push(call(
            schedule,
            IConnected::appendCall {
                checkId: self.check_id,
                fromEpoch: FIRST_EPOCH,
                perScore: PER_SCORE,
                cap: REWARD_CAP,
            },
        ));
        send(self.provider, calls, self.chain).await
    }

    /// Governor and timelock, and the tokens that vote.
    async fn governors(&self, contracts: &mut NetworkContracts, token: Address) -> Result<()> {
        // nobody proposes but the governor, anybody executes what has waited, nobody administers
        let (nobody, anybody) = (Vec::<Address>::new(), vec![Address::ZERO]);
        let delay = U256::from(TIMELOCK_DELAY_S);
        let arguments = (delay, nobody, anybody, self.owner).abi_encode_params();
        let timelock = self.create("TimelockController", arguments).await?;
        let threshold = U256::from(PROPOSAL_THRESHOLD);
        let arguments = (token, timelock, VOTING_DELAY_S, VOTING_PERIOD_S, threshold).abi_encode();
        let governor = self.create("HeliotropeGovernor", arguments).await?;
        (contracts.timelock, contracts.governor) = (Some(timelock), Some(governor));
        let roles = ITimelock::new(timelock, self.provider);
        let proposer = roles.PROPOSER_ROLE().call().await?;
        let canceller = roles.CANCELLER_ROLE().call().await?;
        let (amount, rewards) = (U256::from(FIRST_TOKENS), U256::from(REWARD_TOKENS));
        let reserve = contracts.reward_reserve.context("the set was not deployed")?;
        let calls = vec![
            call(timelock, ITimelock::grantRoleCall { role: proposer, account: governor }),
            call(timelock, ITimelock::grantRoleCall { role: canceller, account: governor }),
            call(token, IServiceToken::mintCall { to: self.owner, amount }),
            call(token, IServiceToken::delegateCall { delegatee: self.owner }),
            call(token, IServiceToken::mintCall { to: reserve, amount: rewards }),
            call(reserve, IConnected::releaseCall { amount: rewards }),
        ];
        send(self.provider, calls, self.chain).await
    }

    async fn create(&self, contract: &str, arguments: Vec<u8>) -> Result<Address> {
        let mut code = bytecode(self.root, contract)?;
        code.extend_from_slice(&arguments);
        let request = TransactionRequest::default().with_deploy_code(code);
        let pending = self.provider.send_transaction(request).await?;
        self.chain.mine().await?;
        let receipt = receipt(self.provider, *pending.tx_hash()).await?;
        ensure!(receipt.status(), "deploying {contract} was reverted");
        receipt.contract_address.with_context(|| format!("{contract} has no address"))
    }
}

/// The rest of `Deploy._govern`: roles for the publishers and the guardians, everything else for the timelock. The
/// deployer's last act is to give up its own right.
pub(crate) async fn hand_over(
    provider: &DynProvider,
    owner: Address,
    contracts: &NetworkContracts,
    chain: &impl Mine,
) -> Result<()> {
    let of = |contract: Option<Address>| contract.context("the set was not deployed");
    let (manager, timelock) = (of(contracts.access_manager)?, of(contracts.timelock)?);
    let assign = |target: Address, selector: [u8; 4], role: u64| {
        let selectors = vec![selector.into()];
        let roles = IAccessManager::setTargetFunctionRoleCall { target, selectors, roleId: role };
        call(manager, roles)
    };
    let grant = |role: u64, account: Address| {
        call(manager, IAccessManager::grantRoleCall { roleId: role, account, executionDelay: 0 })
    };
    let administrator = ITimelock::new(timelock, provider).DEFAULT_ADMIN_ROLE().call().await?;
    let calls = vec![
        call(
            timelock,
            ITimelock::renounceRoleCall { role: administrator, callerConfirmation: owner },
        ),
        assign(of(contracts.price_feed)?, IConnected::publishCall::SELECTOR, PUBLISHER),
        assign(of(contracts.reward_distributor)?, IConnected::stopCall::SELECTOR, GUARDIAN),
        grant(PUBLISHER, owner),
        grant(GUARDIAN, owner),
        grant(ADMIN, timelock),
        call(
            manager,
            IAccessManager::renounceRoleCall { roleId: ADMIN, callerConfirmation: owner },
        ),
    ];
    send(provider, calls, chain).await
}

/// A call on its way.
#[expect(clippy::needless_pass_by_value, reason = "calls are written where they are passed")]
pub(crate) fn call(to: Address, call: impl SolCall) -> TransactionRequest {
    TransactionRequest::default().with_to(to).with_input(Bytes::from(call.abi_encode()))
}

/// Sends calls in this order, in one block, and fails when one is reverted.
pub(crate) async fn send(
    provider: &DynProvider,
    calls: Vec<TransactionRequest>,
    chain: &impl Mine,
) -> Result<()> {
    let mut sent = Vec::with_capacity(calls.len());
    for call in calls {
        // an estimate would not know of the calls before it
        let pending = provider.send_transaction(call.with_gas_limit(CALL_GAS)).await?;
        sent.push(*pending.tx_hash());
    }
    chain.mine().await?;
    for (place, transaction) in sent.into_iter().enumerate() {
        let receipt = receipt(provider, transaction).await?;
        ensure!(receipt.status(), "call {place} was reverted: {transaction}");
    }
    Ok(())
}
