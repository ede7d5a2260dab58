//! The faults that the check host must survive: hostile modules, bad supply, a bad cache.
//!
//! ```text
//!  cargo test --release --test faults            every case, one line each: case → what happened
//!  cargo test --release --test faults -- NAME    the cases whose name contains NAME
//! ```
//! This program is its own compiler process, and its own second daemon: it starts itself again. A case
//! says what happened, and fails by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and prints"
)]

mod cache;
mod compiler;
mod disk;
mod guest;
mod running;
mod supply;

use std::{panic::catch_unwind, process::ExitCode};

/// A name, and what to do: it gives what happened.
type Case = (&'static str, fn() -> String);

fn main() -> ExitCode {
    if let Some(exit) = heliotrope_host::compile_if_asked() {
        return exit;
    }
    if let Some(exit) = cache::second_daemon() {
        return exit;
    }
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let cases =
        [running::CASES, supply::CASES, compiler::CASES, cache::CASES, disk::CASES].concat();
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    for (name, run) in cases {
        if filter.as_ref().is_some_and(|part| !name.contains(part.as_str())) {
            left_out += 1;
            continue;
        }
        match catch_unwind(run) {
            Ok(what) => {
                passed += 1;
                println!("{name:<58} {what}");
            }
            Err(_) => {
                failed += 1;
                println!("{name:<58} FAILED");
            }
        }
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {result}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {left_out} filtered out"
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
