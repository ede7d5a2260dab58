//! A development beacon chain over an anvil node. **Development only: its committee keys are public, so anyone can sign
//! anything for it.**
//!
//! ```text
//! anvil --no-mining ◀─ evm_setNextBlockTimestamp, evm_mine ─ DevChain ─▶ beacon blocks, Electra shape
//!        │ eth_getBlockByNumber (real header, real state root)  ▲            │ sync committee signatures (BLS)
//!        └──────────────────────────────────────────────────────┘            ▼
//!                              light clients ◀─ Beacon API (axum): bootstrap, updates, finality, optimistic
//! ```
//!
//! What is real: the execution blocks, the SSZ shapes and roots, the branches at the gindices of Electra, the fork domain,
//! the signatures, the rotation of committees, finality two epochs behind. A light client written for Ethereum follows
//! this chain without a change; the tests let Lodestar's do it.
//!
//! What is not: there are no validators, attestations, deposits or proposer signatures. State fields that a light client
//! cannot see have a zero root, and every epoch counts as if all had voted.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use anyhow::{Context as _, Result};
use heliotrope_verifier::chains::ethereum::ChainSpec;
use heliotrope_verifier::consensus::UnixSeconds;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

mod beacon;
mod committee;
mod execution;
mod json;
mod server;

use beacon::BeaconChain;
use execution::Anvil;

/// Longest backlog that is filled slot by slot; a longer one gets a block every [`STRIDE_SLOTS`].
const FULL_BACKLOG_SLOTS: u64 = 512;
/// Distance of blocks in a long backlog, in slots: half an epoch, so that every epoch and period has some.
const STRIDE_SLOTS: u64 = 4;

/// How a chain is started.
#[derive(Clone, Copy, Debug)]
pub struct DevChainConfig {
    /// Length of a slot, in seconds.
    pub seconds_per_slot: u64,
    /// Unix seconds of slot 0; anvil's newest block when `None`. Must not be before that block.
    pub genesis_time: Option<u64>,
}

impl Default for DevChainConfig {
    fn default() -> Self {
        Self { seconds_per_slot: 1, genesis_time: None }
    }
}

/// A block, in a few words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockSummary {
    /// Beacon slot.
    pub slot: u64,
    /// Beacon block root.
    pub root: B256,
    /// Number of the execution block.
    pub execution_number: u64,
    /// Hash of the execution block.
    pub execution_hash: B256,
    /// State root of the execution block.
    pub execution_state_root: B256,
}

/// A running chain. Clones are handles to the same chain.
#[derive(Clone, Debug)]
pub struct DevChain {
    chain: Arc<Mutex<BeaconChain>>,
    anvil: Arc<Anvil>,
}

/// Produces one block per slot until dropped.
#[derive(Debug)]
pub struct Realtime(JoinHandle<()>);

impl Drop for Realtime {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The Beacon API of a chain, served until dropped.
#[derive(Debug)]
pub struct BeaconServer {
    /// Where it listens, such as `http://127.0.0.1:5052`.
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for BeaconServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DevChain {
    /// Starts a chain whose slot 0 is anvil's newest block. Anvil should run with `--no-mining`.
    pub async fn start(config: DevChainConfig, anvil_url: &str) -> Result<Self> {
        let anvil = Anvil::new(anvil_url);
        let genesis_block = anvil.latest_block().await.context("anvil's newest block")?;
        let genesis_time = config.genesis_time.unwrap_or(genesis_block.timestamp);
        anyhow::ensure!(
            genesis_time >= genesis_block.timestamp,
            "genesis time {genesis_time} is before anvil's newest block at {}",
            genesis_block.timestamp
        );
        let chain = BeaconChain::genesis(genesis_time, config.seconds_per_slot, genesis_block)?;
        Ok(Self { chain: Arc::new(Mutex::new(chain)), anvil: Arc::new(anvil) })
    }

    /// Mines one execution block for each of the next `slots` slots. The chain's clock may run ahead of the wall clock.
    pub async fn advance(&self, slots: u64) -> Result<()> {
        let mut chain = self.chain.lock().await;
        for _ in 0..slots {
            let slot = chain.head().slot + 1;
            self.produce(&mut chain, slot).await?;
        }
        Ok(())
    }

    /// Produces blocks up to the slot of `now`. Skips slots when it is far behind, but no epoch.
    pub async fn catch_up(&self, now: UnixSeconds) -> Result<()> {
        let mut chain = self.chain.lock().await;
        let target = chain.spec().current_slot(now);
        while chain.head().slot < target {
            let head = chain.head().slot;
            let step = if target - head > FULL_BACKLOG_SLOTS { STRIDE_SLOTS } else { 1 };
            self.produce(&mut chain, head + step).await?;
        }
        Ok(())
    }

    async fn produce(&self, chain: &mut BeaconChain, slot: u64) -> Result<()> {
        let timestamp = chain.spec().slot_start(slot);
        let execution =
            self.anvil.mine_at(timestamp.0).await.with_context(|| format!("slot {slot}"))?;
        chain.extend(slot, execution)
    }

    /// Follows the wall clock, one block per slot, until the answer is dropped. Errors are printed and retried.
    #[must_use]
    pub fn run_realtime(&self) -> Realtime {
        let this = self.clone();
        Realtime(tokio::spawn(async move {
            let tick = {
                let chain = this.chain.lock().await;
                Duration::from_millis(chain.spec().slot_duration_ms() / 4)
            };
            loop {
                if let Err(error) = this.catch_up(now()).await {
                    eprintln!("devchain: {error:#}");
                }
                tokio::time::sleep(tick).await;
            }
        }))
    }

    /// The newest block.
    pub async fn head(&self) -> BlockSummary {
        self.chain.lock().await.head()
    }

    /// The newest finalized block; `None` in the first three epochs.
    pub async fn finalized(&self) -> Option<BlockSummary> {
        self.chain.lock().await.finalized()
    }

    /// A root to start from: the newest finalized block, or slot 0.
    pub async fn checkpoint_root(&self) -> B256 {
        self.chain.lock().await.checkpoint().root
    }

    /// The network, as the verifier wants it.
    pub async fn chain_spec(&self) -> ChainSpec {
        self.chain.lock().await.spec().clone()
    }

    /// The members of `network.json` that this chain knows: everything but names, contracts and checkpoint sources.
    pub async fn network_json_parts(&self) -> Value {
        let chain = self.chain.lock().await;
        let spec = chain.spec();
        let forks: Vec<Value> = spec
            .forks()
            .iter()
            .map(|fork| {
                let version = format!("0x{}", hex::encode(fork.version));
                json!({"name": fork.fork.name(), "version": version, "epoch": fork.epoch})
            })
            .collect();
        json!({
            "preset": "minimal",
            "genesis_time": spec.genesis_time().0,
            "genesis_validators_root": spec.genesis_validators_root().to_string(),
            "seconds_per_slot": spec.slot_duration_ms() / 1000,
            "forks": forks,
            "checkpoint": chain.checkpoint().root.to_string(),
            "dev": true,
        })
    }

    /// Serves the Beacon API on `127.0.0.1`; port 0 takes any free one.
    pub async fn serve(&self, port: u16) -> Result<BeaconServer> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = server::router(Arc::clone(&self.chain));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("devchain: beacon api stopped: {error}");
            }
        });
        Ok(BeaconServer { url, task })
    }
}

/// The wall clock.
fn now() -> UnixSeconds {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixSeconds(since.map_or(0, |elapsed| elapsed.as_secs()))
}
