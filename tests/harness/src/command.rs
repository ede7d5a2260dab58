//! Running other programs: with a line that says what runs, and their output only when they fail.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};

/// The root of the checkout.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Conformance data from outside the project: `$HELIOTROPE_VECTORS`, or `../shared/vectors` beside
/// the checkout. `None` where there is none; tests that need it are then reported as skipped.
#[must_use]
pub fn vectors() -> Option<PathBuf> {
    let dir = std::env::var_os("HELIOTROPE_VECTORS")
        .map_or_else(|| workspace_root().join("../shared/vectors"), PathBuf::from);
    dir.is_dir().then_some(dir)
}

/// What the built `heliotrope` prints.
///
/// # Errors
/// What it says, when it fails.
pub fn heliotrope(words: &[&str]) -> Result<String> {
    let program = workspace_root().join("target/release/heliotrope");
    let output = Command::new(program).args(words).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{words:?}: {said}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program to its end, saying so; what it prints is shown only if it fails.
pub fn quietly(what: &str, command: &mut Command) -> Result<String> {
    let started = Instant::now();
    eprint!("  {what} … ");
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{what}: cannot start {:?}", command.get_program()))?;
    if !output.status.success() {
        eprintln!("failed");
        bail!(
            "{what}: {:?} ended with {}\n{}{}",
            command,
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    eprintln!("{:.1} s", started.elapsed().as_secs_f64());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program to its end with its output shown as it comes.
pub fn loudly(what: &str, command: &mut Command) -> Result<()> {
    eprintln!("  {what}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("{what}: cannot start {:?}", command.get_program()))?;
    if status.success() { Ok(()) } else { bail!("{what}: {command:?} ended with {status}") }
}

/// Whether a program of this name can be found.
#[must_use]
pub fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
