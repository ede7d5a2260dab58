//! RSA keys of mobile radios (`TrustZone`), in the binary form of the Helium network.
//!
//! ```text
//!  type byte ‖ u16be(len n + len e) ‖ u16be(len n) ‖ n ‖ e          numbers big endian, no leading zero
//!  signature: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2), as long as n
//! ```
//! (`helium/helium-crypto-rs`, `src/rsa/mod.rs`, Apache-2.0; re-stated.) The crate `rsa` verifies by
//! encoding what must be signed and comparing all of it, so there is no padding to be forged. Only
//! public keys exist here; its side channel in private operations (RUSTSEC-2023-0071) cannot matter.

use super::KeyError;
use ::rsa::{BoxedUint, Pkcs1v15Sign, PublicKey};

/// Smallest modulus in bits: what the network's radios have, and the least that is still sound.
pub const MIN_MODULUS_BITS: u32 = 2048;
/// Largest modulus in bits.
pub const MAX_MODULUS_BITS: u32 = 4096;
/// Longest public exponent in bytes; the common one, 65537, has three.
const MAX_EXPONENT_LEN: usize = 4;
/// Longest key in binary form.
pub(super) const MAX_KEY_LEN: usize = 1 + 4 + MAX_MODULUS_BITS as usize / 8 + MAX_EXPONENT_LEN;
/// ASN.1 `DigestInfo` of a SHA-256 digest, RFC 8017 §9.2 note 1.
const SHA256_DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];
const SHA256_LEN: usize = 32;

/// Reads a key without its type byte.
pub(super) fn read(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    let shape = || KeyError::RsaShape { got: bytes.len() };
    let (total, rest) = bytes.split_first_chunk::<2>().ok_or_else(shape)?;
    let (modulus_len, numbers) = rest.split_first_chunk::<2>().ok_or_else(shape)?;
    if usize::from(u16::from_be_bytes(*total)) != numbers.len() {
        return Err(shape());
    }
    let modulus_len = usize::from(u16::from_be_bytes(*modulus_len));
    let (modulus, exponent) = numbers.split_at_checked(modulus_len).ok_or_else(shape)?;
    // a leading zero would be a second form of the same key
    let leads = |number: &[u8]| number.first().is_some_and(|first| *first != 0);
    if !leads(modulus) || !leads(exponent) || exponent.len() > MAX_EXPONENT_LEN {
        return Err(shape());
    }
    let max = MAX_MODULUS_BITS / 8;
    if u32::try_from(modulus.len()).is_ok_and(|len| len > max) {
        return Err(shape());
    }
    let number = BoxedUint::from_be_slice_vartime(modulus);
    let bits = number.bit_width_vartime();
    if bits < MIN_MODULUS_BITS {
        return Err(KeyError::RsaModulus { got: bits, expected: MIN_MODULUS_BITS });
    }
    PublicKey::new(number, BoxedUint::from_be_slice_vartime(exponent)).map_err(|_| shape())
}

/// Whether `signature` is over `message`.
pub(super) fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let scheme = Pkcs1v15Sign { hash_len: Some(SHA256_LEN), prefix: Box::from(SHA256_DIGEST_INFO) };
    key.verify(scheme, &crate::sha256(message), signature).is_ok()
}
