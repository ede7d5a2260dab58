//! `heliotrope serve-rpc` with a real client, `cast`, over a real chain; and with an execution node that lies.
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cognitive_complexity,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    reason = "a test"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use axum::{Json, Router, extract::State, routing::post};
use futures_util::{SinkExt as _, StreamExt as _};
use heliotrope_harness::{
    command::workspace_root,
    contracts_build::packages_are_there,
    deploy::DEVELOPMENT_KEY,
    process::free_port,
    serve_rpc::{Endpoint, ask, cast, says_the_same},
    world::{self, World, WorldConfig},
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// The account of [`DEVELOPMENT_KEY`].
const RICH: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const NOBODY: &str = "0x00000000000000000000000000000000000a11ce";

async fn world(name: &str) -> Result<Option<World>> {
    let root = workspace_root();
    if !packages_are_there(&root) {
        return Ok(None);
    }
    let checks = world::built(&root)?;
    let state: PathBuf = root.join("target/heliotrope/tests").join(name);
    let (port, gateways) = (free_port()?, 20);
    let config = WorldConfig { root, state, port, gateways, seed: 7, lie: None, web_dir: None };
    World::start(config, checks).await.map(Some)
}

/// `serve-rpc` over the demo chain and these execution nodes.
async fn endpoint(world: &World, name: &str, execution: &[&str]) -> Result<Endpoint> {
    let mut words = vec!["--source".to_owned(), world.gateway_url.clone(), "--network".to_owned()];
    words.push(world.network_file().display().to_string());
    words.extend(["--evidence-dir".to_owned(), evidence(name).display().to_string()]);
    for url in execution {
        words.extend(["--execution".to_owned(), (*url).to_owned()]);
    }
    Endpoint::start(name, &words).await
}

fn evidence(name: &str) -> PathBuf {
    workspace_root().join("target/heliotrope/tests/evidence").join(name)
}

/// Makes blocks until the endpoint has proven one of at least this number.
async fn wait_for_block(world: &World, url: &str, number: u64) -> Result<()> {
    for _ in 0..100 {
        let answer = ask(url, "eth_blockNumber", json!([])).await?;
        let text = answer["result"].as_str().context("number")?;
        if u64::from_str_radix(text.trim_start_matches("0x"), 16)? >= number {
            return Ok(());
        }
        world.chain.advance(1).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("the endpoint does not follow to block {number}")
}

fn contract(world: &World, name: &str) -> Result<String> {
    let network: Value = serde_json::from_slice(&std::fs::read(world.network_file())?)?;
    Ok(network["contracts"][name].as_str().context("contract")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn cast_reads_the_same_as_from_the_node_itself() -> Result<()> {
    let Some(world) = world("rpc").await? else { return Ok(()) };
    let served = endpoint(&world, "serve-rpc", &[&world.rpc]).await?;
    let to_nobody = ["send", "--async", "--legacy", "--private-key", DEVELOPMENT_KEY];
    let sent = cast(&served.url, &[&to_nobody[..], &["--value", "5", NOBODY]].concat())?;
    world.chain.advance(1).await?;
    let block = world.chain.head().await.execution_number;
    wait_for_block(&world, &served.url, block).await?;

    let (at, registry) = (block.to_string(), contract(&world, "check_registry")?);
    let devices = contract(&world, "device_registry")?;
    let check = heliotrope_contracts::check_id("coverage-radio").to_string();
    let early = (block - 20).to_string();
    let same: [&[&str]; 13] = [
        &["chain-id"],
        &["balance", RICH, "--block", &at],
        &["balance", NOBODY, "--block", &early],
        &["nonce", RICH, "--block", &at],
        &["code", &registry, "--block", &at],
        &["storage", &registry, "0", "--block", &at],
        &["call", &registry, "count(bytes32)(uint256)", &check, "--block", &at],
        &["estimate", NOBODY, "--value", "1", "--from", RICH],
        &["tx", &sent, "--json"],
        &["receipt", &sent, "--json"],
        &["block", &at, "--json"],
        &["block", &early, "--field", "hash"],
        &["logs", "--from-block", "0", "--to-block", &at, "--address", &devices, "--json"],
    ];
    for words in same {
        says_the_same(words, &served.url, &world.rpc)?;
    }
    let logs = cast(&served.url, same[12])?;
    assert!(serde_json::from_str::<Vec<Value>>(&logs)?.len() >= 20, "the devices' registrations");
    everything_names_its_proof(&served.url, &at).await?;
    heads_are_told_over_websocket(&world, &served.url).await
}

async fn everything_names_its_proof(url: &str, at: &str) -> Result<()> {
    let answer = ask(url, "eth_getBalance", json!([RICH, "latest"])).await?;
    let proof = &answer["heliotrope_proof"];
    assert_eq!(proof["class"], "committee", "{answer}");
    assert_eq!(proof["head"], "optimistic");
    assert!(proof["block"]["hash"].is_string());
    let finalized = ask(url, "eth_getBalance", json!([RICH, "finalized"])).await?;
    assert_eq!(finalized["heliotrope_proof"]["head"], "finalized", "{finalized}");
    assert_eq!(ask(url, "eth_chainId", json!([])).await?["heliotrope_proof"]["class"], "own");
    let unknown = format!("0x{}", "11".repeat(32));
    let unknown = ask(url, "eth_getTransactionByHash", json!([unknown])).await?;
    assert_eq!(
        (&unknown["result"], &unknown["heliotrope_proof"]["class"]),
        (&Value::Null, &json!("asserted"))
    );

    let later: u64 = at.parse::<u64>()? + 1_000_000;
    let later = ask(url, "eth_getBlockByNumber", json!([format!("{later:#x}"), false])).await?;
    assert_eq!(later["result"], Value::Null, "{later}");
    let wrong = ask(url, "eth_getBalance", json!(["0x12", "latest"])).await?;
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
    assert_eq!(ask(url, "eth_mine", json!([])).await?["error"]["code"], -32601);
    let long = json!([{ "fromBlock": "0x0", "toBlock": "0x1", "address": RICH }]);
    assert_eq!(ask(url, "eth_getLogs", long).await?["result"], json!([]));

    for method in ["eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_blobBaseFee", "eth_coinbase"] {
        let answer = ask(url, method, json!([])).await?;
        assert!(answer["result"].is_string(), "{method}: {answer}");
    }
    let list = json!([{ "from": RICH, "to": NOBODY }, "latest"]);
    assert!(ask(url, "eth_createAccessList", list).await?["result"]["accessList"].is_array());
    Ok(())
}

async fn heads_are_told_over_websocket(world: &World, url: &str) -> Result<()> {
    let address = url.replace("http://", "ws://");
    let (mut socket, _) = tokio_tungstenite::connect_async(address).await?;
    let filter = ask(url, "eth_newBlockFilter", json!([])).await?["result"].clone();
    let subscribe =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"] });
    let said = exchange(&mut socket, Some(Message::text(subscribe.to_string()))).await?;
    let id = said["result"].clone();
    assert!(id.is_string(), "{said}");
    world.chain.advance(3).await?;
    let mut numbers = Vec::new();
    while numbers.len() < 2 {
        let news = exchange(&mut socket, None).await?;
        assert_eq!(news["params"]["subscription"], id, "{news}");
        let number = news["params"]["result"]["number"].as_str().context("number")?;
        numbers.push(u64::from_str_radix(number.trim_start_matches("0x"), 16)?);
    }
    assert_eq!(numbers[1], numbers[0] + 1, "no block is left out");
    let changes = ask(url, "eth_getFilterChanges", json!([filter])).await?;
    assert!(changes["result"].as_array().is_some_and(|hashes| hashes.len() >= 2), "{changes}");
    Ok(())
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn exchange(socket: &mut Socket, message: Option<Message>) -> Result<Value> {
    if let Some(message) = message {
        socket.send(message).await?;
    }
    match tokio::time::timeout(Duration::from_secs(30), socket.next())
        .await?
        .context("closed")??
    {
        Message::Text(text) => Ok(serde_json::from_str(text.as_str())?),
        other => anyhow::bail!("{other:?}"),
    }
}

/// An execution node that changes its answers.
#[derive(Debug)]
struct Liar {
    upstream: String,
    lies: AtomicUsize,
}

async fn lie(State(liar): State<Arc<Liar>>, Json(call): Json<Value>) -> Json<Value> {
    let answer = reqwest::Client::new().post(&liar.upstream).json(&call).send().await;
    let Ok(answer) = answer else { return Json(Value::Null) };
    let mut answer: Value = answer.json().await.unwrap_or_default();
    let result = &mut answer["result"];
    let told = match call["method"].as_str().unwrap_or_default() {
        "eth_getProof" => flip(result.pointer_mut("/accountProof/0")),
        "eth_getCode" => flip(Some(result)),
        "eth_getBlockByHash" => flip(result.get_mut("stateRoot")),
        // leaves a log out
        "eth_getBlockReceipts" => result
            .as_array_mut()
            .and_then(|receipts| receipts.iter_mut().find_map(|r| r["logs"].as_array_mut()?.pop()))
            .is_some(),
        _ => false,
    };
    if told {
        liar.lies.fetch_add(1, Ordering::Relaxed);
    }
    Json(answer)
}

/// Changes the last digit.
fn flip(text: Option<&mut Value>) -> bool {
    let Some(Value::String(text)) = text else { return false };
    let last = if text.pop() == Some('0') { '1' } else { '0' };
    text.push(last);
    true
}

async fn liar(upstream: &str) -> Result<(String, Arc<Liar>)> {
    let liar = Arc::new(Liar { upstream: upstream.to_owned(), lies: AtomicUsize::new(0) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/", post(lie)).with_state(Arc::clone(&liar));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((url, liar))
}

/// An execution node that knows blocks by number and by tag only, and makes no access lists.
async fn forgetful(State(upstream): State<String>, Json(call): Json<Value>) -> Json<Value> {
    let refuse =
        |code: i64| Json(json!({ "id": call["id"], "error": { "code": code, "message": "" } }));
    if call["method"] == "eth_createAccessList" {
        return refuse(-32601);
    }
    if call["params"].to_string().contains("blockHash") {
        return refuse(-32602);
    }
    let answer = reqwest::Client::new().post(&upstream).json(&call).send().await;
    let Ok(answer) = answer else { return Json(Value::Null) };
    Json(answer.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_knows_blocks_by_number_only_is_enough() -> Result<()> {
    let Some(world) = world("rpc-numbers").await? else { return Ok(()) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/", post(forgetful)).with_state(world.rpc.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let served = endpoint(&world, "serve-rpc-numbers", &[&url]).await?;
    for (method, params) in questions(&world)? {
        let answered = ask(&served.url, method, params).await?;
        assert!(
            answered.get("heliotrope_proof").is_some() || answered["error"]["code"] == 3,
            "{method}: {answered}"
        );
    }
    let sources = ask(&served.url, "heliotrope_sources", json!([])).await?;
    let record = &sources["result"]["execution"][0];
    assert!(record["invalid"] == 0 && record["failed"] == 0, "{sources}");
    Ok(())
}

/// Reads of every kind. The call reverts where the contract has no such function.
fn questions(world: &World) -> Result<[(&'static str, Value); 5]> {
    let (registry, devices) =
        (contract(world, "check_registry")?, contract(world, "device_registry")?);
    Ok([
        ("eth_getBalance", json!([RICH, "latest"])),
        ("eth_getCode", json!([registry, "latest"])),
        ("eth_getBlockByNumber", json!(["latest", true])),
        ("eth_getLogs", json!([{ "fromBlock": "0x1", "toBlock": "latest", "address": devices }])),
        ("eth_call", json!([{ "to": registry, "data": "0x8da5cb5b" }, "latest"])),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lying_execution_node_is_refuted_and_an_honest_one_is_asked() -> Result<()> {
    let Some(world) = world("rpc-lies").await? else { return Ok(()) };
    if evidence("serve-rpc-both").exists() {
        std::fs::remove_dir_all(evidence("serve-rpc-both"))?;
    }
    let (url, told) = liar(&world.rpc).await?;
    let alone = endpoint(&world, "serve-rpc-liar", &[&url]).await?;
    let both = endpoint(&world, "serve-rpc-both", &[&url, &world.rpc]).await?;
    for (method, params) in questions(&world)? {
        let before = told.lies.load(Ordering::Relaxed);
        let refused = ask(&alone.url, method, params.clone()).await?;
        let reason = refused["error"]["message"].as_str().unwrap_or_default();
        assert!(reason.contains("does not hold") && reason.contains(&url), "{method}: {refused}");
        assert!(told.lies.load(Ordering::Relaxed) > before, "{method}: nothing was lied about");
        let answered = ask(&both.url, method, params).await?;
        assert!(
            answered.get("heliotrope_proof").is_some() || answered["error"]["code"] == 3,
            "{method}: {answered}"
        );
    }
    let sources = ask(&both.url, "heliotrope_sources", json!([])).await?;
    let execution = &sources["result"]["execution"];
    assert!(execution[0]["invalid"].as_u64() > Some(0), "{sources}");
    assert_eq!(execution[1]["invalid"], 0, "{sources}");
    lies_are_kept_as_evidence(&world, &evidence("serve-rpc-both")).await
}

/// Each file convinces whoever has the checkpoint, and an altered one does not.
async fn lies_are_kept_as_evidence(world: &World, folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    for _ in 0..100 {
        world.chain.advance(8).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files = entries.map(|entry| entry.path()).collect();
        if !files.is_empty() {
            break;
        }
    }
    ensure!(!files.is_empty(), "no evidence in {}", folder.display());
    for file in &files {
        let said = verify(file, &world.checkpoint.to_string())?;
        assert!(said.starts_with("contradiction: "), "{said}");
        assert!(verify(file, &format!("0x{}", "12".repeat(32))).is_err());
        let honest: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        let mut other = honest.clone();
        let headers = other["headers"].as_array_mut().context("headers")?;
        assert!(flip(headers.last_mut()));
        let mut asked = honest.clone();
        let method = honest["statement"]["method"].as_str().context("method")?;
        asked["statement"]["answer"] =
            ask(&world.rpc, method, honest["statement"]["params"].clone()).await?["result"].take();
        for altered in [other, asked] {
            let path = file.with_extension("altered");
            std::fs::write(&path, altered.to_string())?;
            let refused = verify(&path, &world.checkpoint.to_string());
            assert!(refused.is_err(), "{method}: {refused:?}");
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn verify(file: &Path, checkpoint: &str) -> Result<String> {
    let output = Command::new(workspace_root().join("target/release/heliotrope"))
        .arg("verify")
        .arg(file)
        .args(["--checkpoint", checkpoint])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
