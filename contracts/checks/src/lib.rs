//! The check modules: rules over authenticated evidence, pinned on chain by the hash of their wasm.
//!
//! Each check is a folder of ordinary Rust here, testable natively, and one file in `src/bin/` that
//! exports it under the check ABI. The verdict that counts is the one of the pinned wasm: its
//! logarithm differs from a native one in the last bits.
//!
//! A module has no imports: no clock, no randomness, no network. It trusts its caller for two
//! things: the evidence is authenticated, and the facts are proven. Both are checked again by
//! whoever verifies the verdict.
//!
//! `docs/writing-a-check.md` says how to add one.

#![cfg_attr(not(feature = "all"), allow(dead_code, reason = "a module is built with one check"))]

#[cfg(any(feature = "all", feature = "coverage-map"))]
pub mod coverage_map;
#[cfg(any(feature = "all", feature = "coverage-radio"))]
pub mod coverage_radio;
#[cfg(any(feature = "all", feature = "data-transfer"))]
pub mod data_transfer;
mod device;
#[cfg(any(feature = "all", feature = "coverage-map", feature = "coverage-radio"))]
mod distance;
mod facts;
pub mod guest;
mod heap;
pub mod judge;
#[cfg(feature = "parts")]
pub mod parts;
#[cfg(any(feature = "all", feature = "storage-commp"))]
pub mod storage_commp;
#[cfg(any(feature = "all", feature = "storage-pdp"))]
pub mod storage_pdp;
#[cfg(test)]
mod vectors;

/// A check, as its module exports it.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name, of which its id is the keccak256.
    pub name: &'static str,
    /// What it says about itself.
    pub describe: fn() -> Vec<u8>,
    /// The facts that evidence needs under parameters; `None` refuses.
    pub plan: fn(&[u8], &[u8]) -> Option<Vec<u8>>,
    /// The output for an input; `None` refuses.
    pub check: fn(&[u8]) -> Option<Vec<u8>>,
}

macro_rules! checks {
    ($($module:ident = $feature:literal,)+) => {
        /// Every check, by name.
        pub const CHECKS: &[Check] = &[$(
            #[cfg(any(feature = "all", feature = $feature))]
            Check {
                name: $module::NAME,
                describe: || $module::describe().encode(),
                plan: |evidence, params| Some($module::plan(evidence, params).ok()?.encode()),
                check: |input| Some($module::check(input).ok()?.encode()),
            },
        )+];
    };
}

checks! {
    coverage_map = "coverage-map",
    coverage_radio = "coverage-radio",
    data_transfer = "data-transfer",
    storage_commp = "storage-commp",
    storage_pdp = "storage-pdp",
}
