//! Version 2 of the bundle: each link holds, and breaks when any part of it is changed.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::one_encoding;
use ed25519_dalek::{Signer as _, SigningKey};
use heliotrope_device_proofs::bundle::{BundleError, Entropy, EvidenceBundle, Received, Subject};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::provenance::{
    EntropySource, EvidenceBundleV2, ProvenanceError, Receipt,
};
use heliotrope_device_proofs::report::{ReportError, SignedReport as _};
use heliotrope_device_proofs::sha256;
use heliotrope_device_proofs::wire::{
    LoraBeaconReportReqV1, LoraStreamSessionInitV1, LoraWitnessReportReqV1,
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

fn session(gateway: &SigningKey, session: &SigningKey) -> Vec<u8> {
    let mut init = LoraStreamSessionInitV1 {
        pub_key: public(gateway),
        nonce: vec![9; 32],
        session_key: public(session),
        signature: Vec::new(),
    };
    init.signature = sign(gateway, &init.signed_bytes());
    init.encode_to_vec()
}

fn receipt(received: &Received, receiver: &SigningKey) -> Receipt {
    let mut receipt = Receipt {
        digest: sha256(&received.report),
        received_ms: received.received_ms,
        receiver_key: public(receiver),
        signature: Vec::new(),
    };
    receipt.signature = sign(receiver, &receipt.signed_bytes());
    receipt
}

/// Gateway 1 beacons through session 2; gateway 3 witnesses and signs for itself; 4 receives.
fn evidence() -> EvidenceBundleV2 {
    let source = EntropySource { slot: 300_000_000, blockhash: [5; 32], unix_s: TIME_S };
    let mut beacon = LoraBeaconReportReqV1 { pub_key: public(&key(1)), ..Default::default() };
    beacon.signature = sign(&key(2), &beacon.signed_bytes());
    let mut witness = LoraWitnessReportReqV1 { pub_key: public(&key(3)), ..Default::default() };
    witness.signature = sign(&key(3), &witness.signed_bytes());
    let received = |ms, report| Received { received_ms: TIME_S * 1000 + ms, report };
    let bundle = EvidenceBundle {
        entropy: Entropy {
            data: source.entropy().unwrap().to_vec(),
            timestamp_s: TIME_S,
            version: 1,
        },
        beacon: received(10, beacon.encode_to_vec()),
        witnesses: vec![received(20, witness.encode_to_vec())],
    };
    let receipts =
        [&bundle.beacon, &bundle.witnesses[0]].map(|received| receipt(received, &key(4))).to_vec();
    EvidenceBundleV2 {
        bundle,
        sessions: vec![session(&key(1), &key(2))],
        receipts,
        entropy_source: Some(source),
    }
}

fn broken(change: impl Fn(&mut EvidenceBundleV2)) -> ProvenanceError {
    let mut evidence = evidence();
    change(&mut evidence);
    evidence.authenticate().unwrap_err()
}

#[test]
fn the_whole_chain_holds_and_has_one_encoding() {
    let evidence = evidence();
    let reports = evidence.authenticate().unwrap();
    assert_eq!(reports.witnesses.len(), 1);
    let bytes = evidence.encode();
    assert_eq!(EvidenceBundleV2::decode(&bytes).unwrap(), evidence);
    one_encoding(&bytes, EvidenceBundleV2::decode, EvidenceBundleV2::encode);
}

#[test]
fn neither_version_reads_as_the_other() {
    let evidence = evidence();
    assert!(EvidenceBundle::decode(&evidence.encode()).is_err());
    assert!(EvidenceBundleV2::decode(&evidence.bundle.encode()).is_err());
}

#[test]
fn without_its_session_a_report_of_the_session_key_is_not_signed() {
    let error = broken(|e| e.sessions.clear());
    assert!(matches!(
        error,
        ProvenanceError::Bundle(BundleError::Report {
            subject: Subject::Beacon,
            error: ReportError::Signature(_)
        })
    ));
}

#[test]
fn a_session_must_be_signed_by_its_gateway_used_and_the_only_one() {
    assert!(matches!(
        broken(|e| {
            let mut init = LoraStreamSessionInitV1::decode(e.sessions[0].as_slice()).unwrap();
            init.session_key = public(&key(5));
            e.sessions[0] = init.encode_to_vec();
        }),
        ProvenanceError::Session { index: 0, error: ReportError::Signature(_) }
    ));
    assert_eq!(
        broken(|e| e.sessions.push(session(&key(6), &key(7)))),
        ProvenanceError::SessionUnused { index: 1 }
    );
    assert_eq!(
        broken(|e| e.sessions.push(session(&key(1), &key(7)))),
        ProvenanceError::SessionRepeated { index: 1 }
    );
    // a witness with a session may no longer sign for itself
    assert!(matches!(
        broken(|e| e.sessions.push(session(&key(3), &key(7)))),
        ProvenanceError::Bundle(BundleError::Report { subject: Subject::Witness(0), .. })
    ));
}

#[test]
fn a_receipt_is_of_one_report_at_one_time() {
    let at = TIME_S * 1000 + 10;
    assert!(matches!(
        broken(|e| e.bundle.beacon.received_ms += 1),
        ProvenanceError::ReceiptUnused { index: 0, got_ms } if got_ms == at
    ));
    assert!(matches!(
        broken(|e| e.receipts[1].digest[0] ^= 1),
        ProvenanceError::ReceiptUnused { index: 1, .. }
    ));
    assert!(matches!(
        broken(|e| {
            e.bundle.beacon.received_ms += 1;
            e.receipts[0].received_ms += 1;
        }),
        ProvenanceError::ReceiptSignature { index: 0, .. }
    ));
}

#[test]
fn entropy_follows_from_its_blockhash_and_second() {
    let source = |e: &mut EvidenceBundleV2, change: fn(&mut EntropySource)| {
        change(e.entropy_source.as_mut().unwrap());
    };
    assert!(matches!(
        broken(|e| source(e, |s| s.blockhash[0] ^= 1)),
        ProvenanceError::Entropy { .. }
    ));
    assert!(matches!(broken(|e| source(e, |s| s.unix_s -= 1)), ProvenanceError::Entropy { .. }));
    assert_eq!(
        broken(|e| source(e, |s| s.unix_s += 1)),
        ProvenanceError::EntropyTime { got: TIME_S + 1, expected: TIME_S }
    );
}
