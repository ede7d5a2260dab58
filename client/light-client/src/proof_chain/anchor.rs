//! The ground of link 2: the anchor block, the facts proven under its state root, and the pinned module.
//!
//! The ledger accepts a commitment only with the hash of a recent block, so the anchor's hash is
//! part of what link 3 proves. Here the header that the carrier sent must have that hash, and every
//! storage word must follow from its state root. Pure.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use heliotrope_contracts::{Version, check_count_slot, check_version_slots};
use heliotrope_device_proofs::{
    abi::{Fact, Plan, PlanQuery},
    epoch::{LaneManifest, ShardEvidence},
};
use heliotrope_verifier::proofs::{
    eip1186::{get_account, get_storage},
    header::ExecutionHeader,
    mpt::TrieNodes,
};

use crate::execution::ProvenBlock;

/// Most versions of one check that are looked through.
pub(super) const MAX_VERSIONS: u64 = 1_000;

/// The module that judged, as the registry had it when the anchor block was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// Number of the version.
    pub version: u64,
    /// sha256 of the module.
    pub module_hash: B256,
    /// sha256 of its parameters.
    pub params_hash: B256,
}

/// An anchor block whose hash the ledger vouches for, with the trie nodes under its state root.
#[derive(Debug)]
pub struct Anchor {
    header: ExecutionHeader,
    nodes: TrieNodes,
    storage_roots: BTreeMap<Address, B256>,
    chain_id: u64,
}

/// The anchor does not carry the check.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// The header is not the block that the ledger vouches for: link 3 is broken.
    #[error("anchor {0}")]
    Header(String),
    /// The registry, or a fact, is not proven under that block: link 2 is broken.
    #[error("{0}")]
    State(String),
}

impl Anchor {
    /// Takes the header and nodes of an evidence file for a lane whose commitment is proven.
    ///
    /// # Errors
    /// [`AnchorError::Header`] when the header is another block's, [`AnchorError::State`] for a bad set of nodes.
    pub fn open(
        evidence: &ShardEvidence,
        lane: &LaneManifest,
        chain_id: u64,
    ) -> Result<Self, AnchorError> {
        let header = ExecutionHeader::decode(&evidence.anchor_header).map_err(|error| {
            AnchorError::Header(format!("header of lane {}: {error}", lane.lane))
        })?;
        if header.hash != B256::from(lane.anchor_hash) {
            return Err(AnchorError::Header(format!(
                "block of lane {}: the header sent hashes to {}, the ledger commits to {}",
                lane.lane,
                header.hash,
                B256::from(lane.anchor_hash)
            )));
        }
        let nodes = TrieNodes::new(evidence.nodes.clone()).map_err(|error| {
            AnchorError::State(format!("trie nodes under block {}: {error}", header.number))
        })?;
        Ok(Self { header, nodes, storage_roots: BTreeMap::new(), chain_id })
    }

    /// Number of the block.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.header.number
    }

    /// Time of the block: the `now` of every check in the lane.
    #[must_use]
    pub const fn timestamp(&self) -> u64 {
        self.header.timestamp
    }

    /// The block itself, as what else is read of its state is proven under it.
    #[must_use]
    pub const fn block(&self) -> ProvenBlock {
        ProvenBlock {
            number: self.header.number,
            hash: self.header.hash,
            state_root: self.header.state_root,
            timestamp: self.header.timestamp,
        }
    }

    /// One storage word; zero when it is proven absent.
    fn word(&mut self, address: Address, key: B256) -> Result<U256, AnchorError> {
        let number = self.header.number;
        let not_proven = |error: String| {
            AnchorError::State(format!(
                "fact of {address} at block {number} is not proven: {error}"
            ))
        };
        let root = match self.storage_roots.get(&address) {
            Some(root) => *root,
            None => {
                let account = get_account(&mut self.nodes, self.header.state_root, address)
                    .map_err(|error| not_proven(error.to_string()))?
                    .ok_or_else(|| not_proven("there is no such account".to_owned()))?;
                self.storage_roots.insert(address, account.storage_root);
                account.storage_root
            }
        };
        get_storage(&mut self.nodes, root, key).map_err(|error| not_proven(error.to_string()))
    }

    /// The version of the check that was active at the anchor block.
    ///
    /// # Errors
    /// When the registry's words are not proven, or no version was active.
    pub fn pin(&mut self, registry: Address, check_id: B256) -> Result<Pin, AnchorError> {
        let count = self.word(registry, check_count_slot(check_id))?;
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if count > MAX_VERSIONS {
            return Err(AnchorError::State(format!(
                "check registry: {count} versions, at most {MAX_VERSIONS}"
            )));
        }
        for version in (1..=count).rev() {
            let [first, second, third] = check_version_slots(check_id, version);
            let words = [
                self.word(registry, first)?,
                self.word(registry, second)?,
                self.word(registry, third)?,
            ];
            let entry = Version::from_words(words);
            if entry.active_from_s <= self.header.timestamp {
                return Ok(Pin {
                    version,
                    module_hash: entry.module_hash,
                    params_hash: entry.params_hash,
                });
            }
        }
        Err(AnchorError::State(format!(
            "check registry: none of {count} versions was active at the anchor block"
        )))
    }

    /// Every fact that a plan asks for.
    ///
    /// # Errors
    /// When one is not proven.
    pub fn facts(&mut self, plan: &Plan) -> Result<Vec<Fact>, AnchorError> {
        let (chain_id, block) = (self.chain_id, self.header.number);
        plan.0
            .iter()
            .map(|query| {
                let value = self.word(Address::from(query.address), B256::from(query.key))?;
                Ok(Fact {
                    chain_id,
                    block,
                    address: query.address,
                    key: query.key,
                    value: value.to_be_bytes(),
                })
            })
            .collect()
    }

    /// What of a plan the nodes at hand do not prove: a version that did not judge may ask for more.
    pub fn missing(&mut self, plan: &Plan) -> Vec<PlanQuery> {
        let mut missing = plan.0.clone();
        missing.retain(|query| {
            self.word(Address::from(query.address), B256::from(query.key)).is_err()
        });
        missing
    }

    /// The trie nodes that were used so far: what a file of these reads alone has to carry.
    #[must_use]
    pub fn used(&self) -> Vec<Vec<u8>> {
        self.nodes.used().map(<[u8]>::to_vec).collect()
    }

    /// Ends the reading of a whole file: nodes that proved nothing do not belong there.
    ///
    /// # Errors
    /// When there are such nodes.
    pub fn finish(self) -> Result<(), AnchorError> {
        let number = self.header.number;
        self.nodes.finish().map_err(|error| {
            AnchorError::State(format!("trie nodes under block {number}: {error}"))
        })
    }
}
