//! Two versions of the check over the same evidence file: what both say.

use alloy_primitives::B256;
use anyhow::Result;
use heliotrope_device_proofs::epoch::EvidenceLeaf;
use heliotrope_light_client::proof_chain::{
    Anchor, Pin,
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
