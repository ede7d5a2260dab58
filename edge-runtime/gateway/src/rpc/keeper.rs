//! Keeps evidence: what a source said of a block that has become final, where the block refutes it.

use std::path::PathBuf;

use alloy_primitives::keccak256;
use anyhow::{Context as _, Result};
use heliotrope_light_client::{
    LightClient,
    evidence::{Evidence, Statement},
    execution::ProvenBlock,
    native::NativePlatform,
    network::Network,
    reads::Reads,
};

/// Most statements that wait for their block to become final.
const MAX_WAITING: usize = 64;
/// Longest way from the finalized block to the one that a statement is about.
const MAX_HEADERS: usize = 256;

/// Where evidence goes, and what is not yet evidence.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) network: Network,
    pub(crate) waiting: Vec<Statement>,
}

impl Keeper {
    /// Takes new statements, and writes those whose block is final by now.
    pub(crate) async fn step(
        &mut self,
        reads: &Reads<NativePlatform>,
        client: &LightClient<NativePlatform>,
    ) {
        let fresh = reads.take_refuted();
        let (Some(folder), Some(head)) = (self.folder.clone(), ProvenBlock::of(client.finalized()))
        else {
            return;
        };
        self.waiting.extend(fresh);
        self.waiting.truncate(MAX_WAITING);
        for statement in core::mem::take(&mut self.waiting) {
            match self.write(&folder, reads, client, &head, &statement).await {
                Ok(true) => {}
                Ok(false) => self.waiting.push(statement),
                Err(error) => tracing::warn!(%error, source = %statement.source, "no evidence"),
            }
        }
    }

    /// False while the block is not final.
    async fn write(
        &self,
        folder: &std::path::Path,
        reads: &Reads<NativePlatform>,
        client: &LightClient<NativePlatform>,
        head: &ProvenBlock,
        statement: &Statement,
    ) -> Result<bool> {
        let hash = statement.block_hash().context("no block by its hash")?;
        let number = reads.header(hash).await?.number;
        if number > head.number {
            return Ok(false);
        }
        let (mut headers, mut next) = (Vec::new(), head.hash);
        loop {
            let header = reads.header(next).await?;
            let (here, parent) = (next, header.parent_hash);
            let below = header.number <= number;
            headers.push(header);
            if here == hash {
                break;
            }
            anyhow::ensure!(!below, "block {hash} is not on the finalized chain");
            anyhow::ensure!(headers.len() < MAX_HEADERS, "block {hash} is too far back");
            next = parent;
        }
        let journal = client.proof().context("the journal is too long")?;
        let evidence = Evidence::new(self.network.clone(), journal, &headers, statement.clone());
        let bytes = serde_json::to_vec_pretty(&evidence)?;
        let id = keccak256(serde_json::to_vec(statement)?);
        let path =
            folder.join(format!("{}-{number}-{:.8}.json", statement.method, hex::encode(id)));
        tokio::fs::create_dir_all(folder).await?;
        tokio::fs::write(&path, bytes).await?;
        tracing::warn!(source = %statement.source, file = %path.display(), "a source lied");
        Ok(true)
    }
}
