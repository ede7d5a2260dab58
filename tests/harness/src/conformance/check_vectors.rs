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
    gate::{agreed, in_words},
};

#[derive(Deserialize)]
struct File {
    about: String,
    input: String,
    output: Option<String>,
}

/// A committed vector.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Name of its file.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Input of the check.
    pub input: Vec<u8>,
    /// Its output; `None` if it refuses.
    pub output: Option<Vec<u8>>,
}

/// The vectors in a folder, by name.
///
/// # Errors
/// If there are none, or a file is not of the format.
pub fn vectors_of(folder: &Path) -> Result<Vec<Vector>> {
    let mut vectors = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file: File = serde_json::from_slice(&fs::read(&path)?)
            .with_context(|| path.display().to_string())?;
        let output = file.output.map(hex::decode).transpose()?;
        vectors.push(Vector { name, about: file.about, input: hex::decode(file.input)?, output });
    }
    vectors.sort_by(|a, b| a.name.cmp(&b.name));
    ensure!(!vectors.is_empty(), "{} has no vectors", folder.display());
    Ok(vectors)
}

pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    let root = workspace_root();
    for check in build_checks(&root, &root.join("target/heliotrope/checks"))? {
        report.case(&check.name, all_engines(&check, &dir.join(&check.name)));
    }
    Ok(())
}

fn all_engines(check: &BuiltCheck, folder: &Path) -> Result<String> {
    let vectors = vectors_of(folder)?;
    let inputs: Vec<_> = vectors.iter().map(|vector| vector.input.clone()).collect();
    for (vector, got) in vectors.iter().zip(agreed(check, &inputs)?) {
        ensure!(
            got == vector.output,
            "{} ({}): {}, expected {}",
            vector.name,
            vector.about,
            in_words(&got),
            in_words(&vector.output)
        );
    }
    Ok(format!("{} vectors, the same bytes in four engines", vectors.len()))
}
