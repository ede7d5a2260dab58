//! Builds everything, starts the parts, and tests them together.
//!
//! ```text
//! cargo demo      ─▶ setup ─▶ contracts ─▶ checks ─▶ web ─▶ anvil + devchain + gateway + fleet
//! cargo test-all  ─▶ setup ─▶ every suite there is ─▶ a count
//! ```
//!
//! Everything here is for development: the chain's keys are public, the fleet is simulated. What
//! it drives is real: the node, the contracts, the gateway process, the browser.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::missing_errors_doc,
    clippy::disallowed_methods,
    reason = "a development tool: it prints, it reads the clock, and it may stop with an error"
)]

pub mod bench;
pub mod bench_host;
mod browser_tests;
pub mod change;
pub mod checks_build;
pub mod command;
pub mod conformance;
pub mod contract_set;
pub mod contracts_build;
pub mod demo;
pub mod deploy;
pub mod devchain;
pub mod fleet;
pub mod frauds;
pub mod fuzz;
pub mod gate;
pub mod governance;
pub mod lie;
pub mod lie_settlement;
pub mod live;
pub mod lying_rpc;
pub mod mirror;
pub mod new_check;
pub mod pdp;
pub mod process;
pub mod progress;
pub mod quorum;
pub mod serve_rpc;
mod settings;
pub mod setup;
pub mod tally;
pub mod test;
pub mod web_build;
pub mod world;
