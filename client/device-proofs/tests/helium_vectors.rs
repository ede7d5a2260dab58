//! The signature vectors of the Helium network, from `../shared/vectors`; skipped when absent.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use heliotrope_device_proofs::keys::{KeyError, PublicKey};
use std::path::PathBuf;

const MESSAGE: &[u8] = b"hello world";

fn vectors() -> Option<serde_json::Value> {
    let root = std::env::var_os("HELIOTROPE_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
        PathBuf::from,
    );
    let text = std::fs::read(root.join("device/helium/helium_crypto_vectors.json")).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

fn vector(kind: &str) -> Option<(PublicKey, Vec<u8>)> {
    let all = vectors()?;
    let found = all["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["type"].as_str().unwrap().split(' ').next() == Some(kind));
    let found = found.unwrap();
    let key = PublicKey::from_b58(found["pub"].as_str().unwrap()).unwrap();
    assert_eq!(key.to_b58(), found["pub"].as_str().unwrap());
    assert_eq!(PublicKey::from_bytes(key.as_bytes()).unwrap(), key);
    let sig = found.get("sig_hex").unwrap_or_else(|| &found["sig_der_hex"]).as_str().unwrap();
    Some((key, hex::decode(sig).unwrap()))
}

fn verifies_and_no_flipped_bit_does(kind: &str) {
    let Some((key, sig)) = vector(kind) else {
        return;
    };
    key.verify(MESSAGE, &sig).unwrap();
    for bit in 0..MESSAGE.len() * 8 {
        let mut message = MESSAGE.to_vec();
        message[bit / 8] ^= 1 << (bit % 8);
        assert!(key.verify(&message, &sig).is_err(), "message bit {bit}");
    }
    for bit in 0..sig.len() * 8 {
        let mut sig = sig.clone();
        sig[bit / 8] ^= 1 << (bit % 8);
        assert!(key.verify(MESSAGE, &sig).is_err(), "signature bit {bit}");
    }
    let long: Vec<u8> = sig.iter().copied().chain([0]).collect();
    assert!(key.verify(MESSAGE, &long).is_err(), "trailing byte");
}

#[test]
fn ecc_compact() {
    verifies_and_no_flipped_bit_does("ecc_compact");
}

#[test]
fn ed25519() {
    verifies_and_no_flipped_bit_does("ed25519");
}

#[test]
fn secp256k1() {
    verifies_and_no_flipped_bit_does("secp256k1");
}

#[test]
fn secp256k1_high_s_is_rejected() {
    if let Some((key, sig)) = vector("secp256k1-high-s") {
        assert_eq!(key.verify(MESSAGE, &sig), Err(KeyError::HighS));
    }
}
