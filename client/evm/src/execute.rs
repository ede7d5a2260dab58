//! One call, as `eth_call` makes it: nothing is paid, nothing is kept.

use alloy_primitives::{Address, Bytes, TxKind, U256};
use revm::{
    Context, ExecuteEvm as _, MainBuilder as _,
    context::{BlockEnv, CfgEnv, Journal, TxEnv, result::EVMError, result::ExecutionResult},
    primitives::hardfork::SpecId,
};

use crate::{
    block::BlockContext,
    state::{Missing, ProvenState, Reader},
};

/// A message to execute.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Call {
    /// Sender; anybody can be named, no signature is asked for.
    pub from: Address,
    /// Receiver; `None` creates a contract.
    pub to: Option<Address>,
    /// Wei.
    pub value: U256,
    /// Calldata or init code.
    pub data: Bytes,
    /// Gas limit; `None` is the block's.
    pub gas: Option<u64>,
}

/// What became of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CallOutcome {
    /// It returned.
    Success {
        /// What it returned; for a creation, the new code.
        output: Bytes,
        /// Gas paid for, after refunds.
        gas_used: u64,
    },
    /// It reverted.
    Revert {
        /// Revert data.
        output: Bytes,
        /// Gas paid for.
        gas_used: u64,
    },
    /// It ended against the rules, out of gas for example, and used all its gas.
    Halt {
        /// The rule.
        reason: String,
        /// Gas paid for.
        gas_used: u64,
    },
}

/// Why a call could not be executed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EvmError {
    /// It read something that is not proven: prove it, insert it and call again.
    #[error("{0}")]
    Missing(#[from] Missing),
    /// The message itself cannot be executed: too little balance for its value, too little gas to
    /// begin with, init code too long.
    #[error("the call cannot begin: {0}")]
    Refused(String),
    /// `eth_estimateGas` of a call that fails with all the gas there is.
    #[error("the call fails with {gas} gas: {outcome:?}")]
    Fails {
        /// The most it was given.
        gas: u64,
        /// How it ended.
        outcome: CallOutcome,
    },
}

/// Executes `call` on `state` as part of the block, under the rules of `spec`.
///
/// # Errors
///
/// [`EvmError::Missing`] when the state does not hold what the call reads, [`EvmError::Refused`]
/// when the message cannot be executed at all.
pub fn call(
    chain_id: u64,
    spec: SpecId,
    block: &BlockContext,
    call: &Call,
    state: &ProvenState,
) -> Result<CallOutcome, EvmError> {
    let cfg = configuration(chain_id, spec);
    let environment = block.environment(&cfg);
    let context: Context<BlockEnv, TxEnv, CfgEnv, Reader<'_>, Journal<Reader<'_>>, ()> =
        Context::new(Reader(state), spec);
    let mut evm = context.with_cfg(cfg).with_block(environment).build_mainnet();
    let message = TxEnv {
        caller: call.from,
        gas_limit: call.gas.unwrap_or(block.gas_limit),
        kind: call.to.map_or(TxKind::Create, TxKind::Call),
        value: call.value,
        data: call.data.clone(),
        chain_id: Some(chain_id),
        ..TxEnv::default()
    };
    let result = evm.transact_one(message).map_err(|error| match error {
        EVMError::Database(missing) => EvmError::Missing(missing),
        other => EvmError::Refused(other.to_string()),
    })?;
    Ok(outcome(result))
}

/// The rules for a message that nobody signed: no nonce, no fee, any sender, any gas limit.
fn configuration(chain_id: u64, spec: SpecId) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(spec).with_chain_id(chain_id);
    cfg.disable_nonce_check = true;
    cfg.disable_base_fee = true;
    cfg.disable_eip3607 = true;
    cfg.disable_block_gas_limit = true;
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    cfg
}

fn outcome(result: ExecutionResult) -> CallOutcome {
    let gas_used = result.tx_gas_used();
    match result {
        ExecutionResult::Success { output, .. } => {
            CallOutcome::Success { output: output.into_data(), gas_used }
        }
        ExecutionResult::Revert { output, .. } => CallOutcome::Revert { output, gas_used },
        ExecutionResult::Halt { reason, .. } => {
            CallOutcome::Halt { reason: format!("{reason:?}"), gas_used }
        }
    }
}
