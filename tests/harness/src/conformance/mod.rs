//! `conformance <suite> <dir>`: test vectors of others, run against our code.
//!
//! A suite is a function from a folder to cases. It prints one line per case and the run closes with a count. **To add a
//! suite: add its file here and one line to `SUITES`.**
//!
//! Exit status: 0 when every case passed or was skipped, 1 when one failed, 2 when no case was found.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_verifier::chains::ethereum::{Fork, LightClientSsz, Preset};

mod check_corpus;
mod check_vectors;
mod commp;
mod eip1186;
mod ethereum_api;
mod ethereum_bls;
mod ethereum_spec_merkle_proof;
mod ethereum_spec_sync;
mod ethereum_spec_update_ranking;
mod helium_mobile;
mod helium_poc;
mod network;
mod pdp;
mod ssz_root;

pub use check_vectors::{Vector, vectors_of};

/// Finds cases below a folder and reports each of them.
type Suite = fn(&Path, &mut Report) -> Result<()>;

/// Every suite by its name on the command line.
const SUITES: &[(&str, Suite)] = &[
    ("ethereum-spec-sync", ethereum_spec_sync::run),
    ("ethereum-spec-update-ranking", ethereum_spec_update_ranking::run),
    ("ethereum-spec-merkle-proof", ethereum_spec_merkle_proof::run),
    ("ethereum-bls", ethereum_bls::run),
    ("ethereum-api", ethereum_api::run),
    ("eip1186", eip1186::run),
    ("helium-poc", helium_poc::run),
    ("check-vectors", check_vectors::run),
    ("check-corpus", check_corpus::run),
    ("helium-mobile", helium_mobile::run),
    ("commp", commp::run),
    ("pdp", pdp::run),
];

/// Largest container after decompression, in bytes.
const MAX_SSZ_BYTES: usize = 1 << 20;

/// What came of the cases so far.
#[derive(Debug, Default)]
pub struct Report {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Report {
    /// One case: passed with what it showed, or failed with why.
    pub fn case(&mut self, name: &str, outcome: Result<String>) {
        match outcome {
            Ok(detail) => {
                self.passed += 1;
                println!("pass {name}: {detail}");
            }
            Err(error) => {
                self.failed += 1;
                println!("FAIL {name}: {error:#}");
            }
        }
    }

    /// A case that could not be run.
    pub fn skip(&mut self, name: &str, reason: &str) {
        self.skipped += 1;
        println!("skip {name}: {reason}");
    }

    const fn found_none(&self) -> bool {
        self.passed == 0 && self.failed == 0 && self.skipped == 0
    }

    /// The exit status that says what came of it.
    fn exit_code(&self) -> ExitCode {
        if self.failed > 0 {
            ExitCode::from(1)
        } else if self.found_none() {
            ExitCode::from(2)
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// Runs one suite over a folder and prints the count.
pub fn run(suite: &str, dir: &Path) -> Result<ExitCode> {
    let Some((_, cases)) = SUITES.iter().find(|(name, _)| *name == suite) else {
        let names: Vec<&str> = SUITES.iter().map(|(name, _)| *name).collect();
        bail!("unknown suite {suite:?}; there are: {}", names.join(", "));
    };
    let dir = dir.canonicalize().with_context(|| format!("folder {}", dir.display()))?;
    let mut report = Report::default();
    cases(&dir, &mut report)?;
    if report.found_none() {
        println!("no case of {suite} below {}", dir.display());
    }
    println!("{} passed, {} failed, {} skipped", report.passed, report.failed, report.skipped);
    Ok(report.exit_code())
}

/// `dir` and every folder below it, in order of their names.
fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![dir.to_owned()];
    for entry in sorted_entries(dir)? {
        if entry.is_dir() {
            found.extend(folders(&entry)?);
        }
    }
    Ok(found)
}

/// The files of one folder, in order of their names.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(sorted_entries(dir)?.into_iter().filter(|path| path.is_file()).collect())
}

fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("folder {}", dir.display()))?;
    let mut paths = entries.map(|e| Ok(e?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The path of a case as it is printed.
fn case_name(root: &Path, path: &Path) -> String {
    match path.strip_prefix(root) {
        Ok(relative) if !relative.as_os_str().is_empty() => relative.display().to_string(),
        _ => file_name(path),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("file {}", path.display()))
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("file {}", path.display()))
}

/// The preset and fork that the path names, the innermost of each.
fn preset_and_fork(folder: &Path) -> (Option<Preset>, Option<Fork>) {
    let names = || folder.components().rev().filter_map(|part| part.as_os_str().to_str());
    (names().find_map(Preset::from_name), names().find_map(Fork::from_name))
}

/// Reads a raw snappy block of SSZ and checks that encoding gives the same bytes again.
fn read_ssz<T: LightClientSsz>(folder: &Path, name: &str, fork: Fork, preset: Preset) -> Result<T> {
    let compressed = read(&folder.join(format!("{name}.ssz_snappy")))?;
    let length = snap::raw::decompress_len(&compressed)?;
    ensure!(length <= MAX_SSZ_BYTES, "{length} bytes of SSZ, at most {MAX_SSZ_BYTES} allowed");
    let ssz = snap::raw::Decoder::new().decompress_vec(&compressed)?;
    let value = T::decode(fork, preset, &ssz)?;
    ensure!(value.encode(fork, preset)? == ssz, "encoding again gives other bytes");
    Ok(value)
}

/// Reads `0x` and exactly `N` bytes.
fn hex_array<const N: usize>(text: &str) -> Result<[u8; N]> {
    let digits = text.trim().strip_prefix("0x").unwrap_or_else(|| text.trim());
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes)
        .with_context(|| format!("hex of {N} bytes: {text}"))?;
    Ok(bytes)
}
