//! Builds the map: two wasm programs (map, verifier), their JavaScript, the land, the styles.
//!
//! ```text
//!   cargo (profile wasm) ─► wasm-bindgen ─► wasm-opt ─┐
//!   web/app/static, MapLibre, Natural Earth ──────────┴─► OUT/a/<hash>/…  +  OUT/index.html
//! ```
//!
//! Everything but `index.html` lies under a directory named by the hash of its inputs, so it may be
//! cached for ever. A second build with the same inputs does nothing. Needs `cargo`, `node` and `npm`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

/// Options of `wasm-opt`: what rustc emits for wasm32 today, and nothing the browsers lack. A function with one caller
/// stays one: inlined, it compresses worse.
const WASM_OPT: [&str; 12] = [
    "-Oz",
    "--converge",
    "--one-caller-inline-max-function-size",
    "0",
    "--strip-producers",
    "--strip-target-features",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];
const MAPLIBRE: [&str; 3] = ["maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css"];
const STATIC: [&str; 4] = ["boot.js", "worker.js", "style.css", "icon.svg"];

/// What a visitor downloads.
#[derive(Debug, Clone, Deserialize)]
pub struct FileSize {
    /// The file.
    pub path: PathBuf,
    /// Bytes on disk.
    pub raw: u64,
    /// Bytes after gzip -9.
    pub gzip: u64,
    /// Bytes after brotli -q 9.
    pub brotli: u64,
}

/// The built web app.
#[derive(Debug, Clone)]
pub struct WebSizes {
    /// Directory to serve at `/`.
    pub out_dir: PathBuf,
    /// Directory of the Node bundle: `require(node_dir/heliotrope-wasm.js)`.
    pub node_dir: PathBuf,
    /// Sizes of the files; empty when the build was up to date.
    pub files: Vec<FileSize>,
}

impl WebSizes {
    /// One line per file, for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        self.files.iter().fold(String::new(), |mut text, file| {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            text.push_str(&format!(
                "{name:<32} {:>10} raw {:>9} gzip {:>9} brotli\n",
                file.raw, file.gzip, file.brotli
            ));
            text
        })
    }
}

/// Builds the map into `out_dir`; returns at once when nothing has changed.
///
/// # Errors
/// When a tool is missing or fails; the message names the tool.
pub fn build_web(workspace_root: &Path, out_dir: &Path) -> Result<WebSizes> {
    let web = workspace_root.join("web");
    npm_ci(&web)?;
    // cargo cannot tell: both programs build the verifier's crate, to the same file
    let (sources, stamp) = (sources(workspace_root)?, out_dir.with_extension("sources"));
    let node_dir = out_dir.with_file_name("web-node");
    let mut sizes =
        WebSizes { out_dir: out_dir.to_path_buf(), node_dir: node_dir.clone(), files: Vec::new() };
    let is_there = out_dir.join("index.html").is_file() && node_dir.is_dir();
    if is_there && fs::read_to_string(&stamp).is_ok_and(|built| built == sources) {
        return Ok(sizes);
    }
    let app = cargo_wasm(workspace_root, "heliotrope-web", "heliotrope-web.wasm", &[])?;
    let verifier = cargo_library(workspace_root, "heliotrope-wasm", &[])?;
    let evm = cargo_library(workspace_root, "heliotrope-evm", &["--features", "chunk"])?;
    let hash = fingerprint(workspace_root, &[&app, &verifier, &evm])?;
    let assets = out_dir.join("a").join(&hash);
    if is_there && assets.join("complete").is_file() {
        fs::write(&stamp, sources)?;
        return Ok(sizes);
    }
    // Built beside and put in place at the end: whoever is served from there never sees a half.
    let staging = out_dir.with_extension(format!("new-{}", std::process::id()));
    let staged = staging.join("a").join(&hash);
    fs::create_dir_all(&staged)?;
    fill(&web, &staged, [&app, &verifier, &evm])?;
    bindgen(&verifier, "heliotrope-wasm", &node_dir, Kind::Node)?;
    let index = fs::read_to_string(web.join("app/static/index.html"))?;
    fs::write(staging.join("index.html"), index.replace("{{assets}}", &format!("/a/{hash}/")))?;
    sizes.files = measure(&web, &staged)?;
    fs::write(staged.join("complete"), "")?;
    if out_dir.exists() {
        fs::remove_dir_all(out_dir).context("cannot clear the old web build")?;
    }
    fs::rename(&staging, out_dir).context("cannot put the web build in place")?;
    fs::write(&stamp, sources)?;
    for file in &mut sizes.files {
        file.path = assets.join(file.path.file_name().unwrap_or_default());
    }
    Ok(sizes)
}

/// Everything that is cached for ever.
fn fill(web: &Path, assets: &Path, [app, verifier, evm]: [&Path; 3]) -> Result<()> {
    bindgen(app, "heliotrope-web", assets, Kind::Web)?;
    bindgen(verifier, "heliotrope-wasm", assets, Kind::Web)?;
    bindgen(evm, "heliotrope-evm", assets, Kind::Web)?;
    for name in ["heliotrope-web_bg.wasm", "heliotrope-wasm_bg.wasm", "heliotrope-evm_bg.wasm"] {
        wasm_opt(web, &assets.join(name))?;
    }
    for name in STATIC {
        copy(&web.join("app/static").join(name), &assets.join(name))?;
    }
    for name in MAPLIBRE {
        copy(&web.join("node_modules/maplibre-gl/dist").join(name), &assets.join(name))?;
    }
    run(Command::new("node").current_dir(web).arg("scripts/land.mjs").arg(assets), "land.mjs")
}

