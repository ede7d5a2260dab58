//! The sync engine over the verifier: which bytes to fetch, from whom, and what to keep.
//!
//! ```text
//! web worker ─┐                       ┌─▶ heliotrope-verifier (rules)
//! gateway    ─┴─▶ LightClient<P> ─────┤
//!                                     └─▶ P: Platform (fetch, load, store, now, sleep)
//! ```
//!
//! The engine decides nothing about validity: every answer goes through the verifier, and what the
//! [`platform::Platform`] returns is untrusted, stored bytes included.

pub mod beacon_api;
pub mod checkpoint;
mod decode;
pub mod engine;
pub mod execution;
#[cfg(feature = "native")]
pub mod native;
pub mod network;
pub mod platform;
pub mod recording;

pub use engine::{LightClient, SyncCost, SyncError};
