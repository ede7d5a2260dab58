//! Facts that a version asks for and the evidence does not prove: a version that did not judge may ask for more.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use heliotrope_device_proofs::{abi::Plan, epoch::ShardEvidence};

use super::Version;
use crate::proof_chain::{Anchor, CheckModule};

/// Storage words by contract, each once.
pub type Missing = BTreeMap<Address, Vec<B256>>;

/// What the versions ask for and the file does not prove.
pub fn missing<M: CheckModule>(
    evidence: &ShardEvidence,
    anchor: &mut Anchor,
    versions: [&Version<'_, M>; 2],
) -> Missing {
    let mut missing = Missing::new();
    for version in versions {
        for leaf in &evidence.leaves {
            let plan = version.module.plan(&leaf.bundle, version.params);
            // a version without a plan says so again when it is run
            let plan = plan.ok().and_then(|plan| Plan::decode(&plan).ok()).unwrap_or_default();
            for query in anchor.missing(&plan) {
                missing.entry(query.address.into()).or_default().push(query.key.into());
            }
        }
    }
    for keys in missing.values_mut() {
        keys.sort_unstable();
        keys.dedup();
    }
    missing
}

/// Adds trie nodes to those of a file, each once.
pub fn add_nodes(evidence: &mut ShardEvidence, nodes: Vec<Vec<u8>>) {
    evidence.nodes.extend(nodes);
    evidence.nodes.sort_unstable();
    evidence.nodes.dedup();
}
