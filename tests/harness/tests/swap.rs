//! A change of the check, from the vote to the swap: the gateway proves what is announced, fetches and compiles it, judges
//! an epoch by both, finishes an epoch that is in flight by the old one, and judges by the new one from its date on.
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

use std::{process::Command, time::Duration};

use alloy::providers::Provider as _;
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::governance::IAccessManager;
use heliotrope_device_proofs::{epoch::EpochManifest, radio::RadioParams};
use heliotrope_harness::{
    checks_build::build_for_speed,
    command::workspace_root,
    contracts_build::packages_are_there,
    fleet::Fleet,
    governance::Passes as _,
    process::free_port,
    world::{self, World, WorldConfig},
};
use heliotrope_light_client::network::DeployedNetwork;
use serde_json::Value;

/// The day of the fleet is sent in so many parts, one for each epoch.
const PARTS: usize = 4;
/// What the vote changes: how many witnesses count.
const NEW_SELECTED: u32 = 5;
/// Slots after which a block is final for certain.
const SLOTS_TO_FINALITY: u64 = 32;

async fn start() -> Result<Option<World>> {
    let root = workspace_root();
    if !packages_are_there(&root) {
        return Ok(None);
    }
    let checks = world::built(&root)?;
    let state = root.join("target/heliotrope/tests/swap");
    let (port, gateways) = (free_port()?, 40);
    let config = WorldConfig { root, state, port, gateways, seed: 9, lie: None, web_dir: None };
    World::start(config, checks).await.map(Some)
}

/// Sends a part of the day and settles it; the epoch's manifest.
async fn epoch(world: &mut World, part: usize) -> Result<EpochManifest> {
    let all = world.fleet.reports.len();
    let at = |part: usize| all.saturating_mul(part).div_euclid(PARTS);
    world.send_part(at(part)..at(part.saturating_add(1))).await?;
    let epoch = world.settle().await?;
    let bytes = get(world, &format!("v1/epochs/{epoch}/manifest")).await?;
    Ok(EpochManifest::decode(&bytes)?)
}

async fn get(world: &World, path: &str) -> Result<Vec<u8>> {
    let url = format!("{}/{path}", world.gateway_url);
    Ok(reqwest::get(url).await?.error_for_status()?.bytes().await?.to_vec())
}

fn judged_by(manifest: &EpochManifest, module: [u8; 32]) -> bool {
    !manifest.lanes.is_empty()
        && manifest.lanes.iter().all(|lane| lane.commitment.module_hash == module)
}

