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
use heliotrope_host::{Host, HostConfig, HostError};

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

/// How a refusal is written.
pub const REFUSED: &str = "refused";
/// Longest time of one check in the interpreter.
const INTERPRETED: std::time::Duration = std::time::Duration::from_secs(120);

/// What a module makes of an input; `None` if it refuses it.
pub type Output = Option<Vec<u8>>;

/// Runs a module on every input in every engine, and gives the outputs on which they agree.
///
/// # Errors
/// If an engine traps or meets a limit, or gives another output than the first.
pub fn agreed(check: &BuiltCheck, inputs: &[Vec<u8>]) -> Result<Vec<Output>> {
    let wasm = fs::read(&check.path)?;
    let mut agreed: Option<Vec<Output>> = None;
    let mut compare = |engine: &str, got: Vec<Output>| -> Result<()> {
        let expected = agreed.get_or_insert_with(|| got.clone());
        ensure!(got.len() == expected.len(), "{engine}: {} outputs", got.len());
        for (number, (got, expected)) in got.iter().zip(expected.iter()).enumerate() {
            let (got, expected) = (in_words(got), in_words(expected));
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
        let outputs = inputs.iter().map(|input| match module.check(input) {
            Err(HostError::Refused) => Ok(None),
            other => other.map(Some),
        });
        compare(engine, outputs.collect::<Result<_, _>>().with_context(|| engine.to_owned())?)?;
    }
    compare("V8", in_v8(&check.path, inputs)?)?;
    agreed.context("no engine")
}

/// An output in hexadecimal, or that there is none.
pub(crate) fn in_words(output: &Output) -> String {
    output.as_ref().map_or_else(|| REFUSED.to_owned(), hex::encode)
}

/// What the module makes of the inputs in a browser's engine.
fn in_v8(module: &Path, inputs: &[Vec<u8>]) -> Result<Vec<Output>> {
    ensure!(on_path("node"), "the gate needs node, for V8");
    let file = module.with_extension(format!("inputs-{:?}", std::thread::current().id()));
    let lines: Vec<_> = inputs.iter().map(hex::encode).collect();
    fs::write(&file, lines.join("\n"))?;
    let mut node = Command::new("node");
    node.arg(workspace_root().join("tests/conformance/check-in-v8.mjs")).arg(module).arg(&file);
    let said = quietly("check in V8", &mut node);
    fs::remove_file(&file)?;
    let output = |line| match line {
        REFUSED => Ok(None),
        hex => hex::decode(hex).map(Some).context("V8 said no hex"),
    };
    said?.lines().map(output).collect()
}
