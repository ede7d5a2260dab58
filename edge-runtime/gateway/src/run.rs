//! `heliotrope run`: wires the parts together, in one screen.
//!
//! ```text
//! POST /v1/reports ─▶ Ingest ─▶ ReceiptLog ─▶ Settler ─▶ SettlementLedger
//!                       │ key registered?        │ pinned? facts?      │
//!                       └────────── Chain (light client, proofs) ◀─────┘ proven, then published
//! ```

use std::{path::Path, sync::Arc};

use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context as _, Result};
use heliotrope_host::{
    CacheConfig, Compiler, CompilerProcess, Host, HostConfig, HostError, ModuleSet,
};
use heliotrope_light_client::network::DeployedNetwork;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::sync::{Notify, watch};

use crate::{
    chain::Chain,
    compact::Committees,
    config::Config,
    devices::Devices,
    files::EpochFiles,
    ingest::Ingest,
    payout::Payout,
    receipt_log::ReceiptLog,
    rewards::Rewards,
    server::{Served, router},
    settle::{Settler, Settling},
    upcoming::Watcher,
};

/// Check modules kept loaded: the pinned one, and those that epochs before it began with.
const MODULES: usize = 4;

/// The host of check modules: compiled in a process of its own, kept in the data folder.
fn check_host(data_dir: &Path) -> Result<Host, HostError> {
    let folder = data_dir.join("compiled");
    let cache = CacheConfig { secret: folder.join("secret"), folder };
    let compiler = Compiler::Process(CompilerProcess::this_program()?);
    Host::new(HostConfig { compiler, cache: Some(cache), ..HostConfig::default() })
}

/// Runs until SIGTERM or Ctrl-C.
pub(crate) async fn run(settings: &Path) -> Result<()> {
    let config = Config::read(settings)?;
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| config.data_dir.display().to_string())?;
    let metrics = PrometheusBuilder::new().install_recorder()?;
    let network = std::fs::read(&config.network_file)
        .with_context(|| config.network_file.display().to_string())?;
    let deployed = DeployedNetwork::from_json(&network)?;
    let chain = Chain::start(
        deployed,
        config.beacon_sources.clone(),
        config.execution_rpc.clone(),
        &config.data_dir,
    )?;
    let log = Arc::new(ReceiptLog::open(&config.data_dir.join("receipts.redb"))?);
    let devices = Arc::new(Devices::new(chain.clone()));
    let files = EpochFiles::new(config.data_dir.join("epochs"));
    let (wake, (status, settling)) = (Arc::new(Notify::new()), watch::channel(Settling::default()));
    let (announced, upcoming) = watch::channel(None);
    let served = Served {
        chain: chain.clone(),
        log: Arc::clone(&log),
        ingest: Ingest::new(
            Arc::clone(&log),
            Arc::clone(&devices),
            config.accept_upstream_receipts,
        ),
        settling,
        upcoming: upcoming.clone(),
        wake: Arc::clone(&wake),
        metrics,
        http: reqwest::Client::new(),
        beacons: config.beacon_sources.clone(),
        committees: Committees::default(),
        rpc: config.execution_rpc.clone(),
        epochs_dir: files.root().to_path_buf(),
        rewards_dir: config.rewards_dir(),
        modules_dir: config.modules_dir.clone(),
        web_dir: config.web_dir.clone(),
    };
    if let Some(key) = &config.proposer_key {
        let key: PrivateKeySigner = key.parse().context("proposer_key: 32 bytes of hex")?;
        let modules = Arc::new(ModuleSet::new(check_host(&config.data_dir)?, MODULES));
        let (modules_dir, rpc) = (config.modules_dir.clone(), config.execution_rpc.clone());
        let watcher = Watcher {
            chain: chain.clone(),
            modules: Arc::clone(&modules),
            modules_dir: modules_dir.clone(),
            mirrors: config.module_mirrors.clone(),
            status: announced,
        };
        tokio::spawn(watcher.run());
        let rewards = Rewards::new(chain.clone(), files.clone(), &config);
        let payout = Payout::new(chain.clone(), Arc::clone(&log), files.clone());
        let settler = Settler {
            chain,
            devices,
            log,
            files,
            rewards,
            payout,
            modules,
            modules_dir,
            upcoming,
            rpc,
            key,
            wake,
            status,
        };
        tokio::spawn(settler.run());
    }
    let listener = tokio::net::TcpListener::bind(config.listen).await?;
    tracing::info!(address = %listener.local_addr()?, "serving");
    axum::serve(listener, router(Arc::new(served))).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

/// Until SIGTERM or Ctrl-C.
pub(crate) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping");
}
