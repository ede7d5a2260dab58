//! `COSE_Sign1` (RFC 9052 §4.2), tagged, in deterministic CBOR.
//!
//! ```text
//!  18([ protected: bstr({1: alg}), unprotected: {} or {4: kid}, payload: bstr, signature: bstr ])
//!  signed: ["Signature1", protected, external_aad, payload]
//! ```
//! Algorithms −7 (ES256) and −8 (`EdDSA` with Ed25519), RFC 9053 §2. The key id is not signed: it is a
//! hint where to look the key up and nothing more. Other header parameters are rejected rather than
//! ignored, since one of them could change what the signature means.

use super::{Algorithm, SignedError, VerifyingKey, bounded};
use crate::cbor::{CborError, Decoder, Encoder};

/// CBOR tag 18 as its one byte.
const TAG_COSE_SIGN1: u8 = 0xd2;
const HEADER_ALG: u64 = 1;
const HEADER_KID: u64 = 4;
const ALG_ES256: i64 = -7;
const ALG_EDDSA: i64 = -8;
const EMPTY_MAP: u8 = 0xa0;
const MAX_PROTECTED_LEN: usize = 16;
const MAX_KID_LEN: usize = 128;
const SIGNATURE_LEN: usize = 64;

/// A `COSE_Sign1` message, not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoseSign1<'a> {
    /// The algorithm it names.
    pub algorithm: Algorithm,
    /// The key it names; not signed.
    pub key_id: Option<&'a [u8]>,
    /// What is signed.
    pub payload: &'a [u8],
    protected: &'a [u8],
    signature: [u8; SIGNATURE_LEN],
}

impl<'a> CoseSign1<'a> {
    /// Decodes a message.
    ///
    /// # Errors
    /// If the bytes are not the one encoding of such a message, or the algorithm is another.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, SignedError> {
        bounded(bytes.len())?;
        let Some((&TAG_COSE_SIGN1, rest)) = bytes.split_first() else {
            let got = u64::from(bytes.first().copied().unwrap_or_default());
            let expected = TAG_COSE_SIGN1.into();
            return Err(CborError::Range { what: "COSE_Sign1 tag", got, expected }.into());
        };
        let mut d = Decoder::new(rest);
        d.tuple("COSE_Sign1 fields", 4)?;
        let protected = d.bytes("protected header bytes", MAX_PROTECTED_LEN)?;
        let key_id = if d.peek() == Some(EMPTY_MAP) {
            d.map("unprotected header entries", 0)?;
            None
        } else {
            d.map("unprotected header entries", 1)?;
            d.key(HEADER_KID)?;
            Some(d.bytes("key id bytes", MAX_KID_LEN)?)
        };
        let payload = d.bytes("payload bytes", bytes.len())?;
        let signature = d.fixed("signature bytes")?;
        d.finish()?;
        Ok(Self { algorithm: algorithm(protected)?, key_id, payload, protected, signature })
    }

    /// Checks the signature under `key`, whose algorithm must be the message's, and gives the payload.
    ///
    /// # Errors
    /// If the algorithm is another or the signature is not this key's.
    pub fn verify(&self, key: &VerifyingKey, external_aad: &[u8]) -> Result<&'a [u8], SignedError> {
        if key.algorithm() != self.algorithm {
            let got = name(self.algorithm).into();
            return Err(SignedError::Algorithm { got, expected: name(key.algorithm()) });
        }
        let mut e = Encoder::new();
        e.array(4).text("Signature1").bytes(self.protected);
        e.bytes(external_aad).bytes(self.payload);
        key.verify(&e.finish(), &self.signature)?;
        Ok(self.payload)
    }

    /// The one encoding of the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::new();
        e.array(4).bytes(self.protected);
        match self.key_id {
            Some(key_id) => e.map(1).uint(HEADER_KID).bytes(key_id),
            None => e.map(0),
        };
        e.bytes(self.payload).bytes(&self.signature);
        let mut out = vec![TAG_COSE_SIGN1];
        out.extend_from_slice(&e.finish());
        out
    }
}

fn algorithm(protected: &[u8]) -> Result<Algorithm, SignedError> {
    let mut d = Decoder::new(protected);
    d.map("protected header entries", 1)?;
    d.key(HEADER_ALG)?;
    let number = d.int()?;
    d.finish()?;
    match number {
        ALG_ES256 => Ok(Algorithm::Es256),
        ALG_EDDSA => Ok(Algorithm::EdDsa),
        got => Err(SignedError::Algorithm { got: got.to_string(), expected: "-7 or -8" }),
    }
}

const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es256 => "ES256",
        Algorithm::EdDsa => "EdDSA",
    }
}
