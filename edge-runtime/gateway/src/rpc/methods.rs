//! The methods, one line each, and what they ask of the proven reads.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::{
    Block, BlockId, BlockNumberOrTag, BlockTransactions, Filter, TransactionRequest,
};
use heliotrope_evm::{Call, CallOutcome, EvmError};
use heliotrope_light_client::{
    execution::ProvenBlock,
    reads::{Heads, ProvenAccount, ReadFailure, transactions_of},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Rpc,
    answer::{Answer, RpcError, hex},
};

/// Suggested tip where the newest block has no transaction to learn from: 1 gwei.
const USUAL_TIP: u128 = 1_000_000_000;

type Outcome = Result<Answer, RpcError>;

/// A request's parameters, by position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params<'a>(pub(crate) &'a Value);

impl Params<'_> {
    pub(crate) fn opt<T: DeserializeOwned>(
        self,
        index: usize,
        name: &str,
    ) -> Result<Option<T>, RpcError> {
        match self.0.get(index).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => serde_json::from_value(value.clone())
                .map(Some)
                .map_err(|e| RpcError::params(format!("{name}: {e}, got {value}"))),
        }
    }

    pub(crate) fn need<T: DeserializeOwned>(self, index: usize, name: &str) -> Result<T, RpcError> {
        let missing = || RpcError::params(format!("parameter {index}, {name}, is missing"));
        self.opt(index, name)?.ok_or_else(missing)
    }

    fn slot(self, index: usize) -> Result<B256, RpcError> {
        Ok(self.need::<U256>(index, "slot")?.into())
    }

    fn index(self, index: usize) -> Result<usize, RpcError> {
        let number: U256 = self.need(index, "index")?;
        usize::try_from(number).map_err(RpcError::params)
    }

    fn message(self) -> Result<Call, RpcError> {
        let request: TransactionRequest = self.need(0, "call")?;
        Ok(Call {
            from: request.from.unwrap_or_default(),
            to: request.to.and_then(|kind| kind.into_to()),
            value: request.value.unwrap_or_default(),
            data: request.input.into_input().unwrap_or_default(),
            gas: request.gas,
        })
    }
}

/// One method.
pub(crate) async fn dispatch(rpc: &Rpc, method: &str, params: Params<'_>) -> Outcome {
    match method {
        "eth_chainId" => return Ok(Answer::own(hex(rpc.reads.chain_id()))),
        "net_version" => return Ok(Answer::own(rpc.reads.chain_id().to_string())),
        "web3_clientVersion" => {
            return Ok(Answer::own(concat!("heliotrope/", env!("CARGO_PKG_VERSION"))));
        }
        "eth_accounts" => return Ok(Answer::own(json!([]))),
        "eth_syncing" => return Ok(rpc.syncing()),
        "heliotrope_getCurrentCheckpoint" => return Ok(Answer::own(rpc.checkpoint())),
        "heliotrope_sources" => return Ok(Answer::own(rpc.sources())),
        "eth_sendRawTransaction" => {
            let raw: Bytes = params.need(0, "transaction")?;
            return Ok(Answer::asserted(rpc.reads.send_raw_transaction(&raw).await?));
        }
        "eth_uninstallFilter" => return Ok(Answer::own(rpc.filters.remove(params.need(0, "id")?))),
        _ => {}
    }
    let heads = rpc.heads()?;
    let at = At { rpc, heads: &heads, params };
    match method {
        "eth_blockNumber" => at.head(|head| Ok(json!(hex(head.number)))),
        "eth_getBalance" => at.account(|a| hex(a.map_or(U256::ZERO, |a| a.balance))).await,
        "eth_getTransactionCount" => at.account(|a| hex(a.map_or(0, |a| a.nonce))).await,
        "eth_getCode" => at.code().await,
        "eth_getStorageAt" => at.storage().await,
        "eth_getProof" => at.proof().await,
        "eth_call" => at.call().await,
        "eth_estimateGas" => at.estimate_gas().await,
        "eth_createAccessList" => at.access_list().await,
        "eth_gasPrice" | "eth_maxPriorityFeePerGas" => at.gas_price(method).await,
        "eth_blobBaseFee" => at.blob_base_fee().await,
        "eth_coinbase" => at.coinbase().await,
        "eth_getBlockByNumber" | "eth_getBlockByHash" => at.block().await,
        "eth_getBlockTransactionCountByNumber" | "eth_getBlockTransactionCountByHash" => {
            at.transaction_count().await
        }
        "eth_getTransactionByBlockNumberAndIndex" | "eth_getTransactionByBlockHashAndIndex" => {
            at.transaction_at().await
        }
        "eth_getTransactionByHash" => at.transaction().await,
        "eth_getTransactionReceipt" => at.receipt().await,
        "eth_getBlockReceipts" => at.receipts().await,
        "eth_getLogs" => at.logs().await,
        "eth_newFilter" => Ok(Answer::own(
            rpc.filters.add(Some(params.need(0, "filter")?), heads.optimistic.number),
        )),
        "eth_newBlockFilter" => Ok(Answer::own(rpc.filters.add(None, heads.optimistic.number))),
        "eth_getFilterChanges" => rpc.filters.changes(rpc, &heads, params.need(0, "id")?).await,
        "eth_getFilterLogs" => rpc.filters.logs(rpc, &heads, params.need(0, "id")?).await,
        other => Err(RpcError::method(other)),
    }
}

