//! Anvil's blocks as execution payload headers.

use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_verifier::chains::ethereum::ExecutionPayloadHeader;
use heliotrope_verifier::proofs::ssz_merkle::{merkleize, mix_in_length};
use serde_json::{Value, json};

/// Depth of `ByteList[MAX_BYTES_PER_TRANSACTION]` (2^30 bytes in chunks of 32).
const TRANSACTION_DEPTH: u32 = 25;
/// Depth of `List[Transaction, MAX_TRANSACTIONS_PER_PAYLOAD]` (2^20).
const TRANSACTIONS_DEPTH: u32 = 20;
/// Depth of `List[Withdrawal, MAX_WITHDRAWALS_PER_PAYLOAD]` (4 in the minimal preset).
const WITHDRAWALS_DEPTH: u32 = 2;

/// Raw transactions asked for in one request.
const BATCH: usize = 256;

/// A JSON-RPC client of one anvil node.
#[derive(Debug)]
pub(super) struct Anvil {
    url: String,
    http: reqwest::Client,
}

impl Anvil {
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), http: reqwest::Client::new() }
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let response = self.http.post(&self.url).json(&body).send().await;
        let mut answer: Value =
            response.with_context(|| format!("{method} at {}", self.url))?.json().await?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].take())
    }

    /// Mines one block with this timestamp, in seconds, and returns it.
    pub(super) async fn mine_at(&self, timestamp: u64) -> Result<ExecutionPayloadHeader> {
        self.call("evm_setNextBlockTimestamp", json!([timestamp])).await?;
        self.call("evm_mine", json!([])).await?;
        let block = self.latest_block().await?;
        ensure!(
            block.timestamp == timestamp,
            "block {} has timestamp {}, expected {timestamp}: does anvil run with --no-mining?",
            block.block_number,
            block.timestamp
        );
        Ok(block)
    }

    /// The newest block.
    pub(super) async fn latest_block(&self) -> Result<ExecutionPayloadHeader> {
        let block = self.call("eth_getBlockByNumber", json!(["latest", false])).await?;
        let hashes = block["transactions"].as_array().context("no transactions")?;
        let mut transactions = Vec::with_capacity(hashes.len());
        for batch in hashes.chunks(BATCH) {
            transactions.extend(self.raw_transactions(batch).await?);
        }
        payload_header(&block, &transactions)
    }

    /// Canonical encodings of transactions: the bytes that the payload carries.
    async fn raw_transactions(&self, hashes: &[Value]) -> Result<Vec<Vec<u8>>> {
        let request = |(id, hash)| {
            let method = "debug_getRawTransaction";
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": [hash]})
        };
        let batch: Vec<Value> = hashes.iter().enumerate().map(request).collect();
        let response = self.http.post(&self.url).json(&batch).send().await?;
        let mut answers: Vec<Value> = response.json().await.context("raw transactions")?;
        answers.sort_by_key(|answer| answer["id"].as_u64());
        ensure!(answers.len() == hashes.len(), "{} raw transactions", answers.len());
        let raw = |answer: &Value| -> Result<Vec<u8>> {
            let text = answer["result"].as_str().with_context(|| format!("{answer}"))?;
            Ok(hex::decode(text.trim_start_matches("0x"))?)
        };
        answers.iter().map(raw).collect()
    }
}

fn text<'a>(block: &'a Value, name: &str) -> Result<&'a str> {
    block[name].as_str().with_context(|| format!("block without {name}"))
}

fn array<const N: usize>(block: &Value, name: &str) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let digits = text(block, name)?.trim_start_matches("0x");
    hex::decode_to_slice(digits, &mut bytes).with_context(|| format!("{name} of {N} bytes"))?;
    Ok(bytes)
}

fn hash(block: &Value, name: &str) -> Result<B256> {
    Ok(B256::new(array(block, name)?))
}

fn number(block: &Value, name: &str) -> Result<u64> {
    let digits = text(block, name)?.trim_start_matches("0x");
    u64::from_str_radix(digits, 16).with_context(|| name.to_owned())
}

fn payload_header(block: &Value, transactions: &[Vec<u8>]) -> Result<ExecutionPayloadHeader> {
    let withdrawals = block["withdrawals"].as_array().map_or(0, Vec::len);
    ensure!(withdrawals == 0, "{withdrawals} withdrawals: anvil makes none");
    Ok(ExecutionPayloadHeader {
        parent_hash: hash(block, "parentHash")?,
        fee_recipient: Address::new(array(block, "miner")?),
        state_root: hash(block, "stateRoot")?,
        receipts_root: hash(block, "receiptsRoot")?,
        logs_bloom: Box::new(array(block, "logsBloom")?),
        prev_randao: hash(block, "mixHash")?,
        block_number: number(block, "number")?,
        gas_limit: number(block, "gasLimit")?,
        gas_used: number(block, "gasUsed")?,
        timestamp: number(block, "timestamp")?,
        extra_data: hex::decode(text(block, "extraData")?.trim_start_matches("0x"))?,
        base_fee_per_gas: U256::from(number(block, "baseFeePerGas")?),
        block_hash: hash(block, "hash")?,
        transactions_root: transactions_root(transactions),
        withdrawals_root: no_withdrawals_root(),
        blob_gas_used: number(block, "blobGasUsed").unwrap_or(0),
        excess_blob_gas: number(block, "excessBlobGas").unwrap_or(0),
    })
}

/// `hash_tree_root` of the empty list of withdrawals.
fn no_withdrawals_root() -> B256 {
    mix_in_length(&merkleize(&[], WITHDRAWALS_DEPTH), 0)
}

/// `hash_tree_root` of the list of transactions.
fn transactions_root(transactions: &[Vec<u8>]) -> B256 {
    let roots: Vec<B256> = transactions
        .iter()
        .map(|bytes| {
            let chunks: Vec<B256> = bytes.chunks(32).map(B256::right_padding_from).collect();
            mix_in_length(&merkleize(&chunks, TRANSACTION_DEPTH), bytes.len() as u64)
        })
        .collect();
    mix_in_length(&merkleize(&roots, TRANSACTIONS_DEPTH), roots.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Roots computed with the executable specification, `eth-consensus-specs` 1.7.0b4, Electra, minimal preset.
    #[test]
    fn roots_of_lists_are_those_of_the_specification() {
        let root = |transactions: &[Vec<u8>]| hex::encode(transactions_root(transactions));
        let empty = "7ffe241ea60187fdb0187bfa22de35d1f9bed7ab061d9401fd47e34a54fbede1";
        assert_eq!(root(&[]), empty);
        let transfer = hex::decode(concat!(
            "02f86c827a6980843b9aca0084773594008252089470997970c51812dc3a010c7d01b50e0d17dc79c80180c0",
            "80a07ca003a6a2adcce9641e808dcecdedf7c37ca5f48c326a17e25406471de8d1eea053a15f6568f6cf8ccf",
            "47cb2f77585c4b71ba3a579bfcc82de7a528889b92a705",
        ))
        .unwrap();
        let one = "2f50cd50bbcd137902882975ec7217f44e846161161863614ff9979e4af839e5";
        assert_eq!(root(&[transfer]), one);
        let withdrawals = "28ba1834a3a7b657460ce79fa3a1d909ab8828fd557659d4d0554a9bdbc0ec30";
        assert_eq!(hex::encode(no_withdrawals_root()), withdrawals);
    }
}
