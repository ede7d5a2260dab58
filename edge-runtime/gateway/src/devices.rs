//! Which device keys are registered: proven from `DeviceRegistry` at a finalized block, remembered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use alloy_primitives::B256;
use anyhow::{Context as _, Result};
use heliotrope_device_proofs::{
    Bytes32,
    registry::{Radio, STATUS_ACTIVE, radio_slot},
};

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
        let missing = self.missing(ids, head.block.number);
        if !missing.is_empty() {
            let slots: Vec<B256> = missing.iter().map(|id| radio_slot(id).into()).collect();
            let registry = self.chain.deployed.contracts.device_registry;
            let proven = self.chain.prove(&head.block, registry, &slots).await?;
            let mut known = self.lock();
            for (id, word) in missing.into_iter().zip(proven.values) {
                let radio = Radio::from_word(&word.to_be_bytes());
                known.insert(id, Known { radio, block: head.block.number });
            }
        }
        let known = self.lock();
        let active = |id: &Bytes32| {
            let radio = known.get(id)?.radio;
            (radio.status == STATUS_ACTIVE).then_some((*id, radio))
        };
        Ok(ids.iter().filter_map(active).collect())
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
