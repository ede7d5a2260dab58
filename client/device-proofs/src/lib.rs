//! Device reports as real networks send them, the evidence bundle that keeps them verifiable, and
//! the bytes that go into and come out of a check module.
//!
//! ```text
//!  report bytes ─ decode (canonical) ─ authenticate ─┐
//!  report bytes ─ …                                  ├─ EvidenceBundle ─ check module ─ CheckOutput
//!  entropy ──────────────────────────────────────────┘        │                            │
//!                                                       evidence root                 verdict root
//!                                                                  └── fold ── coverage root ──┘
//! ```
//!
//! It trusts nobody: every decoder takes exactly one encoding, and a report counts only with the
//! device's own signature. It does not know whether a device key is registered: that is a chain
//! fact, proven elsewhere and handed to the check module.
//!
//! Receive times are asserted by the gateway that took the report in; no device signs them.
//!
//! Without the feature `verify` there is no signature code: that is how check modules use it. The
//! feature `module` adds the gate that modules pass before they run.

pub mod abi;
pub mod bundle;
pub mod calldata;
pub mod cbor;
pub mod commp;
pub mod coverage;
pub mod coverage_map;
pub mod data_transfer;
pub mod epoch;
pub mod evidence;
pub mod fr32;
pub mod h3;
#[cfg(feature = "verify")]
pub mod keys;
pub mod merkle;
#[cfg(feature = "module")]
pub mod module;
pub mod pdp;
pub mod piece;
pub mod proof;
pub mod protobuf;
pub mod provenance;
pub mod radio;
pub mod registry;
pub mod report;
pub mod sha254;
#[cfg(feature = "verify")]
pub mod signed;
pub mod submission;
pub mod wire;

use sha2::{Digest as _, Sha256};

/// A 32-byte hash or word.
pub type Bytes32 = [u8; 32];
/// A 20-byte account address.
pub type Address = [u8; 20];

/// SHA-256 of `data`.
///
/// ```
/// assert_eq!(heliotrope_device_proofs::sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
/// ```
#[must_use]
pub fn sha256(data: &[u8]) -> Bytes32 {
    Sha256::digest(data).into()
}
