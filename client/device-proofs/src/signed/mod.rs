//! Signed forms that devices outside the Helium network use: a COSE envelope, a JSON web token, an
//! EIP-712 message.
//!
//! ```text
//!  bytes ─ decode (one form, bounded) ─ pinned algorithm ─ verify under a key from elsewhere ─ payload
//! ```
//! Each takes exactly one encoding of its envelope. The key is never taken from the envelope: whoever
//! calls names it, from a registry. The payload is handed out unread; what it means, whether it is
//! fresh and whether it was seen before is not checked here.
//!
//! ES256 signatures come in pairs (s and n − s) that both verify, as their specifications have it:
//! never use a signature as an identifier. EIP-712 takes the low one only, as contracts do.

pub mod cose;
pub mod eip712;
pub mod jwt;

use crate::cbor::CborError;
use p256::ecdsa::signature::{Verifier as _, hazmat::PrehashVerifier as _};

/// Largest envelope in bytes.
pub const MAX_SIGNED_LEN: usize = 64 * 1024;

/// Why bytes are not a signed message of this form under this key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedError {
    /// Too long.
    #[error("envelope of {got} bytes, expected at most {expected}")]
    Size {
        /// Length found.
        got: usize,
        /// Limit.
        expected: usize,
    },
    /// Not deterministic CBOR of the shape.
    #[error("not a COSE_Sign1 message: {0}")]
    Cbor(#[from] CborError),
    /// Not a token of three base64url parts.
    #[error("token part {part} is not {expected}")]
    Token {
        /// Which part, counted from 0.
        part: usize,
        /// What it must be.
        expected: &'static str,
    },
    /// Another algorithm than the key has.
    #[error("algorithm {got}, expected {expected}")]
    Algorithm {
        /// Algorithm named by the envelope.
        got: String,
        /// Algorithm of the key.
        expected: &'static str,
    },
    /// The key bytes are no valid key.
    #[error("not a valid {expected} key")]
    Key {
        /// Kind of key.
        expected: &'static str,
    },
    /// A signature of another length or with numbers out of range.
    #[error("signature of {got} bytes is not {expected}")]
    SignatureForm {
        /// Length found.
        got: usize,
        /// Form wanted.
        expected: &'static str,
    },
    /// The second of the two signatures that ECDSA allows.
    #[error("signature has the high s value, expected the low one")]
    HighS,
    /// The signature is not this key's over this message.
    #[error("signature does not verify")]
    Signature,
}

/// A key that a registry names for a device.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyingKey(Inner);

#[derive(Clone, Debug, PartialEq)]
enum Inner {
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256; r and s, 32 bytes each.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl VerifyingKey {
    /// A P-256 key as an uncompressed or compressed SEC1 point.
    ///
    /// # Errors
    /// [`SignedError::Key`] if it is no point of the curve.
    pub fn p256(sec1: &[u8]) -> Result<Self, SignedError> {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(sec1);
        Ok(Self(Inner::P256(key.map_err(|_| SignedError::Key { expected: "P-256" })?)))
    }

    /// An Ed25519 key.
    ///
    /// # Errors
    /// [`SignedError::Key`] if it is no point of the curve, or one of small order.
    pub fn ed25519(bytes: &[u8; 32]) -> Result<Self, SignedError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak());
        Ok(Self(Inner::Ed25519(key.ok_or(SignedError::Key { expected: "ed25519" })?)))
    }

    /// What it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Inner::P256(_) => Algorithm::Es256,
            Inner::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignedError> {
        let form = SignedError::SignatureForm { got: signature.len(), expected: "64 raw bytes" };
        let valid = match &self.0 {
            Inner::P256(key) => {
                let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| form)?;
                key.verify(message, &signature).is_ok()
            }
            Inner::Ed25519(key) => {
                let signature = ed25519_dalek::Signature::from_slice(signature);
                key.verify_strict(message, &signature.map_err(|_| form)?).is_ok()
            }
        };
        if valid { Ok(()) } else { Err(SignedError::Signature) }
    }

    /// ECDSA on P-256 over a digest, low s only.
    fn verify_digest(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), SignedError> {
        let Inner::P256(key) = &self.0 else {
            return Err(SignedError::Key { expected: "P-256" });
        };
        let form = SignedError::SignatureForm { got: signature.len(), expected: "64 raw bytes" };
        let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| form)?;
        if signature.normalize_s() != signature {
            return Err(SignedError::HighS);
        }
        key.verify_prehash(digest, &signature).map_err(|_| SignedError::Signature)
    }
}

const fn bounded(len: usize) -> Result<(), SignedError> {
    if len > MAX_SIGNED_LEN {
        return Err(SignedError::Size { got: len, expected: MAX_SIGNED_LEN });
    }
    Ok(())
}
