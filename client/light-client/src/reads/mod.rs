//! Reads of execution data, as a JSON-RPC node gives them, all judged against a proven block.
//!
//! ```text
//! proven block ─ state root ────▶ account, storage, code, call, gas
//!      │       ─ header's RLP ──▶ transactions, withdrawals, receipts, logs (all of a block, or none)
//!      └─ parents, or EIP-2935 ─▶ earlier blocks
//! ```
//!
//! A source that answers for a block, named by hash, with something that the block refutes is passed over for
//! the next, and its record says so. What a header does not bind (`from`, gas used, log indices) is computed
//! here, never copied.

mod blocks;
mod call;
mod logs;
mod receipts;
mod state;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::Block;
use heliotrope_evm::EvmError;
use heliotrope_verifier::chains::ethereum::ChainSpec;
use serde_json::{Value, json};

use crate::{
    evidence::Statement,
    execution::ProvenBlock,
    platform::{FetchRequest, Platform},
    sources::{Outcome, SourceRecord, Sources},
};

pub use logs::MAX_LOG_BLOCKS;
pub use receipts::transactions_of;
pub use state::ProvenAccount;

/// Proven blocks kept with their transactions.
const MAX_BLOCKS_KEPT: usize = 64;

/// Codes of JSON-RPC 2.0.
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// Refuted statements kept until somebody takes them.
const MAX_REFUTED: usize = 16;

/// A read was not proven.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadFailure {
    /// Nobody answered.
    #[error("{what}: no source answered; the last said: {reason}")]
    Unavailable {
        /// Method.
        what: &'static str,
        /// What the last one said.
        reason: String,
    },
    /// Answers came, and none of them holds.
    #[error("{what} from {source_url} does not hold: {reason}")]
    Refuted {
        /// Method.
        what: &'static str,
        /// Who sent it.
        source_url: String,
        /// Which rule.
        reason: String,
    },
    /// A block that nothing proves from here.
    #[error(
        "block {number} cannot be proven from block {head}: it is later, or more than 8191 blocks earlier \
         (EIP-2935), or the chain does not keep block hashes in its state"
    )]
    OutOfReach {
        /// Number asked for.
        number: u64,
        /// Number of the proven head.
        head: u64,
    },
    /// A range that is too long.
    #[error("{got} blocks, at most {max}: ask for a shorter range")]
    RangeTooLong {
        /// Blocks asked for.
        got: u64,
        /// The limit.
        max: u64,
    },
    /// The call itself.
    #[error(transparent)]
    Evm(#[from] EvmError),
}

/// The proven heads that a read starts from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Heads {
    /// Signed by two thirds of the sync committee, may still be reorganised.
    pub optimistic: ProvenBlock,
    /// Final.
    pub finalized: ProvenBlock,
}

/// Judges an answer of `eth_getProof` against the state root that it is about.
///
/// # Errors
///
/// What it gets wrong.
pub fn judge_proof(
    answer: Value,
    state_root: B256,
    address: Address,
    keys: &[B256],
) -> Result<(), String> {
    state::prove(answer, state_root, address, keys).map(drop)
}

/// Judges an answer of `eth_getBlockByHash` with all transactions against the hash.
///
/// # Errors
///
/// What it gets wrong.
pub fn judge_block(answer: Value, hash: B256) -> Result<(), String> {
    blocks::full_block(answer, hash).map(drop)
}

/// Judges an answer of `eth_getBlockReceipts` against the header of the block.
///
/// # Errors
///
/// What it gets wrong.
pub fn judge_receipts(answer: Value, header: &Header) -> Result<(), String> {
    receipts::under_root(answer, header).map(drop)
}

/// Reads over untrusted execution nodes.
#[derive(Debug)]
pub struct Reads<P> {
    platform: P,
    spec: ChainSpec,
    chain_id: u64,
    sources: Mutex<Sources>,
    blocks: Mutex<BTreeMap<B256, Arc<Block>>>,
    refuted: Mutex<Vec<Statement>>,
}

impl<P: Platform> Reads<P> {
    /// Reads by the JSON-RPC of `sources`, base addresses in the order in which to ask.
    #[must_use]
    pub fn new(platform: P, spec: ChainSpec, chain_id: u64, sources: &[String]) -> Self {
        let sources = Mutex::new(Sources::new(sources));
        let (blocks, refuted) = (Mutex::default(), Mutex::default());
        Self { platform, spec, chain_id, sources, blocks, refuted }
    }

