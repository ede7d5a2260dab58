//! Which device keys are registered: proven from `DeviceRegistry` at a finalized block, remembered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use alloy_primitives::{B256, U256};
use anyhow::{Context as _, Result};
use heliotrope_device_proofs::{
    Bytes32,
    registry::{Radio, STATUS_ACTIVE, radio_slot},
};
use heliotrope_light_client::execution::ProvenBlock;

use crate::chain::Chain;

/// What is known of each device key.
#[derive(Debug)]
pub(crate) struct Devices {
    chain: Chain,
    known: Mutex<BTreeMap<Bytes32, Known>>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    radio: Radio,
    /// Block at which it was proven: an absent device is asked for again at a later one.
    block: u64,
}

impl Devices {
    /// Nothing known yet.
    pub(crate) const fn new(chain: Chain) -> Self {
        Self { chain, known: Mutex::new(BTreeMap::new()) }
    }

    /// The proven records of those of `ids` that are registered and active.
    pub(crate) async fn active(&self, ids: &BTreeSet<Bytes32>) -> Result<BTreeMap<Bytes32, Radio>> {
        let head = self.chain.head().context("no finalized header yet")?;
        self.prove(&head.block, self.missing(ids, head.block.number)).await?;
        let known = self.lock();
        let radios = ids.iter().filter_map(|id| Some((*id, known.get(id)?.radio)));
        Ok(radios.filter(is_active).collect())
    }

    /// The same as they are at a block: a device may have moved, or left, since it was asked for.
    pub(crate) async fn active_at(
        &self,
        block: &ProvenBlock,
        ids: &BTreeSet<Bytes32>,
    ) -> Result<BTreeMap<Bytes32, Radio>> {
        let radios = self.prove(block, ids.iter().copied().collect()).await?;
        Ok(radios.into_iter().filter(is_active).collect())
    }

    /// Proves records at a block, and remembers them.
    async fn prove(&self, block: &ProvenBlock, ids: Vec<Bytes32>) -> Result<Vec<(Bytes32, Radio)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let slots: Vec<B256> = ids.iter().map(|id| radio_slot(id).into()).collect();
        let registry = self.chain.deployed.contracts.device_registry;
        let proven = self.chain.prove(block, registry, &slots).await?;
        let radio = |word: U256| Radio::from_word(&word.to_be_bytes());
        let radios: Vec<_> = ids.into_iter().zip(proven.values.into_iter().map(radio)).collect();
        let known =
            radios.iter().map(|(id, radio)| (*id, Known { radio: *radio, block: block.number }));
        self.lock().extend(known);
        Ok(radios)
    }

    /// The finalized block that answers now come from.
    pub(crate) fn block(&self) -> u64 {
        self.chain.head().map_or(0, |h| h.block.number)
    }

    fn missing(&self, ids: &BTreeSet<Bytes32>, block: u64) -> Vec<Bytes32> {
        let known = self.lock();
        let is_missing = |id: &&Bytes32| {
            known.get(*id).is_none_or(|k| k.radio.status != STATUS_ACTIVE && k.block < block)
        };
        ids.iter().filter(is_missing).copied().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Bytes32, Known>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

const fn is_active((_, radio): &(Bytes32, Radio)) -> bool {
    radio.status == STATUS_ACTIVE
}
