//! Two versions of the check over the same evidence file: which facts they need beyond it, and what both say.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use anyhow::Result;
use heliotrope_device_proofs::{
    abi::Plan,
    epoch::{EvidenceLeaf, ShardEvidence},
};
use heliotrope_light_client::proof_chain::{
    Anchor, CheckModule as _, Pin,
    diff::{self, Compared},
};

use crate::{engine::Module, pinned::PinnedCheck};

/// A module with its parameters, ready to run.
pub(crate) struct Candidate {
    pub(crate) module_hash: B256,
    pub(crate) params_hash: B256,
    pub(crate) params: Vec<u8>,
    pub(crate) module: Module,
}

impl Candidate {
    pub(crate) const fn version(&self) -> diff::Version<'_, Module> {
        diff::Version {
            module_hash: self.module_hash,
            params_hash: self.params_hash,
            params: self.params.as_slice(),
            module: &self.module,
        }
    }
}

impl From<&PinnedCheck> for Candidate {
    fn from(check: &PinnedCheck) -> Self {
        Self {
            module_hash: check.pin.version.module_hash,
            params_hash: check.pin.version.params_hash,
            params: check.params.clone(),
            module: Module(check.module.clone()),
        }
    }
}

/// What the versions ask for and the evidence does not prove: a version that did not judge may ask for more.
pub(crate) fn missing(
    evidence: &ShardEvidence,
    anchor: &mut Anchor,
    candidates: [&Candidate; 2],
) -> BTreeMap<Address, Vec<B256>> {
    let mut missing: BTreeMap<Address, Vec<B256>> = BTreeMap::new();
    for candidate in candidates {
        for leaf in &evidence.leaves {
            let plan = candidate.module.plan(&leaf.bundle, &candidate.params);
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
pub(crate) fn add_nodes(evidence: &mut ShardEvidence, nodes: Vec<Vec<u8>>) {
    evidence.nodes.extend(nodes);
    evidence.nodes.sort_unstable();
    evidence.nodes.dedup();
}

/// Runs both versions over every leaf.
pub(crate) fn compare(
    leaves: Vec<EvidenceLeaf>,
    anchor: &mut Anchor,
    pin: &Pin,
    [a, b]: [&Candidate; 2],
) -> Result<Vec<(EvidenceLeaf, Compared)>> {
    let (a, b) = (a.version(), b.version());
    let both = leaves.into_iter().map(|leaf| {
        let compared = diff::compare(&leaf, anchor, pin, &a, &b);
        let compared = compared.map_err(|unproven| anyhow::anyhow!("{unproven}"))?;
        Ok((leaf, compared))
    });
    // the checks take the processor for a while: not on the reactor's thread
    tokio::task::block_in_place(|| both.collect())
}
