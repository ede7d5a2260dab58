//! Messages of devices on the wire, device keys, and the network's description: what decodes is the one encoding of its
//! value, and what of it is signed is a message as well.
#![no_main]

use core::fmt::Debug;

use heliotrope_device_proofs::{
    keys::PublicKey,
    report::{self, ReportError, SignedReport},
};
use heliotrope_fuzz::choice;
use heliotrope_light_client::network::{DeployedNetwork, Network};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    match kind {
        0 => message(report::decode_beacon, rest),
        1 => message(report::decode_witness, rest),
        2 => key(rest),
        3 => text_key(rest),
        4 => network(rest),
        5 => message(report::decode_session_init, rest),
        6 => message(report::decode_data_transfer_session, rest),
        7 => message(report::decode_wifi_heartbeat, rest),
        8 => message(report::decode_cell_heartbeat, rest),
        9 => message(report::decode_speedtest, rest),
        10 => message(report::decode_coverage_object, rest),
        11 => drop(DeployedNetwork::from_json(rest)),
        _ => {}
    }
});

fn message<M: SignedReport + Debug>(decode: fn(&[u8]) -> Result<M, ReportError>, bytes: &[u8]) {
    let Ok(message) = decode(bytes) else { return };
    assert_eq!(message.encode_to_vec(), bytes, "two encodings of one value");
    let signed = decode(&message.signed_bytes()).expect("what is signed is a message");
    assert!(signed.signature().is_empty());
    assert_eq!(signed.public_key(), message.public_key());
    drop(message.authenticate());
}

fn key(bytes: &[u8]) {
    let Ok(key) = PublicKey::from_bytes(bytes) else { return };
    assert_eq!(key.as_bytes(), bytes, "two encodings of one key");
    assert_eq!(PublicKey::from_b58(&key.to_b58()).as_ref(), Ok(&key), "text of a key");
    drop(key.verify(b"message", bytes));
}

fn text_key(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(key) = PublicKey::from_b58(text) {
        assert_eq!(key.to_b58(), text, "two texts of one key");
    }
}

/// What is read is written so that it is read as the same.
fn network(bytes: &[u8]) {
    let Ok(network) = Network::from_json(bytes) else { return };
    let again = serde_json::to_vec(&network).expect("a network");
    assert_eq!(Network::from_json(&again).as_ref(), Ok(&network));
    drop(network.chain_spec());
}
