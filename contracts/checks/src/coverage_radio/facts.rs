//! The radio words of devices, out of the proven facts.

use super::CheckError;
use heliotrope_device_proofs::abi::{Fact, RadioParams};
use heliotrope_device_proofs::registry::{self, Radio};
use std::collections::{BTreeMap, BTreeSet};

/// Facts about the device registry, and which of them were read.
pub(super) struct Facts {
    words: BTreeMap<[u8; 32], (u32, Radio)>,
    read: BTreeSet<u32>,
}

impl Facts {
    /// Sorts the facts; those about other contracts are left unread.
    pub(super) fn new(facts: &[Fact], params: &RadioParams) -> Result<Self, CheckError> {
        let mut words = BTreeMap::new();
        let mut block = None;
        for (index, fact) in facts.iter().enumerate() {
            if fact.address != params.device_registry {
                continue;
            }
            if fact.chain_id != params.chain_id {
                let (got, expected) = (fact.chain_id, params.chain_id);
                return Err(CheckError::FactChain { index, got, expected });
            }
            let expected = *block.get_or_insert(fact.block);
            if fact.block != expected {
                return Err(CheckError::FactBlock { index, got: fact.block, expected });
            }
            let place = u32::try_from(index).unwrap_or(u32::MAX);
            if words.insert(fact.key, (place, Radio::from_word(&fact.value))).is_some() {
                return Err(CheckError::FactRepeated { index });
            }
        }
        Ok(Self { words, read: BTreeSet::new() })
    }

    /// The radio word of the device with this key; `None` if no fact says it.
    pub(super) fn radio(&mut self, public_key: &[u8]) -> Option<Radio> {
        let slot = registry::radio_slot(&registry::device_id(public_key));
        let (index, radio) = self.words.get(&slot)?;
        self.read.insert(*index);
        Some(*radio)
    }

    /// Indices of the facts that were read, ascending.
    pub(super) fn read(&self) -> Vec<u32> {
        self.read.iter().copied().collect()
    }
}
