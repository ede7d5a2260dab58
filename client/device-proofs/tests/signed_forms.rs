//! The signed forms on the examples of their specifications, and on every flipped bit of them.
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
use ed25519_dalek::Signer as _;
use heliotrope_device_proofs::registry::keccak256;
use heliotrope_device_proofs::signed::{
    Algorithm, SignedError, VerifyingKey,
    cose::CoseSign1,
    eip712::{self, Domain},
    jwt::Jwt,
};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;

/// RFC 9052 appendix C.2.1.
const COSE: &str = "d28443a10126a10442313154546869732069732074686520636f6e74656e742e58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36";
/// Key `11` of RFC 9052 appendix C.7.1.
const COSE_KEY: &str = "04bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e";
/// RFC 7515 appendix A.3.
const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const JWT_KEY: &str = "047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad";

fn p256(hex: &str) -> VerifyingKey {
    VerifyingKey::p256(&hex::decode(hex).unwrap()).unwrap()
}

#[test]
fn cose_of_rfc_9052() {
    let bytes = hex::decode(COSE).unwrap();
    let message = CoseSign1::decode(&bytes).unwrap();
    assert_eq!(message.encode(), bytes);
    assert_eq!((message.algorithm, message.key_id), (Algorithm::Es256, Some(b"11".as_slice())));
    assert_eq!(message.verify(&p256(COSE_KEY), b"").unwrap(), b"This is the content.");
    assert_eq!(message.verify(&p256(COSE_KEY), b"x"), Err(SignedError::Signature));
    assert_eq!(message.verify(&p256(JWT_KEY), b""), Err(SignedError::Signature));
}

