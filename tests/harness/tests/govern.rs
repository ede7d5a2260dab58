//! `heliotrope govern diff` on a settled epoch: it lists the leaves that another version judges otherwise, and no others.
//! What it should list is worked out here by the check's own native code over the same files.
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_checks::coverage_radio;
use heliotrope_contracts::check_id;
use heliotrope_device_proofs::{
    abi::CheckInput,
    epoch::{EpochManifest, ShardEvidence},
    radio::RadioParams,
};
use heliotrope_harness::{
    checks_build::build_for_speed,
    command::workspace_root,
    contracts_build::packages_are_there,
    process::free_port,
    world::{self, World, WorldConfig},
};
use heliotrope_light_client::{network::DeployedNetwork, proof_chain::Anchor};
use serde_json::Value;

/// A proposal that would cut the reach of a witness, and how many of them count.
const NEW_DISTANCE_KM: u32 = 5;
const NEW_SELECTED: u32 = 5;

struct Bench {
    world: World,
    checkpoint: String,
    folder: PathBuf,
    epoch: u64,
}

impl Bench {
    async fn start() -> Result<Option<Self>> {
        let root = workspace_root();
        if !packages_are_there(&root) {
            return Ok(None);
        }
        let checks = world::built(&root)?;
        let folder = root.join("target/heliotrope/tests/govern");
        let (port, gateways, state) = (free_port()?, 40, folder.clone());
        let config = WorldConfig { root, state, port, gateways, seed: 7, lie: None, web_dir: None };
        let mut world = World::start(config, checks).await?;
        world.live().await?;
        let network: Value = serde_json::from_slice(&fs::read(world.network_file())?)?;
        let checkpoint = network["checkpoint"].as_str().context("checkpoint")?.to_owned();
        let epoch = world.status().await?["published"].as_u64().context("epoch")?;
        Ok(Some(Self { world, checkpoint, folder, epoch }))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<String> {
        let path = self.folder.join(name);
        fs::write(&path, bytes)?;
        Ok(path.display().to_string())
    }

    /// The command's answer, as soon as the block that settles the epoch is final.
    async fn diff(&self, words: &[&str]) -> Result<String> {
        let epoch = self.epoch.to_string();
        let of = ["--epoch", &epoch, "--gateway", &self.world.gateway_url];
        let from = ["--checkpoint", &self.checkpoint];
        let words = [&["govern", "diff"][..], words, &of, &from].concat();
        for _ in 0..60 {
            let program = workspace_root().join("target/release/heliotrope");
            let output = Command::new(program).args(&words).output()?;
            let error = String::from_utf8_lossy(&output.stderr);
            if output.status.success() {
                return Ok(String::from_utf8(output.stdout)?);
            }
            ensure!(error.contains("try again in a minute"), "{words:?}: {error}");
            self.world.chain.advance(8).await?;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        bail!("the epoch does not become final")
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let url = format!("{}/v1/{path}", self.world.gateway_url);
        Ok(reqwest::get(url).await?.error_for_status()?.bytes().await?.to_vec())
    }

    /// (lane, leaf) of every bundle that the native check judges otherwise under other parameters, and how many
    /// bundles there are.
    async fn expected(&self, old: &[u8], new: &[u8]) -> Result<(BTreeSet<(u64, u64)>, usize)> {
        let deployed = DeployedNetwork::from_json(&self.get("network.json").await?)?;
        let epoch = self.epoch;
        let manifest =
            EpochManifest::decode(&self.get(&format!("epochs/{epoch}/manifest")).await?)?;
        let (mut differ, mut all) = (BTreeSet::new(), 0);
        for lane in &manifest.lanes {
            for (parent, _) in &lane.shards {
                let path = format!("epochs/{epoch}/lanes/{}/evidence/{parent:x}", lane.lane);
                let evidence = ShardEvidence::decode(&self.get(&path).await?)?;
                let mut anchor = Anchor::open(&evidence, lane, deployed.network.chain_id)?;
                for leaf in &evidence.leaves {
                    let mut judge = |params: &[u8]| -> Result<_> {
                        let plan = coverage_radio::plan(&leaf.bundle, params)?;
                        let input = CheckInput {
                            module_hash: [0; 32],
                            evidence: leaf.bundle.clone(),
                            facts: anchor.facts(&plan)?,
                            params: params.to_vec(),
                            now_s: anchor.timestamp(),
                        };
                        let output = coverage_radio::check(&input.encode())?;
                        Ok((output.verdict, output.score_ppm, output.subject_cell, output.selected))
                    };
                    all += 1;
                    if judge(old)? != judge(new)? {
                        differ.insert((u64::from(lane.lane), u64::from(leaf.index)));
                    }
                }
            }
        }
        Ok((differ, all))
    }
}

fn listed(json: &Value) -> BTreeSet<(u64, u64)> {
    let number = |change: &Value, name: &str| change[name].as_u64().unwrap_or(u64::MAX);
    let changes = json["changes"].as_array().into_iter().flatten();
    changes.map(|change| (number(change, "lane"), number(change, "leaf"))).collect()
}

/// A module that the gate lets in and that traps in every call.
fn trapping() -> Result<Vec<u8>> {
    let text = r#"(module
        (memory (export "memory") 2 16)
        (func (export "hc_abi_v1") (result i32) i32.const 1)
        (func (export "hc_alloc") (param i32) (result i32) i32.const 1024)
        (func (export "hc_describe") (result i64) unreachable)
        (func (export "hc_plan") (param i32 i32 i32 i32) (result i64) unreachable)
        (func (export "hc_check") (param i32 i32) (result i64) unreachable))"#;
    Ok(wat::parse_str(text)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_lists_the_leaves_that_another_version_judges_otherwise() -> Result<()> {
    let Some(bench) = Bench::start().await? else { return Ok(()) };
    let pinned = world::built(&workspace_root())?;
    let pinned = pinned.iter().find(|check| check.name == "coverage-radio").context("built")?;
    let pinned = hex::encode(pinned.sha256);
    let registry = bench.get("network.json").await?;
    let registry = DeployedNetwork::from_json(&registry)?;
    ensure!(registry.check_id == check_id("coverage-radio"));
    let old = heliotrope_harness::fleet::Fleet::params(
        registry.contracts.device_registry.into_array(),
        registry.network.chain_id,
    );
    let new =
        RadioParams { max_distance_km: NEW_DISTANCE_KM, max_selected: NEW_SELECTED, ..old.clone() };
    let (differ, all) = bench.expected(&old.encode(), &new.encode()).await?;
    println!("{} of {all} leaves differ natively", differ.len());
    ensure!(!differ.is_empty() && differ.len() < all);

    // the same rules in other bytes change nothing; another parameter set what the native code says
    let fast = build_for_speed(&workspace_root(), "coverage-radio", &bench.folder)?;
    ensure!(hex::encode(fast.sha256) != pinned);
    let fast = fast.path.display().to_string();
    let params = bench.write("new.params", &new.encode())?;
    let same = bench.diff(&[&pinned, &fast, "--json"]).await?;
    let json: Value = serde_json::from_str(&same)?;
    ensure!(listed(&json).is_empty() && json["leaves"] == all && json["unserved"] == 0, "{same}");
    ensure!(json["old"] == json["new"], "{same}");
    let words = [&pinned[..], &fast, "--params-b", &params];
    let found = bench.diff(&[&words[..], &["--json"]].concat()).await?;
    let json: Value = serde_json::from_str(&found)?;
    ensure!(listed(&json) == differ, "listed {:?}, expected {differ:?}", listed(&json));
    ensure!(json["no_verdict"] == serde_json::json!([]), "{found}");
    ensure!(bench.diff(&[&words[..], &["--json"]].concat()).await? == found, "not canonical");
    let text = bench.diff(&words).await?;
    println!("{text}");
    ensure!(text.contains(&format!("{} leaves in ", differ.len())), "{text}");

    let trap = bench.write("trap.wasm", &trapping()?)?;
    let silent: Value = serde_json::from_str(&bench.diff(&[&pinned, &trap, "--json"]).await?)?;
    ensure!(listed(&silent).is_empty(), "a trap counts as a change: {silent}");
    ensure!(silent["no_verdict"].as_array().is_some_and(|silent| silent.len() == all), "{silent}");
    // a version that judged and is said to have judged otherwise is a broken link, not a change
    let forged = bench.diff(&[&pinned, "11".repeat(32).as_str()]).await;
    ensure!(forged.is_err_and(|error| error.to_string().contains("404")));
    Ok(())
}
