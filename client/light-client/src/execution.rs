//! Reads of execution state: `eth_getProof` from any carrier, judged against a proven state root.

use alloy_primitives::{Address, B256, U256, keccak256};
use heliotrope_verifier::{
    chains::ethereum::LightClientHeader,
    proofs::{
        eip1186::{self, Account},
        mpt::EMPTY_ROOT_HASH,
    },
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::platform::{FetchRequest, Platform, PlatformError};

/// Slots asked for in one request: an answer of 64 slots is about half a megabyte of JSON.
const SLOTS_PER_REQUEST: usize = 64;

/// An execution block whose state root was proven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProvenBlock {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Root of its state.
    pub state_root: B256,
    /// Unix seconds.
    pub timestamp: u64,
}

impl ProvenBlock {
    /// The execution block that a proven beacon header proves; `None` where the fork proves only a hash.
    #[must_use]
    pub fn of(header: &LightClientHeader) -> Option<Self> {
        let payload = header.execution_payload_header()?;
        Some(Self {
            number: payload.block_number,
            hash: payload.block_hash,
            state_root: payload.state_root,
            timestamp: payload.timestamp,
        })
    }
}

/// Storage words, and the trie nodes that prove them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProvenStorage {
    /// One word for each key that was asked, in that order; zero is proven absence.
    pub values: Vec<U256>,
    /// Every trie node used, each once, in the order of first use.
    pub nodes: Vec<Vec<u8>>,
    /// Bytes of the answers.
    pub bytes: usize,
}

/// A read was not proven.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The carrier could not be reached.
    #[error("{method} at block {block}: {reason}")]
    Unavailable {
        /// What was asked.
        method: String,
        /// Number of the block.
        block: u64,
        /// What it said.
        reason: String,
    },
    /// The proof does not hold.
    #[error("{address} at block {block}: {reason}")]
    NotProven {
        /// The contract.
        address: Address,
        /// Number of the block.
        block: u64,
        /// Which rule.
        reason: String,
    },
    /// There is no such contract at that block.
    #[error("no account {address} at block {block}")]
    NoAccount {
        /// The contract.
        address: Address,
        /// Number of the block.
        block: u64,
    },
}

#[derive(Deserialize)]
struct RpcAnswer<T> {
    result: Option<T>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetProof {
    account_proof: Vec<HexBytes>,
    storage_proof: Vec<SlotProof>,
}

#[derive(Deserialize)]
struct SlotProof {
    proof: Vec<HexBytes>,
}

/// `0x`-prefixed bytes.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct HexBytes(Vec<u8>);

impl TryFrom<String> for HexBytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").ok_or("bytes without 0x")?;
        hex::decode(digits).map(Self).map_err(|e| e.to_string())
    }
}

/// Proves an account and storage words of it at a proven block; the account is `None` where its absence is proven.
///
/// # Errors
///
/// When the carrier does not answer, or what it answers does not prove them under `block.state_root`.
pub async fn prove_account<P: Platform>(
    platform: &P,
    rpc: &str,
    block: &ProvenBlock,
    address: Address,
    keys: &[B256],
) -> Result<(Option<Account>, Vec<U256>), ReadError> {
    let (answer, _) = get_proof(platform, rpc, block, address, keys).await?;
    let mut proven = ProvenStorage::default();
    let account = check(block, address, keys, answer, &mut proven)?;
    Ok((account, proven.values))
}

/// Code of an account whose code hash was proven.
///
/// # Errors
///
/// When the carrier does not answer, or with other code.
pub async fn prove_code<P: Platform>(
    platform: &P,
    rpc: &str,
    block: &ProvenBlock,
    address: Address,
    code_hash: B256,
) -> Result<Vec<u8>, ReadError> {
    let params = serde_json::json!([address, number_of(block)]);
    let (HexBytes(code), _) = ask(platform, rpc, block, "eth_getCode", params).await?;
    let got = keccak256(&code);
    if got == code_hash {
        return Ok(code);
    }
    let reason = format!("code of hash {got}, expected {code_hash}");
    Err(ReadError::NotProven { address, block: block.number, reason })
}

