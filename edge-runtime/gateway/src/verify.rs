//! `heliotrope verify`: judges a file offline: a proof bundle, or evidence of a false answer.

use std::path::Path;

use alloy_primitives::B256;
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_device_proofs::proof::ProofBundle;
use heliotrope_light_client::{
    evidence::{Evidence, Judgement},
    native::NativePlatform,
    platform::Platform as _,
    proof_chain::{self, Report},
};

use crate::engine::{self, Module};

/// What the file shows, in words; an error when it shows nothing.
pub(crate) fn verify(file: &Path, checkpoint: Option<B256>) -> Result<String> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    if ProofBundle::is_file(&bytes) {
        return proof(&ProofBundle::from_file(&bytes)?, checkpoint);
    }
    let evidence = Evidence::from_json(&bytes)?;
    let seed = NativePlatform::new(None)?.random()?;
    let statement = &evidence.statement;
    match evidence.judge(seed)? {
        Judgement::Holds { block } => {
            bail!(
                "no contradiction: what {} said of block {} holds",
                statement.source,
                block.number
            )
        }
        Judgement::Contradicts { checkpoint: from, block, reason } => {
            if let Some(trusted) = checkpoint {
                ensure!(
                    trusted == from,
                    "the evidence stands on checkpoint {from}, expected {trusted}"
                );
            }
            let whose = match checkpoint {
                Some(_) => "the checkpoint that you trust",
                None => "compare it with a checkpoint that you trust",
            };
            Ok(format!(
                "contradiction: to {} at block {} {} the answer kept as from {} was {reason}\n\
                 the block is finalized by the sync committee, followed from {from} ({whose})",
                statement.method, block.number, block.hash, statement.source
            ))
        }
    }
}

/// The five links of a proof bundle, in words; an error when one is broken.
pub(crate) fn proof(bundle: &ProofBundle, checkpoint: Option<B256>) -> Result<String> {
    in_words(&links(bundle, checkpoint)?)
}

/// The five links of a proof bundle.
pub(crate) fn links(bundle: &ProofBundle, checkpoint: Option<B256>) -> Result<Report> {
    let seed = NativePlatform::new(None)?.random()?;
    let host = engine::host()?;
    let load =
        |wasm: &[u8], pin: &B256| Module::load(&host, wasm, pin).map_err(|error| error.to_string());
    Ok(proof_chain::verify(bundle, checkpoint, seed, load))
}

fn in_words(report: &Report) -> Result<String> {
    let mut lines = Vec::new();
    for (number, link) in (1..).zip(&report.links) {
        let (name, outcome) = (link.link.as_str(), link.outcome.as_str());
        lines.push(format!("{number} {name:<11} {outcome:<11} {}", link.summary));
    }
    for leaf in &report.leaves {
        let (verdict, score) = (leaf.output.verdict.as_str(), leaf.output.score_ppm);
        lines.push(format!("  leaf {}: {verdict}, score {score} ppm", leaf.index));
    }
    if let Some(deployed) = &report.deployed {
        let contracts = &deployed.contracts;
        lines.push(format!(
            "the bundle names chain {} with check registry {} and ledger {}: are they the ones you mean?",
            deployed.network.chain_id, contracts.check_registry, contracts.settlement_ledger
        ));
    }
    let text = lines.join("\n");
    if let Some(broken) = report.broken() {
        bail!("{text}\nbroken link: {}", broken.link.as_str().to_uppercase());
    }
    if let Some(link) = report.without_verdict() {
        let link = link.link.as_str().to_uppercase();
        bail!("{text}\nno verdict: {link} could not be run here; nothing is said of the bytes");
    }
    Ok(text)
}
