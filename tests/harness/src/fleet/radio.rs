//! A day on the air: beacons, who hears them, and the frauds in between.
//!
//! Signal strength is free space less clutter: a few decibels near the beaconer, growing with
//! distance, with a random part per pair. A gateway hears what is above its sensitivity.
#![expect(clippy::expect_used, reason = "a simulation that cannot be built is a bug in it")]

use super::gateways::{below, normal, rng, unit};
use super::{Expected, FleetConfig, Fraud, Gateway, Report, ReportKind, Role, regions};
use heliotrope_checks::coverage_radio::{
    cell_distance, derive_payload, distance_m, expected_rssi_dbm,
};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::report::SignedReport as _;
use heliotrope_device_proofs::sha256;
use heliotrope_device_proofs::wire::{
    BlockchainRegionParamsV1, EntropyReportV1, LoraBeaconIngestReportV1, LoraBeaconReportReqV1,
    LoraWitnessIngestReportV1, LoraWitnessReportReqV1,
};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::RngCore as _;
use std::collections::{BTreeMap, BTreeSet};

/// One beacon in this many carries a fraud; the kinds take turns.
const FRAUD_EVERY: usize = 25;
/// The kinds that any beacon can carry; [`Fraud::TooClose`] needs one beside the sybil.
const ANYWHERE: [Fraud; 7] = [
    Fraud::ForgedSignature,
    Fraud::SelfWitness,
    Fraud::ImpossibleRssi,
    Fraud::TooFar,
    Fraud::WrongPayload,
    Fraud::Duplicate,
    Fraud::Late,
];
/// Weakest signal that is heard, in dBm.
const SENSITIVITY_DBM: f64 = -124.0;
/// Most witness reports of an ordinary beacon; one beacon in [`CROWD_EVERY`] has more.
const USUAL_WITNESSES: usize = 14;
const CROWD_EVERY: usize = 8;
const CROWD_WITNESSES: usize = 18;
/// How much weaker than free space an honest signal is at least, in dB.
const MARGIN_DB: f64 = 3.0;
const ENTROPY_VERSION: u32 = 1;

/// A report with what was planted in it.
struct Made {
    report: Report,
    planted: Option<(Fraud, Vec<u8>, Vec<u8>)>,
}

/// What all beacons of a day share.
struct Day<'a> {
    config: &'a FleetConfig,
    gateways: &'a [Gateway],
    regions: BTreeMap<u8, BlockchainRegionParamsV1>,
    cities: BTreeMap<usize, Vec<usize>>,
}

/// A beacon on the air.
struct OnAir<'a> {
    gateway: &'a Gateway,
    report: LoraBeaconReportReqV1,
    received_ms: u64,
}

/// All reports of the day in order of receipt, and the planted frauds.
pub(super) fn day(config: &FleetConfig, gateways: &[Gateway]) -> (Vec<Report>, Vec<Expected>) {
    let mut cities: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, gateway) in gateways.iter().enumerate() {
        cities.entry(gateway.city).or_default().push(index);
    }
    let day = Day { config, gateways, regions: regions().into_iter().collect(), cities };
    let honest = gateways.iter().enumerate().filter(|(_, g)| g.role == Role::Honest);
    let beacons: Vec<(usize, u32)> = honest
        .flat_map(|(index, _)| (0..config.beacons_per_gateway).map(move |slot| (index, slot)))
        .collect();
    let mut made = in_parallel(&beacons, |number, (index, slot)| day.beacon(number, index, slot));
    made.extend(entropy_reports(&made));
    made.sort_by(|a, b| order(&a.report).cmp(&order(&b.report)));
    let planted = made.iter().enumerate().filter_map(|(report, made)| {
        let (fraud, beacon_data, pub_key) = made.planted.clone()?;
        let reason = fraud.reason().code();
        Some(Expected { fraud, report, beacon_data, pub_key, reason })
    });
    let expected = planted.collect();
    (made.into_iter().map(|made| made.report).collect(), expected)
}

fn order(report: &Report) -> (u64, ReportKind, &[u8]) {
    (report.received_ms, report.kind, &report.bytes)
}

