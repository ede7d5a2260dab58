//! The proven storage words of one contract, and which of them a check read.
//!
//! It trusts that the words are proven; it does not trust that they fit together: facts of two
//! blocks, of another chain, or two words for one key refuse the input.

use crate::judge::CheckError;
use heliotrope_device_proofs::abi::Fact;
use heliotrope_device_proofs::{Address, Bytes32};
use std::collections::BTreeMap;

/// A number as a storage word.
pub(crate) fn word(number: u64) -> Bytes32 {
    let mut word = Bytes32::default();
    if let Some(low) = word.last_chunk_mut() {
        *low = number.to_be_bytes();
    }
    word
}

/// The number in a word, if it fits 64 bits.
pub(crate) fn number(word: &Bytes32) -> Option<u64> {
    let (high, low) = word.split_last_chunk::<8>()?;
    high.iter().all(|byte| *byte == 0).then(|| u64::from_be_bytes(*low))
}

/// Facts about one contract, and which of them were read.
pub(crate) struct Facts {
    words: BTreeMap<Bytes32, (u32, Bytes32)>,
    /// Indices, strictly ascending; a list, as every kind of set is three kilobytes of module.
    read: Vec<u32>,
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
        Ok(Self { words, read: Vec::new(), block })
    }

    /// The word at `key`; `None` if no fact says it.
    pub(crate) fn word(&mut self, key: &Bytes32) -> Option<Bytes32> {
        let (index, word) = self.words.get(key)?;
        insert(&mut self.read, *index);
        Some(*word)
    }

    /// Number of the block that proved them; `None` if there is no fact.
    pub(crate) const fn block(&self) -> Option<u64> {
        self.block
    }

    /// Indices of the facts that were read, ascending.
    pub(crate) fn read(&self) -> Vec<u32> {
        self.read.clone()
    }

    /// Fails if the facts about another contract are of another block.
    pub(crate) fn same_block_as(&self, other: &Self) -> Result<(), CheckError> {
        let (Some(got), Some(expected)) = (self.block, other.block) else {
            return Ok(());
        };
        if got == expected {
            return Ok(());
        }
        let first = self.words.values().map(|(index, _)| *index).min().unwrap_or_default();
        let index = usize::try_from(first).unwrap_or(usize::MAX);
        Err(CheckError::FactBlock { index, got, expected })
    }

    /// Indices of the facts that were read about either contract, ascending.
    pub(crate) fn read_with(&self, other: &Self) -> Vec<u32> {
        let mut read = self.read.clone();
        other.read.iter().for_each(|index| insert(&mut read, *index));
        read
    }
}

/// Puts a number into its place in a strictly ascending list.
fn insert(ascending: &mut Vec<u32>, number: u32) {
    if let Err(place) = ascending.binary_search(&number) {
        ascending.insert(place, number);
    }
}
