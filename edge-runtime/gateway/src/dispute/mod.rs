//! Disputes: what is wrong with a proposal, shown on chain.
//!
//! ```text
//! proof bundle ─ fault ─▶ challenge: seal ─ a block ─▶ a verifier says so           struck out at once
//!                                               └────▶ the quorum is asked
//!                          vote: each gateway runs the module again ─▶ signature ─▶ resolve
//! ```
//! The five links are judged offline, by the same code as `heliotrope verify`, before anything is sent. A challenger trusts
//! the node at `--rpc` for where the entry stands, never for what is wrong: a node that lies can cost its user a bond. A
//! voter trusts it for nothing: what it signs for is proven.

pub(crate) mod challenge;
pub(crate) mod court;
mod fault;
pub(crate) mod vote;

use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use anyhow::{Context as _, Result, anyhow, ensure};
use heliotrope_device_proofs::{epoch::EvidenceLeaf, proof::ProofBundle};
use heliotrope_light_client::{
    native::NativePlatform,
    network::DeployedNetwork,
    platform::Platform as _,
    proof_chain::{self, Report},
};

use crate::verify;

/// Proof bundles of one entry that the chain does know: links 4 and 5 hold, and what the ledger stores of link 3. Leaves
/// that do not lie under the roots are kept: two halves of one can show a fraud.
struct Case {
    bundle: ProofBundle,
    /// More of the same entry.
    others: Vec<ProofBundle>,
    deployed: DeployedNetwork,
    report: Report,
}

impl Case {
    /// Reads files and judges them offline.
    fn open(file: &Path, others: &[PathBuf], checkpoint: B256) -> Result<Self> {
        let bundle = read(file)?;
        let report = verify::links(&bundle, Some(checkpoint))?;
        let deployed = settled(file, &bundle, checkpoint)?;
        let mut case = Self { bundle, others: Vec::new(), deployed, report };
        for file in others {
            let other = read(file)?;
            let deployed = settled(file, &other, checkpoint)?;
            ensure!(
                deployed.contracts == case.deployed.contracts
                    && (other.check_id, other.epoch, &other.lane)
                        == (case.bundle.check_id, case.bundle.epoch, &case.bundle.lane),
                "{}: a proof of another entry than the first",
                file.display()
            );
            case.others.push(other);
        }
        Ok(case)
    }

    fn bundles(&self) -> impl Iterator<Item = &ProofBundle> {
        std::iter::once(&self.bundle).chain(&self.others)
    }

    /// All leaves, whatever their paths lead to.
    fn leaves(&self) -> impl Iterator<Item = &EvidenceLeaf> {
        self.bundles().flat_map(|bundle| &bundle.evidence.leaves)
    }

    /// Those that lie under both roots.
    fn sound(&self) -> impl Iterator<Item = &EvidenceLeaf> {
        self.leaves().filter(|leaf| leaf.verify(&self.bundle.lane).is_ok())
    }
}

fn read(file: &Path) -> Result<ProofBundle> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    ProofBundle::from_file(&bytes).with_context(|| file.display().to_string())
}

/// Fails unless the chain knows the roots of a file.
fn settled(file: &Path, bundle: &ProofBundle, checkpoint: B256) -> Result<DeployedNetwork> {
    let seed = NativePlatform::new(None)?.random()?;
    proof_chain::settled(bundle, Some(checkpoint), seed).map_err(|(link, why)| {
        anyhow!(
            "{}: {} is broken: {why}\nthis says nothing of the proposer: fetch the proof elsewhere",
            file.display(),
            link.as_str().to_uppercase()
        )
    })
}