/// Runs `make` over all items on every core; the order of results does not depend on their number.
fn in_parallel<T: Copy + Sync>(
    items: &[T],
    make: impl Fn(usize, T) -> Vec<Made> + Sync,
) -> Vec<Made> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let size = items.len().div_ceil(cores).max(1);
    let make = &make;
    std::thread::scope(|scope| {
        let workers: Vec<_> = items
            .chunks(size)
            .enumerate()
            .map(|(chunk, part)| {
                scope.spawn(move || {
                    let numbered = part.iter().enumerate();
                    numbered
                        .flat_map(|(at, item)| make(chunk * size + at, *item))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|w| w.join().expect("a worker does not panic")).collect()
    })
}

/// The entropy reports that the beacons of the day answer.
fn entropy_reports(made: &[Made]) -> Vec<Made> {
    let beacons = made.iter().filter(|made| made.report.kind == ReportKind::Beacon);
    let minutes: BTreeSet<u64> = beacons.map(|made| minute(made.report.received_ms)).collect();
    let reports = minutes.into_iter().map(|timestamp| {
        let report = EntropyReportV1 {
            data: entropy(timestamp).to_vec(),
            timestamp,
            version: ENTROPY_VERSION,
        };
        let bytes = report.encode_to_vec();
        Made {
            report: Report { kind: ReportKind::Entropy, received_ms: timestamp * 1000, bytes },
            planted: None,
        }
    });
    reports.collect()
}

const fn minute(time_ms: u64) -> u64 {
    time_ms / 60_000 * 60
}

fn entropy(minute_s: u64) -> [u8; 32] {
    sha256(&[b"heliotrope fleet entropy".as_slice(), &minute_s.to_le_bytes()].concat())
}

impl Day<'_> {
    /// One beacon with all its witness reports.
    fn beacon(&self, number: usize, index: usize, slot: u32) -> Vec<Made> {
        let mut rng = rng(self.config.seed, "beacon", (index as u64) << 8 | u64::from(slot));
        let fraud = self.fraud_of(number, index, slot);
        let on_air = self.on_air(index, slot, fraud, &mut rng);
        let bytes = LoraBeaconIngestReportV1 {
            received_timestamp: on_air.received_ms,
            report: Some(on_air.report.clone()),
        };
        let planted = (fraud == Some(Fraud::WrongPayload)).then(|| {
            (Fraud::WrongPayload, on_air.report.data.clone(), on_air.report.pub_key.clone())
        });
        let report = Report {
            kind: ReportKind::Beacon,
            received_ms: on_air.received_ms,
            bytes: bytes.encode_to_vec(),
        };
        let mut made = vec![Made { report, planted }];
        let crowd = number % CROWD_EVERY == 3;
        let limit = if crowd { CROWD_WITNESSES } else { USUAL_WITNESSES };
        let could = self.could_hear(index, &on_air);
        // the fraudster has not reported honestly as well
        let fraudster = could[below(&mut rng, could.len())];
        let honest: Vec<_> =
            could.into_iter().filter(|other| fraud.is_none() || *other != fraudster).collect();
        let heard = self.hearers(&honest, &on_air, limit, &mut rng);
        let mut last_ms = on_air.received_ms;
        for (witness, signal_ddbm) in &heard {
            let report = self.heard(&on_air, *witness, *signal_ddbm, &mut rng);
            last_ms = last_ms.max(report.0);
            made.push(witness_made(report, None));
        }
        if let Some(fraud) = fraud.filter(|fraud| *fraud != Fraud::WrongPayload) {
            let report =
                self.planted((fraud, index, fraudster), &on_air, &heard, last_ms, &mut rng);
            made.push(witness_made(report, Some((fraud, &on_air))));
        }
        made
    }

    fn on_air(
        &self,
        index: usize,
        slot: u32,
        fraud: Option<Fraud>,
        rng: &mut ChaCha12Rng,
    ) -> OnAir<'_> {
        let gateway = &self.gateways[index];
        let slot_ms = 86_400_000 / u64::from(self.config.beacons_per_gateway.max(1));
        let start_ms = self.config.day_start_s * 1000 + u64::from(slot) * slot_ms;
        let sent_ms = start_ms + rng.next_u64() % slot_ms.saturating_sub(60_000).max(1);
        let received_ms = sent_ms + 40 + u64::from(rng.next_u32() % 300);
        // the minute of receipt, so that the entropy is there and fresh
        let timestamp_s = minute(received_ms);
        let remote = entropy(timestamp_s);
        let local = rng.next_u32().to_le_bytes();
        let region = &self.regions[&gateway.region];
        let derived = derive_payload(&remote, timestamp_s, &local, ENTROPY_VERSION, region)
            .expect("every region has a data rate for a beacon");
        let mut data = derived.data.to_vec();
        if fraud == Some(Fraud::WrongPayload) {
            rng.fill_bytes(&mut data);
        }
        let channels = region.region_params.iter();
        let channel = channels.map(|c| c.channel_frequency).position(|f| f == derived.frequency_hz);
        let max_eirp_ddbm = region.region_params[0].max_eirp as i32;
        let mut report = LoraBeaconReportReqV1 {
            pub_key: gateway.key.public().to_vec(),
            local_entropy: local.to_vec(),
            remote_entropy: remote.to_vec(),
            data,
            frequency: derived.frequency_hz,
            channel: channel.unwrap_or_default() as i32,
            datarate: derived.data_rate,
            tx_power: ((max_eirp_ddbm - i32::from(gateway.gain_ddbi)) / 10).clamp(8, 27),
            timestamp: sent_ms * 1_000_000,
            signature: Vec::new(),
            tmst: rng.next_u32(),
        };
        report.signature = gateway.key.sign(&report.signed_bytes());
        OnAir { gateway, report, received_ms }
    }

    /// The strongest signal that free space allows between two gateways, in dBm.
    fn free_space_dbm(&self, on_air: &OnAir<'_>, witness: usize) -> f64 {
        let witness = &self.gateways[witness];
        expected_rssi_dbm(
            on_air.report.tx_power,
            on_air.gateway.gain_ddbi.into(),
            witness.gain_ddbi.into(),
            distance_m(on_air.gateway.cell, witness.cell).unwrap_or(1).max(1),
            on_air.report.frequency,
        )
    }

    /// What is planted in a beacon.
    fn fraud_of(&self, number: usize, index: usize, slot: u32) -> Option<Fraud> {
        let beside_sybil = self.cities[&self.gateways[index].city].first() == Some(&index);
        match (beside_sybil, slot) {
            (true, 0) => Some(Fraud::TooClose),
            (true, _) => None,
            _ => (number % FRAUD_EVERY == 7).then(|| ANYWHERE[number / FRAUD_EVERY % 7]),
        }
    }

    /// Honest gateways of the city that the rules allow as witnesses.
    fn could_hear(&self, index: usize, on_air: &OnAir<'_>) -> Vec<usize> {
        let city = self.cities[&on_air.gateway.city].iter().copied();
        let could = city.filter(|other| {
            let witness = &self.gateways[*other];
            let apart = cell_distance(on_air.gateway.cell, witness.cell).is_ok_and(|d| d >= 8);
            *other != index && witness.role == Role::Honest && apart
        });
        could.collect()
    }

    /// Gateways that hear a beacon and say so, with signal strength in tenths of dBm.
    fn hearers(
        &self,
        could: &[usize],
        on_air: &OnAir<'_>,
        limit: usize,
        rng: &mut ChaCha12Rng,
    ) -> Vec<(usize, i32)> {
        let mut heard = Vec::new();
        let mut best: Option<(usize, f64)> = None;
        for &other in could {
            let witness = &self.gateways[other];
            let distance_m = distance_m(on_air.gateway.cell, witness.cell).unwrap_or(u32::MAX);
            let distance_km = f64::from(distance_m) / 1000.0;
            let height = f64::from(witness.elevation_m + on_air.gateway.elevation_m);
            let clutter_db = 14.0 + 20.0 * (1.0 + distance_km).log10() - height * 0.15;
            let loss_db = (clutter_db + 6.0 * normal(rng)).max(MARGIN_DB);
            let signal_dbm = self.free_space_dbm(on_air, other) - loss_db;
            if signal_dbm > SENSITIVITY_DBM {
                heard.push((other, (signal_dbm * 10.0).floor() as i32));
            }
            if best.is_none_or(|(_, strongest)| signal_dbm > strongest) {
                best = Some((other, signal_dbm));
            }
        }
        // a beacon that nobody heard would prove nothing
        if let (true, Some((other, signal_dbm))) = (heard.is_empty(), best) {
            heard.push((other, (signal_dbm * 10.0).floor() as i32));
        }
        // the network takes the first reports; who is first is chance
        for at in 0..heard.len().min(limit) {
            let with = at + below(rng, heard.len() - at);
            heard.swap(at, with);
        }
        heard.truncate(limit);
        heard
    }

    /// The report of a gateway that heard a beacon: receive time and message.
    fn heard(
        &self,
        on_air: &OnAir<'_>,
        witness: usize,
        signal_ddbm: i32,
        rng: &mut ChaCha12Rng,
    ) -> (u64, LoraWitnessReportReqV1) {
        let noise_dbm = -117.0;
        let snr = (f64::from(signal_ddbm) - noise_dbm * 10.0).clamp(-200.0, 120.0);
        let drift_hz = rng.next_u32() % 1000;
        let mut report = LoraWitnessReportReqV1 {
            pub_key: self.gateways[witness].key.public().to_vec(),
            data: on_air.report.data.clone(),
            timestamp: on_air.report.timestamp + 60_000_000 + u64::from(rng.next_u32() % 1_000_000),
            tmst: rng.next_u32(),
            signal: signal_ddbm,
            snr: snr as i32,
            frequency: on_air.report.frequency + u64::from(drift_hz),
            datarate: on_air.report.datarate,
            signature: Vec::new(),
        };
        report.signature = self.gateways[witness].key.sign(&report.signed_bytes());
        let delay_ms = 30.0 + 1100.0 * unit(rng).powi(2);
        (on_air.received_ms + delay_ms as u64, report)
    }

    /// The report of a fraud: its kind, the beaconer and the fraudster are given.
    fn planted(
        &self,
        (fraud, index, fraudster): (Fraud, usize, usize),
        on_air: &OnAir<'_>,
        heard: &[(usize, i32)],
        last_ms: u64,
        rng: &mut ChaCha12Rng,
    ) -> (u64, LoraWitnessReportReqV1) {
        let of_role = |role| {
            let mut city = self.cities[&on_air.gateway.city].iter().copied();
            city.find(|other| self.gateways[*other].role == role).unwrap_or(index)
        };
        let (some, signal) =
            heard.first().copied().unwrap_or_else(|| (of_role(Role::Remote), -1200));
        match fraud {
            Fraud::SelfWitness => self.heard(on_air, index, -400, rng),
            Fraud::TooClose => self.heard(on_air, of_role(Role::Sybil), -900, rng),
            Fraud::TooFar => self.heard(on_air, of_role(Role::Remote), -1290, rng),
            Fraud::ImpossibleRssi => {
                let limit_ddbm = (self.free_space_dbm(on_air, fraudster) * 10.0).ceil() as i32;
                let signal_ddbm = (limit_ddbm + 60 + (rng.next_u32() % 200) as i32).min(-1);
                self.heard(on_air, fraudster, signal_ddbm, rng)
            }
            Fraud::Late => {
                let (_, report) = self.heard(on_air, fraudster, -1200, rng);
                (on_air.received_ms + 4001 + u64::from(rng.next_u32() % 20_000), report)
            }
            Fraud::Duplicate => {
                let (_, report) = self.heard(on_air, some, signal, rng);
                (last_ms + 1 + u64::from(rng.next_u32() % 100), report)
            }
            Fraud::ForgedSignature | Fraud::WrongPayload => {
                let (received_ms, mut report) = self.heard(on_air, fraudster, -1200, rng);
                report.signature =
                    self.gateways[of_role(Role::Sybil)].key.sign(&report.signed_bytes());
                (received_ms, report)
            }
        }
    }
}

fn witness_made(
    (received_ms, report): (u64, LoraWitnessReportReqV1),
    fraud: Option<(Fraud, &OnAir<'_>)>,
) -> Made {
    let planted =
        fraud.map(|(fraud, on_air)| (fraud, on_air.report.data.clone(), report.pub_key.clone()));
    let message =
        LoraWitnessIngestReportV1 { received_timestamp: received_ms, report: Some(report) };
    let bytes = message.encode_to_vec();
    Made { report: Report { kind: ReportKind::Witness, received_ms, bytes }, planted }
}
