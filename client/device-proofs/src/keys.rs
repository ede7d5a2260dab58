//! Device keys in the binary form of the Helium network, and their signatures.
//!
//! ```text
//!  byte 0: network (0x00 main, 0x10 test) | type      then the key
//!  type 0: ecc_compact  P-256 as its x coordinate, y = min(y, p − y); ECDSA-SHA256, DER
//!  type 1: ed25519      32 bytes; 64-byte signature
//!  type 3: secp256k1    33 bytes compressed; ECDSA-SHA256, DER, low s only
//!  type 4: RSA          modulus and exponent; PKCS#1 v1.5 with SHA-256, see `rsa`
//! ```
//! (`helium/helium-crypto-rs`, Apache-2.0; re-stated.) The text form is base58check with a leading
//! version byte 0. Of the two P-256 signatures (s and n − s) both verify, as upstream: nothing here
//! uses a signature as an identifier.

mod rsa;

pub use rsa::{MAX_MODULUS_BITS, MIN_MODULUS_BITS};

use crate::merkle::Hex;
use p256::ecdsa::signature::Verifier as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;

const NETWORK_MASK: u8 = 0xf0;
const NETWORK_TEST: u8 = 0x10;
const TYPE_ECC_COMPACT: u8 = 0;
const TYPE_ED25519: u8 = 1;
const TYPE_SECP256K1: u8 = 3;
const TYPE_RSA: u8 = 4;
/// Longest text form: base58 takes fewer than 1.4 characters for a byte; 5 bytes frame the key.
const MAX_TEXT_LEN: usize = (rsa::MAX_KEY_LEN + 5) * 7 / 5;
/// What a message quotes of a text that is no key.
const QUOTED_LEN: usize = 64;

/// Why bytes are not a device key, or a signature is not that key's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The first byte names no key type we know.
    #[error("key type byte {got:#04x} is not known")]
    Type {
        /// The byte.
        got: u8,
    },
    /// The key has another length than its type has.
    #[error("key of {got} bytes, expected {expected}")]
    Length {
        /// Length found.
        got: usize,
        /// Length of this type.
        expected: usize,
    },
    /// The bytes are not a point of the curve, or not its compact form.
    #[error("key {} is not a valid {curve} point", Hex(got))]
    Point {
        /// The key bytes.
        got: Vec<u8>,
        /// Name of the curve.
        curve: &'static str,
    },
    /// The lengths in an RSA key do not add up, a number has a leading zero, or is out of range.
    #[error("RSA key of {got} bytes is not in its one form")]
    RsaShape {
        /// Length without the type byte.
        got: usize,
    },
    /// The modulus of an RSA key is too short.
    #[error("RSA modulus of {got} bits, expected at least {expected}")]
    RsaModulus {
        /// Its length in bits.
        got: u32,
        /// The least.
        expected: u32,
    },
    /// The text is not base58 with a good checksum and version 0.
    #[error("key text {got:?} is not base58check of version 0")]
    Text {
        /// The text.
        got: String,
    },
    /// The signature has a form that this key type does not have.
    #[error("signature of {got} bytes is not in the form of {expected}")]
    SignatureForm {
        /// Length of the signature.
        got: usize,
        /// Form wanted.
        expected: &'static str,
    },
    /// The second of the two signatures that ECDSA allows.
    #[error("signature has the high s value, expected the low one")]
    HighS,
    /// The signature is not this key's over this message.
    #[error("signature does not verify under key {}", Hex(key))]
    Signature {
        /// The key, binary form.
        key: Vec<u8>,
    },
}

