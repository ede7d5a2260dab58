//! A whole small world on this machine: execution chain, beacon chain, contracts, fleet, gateway.
//!
//! ```text
//! anvil ◀─ DevChain (beacon API) ◀── gateway process ──▶ HTTP: reports in, proofs and page out
//!   ▲                                    ▲
//!   └─ contracts, registrations, pin     └─ fleet's reports        (lying carrier in front, if asked)
//! ```

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

use alloy::{
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::B256;
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_device_proofs::sha256;
use heliotrope_light_client::network::DeployedNetwork;
use heliotrope_verifier::consensus::UnixSeconds;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    checks_build::{BuiltCheck, build_checks},
    contracts_build::{self, tool},
    deploy::{Deployment, Mine, NewDevice},
    devchain::{BeaconServer, DevChain, DevChainConfig, Realtime},
    fleet::{Fleet, FleetConfig, Gateway},
    governance::{ByTheClock, NewVersion, Passes as _, Step, pin_by_vote},
    lie::{self, Link},
    lie_settlement::{self, Lie, Planted},
    mirror::Mirror,
    process::{Process, free_port},
    progress::Progress,
    quorum::{self, WARM_UP_S},
    settings::Settings,
};

/// The check that the demo pins.
pub(crate) const CHECK: &str = "coverage-radio";
/// anvil's sixth account: it owns every device whose key the EVM can check. Everybody has its key.
pub const OWNER_KEY: &str = "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba";
/// Slots that the chain has behind it when it starts: setting up uses them up faster than time
/// passes, so that nobody waits for finality.
pub const SLOTS_OF_HISTORY: u64 = 512;
/// Slots after which a block is final for certain: three epochs of the minimal preset, and one more.
pub const SLOTS_TO_FINALITY: u64 = 32;
/// Reports sent in one request.
pub const REPORTS_PER_BATCH: usize = 4_000;
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

/// Builds what runs: contracts, check modules and the gateway.
pub fn build(root: &Path) -> Result<Vec<BuiltCheck>> {
    contracts_build::build(root)?;
    let checks = build_checks(root, &root.join("target/heliotrope/checks"))?;
    build_gateway(root)?;
    Ok(checks)
}

/// Builds `heliotrope`, with the features that everything native shares.
pub fn build_gateway(root: &Path) -> Result<()> {
    crate::command::loudly(
        "gateway: cargo build",
        Command::new("cargo").current_dir(root).args([
            "build",
            "--release",
            "--bin",
            "heliotrope",
            "--bin",
            "heliotrope-harness",
        ]),
    )
}

