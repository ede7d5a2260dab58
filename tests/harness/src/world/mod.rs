//! A whole small world on this machine: execution chain, beacon chain, contracts, fleet, gateway.
//!
//! ```text
//! anvil ◀─ DevChain (beacon API) ◀── gateway process ──▶ HTTP: reports in, proofs and page out
//!   ▲                                    ▲
//!   └─ contracts, registrations, pin     └─ fleet's reports        (lying carrier in front, if asked)
//! ```

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use anyhow::{Result, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    checks_build::BuiltCheck,
    deploy::Deployment,
    devchain::{BeaconServer, DevChain, Realtime},
    fleet::{Fleet, FleetConfig},
    governance::{ByTheClock, NewVersion, Passes as _, Step, pin_by_vote},
    lie::Link,
    mirror::Mirror,
    process::{Process, free_port},
    progress::Progress,
    settings::Settings,
};

mod build;
mod epochs;
mod parts;

pub use build::{build, build_gateway, built};
pub use epochs::{REPORTS_PER_BATCH, send_batch};
use parts::{found, modules, register, start_anvil, start_chain};

/// The check that the demo pins.
pub(crate) const CHECK: &str = "coverage-radio";
/// anvil's sixth account: it owns every device whose key the EVM can check. Everybody has its key.
pub const OWNER_KEY: &str = "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba";
/// Slots that the chain has behind it when it starts: setting up uses them up faster than time
/// passes, so that nobody waits for finality.
pub const SLOTS_OF_HISTORY: u64 = 512;
/// Slots after which a block is final for certain: three epochs of the minimal preset, and one more.
pub const SLOTS_TO_FINALITY: u64 = 32;
/// How long any step may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(180);
/// Chain id of the development chain, anvil's own.
pub const CHAIN_ID: u64 = 31337;

/// What to build.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Root of the checkout.
    pub root: PathBuf,
    /// Where everything of this run is kept; emptied first.
    pub state: PathBuf,
    /// Address of the page: 127.0.0.1 and this port.
    pub port: u16,
    /// Gateways in the fleet.
    pub gateways: u32,
    /// Seed of the fleet.
    pub seed: u64,
    /// The link to lie about on the way to the page.
    pub lie: Option<Link>,
    /// The built web app.
    pub web_dir: Option<PathBuf>,
}

/// A running world. Everything ends when it is dropped.
#[derive(Debug)]
pub struct World {
    /// The page's address.
    pub url: String,
    /// The gateway's own address, which never lies.
    pub gateway_url: String,
    /// The gateway.
    pub gateway: Option<Process>,
    /// The execution node.
    pub anvil: Process,
    /// The beacon chain.
    pub chain: DevChain,
    /// Its Beacon API.
    pub beacon: BeaconServer,
    /// The fleet and what is expected of each report.
    pub fleet: Fleet,
    /// The contracts and who deployed them.
    pub deployment: Deployment,
    /// Where the gateway fetches an announced version.
    pub mirror: Mirror,
    /// JSON-RPC of the execution node.
    pub rpc: String,
    /// Root that the light clients start from.
    pub checkpoint: B256,
    config: WorldConfig,
    settings: PathBuf,
    carrier: Option<tokio::task::JoinHandle<()>>,
    clock: Option<Realtime>,
}

impl World {
    /// Starts all parts, up to a gateway that has a finalized header and no reports yet.
    pub async fn start(config: WorldConfig, checks: &[BuiltCheck]) -> Result<Self> {
        let params = async |deployment: &Deployment, _: &DevChain| {
            let registry = deployment.contracts.device_registry.into_array();
            Ok(Fleet::params(registry, CHAIN_ID).encode())
        };
        Self::start_with(config, checks, CHECK, SLOTS_OF_HISTORY, params).await
    }