/// A request at the heads that were proven when it came.
struct At<'a> {
    rpc: &'a Rpc,
    heads: &'a Heads,
    params: Params<'a>,
}

impl At<'_> {
    fn proven(&self, block: &ProvenBlock, result: impl serde::Serialize) -> Outcome {
        Ok(Answer::at(self.heads, block, result))
    }

    fn head(&self, say: impl Fn(&ProvenBlock) -> Result<Value, RpcError>) -> Outcome {
        let head = &self.heads.optimistic;
        self.proven(head, say(head)?)
    }

    /// The block that a parameter names; none when it is not on the chain.
    async fn find(&self, index: usize) -> Result<Option<ProvenBlock>, RpcError> {
        let latest = BlockId::Number(BlockNumberOrTag::Latest);
        match self.params.opt(index, "block")?.unwrap_or(latest) {
            BlockId::Hash(hash) => {
                Ok(self.rpc.reads.resolve_hash(self.heads, hash.block_hash).await?)
            }
            BlockId::Number(tag) => match self.rpc.reads.resolve(self.heads, tag).await {
                Err(ReadFailure::OutOfReach { number, head }) if number > head => Ok(None),
                found => Ok(Some(found?)),
            },
        }
    }

    async fn need(&self, index: usize) -> Result<ProvenBlock, RpcError> {
        let named = self.params.0.get(index).cloned().unwrap_or_default();
        let missing = || RpcError::server(format!("block {named} is not on the proven chain"));
        self.find(index).await?.ok_or_else(missing)
    }

    async fn account<R: serde::Serialize>(
        &self,
        say: impl Fn(Option<heliotrope_verifier::proofs::eip1186::Account>) -> R,
    ) -> Outcome {
        let block = self.need(1).await?;
        let address = self.params.need(0, "address")?;
        let proven = self.rpc.reads.account(&block, address, &[]).await?;
        self.proven(&block, say(proven.account))
    }

    async fn code(&self) -> Outcome {
        let block = self.need(1).await?;
        let code = self.rpc.reads.code(&block, self.params.need(0, "address")?).await?;
        self.proven(&block, code)
    }

    async fn storage(&self) -> Outcome {
        let (address, slot) = (self.params.need(0, "address")?, self.params.slot(1)?);
        let block = self.need(2).await?;
        let proven = self.rpc.reads.account(&block, address, &[slot]).await?;
        self.proven(&block, B256::from(proven.slots.first().copied().unwrap_or_default()))
    }

    async fn proof(&self) -> Outcome {
        let address: Address = self.params.need(0, "address")?;
        let keys: Vec<U256> = self.params.need(1, "slots")?;
        let keys: Vec<B256> = keys.into_iter().map(B256::from).collect();
        let block = self.need(2).await?;
        let proven = self.rpc.reads.account(&block, address, &keys).await?;
        self.proven(&block, proof_json(address, &keys, &proven))
    }

    async fn call(&self) -> Outcome {
        let block = self.need(1).await?;
        match self.rpc.reads.call(self.heads, &block, &self.params.message()?).await? {
            CallOutcome::Success { output, .. } => self.proven(&block, output),
            CallOutcome::Revert { output, .. } => Err(RpcError::reverted(&output)),
            CallOutcome::Halt { reason, .. } => Err(RpcError::server(reason)),
        }
    }

    async fn estimate_gas(&self) -> Outcome {
        let block = self.need(1).await?;
        match self.rpc.reads.estimate_gas(self.heads, &block, &self.params.message()?).await {
            Ok(gas) => self.proven(&block, hex(gas)),
            Err(ReadFailure::Evm(EvmError::Fails {
                outcome: CallOutcome::Revert { output, .. },
                ..
            })) => Err(RpcError::reverted(&output)),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn access_list(&self) -> Outcome {
        let block = self.need(1).await?;
        let list = self.rpc.reads.access_list(self.heads, &block, &self.params.message()?).await?;
        self.proven(&block, list)
    }

    /// The newest block's base fee and the median of its tips: proven numbers, and a guess at the next.
    async fn gas_price(&self, method: &str) -> Outcome {
        let head = &self.heads.optimistic;
        let block = self.rpc.reads.block(head.hash).await?;
        let base_fee = u128::from(block.header.inner.base_fee_per_gas.unwrap_or_default());
        let price =
            |t: &alloy_rpc_types_eth::Transaction| t.effective_gas_price.unwrap_or_default();
        let transactions = transactions_of(&block).iter();
        let mut tips: Vec<u128> = transactions.map(|t| price(t).saturating_sub(base_fee)).collect();
        tips.sort_unstable();
        let tip = tips.get(tips.len().div_euclid(2)).copied().unwrap_or(USUAL_TIP);
        let base = if method == "eth_gasPrice" { base_fee } else { 0 };
        self.proven(head, hex(base.saturating_add(tip)))
    }

    async fn blob_base_fee(&self) -> Outcome {
        let head = &self.heads.optimistic;
        let header = self.rpc.reads.header(head.hash).await?;
        self.proven(head, hex(self.rpc.reads.blob_base_fee(&header)))
    }

    async fn coinbase(&self) -> Outcome {
        let head = &self.heads.optimistic;
        self.proven(head, self.rpc.reads.header(head.hash).await?.beneficiary)
    }

    async fn block(&self) -> Outcome {
        let Some(proven) = self.find(0).await? else { return Ok(Answer::asserted(Value::Null)) };
        let full: bool = self.params.opt(1, "full")?.unwrap_or(false);
        let block = self.rpc.reads.block(proven.hash).await?;
        self.proven(&proven, if full { (*block).clone() } else { with_hashes(&block) })
    }

    async fn transaction_count(&self) -> Outcome {
        let block = self.need(0).await?;
        let full = self.rpc.reads.block(block.hash).await?;
        self.proven(&block, hex(transactions_of(&full).len()))
    }

    async fn transaction_at(&self) -> Outcome {
        let (block, index) = (self.need(0).await?, self.params.index(1)?);
        let full = self.rpc.reads.block(block.hash).await?;
        self.proven(&block, transactions_of(&full).get(index))
    }

    async fn transaction(&self) -> Outcome {
        let hash = self.params.need(0, "hash")?;
        match self.rpc.reads.transaction(self.heads, hash).await? {
            Some((block, transaction)) => self.proven(&block, transaction),
            // that it does not exist cannot be proven
            None => Ok(Answer::asserted(Value::Null)),
        }
    }

    async fn receipt(&self) -> Outcome {
        let hash: B256 = self.params.need(0, "hash")?;
        let Some((block, _)) = self.rpc.reads.transaction(self.heads, hash).await? else {
            return Ok(Answer::asserted(Value::Null));
        };
        let receipts = self.rpc.reads.receipts(&block).await?;
        self.proven(&block, receipts.into_iter().find(|r| r.transaction_hash == hash))
    }

    async fn receipts(&self) -> Outcome {
        let block = self.need(0).await?;
        self.proven(&block, self.rpc.reads.receipts(&block).await?)
    }

    async fn logs(&self) -> Outcome {
        let filter: Filter = self.params.need(0, "filter")?;
        let logs = self.rpc.reads.logs(self.heads, &filter).await?;
        self.proven(&self.heads.optimistic, logs)
    }
}

fn with_hashes(block: &Block) -> Block {
    let hashes = transactions_of(block).iter().map(|t| *t.inner.hash()).collect();
    Block { transactions: BlockTransactions::Hashes(hashes), ..block.clone() }
}

fn proof_json(address: Address, keys: &[B256], proven: &ProvenAccount) -> Value {
    use alloy_primitives::KECCAK256_EMPTY;
    use heliotrope_verifier::proofs::mpt::EMPTY_ROOT_HASH;
    let account = proven.account.as_ref();
    let slots = keys.iter().zip(&proven.slots).zip(&proven.storage_proofs);
    let slots: Vec<Value> = slots
        .map(|((key, value), proof)| json!({ "key": key, "value": value, "proof": proof }))
        .collect();
    json!({
        "address": address,
        "accountProof": proven.account_proof,
        "balance": hex(account.map_or(U256::ZERO, |a| a.balance)),
        "nonce": hex(account.map_or(0, |a| a.nonce)),
        "codeHash": account.map_or(KECCAK256_EMPTY, |a| a.code_hash),
        "storageHash": account.map_or(EMPTY_ROOT_HASH, |a| a.storage_root),
        "storageProof": slots,
    })
}
