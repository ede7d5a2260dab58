//! Wi-Fi radios with real keys: what they, and whoever modelled their coverage, sign in a day.

use anyhow::{Context as _, Result};
use h3o::{CellIndex, LatLng, Resolution};
use heliotrope_checks::coverage_radio::distance_m;
use heliotrope_device_proofs::{
    bundle::Received,
    coverage_map::{
        Assignment, CoverageMapBundle, DeviceType, HexAssignments, OracleData, RadioEvidence,
        RadioStatement,
    },
    h3,
    protobuf::Message as _,
    report::SignedReport as _,
    wire::mobile::{
        CoverageObjectReqV1, RadioHexSignalLevel, SpeedtestReqV1, WifiHeartbeatReqV1, signal_level,
    },
};
use heliotrope_harness::fleet::{Gateway, GatewayKey, KeyType};

pub(crate) const DAY_S: u64 = 86_400;
/// Bytes per second of one Mbit/s.
const MBIT: u64 = 125_000;

/// Whoever may model coverage.
pub(crate) fn modeller() -> GatewayKey {
    GatewayKey::derive(KeyType::Ed25519, b"a radio planner")
}

/// A radio: a device of the fleet, and what it does in a day.
#[derive(Clone)]
pub(crate) struct Radio<'a> {
    pub(crate) device: &'a Gateway,
    /// Who signs its coverage object.
    pub(crate) modeller: GatewayKey,
    /// Cells of resolution 12 that it covers, and with what power in tenths of dBm.
    pub(crate) hexes: Vec<(u64, i32)>,
    /// The first hour in which somebody else has located it.
    pub(crate) located_from: u64,
    /// Its upload in Mbit/s.
    pub(crate) upload_mbit: u64,
}

/// The first device, and the one nearest to it: both cover the same map cell.
pub(crate) fn neighbours(gateways: &[Gateway]) -> Result<[&Gateway; 2]> {
    let (first, others) = gateways.split_first().context("a fleet")?;
    let apart = |other: &&Gateway| distance_m(first.cell, other.cell).unwrap_or(u32::MAX);
    Ok([first, others.iter().min_by_key(apart).context("a fleet of two")?])
}

/// The map cell of a device, and the first hexes in it.
pub(crate) fn area(device: &Gateway) -> Result<(u64, Vec<u64>)> {
    let area = h3::parent(device.cell, h3::MAP_RESOLUTION).context("a map cell")?;
    let hexes = CellIndex::try_from(area)?.children(Resolution::Twelve);
    Ok((area, hexes.take(4).map(u64::from).collect()))
}

/// All radios of an area on a day, and what oracles say.
pub(crate) fn bundle(
    (area, day): (u64, u64),
    radios: &[Radio<'_>],
    oracle: &OracleData,
) -> Result<CoverageMapBundle> {
    let radios = radios.iter().map(|radio| radio.evidence(day)).collect::<Result<_>>()?;
    let mut bundle = CoverageMapBundle { area, epoch: day, radios, oracle: oracle.encode() };
    bundle.sort();
    Ok(bundle)
}

/// The best of all hexes, and radios of a type that nobody has used yet.
pub(crate) fn oracle(hexes: &[u64], radios: &[Radio<'_>], device_type: DeviceType) -> OracleData {
    let hex = |cell: &u64| HexAssignments {
        cell: *cell,
        footfall: Assignment::A,
        landtype: Assignment::A,
        urbanized: Assignment::A,
        service_provider_override: false,
        boost: 0,
    };
    let statement = |radio: &Radio<'_>| RadioStatement {
        device_id: radio.device.device_id,
        device_type,
        seniority: None,
        unique_connections: 0,
        banned: false,
    };
    let mut data = OracleData {
        hexes: hexes.iter().map(hex).collect(),
        radios: radios.iter().map(statement).collect(),
    };
    data.hexes.sort_by_key(|hex| hex.cell);
    data.radios.sort_by_key(|radio| radio.device_id);
    data
}

impl Radio<'_> {
    fn key(&self) -> Vec<u8> {
        self.device.key.public().to_vec()
    }

    /// Where its coverage object's name comes from: half of its id.
    fn uuid(&self) -> Vec<u8> {
        self.device.device_id[..16].to_vec()
    }

    fn evidence(&self, day: u64) -> Result<RadioEvidence> {
        let start_s = day * DAY_S;
        let at = |second: u64, report| Received { received_ms: (start_s + second) * 1000, report };
        let heartbeats = (0..12)
            .map(|hour| Ok(at(hour * 3600 + 7, self.heartbeat(start_s, hour)?)))
            .collect::<Result<_>>()?;
        let speedtests = [1, 2].map(|hour| {
            let test_s = hour * 3600;
            at(test_s + 9, self.speedtest(start_s + test_s))
        });
        Ok(RadioEvidence {
            hotspot_key: self.key(),
            coverage_object: self.coverage_object(start_s),
            heartbeats,
            speedtests: speedtests.to_vec(),
        })
    }

    fn coverage_object(&self, start_s: u64) -> Vec<u8> {
        let hex = |(cell, signal_power): &(u64, i32)| RadioHexSignalLevel {
            location: format!("{cell:x}"),
            signal_level: signal_level::HIGH,
            signal_power: *signal_power,
        };
        let mut object = CoverageObjectReqV1 {
            pub_key: self.modeller.public().to_vec(),
            uuid: self.uuid(),
            hotspot_key: self.key(),
            coverage_claim_time: start_s - DAY_S,
            coverage: self.hexes.iter().map(hex).collect(),
            ..CoverageObjectReqV1::default()
        };
        object.signature = self.modeller.sign(&object.signed_bytes());
        object.encode_to_vec()
    }

    fn heartbeat(&self, start_s: u64, hour: u64) -> Result<Vec<u8>> {
        let place = LatLng::from(CellIndex::try_from(self.device.cell)?);
        let located = hour >= self.located_from;
        let mut heartbeat = WifiHeartbeatReqV1 {
            pub_key: self.key(),
            timestamp: start_s + hour * 3600,
            lat: place.lat().into(),
            lon: place.lng().into(),
            location_validation_timestamp: if located { start_s + hour * 3600 } else { 0 },
            operation_mode: true,
            coverage_object: self.uuid(),
            ..WifiHeartbeatReqV1::default()
        };
        heartbeat.signature = self.device.key.sign(&heartbeat.signed_bytes());
        Ok(heartbeat.encode_to_vec())
    }

    fn speedtest(&self, timestamp: u64) -> Vec<u8> {
        let mut test = SpeedtestReqV1 {
            pub_key: self.key(),
            timestamp,
            upload_speed: self.upload_mbit * MBIT,
            download_speed: 150 * MBIT,
            latency: 15,
            ..SpeedtestReqV1::default()
        };
        test.signature = self.device.key.sign(&test.signed_bytes());
        test.encode_to_vec()
    }
}
