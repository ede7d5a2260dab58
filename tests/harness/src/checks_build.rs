//! Builds the check modules so that anyone gets the same bytes, and holds them to the digests in
//! `contracts/checks/manifest.toml`.
//!
//! ```text
//!  cargo build --profile pinned ─ .wasm ─ strip ─ sha256 ─ manifest.toml
//! ```
//! The manifest is the list of the checks: `new-check` lays a new one out with an entry, and `checks --update`
//! fills in its digest.
//!
//! Modules are small before they are fast: SHA-256 is a loop, and the linker writes numbers in as few bytes as they
//! need. Every path that could get into the bytes is mapped to a fixed name. The linker adds two exports
//! and some custom sections that are not part of the ABI; both are cut out here, section by section,
//! without touching code.

use crate::command::quietly;
use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What a module may export.
const ABI_EXPORTS: [&str; 6] =
    ["memory", "hc_abi_v1", "hc_alloc", "hc_check", "hc_describe", "hc_plan"];
/// Largest memory of a module in bytes.
const MAX_MEMORY: u64 = 8 << 20;
/// Stack of a module in bytes.
const STACK: u64 = 128 << 10;
const MANIFEST: &str = "contracts/checks/manifest.toml";
const HEADER: &str = "# The check modules and their digests. Written by\n\
     # `cargo run --release -p heliotrope-harness -- checks --update`.\n\n";

/// A module as built.
#[derive(Clone, Debug)]
pub struct BuiltCheck {
    /// Name of the check.
    pub name: String,
    /// The module, ready to be pinned.
    pub path: PathBuf,
    /// SHA-256 of the module.
    pub sha256: [u8; 32],
    /// Its size in bytes.
    pub size: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    check: Vec<Entry>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: String,
    source: String,
    #[serde(default)]
    made_for: MadeFor,
    #[serde(default)]
    sha256: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    rustc: String,
    #[serde(default)]
    abi: u32,
}

/// What counts in a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MadeFor {
    /// Bytes: most of its time goes to other things than its own loops.
    #[default]
    Size,
    /// Time: it hashes all the time, and is small anyway.
    Speed,
}

impl MadeFor {
    /// Name of the profile in the workspace's manifest.
    const fn profile(self) -> &'static str {
        match self {
            Self::Size => "pinned",
            Self::Speed => "pinned-fast",
        }
    }
}

/// Builds every check into `out_dir` and compares the digests with the manifest.
///
/// # Errors
/// If a build fails or a digest is another than the manifest's.
pub fn build_checks(workspace_root: &Path, out_dir: &Path) -> Result<Vec<BuiltCheck>> {
    let manifest = manifest(workspace_root)?;
    let built = build(workspace_root, out_dir, &manifest)?;
    let rustc = rustc_version()?;
    for (check, entry) in built.iter().zip(&manifest.check) {
        let got = hex::encode(check.sha256);
        ensure!(
            got == entry.sha256,
            "{}: sha256 {got} (rustc {rustc}), expected {} (rustc {}); if the rules changed on \
             purpose, update the manifest",
            check.name,
            entry.sha256,
            entry.rustc,
        );
    }
    Ok(built)
}

/// Builds every check into `out_dir` and writes the digests into the manifest.
///
/// # Errors
/// If a build fails.
pub fn update_checks(workspace_root: &Path, out_dir: &Path) -> Result<Vec<BuiltCheck>> {
    let mut manifest = manifest(workspace_root)?;
    let built = build(workspace_root, out_dir, &manifest)?;
    let rustc = rustc_version()?;
    for (check, entry) in built.iter().zip(&mut manifest.check) {
        entry.sha256 = hex::encode(check.sha256);
        entry.size = check.size;
        entry.rustc.clone_from(&rustc);
        entry.abi = 1;
    }
    fs::write(workspace_root.join(MANIFEST), written(&manifest)?)?;
    Ok(built)
}

