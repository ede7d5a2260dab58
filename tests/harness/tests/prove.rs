//! `heliotrope prove`, `verify` and `check`: a hex proven into one file, the file judged offline, and each link of it
//! broken in turn.
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_device_proofs::{
    coverage::Shard,
    epoch::{EpochManifest, LaneManifest},
    proof::ProofBundle,
};
use heliotrope_harness::{
    command::{heliotrope, workspace_root},
    contracts_build::packages_are_there,
    process::free_port,
    world::{self, World, WorldConfig},
};
use heliotrope_light_client::proof_chain::{self, CheckModule, Link, NoAnswer};
use serde_json::Value;

async fn settled_world() -> Result<Option<World>> {
    let root = workspace_root();
    if !packages_are_there(&root) {
        return Ok(None);
    }
    let checks = world::built(&root)?;
    let state: PathBuf = root.join("target/heliotrope/tests/prove");
    let (port, gateways) = (free_port()?, 40);
    let config = WorldConfig { root, state, port, gateways, seed: 7, lie: None, web_dir: None };
    let mut world = World::start(config, checks).await?;
    world.live().await?;
    Ok(Some(world))
}

/// A hex of the latest epoch.
async fn a_hex(gateway: &str) -> Result<u64> {
    let get = async |path: String| anyhow::Ok(reqwest::get(path).await?.bytes().await?.to_vec());
    let latest: Value = serde_json::from_slice(&get(format!("{gateway}/v1/epochs/latest")).await?)?;
    let epoch = latest["epoch"].as_u64().context("epoch")?;
    let manifest = get(format!("{gateway}/v1/epochs/{epoch}/manifest")).await?;
    let manifest = EpochManifest::decode(&manifest)?;
    let lane: &LaneManifest = manifest.lanes.first().context("lane")?;
    let (_, digest) = lane.shards.first().context("shard")?;
    let shard = get(format!("{gateway}/v1/epochs/{epoch}/shards/{}", hex::encode(digest))).await?;
    Ok(Shard::decode(&shard)?.cells.first().context("cell")?.cell)
}

