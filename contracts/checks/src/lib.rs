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

pub mod coverage_map;
pub mod coverage_radio;
pub mod data_transfer;
mod device;
mod facts;
pub mod guest;
mod heap;
pub mod judge;
pub mod storage_commp;
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

macro_rules! check {
    ($module:ident) => {
        Check {
            name: $module::NAME,
            describe: $module::describe_bytes,
            plan: $module::plan_bytes,
            check: $module::check_bytes,
        }
    };
}

/// Every check, by name.
pub const CHECKS: &[Check] = &[
    check!(coverage_map),
    check!(coverage_radio),
    check!(data_transfer),
    check!(storage_commp),
    check!(storage_pdp),
];
