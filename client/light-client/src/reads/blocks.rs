//! Blocks: the header re-encoded and hashed, its lists rebuilt to their roots.

use std::sync::{Arc, PoisonError};

use alloy_consensus::{
    Header, Transaction as _, TxEnvelope,
    transaction::{Recovered, SignerRecoverable as _},
};
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use alloy_primitives::{Address, B256, U256, address};
use alloy_rpc_types_eth::{Block, BlockNumberOrTag, BlockTransactions, Transaction};
use heliotrope_verifier::proofs::ordered_trie::ordered_trie_root;
use serde_json::{Value, json};

use super::{Heads, MAX_BLOCKS_KEPT, ReadFailure, Reads};
use crate::{execution::ProvenBlock, platform::Platform};

/// `HISTORY_STORAGE_ADDRESS` of EIP-2935.
const HISTORY_STORAGE: Address = address!("0000F90827F1C53a10cb7A02335B175320002935");
/// `HISTORY_SERVE_WINDOW` of EIP-2935.
const HISTORY_WINDOW: u64 = 8191;
/// Distance up to which parents are followed before EIP-2935 is tried.
const NEAR: u64 = 8;
/// Distance up to which parents are followed where the state holds no hashes.
const MAX_WALK: u64 = 256;

impl<P: Platform> Reads<P> {
    /// The block of this hash with all its transactions. Whether the hash is of the chain is the caller's to
    /// know: see [`Self::resolve`].
    ///
    /// # Errors
    ///
    /// When no source has a block that hashes to it and holds its own roots.
    pub async fn block(&self, hash: B256) -> Result<Arc<Block>, ReadFailure> {
        if let Some(known) = self.kept(hash) {
            return Ok(known);
        }
        let judge = |answer| full_block(answer, hash);
        let block = self.ask("eth_getBlockByHash", &json!([hash, true]), judge).await?;
        let block = Arc::new(block);
        let mut kept = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.len() >= MAX_BLOCKS_KEPT {
            let oldest = kept.iter().min_by_key(|(_, block)| block.header.inner.number);
            let Some(oldest) = oldest.map(|(hash, _)| *hash) else { break };
            kept.remove(&oldest);
        }
        kept.insert(hash, Arc::clone(&block));
        Ok(block)
    }

    fn kept(&self, hash: B256) -> Option<Arc<Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned()
    }

    /// The header of this hash.
    ///
    /// # Errors
    ///
    /// When no source has a header that hashes to it.
    pub async fn header(&self, hash: B256) -> Result<Header, ReadFailure> {
        if let Some(known) = self.kept(hash) {
            return Ok(known.header.inner.clone());
        }
        let judge = |answer| Ok(header_of(&answer, hash)?.header.inner);
        self.ask("eth_getBlockByHash", &json!([hash, false]), judge).await
    }

    /// The block that a number or tag names on the proven chain.
    ///
    /// # Errors
    ///
    /// When it is out of reach, or its header cannot be had.
    pub async fn resolve(
        &self,
        heads: &Heads,
        block: BlockNumberOrTag,
    ) -> Result<ProvenBlock, ReadFailure> {
        let number = match block {
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => return Ok(heads.optimistic),
            BlockNumberOrTag::Finalized | BlockNumberOrTag::Safe => return Ok(heads.finalized),
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Number(number) => number,
        };
        let nearest =
            if number <= heads.finalized.number { heads.finalized } else { heads.optimistic };
        if number == nearest.number {
            return Ok(nearest);
        }
        let hash = self.ancestor(&nearest, number).await?;
        let header = self.header(hash).await?;
        Ok(proven(&header, hash))
    }

    /// The block of this hash, if it is on the proven chain.
    ///
    /// # Errors
    ///
    /// As [`Self::resolve`]; a block that is not on the chain is `None`.
    pub async fn resolve_hash(
        &self,
        heads: &Heads,
        hash: B256,
    ) -> Result<Option<ProvenBlock>, ReadFailure> {
        for head in [heads.optimistic, heads.finalized] {
            if head.hash == hash {
                return Ok(Some(head));
            }
        }
        let number = self.header(hash).await?.number;
        let found = self.resolve(heads, BlockNumberOrTag::Number(number)).await?;
        Ok((found.hash == hash).then_some(found))
    }

    /// Hash of the ancestor of `head` at `number`.
    async fn ancestor(&self, head: &ProvenBlock, number: u64) -> Result<B256, ReadFailure> {
        let out_of_reach = ReadFailure::OutOfReach { number, head: head.number };
        let distance = head.number.checked_sub(number).ok_or_else(|| out_of_reach.clone())?;
        if (NEAR..=HISTORY_WINDOW).contains(&distance)
            && let Some(hash) = self.hash_in_state(head, number).await?
        {
            return Ok(hash);
        }
        if distance > MAX_WALK {
            return Err(out_of_reach);
        }
        let mut hash = head.hash;
        for _ in 0..distance {
            hash = self.header(hash).await?.parent_hash;
        }
        Ok(hash)
    }

    /// EIP-2935: the hash as the state of `head` holds it.
    async fn hash_in_state(
        &self,
        head: &ProvenBlock,
        number: u64,
    ) -> Result<Option<B256>, ReadFailure> {
        let slot = B256::from(U256::from(number.rem_euclid(HISTORY_WINDOW)));
        let history = self.account(head, HISTORY_STORAGE, &[slot]).await?;
        let value = history.slots.first().copied().unwrap_or_default();
        Ok((!value.is_zero()).then(|| B256::from(value)))
    }
}

