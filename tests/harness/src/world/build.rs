//! Builds what a world runs: contracts, check modules, the gateway.

use std::{path::Path, process::Command, sync::OnceLock};

use anyhow::Result;

use crate::{
    checks_build::{BuiltCheck, build_checks},
    command::loudly,
    contracts_build,
};

/// Builds what runs: contracts, check modules and the gateway.
pub fn build(root: &Path) -> Result<Vec<BuiltCheck>> {
    contracts_build::build(root)?;
    let checks = build_checks(root, &root.join("target/heliotrope/checks"))?;
    build_gateway(root)?;
    Ok(checks)
}

/// Builds `heliotrope`, with the features that everything native shares.
pub fn build_gateway(root: &Path) -> Result<()> {
    loudly(
        "gateway: cargo build",
        Command::new("cargo").current_dir(root).args([
            "build",
            "--release",
            "--bin",
            "heliotrope",
            "--bin",
            "heliotrope-harness",
        ]),
    )
}

/// The same, once for all tests of a process, which run side by side.
pub fn built(root: &Path) -> Result<&'static [BuiltCheck]> {
    static BUILT: OnceLock<Result<Vec<BuiltCheck>, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build(root).map_err(|e| format!("{e:#}")));
    built.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}
