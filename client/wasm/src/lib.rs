//! The verifier in a web worker: the browser face of the Heliotrope client.
//!
//! ```text
//!   map (its own wasm)  ── ToWorker ──►  worker.js + this wasm  ── fetch ──►  any gateway, CDN, RPC (all untrusted)
//!                       ◄─ FromWorker ──                        ── store ──►  IndexedDB (untrusted again when read back)
//! ```
//!
//! What it trusts: the checkpoint that the user names or on which independent sources agree, and the
//! browser's own WebAssembly engine and clock. Every other byte is checked here before it is called
//! *verified*.
//!
//! Without the feature `worker` only [`protocol`] is left, so the map does not carry the verifier.

pub mod protocol;

// blst calls it
#[cfg(all(feature = "worker", target_arch = "wasm32"))]
use heliotrope_bls_field as _;

#[cfg(feature = "worker")]
mod bundle;
#[cfg(feature = "worker")]
mod call;
#[cfg(feature = "worker")]
mod chain_view;
#[cfg(feature = "worker")]
mod compare;
#[cfg(feature = "worker")]
mod emit;
#[cfg(feature = "worker")]
mod evidence;
#[cfg(feature = "worker")]
mod leaf;
#[cfg(feature = "worker")]
mod ledger;
#[cfg(feature = "worker")]
mod module;
#[cfg(feature = "worker")]
pub mod node;
#[cfg(feature = "worker")]
mod platform;
#[cfg(feature = "worker")]
mod report;
#[cfg(feature = "worker")]
mod session;
#[cfg(feature = "worker")]
mod sync;
#[cfg(feature = "worker")]
mod versions;
#[cfg(feature = "worker")]
pub mod worker;