/// Proves the hex as soon as the block that settles its epoch is final.
async fn proven(world: &World, checkpoint: &str, out: &str) -> Result<String> {
    let cell = format!("{:x}", a_hex(&world.gateway_url).await?);
    let gateway = ["--gateway", &world.gateway_url, "--checkpoint", checkpoint];
    let words = [&["prove", &cell, "--out", out][..], &gateway].concat();
    for _ in 0..60 {
        match heliotrope(&words) {
            Err(error) if error.to_string().contains("try again in a minute") => {
                world.chain.advance(8).await?;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            proven => return proven,
        }
    }
    bail!("the epoch does not become final")
}

/// Which link `verify` names when the bundle is changed so.
fn broken(file: &Path, checkpoint: &str, change: impl FnOnce(&mut ProofBundle)) -> Result<String> {
    let mut bundle = ProofBundle::from_file(&fs::read(file)?)?;
    change(&mut bundle);
    let altered = file.with_extension("altered");
    fs::write(&altered, bundle.to_file())?;
    let path = altered.display().to_string();
    let said = match heliotrope(&["verify", &path, "--checkpoint", checkpoint]) {
        Ok(said) => bail!("accepted:\n{said}"),
        Err(error) => error.to_string(),
    };
    let (_, link) = said.split_once("broken link: ").with_context(|| said.clone())?;
    Ok(link.split_whitespace().next().unwrap_or_default().to_owned())
}

/// Flips the last bit of the byte in the middle.
fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hex_is_proven_into_one_file_and_judged_offline() -> Result<()> {
    let Some(world) = settled_world().await? else { return Ok(()) };
    let network: Value = serde_json::from_slice(&fs::read(world.network_file())?)?;
    let checkpoint = network["checkpoint"].as_str().context("checkpoint")?.to_owned();
    let file = workspace_root().join("target/heliotrope/tests/prove/hex.proof");
    let path = file.display().to_string();
    proven(&world, &checkpoint, &path).await?;
    // nothing is asked any more
    drop(world);

    let said = heliotrope(&["verify", &path, "--checkpoint", &checkpoint])?;
    println!("{} bytes\n{said}", fs::metadata(&file)?.len());
    ensure!(said.lines().take(5).all(|line| line.contains(" verified ")), "{said}");
    let unnamed = heliotrope(&["verify", &path])?;
    ensure!(unnamed.contains("5 checkpoint  asserted"), "{unnamed}");

    let other = format!("0x{}", "11".repeat(32));
    ensure!(broken(&file, &other, |_| {})? == "CHECKPOINT");
    let at = |change: fn(&mut ProofBundle)| broken(&file, &checkpoint, change);
    let first = |bundle: &mut ProofBundle| flip(&mut bundle.evidence.leaves[0].bundle);
    ensure!(at(first)? == "DEVICE");
    ensure!(at(|bundle| flip(&mut bundle.module))? == "CHECK");
    ensure!(at(|bundle| flip(&mut bundle.params))? == "CHECK");
    ensure!(at(|bundle| drop(bundle.evidence.nodes.pop()))? == "CHECK");
    ensure!(at(|bundle| flip(&mut bundle.evidence.leaves[0].output))? == "COMMITMENT");
    let count = |bundle: &mut ProofBundle| bundle.lane.leaf_count += 1;
    ensure!(at(count)? == "COMMITMENT");
    ensure!(at(|bundle| bundle.epoch += 1)? == "COMMITMENT");
    ensure!(at(|bundle| drop(bundle.ledger.pop()))? == "COMMITMENT");
    ensure!(at(|bundle| bundle.ledger.push(vec![0xc0]))? == "COMMITMENT");
    // the last answer of the journal is the finality update
    ensure!(at(|bundle| bundle.journal.truncate(bundle.journal.len() - 1))? == "CHECKPOINT");
    let signature = |bundle: &mut ProofBundle| {
        let at = bundle.journal.len() - 60;
        bundle.journal[at] ^= 1;
    };
    ensure!(at(signature)? == "HEADER");
    a_module_without_an_answer(&file)?;
    one_bundle_by_itself(&file)
}

/// A module in a host where it traps, or one that refuses its input.
struct Silent(NoAnswer);

impl CheckModule for Silent {
    fn plan(&self, _: &[u8], _: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        Err(self.0.clone())
    }

    fn check(&self, _: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        Err(self.0.clone())
    }
}

/// A trap says nothing of the bytes; a refusal contradicts an output that was committed.
fn a_module_without_an_answer(file: &Path) -> Result<()> {
    let bundle = ProofBundle::from_file(&fs::read(file)?)?;
    let judged = |load: Result<NoAnswer, String>| {
        proof_chain::verify(&bundle, None, [7; 32], |_, _| load.map(Silent))
    };
    for trap in [Ok(NoAnswer::Host("it traps".into())), Err("too large".into())] {
        let report = judged(trap);
        ensure!(report.broken().is_none(), "{:?}", report.links);
        let link = report.without_verdict().context("a link without verdict")?;
        ensure!(link.link == Link::Check && report.leaves.is_empty(), "{link:?}");
    }
    let refused = judged(Ok(NoAnswer::Refused));
    ensure!(refused.broken().context("a broken link")?.link == Link::Check);
    Ok(())
}

/// The same module over the same evidence, without any chain: facts are missing, so nothing is claimed.
fn one_bundle_by_itself(file: &Path) -> Result<()> {
    let bundle = ProofBundle::from_file(&fs::read(file)?)?;
    let write = |name: &str, bytes: &[u8]| -> Result<String> {
        let path = file.with_file_name(name);
        fs::write(&path, bytes)?;
        Ok(path.display().to_string())
    };
    let module = write("module.wasm", &bundle.module)?;
    let params = write("params.cbor", &bundle.params)?;
    let evidence = write("evidence.cbor", &bundle.evidence.leaves[0].bundle)?;
    let words = ["check", &module, &evidence, "--params", &params];
    let said = heliotrope(&words)?;
    ensure!(said.contains("verdict indeterminate"), "{said}");
    let json: Value = serde_json::from_str(&heliotrope(&[&words[..], &["--json"]].concat())?)?;
    ensure!(json["verdict"] == "indeterminate", "{json}");
    ensure!(json["outcomes"][0]["name"].is_string(), "{json}");
    let mut forged = bundle.evidence.leaves[0].bundle.clone();
    flip(&mut forged);
    let forged = write("forged.cbor", &forged)?;
    ensure!(heliotrope(&["check", &module, &forged, "--params", &params]).is_err());
    Ok(())
}
