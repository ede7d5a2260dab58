//! `heliotrope verify`: judges an evidence file, offline.

use std::path::Path;

use alloy_primitives::B256;
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_light_client::{
    evidence::{Evidence, Judgement},
    native::NativePlatform,
    platform::Platform as _,
};

/// What the file shows, in words; an error when it shows nothing.
pub(crate) fn verify(file: &Path, checkpoint: Option<B256>) -> Result<String> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
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
