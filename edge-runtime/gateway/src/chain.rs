//! Follows the chain with the light client. Everything else in the gateway reads the newest
//! finalized block from here and nowhere else.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, B256};
use anyhow::{Context as _, Result};
use heliotrope_light_client::{
    LightClient, Settings,
    execution::{ProvenBlock, ProvenStorage, ReadError, prove_storage},
    native::NativePlatform,
    network::DeployedNetwork,
    platform::{Platform as _, Progress},
    proof_chain::{ProvenVersions, prove_version_of, prove_versions, rewards::At},
    sources::SourceRecord,
};
use heliotrope_verifier::chains::ethereum::ChainSpec;
use serde::Serialize;
use tokio::sync::watch;

/// Longest pause after failures, seconds.
const MAX_BACKOFF_S: u64 = 32;

/// What the light client has proven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    /// Slot of the finalized beacon header.
    pub(crate) slot: u64,
    /// The execution block that it proves.
    pub(crate) block: ProvenBlock,
}

/// State of the follower, for `/v1/status`.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Following {
    /// Slot of the finalized header.
    pub(crate) finalized_slot: Option<u64>,
    /// Number of the finalized execution block.
    pub(crate) finalized_block: Option<u64>,
    /// Slots that the head is behind the clock, when that is more than a healthy chain's.
    pub(crate) stalled_slots: Option<u64>,
    /// Record of every source.
    pub(crate) sources: Vec<SourceRecord>,
    /// What stopped the last attempt, if it failed.
    pub(crate) error: Option<String>,
    #[serde(skip)]
    pub(crate) head: Option<Head>,
}

/// A handle on the followed chain.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) deployed: Arc<DeployedNetwork>,
    pub(crate) spec: ChainSpec,
    pub(crate) platform: NativePlatform,
    rpc: String,
    following: watch::Receiver<Following>,
}

impl Chain {
    /// Starts to follow.
    pub(crate) fn start(
        deployed: DeployedNetwork,
        sources: Vec<String>,
        rpc: String,
        data_dir: &std::path::Path,
    ) -> Result<Self> {
        let folder = Some(data_dir.join("light-client"));
        let platform = NativePlatform::new(folder)?.watched_by(log);
        let spec = deployed.network.chain_spec()?;
        let (sender, following) = watch::channel(Following::default());
        let checkpoint = deployed.network.checkpoint.context("network file: no checkpoint")?;
        let settings = Settings::new(sources, checkpoint);
        tokio::spawn(follow(platform.clone(), spec.clone(), settings, sender));
        Ok(Self { deployed: Arc::new(deployed), spec, platform, rpc, following })
    }

    /// The follower's state.
    pub(crate) fn status(&self) -> Following {
        self.following.borrow().clone()
    }

    /// The newest finalized block, if there is one yet.
    pub(crate) fn head(&self) -> Option<Head> {
        self.following.borrow().head
    }

    /// Waits for a finalized block for which `wanted` holds.
    pub(crate) async fn wait_for(&self, wanted: impl Fn(&Head) -> bool) -> Result<Head> {
        let mut following = self.following.clone();
        let found = following
            .wait_for(|f| f.head.as_ref().is_some_and(&wanted))
            .await
            .context("the chain follower stopped")?;
        found.head.context("no head")
    }

    /// Proves storage words at a proven block.
    pub(crate) async fn prove(
        &self,
        block: &ProvenBlock,
        address: Address,
        keys: &[B256],
    ) -> Result<ProvenStorage, ReadError> {
        prove_storage(&self.platform, &self.rpc, block, address, keys).await
    }

    /// Reads of a proven block that rewards are made of.
    pub(crate) fn at<'a>(&'a self, block: &'a ProvenBlock) -> At<'a, NativePlatform> {
        At { platform: &self.platform, rpc: &self.rpc, block }
    }

    /// Proves which versions the check registry names at a proven block.
    pub(crate) async fn prove_versions(
        &self,
        block: &ProvenBlock,
    ) -> Result<ProvenVersions, ReadError> {
        let (check_id, registry) = (self.deployed.check_id, self.deployed.contracts.check_registry);
        prove_versions(&self.platform, &self.rpc, block, registry, check_id).await
    }

    /// Proves which version of the network's check pins a module.
    pub(crate) async fn version_of(
        &self,
        block: &ProvenBlock,
        module_hash: B256,
    ) -> Result<Option<u64>, ReadError> {
        let (check_id, registry) = (self.deployed.check_id, self.deployed.contracts.check_registry);
        prove_version_of(&self.platform, &self.rpc, block, registry, check_id, module_hash).await
    }
}

/// What the engine does, in the log.
pub(crate) fn log(progress: Progress) {
    match progress {
        Progress::Head { finalized, .. } => tracing::debug!(finalized, "head"),
        Progress::Stalled { behind_slots } => {
            tracing::warn!(behind_slots, "the head does not move as the clock does");
        }
        Progress::Failed { reason } => tracing::warn!(%reason, "light client"),
        other => tracing::info!(?other, "light client"),
    }
}

async fn follow(
    platform: NativePlatform,
    spec: ChainSpec,
    settings: Settings,
    sender: watch::Sender<Following>,
) {
    let mut backoff_s = 1;
    loop {
        let error = match LightClient::start(platform.clone(), spec.clone(), settings.clone()).await
        {
            Ok(client) => follow_until_error(client, &sender).await,
            Err(error) => error.into(),
        };
        tracing::warn!(%error, backoff_s, "light client");
        metrics::counter!("heliotrope_sync_errors_total").increment(1);
        sender.send_modify(|f| f.error = Some(error.to_string()));
        platform.sleep(Duration::from_secs(backoff_s)).await;
        backoff_s = backoff_s.saturating_mul(2).min(MAX_BACKOFF_S);
    }
}

async fn follow_until_error(
    mut client: LightClient<NativePlatform>,
    sender: &watch::Sender<Following>,
) -> anyhow::Error {
    let slot = Duration::from_millis(client.spec().slot_duration_ms().max(1000));
    loop {
        if let Err(error) = client.sync().await {
            return error.into();
        }
        let header = client.finalized();
        let Some(block) = ProvenBlock::of(header) else {
            return anyhow::anyhow!(
                "finalized header of slot {} without execution",
                header.beacon.slot
            );
        };
        let head = Head { slot: header.beacon.slot, block };
        metrics::gauge!("heliotrope_finalized_block").set(precise(block.number));
        sender.send_if_modified(|f| {
            let changed = f.head != Some(head) || f.error.is_some();
            *f = Following {
                finalized_slot: Some(head.slot),
                finalized_block: Some(block.number),
                stalled_slots: client.is_stalled().then(|| client.behind()),
                sources: client.sources().to_vec(),
                error: None,
                head: Some(head),
            };
            changed
        });
        client.platform().sleep(slot).await;
    }
}

/// A metric's value; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "metrics are f64")]
fn precise(value: u64) -> f64 {
    value as f64
}
