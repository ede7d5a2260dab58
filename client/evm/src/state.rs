//! The part of the state that was proven, and the names of what was not.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use heliotrope_verifier::proofs::{eip1186::Account, mpt::EMPTY_ROOT_HASH};
use revm::{
    database_interface::{DBErrorMarker, Database},
    state::{AccountInfo, Bytecode},
};

/// What a call read and nobody has proven yet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum Missing {
    /// An account.
    #[error("account {0} is not proven")]
    Account(Address),
    /// A storage slot.
    #[error("slot {1:#x} of {0} is not proven")]
    Storage(Address, U256),
    /// Code, by its Keccak-256; the account has it if it is known.
    #[error("code {0} is not there")]
    Code(B256),
    /// Hash of an earlier block, by number.
    #[error("hash of block {0} is not proven")]
    BlockHash(u64),
}

impl DBErrorMarker for Missing {}

/// Something handed in that does not fit what was proven.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StateError {
    /// Code that is not the code.
    #[error(
        "code hashes to {got}, expected {expected}: it was altered on the way, ask another source"
    )]
    CodeHash {
        /// Keccak-256 of what came.
        got: B256,
        /// The proven hash.
        expected: B256,
    },
}

/// Proven accounts, slots, code and block hashes: all that a call may see.
#[derive(Clone, Debug, Default)]
pub struct ProvenState {
    accounts: BTreeMap<Address, Option<Account>>,
    storage: BTreeMap<(Address, U256), U256>,
    code: BTreeMap<B256, Bytes>,
    block_hashes: BTreeMap<u64, B256>,
}

impl ProvenState {
    /// Knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An account as proven, `None` for one proven absent.
    pub fn insert_account(&mut self, address: Address, account: Option<Account>) {
        self.accounts.insert(address, account);
    }

    /// A slot's value as proven, zero for one proven absent.
    pub fn insert_storage(&mut self, address: Address, slot: U256, value: U256) {
        self.storage.insert((address, slot), value);
    }

    /// Code of the account whose proven code hash is `expected`.
    ///
    /// # Errors
    ///
    /// When `code` does not hash to it; nothing is kept then.
    pub fn insert_code(&mut self, expected: B256, code: Bytes) -> Result<(), StateError> {
        let got = keccak256(&code);
        if got != expected {
            return Err(StateError::CodeHash { got, expected });
        }
        self.code.insert(expected, code);
        Ok(())
    }

    /// The hash of an earlier block.
    pub fn insert_block_hash(&mut self, number: u64, hash: B256) {
        self.block_hashes.insert(number, hash);
    }

    /// The account at `address`: `None` if nothing is proven, `Some(None)` if its absence is.
    #[must_use]
    pub fn account(&self, address: &Address) -> Option<Option<&Account>> {
        self.accounts.get(address).map(Option::as_ref)
    }
}

/// A [`ProvenState`] behind a call: reads only, so one state serves many calls.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a ProvenState);

impl Database for Reader<'_> {
    type Error = Missing;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Missing> {
        let account = self.0.accounts.get(&address).ok_or(Missing::Account(address))?;
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            ..AccountInfo::default().without_code()
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Missing> {
        if code_hash == KECCAK256_EMPTY || code_hash.is_zero() {
            return Ok(Bytecode::default());
        }
        let code = self.0.code.get(&code_hash).ok_or(Missing::Code(code_hash))?;
        Ok(Bytecode::new_raw(code.clone()))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Missing> {
        if let Some(value) = self.0.storage.get(&(address, slot)) {
            return Ok(*value);
        }
        match self.0.accounts.get(&address) {
            // an account that is not there, or has no storage, proves every slot zero
            Some(None) => Ok(U256::ZERO),
            Some(Some(account)) if account.storage_root == EMPTY_ROOT_HASH => Ok(U256::ZERO),
            _ => Err(Missing::Storage(address, slot)),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Missing> {
        self.0.block_hashes.get(&number).copied().ok_or(Missing::BlockHash(number))
    }
}
