//! `heliotrope serve-rpc` and `cast` on what a real beacon node (Lodestar) and a real execution node (ethereumjs) said on
//! a network of their own; `harness live` starts such a network.
//!
//! Skipped, saying so, where the recording or `cast` is not there.

#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use heliotrope_harness::{
    command::{vectors, workspace_root},
    contracts_build::packages_are_there,
    serve_rpc::{Endpoint, ask, cast},
    world,
};
use serde_json::{Value, json};

const RECORDING: &str = "ethereum/devnet_capella_minimal";
/// Execution chain of the recording.
const CHAIN_ID: u64 = 31_337;

/// What the two nodes said.
struct Recording {
    beacon: PathBuf,
    proof: Value,
}

impl Recording {
    fn open() -> Result<Option<Self>> {
        let folder = vectors().map(|vectors| vectors.join(RECORDING));
        let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
            println!("skipped: no {RECORDING} in ../shared/vectors");
            return Ok(None);
        };
        if !packages_are_there(&workspace_root()) {
            return Ok(None);
        }
        let proof = serde_json::from_slice(&fs::read(folder.join("ejs_getProof_finalized.json"))?)?;
        Ok(Some(Self { beacon: folder.join("lodestar_capella_minimal_"), proof }))
    }

    fn said(&self, name: &str) -> Result<Vec<u8>> {
        let path = format!("{}{name}", self.beacon.display());
        fs::read(&path).with_context(|| path.clone())
    }

    fn json(&self, name: &str) -> Result<Value> {
        Ok(serde_json::from_slice(&self.said(name)?)?)
    }

    /// The network's description, from the node's own genesis and configuration.
    fn network(&self) -> Result<Value> {
        let (genesis, config) = (self.json("genesis.json")?, self.json("spec.json")?);
        let number = |name: &str| -> Result<u64> {
            config["data"][name]
                .as_str()
                .with_context(|| name.to_owned())?
                .parse()
                .context("number")
        };
        let forks = ["altair", "bellatrix", "capella"].map(|name| {
            let version = &config["data"][format!("{}_FORK_VERSION", name.to_uppercase())];
            json!({ "name": name, "version": version, "epoch": 0 })
        });
        Ok(json!({
            "name": "recorded",
            "chain_id": CHAIN_ID,
            "preset": config["data"]["PRESET_BASE"],
            "genesis_time": genesis["data"]["genesis_time"].as_str().context("genesis")?.parse::<u64>()?,
            "genesis_validators_root": genesis["data"]["genesis_validators_root"],
            "seconds_per_slot": number("SECONDS_PER_SLOT")?,
            "forks": forks,
        }))
    }
}

/// The Beacon API as the node answered it.
async fn beacon(State(recording): State<Arc<Recording>>, uri: Uri) -> Response {
    let name = match uri.path().strip_prefix("/eth/v1/beacon/light_client/") {
        Some(path) if path.starts_with("bootstrap/") => "bootstrap.json",
        Some("updates") => "updates.json",
        Some("finality_update") => "finality_update.json",
        Some("optimistic_update") => "optimistic_update.json",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match recording.said(name) {
        Ok(bytes) => ([(CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `eth_getProof` as the node answered it, without the slot where none is asked for.
async fn execution(
    State(recording): State<Arc<Recording>>,
    Json(call): Json<Value>,
) -> Json<Value> {
    let mut answer = recording.proof.clone();
    answer["id"] = call["id"].clone();
    if call["method"] != "eth_getProof" {
        return Json(json!({ "id": call["id"], "error": { "code": -32601, "message": "" } }));
    }
    if call["params"][1] == json!([]) {
        answer["result"]["storageProof"] = json!([]);
    }
    Json(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn cast_reads_what_the_recorded_nodes_prove() -> Result<()> {
    let Some(recording) = Recording::open()? else { return Ok(()) };
    world::built(&workspace_root())?;
    let folder = workspace_root().join("target/heliotrope/tests/recorded");
    fs::create_dir_all(&folder)?;
    let network = folder.join("network.json");
    fs::write(&network, recording.network()?.to_string())?;
    let root = String::from_utf8(recording.said("trusted_root.txt")?)?;
    let finality = recording.json("finality_update.json")?;
    let finalized = finality["data"]["finalized_header"]["execution"].clone();
    let account = recording.proof["result"].clone();

    let router = Router::new().fallback(get(beacon).post(execution));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let nodes = format!("http://{}", listener.local_addr()?);
    let router = router.with_state(Arc::new(recording));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let network = network.display().to_string();
    let words = ["--network", &network, "--source", &nodes, "--execution", &nodes];
    // the recording ages; that an old checkpoint is refused by default is another test's
    let trust = ["--checkpoint", root.trim(), "--allow-old-checkpoint"];
    let words: Vec<String> = words.into_iter().chain(trust).map(str::to_owned).collect();
    let served = Endpoint::start("serve-rpc-recorded", &words).await?;

    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let contract = text(&account["address"]);
    let slot = text(&account["storageProof"][0]["key"]);
    let stored = cast(&served.url, &["storage", "--block", "finalized", &contract, &slot])?;
    ensure!(stored == format!("0x{:064x}", 77), "slot {slot}: {stored}");
    let nonce = cast(&served.url, &["nonce", "--block", "finalized", &contract])?;
    ensure!(nonce == "1", "nonce {nonce}");

    let answer = ask(&served.url, "eth_getBalance", json!([contract, "finalized"])).await?;
    ensure!(answer["result"] == "0x0", "{answer}");
    let proof = &answer["heliotrope_proof"];
    ensure!(proof["class"] == "committee" && proof["head"] == "finalized", "{answer}");
    ensure!(proof["block"]["hash"] == finalized["block_hash"], "{answer}");
    // nothing proves another account by this one's nodes
    let other =
        ask(&served.url, "eth_getBalance", json!([format!("0x{}", "11".repeat(20)), "finalized"]));
    ensure!(other.await?["error"].is_object(), "an account that the nodes do not prove");
    Ok(())
}
