//! BLS signatures as the consensus specification uses them (ciphersuite
//! `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_`), over `blst`.
//!
//! Checked here: canonical compressed encodings, subgroup membership of keys and signature, and that no key is the
//! point at infinity.

use blst::min_pk::{AggregatePublicKey, PublicKey, Signature};
use blst::{BLST_ERROR, Pairing, blst_p1_affine, blst_p2_affine};
use sha2::{Digest as _, Sha256};

use super::types::{BlsPublicKey, BlsSignature, SyncCommittee};

/// Domain separation tag of the proof-of-possession ciphersuite.
pub const DST: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
/// Bit of a compressed point that tells which of the two y it is.
const SIGN_BIT: u8 = 0x20;
/// Bit of a compressed point that says it is infinity.
const INFINITY_BIT: u8 = 0x40;

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BlsError {
    /// Nobody signed.
    #[error("no public keys")]
    NoPublicKeys,
    /// A key is not the compressed encoding of a point of the subgroup, or is infinity.
    #[error("public key {index} is not a valid point")]
    PublicKey {
        /// Position among the keys given.
        index: usize,
    },
    /// The committee's aggregate key is not a valid point.
    #[error("aggregate public key is not a valid point")]
    AggregatePublicKey,
    /// The signature is not the compressed encoding of a point of the subgroup.
    #[error("signature is not a valid point")]
    SignaturePoint,
    /// The pairing does not hold.
    #[error("signature does not match message and keys")]
    Mismatch,
}

fn verify(key: &PublicKey, message: &[u8; 32], signature: &BlsSignature) -> Result<(), BlsError> {
    let signature = Signature::from_bytes(signature).map_err(|_| BlsError::SignaturePoint)?;
    match signature.verify(true, message, DST, &[], key, true) {
        BLST_ERROR::BLST_SUCCESS => Ok(()),
        BLST_ERROR::BLST_POINT_NOT_IN_GROUP => Err(BlsError::SignaturePoint),
        BLST_ERROR::BLST_PK_IS_INFINITY => Err(BlsError::AggregatePublicKey),
        _ => Err(BlsError::Mismatch),
    }
}

/// `bls.FastAggregateVerify`: every key is validated (encoding, subgroup, not infinity).
///
/// # Errors
///
/// When there are no keys, a key or the signature is invalid, or the signature does not match.
pub fn fast_aggregate_verify<'a>(
    pubkeys: impl IntoIterator<Item = &'a BlsPublicKey>,
    message: &[u8; 32],
    signature: &BlsSignature,
) -> Result<(), BlsError> {
    verify(&add(pubkeys)?, message, signature)
}

/// The sum of validated keys.
fn add<'a>(pubkeys: impl IntoIterator<Item = &'a BlsPublicKey>) -> Result<PublicKey, BlsError> {
    let mut sum: Option<AggregatePublicKey> = None;
    for (index, bytes) in pubkeys.into_iter().enumerate() {
        let key = PublicKey::key_validate(bytes).map_err(|_| BlsError::PublicKey { index })?;
        match &mut sum {
            None => sum = Some(AggregatePublicKey::from_public_key(&key)),
            Some(sum) => {
                sum.add_public_key(&key, false).map_err(|_| BlsError::PublicKey { index })?;
            }
        }
    }
    Ok(sum.ok_or(BlsError::NoPublicKeys)?.to_public_key())
}

/// Verifies the signature of the members of `committee` whose `participation` is true.
///
/// # Errors
///
/// As [`fast_aggregate_verify`].
pub fn verify_sync_committee_signature(
    committee: &SyncCommittee,
    participation: &[bool],
    message: &[u8; 32],
    signature: &BlsSignature,
) -> Result<(), BlsError> {
    verify(&participants_key(committee, participation)?, message, signature)
}

/// The key of the members whose `participation` is true: the proven aggregate less those absent, where they are fewer.
pub(super) fn participants_key(
    committee: &SyncCommittee,
    participation: &[bool],
) -> Result<PublicKey, BlsError> {
    let present = participation.iter().filter(|bit| **bit).count();
    if present == 0 {
        return Err(BlsError::NoPublicKeys);
    }
    let members = || committee.pubkeys.iter().zip(participation);
    if present.saturating_mul(2) <= participation.len() {
        return add(members().filter(|(_, bit)| **bit).map(|(key, _)| key));
    }
    let absent = members().filter(|(_, bit)| !**bit).map(|(key, _)| key);
    subtract(&committee.aggregate_pubkey, absent)
}

