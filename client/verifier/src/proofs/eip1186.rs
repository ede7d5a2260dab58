//! Accounts and storage slots by Merkle proofs, as `eth_getProof` (EIP-1186) serves them. Bytes only: JSON is parsed by
//! the caller.
//!
//! ```text
//! state root ─[account proof]─▶ Account { storage_root, … } ─[storage proof]─▶ value
//! ```

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::{Decodable as _, Header};

use super::mpt::{MptError, TrieNodes, verify_proof};

/// Why an account or a slot is not proven.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Eip1186Error {
    /// The trie proof does not hold.
    #[error("{0}")]
    Mpt(#[from] MptError),
    /// The leaf is not an account.
    #[error("account leaf is malformed: {0}")]
    MalformedAccount(&'static str),
    /// The leaf is not a storage value.
    #[error("storage leaf is malformed: {0}")]
    MalformedValue(&'static str),
}

/// A proven account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Root of the storage trie.
    pub storage_root: B256,
    /// Keccak-256 of the code.
    pub code_hash: B256,
}

impl Account {
    /// Decodes the RLP of an account.
    ///
    /// # Errors
    ///
    /// When `bytes` is not exactly one canonical account.
    pub fn decode(bytes: &[u8]) -> Result<Self, Eip1186Error> {
        let malformed = Eip1186Error::MalformedAccount;
        let mut buf = bytes;
        let header = Header::decode(&mut buf).map_err(|_| malformed("not canonical RLP"))?;
        if !header.list || header.payload_length != buf.len() {
            return Err(malformed("not exactly one list"));
        }
        let nonce = u64::decode(&mut buf).map_err(|_| malformed("nonce"))?;
        let balance = U256::decode(&mut buf).map_err(|_| malformed("balance"))?;
        let storage_root = B256::decode(&mut buf).map_err(|_| malformed("storage root"))?;
        let code_hash = B256::decode(&mut buf).map_err(|_| malformed("code hash"))?;
        if !buf.is_empty() {
            return Err(malformed("more than four fields"));
        }
        Ok(Self { nonce, balance, storage_root, code_hash })
    }
}

fn decode_value(bytes: &[u8]) -> Result<U256, Eip1186Error> {
    let mut buf = bytes;
    let value = U256::decode(&mut buf)
        .map_err(|_| Eip1186Error::MalformedValue("not a canonical integer"))?;
    if !buf.is_empty() {
        return Err(Eip1186Error::MalformedValue("bytes left over"));
    }
    if value.is_zero() {
        return Err(Eip1186Error::MalformedValue("zero is never stored"));
    }
    Ok(value)
}

/// The account of `address` under `state_root`; `None` is proven absence.
///
/// # Errors
///
/// When the proof is not exactly the nodes on the path, or the leaf is malformed.
pub fn verify_account(
    state_root: B256,
    address: Address,
    proof: &[impl AsRef<[u8]>],
) -> Result<Option<Account>, Eip1186Error> {
    verify_proof(state_root, keccak256(address), proof)?
        .map(|leaf| Account::decode(&leaf))
        .transpose()
}

/// The value of slot `key` under `storage_root`; 0 when its absence is proven.
///
/// # Errors
///
/// When the proof is not exactly the nodes on the path, or the leaf is malformed.
pub fn verify_storage(
    storage_root: B256,
    key: B256,
    proof: &[impl AsRef<[u8]>],
) -> Result<U256, Eip1186Error> {
    let leaf = verify_proof(storage_root, keccak256(key), proof)?;
    leaf.map_or(Ok(U256::ZERO), |leaf| decode_value(&leaf))
}

/// As [`verify_account`], with nodes shared between many proofs.
///
/// # Errors
///
/// When a node is missing or malformed. Unused nodes are reported by [`TrieNodes::finish`].
pub fn get_account(
    nodes: &mut TrieNodes,
    state_root: B256,
    address: Address,
) -> Result<Option<Account>, Eip1186Error> {
    nodes.get(state_root, keccak256(address))?.map(|leaf| Account::decode(&leaf)).transpose()
}

/// As [`verify_storage`], with nodes shared between many proofs.
///
/// # Errors
///
/// When a node is missing or malformed. Unused nodes are reported by [`TrieNodes::finish`].
pub fn get_storage(
    nodes: &mut TrieNodes,
    storage_root: B256,
    key: B256,
) -> Result<U256, Eip1186Error> {
    let leaf = nodes.get(storage_root, keccak256(key))?;
    leaf.map_or(Ok(U256::ZERO), |leaf| decode_value(&leaf))
}
