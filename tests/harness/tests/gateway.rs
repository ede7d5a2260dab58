//! The real gateway process over a real chain: what it takes in, what it refuses, what it survives.
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::{
    report::SignedReport as _,
    sha256,
    wire::{LoraBeaconIngestReportV1, LoraBeaconReportReqV1},
};
use heliotrope_harness::{
    command::workspace_root,
    contracts_build::packages_are_there,
    fleet::{Fleet, ReportKind},
    world::{self, World, WorldConfig, send_batch},
};
use heliotrope_light_client::{
    Form, LightClient, Settings, native::NativePlatform, network::Network,
};
use serde_json::Value;

const GATEWAYS: u32 = 120;

async fn world(name: &str) -> Result<Option<World>> {
    let root = workspace_root();
    if !packages_are_there(&root) {
        return Ok(None);
    }
    let checks = world::built(&root)?;
    let state: PathBuf = root.join("target/heliotrope/tests").join(name);
    let port = heliotrope_harness::process::free_port()?;
    let config =
        WorldConfig { root, state, port, gateways: GATEWAYS, seed: 7, lie: None, web_dir: None };
    World::start(config, checks).await.map(Some)
}

/// A beacon report that a gateway of the fleet signed, without the ingest wrapper.
fn a_beacon(fleet: &Fleet) -> Result<LoraBeaconReportReqV1> {
    let wrapped = fleet.reports.iter().find(|r| r.kind == ReportKind::Beacon).context("beacon")?;
    let ingest = LoraBeaconIngestReportV1::decode(wrapped.bytes.as_slice())?;
    ingest.report.context("report")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_send_is_refused_with_a_reason() -> Result<()> {
    let Some(world) = world("refusals").await? else { return Ok(()) };
    let client = reqwest::Client::new();
    let url = format!("{}/v1/reports/beacon", world.gateway_url);
    let post = async |body: Vec<u8>| -> Result<(u16, Value)> {
        let answer = client.post(&url).body(body).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await.unwrap_or(Value::Null)))
    };
    let honest = a_beacon(&world.fleet)?;
    assert_eq!(post(honest.encode_to_vec()).await?.0, 200);
    assert_eq!(post(honest.encode_to_vec()).await?.1["duplicate"], true);

    let (status, said) = post(b"not a report".to_vec()).await?;
    assert_eq!((status, said["reason"].as_u64()), (400, Some(10)), "{said}");
    assert_eq!(post(vec![0; 4096]).await?.0, 413);

    let mut forged = honest.clone();
    *forged.signature.last_mut().context("signature")? ^= 1;
    let (status, said) = post(forged.encode_to_vec()).await?;
    assert_eq!((status, said["reason"].as_u64()), (401, Some(1)), "{said}");

    let stranger = heliotrope_harness::fleet::GatewayKey::derive(
        heliotrope_harness::fleet::KeyType::Ed25519,
        b"nobody registered this one",
    );
    let mut unknown = honest.clone();
    unknown.pub_key = stranger.public().to_vec();
    unknown.signature = stranger.sign(&unknown.signed_bytes());
    let (status, said) = post(unknown.encode_to_vec()).await?;
    assert_eq!((status, said["reason"].as_u64()), (403, Some(8)), "{said}");

    let metrics = reqwest::get(format!("{}/metrics", world.gateway_url)).await?.text().await?;
    let outcomes =
        ["accepted", "duplicate", "malformed", "too_large", "bad_signature", "not_registered"];
    for outcome in outcomes {
        let line = format!("heliotrope_reports_total{{outcome=\"{outcome}\"}} ");
        assert!(metrics.contains(&line), "no count of {outcome}:\n{metrics}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_that_is_reported_anew_is_refused_also_in_the_next_epoch_and_after_a_restart()
-> Result<()> {
    let Some(mut world) = world("counts-once").await? else { return Ok(()) };
    world.send_reports().await?;
    let first = a_beacon(&world.fleet)?;
    let gateway = world.fleet.gateways.iter().find(|g| g.key.public() == first.pub_key.as_slice());
    let key = gateway.context("the beaconer")?.key.clone();
    // the device itself says the same thing once more: another report, of the same beacon
    let mut again = first.clone();
    again.tmst = again.tmst.wrapping_add(1);
    again.signature = key.sign(&again.signed_bytes());
    again.authenticate()?;
    let standing = hex::encode(sha256(&first.encode_to_vec()));

    let client = reqwest::Client::new();
    let url = format!("{}/v1/reports", world.gateway_url);
    let refused = async || -> Result<()> {
        let answer =
            client.post(format!("{url}/beacon")).body(again.encode_to_vec()).send().await?;
        let (status, said) = (answer.status().as_u16(), answer.json::<Value>().await?);
        assert_eq!((status, said["reason"].as_u64()), (409, Some(20)), "{said}");
        assert!(said["error"].as_str().is_some_and(|e| e.contains(&standing)), "{said}");
        let received_timestamp = 1;
        let wrapped = LoraBeaconIngestReportV1 { received_timestamp, report: Some(again.clone()) };
        let bytes = wrapped.encode_to_vec();
        let report = heliotrope_harness::fleet::Report {
            kind: ReportKind::Beacon,
            received_ms: received_timestamp,
            bytes,
        };
        let said = send_batch(&client, &url, Fleet::batch(&[report])).await?;
        assert_eq!((said["accepted"].as_u64(), said["duplicates"].as_u64()), (Some(0), Some(0)));
        assert_eq!(said["rejected"][0]["reason"], 20, "{said}");
        Ok(())
    };
    refused().await?;
    world.settle().await?;
    refused().await?;
    world.gateway.take().context("gateway")?.kill()?;
    world.start_gateway().await?;
    refused().await?;
    // nothing of it is in an epoch
    let closed = client.post(format!("{}/v1/epochs/close", world.gateway_url)).send().await?;
    assert_eq!(closed.status().as_u16(), 409);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_report_is_lost_when_the_gateway_is_killed() -> Result<()> {
    let Some(mut world) = world("killed").await? else { return Ok(()) };
    let client = reqwest::Client::new();
    let url = format!("{}/v1/reports", world.gateway_url);
    let mut acknowledged = 0;
    for (round, chunk) in world.fleet.reports.clone().chunks(500).take(4).enumerate() {
        let outcome = send_batch(&client, &url, Fleet::batch(chunk)).await?;
        acknowledged += outcome["accepted"].as_u64().context("accepted")?;
        if round % 2 == 1 {
            // a batch is under way when the power goes
            let body = Fleet::batch(&world.fleet.reports[2_000..]);
            let (client, url) = (client.clone(), url.clone());
            let underway = tokio::spawn(async move { send_batch(&client, &url, body).await });
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
            world.gateway.take().context("gateway")?.kill()?;
            let _lost_or_not = underway.await;
            world.start_gateway().await?;
        }
    }
    // everything that was acknowledged is known, so sending it again adds nothing
    let mut known = 0;
    for chunk in world.fleet.reports.clone().chunks(500).take(4) {
        let outcome = send_batch(&client, &url, Fleet::batch(chunk)).await?;
        known += outcome["duplicates"].as_u64().context("duplicates")?;
        assert_eq!(outcome["accepted"], 0, "an acknowledged report was lost");
    }
    assert_eq!(known, acknowledged);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_settled_and_every_fraud_is_named() -> Result<()> {
    let Some(mut world) = world("settled").await? else { return Ok(()) };
    let (_, rejected) = world.send_reports().await?;
    let at_the_door = world.fleet.expected.iter().filter(|e| e.fraud.fails_at_ingest()).count();
    assert_eq!(rejected, at_the_door as u64);
    let epoch = world.settle().await?;
    let outputs = outputs(&world, epoch).await?;
    for expected in world.fleet.expected.iter().filter(|e| !e.fraud.fails_at_ingest()) {
        let report = &world.fleet.reports[expected.report];
        let reasons = outputs.reasons(&report.bytes, report.kind)?;
        assert_eq!(reasons, [expected.reason], "{:?}", expected.fraud);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_carries_compact_sync_and_a_beacon_node_is_enough_without_it() -> Result<()> {
    let Some(world) = world("compact").await? else { return Ok(()) };
    let network = Network::from_json(&std::fs::read(world.network_file())?)?;
    let follow = async |source: &str| -> Result<LightClient<NativePlatform>> {
        let mut settings =
            Settings::new(vec![source.to_owned()], network.checkpoint.context("checkpoint")?);
        settings.optimistic = true;
        let platform = NativePlatform::new(None)?;
        let mut client = LightClient::start(platform, network.chain_spec()?, settings).await?;
        client.sync().await?;
        Ok(client)
    };
    // three periods of the minimal preset, so that committees change
    world.chain.advance(200).await?;
    let (compact, standard) = (follow(&world.gateway_url).await?, follow(&world.beacon.url).await?);
    assert_eq!((compact.form(), standard.form()), (Form::Compact, Form::Standard));
    assert_eq!(compact.finalized(), standard.finalized());
    assert_eq!(compact.optimistic(), standard.optimistic());
    assert_eq!(compact.cost().updates, standard.cost().updates);
    assert!(compact.cost().updates >= 2, "{:?}", compact.cost());
    assert!(compact.cost().bytes < standard.cost().bytes);
    Ok(())
}

/// Every verdict of an epoch, as the gateway serves it.
struct Outputs(Vec<(heliotrope_device_proofs::bundle::EvidenceBundle, Vec<(u32, u16)>)>);

impl Outputs {
    /// Reasons given to an ingested report, passes left out.
    fn reasons(&self, ingest: &[u8], kind: ReportKind) -> Result<Vec<u16>> {
        use heliotrope_device_proofs::wire::LoraWitnessIngestReportV1;
        let report = match kind {
            ReportKind::Beacon => {
                LoraBeaconIngestReportV1::decode(ingest)?.report.context("report")?.encode_to_vec()
            }
            _ => {
                LoraWitnessIngestReportV1::decode(ingest)?.report.context("report")?.encode_to_vec()
            }
        };
        let hash = sha256(&report);
        for (bundle, outcomes) in &self.0 {
            let place = bundle.witnesses.iter().position(|w| sha256(&w.report) == hash);
            let subject = match place {
                Some(index) => index as u32 + 1,
                None if sha256(&bundle.beacon.report) == hash => 0,
                None => continue,
            };
            let of = |(s, reason): &(u32, u16)| (*s == subject && *reason != 0).then_some(*reason);
            return Ok(outcomes.iter().filter_map(of).collect());
        }
        anyhow::bail!("the report is in no bundle")
    }
}

async fn outputs(world: &World, epoch: u64) -> Result<Outputs> {
    use heliotrope_device_proofs::{
        abi::CheckOutput,
        bundle::EvidenceBundle,
        epoch::{EpochManifest, ShardEvidence},
    };
    let base = format!("{}/v1/epochs/{epoch}", world.gateway_url);
    let get = async |path: String| -> Result<Vec<u8>> {
        Ok(reqwest::get(format!("{base}/{path}"))
            .await?
            .error_for_status()?
            .bytes()
            .await?
            .to_vec())
    };
    let manifest = EpochManifest::decode(&get("manifest".into()).await?)?;
    let mut all = Vec::new();
    for lane in &manifest.lanes {
        for (parent, _) in &lane.shards {
            let path = format!("lanes/{}/evidence/{parent:x}", lane.lane);
            for leaf in ShardEvidence::decode(&get(path).await?)?.leaves {
                leaf.verify(lane)?;
                let outcomes = CheckOutput::decode(&leaf.output)?.outcomes;
                let reasons = outcomes.iter().map(|o| (o.subject, o.reason)).collect();
                all.push((EvidenceBundle::decode(&leaf.bundle)?, reasons));
            }
        }
    }
    Ok(Outputs(all))
}
