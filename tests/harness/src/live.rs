//! `harness live`: `serve-rpc` over a network of others, Lodestar 1.5.1 and `@ethereumjs/client`.
//!
//! ```text
//! Lodestar: beacon node, 8 validators ◀─engine API─▶ ethereumjs: execution node
//!              │ Beacon API                              │ JSON-RPC
//!              └───────▶ heliotrope serve-rpc ◀──────────┘   cast asks both, and compares
//! ```
//!
//! Slots are real seconds: finality takes four minutes, so this is no part of `cargo test-all`. The recordings of
//! such a network, in `../shared/vectors/ethereum/devnet_capella_minimal`, are.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{
    command::quietly,
    deploy::DEVELOPMENT_KEY,
    process::{Process, free_port},
    progress::Progress,
    serve_rpc::{Endpoint, ask, cast, says_the_same},
    setup, world,
};

/// The preset's own; with shorter ones Lodestar's eight validators miss attestations on two cores.
const SECONDS_PER_SLOT: u64 = 6;
const VALIDATORS: u32 = 8;
const CHAIN_ID: u64 = 31_337;
/// Finality is there after four epochs of eight slots.
const FINALITY_TIMEOUT: Duration = Duration::from_secs(600);
/// The account of [`DEVELOPMENT_KEY`].
const RICH: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
/// Stores 77 in slot 0, emits a log, and becomes a contract that returns slot 0.
const CREATION: &str = "0x604d60005560006000a0600b6016600039600b6000f360005460005260206000f3";

/// Both nodes.
#[derive(Debug)]
struct LiveNetwork {
    beacon: String,
    execution: String,
    _processes: [Process; 2],
}

/// Starts the network, deploys a contract, and compares what `serve-rpc` proves with what the node says, at the head
/// and again when the contract's block is final.
pub fn live(root: &Path) -> Result<()> {
    let tests = root.join("tests/live");
    setup::for_demo(root)?;
    install(root)?;
    world::build_gateway(root)?;
    let state = root.join("target/heliotrope/live");
    if state.exists() {
        fs::remove_dir_all(&state)?;
    }
    fs::create_dir_all(&state)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(&tests, &state))
}

/// The packages, and those of their parts that are compiled here.
fn install(root: &Path) -> Result<()> {
    setup::npm(root, "tests/live/execution")?;
    setup::npm(root, "tests/live/beacon")?;
    let folder = root.join("tests/live/beacon");
    if folder.join("node_modules/snappy/build").is_dir() {
        return Ok(());
    }
    let native = ["snappy", "bcrypto", "bigint-buffer", "classic-level"];
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["rebuild", "--foreground-scripts=true"]).args(native);
    quietly("setup: npm rebuild (needs python3, g++ and node's headers)", &mut npm).map(drop)
}

async fn run(tests: &Path, state: &Path) -> Result<()> {
    let progress = Progress::new();
    let network =
        progress.step_async("ethereumjs and Lodestar", LiveNetwork::start(tests, state)).await?;
    let checkpoint = progress.step_async("first finality", network.finalized(1)).await?.1;
    let contract = progress.step_async("a contract", network.deploy()).await?;
    let file = network.describe(state).await?;
    let words = [
        ["--network", &file.display().to_string()],
        ["--source", &network.beacon],
        ["--checkpoint", &checkpoint],
        ["--execution", &network.execution],
    ];
    let words: Vec<String> = words.concat().into_iter().map(str::to_owned).collect();
    let endpoint =
        progress.step_async("serve-rpc", Endpoint::start("serve-rpc-live", &words)).await?;
    let block = network.block_of(&contract.transaction).await?;
    progress.step_async("reads at the head", network.compare(&endpoint, &contract, block)).await?;
    progress.step_async("the block is final", network.finalized(block)).await?;
    progress.step_async("and serve-rpc has it", until_final(&endpoint, block)).await?;
    progress.step_async("reads again", network.compare(&endpoint, &contract, block)).await?;
    let sources = ask(&endpoint.url, "heliotrope_sources", json!([])).await?;
    for kind in ["consensus", "execution"] {
        let record = &sources["result"][kind][0];
        ensure!(record["invalid"] == 0, "{kind}: {record}");
        println!("{kind}: {record}");
    }
    Ok(())
}

/// A contract that [`LiveNetwork::deploy`] made.
#[derive(Debug)]
struct Contract {
    address: String,
    transaction: String,
}

