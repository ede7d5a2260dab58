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

#[cfg(test)]
mod tests {
    use super::*;
    use heliotrope_device_proofs::{
        abi::{CheckOutput, Verdict},
        sha256,
    };

    /// A module whose output about `input` holds the bits that `number` makes, in its replay key.
    fn leaking(input: &[u8], number: &str) -> Vec<u8> {
        const MARK: [u8; 32] = [0x5a; 32];
        let output = CheckOutput {
            verdict: Verdict::Indeterminate,
            score_ppm: 0,
            outcomes: Vec::new(),
            replay_key: MARK,
            facts_read: Vec::new(),
            input_hash: sha256(input),
            selected: Vec::new(),
            subject_cell: 0,
        };
        let output = output.encode();
        let at = 1_024 + output.windows(32).position(|bytes| bytes == MARK).unwrap();
        let data: String = output.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let result = (1_024_u64 << 32) | output.len() as u64;
        wat::parse_str(format!(
            r#"(module (memory (export "memory") 1 4) (data (i32.const 1024) "{data}")
              (func (export "hc_abi_v1") (result i32) i32.const 1)
              (func (export "hc_alloc") (param i32) (result i32) i32.const 4096)
              (func (export "hc_describe") (result i64) i64.const 0)
              (func (export "hc_plan") (param i32 i32 i32 i32) (result i64) i64.const 0)
              (func (export "hc_check") (param i32 i32) (result i64)
                (f64.store (i32.const {at}) {number}) i64.const {result}))"#
        ))
        .unwrap()
    }

    fn verdict_of_the_gate(name: &str, number: &str) -> Result<Vec<Output>> {
        let input = vec![0; 64];
        let wasm = leaking(&input, number);
        let folder = workspace_root().join("target/heliotrope/tests/gate");
        fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        fs::write(&path, &wasm)?;
        let size = wasm.len() as u64;
        agreed(&BuiltCheck { name: name.into(), path, sha256: sha256(&wasm), size }, &[input])
    }

    /// Both are read from zeroed memory, so that no compiler folds them away.
    const NUMBER: &str = "(f64.add (f64.load (i32.const 0)) (f64.const 2.5))";
    const NOT_A_NUMBER: &str = "(f64.div (f64.load (i32.const 0)) (f64.load (i32.const 8)))";

    #[test]
    fn a_module_that_lets_a_nan_out_is_not_published() {
        let outputs = verdict_of_the_gate("number.wasm", NUMBER).unwrap();
        assert!(outputs[0].as_ref().is_some_and(|output| !output.is_empty()));
        let error = verdict_of_the_gate("nan.wasm", NOT_A_NUMBER).unwrap_err().to_string();
        assert!(error.contains("input 0 in Cranelift with canonical NaNs"), "{error}");
    }
}
