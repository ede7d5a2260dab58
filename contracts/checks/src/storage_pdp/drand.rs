//! The drand beacon, scheme `bls-unchained-g1-rfc9380`: signatures in G1, keys in G2, the message of a
//! round is `sha256(u64be round)`.
//!
//! Checked here: canonical compressed encodings, curve and subgroup membership of key and signature, that
//! neither is the point at infinity, and the pairing equation. Pure Rust: with a C library in the module
//! its bytes, and so its pinned hash, would depend on the C compiler that builds it.

use ark_bls12_381::{Bls12_381, G1Affine, G1Projective, G2Affine, g1};
use ark_ec::AffineRepr as _;
use ark_ec::hashing::HashToCurve as _;
use ark_ec::hashing::curve_maps::wb::WBMap;
use ark_ec::hashing::map_to_curve_hasher::MapToCurveBasedHasher;
use ark_ec::pairing::Pairing as _;
use ark_ff::{One as _, field_hashers::DefaultFieldHasher};
use ark_serialize::CanonicalDeserialize as _;
use heliotrope_device_proofs::pdp::{Beacon, DRAND_KEY_LEN, DRAND_SIGNATURE_LEN};
use heliotrope_device_proofs::{Bytes32, sha256};
use sha2_for_ark::Sha256;
use std::ops::Neg as _;

/// Domain separation tag of the scheme.
const DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

type Hasher =
    MapToCurveBasedHasher<G1Projective, DefaultFieldHasher<Sha256, 128>, WBMap<g1::Config>>;

/// Whether the beacon is signed by the network with this key.
#[must_use]
pub fn is_signed(beacon: &Beacon, public_key: &[u8; DRAND_KEY_LEN]) -> bool {
    let message: Bytes32 = sha256(&beacon.round.to_be_bytes());
    let points = signature_point(&beacon.signature).zip(key_point(public_key));
    let hashed = Hasher::new(DST).and_then(|hasher| hasher.hash(&message)).ok();
    let Some(((signature, key), hashed)) = points.zip(hashed) else {
        return false;
    };
    // e(signature, −G2) · e(H(message), key) = 1
    Bls12_381::multi_pairing([signature, hashed], [G2Affine::generator().neg(), key]).0.is_one()
}

fn signature_point(bytes: &[u8; DRAND_SIGNATURE_LEN]) -> Option<G1Affine> {
    G1Affine::deserialize_compressed(bytes.as_slice()).ok().filter(|point| !point.is_zero())
}

fn key_point(bytes: &[u8; DRAND_KEY_LEN]) -> Option<G2Affine> {
    G2Affine::deserialize_compressed(bytes.as_slice()).ok().filter(|point| !point.is_zero())
}
