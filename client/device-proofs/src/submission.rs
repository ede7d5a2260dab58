//! Who handed in evidence that needs no key of its own: a possession proof or a piece sample.
//!
//! The signature is over `"heliotrope/submission/1" ‖ sha256(evidence)`, so it cannot stand for anything
//! else. It says who sent the evidence, never that the evidence holds: a check judges the bytes alone, and
//! the same evidence without a signature has the same verdict.

use crate::bundle::MAX_BUNDLE_LEN;
use crate::cbor::{CborError, Decoder, Encoder, canonical};
use crate::sha256;

/// Version of the format.
pub const SUBMISSION_VERSION: u64 = 1;
/// What a signed message begins with.
pub const DOMAIN: &[u8] = b"heliotrope/submission/1";
/// Longest key in bytes.
pub const MAX_KEY_LEN: usize = 64;
/// Longest signature in bytes.
pub const MAX_SIGNATURE_LEN: usize = 128;

/// Evidence and who sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The evidence, of kind 2 or 3.
    pub evidence: Vec<u8>,
    /// The sender's key, in the binary form of `keys`.
    pub public_key: Vec<u8>,
    /// The signature over [`Submission::message`].
    pub signature: Vec<u8>,
}

canonical!(Submission);

impl Submission {
    /// What is signed.
    #[must_use]
    pub fn message(evidence: &[u8]) -> Vec<u8> {
        let mut message = DOMAIN.to_vec();
        message.extend_from_slice(&sha256(evidence));
        message
    }

    /// Checks that the key signed the evidence.
    ///
    /// # Errors
    /// If the key is not valid or the signature is not its own over this evidence.
    #[cfg(feature = "verify")]
    pub fn authenticate(&self) -> Result<(), crate::keys::KeyError> {
        let key = crate::keys::PublicKey::from_bytes(&self.public_key)?;
        key.verify(&Self::message(&self.evidence), &self.signature)
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.map(4).uint(0).uint(SUBMISSION_VERSION).uint(1).bytes(&self.evidence);
        e.uint(2).bytes(&self.public_key).uint(3).bytes(&self.signature);
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.map("submission fields", 4)?;
        d.key(0)?;
        d.exactly("submission version", SUBMISSION_VERSION)?;
        d.key(1)?;
        let evidence = d.bytes("evidence bytes", MAX_BUNDLE_LEN)?.to_vec();
        d.key(2)?;
        let public_key = d.bytes("key bytes", MAX_KEY_LEN)?.to_vec();
        d.key(3)?;
        let signature = d.bytes("signature bytes", MAX_SIGNATURE_LEN)?.to_vec();
        Ok(Self { evidence, public_key, signature })
    }
}
