//! `helium-poc`: the vectors of Helium's proof of coverage, judged by the pinned module.
//!
//! A row that can be said as a bundle with facts is run through the wasm in the host, and the rule
//! it is about is looked up in the output. Raw quantities (a payload, a distance, a path loss, a
//! signature) are compared with the functions that the module is made of.

use super::Report;
use crate::{checks_build, command};
use anyhow::{Context as _, Result, anyhow, ensure};
use heliotrope_checks::coverage_radio::{
    cell_distance, derive_payload, distance_m, expected_rssi_dbm, lag, payload,
};
use heliotrope_device_proofs::abi::{CheckInput, CheckOutput, Fact, RuleOutcome};
use heliotrope_device_proofs::bundle::{Entropy, EvidenceBundle, Received};
use heliotrope_device_proofs::keys::PublicKey;
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::radio::RadioParams;
use heliotrope_device_proofs::registry::{self, Radio, STATUS_ACTIVE};
use heliotrope_device_proofs::wire::{
    BlockchainRegionParamsV1, LoraBeaconReportReqV1, LoraWitnessReportReqV1,
};
use heliotrope_host::{CheckModule, Host, HostConfig};
use serde_json::Value;
use std::path::Path;

const REGISTRY: [u8; 20] = [7; 20];
const CHAIN_ID: u64 = 31337;
const EU868: u8 = 1;
const BEACONER: u8 = 200;
const RULE_PAYLOAD: u16 = 7;
const RULE_LAG: u16 = 107;
const RULE_MIN_DISTANCE: u16 = 112;
const RULE_MAX_DISTANCE: u16 = 113;
const RULE_RSSI: u16 = 114;
/// Two places in Malta that see each other, from the vectors.
const PLACES: (u64, u64) = (631_615_575_095_659_519, 631_615_576_056_478_207);

pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    let read = |name: &str| -> Result<Value> {
        let path = dir.join(name);
        let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(serde_json::from_slice(&text)?)
    };
    signatures(&read("helium_crypto_vectors.json")?, report)?;
    let vectors = read("iot_poc_vectors.json")?;
    let bench = Bench::new(&vectors)?;
    report.case("payload", bench.payload(&vectors["beacon_payload"]));
    for (name, case) in [
        ("distance", Bench::distance as fn(&Bench, &Value) -> Result<String>),
        ("cell_distance_min", Bench::cell_distance_min),
        ("distance_max", Bench::distance_max),
        ("rssi", Bench::rssi),
        ("lag_ms", Bench::lag),
    ] {
        for (index, row) in rows(&vectors[name])?.iter().enumerate() {
            report.case(&format!("{name} {index}"), case(&bench, row));
        }
    }
    report.case("expected_rssi", expected_rssi(&vectors["expected_rssi"]));
    Ok(())
}

fn rows(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().context("rows of vectors")
}

fn number(row: &Value, key: &str) -> Result<i64> {
    let value = &row[key];
    let parsed = value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    parsed.with_context(|| format!("number {key}"))
}

fn text<'a>(row: &'a Value, key: &str) -> Result<&'a str> {
    row[key].as_str().with_context(|| format!("text {key}"))
}

fn bytes(row: &Value, key: &str) -> Result<Vec<u8>> {
    Ok(hex::decode(text(row, key)?)?)
}

fn signatures(vectors: &Value, report: &mut Report) -> Result<()> {
    for row in rows(&vectors["vectors"])? {
        let kind = text(row, "type")?;
        let name = kind.split(' ').next().unwrap_or(kind);
        let outcome = || {
            let key = PublicKey::from_b58(text(row, "pub")?)?;
            ensure!(key.to_b58() == text(row, "pub")?, "text form does not survive");
            let signature = bytes(row, "sig_hex").or_else(|_| bytes(row, "sig_der_hex"))?;
            let verified = key.verify(b"hello world", &signature);
            if name.ends_with("high-s") {
                let error = verified.err().context("accepted, expected a rejection")?;
                return Ok(format!("rejected: {error}"));
            }
            verified?;
            Ok("verifies".into())
        };
        report.case(&format!("signature {name}"), outcome());
    }
    Ok(())
}

