//! A simulated fleet: gateways in real cities, a day of beacons and witness reports, each signed by
//! the key of its gateway, with planted frauds whose verdict is known beforehand.
//!
//! ```text
//!  seed ─ gateways (key, place, antenna) ─ beacons ─ who hears them (path loss) ─ reports in order
//!                                             └─ planted frauds ─ what the rules must say
//! ```
//! Everything follows from the seed, whatever the number of threads. Honest reports keep every rule
//! by a margin; a bundle has at most one planted fraud. Signatures are real.

mod bundles;
mod cities;
mod file;
mod gateways;
mod keys;
mod radio;
mod regions;

pub use bundles::{Bundled, bundles};
pub use cities::{CITIES, City};
pub use gateways::{Gateway, Role};
pub use keys::{GatewayKey, KeyType};
pub use regions::{all as regions, encoded as region_params};

use heliotrope_device_proofs::radio::RadioParams;
use heliotrope_device_proofs::wire::InvalidReason;

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetConfig {
    /// Everything follows from it.
    pub seed: u64,
    /// Number of gateways.
    pub gateways: u32,
    /// Beacons of each gateway in the day.
    pub beacons_per_gateway: u32,
    /// First second of the day.
    pub day_start_s: u64,
}

impl Default for FleetConfig {
    fn default() -> Self {
        Self {
            seed: 20_261_123,
            gateways: 1400,
            beacons_per_gateway: 4,
            day_start_s: 1_790_035_200,
        }
    }
}

/// Kind of a report, by its number in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ReportKind {
    /// `entropy_report_v1`.
    Entropy = 0,
    /// `lora_beacon_ingest_report_v1`.
    Beacon = 1,
    /// `lora_witness_ingest_report_v1`.
    Witness = 2,
}

/// A report as it is sent to a gateway process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it is.
    pub kind: ReportKind,
    /// When it comes in, in milliseconds since 1970.
    pub received_ms: u64,
    /// The protobuf message.
    pub bytes: Vec<u8>,
}

/// The kinds of planted fraud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Fraud {
    /// A witness report in the name of another gateway.
    ForgedSignature = 0,
    /// The beaconer reports to have heard itself.
    SelfWitness = 1,
    /// A signal stronger than free space allows.
    ImpossibleRssi = 2,
    /// A second radio beside the first one.
    TooClose = 3,
    /// A gateway more than 101 km away.
    TooFar = 4,
    /// A beacon whose payload does not follow from the entropy.
    WrongPayload = 5,
    /// The same witness reports twice.
    Duplicate = 6,
    /// A report made after the others were known.
    Late = 7,
}

impl Fraud {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::ForgedSignature,
        Self::SelfWitness,
        Self::ImpossibleRssi,
        Self::TooClose,
        Self::TooFar,
        Self::WrongPayload,
        Self::Duplicate,
        Self::Late,
    ];

    /// The reason it must be given.
    #[must_use]
    pub const fn reason(self) -> InvalidReason {
        match self {
            Self::ForgedSignature => InvalidReason::BadSignature,
            Self::SelfWitness => InvalidReason::SelfWitness,
            Self::ImpossibleRssi => InvalidReason::BadRssi,
            Self::TooClose => InvalidReason::BelowMinDistance,
            Self::TooFar => InvalidReason::MaxDistanceExceeded,
            Self::WrongPayload => InvalidReason::InvalidPacket,
            Self::Duplicate => InvalidReason::Duplicate,
            Self::Late => InvalidReason::TooLate,
        }
    }

    /// What it is, in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForgedSignature => "forged signature",
            Self::SelfWitness => "self-witness",
            Self::ImpossibleRssi => "impossible RSSI",
            Self::TooClose => "too close",
            Self::TooFar => "too far",
            Self::WrongPayload => "wrong payload",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
        }
    }

    /// Whether the report is turned away at the door, before any check.
    #[must_use]
    pub const fn fails_at_ingest(self) -> bool {
        matches!(self, Self::ForgedSignature)
    }
}

/// A planted fraud. Everything that is not listed is honest: beacons pass, witnesses hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What was planted.
    pub fraud: Fraud,
    /// Index of the report in [`Fleet::reports`].
    pub report: usize,
    /// Payload of the beacon it is about.
    pub beacon_data: Vec<u8>,
    /// Key that the report names.
    pub pub_key: Vec<u8>,
    /// The reason it must be given.
    pub reason: u16,
}

/// A day of a fleet.
#[derive(Debug)]
pub struct Fleet {
    /// What it was made from.
    pub config: FleetConfig,
    /// The gateways.
    pub gateways: Vec<Gateway>,
    /// The reports, in order of receipt.
    pub reports: Vec<Report>,
    /// The planted frauds, in order of their reports.
    pub expected: Vec<Expected>,
}

impl Fleet {
    /// Makes a fleet and its day.
    #[must_use]
    pub fn generate(config: FleetConfig) -> Self {
        let gateways = gateways::generate(&config);
        let (reports, expected) = radio::day(&config, &gateways);
        Self { config, gateways, reports, expected }
    }

    /// Number of reports of a kind.
    #[must_use]
    pub fn count(&self, kind: ReportKind) -> usize {
        self.reports.iter().filter(|report| report.kind == kind).count()
    }

    /// The body of `POST /v1/reports` for some of the reports.
    #[must_use]
    pub fn batch(reports: &[Report]) -> Vec<u8> {
        let mut body = Vec::new();
        for report in reports {
            body.push(report.kind as u8);
            body.extend_from_slice(&(report.bytes.len() as u32).to_le_bytes());
            body.extend_from_slice(&report.bytes);
        }
        body
    }

    /// The parameters of `coverage-radio` for this fleet.
    #[must_use]
    pub fn params(device_registry: [u8; 20], chain_id: u64) -> RadioParams {
        RadioParams::helium_2025_12(device_registry, chain_id, region_params())
    }
}

#[cfg(test)]
mod tests;
