//! `eth_call` and gas estimates on proven state: `revm` executes, and every account, slot, byte of
//! code and block hash that it reads is one that the caller has proven before.
//!
//! ```text
//! call ─▶ revm ─▶ reads ProvenState ─▶ there: go on
//!           ▲                       └─▶ not there: EvmError::Missing ─▶ the caller proves it
//!           └───────────────────────────────────────────────────────────────┘ and calls again
//! ```
//!
//! A crate of its own, because it is the heaviest thing that a light client can carry: built with the
//! feature `chunk` it is a wasm by itself, for a page to load with its first call. No I/O and no clock
//! here.

mod block;
#[cfg(feature = "chunk")]
pub mod chunk;
mod estimate;
mod execute;
mod state;

pub use block::{BlockContext, blob_base_fee_update_fraction, spec_at};
pub use estimate::estimate_gas;
pub use execute::{Call, CallOutcome, EvmError, call};
pub use revm::primitives::hardfork::SpecId;
pub use state::{Missing, ProvenState, StateError};
