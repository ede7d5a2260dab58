//! The proven storage words of one contract, and which of them a check read.
//!
//! It trusts that the words are proven; it does not trust that they fit together: facts of two
//! blocks, of another chain, or two words for one key refuse the input.

use crate::judge::CheckError;
use heliotrope_device_proofs::abi::Fact;
use heliotrope_device_proofs::{Address, Bytes32};
use std::collections::{BTreeMap, BTreeSet};

/// Facts about one contract, and which of them were read.
pub(crate) struct Facts {
    words: BTreeMap<Bytes32, (u32, Bytes32)>,
    read: BTreeSet<u32>,
    block: Option<u64>,
}

impl Facts {
    /// Sorts the facts; those about other contracts are left unread.
    pub(crate) fn new(
        facts: &[Fact],
        address: &Address,
        chain_id: u64,
    ) -> Result<Self, CheckError> {
        let mut words = BTreeMap::new();
        let mut block = None;
        for (index, fact) in facts.iter().enumerate() {
            if fact.address != *address {
                continue;
            }
            if fact.chain_id != chain_id {
                let (got, expected) = (fact.chain_id, chain_id);
                return Err(CheckError::FactChain { index, got, expected });
            }
            let expected = *block.get_or_insert(fact.block);
            if fact.block != expected {
                return Err(CheckError::FactBlock { index, got: fact.block, expected });
            }
            let place = u32::try_from(index).unwrap_or(u32::MAX);
            if words.insert(fact.key, (place, fact.value)).is_some() {
                return Err(CheckError::FactRepeated { index });
            }
        }
        Ok(Self { words, read: BTreeSet::new(), block })
    }

    /// The word at `key`; `None` if no fact says it.
    pub(crate) fn word(&mut self, key: &Bytes32) -> Option<Bytes32> {
        let (index, word) = self.words.get(key)?;
        self.read.insert(*index);
        Some(*word)
    }

    /// Number of the block that proved them; `None` if there is no fact.
    pub(crate) const fn block(&self) -> Option<u64> {
        self.block
    }

    /// Indices of the facts that were read, ascending.
    pub(crate) fn read(&self) -> Vec<u32> {
        self.read.iter().copied().collect()
    }
}
