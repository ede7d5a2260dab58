//! Follows the chain with the light client. Everything else in the gateway reads the newest
//! finalized block from here and nowhere else.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, B256};
use anyhow::{Context as _, Result};
use heliotrope_light_client::{
    LightClient,
    execution::{ProvenBlock, ProvenStorage, ReadError, prove_storage},
    native::NativePlatform,
    network::Network,
    platform::Platform as _,
};
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
    /// What stopped the last attempt, if it failed.
    pub(crate) error: Option<String>,
    #[serde(skip)]
    pub(crate) head: Option<Head>,
}

/// A handle on the followed chain.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) network: Arc<Network>,
    platform: NativePlatform,
    rpc: String,
    following: watch::Receiver<Following>,
}

impl Chain {
    /// Starts to follow.
    pub(crate) fn start(
        network: Network,
        sources: Vec<String>,
        rpc: String,
        data_dir: &std::path::Path,
    ) -> Result<Self> {
        let platform = NativePlatform::new(data_dir.join("light-client"))?;
        let network = Arc::new(network);
        let (sender, following) = watch::channel(Following::default());
        tokio::spawn(follow(platform.clone(), Arc::clone(&network), sources, sender));
        Ok(Self { network, platform, rpc, following })
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
}

async fn follow(
    platform: NativePlatform,
    network: Arc<Network>,
    sources: Vec<String>,
    sender: watch::Sender<Following>,
) {
    let slot = Duration::from_secs(network.seconds_per_slot.max(1));
    let mut backoff_s = 1;
    loop {
        if let Err(error) = follow_until_error(&platform, &network, &sources, &sender, slot).await {
            tracing::warn!(%error, backoff_s, "light client");
            metrics::counter!("heliotrope_sync_errors_total").increment(1);
            sender.send_modify(|f| f.error = Some(error.to_string()));
        }
        platform.sleep(Duration::from_secs(backoff_s)).await;
        backoff_s = backoff_s.saturating_mul(2).min(MAX_BACKOFF_S);
    }
}

async fn follow_until_error(
    platform: &NativePlatform,
    network: &Network,
    sources: &[String],
    sender: &watch::Sender<Following>,
    slot: Duration,
) -> Result<()> {
    let spec = network.chain_spec()?;
    let mut client =
        LightClient::bootstrap(platform.clone(), spec, sources.to_vec(), network.checkpoint)
            .await?;
    loop {
        let header = client.sync().await?;
        let payload = header.execution_payload_header().context("header without execution")?;
        let block = ProvenBlock {
            number: payload.block_number,
            hash: payload.block_hash,
            state_root: payload.state_root,
            timestamp: payload.timestamp,
        };
        let head = Head { slot: header.beacon.slot, block };
        metrics::gauge!("heliotrope_finalized_block").set(precise(block.number));
        sender.send_if_modified(|f| {
            let changed = f.head != Some(head) || f.error.is_some();
            *f = Following {
                finalized_slot: Some(head.slot),
                finalized_block: Some(block.number),
                error: None,
                head: Some(head),
            };
            changed
        });
        platform.sleep(slot).await;
    }
}

/// A metric's value; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "metrics are f64")]
fn precise(value: u64) -> f64 {
    value as f64
}
