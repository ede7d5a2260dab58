//! The check modules: rules over authenticated evidence, pinned on chain by the hash of their wasm.
//!
//! Each check is a folder of ordinary Rust here, testable natively, and one file in `src/bin/` that
//! exports it under the check ABI. The verdict that counts is the one of the pinned wasm: its
//! logarithm differs from a native one in the last bits.
//!
//! A module has no imports: no clock, no randomness, no network. It trusts its caller for two
//! things: the evidence is authenticated, and the facts are proven. Both are checked again by
//! whoever verifies the verdict.

pub mod coverage_map;
pub mod coverage_radio;
pub mod data_transfer;
mod device;
mod facts;
pub mod guest;
pub mod judge;
pub mod storage_commp;
pub mod storage_pdp;