/// `aggregate` without the keys of the `absent`, rather than the sum of up to 512 keys.
///
/// That is the same key: `aggregate_pubkey` is part of the committee, whose root was proven against a state root, and
/// the state transition (`get_next_sync_committee`) sets it to `eth_aggregate_pubkeys` of the proven `pubkeys`, each with
/// a proof of possession checked on deposit. The keys themselves stay bound by the root.
pub(super) fn subtract<'a>(
    aggregate: &BlsPublicKey,
    absent: impl IntoIterator<Item = &'a BlsPublicKey>,
) -> Result<PublicKey, BlsError> {
    let aggregate = PublicKey::key_validate(aggregate).map_err(|_| BlsError::AggregatePublicKey)?;
    let mut sum = AggregatePublicKey::from_public_key(&aggregate);
    for (index, key) in absent.into_iter().enumerate() {
        let mut negated = *key;
        if let Some(first) = negated.first_mut() {
            *first ^= SIGN_BIT;
        }
        let negated =
            PublicKey::key_validate(&negated).map_err(|_| BlsError::PublicKey { index })?;
        sum.add_public_key(&negated, false).map_err(|_| BlsError::PublicKey { index })?;
    }
    Ok(sum.to_public_key())
}

/// One signature of a batch: who signed what.
pub(super) struct SignedMessage {
    pub(super) key: PublicKey,
    pub(super) message: [u8; 32],
    pub(super) signature: BlsSignature,
}

impl SignedMessage {
    pub(super) fn verify(&self) -> Result<(), BlsError> {
        verify(&self.key, &self.message, &self.signature)
    }
}

/// Bits of the coefficients of a batch.
const COEFFICIENT_BITS: usize = 128;
const COEFFICIENT_BYTES: usize = COEFFICIENT_BITS / 8;

/// Whether all signatures hold, by one multi-pairing over a random linear combination.
///
/// The coefficients come from `seed`, which must be unknown to whoever made the signatures, and from all that they
/// multiply: a batch with a bad signature passes with a probability of 2^-128. Every signature is checked for its
/// subgroup, and no key may be infinity.
pub(super) fn verify_batch(batch: &[SignedMessage], seed: &[u8; 32]) -> Result<(), BlsError> {
    let mut transcript = Sha256::new_with_prefix(seed);
    for signed in batch {
        transcript.update(signed.key.compress());
        transcript.update(signed.message);
        transcript.update(signed.signature);
    }
    let transcript: [u8; 32] = transcript.finalize().into();
    let mut pairing = Pairing::new(true, DST);
    for (index, signed) in batch.iter().enumerate() {
        if signed.key.compress().first().is_none_or(|first| first & INFINITY_BIT != 0) {
            return Err(BlsError::AggregatePublicKey);
        }
        let signature = Signature::sig_validate(&signed.signature, true)
            .map_err(|_| BlsError::SignaturePoint)?;
        let (key, signature): (&blst_p1_affine, &blst_p2_affine) =
            ((&signed.key).into(), (&signature).into());
        let scalar = coefficient(&transcript, index);
        let message = &signed.message;
        let added = pairing.mul_n_aggregate(
            key,
            false,
            signature,
            false,
            &scalar,
            COEFFICIENT_BITS,
            message,
            &[],
        );
        if added != BLST_ERROR::BLST_SUCCESS {
            return Err(BlsError::Mismatch);
        }
    }
    pairing.commit();
    if pairing.finalverify(None) { Ok(()) } else { Err(BlsError::Mismatch) }
}

/// 128 bits, not all zero.
fn coefficient(transcript: &[u8; 32], index: usize) -> [u8; COEFFICIENT_BYTES] {
    let number = u64::try_from(index).unwrap_or(u64::MAX).to_le_bytes();
    let digest = Sha256::new_with_prefix(transcript).chain_update(number).finalize();
    let mut scalar = [0; COEFFICIENT_BYTES];
    scalar.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    if scalar == [0; COEFFICIENT_BYTES] {
        scalar = [1; COEFFICIENT_BYTES];
    }
    scalar
}
