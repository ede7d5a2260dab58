//! The check changes while the demo runs: governance passes a proposal, everybody sees it coming, and from its date on
//! the new version judges.
//!
//! ```text
//! epoch 1: version 1 ─ vote ─ pinned ─ final, fetched, compiled ─ epoch 2: version 1, beside it 2 ─ date ─ epoch 3: version 2
//! ```

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use heliotrope_device_proofs::{epoch::EpochManifest, radio::RadioParams};
use serde_json::Value;

use crate::{
    checks_build::BuiltCheck,
    fleet::Fleet,
    governance::Step,
    world::{CHAIN_ID, CHECK, World},
};

/// What the vote changes: how many witnesses of a beacon count.
pub const NEW_SELECTED: u32 = 10;
/// Seconds of notice beyond the registry's shortest: time to look at the page, and for an epoch that is judged by both.
const NOTICE_S: u64 = 120;
/// How long anything may take that is waited for.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The parts of the fleet's day: half of it before the vote, and a quarter for each epoch after it.
pub fn parts(reports: usize) -> [Range<usize>; 3] {
    let (half, most) = (reports / 2, reports / 4 * 3);
    [0..half, half..most, most..reports]
}

/// A version, as the mirror serves it.
#[derive(Clone, Copy, Debug)]
pub struct Offered {
    /// sha256 of the module.
    pub module: [u8; 32],
    /// sha256 of the parameters.
    pub params: [u8; 32],
}

/// Puts another build of the check on the mirror, with parameters by which fewer witnesses count.
pub fn offer(world: &World, check: &BuiltCheck) -> Result<Offered> {
    let registry = world.deployment.contracts.device_registry.into_array();
    let params =
        RadioParams { max_selected: NEW_SELECTED, ..Fleet::params(registry, CHAIN_ID) }.encode();
    Ok(Offered { module: world.mirror.module(&check.path)?, params: world.mirror.params(&params)? })
}

/// Passes the change and tells what happens, until the new version has judged an epoch.
pub async fn run(world: &mut World, version: &BuiltCheck) -> Result<()> {
    let teller = Teller(Instant::now());
    let new = offer(world, version)?;
    println!(
        "\n  Meanwhile the check is changed by a vote. It takes about five minutes; the page shows it coming."
    );
    let active_from =
        world.vote_with_notice(new.module, new.params, NOTICE_S, |step| teller.step(step)).await?;
    let short = hex::encode(&new.module[..4]);
    teller.tell(&format!(
        "the registry pins module {short}… as version 2; it judges from {} on, in {} s",
        utc(active_from),
        world.chain_now_s().await?.abs_diff(active_from)
    ));
    until(world, |status| status["next_version"]["ready"] == true).await?;
    teller.tell("the gateway has proven the pin, fetched module and parameters from a mirror, and compiled it");
    let [_, second, third] = parts(world.fleet.reports.len());
    let epoch = settle(world, second).await?;
    let status = world.status().await?;
    let beside = &status["settlement"]["next_version"];
    let judged = judge(world, epoch).await?;
    teller.tell(&format!("epoch {epoch} is judged by {judged}, the old version"));
    if beside["module"] == hex::encode(new.module) {
        teller.tell(&format!(
            "beside it the new one has judged, for comparison: {} of {} leaves would come to something else",
            beside["changed"], beside["leaves"]
        ));
    }
    until(world, |status| status["next_version"].is_null()).await?;
    teller.tell("version 2 is active in the finalized registry");
    let epoch = settle(world, third).await?;
    teller.tell(&format!(
        "epoch {epoch} is judged by {}, the new version",
        judge(world, epoch).await?
    ));
    Ok(())
}

/// Says what happens, and when.
struct Teller(Instant);

impl Teller {
    fn tell(&self, what: &str) {
        println!("  [{:5.1} s] {what}", self.0.elapsed().as_secs_f64());
    }

    fn step(&self, step: Step) {
        match step {
            Step::Proposed(_) => self.tell(&format!(
                "proposed: a new version of {CHECK}, by which {NEW_SELECTED} witnesses of a beacon count instead of 14"
            )),
            Step::Voted => self.tell("voted for"),
            Step::Queued => self.tell("decided, and queued in the timelock"),
            Step::Executed => self.tell("executed by the timelock"),
        }
    }
}

/// The time of day: `18:43:39 UTC`.
fn utc(unix_s: u64) -> String {
    let (minutes, seconds) = (unix_s / 60, unix_s % 60);
    format!("{:02}:{:02}:{seconds:02} UTC", minutes / 60 % 24, minutes % 60)
}

async fn settle(world: &mut World, part: Range<usize>) -> Result<u64> {
    world.send_part(part).await?;
    world.settle().await
}

/// Waits until the gateway's status says so.
async fn until(world: &mut World, holds: impl Fn(&Value) -> bool) -> Result<()> {
    let started = Instant::now();
    loop {
        let status = world.status().await?;
        if holds(&status) {
            return Ok(());
        }
        world.check()?;
        if started.elapsed() > TIMEOUT {
            bail!("waited for {} s: {status}", TIMEOUT.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The module that judged an epoch, shortened.
async fn judge(world: &World, epoch: u64) -> Result<String> {
    let url = format!("{}/v1/epochs/{epoch}/manifest", world.gateway_url);
    let bytes = reqwest::get(url).await?.error_for_status()?.bytes().await?;
    let manifest = EpochManifest::decode(&bytes)?;
    let lane = manifest.lanes.first().context("an epoch without lanes")?;
    Ok(format!("module {}…", hex::encode(&lane.commitment.module_hash[..4])))
}
