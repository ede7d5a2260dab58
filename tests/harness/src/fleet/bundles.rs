//! Puts a fleet's reports together into evidence bundles, the plain way: the reference for what a
//! gateway does with the same reports.

use super::{Fleet, ReportKind};
use anyhow::{Context as _, Result};
use heliotrope_device_proofs::bundle::{Entropy, EvidenceBundle, Received};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::report::SignedReport as _;
use heliotrope_device_proofs::wire::{
    EntropyReportV1, LoraBeaconIngestReportV1, LoraWitnessIngestReportV1,
};
use std::collections::BTreeMap;

/// The bundles of a fleet.
#[derive(Debug)]
pub struct Bundled {
    /// One per beacon, ascending by payload.
    pub bundles: Vec<EvidenceBundle>,
    /// Reports (index in the fleet) whose signature is bad.
    pub rejected: Vec<usize>,
}

/// Bundles all reports of a fleet: witnesses go with the beacon whose payload they heard.
///
/// # Errors
/// If a report is malformed or answers entropy that was not reported.
pub fn bundles(fleet: &Fleet) -> Result<Bundled> {
    let mut entropies: BTreeMap<Vec<u8>, Entropy> = BTreeMap::new();
    let mut by_payload: BTreeMap<Vec<u8>, EvidenceBundle> = BTreeMap::new();
    let mut heard: Vec<(Vec<u8>, Received)> = Vec::new();
    let mut rejected = Vec::new();
    for (index, report) in fleet.reports.iter().enumerate() {
        match report.kind {
            ReportKind::Entropy => {
                let message = EntropyReportV1::decode(report.bytes.as_slice())?;
                let EntropyReportV1 { data, timestamp: timestamp_s, version } = message;
                entropies.insert(data.clone(), Entropy { data, timestamp_s, version });
            }
            ReportKind::Beacon => {
                let message = LoraBeaconIngestReportV1::decode(report.bytes.as_slice())?;
                let received_ms = message.received_timestamp;
                let beacon = message.report.context("beacon ingest report without report")?;
                if beacon.authenticate().is_err() {
                    rejected.push(index);
                    continue;
                }
                let entropy = entropies.get(&beacon.remote_entropy).context("unknown entropy")?;
                let bundle = EvidenceBundle {
                    entropy: entropy.clone(),
                    beacon: Received { received_ms, report: beacon.encode_to_vec() },
                    witnesses: Vec::new(),
                };
                by_payload.insert(beacon.data, bundle);
            }
            ReportKind::Witness => {
                let message = LoraWitnessIngestReportV1::decode(report.bytes.as_slice())?;
                let received_ms = message.received_timestamp;
                let witness = message.report.context("witness ingest report without report")?;
                if witness.authenticate().is_err() {
                    rejected.push(index);
                    continue;
                }
                let received = Received { received_ms, report: witness.encode_to_vec() };
                heard.push((witness.data, received));
            }
        }
    }
    for (payload, witness) in heard {
        if let Some(bundle) = by_payload.get_mut(&payload) {
            bundle.witnesses.push(witness);
        }
    }
    let mut bundles: Vec<_> = by_payload.into_values().collect();
    bundles.iter_mut().for_each(EvidenceBundle::sort_witnesses);
    Ok(Bundled { bundles, rejected })
}