/// Waits until the gateway's status says so.
async fn until(world: &mut World, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
    for _ in 0..300 {
        let status = world.status().await?;
        if holds(&status) {
            return Ok(status);
        }
        world.check()?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("{what}: {}", world.status().await?)
}

/// Time of the block that an epoch's facts are of.
async fn anchored_s(world: &World, manifest: &EpochManifest) -> Result<u64> {
    let anchor = manifest.lanes.first().context("lane")?.anchor_hash.into();
    let block = world.deployment.provider().get_block_by_hash(anchor).await?;
    Ok(block.context("the anchor block")?.header.timestamp)
}

/// (lane, leaf) of what a diff lists.
fn listed(diff: &Value) -> Vec<(u64, u64)> {
    let number = |change: &Value, name: &str| change[name].as_u64().unwrap_or(u64::MAX);
    let changes = diff["changes"].as_array().into_iter().flatten();
    changes.map(|change| (number(change, "lane"), number(change, "leaf"))).collect()
}

/// The deployer cannot pin any more: only the timelock can.
async fn only_the_timelock_administers(world: &World) -> Result<()> {
    let deployment = &world.deployment;
    let manager = deployment.contracts.access_manager.context("manager")?;
    let timelock = deployment.contracts.timelock.context("timelock")?;
    let manager = IAccessManager::new(manager, deployment.provider());
    ensure!(manager.hasRole(0, timelock).call().await?.isMember);
    ensure!(!manager.hasRole(0, deployment.owner()).call().await?.isMember);
    let hash = [1; 32].into();
    let pinned = deployment.pin("coverage-radio", hash, hash, &world.chain).await;
    ensure!(pinned.is_err(), "the deployer pinned a version without a vote");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_was_voted_for_judges_from_its_date_on_and_not_before() -> Result<()> {
    let Some(mut world) = start().await? else { return Ok(()) };
    only_the_timelock_administers(&world).await?;
    let network = DeployedNetwork::from_json(&get(&world, "v1/network.json").await?)?;
    ensure!(network.contracts == world.deployment.contracts, "the network names what is deployed");

    let first = epoch(&mut world, 0).await?;
    let old = first.lanes.first().context("lane")?.commitment.module_hash;
    ensure!(world.status().await?["next_version"].is_null(), "nothing is announced yet");

    let fast = build_for_speed(
        &workspace_root(),
        "coverage-radio",
        &workspace_root().join("target/heliotrope/tests/swap"),
    )?;
    let registry = network.contracts.device_registry.into_array();
    let params = Fleet::params(registry, network.network.chain_id);
    let params = RadioParams { max_selected: NEW_SELECTED, ..params };
    let module = world.mirror.module(&fast.path)?;
    let params = world.mirror.params(&params.encode())?;
    ensure!(module != old);
    let active_from = world.vote(module, params).await?;
    world.chain.advance(SLOTS_TO_FINALITY).await?;
    let status =
        until(&mut world, "announced and ready", |status| status["next_version"]["ready"] == true)
            .await?;
    let next = &status["next_version"];
    ensure!(next["version"] == 2 && next["module"] == hex::encode(module), "{status}");
    ensure!(next["active_from_s"] == active_from, "{status}");

    // the old verdict counts, the difference is told
    let both = epoch(&mut world, 1).await?;
    ensure!(judged_by(&both, old), "a version judged before its date");
    let beside = world.status().await?["settlement"]["next_version"].clone();
    let changed = beside["changed"].as_u64().context("changed")?;
    ensure!(changed > 0 && beside["no_verdict"] == 0, "{beside}");
    let kept = format!("v1/epochs/{}/next-version.json", both.epoch);
    let kept: Value = serde_json::from_slice(&get(&world, &kept).await?)?;
    let asked = diff(&world, &both, old, module, params).await?;
    ensure!(listed(&kept) == listed(&asked) && !listed(&kept).is_empty(), "{kept}\n{asked}");
    let metrics = String::from_utf8(get(&world, "metrics").await?)?;
    let counted = format!("heliotrope_next_version_leaves_total{{outcome=\"changed\"}} {changed}");
    ensure!(metrics.contains(&counted), "{metrics}");

    // an epoch that begins before the date and becomes final after it
    while world.chain.now_s().await?.saturating_add(12) < active_from {
        world.chain.advance(1).await?;
    }
    let in_flight = epoch(&mut world, 2).await?;
    ensure!(world.chain.now_s().await? >= active_from, "it was final before the date");
    // on a slow machine it begins after the date, too
    let judge = if anchored_s(&world, &in_flight).await? < active_from { old } else { module };
    ensure!(judged_by(&in_flight, judge), "an epoch in flight changed its judge");

    world.chain.advance(SLOTS_TO_FINALITY).await?;
    until(&mut world, "nothing announced", |status| status["next_version"].is_null()).await?;
    let last = epoch(&mut world, 3).await?;
    ensure!(judged_by(&last, module), "the new version does not judge after its date");
    ensure!(world.status().await?["settlement"]["next_version"].is_null());
    Ok(())
}

/// What `heliotrope govern diff` says of an epoch.
async fn diff(
    world: &World,
    manifest: &EpochManifest,
    old: [u8; 32],
    new: [u8; 32],
    params: [u8; 32],
) -> Result<Value> {
    let epoch = manifest.epoch.to_string();
    let (old, new, params) = (hex::encode(old), hex::encode(new), hex::encode(params));
    let checkpoint = world.checkpoint.to_string();
    let output = Command::new(workspace_root().join("target/release/heliotrope"))
        .args(["govern", "diff", &old, &new, "--params-b", &params, "--epoch", &epoch])
        .args(["--gateway", &world.gateway_url, "--checkpoint", &checkpoint, "--json"])
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{error}");
    Ok(serde_json::from_slice(&output.stdout)?)
}
