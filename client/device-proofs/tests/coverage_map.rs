//! Coverage evidence: every message is signed by the key it names, and of the radio it stands with.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::{flips, one_encoding};
use ed25519_dalek::{Signer as _, SigningKey};
use heliotrope_device_proofs::bundle::Received;
use heliotrope_device_proofs::coverage_map::{
    Assignment, CoverageMapBundle, CoverageMapError, CoverageMapParams, DeviceType, HexAssignments,
    Message, OracleData, RadioEvidence, RadioStatement, Seniority, SeniorityReason,
};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::report::{ReportError, SignedReport as _};
use heliotrope_device_proofs::wire::mobile::{
    CoverageObjectReqV1, RadioHexSignalLevel, SpeedtestReqV1, WifiHeartbeatReqV1,
};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(seed: u8) -> Vec<u8> {
    [&[1], key(seed).verifying_key().as_bytes().as_slice()].concat()
}

macro_rules! signed {
    ($seed:expr, $message:expr) => {{
        let mut message = $message;
        message.signature = key($seed).sign(&message.signed_bytes()).to_bytes().to_vec();
        message.encode_to_vec()
    }};
}

fn coverage(hotspot: u8) -> CoverageObjectReqV1 {
    CoverageObjectReqV1 {
        pub_key: public(9),
        uuid: vec![7; 16],
        hotspot_key: public(hotspot),
        coverage_claim_time: 1_790_000_000,
        coverage: vec![RadioHexSignalLevel {
            location: "8c2681a3064d9ff".into(),
            signal_level: 3,
            signal_power: -700,
        }],
        ..Default::default()
    }
}

fn heartbeat(hotspot: u8) -> WifiHeartbeatReqV1 {
    WifiHeartbeatReqV1 {
        pub_key: public(hotspot),
        timestamp: 1_790_000_000,
        lat: 40.7.into(),
        lon: (-74.0).into(),
        operation_mode: true,
        coverage_object: vec![7; 16],
        ..Default::default()
    }
}

fn speedtest(hotspot: u8) -> SpeedtestReqV1 {
    SpeedtestReqV1 { pub_key: public(hotspot), latency: 20, ..Default::default() }
}

fn radio(hotspot: u8) -> RadioEvidence {
    let received = |report| vec![Received { received_ms: 5, report }];
    RadioEvidence {
        hotspot_key: public(hotspot),
        coverage_object: signed!(9, coverage(hotspot)),
        heartbeats: received(signed!(hotspot, heartbeat(hotspot))),
        speedtests: received(signed!(hotspot, speedtest(hotspot))),
    }
}

fn bundle() -> CoverageMapBundle {
    let radios = vec![radio(1), radio(2)];
    let mut bundle = CoverageMapBundle { area: 5, epoch: 6, radios, oracle: Vec::new() };
    bundle.sort();
    bundle
}

#[test]
fn every_message_holds_and_no_flipped_bit_of_one_does() {
    let honest = bundle();
    let authenticated = honest.authenticate().unwrap();
    assert_eq!((authenticated.radios().len(), authenticated.bundle_id()), (2, &honest.id()));
    let messages: [fn(&mut RadioEvidence) -> &mut Vec<u8>; 3] = [
        |radio| &mut radio.coverage_object,
        |radio| &mut radio.heartbeats[0].report,
        |radio| &mut radio.speedtests[0].report,
    ];
    for message in messages {
        for (bit, flipped) in flips(message(&mut bundle().radios[0])) {
            let mut other = honest.clone();
            *message(&mut other.radios[0]) = flipped;
            assert!(other.authenticate().is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_message_of_another_radio_is_named() {
    let mut other = bundle();
    other.radios[1].speedtests = other.radios[0].speedtests.clone();
    let foreign = CoverageMapError::Foreign { radio: 1, message: Message::Speedtest(0) };
    assert_eq!(other.authenticate(), Err(foreign));
    let mut cbrs = bundle();
    cbrs.radios = vec![radio(1)];
    cbrs.radios[0].coverage_object =
        signed!(9, CoverageObjectReqV1 { cbsd_id: "P27".into(), ..coverage(1) });
    let foreign = CoverageMapError::Foreign { radio: 0, message: Message::CoverageObject };
    assert_eq!(cbrs.authenticate(), Err(foreign));
    let mut forged = bundle();
    forged.radios = vec![radio(1)];
    forged.radios[0].heartbeats[0].report = signed!(3, heartbeat(1));
    assert!(matches!(
        forged.authenticate(),
        Err(CoverageMapError::Message {
            radio: 0,
            message: Message::Heartbeat(0),
            error: ReportError::Signature(_)
        })
    ));
}

#[test]
fn bundle_oracle_data_and_parameters_have_one_encoding() {
    let seniority = Seniority {
        uuid: [7; 16],
        since_s: 1_790_000_000,
        last_heartbeat_s: 1_790_000_001,
        reason: SeniorityReason::ServiceProviderBan,
    };
    let statement = |id: u8, seniority| RadioStatement {
        device_id: [id; 32],
        device_type: DeviceType::WifiOutdoor,
        seniority,
        unique_connections: u32::MAX,
        banned: true,
    };
    let hex = |cell, boost| HexAssignments {
        cell,
        footfall: Assignment::C,
        landtype: Assignment::B,
        urbanized: Assignment::A,
        service_provider_override: true,
        boost,
    };
    let oracle = OracleData {
        hexes: vec![hex(4, 0), hex(5, 1000)],
        radios: vec![statement(1, None), statement(2, Some(seniority))],
    };
    one_encoding(&oracle.encode(), OracleData::decode, OracleData::encode);
    assert!(
        OracleData::decode(&OracleData { hexes: vec![hex(4, 1001)], radios: Vec::new() }.encode())
            .is_err()
    );
    let bundle = CoverageMapBundle { oracle: oracle.encode(), ..bundle() };
    one_encoding(&bundle.encode(), CoverageMapBundle::decode, CoverageMapBundle::encode);
    let mut params = CoverageMapParams::helium_2026_01([1; 20], [2; 20], 31_337);
    params.coverage_keys = vec![public(9)];
    params.geofence = vec![3, 4];
    one_encoding(&params.encode(), CoverageMapParams::decode, CoverageMapParams::encode);
}
