//! The publication gate: a check module is pinned only if every engine makes the same bytes of every input.
//!
//! ```text
//!  vectors ─► Cranelift, NaNs left ─┐
//!          ─► Cranelift, NaNs canonical ─┤
//!          ─► Pulley, the interpreter ───┼─ the same output bytes, and the vector's
//!          ─► V8 ────────────────────────┘
//! ```
//! A difference is a NaN, or something else of an engine, that got into a verdict.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use heliotrope_host::{Host, HostConfig};

use crate::{
    checks_build::BuiltCheck,
    command::{on_path, quietly, workspace_root},
};

/// The engines of this process: a name and what is set.
fn engines() -> [(&'static str, HostConfig); 3] {
    let plain = HostConfig::default;
    [
        ("Cranelift", plain()),
        ("Cranelift with canonical NaNs", HostConfig { canonicalize_nan: true, ..plain() }),
        // the guards are for gateways: an interpreter may take longer
        ("Pulley", HostConfig { interpreted: true, deadline: INTERPRETED, ..plain() }),
    ]
}

/// Longest time of one check in the interpreter.
const INTERPRETED: std::time::Duration = std::time::Duration::from_secs(120);

/// Runs a module on every input in every engine, and gives the outputs on which they agree.
///
/// # Errors
/// If an engine gives no output, or another one than the first.
pub fn agreed(check: &BuiltCheck, inputs: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let wasm = fs::read(&check.path)?;
    let mut agreed: Option<Vec<Vec<u8>>> = None;
    let mut compare = |engine: &str, got: Vec<Vec<u8>>| -> Result<()> {
        let expected = agreed.get_or_insert_with(|| got.clone());
        ensure!(got.len() == expected.len(), "{engine}: {} outputs", got.len());
        for (number, (got, expected)) in got.iter().zip(expected.iter()).enumerate() {
            let (got, expected) = (hex::encode(got), hex::encode(expected));
            ensure!(
                got == expected,
                "{}: input {number} in {engine}: {got}, expected {expected}",
                check.name
            );
        }
        Ok(())
    };
    for (engine, config) in engines() {
        let module = Host::new(config)?.load(&wasm, &check.sha256)?;
        let outputs = inputs.iter().map(|input| module.check(input));
        compare(engine, outputs.collect::<Result<_, _>>().with_context(|| engine.to_owned())?)?;
    }
    compare("V8", in_v8(&check.path, inputs)?)?;
    agreed.context("no engine")
}

/// What the module makes of the inputs in a browser's engine.
fn in_v8(module: &Path, inputs: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    ensure!(on_path("node"), "the gate needs node, for V8");
    let file = module.with_extension(format!("inputs-{:?}", std::thread::current().id()));
    let lines: Vec<_> = inputs.iter().map(hex::encode).collect();
    fs::write(&file, lines.join("\n"))?;
    let mut node = Command::new("node");
    node.arg(workspace_root().join("tests/conformance/check-in-v8.mjs")).arg(module).arg(&file);
    let said = quietly("check in V8", &mut node);
    fs::remove_file(&file)?;
    said?.lines().map(|line| hex::decode(line).context("V8 said no hex")).collect()
}
