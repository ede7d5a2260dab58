//! The field arithmetic of BLS12-381, as blst calls it, for engines that have no carry flag.
//!
//! blst keeps this arithmetic in assembly, one file for each processor; for wasm32 it falls back to portable C, whose
//! inner loop is a chain of dependent additions. This crate is that file for wasm32: a binary that links it replaces
//! those functions, one that does not keeps the C (`include/heliotrope_blst.h`, which the compiler is told to read
//! first in `.cargo/config.toml`). The arithmetic is safe Rust, tested natively against big integers; only
//! `exports.rs` touches pointers.
//!
//! Nothing here runs in constant time: it serves the verification of public data, never a secret.
#![cfg_attr(not(test), no_std)]
#![cfg(any(test, target_arch = "wasm32"))]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "indices are constants; the tests run with overflow checks"
)]

mod columns;
#[cfg(target_arch = "wasm32")]
mod exports;
mod field;
mod limbs;
mod pairs;
#[cfg(test)]
mod tests;
