//! Disputes: what is wrong with a proposal, shown on chain.
//!
//! ```text
//! proof bundle ─ fault ─▶ challenge: seal ─ a block ─▶ a verifier says so           struck out at once
//!                                               └────▶ the quorum is asked
//!                          vote: each gateway runs the module again ─▶ signature ─▶ resolve
//! ```
//! The five links are judged offline, by the same code as `heliotrope verify`, before anything is sent. Trusts the
//! node at `--rpc` for where the dispute stands, never for what is wrong: a node that lies can cost its user a bond.

pub(crate) mod challenge;
pub(crate) mod court;
mod fault;
pub(crate) mod vote;

use std::path::Path;

use alloy_primitives::B256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_device_proofs::proof::ProofBundle;
use heliotrope_light_client::{
    network::DeployedNetwork,
    proof_chain::{Link, Outcome, Report},
};

use crate::verify;

/// A proof bundle whose links 3, 4 and 5 hold: the chain does say what is disputed.
struct Case {
    bundle: ProofBundle,
    deployed: DeployedNetwork,
    report: Report,
}

impl Case {
    /// Reads a file and judges it offline.
    fn open(file: &Path, checkpoint: B256) -> Result<Self> {
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        let bundle = ProofBundle::from_file(&bytes).with_context(|| file.display().to_string())?;
        let report = verify::links(&bundle, Some(checkpoint))?;
        for link in &report.links {
            let carried = !matches!(link.link, Link::Device | Link::Check);
            ensure!(
                !carried || link.outcome == Outcome::Verified,
                "{} is {}: {}\nthis says nothing of the proposer: fetch the proof elsewhere",
                link.link.as_str().to_uppercase(),
                link.outcome.as_str(),
                link.summary
            );
        }
        let deployed = report.deployed.clone().context("the bundle names no network")?;
        Ok(Self { bundle, deployed, report })
    }
}
