//! Suite `ethereum-spec-update-ranking`: the official `light_client/update_ranking` vectors
//! (<https://github.com/ethereum/consensus-specs/blob/dev/tests/formats/light_client/update_ranking.md>).
//!
//! A case is any folder with `updates_0.ssz_snappy`: its updates in order, best first.

use std::path::Path;

use alloy_primitives::B256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_verifier::chains::ethereum::{
    ChainSpec, Fork, ForkActivation, LightClientUpdate, Preset, is_better_update,
};
use heliotrope_verifier::consensus::UnixSeconds;
use serde_yaml_ng::Value;

use super::{Report, case_name, folders, preset_and_fork, read_ssz, read_text};

/// Runs every case below `dir`.
pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    for folder in folders(dir)? {
        if folder.join("updates_0.ssz_snappy").is_file() {
            report.case(&case_name(dir, &folder), run_case(&folder));
        }
    }
    Ok(())
}

fn run_case(folder: &Path) -> Result<String> {
    let (preset, fork) = preset_and_fork(folder);
    let (preset, fork) = (preset.context("no preset in the path")?, fork.context("no fork")?);
    let meta: Value = serde_yaml_ng::from_str(&read_text(&folder.join("meta.yaml"))?)?;
    let count = meta["updates_count"].as_u64().context("no updates_count")?;
    ensure!(count > 1, "nothing to rank");
    let updates = (0..count)
        .map(|index| read_ssz(folder, &format!("updates_{index}"), fork, preset))
        .collect::<Result<Vec<LightClientUpdate>>>()?;
    let spec = all_forks_at_genesis(preset, fork)?;
    for (index, update) in updates.iter().enumerate() {
        for worse in updates.iter().skip(index + 1) {
            ensure!(is_better_update(update, worse, &spec), "update {index} is not better");
            ensure!(!is_better_update(worse, update, &spec), "update {index} is not worse");
        }
    }
    Ok(format!("{count} updates, {} pairs both ways", count * (count - 1) / 2))
}

/// Ranking asks for nothing of a network but the length of its periods.
fn all_forks_at_genesis(preset: Preset, last: Fork) -> Result<ChainSpec> {
    let forks = Fork::ALL.into_iter().zip(0u8..).filter(|(fork, _)| *fork <= last);
    let forks = forks.map(|(fork, n)| ForkActivation { fork, version: [n, 0, 0, 1], epoch: 0 });
    let (genesis, root) = (UnixSeconds(0), B256::ZERO);
    Ok(ChainSpec::from_parts(preset, genesis, root, 6_000, forks.collect(), vec![])?)
}
