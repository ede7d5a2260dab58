//! The proven storage words of the contracts that a check reads, and which of them it read.
//!
//! It trusts that the words are proven; it does not trust that they fit together: facts of two
//! blocks, of another chain, or two words for one key refuse the input.
//!
//! Lists are sorted by insertion here and below: the trees of the library are 12 kB in every module.

use crate::judge::CheckError;
use heliotrope_device_proofs::abi::{Fact, Plan, PlanQuery};
use heliotrope_device_proofs::{Address, Bytes32};

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

/// Facts about some contracts, and which of them were read.
pub(crate) struct Facts<'a> {
    facts: &'a [Fact],
    /// Places of those that count, ascending by what is asked for.
    order: Vec<usize>,
    /// Whether the fact at each place was read.
    read: Vec<bool>,
    block: Option<u64>,
    /// The contract that most words are of.
    home: Address,
}

/// What a fact answers.
fn asked(fact: &Fact) -> (&Address, &Bytes32) {
    (&fact.address, &fact.key)
}

/// Where in the order the fact stands that answers this, or would.
fn search(facts: &[Fact], order: &[usize], wanted: (&Address, &Bytes32)) -> Result<usize, usize> {
    order.binary_search_by(|index| facts.get(*index).map(asked).cmp(&Some(wanted)))
}

impl<'a> Facts<'a> {
    /// Sorts the facts about `home` and `others`; those about other contracts are left unread.
    pub(crate) fn new(
        facts: &'a [Fact],
        home: &Address,
        others: &[Address],
        chain_id: u64,
    ) -> Result<Self, CheckError> {
        let mut order: Vec<usize> = Vec::with_capacity(facts.len());
        let mut block = None;
        for (index, fact) in facts.iter().enumerate() {
            if fact.address != *home && !others.contains(&fact.address) {
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
            match search(facts, &order, asked(fact)) {
                Ok(_) => return Err(CheckError::FactRepeated { index }),
                Err(place) => order.insert(place, index),
            }
        }
        Ok(Self { facts, order, read: vec![false; facts.len()], block, home: *home })
    }

    /// The word of the home contract at `key`; `None` if no fact says it.
    pub(crate) fn word(&mut self, key: &Bytes32) -> Option<Bytes32> {
        let home = self.home;
        self.word_of(&home, key)
    }

    /// The word of any contract at `key`; `None` if no fact says it.
    pub(crate) fn word_of(&mut self, address: &Address, key: &Bytes32) -> Option<Bytes32> {
        let place = search(self.facts, &self.order, (address, key)).ok()?;
        let index = *self.order.get(place)?;
        *self.read.get_mut(index)? = true;
        Some(self.facts.get(index)?.value)
    }

    /// Number of the block that proved them; `None` if there is no fact.
    pub(crate) const fn block(&self) -> Option<u64> {
        self.block
    }

    /// Indices of the facts that were read, ascending.
    pub(crate) fn read(&self) -> Vec<u32> {
        (0..).zip(&self.read).filter(|(_, read)| **read).map(|(index, _)| index).collect()
    }
}

/// Adds a query to a plan, once, in its order.
pub(crate) fn ask(plan: &mut Plan, address: &Address, key: Bytes32) {
    let query = PlanQuery { address: *address, key };
    if let Err(place) = plan.0.binary_search(&query) {
        plan.0.insert(place, query);
    }
}
