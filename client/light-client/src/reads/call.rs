//! Calls on proven state: execute, prove what is missing, execute again.

use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::Header;
use alloy_eips::eip2930::{AccessList, AccessListItem, AccessListResult};
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::BlockNumberOrTag;
use heliotrope_evm::{
    BlockContext, Call, CallOutcome, EvmError, Missing, ProvenState, blob_base_fee_update_fraction,
    call, estimate_gas, spec_at,
};
use serde_json::json;

use super::{Heads, ReadFailure, Reads, blocks::proven};
use crate::{execution::ProvenBlock, platform::Platform};

/// Most accounts, slots and codes that one call may read.
const MAX_READS: usize = 4096;

/// The state of one block, as far as a call has needed it.
#[derive(Debug)]
struct Session<'a, P> {
    reads: &'a Reads<P>,
    heads: &'a Heads,
    block: ProvenBlock,
    context: BlockContext,
    state: ProvenState,
    code_owner: BTreeMap<B256, Address>,
    slots: BTreeMap<Address, BTreeSet<B256>>,
}

impl<P: Platform> Reads<P> {
    /// `eth_call` on the state after `block`.
    ///
    /// # Errors
    ///
    /// When a part of the state is not proven, or the message cannot be executed at all.
    pub async fn call(
        &self,
        heads: &Heads,
        block: &ProvenBlock,
        message: &Call,
    ) -> Result<CallOutcome, ReadFailure> {
        let mut session = self.session(heads, block).await?;
        session.prefetch(message).await;
        session.execute(|c, s, b, state| call(c, s, b, message, state)).await
    }

    /// `eth_estimateGas`: the least gas with which the call succeeds.
    ///
    /// # Errors
    ///
    /// As [`Self::call`], and when the call fails with all the gas there is.
    pub async fn estimate_gas(
        &self,
        heads: &Heads,
        block: &ProvenBlock,
        message: &Call,
    ) -> Result<u64, ReadFailure> {
        let mut session = self.session(heads, block).await?;
        session.prefetch(message).await;
        session.execute(|c, s, b, state| estimate_gas(c, s, b, message, state)).await
    }

    /// `eth_createAccessList`: the slots that the call reads, found by executing it.
    ///
    /// # Errors
    ///
    /// As [`Self::call`].
    pub async fn access_list(
        &self,
        heads: &Heads,
        block: &ProvenBlock,
        message: &Call,
    ) -> Result<AccessListResult, ReadFailure> {
        let mut session = self.session(heads, block).await?;
        let outcome = session.execute(|c, s, b, state| call(c, s, b, message, state)).await?;
        let item = |(address, keys): (Address, BTreeSet<B256>)| AccessListItem {
            address,
            storage_keys: keys.into_iter().collect(),
        };
        let access_list = AccessList(session.slots.into_iter().map(item).collect());
        let (gas_used, error) = match outcome {
            CallOutcome::Success { gas_used, .. } => (gas_used, None),
            CallOutcome::Revert { gas_used, .. } => (gas_used, Some("execution reverted".into())),
            CallOutcome::Halt { reason, gas_used } => (gas_used, Some(reason)),
        };
        Ok(AccessListResult { access_list, gas_used: U256::from(gas_used), error })
    }

    async fn session<'a>(
        &'a self,
        heads: &'a Heads,
        block: &ProvenBlock,
    ) -> Result<Session<'a, P>, ReadFailure> {
        let header = self.header(block.hash).await?;
        Ok(Session {
            reads: self,
            heads,
            block: proven(&header, block.hash),
            context: context(self, &header),
            state: ProvenState::new(),
            code_owner: BTreeMap::new(),
            slots: BTreeMap::new(),
        })
    }
}

fn context<P>(reads: &Reads<P>, header: &Header) -> BlockContext {
    BlockContext {
        number: header.number,
        timestamp: header.timestamp,
        coinbase: header.beneficiary,
        prev_randao: header.mix_hash,
        base_fee: header.base_fee_per_gas.unwrap_or_default(),
        gas_limit: header.gas_limit,
        excess_blob_gas: header.excess_blob_gas,
        blob_base_fee_update_fraction: blob_base_fee_update_fraction(&reads.spec, header.timestamp),
    }
}

impl<P: Platform> Session<'_, P> {
    async fn execute<T>(
        &mut self,
        run: impl Fn(u64, heliotrope_evm::SpecId, &BlockContext, &ProvenState) -> Result<T, EvmError>,
    ) -> Result<T, ReadFailure> {
        let rules = spec_at(&self.reads.spec, self.context.timestamp);
        let mut last = None;
        for _ in 0..MAX_READS {
            match run(self.reads.chain_id, rules, &self.context, &self.state) {
                // the same again: it cannot be proven
                Err(EvmError::Missing(missing)) if last != Some(missing) => {
                    self.prove(missing).await?;
                    last = Some(missing);
                }
                done => return Ok(done?),
            }
        }
        Err(EvmError::Refused(format!("it reads more than {MAX_READS} parts of the state")).into())
    }

    async fn prove(&mut self, missing: Missing) -> Result<(), ReadFailure> {
        match missing {
            Missing::Account(address) => self.learn(address, &[]).await,
            Missing::Storage(address, slot) => {
                let key = B256::from(slot);
                self.slots.entry(address).or_default().insert(key);
                self.learn(address, &[key]).await
            }
            Missing::Code(hash) => {
                let owner = self.code_owner.get(&hash).copied().unwrap_or_default();
                let code = self.reads.code_of(&self.block, owner, hash).await?;
                self.state.insert_code(hash, code).map_err(|e| EvmError::Refused(e.to_string()))?;
                Ok(())
            }
            Missing::BlockHash(number) => {
                let tag = BlockNumberOrTag::Number(number);
                let hash = self.reads.resolve(self.heads, tag).await?.hash;
                self.state.insert_block_hash(number, hash);
                Ok(())
            }
        }
    }

    async fn learn(&mut self, address: Address, keys: &[B256]) -> Result<(), ReadFailure> {
        let proven = self.reads.account(&self.block, address, keys).await?;
        if let Some(account) = &proven.account {
            self.code_owner.insert(account.code_hash, address);
        }
        self.state.insert_account(address, proven.account);
        for (key, value) in keys.iter().zip(proven.slots) {
            self.state.insert_storage(address, U256::from_be_bytes(key.0), value);
        }
        Ok(())
    }

    /// Proves at once what a source says the call will read. Only a hint: what it leaves out is proven later,
    /// what it adds is proven in vain.
    async fn prefetch(&mut self, message: &Call) {
        let request = json!({
            "from": message.from,
            "to": message.to,
            "value": message.value,
            "data": message.data,
        });
        let judge =
            |answer| serde_json::from_value::<AccessListResult>(answer).map_err(|e| e.to_string());
        let params = |at| json!([request, at]);
        let asked = self.reads.ask_at("eth_createAccessList", &self.block, params, judge).await;
        let Ok(hint) = asked else { return };
        for AccessListItem { address, storage_keys } in hint.access_list.0.into_iter().take(64) {
            if self.learn(address, storage_keys.get(..256).unwrap_or(&storage_keys)).await.is_err()
            {
                return;
            }
        }
    }
}