/// A header that was hashed.
pub(super) const fn proven(header: &Header, hash: B256) -> ProvenBlock {
    let Header { number, state_root, timestamp, .. } = *header;
    ProvenBlock { number, hash, state_root, timestamp }
}

fn header_of(answer: &Value, expected: B256) -> Result<Block<Value>, String> {
    let block: Block<Value> = serde_json::from_value(answer.clone()).map_err(|e| e.to_string())?;
    let got = block.header.inner.hash_slow();
    if got == expected {
        Ok(block)
    } else {
        Err(format!("a header with hash {got}, expected {expected}"))
    }
}

pub(super) fn full_block(answer: Value, expected: B256) -> Result<Block, String> {
    header_of(&answer, expected)?;
    let block: Block = serde_json::from_value(answer).map_err(|e| e.to_string())?;
    let header = block.header.inner;
    let BlockTransactions::Full(transactions) = block.transactions else {
        return Err("transactions by hash alone".into());
    };
    let transactions: Vec<TxEnvelope> =
        transactions.into_iter().map(|t| t.inner.into_inner()).collect();
    let encoded: Vec<_> = transactions.iter().map(|t| t.encoded_2718()).collect();
    same("transactions", ordered_trie_root(&encoded), header.transactions_root)?;
    let withdrawals = match header.withdrawals_root {
        Some(root) => {
            let withdrawals = block.withdrawals.unwrap_or_default();
            let encoded: Vec<_> = withdrawals.iter().map(alloy_rlp::encode).collect();
            same("withdrawals", ordered_trie_root(&encoded), root)?;
            Some(withdrawals)
        }
        None => None,
    };
    let place = |(index, envelope)| place(&header, expected, index, &envelope);
    let transactions = (0..).zip(transactions).map(place).collect::<Result<Vec<_>, _>>()?;
    let header = alloy_rpc_types_eth::Header {
        hash: expected,
        inner: header,
        total_difficulty: None,
        size: None,
    };
    Ok(Block {
        header,
        uncles: Vec::new(),
        transactions: BlockTransactions::Full(transactions),
        withdrawals,
    })
}

pub(super) fn same(what: &str, got: B256, expected: B256) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what} of root {got}, expected {expected}")) }
}

/// A transaction with what follows from its bytes and its place.
fn place(
    header: &Header,
    block_hash: B256,
    index: u64,
    envelope: &TxEnvelope,
) -> Result<Transaction, String> {
    // the hash that came in the JSON is nobody's: decoding the canonical bytes computes it
    let bytes = envelope.encoded_2718();
    let envelope = TxEnvelope::decode_2718(&mut bytes.as_slice())
        .map_err(|e| format!("transaction {index}: {e}"))?;
    let signer = envelope.recover_signer().map_err(|e| format!("transaction {index}: {e}"))?;
    let effective_gas_price = Some(envelope.effective_gas_price(header.base_fee_per_gas));
    Ok(Transaction {
        inner: Recovered::new_unchecked(envelope, signer),
        block_hash: Some(block_hash),
        block_number: Some(header.number),
        transaction_index: Some(index),
        effective_gas_price,
        block_timestamp: Some(header.timestamp),
    })
}