fn expected_rssi(row: &Value) -> Result<String> {
    let int = |key| number(row, key).and_then(|n| Ok(i32::try_from(n)?));
    let got = expected_rssi_dbm(
        int("tx_power")?,
        int("beacon_gain")?,
        int("witness_gain")?,
        u32::try_from(number(row, "distance_m")?)?,
        u64::try_from(number(row, "freq")?)?,
    );
    let expected = row["dbm"].as_f64().context("number dbm")?;
    // a native logarithm may differ from the module's in the last bits
    ensure!((got - expected).abs() < 1e-9, "{got} dBm, expected {expected}");
    Ok(format!("{got} dBm"))
}

/// A witness of a case.
struct Heard {
    received_ms: u64,
    cell: u64,
    gain_ddbi: i16,
    signal_ddbm: i32,
    frequency_hz: u64,
}

/// A case as evidence and facts.
struct Scene {
    beacon_received_ms: u64,
    cell: u64,
    gain_ddbi: i16,
    tx_power_dbm: i32,
    witnesses: Vec<Heard>,
    max_distance_km: u32,
    /// Changed in the payload, to break it.
    flip: u8,
}

/// The module and the beacon of the vectors.
struct Bench {
    module: CheckModule,
    params: RadioParams,
    beacon: LoraBeaconReportReqV1,
    entropy: Entropy,
}

impl Bench {
    fn new(vectors: &Value) -> Result<Self> {
        let root = command::workspace_root();
        let built = checks_build::build_checks(&root, &root.join("target/heliotrope/checks"))?;
        let check = built.iter().find(|check| check.name == "coverage-radio");
        let check = check.context("no check coverage-radio")?;
        let module =
            Host::new(HostConfig::default())?.load(&std::fs::read(&check.path)?, &check.sha256)?;
        let region = hex::decode(text(vectors, "eu868_region_params_pb_hex")?)?;
        let channels = BlockchainRegionParamsV1::decode(region.as_slice())?;
        let mut params = RadioParams::helium_2025_12(REGISTRY, CHAIN_ID, vec![(EU868, region)]);
        // rows are about one rule each: the others give way
        (params.entropy_window_s, params.frequency_tolerance_hz) = (86_400, u32::MAX);
        let row = &vectors["beacon_payload"];
        let entropy = Entropy {
            data: bytes(row, "remote_entropy_hex")?,
            timestamp_s: u64::try_from(number(row, "remote_timestamp_s")?)?,
            version: u32::try_from(number(row, "entropy_version")?)?,
        };
        let local_entropy = bytes(row, "local_entropy_hex")?;
        let (data, time_s) = (&entropy.data, entropy.timestamp_s);
        let derived = derive_payload(data, time_s, &local_entropy, entropy.version, &channels)?;
        let beacon = LoraBeaconReportReqV1 {
            pub_key: vec![BEACONER; 33],
            local_entropy,
            remote_entropy: entropy.data.clone(),
            data: derived.data.to_vec(),
            frequency: derived.frequency_hz,
            datarate: derived.data_rate,
            ..LoraBeaconReportReqV1::default()
        };
        Ok(Self { module, params, beacon, entropy })
    }

    fn base_ms(&self) -> u64 {
        self.entropy.timestamp_s * 1000 + 3_600_000
    }

    fn scene(&self, cell: u64, witnesses: Vec<Heard>) -> Scene {
        let beacon_received_ms = self.base_ms();
        Scene {
            beacon_received_ms,
            cell,
            gain_ddbi: 60,
            tx_power_dbm: 10,
            witnesses,
            max_distance_km: self.params.max_distance_km,
            flip: 0,
        }
    }

    fn heard(&self, cell: u64) -> Heard {
        Heard {
            received_ms: self.base_ms() + 100,
            cell,
            gain_ddbi: 12,
            signal_ddbm: -1200,
            frequency_hz: self.beacon.frequency,
        }
    }

