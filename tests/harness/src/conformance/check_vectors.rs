//! Suite `check-vectors`: the committed vectors of the check modules, by the pinned bytes, in every engine.
//!
//! It is the publication gate: a module whose engines differ on one of them is not pinned. The format is described in
//! `contracts/checks/vectors/README.md`.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::Report;
use crate::{
    checks_build::{BuiltCheck, build_checks},
    command::workspace_root,
    gate::agreed,
};

#[derive(Deserialize)]
struct Vector {
    about: String,
    input: String,
    output: Option<String>,
}

pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    let root = workspace_root();
    for check in build_checks(&root, &root.join("target/heliotrope/checks"))? {
        report.case(&check.name, all_engines(&check, &dir.join(&check.name)));
    }
    Ok(())
}

fn all_engines(check: &BuiltCheck, folder: &Path) -> Result<String> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("{} has no vectors", check.name))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut vectors = Vec::new();
    for file in &files {
        let vector: Vector =
            serde_json::from_slice(&fs::read(file)?).with_context(|| file.display().to_string())?;
        vectors.push(vector);
    }
    let inputs: Vec<_> =
        vectors.iter().map(|vector| hex::decode(&vector.input)).collect::<Result<_, _>>()?;
    for (vector, output) in vectors.iter().zip(agreed(check, &inputs)?) {
        let got = output.map(hex::encode);
        ensure!(got == vector.output, "{}: {got:?}, expected {:?}", vector.about, vector.output);
    }
    Ok(format!("{} vectors, the same bytes in four engines", vectors.len()))
}
