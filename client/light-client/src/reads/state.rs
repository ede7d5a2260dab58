//! Accounts, storage and code under a proven state root.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use heliotrope_verifier::proofs::{
    eip1186::{Account, verify_account, verify_storage},
    mpt::EMPTY_ROOT_HASH,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ReadFailure, Reads};
use crate::{execution::ProvenBlock, platform::Platform};

/// Slots asked for in one request.
const SLOTS_PER_REQUEST: usize = 64;

/// An account, slots of it, and the nodes that prove them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProvenAccount {
    /// The account; `None` is proven absence.
    pub account: Option<Account>,
    /// One value for each key that was asked, in that order; zero is proven absence.
    pub slots: Vec<U256>,
    /// Nodes from the state root to the account.
    pub account_proof: Vec<Bytes>,
    /// Nodes from the storage root to each slot.
    pub storage_proofs: Vec<Vec<Bytes>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetProof {
    account_proof: Vec<Bytes>,
    #[serde(default)]
    storage_proof: Vec<SlotProof>,
}

#[derive(Deserialize)]
struct SlotProof {
    proof: Vec<Bytes>,
}

impl<P: Platform> Reads<P> {
    /// Proves an account and slots of it.
    ///
    /// # Errors
    ///
    /// When no source has nodes that prove them under the block's state root.
    pub async fn account(
        &self,
        block: &ProvenBlock,
        address: Address,
        keys: &[B256],
    ) -> Result<ProvenAccount, ReadFailure> {
        let mut all =
            self.some_slots(block, address, keys.get(..SLOTS_PER_REQUEST).unwrap_or(keys)).await?;
        for batch in keys.chunks(SLOTS_PER_REQUEST).skip(1) {
            let next = self.some_slots(block, address, batch).await?;
            all.slots.extend(next.slots);
            all.storage_proofs.extend(next.storage_proofs);
        }
        Ok(all)
    }

    async fn some_slots(
        &self,
        block: &ProvenBlock,
        address: Address,
        keys: &[B256],
    ) -> Result<ProvenAccount, ReadFailure> {
        let judge = |answer| prove(answer, block.state_root, address, keys);
        self.ask_at("eth_getProof", block, |at| json!([address, keys, at]), judge).await
    }

    /// The code of an account; empty where there is none.
    ///
    /// # Errors
    ///
    /// When the account is not proven, or no source has code of the proven hash.
    pub async fn code(&self, block: &ProvenBlock, address: Address) -> Result<Bytes, ReadFailure> {
        match self.account(block, address, &[]).await?.account {
            Some(account) => self.code_of(block, address, account.code_hash).await,
            None => Ok(Bytes::new()),
        }
    }

    pub(super) async fn code_of(
        &self,
        block: &ProvenBlock,
        address: Address,
        expected: B256,
    ) -> Result<Bytes, ReadFailure> {
        if expected == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        let judge = |answer: Value| {
            let code: Bytes = serde_json::from_value(answer).map_err(|e| e.to_string())?;
            let got = keccak256(&code);
            if got == expected {
                Ok(code)
            } else {
                Err(format!("code of hash {got}, expected {expected}"))
            }
        };
        self.ask_at("eth_getCode", block, |at| json!([address, at]), judge).await
    }
}

pub(super) fn prove(
    answer: Value,
    state_root: B256,
    address: Address,
    keys: &[B256],
) -> Result<ProvenAccount, String> {
    let answer: GetProof = serde_json::from_value(answer).map_err(|e| e.to_string())?;
    let account =
        verify_account(state_root, address, &answer.account_proof).map_err(|e| e.to_string())?;
    let storage_root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
    let mut proven =
        ProvenAccount { account, account_proof: answer.account_proof, ..ProvenAccount::default() };
    if storage_root == EMPTY_ROOT_HASH {
        // every slot is zero: what nodes send beside it differs, and proves nothing
        proven.slots = vec![U256::ZERO; keys.len()];
        proven.storage_proofs = vec![Vec::new(); keys.len()];
        return Ok(proven);
    }
    let (got, expected) = (answer.storage_proof.len(), keys.len());
    if got != expected {
        return Err(format!("{got} storage proofs, expected {expected}"));
    }
    for (key, slot) in keys.iter().zip(answer.storage_proof) {
        let value = verify_storage(storage_root, *key, &slot.proof)
            .map_err(|e| format!("slot {key}: {e}"))?;
        proven.slots.push(value);
        proven.storage_proofs.push(slot.proof);
    }
    Ok(proven)
}
