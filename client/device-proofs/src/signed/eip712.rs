//! EIP-712 messages: the digest, and who signed it.
//!
//! ```text
//!  digest = keccak256(0x1901 ‖ domain separator ‖ struct hash)
//!  secp256k1: r ‖ s ‖ v, v = 27 or 28, recovered to an address        P-256: r ‖ s under a known key
//! ```
//! Low s only on both curves: a digest then has one signature per nonce and nobody but the signer can
//! make a second one. The struct hash is the caller's: it depends on the message's type.

use super::{SignedError, VerifyingKey};
use crate::registry::keccak256;
use crate::{Address, Bytes32};
use k256::ecdsa::{RecoveryId, Signature};

const DOMAIN_TYPE: &[u8] =
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const PREFIX: [u8; 2] = [0x19, 0x01];
/// `v` of a recovery id 0.
const V_BASE: u8 = 27;

/// Where a message is meant to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain<'a> {
    /// Name of the protocol.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Contract that will check the message.
    pub verifying_contract: Address,
}

impl Domain<'_> {
    /// The domain separator.
    #[must_use]
    pub fn separator(&self) -> Bytes32 {
        keccak256(&[
            &keccak256(&[DOMAIN_TYPE]),
            &keccak256(&[self.name.as_bytes()]),
            &keccak256(&[self.version.as_bytes()]),
            &[0; 24],
            &self.chain_id.to_be_bytes(),
            &[0; 12],
            &self.verifying_contract,
        ])
    }
}

/// What is signed.
#[must_use]
pub fn digest(domain_separator: &Bytes32, struct_hash: &Bytes32) -> Bytes32 {
    keccak256(&[&PREFIX, domain_separator, struct_hash])
}

/// The address whose key signed `digest`.
///
/// # Errors
/// If the signature is not `r ‖ s ‖ v` with low s and v 27 or 28, or no key could have made it.
pub fn recover(digest: &Bytes32, signature: &[u8; 65]) -> Result<Address, SignedError> {
    let form = || SignedError::SignatureForm { got: 65, expected: "r, s and v = 27 or 28" };
    let (v, numbers) = signature.split_last().ok_or_else(form)?;
    let id = v.checked_sub(V_BASE).filter(|id| *id < 2).and_then(RecoveryId::from_byte);
    let id = id.ok_or_else(form)?;
    let numbers = Signature::from_slice(numbers).map_err(|_| form())?;
    if numbers.normalize_s() != numbers {
        return Err(SignedError::HighS);
    }
    let key = k256::ecdsa::VerifyingKey::recover_from_prehash(digest, &numbers, id);
    let point = key.map_err(|_| SignedError::Signature)?.to_sec1_point(false);
    let [_, coordinates @ ..] = point.as_bytes() else {
        return Err(SignedError::Signature);
    };
    keccak256(&[coordinates]).last_chunk().copied().ok_or(SignedError::Signature)
}

/// Checks that `signature` (r ‖ s, low s) over `digest` is of a P-256 key.
///
/// # Errors
/// If the key is not P-256, or the signature is malformed or not this key's.
pub fn verify_p256(
    digest: &Bytes32,
    signature: &[u8; 64],
    key: &VerifyingKey,
) -> Result<(), SignedError> {
    key.verify_digest(digest, signature)
}