/// The tools and browser libraries in `web/`, when nobody has installed them yet.
fn npm_ci(web: &Path) -> Result<()> {
    if web.join("node_modules/binaryen/bin/wasm-opt").is_file() {
        return Ok(());
    }
    run(Command::new("npm").current_dir(web).args(["ci", "--no-audit", "--no-fund"]), "npm ci")
}

/// Hash of every file that the web build is made of, and of the compiler's version.
fn sources(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for folder in ["client", "contracts/bindings", "web", ".cargo"] {
        collect(&root.join(folder), &mut files)?;
    }
    files.extend(["Cargo.toml", "Cargo.lock"].map(|name| root.join(name)));
    files.sort();
    let mut hasher = Sha256::new();
    hasher.update(Command::new("rustc").arg("-vV").output()?.stdout);
    for file in files {
        hasher.update(file.to_string_lossy().as_bytes());
        hasher.update(Sha256::digest(fs::read(&file)?));
    }
    Ok(hex::encode(hasher.finalize()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        } else if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, files)?;
        }
    }
    Ok(())
}

/// A library that is a wasm of its own. Of one crate type: beside a Rust library nothing is optimised across crates.
fn cargo_library(root: &Path, package: &str, extra: &[&str]) -> Result<PathBuf> {
    let file = format!("{}.wasm", package.replace('-', "_"));
    cargo_wasm(root, package, &file, &[&["--lib", "--crate-type", "cdylib"], extra].concat())
}

fn cargo_wasm(root: &Path, package: &str, file: &str, extra: &[&str]) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // One command per package: built together, the map would carry the verifier's exports.
    run(
        Command::new(cargo)
            .current_dir(root)
            .args(["rustc", "--quiet", "--target", "wasm32-unknown-unknown", "--profile", "wasm"])
            .args(["-p", package])
            .args(extra),
        "cargo build for wasm32",
    )?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let wasm = target.join("wasm32-unknown-unknown/wasm").join(file);
    ensure!(wasm.is_file(), "cargo left no {}", wasm.display());
    Ok(wasm)
}

/// A wasm that nothing has to be generated for, as small as it gets: `out/PACKAGE.wasm`.
pub fn build_bare(root: &Path, package: &str, out: &Path, extra: &[&str]) -> Result<PathBuf> {
    let web = root.join("web");
    npm_ci(&web)?;
    let built = cargo_library(root, package, extra)?;
    let wasm = out.join(package).with_extension("wasm");
    copy(&built, &wasm)?;
    wasm_opt(&web, &wasm)?;
    Ok(wasm)
}

/// Hash of everything that goes into the output.
fn fingerprint(root: &Path, wasms: &[&PathBuf]) -> Result<String> {
    let mut inputs: Vec<PathBuf> = wasms.iter().map(|path| (*path).clone()).collect();
    for name in STATIC.iter().chain(&["index.html"]) {
        inputs.push(root.join("web/app/static").join(name));
    }
    inputs.push(root.join("web/app/js/map.js"));
    inputs.push(root.join("web/package-lock.json"));
    inputs.push(root.join("web/scripts/land.mjs"));
    let mut hasher = Sha256::new();
    for path in inputs {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        hasher.update(Sha256::digest(&bytes));
    }
    let mut text = hex::encode(hasher.finalize());
    text.truncate(12);
    Ok(text)
}

#[derive(Clone, Copy)]
enum Kind {
    Web,
    Node,
}

fn bindgen(wasm: &Path, name: &str, out: &Path, kind: Kind) -> Result<()> {
    let mut tool = Bindgen::new();
    tool.input_path(wasm).out_name(name).typescript(true);
    match kind {
        Kind::Web => tool.web(true)?,
        Kind::Node => tool.nodejs(true)?,
    };
    tool.generate(out).with_context(|| format!("wasm-bindgen failed on {name}"))
}

fn wasm_opt(web: &Path, wasm: &Path) -> Result<()> {
    let small = wasm.with_extension("opt");
    run(
        Command::new("node")
            .current_dir(web)
            .arg("node_modules/binaryen/bin/wasm-opt")
            .args(WASM_OPT)
            .arg(wasm)
            .arg("-o")
            .arg(&small),
        "wasm-opt",
    )?;
    fs::rename(&small, wasm)?;
    Ok(())
}

fn measure(web: &Path, assets: &Path) -> Result<Vec<FileSize>> {
    let mut files: Vec<PathBuf> = fs::read_dir(assets)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension().is_some_and(|ext| {
                ["js", "mjs", "wasm", "css", "json"].iter().any(|wanted| ext == *wanted)
            })
        })
        .collect();
    files.sort();
    let output =
        Command::new("node").current_dir(web).arg("scripts/sizes.mjs").args(&files).output()?;
    if !output.status.success() {
        bail!("sizes.mjs failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

fn run(command: &mut Command, name: &str) -> Result<()> {
    let output =
        command.output().with_context(|| format!("{name} could not start; is it installed?"))?;
    ensure!(
        output.status.success(),
        "{name} failed: {}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(())
}
