//! Evidence that comes as a whole, of every kind, through the real gateway: handed in, settled, proven into a file and
//! judged offline; and handed in again, which counts once.
//!
//! | kind | check under the pin | what the facts come from |
//! |---|---|---|
//! | possession | `storage-pdp` | `contracts/test/PossessionVerifier.sol` |
//! | piece | `storage-commp` | a block hash that the chain keeps (EIP-2935) |
//! | data transfer | `data-transfer` | words set by a constructor |
//! | coverage map | `coverage-map` | device registry, `contracts/test/OracleDigests.sol` |
//! | radio, version 2 | `coverage-radio`, `strict-1` | device registry, `contracts/test/Standings.sol`, EIP-2935 |
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod coverage_map;
mod data_transfer;
mod mobile;
mod on_air;
mod piece;
mod places;
mod possession;
mod provenance;
mod radio;
mod stage;