#[test]
fn cose_no_flipped_bit_verifies_except_in_the_key_id() {
    let key_id = 7..11;
    let bytes = hex::decode(COSE).unwrap();
    for (bit, flipped) in flips(&bytes) {
        let Ok(message) = CoseSign1::decode(&flipped) else { continue };
        assert_eq!(message.encode(), flipped, "bit {bit}");
        let verified = message.verify(&p256(COSE_KEY), b"").is_ok();
        assert!(!verified || key_id.contains(&(bit / 8)), "bit {bit}");
    }
    for len in 0..bytes.len() {
        assert!(CoseSign1::decode(&bytes[..len]).is_err(), "cut to {len}");
    }
    assert!(CoseSign1::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn cose_eddsa_and_the_algorithm_of_the_key() {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let signed = [b"\x84\x6aSignature1\x43\xa1\x01\x27\x40\x43abc".as_slice()].concat();
    let signature = secret.sign(&signed).to_bytes();
    let bytes =
        [b"\xd2\x84\x43\xa1\x01\x27\xa0\x43abc\x58\x40".as_slice(), signature.as_slice()].concat();
    let message = CoseSign1::decode(&bytes).unwrap();
    assert_eq!(message.encode(), bytes);
    let key = VerifyingKey::ed25519(secret.verifying_key().as_bytes()).unwrap();
    assert_eq!(message.verify(&key, b"").unwrap(), b"abc");
    assert!(matches!(
        message.verify(&p256(COSE_KEY), b""),
        Err(SignedError::Algorithm { expected: "ES256", .. })
    ));
    // ES512
    let other = [b"\xd2\x84\x44\xa1\x01\x38\x23\xa0\x40\x58\x40".as_slice(), &[1; 64]].concat();
    assert!(
        matches!(CoseSign1::decode(&other), Err(SignedError::Algorithm { got, .. }) if got == "-36")
    );
}

#[test]
fn jwt_of_rfc_7515() {
    let token = Jwt::decode(JWT).unwrap();
    assert_eq!(token.header("alg"), Some("ES256"));
    assert!(token.verify(&p256(JWT_KEY)).unwrap().starts_with(b"{\"iss\":\"joe\""));
    assert_eq!(token.verify(&p256(COSE_KEY)), Err(SignedError::Signature));
    for (at, byte) in JWT.bytes().enumerate() {
        for other in [b'A', b'-', b'=', b'.', b'+', byte ^ 1] {
            let mut text = JWT.as_bytes().to_vec();
            text[at] = other;
            let text = String::from_utf8(text).unwrap();
            let accepted = Jwt::decode(&text).is_ok_and(|t| t.verify(&p256(JWT_KEY)).is_ok());
            assert_eq!(accepted, other == byte, "{other} at {at}");
        }
    }
}

#[test]
fn jwt_the_algorithm_is_pinned_and_the_header_is_flat() {
    // base64url of the headers below, made by hand
    let token = |header: &str| format!("{header}.e30.{}", "A".repeat(86));
    // {"alg":"none"}
    assert!(matches!(
        Jwt::decode(&token("eyJhbGciOiJub25lIn0")),
        Err(SignedError::Algorithm { got, expected: "ES256" }) if got == "none"
    ));
    let flat = |header: &str| {
        assert_eq!(
            Jwt::decode(&token(header)),
            Err(SignedError::Token { part: 0, expected: "a flat JSON object of strings" })
        );
    };
    flat("eyJhbGciOiJFUzI1NiIsImFsZyI6Im5vbmUifQ"); // {"alg":"ES256","alg":"none"}
    flat("eyJhbGciOiJFUzI1NiIsImNyaXQiOiJ4In0"); // {"alg":"ES256","crit":"x"}
    flat("eyJhbGciOlsiRVMyNTYiXX0"); // {"alg":["ES256"]}
    flat("eyJhXHUwMDZjZyI6IkVTMjU2In0"); // {"a\u006cg":"ES256"}
    flat("e30"); // {}
}

#[test]
fn eip_712_mail_example() {
    let word = |hex: &str| <[u8; 32]>::try_from(hex::decode(hex).unwrap()).unwrap();
    let domain =
        Domain { name: "Ether Mail", version: "1", chain_id: 1, verifying_contract: [0xcc; 20] };
    let separator = domain.separator();
    assert_eq!(separator, word("f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f"));
    let mail = word("c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
    let digest = eip712::digest(&separator, &mail);
    assert_eq!(digest, word("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"));
    let signature = hex::decode("4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c").unwrap();
    let signature: [u8; 65] = signature.try_into().unwrap();
    let cow = hex::decode("cd2a3d9f938e13cd947ec05abc7fe734df8dd826").unwrap();
    assert_eq!(eip712::recover(&digest, &signature).unwrap(), *cow);
    for (bit, flipped) in flips(&signature) {
        let flipped = flipped.try_into().unwrap();
        assert!(eip712::recover(&digest, &flipped).ok().is_none_or(|who| who != *cow), "bit {bit}");
    }
    for v in [0, 1, 26, 29, 255] {
        let mut other = signature;
        other[64] = v;
        assert!(matches!(eip712::recover(&digest, &other), Err(SignedError::SignatureForm { .. })));
    }
}

#[test]
fn eip_712_takes_the_low_s_only() {
    let digest = keccak256(&[b"x"]);
    let secret = k256::ecdsa::SigningKey::from_slice(&[3; 32]).unwrap();
    let (signature, id) = secret.sign_prehash_recoverable(&digest);
    let bytes = |s: &k256::ecdsa::Signature, v: u8| {
        <[u8; 65]>::try_from([s.to_bytes().as_slice(), &[27 + v]].concat()).unwrap()
    };
    let low = signature.normalize_s();
    let v = id.to_byte() ^ u8::from(low != signature);
    let key = secret.verifying_key().to_sec1_point(false);
    let address = keccak256(&[&key.as_bytes()[1..]])[12..].to_vec();
    assert_eq!(eip712::recover(&digest, &bytes(&low, v)).unwrap(), *address);
    let high = k256::ecdsa::Signature::from_scalars(*low.r(), -*low.s()).unwrap();
    assert_eq!(eip712::recover(&digest, &bytes(&high, v ^ 1)), Err(SignedError::HighS));

    let secret = p256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap();
    let key = VerifyingKey::p256(secret.verifying_key().to_sec1_point(true).as_bytes()).unwrap();
    let signature: p256::ecdsa::Signature = secret.sign_prehash(&digest).unwrap();
    let low = signature.normalize_s();
    let raw = |s: &p256::ecdsa::Signature| <[u8; 64]>::from(s.to_bytes());
    eip712::verify_p256(&digest, &raw(&low), &key).unwrap();
    let high = p256::ecdsa::Signature::from_scalars(*low.r(), -*low.s()).unwrap();
    assert_eq!(eip712::verify_p256(&digest, &raw(&high), &key), Err(SignedError::HighS));
    let other = keccak256(&[b"y"]);
    assert_eq!(eip712::verify_p256(&other, &raw(&low), &key), Err(SignedError::Signature));
}