    /// Runs the module on a scene. Witness n has the key of byte n.
    fn judge(&self, scene: &Scene) -> Result<CheckOutput> {
        let mut beacon =
            LoraBeaconReportReqV1 { tx_power: scene.tx_power_dbm, ..self.beacon.clone() };
        beacon.data[3] ^= scene.flip;
        let mut facts = vec![fact(BEACONER, scene.cell, scene.gain_ddbi)];
        let mut bundle = EvidenceBundle {
            entropy: self.entropy.clone(),
            beacon: Received {
                received_ms: scene.beacon_received_ms,
                report: beacon.encode_to_vec(),
            },
            witnesses: Vec::new(),
        };
        for (key, heard) in (1_u8..).zip(&scene.witnesses) {
            facts.push(fact(key, heard.cell, heard.gain_ddbi));
            let report = LoraWitnessReportReqV1 {
                pub_key: vec![key; 33],
                data: beacon.data.clone(),
                signal: heard.signal_ddbm,
                frequency: heard.frequency_hz,
                ..LoraWitnessReportReqV1::default()
            };
            let received_ms = heard.received_ms;
            bundle.witnesses.push(Received { received_ms, report: report.encode_to_vec() });
        }
        bundle.sort_witnesses();
        let params = RadioParams { max_distance_km: scene.max_distance_km, ..self.params.clone() };
        let (evidence, params) = (bundle.encode(), params.encode());
        let plan = self.module.plan(&evidence, &params)?;
        ensure!(
            plan.0.iter().all(|query| facts.iter().any(|fact| fact.key == query.key)),
            "the plan asks for other facts"
        );
        let module_hash = *self.module.hash();
        let now_s = scene.beacon_received_ms / 1000 + 60;
        let input = CheckInput { module_hash, evidence, facts, params, now_s };
        Ok(CheckOutput::decode(&self.module.check(&input.encode())?)?)
    }

    fn payload(&self, row: &Value) -> Result<String> {
        let expected = bytes(row, "expect_data_hex")?;
        let entropy = &self.entropy;
        let local = &self.beacon.local_entropy;
        let raw = payload(&entropy.data, entropy.timestamp_s, local, entropy.version)?;
        ensure!(
            raw == *expected,
            "payload {}, expected {}",
            hex::encode(raw),
            hex::encode(expected)
        );
        let mut scene = self.scene(PLACES.0, Vec::new());
        let outcome = of_rule(&self.judge(&scene)?, 0, RULE_PAYLOAD)?;
        ensure!(outcome.reason == 0, "module gives reason {}", outcome.reason);
        scene.flip = 1;
        let outcome = of_rule(&self.judge(&scene)?, 0, RULE_PAYLOAD)?;
        ensure!(outcome.reason == 10, "one flipped bit gives reason {}", outcome.reason);
        Ok("51 bytes, module agrees; one flipped bit gives reason 10".into())
    }

    /// Cells of resolution 15: nothing a device can assert, so only the raw quantities.
    #[allow(clippy::unused_self, reason = "same shape as the other cases")]
    fn distance(&self, row: &Value) -> Result<String> {
        let (a, b) = cells(row)?;
        let (metres, steps) = (distance_m(a, b)?, cell_distance(a, b)?);
        ensure!(i64::from(metres) == number(row, "metres_rounded")?, "{metres} m");
        ensure!(i64::from(steps) == number(row, "cells_res11")?, "{steps} cells");
        Ok(format!("{metres} m, {steps} cells"))
    }

    fn cell_distance_min(&self, row: &Value) -> Result<String> {
        let (a, b) = cells(row)?;
        let output = self.judge(&self.scene(asserted(a)?, vec![self.heard(asserted(b)?)]))?;
        let outcome = of_rule(&output, 1, RULE_MIN_DISTANCE)?;
        ensure!(outcome.observed == number(row, "cells")?, "module counts {}", outcome.observed);
        agrees(row, &outcome, "below_min_distance", 19)
    }

    fn distance_max(&self, row: &Value) -> Result<String> {
        let (a, b) = cells(row)?;
        let metres = distance_m(a, b)?;
        let output = self.judge(&self.scene(a, vec![self.heard(b)]))?;
        match of_rule(&output, 1, RULE_MAX_DISTANCE) {
            Ok(outcome) => {
                ensure!(outcome.observed == i64::from(metres), "module has {} m", outcome.observed);
                agrees(row, &outcome, "max_distance_exceeded", 13)
            }
            // an earlier rule already broke: H3 cannot count the cells between
            Err(_) => {
                let stopped = of_rule(&output, 1, RULE_MIN_DISTANCE)?;
                let far = metres / 1000 > self.params.max_distance_km;
                let expected = text(row, "verdict")? == "max_distance_exceeded";
                ensure!(far == expected, "{metres} m, expected {}", text(row, "verdict")?);
                Ok(format!("{metres} m; module rejects with reason {} before", stopped.reason))
            }
        }
    }

