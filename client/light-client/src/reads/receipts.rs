//! Transactions and receipts. A receipt is proven with all the others of its block: what they hash to is in
//! the header, so none can be altered, added or left out.

use alloy_consensus::{
    Header, ReceiptEnvelope, Transaction as _, TxEnvelope, transaction::TxHashRef as _,
};
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::{Block, BlockTransactions, Log, Transaction, TransactionReceipt};
use heliotrope_evm::{SpecId, blob_base_fee_update_fraction, spec_at};
use heliotrope_verifier::{chains::ethereum::ChainSpec, proofs::ordered_trie::ordered_trie_root};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Heads, ReadFailure, Reads, blocks::same};
use crate::{execution::ProvenBlock, platform::Platform};

type Envelope = ReceiptEnvelope<alloy_primitives::Log>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Where {
    block_hash: Option<B256>,
}

/// The transactions of a block that [`Reads::block`] gave.
#[must_use]
pub fn transactions_of(block: &Block) -> &[Transaction] {
    match &block.transactions {
        BlockTransactions::Full(transactions) => transactions,
        BlockTransactions::Hashes(_) | BlockTransactions::Uncle => &[],
    }
}

impl<P: Platform> Reads<P> {
    /// A transaction of the proven chain, and its block; `None` when no source knows it. That a transaction does
    /// *not* exist cannot be proven.
    ///
    /// # Errors
    ///
    /// When the block that it is said to be in is not on the chain, or does not hold it.
    pub async fn transaction(
        &self,
        heads: &Heads,
        hash: B256,
    ) -> Result<Option<(ProvenBlock, Transaction)>, ReadFailure> {
        let judge = |answer: Value| {
            let place: Option<Where> = serde_json::from_value(answer).map_err(|e| e.to_string())?;
            Ok(place.and_then(|place| place.block_hash))
        };
        let Some(block_hash) = self.ask("eth_getTransactionByHash", &json!([hash]), judge).await?
        else {
            return Ok(None);
        };
        let Some(proven) = self.resolve_hash(heads, block_hash).await? else { return Ok(None) };
        let block = self.block(proven.hash).await?;
        let found = transactions_of(&block).iter().find(|t| t.inner.tx_hash() == &hash);
        Ok(found.map(|transaction| (proven, transaction.clone())))
    }

    /// All receipts of a block.
    ///
    /// # Errors
    ///
    /// When no source has receipts of the header's root.
    pub async fn receipts(
        &self,
        block: &ProvenBlock,
    ) -> Result<Vec<TransactionReceipt>, ReadFailure> {
        let full = self.block(block.hash).await?;
        let judge = |answer| prove(&self.spec, &full, answer);
        self.ask_at("eth_getBlockReceipts", block, |at| json!([at]), judge).await
    }

    /// Hands a signed transaction to the first source that takes it. Gives its hash, computed here.
    ///
    /// # Errors
    ///
    /// When `raw` is not a transaction, or no source takes it.
    pub async fn send_raw_transaction(&self, raw: &Bytes) -> Result<B256, ReadFailure> {
        let what = "eth_sendRawTransaction";
        let transaction = TxEnvelope::decode_2718(&mut raw.as_ref())
            .map_err(|e| ReadFailure::Unavailable { what, reason: e.to_string() })?;
        let hash = *transaction.tx_hash();
        // that a node has taken it is only its word: the receipt will show
        self.ask(what, &json!([raw]), |_| Ok(hash)).await
    }

    /// Wei per blob gas in the block of this header (EIP-4844).
    pub fn blob_base_fee(&self, header: &Header) -> u128 {
        blob_base_fee(&self.spec, header).unwrap_or_default()
    }
}

fn blob_base_fee(spec: &ChainSpec, header: &Header) -> Option<u128> {
    let fraction = match spec_at(spec, header.timestamp) {
        SpecId::CANCUN => 3_338_477,
        SpecId::PRAGUE => 5_007_716,
        _ => blob_base_fee_update_fraction(spec, header.timestamp)?,
    };
    let excess = header.excess_blob_gas?;
    Some(alloy_eips::eip4844::fake_exponential(1, u128::from(excess), u128::from(fraction)))
}

/// Receipts as the header binds them: without what their place adds.
pub(super) fn under_root(answer: Value, header: &Header) -> Result<Vec<Envelope>, String> {
    let receipts: Vec<TransactionReceipt> =
        serde_json::from_value(answer).map_err(|e| e.to_string())?;
    let receipts: Vec<Envelope> =
        receipts.into_iter().map(|r| r.into_primitives_receipt().into_inner()).collect();
    let encoded: Vec<_> = receipts.iter().map(|r| r.encoded_2718()).collect();
    same("receipts", ordered_trie_root(&encoded), header.receipts_root)?;
    Ok(receipts)
}

fn prove(
    spec: &ChainSpec,
    block: &Block,
    answer: Value,
) -> Result<Vec<TransactionReceipt>, String> {
    let header = &block.header.inner;
    let receipts = under_root(answer, header)?;
    let transactions = transactions_of(block);
    let (got, expected) = (receipts.len(), transactions.len());
    if got != expected {
        return Err(format!("{got} receipts of {expected} transactions"));
    }
    let blob_price = blob_base_fee(spec, header);
    let (mut gas_before, mut logs_before) = (0, 0);
    let mut placed = Vec::with_capacity(receipts.len());
    for (envelope, transaction) in receipts.into_iter().zip(transactions) {
        let gas = envelope.cumulative_gas_used();
        let logs = u64::try_from(envelope.logs().len()).unwrap_or(u64::MAX);
        let gas_used = gas.saturating_sub(gas_before);
        placed.push(place(block, transaction, envelope, gas_used, logs_before, blob_price));
        gas_before = gas;
        logs_before = logs_before.saturating_add(logs);
    }
    Ok(placed)
}

/// A receipt with what follows from its transaction and its place.
fn place(
    block: &Block,
    transaction: &Transaction,
    envelope: Envelope,
    gas_used: u64,
    mut log_index: u64,
    blob_price: Option<u128>,
) -> TransactionReceipt {
    let (from, transaction_hash) = (transaction.inner.signer(), *transaction.inner.tx_hash());
    let blob_gas_used = transaction.blob_gas_used();
    let (to, header) = (transaction.to(), &block.header.inner);
    let receipt = TransactionReceipt {
        inner: envelope,
        transaction_hash,
        transaction_index: transaction.transaction_index,
        block_hash: Some(block.header.hash),
        block_number: Some(header.number),
        gas_used,
        effective_gas_price: transaction.inner.effective_gas_price(header.base_fee_per_gas),
        blob_gas_used,
        blob_gas_price: blob_gas_used.and(blob_price),
        from,
        to,
        contract_address: to.is_none().then(|| from.create(transaction.nonce())),
    };
    receipt.map_logs(|inner| {
        let index = log_index;
        log_index = log_index.saturating_add(1);
        Log {
            inner,
            block_hash: Some(block.header.hash),
            block_number: Some(header.number),
            block_timestamp: Some(header.timestamp),
            transaction_hash: Some(transaction_hash),
            transaction_index: transaction.transaction_index,
            log_index: Some(index),
            removed: false,
        }
    })
}