/// The same, once for all tests of a process, which run side by side.
pub fn built(root: &Path) -> Result<&'static [BuiltCheck]> {
    static BUILT: OnceLock<Result<Vec<BuiltCheck>, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build(root).map_err(|e| format!("{e:#}")));
    built.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
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

    /// Feeds the fleet's day to the gateway, waits until its settlement is final, and lets the chain
    /// go on by the clock; from then on the page is served.
    pub async fn live(&mut self) -> Result<()> {
        self.live_with(&[]).await.map(drop)
    }

    /// The same, with lies in what is settled; says where they are.
    pub async fn live_with(&mut self, lies: &[Lie]) -> Result<Vec<Planted>> {
        self.live_after(0..self.fleet.reports.len(), lies).await
    }

    /// The same with a part of the day.
    pub async fn live_after(&mut self, part: Range<usize>, lies: &[Lie]) -> Result<Vec<Planted>> {
        let progress = Progress::new();
        let what = format!("gateway: takes in {} reports", part.len());
        progress.step_async(&what, self.send_part(part)).await?;
        let settled = progress.step_async("epoch: check, settle, prove", self.settle_with(lies));
        let planted = settled.await?;
        self.go_by_the_clock().await?;
        Ok(planted)
    }

    /// From now on blocks come by themselves, and the page is served.
    pub async fn go_by_the_clock(&mut self) -> Result<()> {
        self.chain.catch_up(UnixSeconds(now_s())).await?;
        self.clock = Some(self.chain.run_realtime());
        if let Some(link) = self.config.lie {
            let upstream = self.gateway_url.clone();
            self.carrier = Some(lie::serve(link, upstream, self.config.port).await?);
        }
        Ok(())
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

    /// Sends the fleet's reports in batches; says how many were accepted and rejected.
    pub async fn send_reports(&mut self) -> Result<(u64, u64)> {
        self.send_part(0..self.fleet.reports.len()).await
    }

    /// The same for some of them, in the order in which they came in.
    pub async fn send_part(&self, part: Range<usize>) -> Result<(u64, u64)> {
        let client = reqwest::Client::new();
        let url = format!("{}/v1/reports", self.gateway_url);
        let (mut accepted, mut rejected) = (0, 0);
        let reports = self.fleet.reports.get(part).context("the fleet has no such reports")?;
        for chunk in reports.chunks(REPORTS_PER_BATCH) {
            let outcome = send_batch(&client, &url, Fleet::batch(chunk)).await?;
            accepted += outcome["accepted"].as_u64().context("accepted")?;
            rejected += outcome["rejected"].as_array().context("rejected")?.len() as u64;
        }
        Ok((accepted, rejected))
    }

    /// Closes the epoch and makes blocks until its settlement is final and published.
    pub async fn settle(&mut self) -> Result<u64> {
        let epoch = self.close_epoch().await?;
        self.published(epoch).await?;
        Ok(epoch)
    }

    /// The same, but a proposer that lies comes between the gateway and the ledger.
    async fn settle_with(&mut self, lies: &[Lie]) -> Result<Vec<Planted>> {
        let epoch = self.close_epoch().await?;
        if lies.is_empty() {
            self.published(epoch).await?;
            return Ok(Vec::new());
        }
        let started = Instant::now();
        // no block is made, so what it proposes waits
        while self.status().await?["settlement"]["phase"] != "proposing" {
            self.check_gateway()?;
            ensure!(started.elapsed() < STEP_TIMEOUT, "epoch {epoch} is not judged");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.gateway.take().context("gateway")?.kill()?;
        let network = DeployedNetwork::from_json(&fs::read(self.network_file())?)?;
        let epochs = self.config.state.join("gateway/epochs");
        let (planted, sent) =
            lie_settlement::propose(&epochs, epoch, &network, &self.rpc, lies).await?;
        self.chain.advance(1).await?;
        sent.mined().await?;
        self.start_gateway().await?;
        self.published(epoch).await?;
        Ok(planted)
    }

    /// Closes the epoch; says its number.
    pub async fn close_epoch(&self) -> Result<u64> {
        let url = format!("{}/v1/epochs/close", self.gateway_url);
        let answer = reqwest::Client::new().post(url).send().await?.error_for_status()?;
        answer.json::<Value>().await?["epoch"].as_u64().context("epoch")
    }

    /// Makes blocks until an epoch's settlement is final and published.
    pub async fn published(&mut self, epoch: u64) -> Result<()> {
        let started = Instant::now();
        loop {
            let status = self.status().await?;
            if status["published"] == epoch {
                return Ok(());
            }
            match status["settlement"]["phase"].as_str() {
                // blocks come by themselves
                _ if self.clock.is_some() => {}
                Some("proposing") => self.chain.advance(1).await?,
                Some("waiting for finality") => self.chain.advance(SLOTS_TO_FINALITY).await?,
                _ => {}
            }
            self.check_gateway()?;
            if started.elapsed() > STEP_TIMEOUT {
                bail!("epoch {epoch} is not settled: {status}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
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

/// Hands one batch to a gateway.
pub async fn send_batch(client: &reqwest::Client, url: &str, body: Vec<u8>) -> Result<Value> {
    Ok(client.post(url).body(body).send().await?.error_for_status()?.json().await?)
}

/// Unix seconds.
fn now_s() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}

/// Starts an execution node whose first blocks are older than the beacon chain: the quorum's gateways have been
/// bonded for long enough when that begins.
async fn start_anvil(config: &WorldConfig, genesis_time: u64) -> Result<(Process, String)> {
    let port = free_port()?;
    let first = genesis_time.saturating_sub(WARM_UP_S);
    let mut command = Command::new(tool(&config.root, "anvil"));
    command
        .args(["--host", "127.0.0.1", "--no-mining", "--hardfork", "osaka", "--silent"])
        .args(["--gas-limit", "60000000", "--chain-id", &CHAIN_ID.to_string()])
        .args(["--port", &port.to_string(), "--timestamp", &first.to_string()]);
    let mut anvil = Process::start("anvil", &mut command, &config.state.join("logs"))?;
    let started = Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        anvil.check()?;
        ensure!(started.elapsed() < STEP_TIMEOUT, "anvil does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok((anvil, format!("http://127.0.0.1:{port}")))
}

/// Blocks before there is a beacon chain.
struct Alone(DynProvider);

impl Mine for Alone {
    async fn mine(&self) -> Result<()> {
        let _block: Value = self.0.raw_request("evm_mine".into(), ()).await?;
        Ok(())
    }
}

async fn found(root: &Path, rpc: &str, check: &str) -> Result<Deployment> {
    let chain = Alone(ProviderBuilder::new().connect_http(rpc.parse()?).erased());
    let deployment = Deployment::deploy(root, rpc, check, &chain).await?;
    quorum::join(rpc, &chain, &deployment).await?;
    Ok(deployment)
}

async fn start_chain(rpc: &str, genesis_time: u64) -> Result<(DevChain, BeaconServer)> {
    let config = DevChainConfig { genesis_time: Some(genesis_time), ..DevChainConfig::default() };
    let chain = DevChain::start(config, rpc).await?;
    let beacon = chain.serve(0).await?;
    Ok((chain, beacon))
}

/// Puts the pinned bytes where the gateway looks for them. Gives (params hash, module hash).
fn modules(
    config: &WorldConfig,
    checks: &[BuiltCheck],
    check: &str,
    params: &[u8],
) -> Result<(B256, B256)> {
    let folder = config.state.join("modules");
    let built = checks.iter().find(|built| built.name == check);
    let built = built.with_context(|| format!("{check} was not built"))?;
    fs::copy(&built.path, folder.join(format!("{}.wasm", hex::encode(built.sha256))))?;
    let hash = sha256(params);
    fs::write(folder.join(format!("{}.params", hex::encode(hash))), params)?;
    Ok((hash.into(), built.sha256.into()))
}

async fn register(deployment: &Deployment, fleet: &Fleet, chain: &DevChain) -> Result<()> {
    let owner = OWNER_KEY.parse::<PrivateKeySigner>()?.address();
    let device = |g: &Gateway| NewDevice {
        public_key: g.key.public().to_vec(),
        cell: g.cell,
        gain_ddbi: g.gain_ddbi,
        elevation_m: g.elevation_m,
        region: g.region,
        owner: if g.key.sign_registration(&[0; 32]).is_some() { owner } else { deployment.owner() },
    };
    let devices: Vec<NewDevice> = fleet.gateways.iter().map(device).collect();
    let sign = |index: usize, digest: B256| fleet.gateways[index].key.sign_registration(&digest.0);
    deployment.register(&devices, sign, chain).await
}
