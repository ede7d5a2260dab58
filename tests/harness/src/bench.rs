//! `harness bench`: what the light client costs, beside its peers, on the same recorded mainnet in one run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use heliotrope_light_client::recording::Recording;
use heliotrope_verifier::chains::ethereum::{ChainSpec, compact::encode_batch};

use crate::{
    command::{loudly, vectors},
    setup, web_build,
};

/// Bootstrap, six updates and a finality update, with the blocks that a peer asks for.
const SHORT: &str = "ethereum/mainnet_capella_periods_862_867";
/// The longest runs of real periods.
const LONG: [(&str, &str); 2] = [
    ("long-1", "ethereum/mainnet_deneb_periods_1347_1392"),
    ("long-2", "ethereum/mainnet_capella_periods_800_820"),
];

/// Builds what is measured, installs the peers and prints the table; the figures are also left as JSON.
pub fn bench(root: &Path) -> Result<()> {
    let vectors =
        vectors().context("the figures are of recorded mainnet: ../shared/vectors is not there")?;
    let out = root.join("target/heliotrope/bench");
    let core = sync_core(root)?;
    let with_reads = core.with_file_name("with-reads");
    fs::create_dir_all(&with_reads)?;
    let reads = ["--features", "reads"];
    let with_reads = web_build::build_bare(root, "heliotrope-sync-core", &with_reads, &reads)?;
    for (name, folder) in [("short", SHORT)].iter().chain(&LONG) {
        compact(&vectors.join(folder), &out.join(name))?;
    }
    let bench = root.join("tests/bench");
    setup::npm(root, "tests/bench")?;
    let mut node = Command::new("node");
    node.current_dir(&bench).arg("bench.mjs").args([&core, &with_reads, &out]);
    loudly(
        "bench",
        node.arg(vectors.join(SHORT)).args(LONG.map(|(_, folder)| vectors.join(folder))),
    )
}

/// The sync core as a page would load it.
pub fn sync_core(root: &Path) -> Result<PathBuf> {
    let out = root.join("target/heliotrope/bench");
    fs::create_dir_all(&out)?;
    web_build::build_bare(root, "heliotrope-sync-core", &out, &[])
}

/// The recording as a gateway would send it: `root`, `bootstrap`, `updates` and `finality`.
pub fn compact(folder: &Path, out: &Path) -> Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read(&path)?));
        }
    }
    let spec = ChainSpec::mainnet();
    let given = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let recording = Recording::decode(given, &spec)?;
    let compact = recording.compact(&spec)?;
    ensure!(
        compact.updates.len() >= 6,
        "{} periods in {}",
        compact.updates.len(),
        folder.display()
    );
    fs::create_dir_all(out)?;
    fs::write(out.join("root"), recording.own_root())?;
    fs::write(out.join("bootstrap"), compact.bootstrap)?;
    fs::write(out.join("updates"), encode_batch(&compact.updates, &spec)?)?;
    fs::write(out.join("finality"), compact.finality)?;
    Ok(())
}
