//! The signature vectors of the Helium network, from `../shared/vectors`; skipped when absent.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::flips;
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
    for (bit, message) in flips(MESSAGE) {
        assert!(key.verify(&message, &sig).is_err(), "message bit {bit}");
    }
    for (bit, sig) in flips(&sig) {
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

/// Key, signature and message of `helium/helium-crypto-rs`, `src/rsa/mod.rs` (Apache-2.0), unit test
/// `verify`: made by another implementation (Erlang's).
const RSA_KEY: &str = "1trSusebcQv2kJfLEUV1D4RQyHZyTfFkvFxWBUa1iv53eZKhyg1iDWGsWo89w8HzQBx3vzoeB85aDYK9w2oX1LdWdnrq5QL4M8iGDDacdp5FeSvXTwr6RB9Hv86qQSFT3ppdTSk6Jbe8eDK81NcNNrkhRXqfmH3CAHRCmrKwLcNBLzxo2a8hqQi1rsW8z9dJgWKMsx2cWoboaGgqrfsRC54WJuPWZwkRCmP7dHArxyWqibicaicBoq5yqW3QsTvxTXLHMUVXr59BQriu75QFiztCYiFjq13Qp6kVkFdXwZ5S2cSVZSsg9d1uB4eN3VK4wYefKFnR9qQT5S93CFFX9nXQx7wi5Z6MdAj1mmu6yZczCE";
const RSA_SIGNATURE: &str = "315050906cd1d58e056e6d9cd0311621a3ad04a60f4b778803c53da335be8239592420cd1910b91fee50fca6d030150356bf86bbe7066b5476da5016f988ec58c1d25fe1d50651de839c897d8e07eb2612e77f44abceef14d40a3358aa93498cd0361516ea29684f94001ea1800beae9cb5a701b371bcbd556b26a125f8fe4b7e9fd4395f5ad1bc80f48c0d40de56d14b2cd2fe109b4ba9cd26fe06dd79d2c236364448873b6a0aeccff87dba44db49b3fb2adb9274c09480e4ee9f281b92314c0fd375e862d349f32f2479775e60c98e11fefc6d99908238862640f356aaa755922dc7932433c4a1ab256c114255651f6b17b3076e6b06b0b79093a7409f03b";

#[test]
fn rsa() {
    let key = PublicKey::from_b58(RSA_KEY).unwrap();
    assert_eq!(key.to_b58(), RSA_KEY);
    assert_eq!(PublicKey::from_bytes(key.as_bytes()).unwrap(), key);
    let sig = hex::decode(RSA_SIGNATURE).unwrap();
    key.verify(MESSAGE, &sig).unwrap();
    assert!(key.verify(b"hello world!", &sig).is_err());
    for (bit, sig) in flips(&sig).step_by(7) {
        assert!(key.verify(MESSAGE, &sig).is_err(), "signature bit {bit}");
    }
    // upstream `verify_invalid_sig`
    assert!(key.verify(MESSAGE, &sig[..24]).is_err());
    assert!(key.verify(MESSAGE, &[&[0], sig.as_slice()].concat()).is_err());
}

#[test]
fn an_rsa_key_has_one_form() {
    let key = PublicKey::from_b58(RSA_KEY).unwrap().as_bytes().to_vec();
    let (head, numbers) = key.split_at(5);
    let (modulus, exponent) = numbers.split_at(256);
    let write = |modulus: &[u8], exponent: &[u8]| {
        let lens = [modulus.len() + exponent.len(), modulus.len()].map(|n| n as u16);
        let lens = lens.map(u16::to_be_bytes).concat();
        [&head[..1], &lens, modulus, exponent].concat()
    };
    assert_eq!(write(modulus, exponent), key);
    let shape = |bytes: &[u8]| {
        assert!(matches!(PublicKey::from_bytes(bytes), Err(KeyError::RsaShape { .. })));
    };
    shape(&write(&[&[0], modulus].concat(), exponent));
    shape(&write(modulus, &[&[0], exponent].concat()));
    shape(&write(modulus, &[]));
    shape(&write(modulus, &[1, 0, 0, 0, 1]));
    shape(&write(&[&[1], [0xff; 512].as_slice()].concat(), exponent));
    shape(&[&key[..], &[0]].concat());
    for len in 1..key.len() {
        shape(&key[..len]);
    }
    let short = PublicKey::from_bytes(&write(&modulus[..255], exponent));
    assert!(matches!(short, Err(KeyError::RsaModulus { got, expected: 2048 }) if got <= 2040));
}