    fn rssi(&self, row: &Value) -> Result<String> {
        let (a, b) = cells(row)?;
        let frequency_hz = u64::try_from(number(row, "freq")?)?;
        let signal_ddbm = i32::try_from(number(row, "signal")?)?;
        let gain_ddbi = i16::try_from(number(row, "wgain")?)?;
        let heard = Heard { gain_ddbi, signal_ddbm, frequency_hz, ..self.heard(b) };
        let mut scene = self.scene(a, vec![heard]);
        scene.gain_ddbi = i16::try_from(number(row, "bgain")?)?;
        scene.tx_power_dbm = i32::try_from(number(row, "tx")?)?;
        // the row is about the signal: distance gives way
        scene.max_distance_km = 20_000;
        agrees(row, &of_rule(&self.judge(&scene)?, 1, RULE_RSSI)?, "bad_rssi", 11)
    }

    fn lag(&self, row: &Value) -> Result<String> {
        let base = i64::try_from(self.base_ms())?;
        let (beacon, first, this) =
            (number(row, "beacon")?, number(row, "first")?, number(row, "this")?);
        let (lag_ms, limit_ms) = lag(beacon, first, this, &self.params);
        let at = |offset: i64| u64::try_from(base + offset).map_err(|e| anyhow!(e));
        let mut witnesses = vec![Heard { received_ms: at(first)?, ..self.heard(PLACES.1) }];
        let other = this != first;
        if other {
            witnesses.push(Heard { received_ms: at(this)?, ..self.heard(PLACES.1) });
        }
        let mut scene = self.scene(PLACES.0, witnesses);
        scene.beacon_received_ms = at(beacon)?;
        let outcome = of_rule(&self.judge(&scene)?, 1 + u32::from(other), RULE_LAG)?;
        ensure!(
            (outcome.observed, outcome.limit) == (lag_ms, limit_ms),
            "module has {} of {} ms, expected {lag_ms} of {limit_ms}",
            outcome.observed,
            outcome.limit
        );
        agrees(row, &outcome, "too_late", 22)
    }
}

fn fact(key: u8, cell: u64, gain_ddbi: i16) -> Fact {
    let radio =
        Radio { cell, gain_ddbi, elevation_m: 0, region: EU868, status: STATUS_ACTIVE, since: 1 };
    Fact {
        chain_id: CHAIN_ID,
        block: 1,
        address: REGISTRY,
        key: registry::radio_slot(&registry::device_id(&[key; 33])),
        value: radio.to_word(),
    }
}

fn cells(row: &Value) -> Result<(u64, u64)> {
    Ok((text(row, "a")?.parse()?, text(row, "b")?.parse()?))
}

/// The cell of resolution 12 at the centre of a coarser one: what a device can assert.
fn asserted(cell: u64) -> Result<u64> {
    let cell = h3o::CellIndex::try_from(cell)?;
    let child = cell.center_child(h3o::Resolution::Twelve).context("cell finer than asserted")?;
    Ok(child.into())
}

fn of_rule(output: &CheckOutput, subject: u32, rule_id: u16) -> Result<RuleOutcome> {
    let mut outcomes = output.outcomes.iter();
    let outcome = outcomes.find(|o| o.subject == subject && o.rule_id == rule_id);
    outcome.cloned().with_context(|| format!("rule {rule_id} was not evaluated: {output:?}"))
}

fn agrees(row: &Value, outcome: &RuleOutcome, broken: &str, reason: u16) -> Result<String> {
    let expected = if text(row, "verdict")? == broken { reason } else { 0 };
    ensure!(outcome.reason == expected, "reason {}, expected {expected}", outcome.reason);
    Ok(format!(
        "module: observed {}, limit {}, reason {}",
        outcome.observed, outcome.limit, outcome.reason
    ))
}
