//! Radios in an area that all hold, to be changed in one place: what tests and conformance cases are made of.
//!
//! Nothing in it is signed; modules see what is authenticated already.

use heliotrope_device_proofs::abi::{CheckInput, Fact};
use heliotrope_device_proofs::bundle::Received;
use heliotrope_device_proofs::coverage_map::{
    Assignment, CoverageMapBundle, CoverageMapParams, DeviceType, HexAssignments, OracleData,
    RadioEvidence, RadioStatement,
};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::registry::{self, Radio, STATUS_ACTIVE};
use heliotrope_device_proofs::wire::mobile::{
    CoverageObjectReqV1, RadioHexSignalLevel, SpeedtestReqV1, WifiHeartbeatReqV1,
};
use heliotrope_device_proofs::{Bytes32, h3};

/// Bytes per second of one Mbit/s.
pub const MBIT: u64 = 125_000;
/// The epoch of every scene.
pub const EPOCH: u64 = 20_473;
/// When it starts, in seconds since 1970.
pub const START_S: u64 = EPOCH * 86_400;
/// Where radios assert to be: a cell of resolution 12 in a park.
pub const PLACE: u64 = 0x08c2_681a_3064_d9ff;

const REGISTRY: [u8; 20] = [7; 20];
const ORACLE: [u8; 20] = [9; 20];
const CHAIN_ID: u64 = 31_337;
const MODELLER: [u8; 33] = [5; 33];
const HOUR_MS: u64 = 3_600_000;

/// A radio with all that is known of it.
#[derive(Clone, Debug)]
pub struct Station {
    /// Its coverage object.
    pub coverage: CoverageObjectReqV1,
    /// Its heartbeats with their receive times in milliseconds.
    pub heartbeats: Vec<(u64, WifiHeartbeatReqV1)>,
    /// Its speed tests.
    pub speedtests: Vec<SpeedtestReqV1>,
    /// Its word in the registry; `None` if the fact is missing.
    pub device: Option<Radio>,
    /// What the oracle data say of it; `None` for nothing.
    pub statement: Option<RadioStatement>,
}

impl Station {
    /// A radio that was there for twelve hours, trusted, with a fast backhaul. Each hex is a cell, a signal level
    /// and a signal power.
    #[must_use]
    pub fn new(key: u8, indoor: bool, hexes: &[(u64, i32, i32)]) -> Self {
        let hotspot_key = vec![key; 33];
        let hex = |(cell, signal_level, signal_power): &(u64, i32, i32)| RadioHexSignalLevel {
            location: format!("{cell:x}"),
            signal_level: *signal_level,
            signal_power: *signal_power,
        };
        let centre = h3o::CellIndex::try_from(PLACE).map(h3o::LatLng::from);
        let (lat, lon) = centre.map_or((0.0, 0.0), |centre| (centre.lat(), centre.lng()));
        let heartbeat = WifiHeartbeatReqV1 {
            pub_key: hotspot_key.clone(),
            lat: lat.into(),
            lon: lon.into(),
            location_validation_timestamp: START_S,
            operation_mode: true,
            coverage_object: vec![key; 16],
            ..Default::default()
        };
        let speedtest = |hour: u64| SpeedtestReqV1 {
            pub_key: hotspot_key.clone(),
            timestamp: START_S.saturating_add(hour.saturating_mul(3600)),
            upload_speed: MBIT.saturating_mul(15),
            download_speed: MBIT.saturating_mul(150),
            latency: 15,
            ..Default::default()
        };
        let at =
            |hour: u64| hour.saturating_mul(HOUR_MS).saturating_add(START_S.saturating_mul(1000));
        Self {
            coverage: CoverageObjectReqV1 {
                pub_key: MODELLER.into(),
                uuid: vec![key; 16],
                hotspot_key: hotspot_key.clone(),
                coverage_claim_time: START_S.saturating_sub(86_400),
                coverage: hexes.iter().map(hex).collect(),
                indoor,
                ..Default::default()
            },
            heartbeats: (0..12).map(|hour| (at(hour), heartbeat.clone())).collect(),
            speedtests: [1, 2].map(speedtest).to_vec(),
            device: Some(Radio { cell: PLACE, status: STATUS_ACTIVE, ..Default::default() }),
            statement: Some(RadioStatement {
                device_id: registry::device_id(&hotspot_key),
                device_type: if indoor { DeviceType::WifiIndoor } else { DeviceType::WifiOutdoor },
                seniority: None,
                unique_connections: 0,
                banned: false,
            }),
        }
    }

