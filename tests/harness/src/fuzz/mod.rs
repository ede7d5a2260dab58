//! `harness fuzz`: every decoder that reads a stranger's bytes, under libFuzzer.
//!
//! The targets are `tests/fuzz/src/bin`. What makes them coverage-guided are compiler flags that stable Rust has; no
//! other toolchain is needed. Inputs found are kept in `target/heliotrope/fuzz`, so that the next run goes on from them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::loudly;

mod seeds;
mod served;

/// Coverage as libFuzzer reads it: counters on edges, comparisons traced.
const INSTRUMENT: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// More than any input that a target cuts into parts; a mainnet update is 27 kB.
const MAX_LEN: u32 = 64 << 10;
/// Memory above which a target counts as allocating without bound, MiB.
const RSS_LIMIT: u32 = 1_024;
/// Seconds after which one input counts as a hang.
const TIMEOUT: u32 = 5;

/// How one target did.
#[derive(Clone, Debug)]
pub struct FuzzRun {
    /// Name of the target.
    pub target: String,
    /// Inputs executed.
    pub executions: u64,
    /// The file that made it fail.
    pub failure: Option<PathBuf>,
}

/// Runs every target, or the one named, for so many seconds each.
pub fn fuzz(root: &Path, only: Option<&str>, seconds: u32) -> Result<Vec<FuzzRun>> {
    let folder = root.join("target/heliotrope/fuzz");
    loudly(
        "fuzz: cargo build",
        Command::new("cargo")
            .current_dir(root.join("tests/fuzz"))
            .env("RUSTFLAGS", INSTRUMENT)
            .args(["build", "--release", "--locked", "--target", TRIPLE, "--target-dir"])
            .arg(&folder),
    )?;
    let mut targets = targets(root)?;
    if let Some(only) = only {
        targets.retain(|name| name == only);
        ensure!(!targets.is_empty(), "no target {only:?}: see tests/fuzz/src/bin");
    }
    targets.into_iter().map(|target| run(&folder, target, seconds)).collect()
}

fn targets(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("tests/fuzz/src/bin"))? {
        let path = entry?.path();
        names.push(path.file_stem().context("a target without a name")?.to_string_lossy().into());
    }
    names.sort();
    Ok(names)
}

fn run(folder: &Path, target: String, seconds: u32) -> Result<FuzzRun> {
    let corpus = folder.join("corpus").join(&target);
    let failures = folder.join("failures").join(&target);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&failures)?;
    seeds::plant(&target, &corpus)?;
    let output = Command::new(folder.join(TRIPLE).join("release").join(&target))
        .arg(&corpus)
        .arg(format!("-artifact_prefix={}/", failures.display()))
        .args([
            format!("-max_total_time={seconds}"),
            format!("-max_len={MAX_LEN}"),
            format!("-rss_limit_mb={RSS_LIMIT}"),
            format!("-timeout={TIMEOUT}"),
            "-print_final_stats=1".to_owned(),
        ])
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let stat = |name: &str| said.lines().find_map(|line| line.strip_prefix(name));
    let Some(executions) = stat("stat::number_of_executed_units:") else {
        bail!("{target} did not run:\n{said}");
    };
    let failure =
        stat("artifact_prefix=").and_then(|line| line.split("Test unit written to ").nth(1));
    let failure = failure.map(PathBuf::from);
    ensure!(output.status.success() || failure.is_some(), "{target} ended badly:\n{said}");
    Ok(FuzzRun { target, executions: executions.trim().parse()?, failure })
}