/// The same check from the same sources, made for speed: other bytes that say the same. A later version, as far as a
/// registry can tell.
///
/// # Errors
/// If the build fails, or there is no such check.
pub fn build_for_speed(workspace_root: &Path, name: &str, out_dir: &Path) -> Result<BuiltCheck> {
    let manifest = manifest(workspace_root)?;
    let entry = manifest.check.into_iter().find(|entry| entry.name == name);
    let entry = entry.with_context(|| format!("{MANIFEST} has no check {name}"))?;
    let root = workspace_root.canonicalize()?;
    fs::create_dir_all(out_dir)?;
    build_one(&root, out_dir, &Entry { made_for: MadeFor::Speed, ..entry })
}

/// The loops of checks as a module to measure, see `contracts/checks/src/parts.rs`.
///
/// # Errors
/// If the build fails.
pub fn build_parts(workspace_root: &Path, out_dir: &Path) -> Result<BuiltCheck> {
    let root = workspace_root.canonicalize()?;
    fs::create_dir_all(out_dir)?;
    let parts = Entry { name: "parts".into(), made_for: MadeFor::Speed, ..Entry::default() };
    build_one(&root, out_dir, &parts)
}

/// The text of a manifest with one more check, whose digest `checks --update` fills in.
///
/// # Errors
/// If the text is not a manifest, or has such a check.
pub fn with_check(text: &str, name: &str, source: &str) -> Result<String> {
    let mut manifest: Manifest = toml::from_str(text).context(MANIFEST)?;
    ensure!(manifest.check.iter().all(|entry| entry.name != name), "{MANIFEST} has a check {name}");
    manifest.check.push(Entry { name: name.into(), source: source.into(), ..Entry::default() });
    manifest.check.sort_by(|a, b| a.name.cmp(&b.name));
    written(&manifest)
}

fn written(manifest: &Manifest) -> Result<String> {
    Ok(HEADER.to_owned() + &toml::to_string(manifest)?)
}

fn manifest(workspace_root: &Path) -> Result<Manifest> {
    let path = workspace_root.join(MANIFEST);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).context(MANIFEST)
}

/// Builds the checks of the manifest, in its order.
fn build(root: &Path, out_dir: &Path, manifest: &Manifest) -> Result<Vec<BuiltCheck>> {
    let root = root.canonicalize().with_context(|| root.display().to_string())?;
    fs::create_dir_all(out_dir)?;
    manifest.check.iter().map(|entry| build_one(&root, out_dir, entry)).collect()
}

fn build_one(root: &Path, out_dir: &Path, entry: &Entry) -> Result<BuiltCheck> {
    let (name, profile) = (entry.name.as_str(), entry.made_for.profile());
    let target = root.join("target");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).env("CARGO_TARGET_DIR", &target);
    for (variable, _) in std::env::vars_os() {
        let variable = variable.to_string_lossy().into_owned();
        if variable.contains("RUSTFLAGS") || variable.starts_with("CARGO_PROFILE_") {
            cargo.env_remove(variable);
        }
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(root, entry.made_for)?.join("\x1f"));
    cargo.args(["build", "--locked", "--quiet", "--target", "wasm32-unknown-unknown"]);
    cargo.args(["--profile", profile, "-p", "heliotrope-checks", "--no-default-features"]);
    // with its own code alone: a new check must not change the bytes of the others
    cargo.args(["--features", name, "--bin", name]);
    quietly(&format!("checks: build {name}"), &mut cargo)?;
    finish(name, &target.join("wasm32-unknown-unknown").join(profile), out_dir)
}

/// Cuts a module out of what the compiler made.
fn finish(name: &str, built: &Path, out_dir: &Path) -> Result<BuiltCheck> {
    let raw = built.join(format!("{name}.wasm"));
    let wasm = strip(&fs::read(&raw).with_context(|| raw.display().to_string())?)?;
    let path = out_dir.join(format!("{name}.wasm"));
    // tests build side by side: nobody may read half a module
    let beside = path.with_extension(format!("{:?}", std::thread::current().id()));
    fs::write(&beside, &wasm)?;
    fs::rename(&beside, &path)?;
    let (sha256, size) = (Sha256::digest(&wasm).into(), wasm.len() as u64);
    Ok(BuiltCheck { name: name.into(), path, sha256, size })
}