    /// The same, with another check under the pin, whose parameters may need contracts of their own, and with so many
    /// slots for the test to use up.
    pub async fn start_with(
        config: WorldConfig,
        checks: &[BuiltCheck],
        check: &str,
        slots_of_history: u64,
        params: impl AsyncFnOnce(&Deployment, &DevChain) -> Result<Vec<u8>>,
    ) -> Result<Self> {
        let progress = Progress::new();
        if config.state.exists() {
            fs::remove_dir_all(&config.state)?;
        }
        fs::create_dir_all(config.state.join("modules"))?;
        let fleet = progress.step("fleet: keys, places and a day of signed reports", || {
            let (seed, gateways) = (config.seed, config.gateways);
            let wanted = FleetConfig { seed, gateways, ..FleetConfig::default() };
            let name = format!("fleet-{}-{}", config.seed, config.gateways);
            Fleet::cached(&config.root.join("target/heliotrope").join(name), wanted)
        })?;
        let genesis_time = now_s().saturating_sub(slots_of_history);
        let (anvil, rpc) = start_anvil(&config, genesis_time).await?;
        let deployment = progress
            .step_async("contracts: deploy, gateways join", found(&config.root, &rpc, check))
            .await?;
        let (chain, beacon) = progress
            .step_async("chain: the development beacon chain", start_chain(&rpc, genesis_time))
            .await?;
        let params = params(&deployment, &chain).await?;
        let (params, module) = modules(&config, checks, check, &params)?;
        deployment.pin(check, module, params, &chain).await?;
        deployment.hand_over(&chain).await?;
        let what = format!("registry: {} devices sign in", fleet.gateways.len());
        progress.step_async(&what, register(&deployment, &fleet, &chain)).await?;
        chain.advance(SLOTS_TO_FINALITY).await?;
        let checkpoint = chain.checkpoint_root().await;
        let gateway_port = if config.lie.is_some() { free_port()? } else { config.port };
        let gateway_url = format!("http://127.0.0.1:{gateway_port}");
        let mirror = Mirror::serve(config.state.join("mirror")).await?;
        let settings = Settings {
            config: &config,
            chain: &chain,
            beacon: &beacon,
            deployment: &deployment,
            check,
            mirror: &mirror,
            rpc: &rpc,
            port: gateway_port,
        };
        let settings = settings.write().await?;
        let mut world = Self {
            url: format!("http://127.0.0.1:{}", config.port),
            gateway_url,
            gateway: None,
            anvil,
            chain,
            beacon,
            fleet,
            deployment,
            mirror,
            rpc,
            checkpoint,
            config,
            settings,
            carrier: None,
            clock: None,
        };
        progress.step_async("gateway: start and sync", world.start_gateway()).await?;
        Ok(world)
    }

    /// Starts the gateway process and waits until it has a finalized header.
    pub async fn start_gateway(&mut self) -> Result<()> {
        let mut command = Command::new(self.config.root.join("target/release/heliotrope"));
        command.args(["run", "--config"]).arg(&self.settings);
        let process = Process::start("gateway", &mut command, &self.config.state.join("logs"))?;
        self.gateway = Some(process);
        let url = format!("{}/healthz", self.gateway_url);
        let started = Instant::now();
        loop {
            if let Ok(answer) = reqwest::get(&url).await
                && answer.status().is_success()
            {
                return Ok(());
            }
            self.check_gateway()?;
            ensure!(started.elapsed() < STEP_TIMEOUT, "the gateway does not get ready");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Passes a proposal that pins a new version of the check, as soon as may be; says from when on it judges, Unix
    /// seconds.
    pub async fn vote(&self, module: [u8; 32], params: [u8; 32]) -> Result<u64> {
        self.vote_with_notice(module, params, 0, |_| {}).await
    }

    /// The same with some seconds of notice more, telling each step.
    pub async fn vote_with_notice(
        &self,
        module: [u8; 32],
        params: [u8; 32],
        notice_s: u64,
        mut told: impl FnMut(Step),
    ) -> Result<u64> {
        let (module_hash, params_hash) = (module.into(), params.into());
        let version = NewVersion { check: CHECK, module_hash, params_hash, notice_s };
        let deployment = &self.deployment;
        match self.clock {
            Some(_) => pin_by_vote(deployment, version, &ByTheClock(&self.chain), &mut told).await,
            None => pin_by_vote(deployment, version, &self.chain, &mut told).await,
        }
    }

    /// Makes blocks until what is on the chain now is final.
    pub async fn finalize(&self) -> Result<()> {
        self.chain.advance(SLOTS_TO_FINALITY).await
    }

    /// Puts a module where the gateway serves modules from; its sha256.
    pub fn keep_module(&self, wasm: &[u8]) -> Result<[u8; 32]> {
        let hash: [u8; 32] = Sha256::digest(wasm).into();
        let folder = self.config.state.join("modules");
        fs::write(folder.join(format!("{}.wasm", hex::encode(hash))), wasm)?;
        Ok(hash)
    }

    /// Time of the newest block, Unix seconds.
    pub async fn chain_now_s(&self) -> Result<u64> {
        self.chain.now_s().await
    }

    /// The network's description.
    #[must_use]
    pub fn network_file(&self) -> PathBuf {
        self.config.state.join("network.json")
    }

    /// The gateway's status.
    pub async fn status(&self) -> Result<Value> {
        let url = format!("{}/v1/status", self.gateway_url);
        Ok(reqwest::get(url).await?.error_for_status()?.json().await?)
    }

    /// Fails with its own words if a part has ended.
    pub fn check(&mut self) -> Result<()> {
        self.anvil.check()?;
        self.check_gateway()
    }

    /// Fails with the gateway's own words if it has ended.
    fn check_gateway(&mut self) -> Result<()> {
        self.gateway.as_mut().map_or(Ok(()), Process::check)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(carrier) = self.carrier.take() {
            carrier.abort();
        }
    }
}

/// Unix seconds.
fn now_s() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}
