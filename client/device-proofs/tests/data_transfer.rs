//! Data transfer sessions: both signatures hold, and no changed bit survives them.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::{flips, one_encoding};
use ed25519_dalek::{Signer as _, SigningKey};
use heliotrope_device_proofs::bundle::Received;
use heliotrope_device_proofs::data_transfer::{
    DataTransferBundle, DataTransferError, DataTransferParams, MAX_SESSIONS, PROFILE_TWO_SIDED_1,
};
use heliotrope_device_proofs::protobuf::{Message as _, ProtobufError};
use heliotrope_device_proofs::report::{MAX_MOBILE_REPORT_LEN, ReportError, SignedReport as _};
use heliotrope_device_proofs::wire::mobile::{
    DataTransferEvent, DataTransferSessionReqV1, radio_access_technology,
};

const TIME_S: u64 = 1_790_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(key: &SigningKey) -> Vec<u8> {
    [&[1], key.verifying_key().as_bytes().as_slice()].concat()
}

fn sign(key: &SigningKey, bytes: &[u8]) -> Vec<u8> {
    key.sign(bytes).to_bytes().to_vec()
}

/// A P-256 key whose point is the one that its compact form stands for.
fn compact_key() -> (p256::ecdsa::SigningKey, Vec<u8>) {
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    for seed in 1..=255_u8 {
        let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        let point = key.verifying_key().as_affine().to_sec1_point(false);
        let x = point.x().unwrap().as_slice();
        let binary = [&[0], x].concat();
        let read = heliotrope_device_proofs::keys::PublicKey::from_bytes(&binary).unwrap();
        let signature: p256::ecdsa::Signature = key.sign(b"probe");
        if read.verify(b"probe", signature.to_der().as_bytes()).is_ok() {
            return (key, binary);
        }
    }
    panic!("no key of 255 has the smaller y");
}

fn event() -> DataTransferEvent {
    let (key, pub_key) = compact_key();
    let mut event = DataTransferEvent {
        pub_key,
        upload_bytes: 1_000_000,
        download_bytes: 9_000_000,
        radio_access_technology: radio_access_technology::WLAN,
        event_id: "f8e7d6c5-0001".into(),
        payer: public(&key_of_payer()),
        timestamp: TIME_S,
        signature: Vec::new(),
    };
    let signature: p256::ecdsa::Signature = key.sign(&event.signed_bytes());
    event.signature = signature.to_der().as_bytes().to_vec();
    event
}

fn key_of_payer() -> SigningKey {
    key(9)
}

fn session(event: Option<DataTransferEvent>) -> Vec<u8> {
    let mut request = DataTransferSessionReqV1 {
        data_transfer_usage: event,
        pub_key: public(&key(5)),
        rewardable_bytes: 9_500_000,
        carrier_id: 3,
        ..Default::default()
    };
    request.signature = sign(&key(5), &request.signed_bytes());
    request.encode_to_vec()
}

fn bundle(reports: Vec<Vec<u8>>) -> DataTransferBundle {
    let received = |(ms, report)| Received { received_ms: TIME_S * 1000 + ms, report };
    let sessions = (0_u64..).zip(reports).map(received).collect();
    DataTransferBundle { payer: public(&key_of_payer()), epoch: TIME_S / 86_400, sessions }
}

#[test]
fn both_sides_hold() {
    let one_sided = DataTransferEvent { signature: Vec::new(), ..event() };
    let bundle = bundle(vec![session(Some(event())), session(Some(one_sided))]);
    let authenticated = bundle.authenticate().unwrap();
    assert_eq!(authenticated.bundle_id(), &bundle.id());
    let sides: Vec<_> = authenticated.sessions().iter().map(|s| s.is_two_sided()).collect();
    assert_eq!(sides, [true, false]);
}

#[test]
fn no_flipped_bit_of_a_session_authenticates() {
    let report = session(Some(event()));
    for (bit, flipped) in flips(&report) {
        assert!(bundle(vec![flipped]).authenticate().is_err(), "bit {bit}");
    }
}

/// The carrier signs over the hotspot's signature, so only the carrier can try this.
#[test]
fn no_flipped_bit_of_an_event_authenticates_even_if_the_carrier_signs_it() {
    let honest = event().encode_to_vec();
    let mut rejected = 0;
    for (bit, flipped) in flips(&honest) {
        let Ok(event) = DataTransferEvent::decode(flipped.as_slice()) else { continue };
        if event.signature.is_empty() {
            continue;
        }
        let error = bundle(vec![session(Some(event))]).authenticate().unwrap_err();
        assert!(matches!(error, DataTransferError::Event { index: 0, .. }), "bit {bit}: {error}");
        rejected += 1;
    }
    // every bit of the numbers, the keys and the signature
    assert!(rejected > 1200, "{rejected} changed events");
}

#[test]
fn a_session_names_its_fault() {
    let missing = bundle(vec![session(Some(event())), session(None)]);
    assert_eq!(missing.authenticate(), Err(DataTransferError::NoEvent { index: 1 }));
    let mut request = DataTransferSessionReqV1::decode(session(Some(event())).as_slice()).unwrap();
    request.signature = sign(&key(6), &request.signed_bytes());
    let error = bundle(vec![request.encode_to_vec()]).authenticate().unwrap_err();
    assert!(matches!(
        error,
        DataTransferError::Session { index: 0, error: ReportError::Signature(_) }
    ));
    request.carrier_id = 0;
    let mut longer = request.encode_to_vec();
    longer.extend_from_slice(&[0x30, 0x00]);
    let error = bundle(vec![longer]).authenticate().unwrap_err();
    let default = ReportError::Protobuf(ProtobufError::Default { number: 6 });
    assert_eq!(error, DataTransferError::Session { index: 0, error: default });
}

#[test]
fn bundle_and_parameters_have_one_encoding() {
    let bundle = bundle(vec![session(Some(event())), session(None)]);
    one_encoding(&bundle.encode(), DataTransferBundle::decode, DataTransferBundle::encode);
    let params = DataTransferParams {
        profile: PROFILE_TWO_SIDED_1.into(),
        device_registry: [1; 20],
        credits: [2; 20],
        burned_slot: 3,
        chain_id: 31_337,
        network: 0x10,
        routing_keys: vec![vec![1; 33], vec![2; 33]],
        epoch_s: 86_400,
        bytes_per_dc: 100_000,
    };
    one_encoding(&params.encode(), DataTransferParams::decode, DataTransferParams::encode);
}

#[test]
fn lengths_are_bounded() {
    let empty = |count: usize| {
        bundle((0..count).map(|n| n.to_be_bytes().to_vec()).collect::<Vec<_>>()).encode()
    };
    assert!(DataTransferBundle::decode(&empty(MAX_SESSIONS)).is_ok());
    assert!(DataTransferBundle::decode(&empty(MAX_SESSIONS + 1)).is_err());
    let long = bundle(vec![vec![0; MAX_MOBILE_REPORT_LEN + 1]]);
    assert!(DataTransferBundle::decode(&long.encode()).is_err());
    let mut repeated = bundle(vec![vec![1], vec![2]]);
    repeated.sessions[1] = repeated.sessions[0].clone();
    assert!(DataTransferBundle::decode(&repeated.encode()).is_err());
    repeated.sort_sessions();
    assert_eq!(DataTransferBundle::decode(&repeated.encode()).unwrap().sessions.len(), 1);
}
