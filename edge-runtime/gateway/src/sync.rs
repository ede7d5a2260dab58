//! `heliotrope sync`: the light client on the command line, from recorded files or from a network.

use std::{fs, path::Path};

use alloy_primitives::B256;
use anyhow::{Context as _, Result};
use heliotrope_light_client::{
    LightClient, native::NativePlatform, network::Network, recording::Recording,
};
use heliotrope_verifier::chains::ethereum::ChainSpec;

/// Follows recorded mainnet files from a root to the newest finality update.
pub(crate) fn recorded(folder: &Path, checkpoint: Option<B256>) -> Result<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read(&path)?));
        }
    }
    let spec = ChainSpec::mainnet();
    let given = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let recording = Recording::decode(given, &spec)?;
    let own = recording.own_root();
    let from = match checkpoint {
        Some(root) => format!("checkpoint {root}"),
        None => {
            format!("root {own} of the recording's own bootstrap: name yours with --checkpoint")
        }
    };
    let replayed = recording.replay(checkpoint.unwrap_or(own), &spec)?;
    Ok(format!("verified from {from}\n{replayed}"))
}

/// Follows a network from its checkpoint to the newest finalized block.
pub(crate) async fn network(
    file: &Path,
    sources: Vec<String>,
    checkpoint: Option<B256>,
) -> Result<String> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    let network = Network::from_json(&bytes)?;
    let platform = NativePlatform::new(std::env::temp_dir())?;
    let checkpoint = checkpoint.unwrap_or(network.checkpoint);
    let spec = network.chain_spec()?;
    let mut client = LightClient::bootstrap(platform, spec, sources, checkpoint).await?;
    client.sync().await?;
    let (header, cost) = (client.finalized(), client.cost());
    let block = header.execution_payload_header().context("header without execution")?;
    Ok(format!(
        "verified from checkpoint {checkpoint}: {} updates, {} bytes; finalized slot {}, execution \
         block {} {}",
        cost.updates, cost.bytes, header.beacon.slot, block.block_number, block.block_hash
    ))
}