/// Compiler flags: fixed names for every path, and the memory of the module.
fn flags(root: &Path, how: MadeFor) -> Result<Vec<String>> {
    let sysroot = output_of("rustc", &["--print", "sysroot"])?;
    let version = output_of("rustc", &["-vV"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let commit = commit.context("rustc -vV names no commit")?;
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let home = home.context("neither CARGO_HOME nor a home directory is set")?;
    let mut maps = vec![
        (home.clone(), "/cargo".to_owned()),
        (PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust"), format!("/rustc/{commit}")),
        (root.to_path_buf(), "/heliotrope".to_owned()),
    ];
    // the folder of a registry is named after the mirror it came from
    for source in fs::read_dir(home.join("registry/src")).into_iter().flatten() {
        maps.push((source?.path(), "/cargo/src".to_owned()));
    }
    let mut flags: Vec<_> = maps
        .into_iter()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect();
    if how == MadeFor::Size {
        // SHA-256 as a loop: the unrolled one is 7 kB in every module, and hashes a third faster
        flags.push("--cfg=sha2_backend_soft=\"compact\"".to_owned());
    }
    // calls and addresses have five bytes each otherwise, for a linker that has run by then: a tenth of a module
    flags.push("-Clink-arg=--compress-relocations".to_owned());
    flags.push(format!("-Clink-arg=--max-memory={MAX_MEMORY}"));
    flags.push(format!("-Clink-arg=-zstack-size={STACK}"));
    Ok(flags)
}

fn output_of(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).output()?;
    ensure!(output.status.success(), "{program} failed");
    Ok(String::from_utf8(output.stdout)?)
}

fn rustc_version() -> Result<String> {
    let version = output_of("rustc", &["--version"])?;
    Ok(version.trim().trim_start_matches("rustc ").to_owned())
}

/// Cuts custom sections and exports that are not of the ABI out of a module.
fn strip(wasm: &[u8]) -> Result<Vec<u8>> {
    const CUSTOM: u8 = 0;
    const EXPORT: u8 = 7;
    let (header, mut rest) = wasm.split_at_checked(8).context("module shorter than its header")?;
    let mut out = header.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        let (size, after) = leb(after)?;
        let (section, after) = after.split_at_checked(size).context("section is cut off")?;
        rest = after;
        match id {
            CUSTOM => {}
            EXPORT => write_section(&mut out, EXPORT, &abi_exports(section)?),
            _ => write_section(&mut out, id, section),
        }
    }
    Ok(out)
}

fn abi_exports(section: &[u8]) -> Result<Vec<u8>> {
    let (count, mut rest) = leb(section)?;
    let (mut kept, mut body) = (0_usize, Vec::new());
    for _ in 0..count {
        let start = rest;
        let (len, after) = leb(rest)?;
        let (name, after) = after.split_at_checked(len).context("export name is cut off")?;
        let (_, after) = after.split_first().context("export is cut off")?;
        let (_, after) = leb(after)?;
        if ABI_EXPORTS.iter().any(|abi| abi.as_bytes() == name) {
            kept += 1;
            body.extend_from_slice(&start[..start.len() - after.len()]);
        }
        rest = after;
    }
    let mut out = Vec::new();
    write_leb(&mut out, kept);
    out.extend_from_slice(&body);
    Ok(out)
}

fn write_section(out: &mut Vec<u8>, id: u8, body: &[u8]) {
    out.push(id);
    write_leb(out, body.len());
    out.extend_from_slice(body);
}

fn leb(bytes: &[u8]) -> Result<(usize, &[u8])> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[at + 1..]));
        }
    }
    bail!("a number is cut off")
}

fn write_leb(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        out.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}