    /// With the slowest upload that still gets so many hundredths (0 for none), and everything else fast.
    #[must_use]
    pub fn with_backhaul(mut self, percent: u32) -> Self {
        let upload = match percent {
            100 => 10,
            75 => 8,
            50 => 5,
            25 => 2,
            _ => 0,
        };
        for test in &mut self.speedtests {
            test.upload_speed = MBIT.saturating_mul(upload);
        }
        self
    }

    /// Covering since `claim_s`.
    #[must_use]
    pub const fn since(mut self, claim_s: u64) -> Self {
        self.coverage.coverage_claim_time = claim_s;
        self
    }
}

/// Radios in an area.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The radios; those of equal keys are one.
    pub stations: Vec<Station>,
    /// What the oracle data say of hexes.
    pub hexes: Vec<HexAssignments>,
    /// Whether there are oracle data at all.
    pub has_oracle: bool,
    /// The word that commits to them: theirs, another, or none.
    pub committed: Commitment,
    /// The parameters.
    pub params: CoverageMapParams,
    /// The area.
    pub area: u64,
}

/// What the chain says of the oracle data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// Their hash.
    Theirs,
    /// This word.
    Word(Bytes32),
    /// The fact is missing.
    Missing,
}

impl Scene {
    /// Some radios in the map cell of [`PLACE`], all of whose hexes are the best there are.
    #[must_use]
    pub fn new(stations: Vec<Station>) -> Self {
        let area = h3::parent(PLACE, h3::MAP_RESOLUTION).unwrap_or_default();
        let mut params = CoverageMapParams::helium_2026_01(REGISTRY, ORACLE, CHAIN_ID);
        params.coverage_keys = vec![MODELLER.into()];
        params.geofence = h3::parent(PLACE, 3).into_iter().collect();
        let cells = h3o::CellIndex::try_from(area).map(|area| {
            let cells = area.children(h3o::Resolution::Twelve).map(u64::from);
            cells.collect::<std::collections::BTreeSet<_>>()
        });
        let best = |cell| HexAssignments {
            cell,
            footfall: Assignment::A,
            landtype: Assignment::A,
            urbanized: Assignment::A,
            service_provider_override: false,
            boost: 0,
        };
        Self {
            stations,
            hexes: cells.unwrap_or_default().into_iter().map(best).collect(),
            has_oracle: true,
            committed: Commitment::Theirs,
            params,
            area,
        }
    }

    /// Hexes of the area, by their order.
    #[must_use]
    pub fn cell(&self, place: usize) -> u64 {
        self.hexes.get(place).map(|hex| hex.cell).unwrap_or_default()
    }

    /// The oracle data.
    #[must_use]
    pub fn oracle(&self) -> OracleData {
        let mut radios: Vec<_> =
            self.stations.iter().filter_map(|station| station.statement.clone()).collect();
        radios.sort_by_key(|radio| radio.device_id);
        OracleData { hexes: self.hexes.clone(), radios }
    }

    /// The evidence.
    #[must_use]
    pub fn bundle(&self) -> CoverageMapBundle {
        let radio = |station: &Station| RadioEvidence {
            hotspot_key: station.coverage.hotspot_key.clone(),
            coverage_object: station.coverage.encode_to_vec(),
            heartbeats: station
                .heartbeats
                .iter()
                .map(|(received_ms, heartbeat)| Received {
                    received_ms: *received_ms,
                    report: heartbeat.encode_to_vec(),
                })
                .collect(),
            speedtests: station
                .speedtests
                .iter()
                .map(|test| Received {
                    received_ms: test.timestamp.saturating_mul(1000),
                    report: test.encode_to_vec(),
                })
                .collect(),
        };
        let mut bundle = CoverageMapBundle {
            area: self.area,
            epoch: EPOCH,
            radios: self.stations.iter().map(radio).collect(),
            oracle: if self.has_oracle { self.oracle().encode() } else { Vec::new() },
        };
        bundle.sort();
        bundle
    }

    /// The input of the check.
    #[must_use]
    pub fn input(&self) -> CheckInput {
        let fact = |address, key, value| Fact { chain_id: CHAIN_ID, block: 5, address, key, value };
        let bundle = self.bundle();
        let devices = self.stations.iter().filter_map(|station| {
            let id = registry::device_id(&station.coverage.hotspot_key);
            Some(fact(REGISTRY, registry::radio_slot(&id), station.device?.to_word()))
        });
        let mut facts: Vec<_> = devices.collect();
        let word = match self.committed {
            Commitment::Theirs => Some(self.oracle().digest()),
            Commitment::Word(word) => Some(word),
            Commitment::Missing => None,
        };
        let key = super::digest_key(&bundle, &self.params);
        facts.extend(word.map(|word| fact(ORACLE, key, word)));
        CheckInput {
            module_hash: [1; 32],
            evidence: bundle.encode(),
            facts,
            params: self.params.encode(),
            now_s: START_S,
        }
    }
}