impl LiveNetwork {
    async fn start(tests: &Path, state: &Path) -> Result<Self> {
        let (execution, engine, first) = execution(tests, state)?;
        let genesis = wait("genesis", Duration::from_secs(60), async || {
            let block =
                ask(&execution, "eth_getBlockByNumber", json!(["0x0", false])).await.ok()?;
            block["result"]["hash"].as_str().map(str::to_owned)
        });
        let (beacon, second) = beacon(tests, state, &engine, &genesis.await?)?;
        Ok(Self { beacon, execution, _processes: [first, second] })
    }

    async fn get(&self, path: &str) -> Result<Value> {
        Ok(reqwest::get(format!("{}/eth/v1/{path}", self.beacon)).await?.json().await?)
    }

    /// Waits until at least this slot is final: the slot, and the block's root.
    async fn finalized(&self, slot: u64) -> Result<(u64, String)> {
        wait("finality", FINALITY_TIMEOUT, async || {
            let answer = self.get("beacon/headers/finalized").await.ok()?;
            let got = answer.pointer("/data/header/message/slot")?.as_str()?.parse().ok()?;
            let root = answer.pointer("/data/root")?.as_str()?.to_owned();
            (got >= slot).then_some((got, root))
        })
        .await
    }

    async fn deploy(&self) -> Result<Contract> {
        // ethereumjs estimates no gas before its first transaction
        let fees = ["--legacy", "--gas-limit", "200000", "--gas-price", "3000000000"];
        let send = ["send", "--async", "--private-key", DEVELOPMENT_KEY];
        let transaction =
            cast(&self.execution, &[&send[..], &fees[..], &["--create", CREATION]].concat())?;
        self.block_of(&transaction).await?;
        let receipt =
            ask(&self.execution, "eth_getTransactionReceipt", json!([transaction])).await?;
        let address = receipt["result"]["contractAddress"].as_str().context("no contract")?;
        Ok(Contract { address: address.to_owned(), transaction })
    }

    /// Waits until the transaction is in a block. The execution block's number is below the beacon block's slot.
    async fn block_of(&self, transaction: &str) -> Result<u64> {
        wait("a block with the transaction", Duration::from_secs(120), async || {
            let answer = ask(&self.execution, "eth_getTransactionReceipt", json!([transaction]))
                .await
                .ok()?;
            number(&answer["result"]["blockNumber"])
        })
        .await
    }

    /// The network as `heliotrope` is told of it.
    async fn describe(&self, state: &Path) -> Result<PathBuf> {
        let (genesis, spec) = (self.get("beacon/genesis").await?, self.get("config/spec").await?);
        let spec = &spec["data"];
        let mut forks = vec![json!({
            "name": "phase0", "version": spec["GENESIS_FORK_VERSION"], "epoch": 0,
        })];
        for name in ["altair", "bellatrix", "capella"] {
            let version = &spec[format!("{}_FORK_VERSION", name.to_uppercase())];
            forks.push(json!({ "name": name, "version": version, "epoch": 0 }));
        }
        let time: u64 = genesis["data"]["genesis_time"].as_str().context("genesis")?.parse()?;
        let network = json!({
            "name": "lodestar", "chain_id": CHAIN_ID, "preset": "minimal", "genesis_time": time,
            "genesis_validators_root": genesis["data"]["genesis_validators_root"],
            "seconds_per_slot": SECONDS_PER_SLOT, "forks": forks, "dev": true,
        });
        let file = state.join("network.json");
        fs::write(&file, serde_json::to_vec_pretty(&network)?)?;
        Ok(file)
    }

    async fn compare(&self, served: &Endpoint, contract: &Contract, block: u64) -> Result<()> {
        until_reached(served, "latest", block).await?;
        let (at, address) = (block.to_string(), contract.address.as_str());
        let before = (block - 1).to_string();
        let reads: [&[&str]; 13] = [
            &["chain-id"],
            &["balance", RICH, "--block", &at],
            &["balance", RICH, "--block", &before],
            &["nonce", RICH, "--block", &at],
            &["code", address, "--block", &at],
            &["code", address, "--block", &before],
            &["storage", address, "0", "--block", &at],
            &["storage", address, "1", "--block", &at],
            &["call", address, "--block", &at],
            &["tx", &contract.transaction, "--json"],
            &["receipt", &contract.transaction, "--json"],
            &["block", &at, "--field", "hash"],
            &["logs", "--from-block", &before, "--to-block", &at, "--address", address, "--json"],
        ];
        for words in reads {
            says_the_same(words, &served.url, &self.execution)?;
        }
        ensure!(cast(&served.url, reads[8])?.ends_with("4d"), "the contract returns 77");
        Ok(())
    }
}