    /// EIP-155 chain id, as configured.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// What is known of each source.
    pub fn sources(&self) -> Vec<SourceRecord> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).records().to_vec()
    }

    /// Takes the refuted statements about blocks that were named by hash, for [`crate::evidence`].
    pub fn take_refuted(&self) -> Vec<Statement> {
        core::mem::take(&mut *self.refuted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep_refuted(&self, statement: Statement) {
        let mut refuted = self.refuted.lock().unwrap_or_else(PoisonError::into_inner);
        if refuted.len() < MAX_REFUTED && statement.block_hash().is_some() {
            refuted.push(statement);
        }
    }

    /// Asks one source after the other until `judge` accepts an answer.
    async fn ask<T>(
        &self,
        what: &'static str,
        params: &Value,
        judge: impl Fn(Value) -> Result<T, String>,
    ) -> Result<T, ReadFailure> {
        self.ask_in_forms(what, &[params], judge).await
    }

    /// The same about a block, which `params` puts into the request: by its hash, so that the answer is a statement
    /// about that block and no other (EIP-1898). A node that does not know that is asked by the number; its answer
    /// is judged as strictly, but one that does not hold may be about another block, and is no lie.
    async fn ask_at<T>(
        &self,
        what: &'static str,
        block: &ProvenBlock,
        params: impl Fn(Value) -> Value,
        judge: impl Fn(Value) -> Result<T, String>,
    ) -> Result<T, ReadFailure> {
        let hash = params(json!({ "blockHash": block.hash }));
        let number = params(json!(alloy_primitives::U64::from(block.number)));
        self.ask_in_forms(what, &[&hash, &number], judge).await
    }

    /// Asks one source after the other, each in the first form of the request that it takes.
    async fn ask_in_forms<T>(
        &self,
        what: &'static str,
        forms: &[&Value],
        judge: impl Fn(Value) -> Result<T, String>,
    ) -> Result<T, ReadFailure> {
        let reason = "no source is set".to_owned();
        let mut last = ReadFailure::Unavailable { what, reason };
        for (index, url) in self.order() {
            let began = self.platform.monotonic_ms();
            let (failure, outcome) = match self.post_in_forms(&url, what, forms).await {
                // that a node has not got something says nothing about the block
                Ok((Value::Null, _)) if what != "eth_getTransactionByHash" => {
                    let reason = format!("{url}: null");
                    (ReadFailure::Unavailable { what, reason }, Outcome::Failed)
                }
                Ok((answer, params)) => match judge(answer.clone()) {
                    Ok(value) => {
                        self.note(index, Outcome::Held, None, began);
                        return Ok(value);
                    }
                    Err(reason) => {
                        let about_this_block = forms.first() == Some(&params);
                        let outcome =
                            if about_this_block { Outcome::Invalid } else { Outcome::Failed };
                        let (source, method) = (url.clone(), what.to_owned());
                        let params = params.clone();
                        self.keep_refuted(Statement { source, method, params, answer });
                        (ReadFailure::Refuted { what, source_url: url, reason }, outcome)
                    }
                },
                // that it does not offer a method is no failure of a source
                Err(NoAnswer { reason, code: Some(METHOD_NOT_FOUND) }) => {
                    last = ReadFailure::Unavailable { what, reason };
                    continue;
                }
                Err(NoAnswer { reason, .. }) => {
                    (ReadFailure::Unavailable { what, reason }, Outcome::Failed)
                }
            };
            self.note(index, outcome, Some(failure.to_string()), began);
            if outcome == Outcome::Invalid || !matches!(last, ReadFailure::Refuted { .. }) {
                last = failure;
            }
        }
        Err(last)
    }

    /// The answer to the first form that the node takes, and that form.
    async fn post_in_forms<'a>(
        &self,
        url: &str,
        what: &'static str,
        forms: &[&'a Value],
    ) -> Result<(Value, &'a Value), NoAnswer> {
        let mut last = NoAnswer { reason: String::new(), code: None };
        for params in forms {
            match self.post(url, what, params).await {
                Ok(answer) => return Ok((answer, params)),
                Err(refused) if refused.code == Some(INVALID_PARAMS) => last = refused,
                Err(failed) => return Err(failed),
            }
        }
        Err(last)
    }

    fn order(&self) -> Vec<(usize, String)> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.order(self.platform.monotonic_ms())
    }

    fn note(&self, index: usize, outcome: Outcome, why: Option<String>, began: u64) {
        let times = (began, self.platform.monotonic_ms());
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.note(index, outcome, why, times);
    }

    /// One request; an answer without a result is no answer.
    async fn post(&self, url: &str, method: &str, params: &Value) -> Result<Value, NoAnswer> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = FetchRequest::post(url.to_owned(), body.to_string());
        let no_answer = |reason| NoAnswer { reason, code: None };
        let response = self.platform.fetch(request).await.map_err(|e| no_answer(e.to_string()))?;
        let mut answer: Value = serde_json::from_slice(&response.body)
            .map_err(|e| no_answer(format!("{url}: HTTP {}: {e}", response.status)))?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let code = error.get("code").and_then(Value::as_i64);
            return Err(NoAnswer { reason: format!("{url}: {error}"), code });
        }
        let none = || no_answer(format!("{url}: HTTP {}: no result", response.status));
        answer.get_mut("result").map(Value::take).ok_or_else(none)
    }
}

/// Why a request has no result.
struct NoAnswer {
    reason: String,
    code: Option<i64>,
}
