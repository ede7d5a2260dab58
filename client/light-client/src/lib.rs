//! The sync engine over the verifier: which bytes to fetch, from whom, and what to keep.
//!
//! ```text
//! web worker ─┐                       ┌─▶ heliotrope-verifier (rules)
//! gateway    ─┴─▶ LightClient<P> ─────┤
//!                                     └─▶ P: Platform (fetch, load, store, now, sleep, random)
//! ```
//!
//! The engine decides nothing about validity: every answer goes through the verifier, and what the
//! [`platform::Platform`] returns is untrusted, stored bytes included.

pub mod beacon_api;
pub mod checkpoint;
pub mod decode;
pub mod engine;
mod error;
#[cfg(feature = "reads")]
pub mod evidence;
pub mod execution;
mod following;
mod journal;
#[cfg(feature = "native")]
pub mod native;
pub mod network;
pub mod platform;
#[cfg(feature = "proof-chain")]
pub mod proof_chain;
#[cfg(feature = "reads")]
pub mod reads;
pub mod recording;
pub mod sources;

pub use engine::{LightClient, Settings, SyncCost};
pub use error::SyncError;
pub use following::Form;
