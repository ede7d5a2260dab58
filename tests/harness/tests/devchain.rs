//! The development beacon chain over a real anvil, judged by our own verifier and by Lodestar's light client.
//!
//! Needs `contracts/node_modules` (anvil) and, for Lodestar, `tests/conformance/node_modules`; says so and skips without.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test: a panic is a failure, and a skip says why"
)]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use heliotrope_harness::command::workspace_root;
use heliotrope_harness::devchain::{DevChain, DevChainConfig};
use heliotrope_light_client::beacon_api;
use heliotrope_verifier::chains::ethereum::{
    Fork, LightClientSsz as _, LightClientUpdate, Preset, initialize_light_client_store,
    process_light_client_finality_update, process_light_client_update,
};
use heliotrope_verifier::consensus::UnixSeconds;

/// Slots of two and a half sync committee periods of the minimal preset.
const SLOTS: u64 = 160;

/// An anvil of this test's own, ended with it.
struct Anvil {
    child: Child,
    url: String,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program itself, not npm's launcher: that one leaves it running when it is killed.
fn anvil_program() -> Option<PathBuf> {
    let packages = std::fs::read_dir(workspace_root().join("contracts/node_modules/@foundry-rs"));
    let programs = packages.ok()?.filter_map(|entry| Some(entry.ok()?.path().join("bin/anvil")));
    programs.into_iter().find(|program| program.exists())
}

async fn start_anvil(program: PathBuf, timestamp: u64) -> Anvil {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new(program)
        .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--no-mining", "--quiet"])
        .args(["--timestamp", &timestamp.to_string()])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let anvil = Anvil { child, url: format!("http://127.0.0.1:{port}") };
    for _ in 0..200 {
        if DevChain::start(DevChainConfig::default(), &anvil.url).await.is_ok() {
            return anvil;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("anvil does not answer at {}", anvil.url);
}

/// Sends one transaction, to be mined in the next slot.
async fn send_transaction(anvil: &Anvil) {
    let body = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": "eth_sendTransaction",
        "params": [{
            "from": "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
            "to": "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
            "value": "0x1",
        }],
    });
    let answer = reqwest::Client::new().post(&anvil.url).json(&body).send().await.unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert!(answer["result"].is_string(), "{answer}");
}

async fn get(url: &str, accept: &str) -> Vec<u8> {
    let request = reqwest::Client::new().get(url).header("accept", accept);
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    answer.bytes().await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn own_verifier_and_lodestar_accept_the_development_chain() {
    let Some(program) = anvil_program() else {
        println!("skipped: no anvil in contracts/node_modules");
        return;
    };
    let anvil = start_anvil(program, 1_800_000_000).await;
    let chain = DevChain::start(DevChainConfig::default(), &anvil.url).await.unwrap();
    let genesis_root = chain.checkpoint_root().await;
    assert_eq!(chain.finalized().await, None);
    send_transaction(&anvil).await;
    chain.advance(8).await.unwrap();
    let start_root = chain.head().await.root;
    chain.advance(SLOTS - 8).await.unwrap();
    // one late catch-up, with slots left out
    chain.catch_up(UnixSeconds(1_800_000_000 + SLOTS + 10)).await.unwrap();
    let finalized = chain.finalized().await.unwrap();
    assert!(finalized.slot + 24 >= SLOTS && finalized.execution_number > 100, "{finalized:?}");

    let server = chain.serve(0).await.unwrap();
    let spec = chain.chain_spec().await;
    let light_client = format!("{}/eth/v1/beacon/light_client", server.url);
    let json = "application/json";
    let bootstrap = get(&format!("{light_client}/bootstrap/{genesis_root}"), json).await;
    let bootstrap = beacon_api::bootstrap(&bootstrap, &spec).unwrap();
    let mut store = initialize_light_client_store(genesis_root, &bootstrap, &spec).unwrap();
    let current_slot = chain.head().await.slot;
    let path = format!("{light_client}/updates?start_period=0&count=9");
    let updates = beacon_api::updates(&get(&path, json).await, &spec).unwrap();
    assert_eq!(updates.len(), 3);
    let ssz = get(&path, "application/octet-stream").await;
    let first = LightClientUpdate::decode(
        Fork::Electra,
        Preset::Minimal,
        &ssz[12..8 + usize::try_from(u64::from_le_bytes(ssz[..8].try_into().unwrap())).unwrap()],
    );
    assert_eq!(first.unwrap(), updates[0]);
    for update in &updates {
        process_light_client_update(&mut store, update, current_slot, &spec).unwrap();
    }
    let finality = get(&format!("{light_client}/finality_update"), json).await;
    let finality = beacon_api::finality_update(&finality, &spec).unwrap();
    process_light_client_finality_update(&mut store, &finality, current_slot, &spec).unwrap();
    let header = store.finalized_header();
    assert_eq!(header.beacon.hash_tree_root(), finalized.root);
    assert_eq!(header.execution_state_root(), Some(finalized.execution_state_root));

    let url = server.url.clone();
    let judged = tokio::task::spawn_blocking(move || {
        devchain_oracle_test(&url, &start_root.to_string());
    });
    judged.await.unwrap();
}

/// Lets Lodestar's light client judge the chain at `url` from `root` on.
fn devchain_oracle_test(url: &str, root: &str) {
    let folder = workspace_root().join("tests/conformance");
    if !folder.join("node_modules/@lodestar/light-client").exists() {
        println!("skipped: no tests/conformance/node_modules, so Lodestar was not asked");
        return;
    }
    let output = Command::new("node")
        .args(["lodestar_accepts.mjs", url, root])
        .env("LODESTAR_PRESET", "minimal")
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "lodestar did not judge as it should");
}
