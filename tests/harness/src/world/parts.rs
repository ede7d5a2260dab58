//! The parts of a world, each started by itself: execution node, contracts, beacon chain, pinned files, fleet.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use alloy::{
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::B256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_device_proofs::sha256;
use serde_json::Value;

use super::{CHAIN_ID, OWNER_KEY, STEP_TIMEOUT, WorldConfig};
use crate::{
    checks_build::BuiltCheck,
    contracts_build::tool,
    deploy::{Deployment, Mine, NewDevice},
    devchain::{BeaconServer, DevChain, DevChainConfig},
    fleet::{Fleet, Gateway},
    process::{Process, free_port},
    quorum::{self, WARM_UP_S},
};

/// Starts an execution node whose first blocks are older than the beacon chain: the quorum's gateways have been
/// bonded for long enough when that begins.
pub(super) async fn start_anvil(
    config: &WorldConfig,
    genesis_time: u64,
) -> Result<(Process, String)> {
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

pub(super) async fn found(root: &Path, rpc: &str, check: &str) -> Result<Deployment> {
    let chain = Alone(ProviderBuilder::new().connect_http(rpc.parse()?).erased());
    let deployment = Deployment::deploy(root, rpc, check, &chain).await?;
    quorum::join(rpc, &chain, &deployment).await?;
    Ok(deployment)
}

pub(super) async fn start_chain(rpc: &str, genesis_time: u64) -> Result<(DevChain, BeaconServer)> {
    let config = DevChainConfig { genesis_time: Some(genesis_time), ..DevChainConfig::default() };
    let chain = DevChain::start(config, rpc).await?;
    let beacon = chain.serve(0).await?;
    Ok((chain, beacon))
}

/// Puts the pinned bytes where the gateway looks for them. Gives (params hash, module hash).
pub(super) fn modules(
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

pub(super) async fn register(
    deployment: &Deployment,
    fleet: &Fleet,
    chain: &DevChain,
) -> Result<()> {
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
