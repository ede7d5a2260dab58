//! A change that is really voted for: proposed, decided, queued in the timelock, executed. Nobody can do it otherwise
//! once the deployer has given up its rights.

use std::time::{Duration, Instant};

use alloy::{
    network::TransactionBuilder as _, primitives::Bytes, providers::Provider as _,
    rpc::types::TransactionRequest, sol_types::SolCall as _,
};
use alloy_primitives::{Address, B256, U256, keccak256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::{abi::ICheckRegistry, check_id, governance::IGovernor};

use crate::{
    contract_set::{
        ACTIVATION_DELAY_S, TIMELOCK_DELAY_S, VOTING_DELAY_S, VOTING_PERIOD_S, call, send,
    },
    deploy::{Deployment, Mine},
    devchain::DevChain,
};

/// `GovernorCountingSimple.VoteType.For`.
const FOR: u8 = 1;
/// `IGovernor.ProposalState.Executed`.
const EXECUTED: u8 = 7;
/// Seconds that the steps of a vote may take beyond the terms.
const SLACK_S: u64 = 20;
/// How long a block may be waited for.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(180);

/// Time on the chain: passed by making blocks, or by waiting for them.
pub trait Passes: Mine {
    /// Timestamp of the newest block.
    fn now_s(&self) -> impl Future<Output = Result<u64>>;
}

impl Mine for DevChain {
    async fn mine(&self) -> Result<()> {
        self.advance(1).await
    }
}

impl Passes for DevChain {
    async fn now_s(&self) -> Result<u64> {
        Ok(self.chain_spec().await.slot_start(self.head().await.slot).0)
    }
}

/// A chain that goes on by the clock: one more block is waited for, not made.
pub(crate) struct ByTheClock<'a>(pub(crate) &'a DevChain);

impl Mine for ByTheClock<'_> {
    async fn mine(&self) -> Result<()> {
        let (before, started) = (self.0.head().await.slot, Instant::now());
        while self.0.head().await.slot == before {
            ensure!(started.elapsed() < BLOCK_TIMEOUT, "no block after slot {before}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl Passes for ByTheClock<'_> {
    async fn now_s(&self) -> Result<u64> {
        self.0.now_s().await
    }
}

/// A step of a vote that is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// The proposal is in the governor.
    Proposed(U256),
    /// Everybody who has tokens has voted for it.
    Voted,
    /// The vote is over, and the decision waits in the timelock.
    Queued,
    /// The decision holds.
    Executed,
}

/// A new version of a check.
#[derive(Clone, Copy, Debug)]
pub struct NewVersion<'a> {
    /// Name of the check.
    pub check: &'a str,
    /// sha256 of the module.
    pub module_hash: B256,
    /// sha256 of its parameters.
    pub params_hash: B256,
    /// Seconds of notice beyond the shortest that the registry allows.
    pub notice_s: u64,
}

/// Passes a proposal that pins a version, and tells each step; says from when on it judges, Unix seconds.
pub async fn pin_by_vote(
    deployment: &Deployment,
    version: NewVersion<'_>,
    chain: &impl Passes,
    told: &mut impl FnMut(Step),
) -> Result<u64> {
    let voted = VOTING_DELAY_S + VOTING_PERIOD_S + TIMELOCK_DELAY_S + SLACK_S;
    let active_from = chain.now_s().await? + voted + ACTIVATION_DELAY_S + version.notice_s;
    let pin = ICheckRegistry::pinCall {
        checkId: check_id(version.check),
        moduleHash: version.module_hash,
        paramsHash: version.params_hash,
        abiVersion: 1,
        activeFrom: active_from,
    };
    let registry = deployment.contracts.check_registry;
    let proposal = Proposal {
        target: registry,
        call: pin.abi_encode().into(),
        description: format!("pin {} of {}", version.module_hash, version.check),
    };
    proposal.pass(deployment, chain, told).await?;
    Ok(active_from)
}

/// One call that is voted on.
struct Proposal {
    target: Address,
    call: Bytes,
    description: String,
}

impl Proposal {
    async fn pass(
        &self,
        deployment: &Deployment,
        chain: &impl Passes,
        told: &mut impl FnMut(Step),
    ) -> Result<()> {
        let address = deployment.contracts.governor.context("no governor was deployed")?;
        let governor = IGovernor::new(address, deployment.provider());
        let hash = keccak256(self.description.as_bytes());
        let (targets, values) = (vec![self.target], vec![U256::ZERO]);
        let calls = vec![self.call.clone()];
        let step = async |request: TransactionRequest| {
            // the gateway proposes settlements from the same account: a count that is kept would be too low
            let account = deployment.provider().get_transaction_count(deployment.owner());
            let nonce = account.pending().await?;
            send(deployment.provider(), vec![request.with_nonce(nonce)], chain).await
        };
        step(call(
            address,
            IGovernor::proposeCall {
                targets: targets.clone(),
                values: values.clone(),
                calldatas: calls.clone(),
                description: self.description.clone(),
            },
        ))
        .await
        .context("proposing")?;
        let hashed = governor.hashProposal(targets.clone(), values.clone(), calls.clone(), hash);
        let id = hashed.call().await?;
        told(Step::Proposed(id));
        let begins = governor.proposalSnapshot(id).call().await?;
        until(chain, begins).await?;
        step(call(address, IGovernor::castVoteCall { proposalId: id, support: FOR }))
            .await
            .context("voting")?;
        told(Step::Voted);
        until(chain, governor.proposalDeadline(id).call().await?).await?;
        step(call(
            address,
            IGovernor::queueCall {
                targets: targets.clone(),
                values: values.clone(),
                calldatas: calls.clone(),
                descriptionHash: hash,
            },
        ))
        .await
        .context("queueing")?;
        told(Step::Queued);
        until(chain, governor.proposalEta(id).call().await?).await?;
        step(call(
            address,
            IGovernor::executeCall { targets, values, calldatas: calls, descriptionHash: hash },
        ))
        .await
        .context("executing")?;
        let state = governor.state(id).call().await?;
        ensure!(state == EXECUTED, "proposal {id} is in state {state}, expected {EXECUTED}");
        told(Step::Executed);
        Ok(())
    }
}

/// Until a block is later than this.
async fn until(chain: &impl Passes, time: U256) -> Result<()> {
    let time = u64::try_from(time).context("a time of the governor")?;
    while chain.now_s().await? <= time {
        chain.mine().await?;
    }
    Ok(())
}