async fn until_final(endpoint: &Endpoint, block: u64) -> Result<()> {
    until_reached(endpoint, "finalized", block).await
}

async fn until_reached(endpoint: &Endpoint, tag: &str, block: u64) -> Result<()> {
    wait("a proven head", Duration::from_secs(60), async || {
        let answer = ask(&endpoint.url, "eth_getBlockByNumber", json!([tag, false])).await.ok()?;
        number(&answer["result"]["number"]).filter(|number| *number >= block)
    })
    .await
    .map(drop)
}

fn number(text: &Value) -> Option<u64> {
    u64::from_str_radix(text.as_str()?.trim_start_matches("0x"), 16).ok()
}

async fn wait<T>(
    what: &str,
    limit: Duration,
    mut ready: impl AsyncFnMut() -> Option<T>,
) -> Result<T> {
    let started = std::time::Instant::now();
    while started.elapsed() < limit {
        if let Some(value) = ready().await {
            return Ok(value);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    bail!("no {what} after {} s", limit.as_secs())
}

/// The execution node: its JSON-RPC, its engine API, its process.
fn execution(tests: &Path, state: &Path) -> Result<(String, String, Process)> {
    let (rpc, engine, peer) = (free_port()?, free_port()?, free_port()?);
    let text = |port: u16| port.to_string();
    let mut command = Command::new("node");
    command
        .current_dir(state)
        .arg(tests.join("execution/node_modules/.bin/ethereumjs"))
        .arg("--gethGenesis")
        .arg(tests.join("genesis.json"))
        .arg("--dataDir")
        .arg(state.join("execution"))
        .args(["--rpc", "--rpcAddr", "127.0.0.1", "--rpcPort", &text(rpc)])
        .args(["--rpcEngine", "--rpcEngineAddr", "127.0.0.1", "--rpcEnginePort", &text(engine)])
        .args(["--rpcEngineAuth=false", "--port", &text(peer), "--discV4=false"])
        .args(["--discDns=false", "--maxPeers", "0", "--isSingleNode", "--logFile=false"]);
    let process = Process::start("ethereumjs", &mut command, &state.join("logs"))?;
    Ok((format!("http://127.0.0.1:{rpc}"), format!("http://127.0.0.1:{engine}"), process))
}

/// The beacon node with its validators: its Beacon API, its process.
fn beacon(tests: &Path, state: &Path, engine: &str, genesis: &str) -> Result<(String, Process)> {
    let (port, peer) = (free_port()?, free_port()?);
    let url = format!("http://127.0.0.1:{port}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut command = Command::new("node");
    command
        .current_dir(state)
        .env("LODESTAR_PRESET", "minimal")
        .arg("--require")
        .arg(tests.join("polyfill.cjs"))
        .arg(tests.join("beacon/node_modules/.bin/lodestar"))
        .args(["dev", "--reset"])
        .args(["--preset", "minimal", "--network", "dev", "--eth1", "false", "--dataDir"])
        .arg(state.join("beacon"))
        .args(["--genesisValidators", &VALIDATORS.to_string()])
        .args(["--startValidators", &format!("0..{}", VALIDATORS - 1)])
        .args(["--genesisTime", &(now + 20).to_string(), "--genesisEth1Hash", genesis])
        .args(["--execution.urls", engine, "--suggestedFeeRecipient", RICH])
        .args(["--rest", "--rest.namespace", "*", "--rest.port", &port.to_string()])
        .args(["--server", &url, "--discv5", "false", "--mdns", "false", "--targetPeers", "0"])
        .args(["--listenAddress", "127.0.0.1", "--port", &peer.to_string()])
        .args(["--params.SECONDS_PER_SLOT", &SECONDS_PER_SLOT.to_string()])
        .args(["--params.TERMINAL_TOTAL_DIFFICULTY", "0"]);
    for fork in ["ALTAIR", "BELLATRIX", "CAPELLA"] {
        command.args([format!("--params.{fork}_FORK_EPOCH"), "0".to_owned()]);
    }
    Ok((url, Process::start("lodestar", &mut command, &state.join("logs"))?))
}