/// Proves storage words of one contract at a proven block.
///
/// # Errors
///
/// When the carrier does not answer, or what it answers does not prove the words under
/// `block.state_root`.
pub async fn prove_storage<P: Platform>(
    platform: &P,
    rpc: &str,
    block: &ProvenBlock,
    address: Address,
    keys: &[B256],
) -> Result<ProvenStorage, ReadError> {
    let mut proven = ProvenStorage::default();
    for batch in keys.chunks(SLOTS_PER_REQUEST) {
        let (answer, bytes) = get_proof(platform, rpc, block, address, batch).await?;
        proven.bytes = proven.bytes.saturating_add(bytes);
        check(block, address, batch, answer, &mut proven)?
            .ok_or(ReadError::NoAccount { address, block: block.number })?;
    }
    Ok(proven)
}

fn check(
    block: &ProvenBlock,
    address: Address,
    keys: &[B256],
    answer: GetProof,
    proven: &mut ProvenStorage,
) -> Result<Option<Account>, ReadError> {
    let not_proven = |reason: String| ReadError::NotProven { address, block: block.number, reason };
    let account_proof: Vec<Vec<u8>> = answer.account_proof.into_iter().map(|b| b.0).collect();
    let account = eip1186::verify_account(block.state_root, address, &account_proof)
        .map_err(|e| not_proven(e.to_string()))?;
    let storage_root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
    keep(&mut proven.nodes, account_proof);
    if storage_root == EMPTY_ROOT_HASH {
        // every slot is zero: what nodes send beside it differs, and proves nothing
        proven.values.extend(keys.iter().map(|_| U256::ZERO));
        return Ok(account);
    }
    if answer.storage_proof.len() != keys.len() {
        let (got, expected) = (answer.storage_proof.len(), keys.len());
        return Err(not_proven(format!("{got} storage proofs, expected {expected}")));
    }
    for (key, slot) in keys.iter().zip(answer.storage_proof) {
        let proof: Vec<Vec<u8>> = slot.proof.into_iter().map(|b| b.0).collect();
        let value = eip1186::verify_storage(storage_root, *key, &proof)
            .map_err(|e| not_proven(format!("slot {key}: {e}")))?;
        proven.values.push(value);
        keep(&mut proven.nodes, proof);
    }
    Ok(account)
}

fn keep(nodes: &mut Vec<Vec<u8>>, proof: Vec<Vec<u8>>) {
    for node in proof {
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
}

async fn get_proof<P: Platform>(
    platform: &P,
    rpc: &str,
    block: &ProvenBlock,
    address: Address,
    keys: &[B256],
) -> Result<(GetProof, usize), ReadError> {
    let params = serde_json::json!([address, keys, number_of(block)]);
    ask(platform, rpc, block, "eth_getProof", params).await
}

fn number_of(block: &ProvenBlock) -> String {
    format!("0x{:x}", block.number)
}

/// One request: the result, and bytes of the answer.
async fn ask<P: Platform, T: DeserializeOwned>(
    platform: &P,
    rpc: &str,
    block: &ProvenBlock,
    method: &str,
    params: serde_json::Value,
) -> Result<(T, usize), ReadError> {
    let (method_name, block) = (method.to_owned(), block.number);
    let unavailable =
        |reason: String| ReadError::Unavailable { method: method_name.clone(), block, reason };
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let response = platform
        .fetch(FetchRequest::post(rpc.to_owned(), body.to_string()))
        .await
        .map_err(|PlatformError(e)| unavailable(e))?;
    let answer: RpcAnswer<T> =
        serde_json::from_slice(&response.body).map_err(|e| unavailable(e.to_string()))?;
    match (answer.result, answer.error) {
        (Some(result), _) => Ok((result, response.body.len())),
        (None, Some(error)) => Err(unavailable(error.to_string())),
        (None, None) => Err(unavailable(format!("HTTP {}: no result", response.status))),
    }
}
