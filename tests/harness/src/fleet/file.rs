//! A fleet in a file, so that it is made once. Keys and places follow from the seed and are not
//! stored; reports and what was planted in them are.

use super::{Expected, Fleet, FleetConfig, Fraud, Report, ReportKind, gateways};
use anyhow::{Context as _, Result, ensure};
use heliotrope_device_proofs::cbor::{CborError, Decoder, Encoder};
use std::fs;
use std::path::Path;

const VERSION: u64 = 1;
const MAX_ITEMS: usize = 1 << 26;
const MAX_BYTES: usize = 4096;

impl Fleet {
    /// The fleet in the file, or a new one that is then put there.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn cached(path: &Path, config: FleetConfig) -> Result<Self> {
        if let Some(fleet) = Self::load(path).ok().filter(|fleet| fleet.config == config) {
            return Ok(fleet);
        }
        let fleet = Self::generate(config);
        fleet.save(path)?;
        Ok(fleet)
    }

    /// Writes the fleet to a file.
    ///
    /// # Errors
    /// If that fails.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut e = Encoder::new();
        let FleetConfig { seed, gateways, beacons_per_gateway, day_start_s } = self.config;
        e.array(7).uint(VERSION).uint(seed).uint(gateways.into());
        e.uint(beacons_per_gateway.into()).uint(day_start_s);
        e.array(self.reports.len());
        for report in &self.reports {
            e.array(3).uint(report.kind as u64).uint(report.received_ms).bytes(&report.bytes);
        }
        e.array(self.expected.len());
        for expected in &self.expected {
            e.array(4).uint(expected.fraud as u64).uint(expected.report as u64);
            e.bytes(&expected.beacon_data).bytes(&expected.pub_key);
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, e.finish()).with_context(|| path.display().to_string())
    }

    /// Reads a fleet from a file.
    ///
    /// # Errors
    /// If there is none, or it was written by another version.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let mut d = Decoder::new(&bytes);
        let (config, reports, expected) = decode(&mut d)?;
        d.finish()?;
        let gateways = gateways::generate(&config);
        ensure!(expected.iter().all(|e| e.report < reports.len()), "fleet file is inconsistent");
        Ok(Self { config, gateways, reports, expected })
    }
}

fn decode(d: &mut Decoder<'_>) -> Result<(FleetConfig, Vec<Report>, Vec<Expected>), CborError> {
    d.tuple("fleet fields", 7)?;
    d.exactly("fleet version", VERSION)?;
    let config = FleetConfig {
        seed: d.uint()?,
        gateways: d.small("gateways")?,
        beacons_per_gateway: d.small("beacons")?,
        day_start_s: d.uint()?,
    };
    let mut reports = Vec::new();
    for _ in 0..d.array("reports", MAX_ITEMS)? {
        d.tuple("report fields", 3)?;
        let kind = match d.uint()? {
            0 => ReportKind::Entropy,
            1 => ReportKind::Beacon,
            _ => ReportKind::Witness,
        };
        let received_ms = d.uint()?;
        reports.push(Report { kind, received_ms, bytes: d.bytes("report", MAX_BYTES)?.to_vec() });
    }
    let mut expected = Vec::new();
    for _ in 0..d.array("planted frauds", MAX_ITEMS)? {
        d.tuple("fraud fields", 4)?;
        let number: usize = d.small("fraud")?;
        let fraud = *Fraud::ALL.get(number).ok_or(CborError::Range {
            what: "fraud",
            got: number as u64,
            expected: 7,
        })?;
        expected.push(Expected {
            fraud,
            report: d.small("report index")?,
            beacon_data: d.bytes("payload", MAX_BYTES)?.to_vec(),
            pub_key: d.bytes("key", MAX_BYTES)?.to_vec(),
            reason: fraud.reason().code(),
        });
    }
    Ok((config, reports, expected))
}
