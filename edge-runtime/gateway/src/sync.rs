//! `heliotrope sync`: the light client on the command line, from recorded files or from a network.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::B256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_light_client::{
    LightClient, Settings,
    checkpoint::{self, CheckpointAnswer},
    native::NativePlatform,
    network::Network,
    recording::Recording,
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

/// A network to follow, as the command line names it.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Live {
    /// mainnet, sepolia, hoodi, or the file of another network's description.
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// Base address of a gateway or a Beacon API; give several, the next is asked when one fails.
    #[arg(long)]
    pub(crate) source: Vec<String>,
    /// Beacon block root to start from: your own word, and nobody else is asked.
    #[arg(long)]
    pub(crate) checkpoint: Option<B256>,
    /// Independent Beacon API that must agree on where to start from, in place of the description's; give
    /// two or more.
    #[arg(long, conflicts_with = "checkpoint")]
    pub(crate) checkpoint_source: Vec<String>,
    /// Folder for what makes the next start instant. It is checked again when read.
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Start from a checkpoint of any age. Who has left the validator set since can deceive you.
    #[arg(long)]
    pub(crate) allow_old_checkpoint: bool,
}

impl Live {
    /// The light client, from what was kept or from the checkpoint.
    pub(crate) async fn start(
        &self,
        optimistic: bool,
    ) -> Result<(Network, LightClient<NativePlatform>)> {
        let network = self.network()?;
        let client = self.client(&network, optimistic).await?;
        Ok((network, client))
    }

    /// The same for a network that was described elsewhere.
    pub(crate) async fn client(
        &self,
        network: &Network,
        optimistic: bool,
    ) -> Result<LightClient<NativePlatform>> {
        let spec = network.chain_spec()?;
        let platform = NativePlatform::new(self.data_dir.clone())?.watched_by(crate::chain::log);
        let checkpoint = self.checkpoint(network, &platform, &spec).await?;
        let mut settings = Settings::new(self.source.clone(), checkpoint);
        settings.optimistic = optimistic;
        if self.allow_old_checkpoint {
            settings.max_checkpoint_age = None;
        }
        Ok(LightClient::start(platform, spec, settings).await?)
    }

    fn network(&self) -> Result<Network> {
        let name = self.network.as_ref().context("name --network and --source URL")?;
        let file = Path::new(name);
        if !file.exists() {
            return Ok(Network::built_in(name)?);
        }
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        Ok(Network::from_json(&bytes)?)
    }

    /// The user's own word, or what independent sources agree on.
    async fn checkpoint(
        &self,
        network: &Network,
        platform: &NativePlatform,
        spec: &ChainSpec,
    ) -> Result<B256> {
        if let Some(root) = self.checkpoint {
            return Ok(root);
        }
        let own = !self.checkpoint_source.is_empty();
        let sources = if own { &self.checkpoint_source } else { &network.checkpoint_sources };
        ensure!(
            !sources.is_empty(),
            "nobody to ask where to start from: name --checkpoint ROOT, or --checkpoint-source URL twice"
        );
        let (root, answers) = checkpoint::find(platform, spec, network.checkpoint, sources).await?;
        for CheckpointAnswer { source, statement } in answers {
            tracing::info!(%source, ?statement, "checkpoint {root}");
        }
        Ok(root)
    }
}

/// Follows a network from its checkpoint to the newest finalized block.
pub(crate) async fn network(live: &Live) -> Result<String> {
    let (_, mut client) = live.start(false).await?;
    client.sync().await?;
    let (header, cost) = (client.finalized(), client.cost());
    let block = header.execution_payload_header().context("header without execution")?;
    Ok(format!(
        "verified from checkpoint {}: {} updates, {} bytes; finalized slot {}, execution block {} {}",
        client.checkpoint(),
        cost.updates,
        cost.bytes,
        header.beacon.slot,
        block.block_number,
        block.block_hash
    ))
}
