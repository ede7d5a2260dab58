//! Signed envelopes and keys: what decodes is the one encoding of its value, and nothing panics.
#![no_main]

use heliotrope_device_proofs::{
    keys::PublicKey,
    signed::{VerifyingKey, cose::CoseSign1, eip712, jwt::Jwt},
};
use heliotrope_fuzz::choice;
use libfuzzer_sys::fuzz_target;

/// Generator of P-256, compressed.
const KEY: [u8; 33] = [
    3, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96,
];

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    let Ok(key) = VerifyingKey::p256(&KEY) else { return };
    match kind {
        0 => {
            if let Ok(message) = CoseSign1::decode(rest) {
                assert_eq!(message.encode(), rest, "two encodings of one value");
                drop(message.verify(&key, &[]));
            }
        }
        1 => {
            let token = core::str::from_utf8(rest).ok().and_then(|text| Jwt::decode(text).ok());
            drop(token.map(|token| token.verify(&key).map(<[u8]>::len)));
        }
        2 => {
            if let Some((digest, rest)) = rest.split_first_chunk::<32>()
                && let Ok(signature) = <[u8; 65]>::try_from(rest)
            {
                drop(eip712::recover(digest, &signature));
            }
        }
        3 => {
            if let Ok(key) = PublicKey::from_bytes(rest) {
                assert_eq!(key.as_bytes(), rest, "two encodings of one key");
            }
        }
        _ => {}
    }
});
