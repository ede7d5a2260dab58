//! Suite `check-corpus`: what the fuzzer found, by the pinned bytes, in every engine. The folder is the fuzzer's corpus
//! (`target/heliotrope/fuzz/corpus`): every file of `check_NAME` is an input of the check NAME.

use super::Report;
use crate::{checks_build::build_checks, command::workspace_root, gate::agreed};
use anyhow::{Context as _, Result};
use std::{fs, path::Path};

pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    let root = workspace_root();
    for check in build_checks(&root, &root.join("target/heliotrope/checks"))? {
        let folder = dir.join(format!("check_{}", check.name.replace('-', "_")));
        let inputs = inputs(&folder)?;
        let outcome = agreed(&check, &inputs).map(|outputs| {
            let judged = outputs.iter().flatten().count();
            format!("{} inputs, {judged} not refused, the same bytes in four engines", inputs.len())
        });
        report.case(&check.name, outcome);
    }
    Ok(())
}

fn inputs(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let files = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    files.map(|file| Ok(fs::read(file?.path())?)).collect()
}
