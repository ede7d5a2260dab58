//! Suite `ethereum-api`: light client data as the Beacon API serves it, followed from a trusted root to the newest
//! finality update by `heliotrope_light_client::recording`, which also says how files are recognised.
//!
//! A case is any folder with a file whose name has the word `bootstrap`. The root comes from `*trusted_root.txt`, the
//! network from `*spec*.json` and `*genesis*.json`, else mainnet.

use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use anyhow::{Context as _, Result};
use heliotrope_light_client::recording::{Kind, Recording};
use heliotrope_verifier::chains::ethereum::ChainSpec;

use super::network::{Config, genesis_from_json};
use super::{Report, case_name, file_name, files, folders, hex_array, read, read_text};

/// Runs every case below `dir`.
pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    for folder in folders(dir)? {
        let files = files(&folder)?;
        if files.iter().any(|file| Kind::of(&file_name(file)) == Some(Kind::Bootstrap)) {
            report.case(&case_name(dir, &folder), run_case(&files));
        }
    }
    Ok(())
}

fn network(files: &[PathBuf]) -> Result<(ChainSpec, &'static str)> {
    let json_with = |word: &str| {
        files.iter().find(|file| {
            let name = file_name(file).to_lowercase();
            name.ends_with(".json") && name.contains(word)
        })
    };
    let Some(spec_file) = json_with("spec") else {
        return Ok((ChainSpec::mainnet(), "mainnet"));
    };
    let genesis_file = json_with("genesis").context("a spec file without a genesis file")?;
    let config = Config::from_spec_json(&read(spec_file)?)?;
    let preset = config.preset().context("no PRESET_BASE of mainnet or minimal")?;
    let (time, root) = genesis_from_json(&read(genesis_file)?)?;
    Ok((config.chain_spec(preset, time, root)?, "network of the spec file"))
}

fn trusted_root(files: &[PathBuf]) -> Result<Option<B256>> {
    let file = files.iter().find(|file| file_name(file).ends_with("trusted_root.txt"));
    file.map(|file| Ok(B256::new(hex_array(&read_text(file)?)?))).transpose()
}

fn run_case(files: &[PathBuf]) -> Result<String> {
    let (spec, network) = network(files)?;
    let recorded = files.iter().filter(|file| Kind::of(&file_name(file)).is_some());
    let named: Vec<(String, Vec<u8>)> =
        recorded.map(|file| Ok((file_name(file), read(file)?))).collect::<Result<_>>()?;
    let given = named.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let recording = Recording::decode(given, &spec)?;
    let own = recording.own_root();
    let trusted = trusted_root(files)?;
    let from = match trusted {
        Some(root) => format!("trusted root {root} from file"),
        None => format!("root {own} of the bootstrap itself, no trusted_root.txt"),
    };
    let replayed = recording.replay(trusted.unwrap_or(own), &spec)?;
    Ok(format!("{network}, {from}; {replayed}"))
}