#[derive(Clone, Debug, PartialEq)]
enum Inner {
    EccCompact(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
    Secp256k1(k256::ecdsa::VerifyingKey),
    Rsa(Box<::rsa::PublicKey>),
}

/// A valid device key.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicKey {
    inner: Inner,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Reads the binary form.
    ///
    /// # Errors
    /// If the type is unknown, the length is wrong, or it is no valid point.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let Some((&first, key)) = bytes.split_first() else {
            return Err(KeyError::Length { got: 0, expected: 33 });
        };
        if first & NETWORK_MASK & !NETWORK_TEST != 0 {
            return Err(KeyError::Type { got: first });
        }
        let point = |curve| KeyError::Point { got: bytes.to_vec(), curve };
        let length = |expected| KeyError::Length { got: bytes.len(), expected };
        let inner = match first & !NETWORK_MASK {
            TYPE_ECC_COMPACT => {
                let x = <[u8; 32]>::try_from(key).map_err(|_| length(33))?;
                Inner::EccCompact(decompact(&x).ok_or_else(|| point("P-256"))?)
            }
            TYPE_ED25519 => {
                let key = <[u8; 32]>::try_from(key).map_err(|_| length(33))?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(&key);
                let key = key.map_err(|_| point("ed25519"))?;
                if key.is_weak() {
                    return Err(point("ed25519"));
                }
                Inner::Ed25519(key)
            }
            TYPE_SECP256K1 => {
                let key = <[u8; 33]>::try_from(key).map_err(|_| length(34))?;
                let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(&key);
                Inner::Secp256k1(key.map_err(|_| point("secp256k1"))?)
            }
            TYPE_RSA => Inner::Rsa(Box::new(rsa::read(key)?)),
            _ => return Err(KeyError::Type { got: first }),
        };
        Ok(Self { inner, bytes: bytes.to_vec() })
    }

    /// Reads the text form (base58check).
    ///
    /// # Errors
    /// If the text or the key in it is not valid.
    pub fn from_b58(text: &str) -> Result<Self, KeyError> {
        let bad = || KeyError::Text { got: text.chars().take(QUOTED_LEN).collect() };
        if text.len() > MAX_TEXT_LEN {
            return Err(bad());
        }
        let raw = bs58::decode(text).into_vec().map_err(|_| bad())?;
        let (payload, checksum) = raw.split_last_chunk::<4>().ok_or_else(bad)?;
        if checksum_of(payload) != *checksum {
            return Err(bad());
        }
        match payload.split_first() {
            Some((0, key)) => Self::from_bytes(key),
            _ => Err(bad()),
        }
    }

    /// The binary form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text form (base58check).
    #[must_use]
    pub fn to_b58(&self) -> String {
        b58(&self.bytes)
    }

    /// Checks that `signature` is this key's over `message`.
    ///
    /// # Errors
    /// If it is not, or not in the one form this key type takes.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        let form = |expected| KeyError::SignatureForm { got: signature.len(), expected };
        let valid = match &self.inner {
            Inner::EccCompact(key) => {
                let sig = p256::ecdsa::Signature::from_der(signature).map_err(|_| form("DER"))?;
                key.verify(message, &sig).is_ok()
            }
            Inner::Ed25519(key) => {
                let sig = ed25519_dalek::Signature::from_slice(signature);
                let sig = sig.map_err(|_| form("64 raw bytes"))?;
                key.verify_strict(message, &sig).is_ok()
            }
            Inner::Secp256k1(key) => {
                let sig = k256::ecdsa::Signature::from_der(signature).map_err(|_| form("DER"))?;
                if sig.normalize_s() != sig {
                    return Err(KeyError::HighS);
                }
                key.verify(message, &sig).is_ok()
            }
            Inner::Rsa(key) => rsa::verifies(key, message, signature),
        };
        if valid { Ok(()) } else { Err(KeyError::Signature { key: self.bytes.clone() }) }
    }
}

/// The text form of key bytes, valid or not, for messages to people.
#[must_use]
pub fn b58(key: &[u8]) -> String {
    let mut raw = vec![0];
    raw.extend_from_slice(key);
    raw.extend_from_slice(&checksum_of(&raw));
    bs58::encode(raw).into_string()
}

fn checksum_of(payload: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = crate::sha256(&crate::sha256(payload));
    [a, b, c, d]
}

/// The compact form keeps x; y is the smaller of the two roots, which is the one that
/// `PublicKey`s of this network are chosen to have.
fn decompact(x: &[u8; 32]) -> Option<p256::ecdsa::VerifyingKey> {
    let mut even = [0; 33];
    let (tag, rest) = even.split_first_mut()?;
    *tag = 2;
    rest.copy_from_slice(x);
    let mut odd = even;
    *odd.first_mut()? = 3;
    let even = p256::ecdsa::VerifyingKey::from_sec1_bytes(&even).ok()?;
    let odd = p256::ecdsa::VerifyingKey::from_sec1_bytes(&odd).ok()?;
    let y = |key: &p256::ecdsa::VerifyingKey| key.as_affine().to_sec1_point(false).y().copied();
    if y(&even) <= y(&odd) { Some(even) } else { Some(odd) }
}
