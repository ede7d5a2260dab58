//! `cargo demo`, `cargo test-all` and the smaller doors beside them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool prints")]

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};
use heliotrope_harness::{
    bench::bench,
    bench_host::bench_host,
    checks_build::{build_checks, update_checks},
    command::workspace_root,
    conformance, contracts_build,
    demo::{DemoLie, DemoOptions, demo},
    fuzz::fuzz,
    live::live,
    new_check::new_check,
    test::{test_all, test_browser},
};

#[derive(Debug, Parser)]
#[command(name = "heliotrope-harness", about = "Builds, runs and tests Heliotrope")]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Build everything, start every part, say where to look. Ctrl-C stops it.
    Demo {
        /// Port of the page.
        #[arg(long, default_value_t = 8787)]
        port: u16,
        /// Gateways in the fleet.
        #[arg(long, default_value_t = 1_400)]
        gateways: u32,
        /// Seed of the fleet.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Change one byte of this link on its way to the page: device, check, commitment, header
        /// or checkpoint. Or let the proposer lie on chain: settlement.
        #[arg(long)]
        lie: Option<DemoLie>,
    },
    /// Run every test there is; the last line is the count.
    Test {
        /// Only those in the browser.
        #[arg(long)]
        browser: bool,
    },
    /// Run test vectors of others against our code.
    Conformance {
        /// Name of the suite.
        suite: String,
        /// Folder with the vectors.
        dir: PathBuf,
    },
    /// Measure the light client beside its peers.
    Bench,
    /// Measure the check host beside native code.
    BenchHost,
    /// Build the check modules and compare their digests with the manifest.
    Checks {
        /// Write the manifest instead.
        #[arg(long)]
        update: bool,
    },
    /// Lay out a check that works, to be changed rule by rule; docs/writing-a-check.md says how to go on.
    NewCheck {
        /// Its name: small letters and digits in words joined by dashes.
        name: String,
    },
    /// Give every decoder inputs that a fuzzer makes up; fails when one panics, hangs or swells.
    Fuzz {
        /// One target; all of them when none is named.
        target: Option<String>,
        /// Minutes for each.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
        minutes: u32,
    },
    /// Compare `serve-rpc` with a real beacon and execution node on a network of its own; takes ten minutes.
    Live,
    /// Compare the contracts' storage layouts with the committed ones.
    Layout {
        /// Write them instead.
        #[arg(long)]
        update: bool,
    },
}

fn main() -> Result<ExitCode> {
    let root = workspace_root();
    match Cli::parse_from(arguments()).command {
        Action::Demo { port, gateways, seed, lie } => {
            demo(&root, DemoOptions { port, gateways, seed, lie })?;
        }
        Action::Test { browser } => {
            let good = if browser { test_browser(&root)? } else { test_all(&root)? };
            return Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Action::Conformance { suite, dir } => return conformance::run(&suite, &dir),
        Action::Bench => bench(&root)?,
        Action::BenchHost => bench_host(&root)?,
        Action::Checks { update } => {
            let build = if update { update_checks } else { build_checks };
            for check in build(&root, &root.join("target/heliotrope/checks"))? {
                println!("{} {} {} bytes", hex::encode(check.sha256), check.name, check.size);
            }
        }
        Action::NewCheck { name } => {
            for file in new_check(&root, &name)? {
                println!("{}", file.display());
            }
            println!("next: docs/writing-a-check.md");
        }
        Action::Fuzz { target, minutes } => {
            let runs = fuzz(&root, target.as_deref(), minutes.saturating_mul(60))?;
            for run in &runs {
                let failure =
                    run.failure.as_ref().map(|file| format!(", FAILS: {}", file.display()));
                println!(
                    "{} {} executions{}",
                    run.target,
                    run.executions,
                    failure.unwrap_or_default()
                );
            }
            if runs.iter().any(|run| run.failure.is_some()) {
                return Ok(ExitCode::FAILURE);
            }
        }
        Action::Live => live(&root)?,
        Action::Layout { update } => contracts_build::layouts(&root, update)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The command line. The aliases end in `-- demo`, so the `--` of `cargo demo -- --port 9000` is one
/// too many: it may stand there or not.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(2).is_some_and(|argument| argument == "--") {
        arguments.remove(2);
    }
    arguments
}
