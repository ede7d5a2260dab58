//! Suite `ethereum-spec-sync`: the official `light_client/sync` vectors
//! (<https://github.com/ethereum/consensus-specs/blob/dev/tests/formats/light_client/sync.md>).
//!
//! Every step is taken twice: by the full protocol and by compact sync. Both must get to the same headers.
//!
//! A case is any folder with a `steps.yaml`. Preset and fork are in its path, the fork schedule in its `config.yaml`.

use std::path::Path;

use alloy_primitives::B256;
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_verifier::chains::ethereum::compact::{
    CompactBootstrap, CompactStore, CompactUpdate, initialize_compact_store,
    process_compact_updates,
};
use heliotrope_verifier::chains::ethereum::{
    ChainSpec, Fork, LightClientBootstrap, LightClientHeader, LightClientStore, LightClientUpdate,
    get_lc_execution_root, initialize_light_client_store, process_light_client_store_force_update,
    process_light_client_update, upgrade_lc_bootstrap, upgrade_lc_store, upgrade_lc_update,
};
use serde_yaml_ng::Value;

use super::network::Config;
use super::{Report, case_name, folders, hex_array, preset_and_fork, read_ssz, read_text};

/// Runs every case below `dir`.
pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    for folder in folders(dir)? {
        if folder.join("steps.yaml").is_file() {
            report.case(&case_name(dir, &folder), run_case(&folder));
        }
    }
    Ok(())
}

struct Case<'a> {
    folder: &'a Path,
    spec: ChainSpec,
    path_fork: Fork,
    store_fork: Fork,
    store: LightClientStore,
    compact: CompactStore,
}

fn run_case(folder: &Path) -> Result<String> {
    let (preset, fork) = preset_and_fork(folder);
    let path_fork = fork.context("no fork in the path")?;
    let meta: Value = serde_yaml_ng::from_str(&read_text(&folder.join("meta.yaml"))?)?;
    let config = Config::from_yaml(&read_text(&folder.join("config.yaml"))?)?;
    let preset = preset.or_else(|| config.preset()).context("no preset in the path")?;
    let spec = config.chain_spec(preset, 0, root(&meta, "genesis_validators_root")?)?;
    let bootstrap_fork = fork_of(&meta, "bootstrap", &spec)?.unwrap_or(path_fork);
    let store_fork = fork_of(&meta, "store", &spec)?.unwrap_or(bootstrap_fork);

    let bootstrap: LightClientBootstrap = read_ssz(folder, "bootstrap", bootstrap_fork, preset)?;
    let bootstrap = upgrade_lc_bootstrap(&bootstrap, store_fork, &spec);
    let trusted = root(&meta, "trusted_block_root")?;
    let store = initialize_light_client_store(trusted, &bootstrap, &spec).context("bootstrap")?;
    let compact = CompactBootstrap::from_full(&bootstrap, &spec);
    let compact =
        initialize_compact_store(trusted, &compact, &spec).context("compact bootstrap")?;
    let mut case = Case { folder, spec, path_fork, store_fork, store, compact };

    let steps: Vec<Value> = serde_yaml_ng::from_str(&read_text(&folder.join("steps.yaml"))?)?;
    ensure!(!steps.is_empty(), "no steps");
    for (index, step) in steps.iter().enumerate() {
        case.step(step).with_context(|| format!("step {index}"))?;
    }
    let slot = case.store.finalized_header().beacon.slot;
    Ok(format!("{} steps, finalized slot {slot}", steps.len()))
}

impl Case<'_> {
    fn step(&mut self, step: &Value) -> Result<()> {
        let (kind, body) = step
            .as_mapping()
            .and_then(|mapping| mapping.iter().next())
            .context("a step is a mapping of one kind")?;
        match kind.as_str() {
            Some("process_update") => self.process_update(body)?,
            Some("force_update") => {
                let current_slot = number(body, "current_slot")?;
                process_light_client_store_force_update(&mut self.store, current_slot, &self.spec);
                process_light_client_store_force_update(
                    &mut self.compact,
                    current_slot,
                    &self.spec,
                );
            }
            Some("upgrade_store") => {
                let fork = fork_of(body, "store", &self.spec)?.context("no fork to upgrade to")?;
                self.store = upgrade_lc_store(&self.store, fork, &self.spec);
                self.compact = upgrade_lc_store(&self.compact, fork, &self.spec);
                self.store_fork = fork;
            }
            _ => bail!("unknown kind of step {kind:?}"),
        }
        ensure!(
            self.compact.finalized_header() == self.store.finalized_header()
                && self.compact.optimistic_header() == self.store.optimistic_header(),
            "compact sync got to slot {}, full sync to {}",
            self.compact.finalized_header().beacon.slot,
            self.store.finalized_header().beacon.slot
        );
        let checks = &body["checks"];
        self.check(self.store.finalized_header(), &checks["finalized_header"], "finalized")?;
        self.check(self.store.optimistic_header(), &checks["optimistic_header"], "optimistic")
    }

    fn process_update(&mut self, body: &Value) -> Result<()> {
        let fork = fork_of(body, "update", &self.spec)?.unwrap_or(self.path_fork);
        let name = body["update"].as_str().context("no update")?;
        let update: LightClientUpdate =
            read_ssz(self.folder, name, fork, self.spec.preset()).context("update")?;
        let update = upgrade_lc_update(&update, self.store_fork, &self.spec);
        let current_slot = number(body, "current_slot")?;
        self.process_compact(&update, current_slot).context("compact")?;
        process_light_client_update(&mut self.store, &update, current_slot, &self.spec)?;
        Ok(())
    }

    /// The same update without the keys, through its encoding.
    fn process_compact(&mut self, update: &LightClientUpdate, current_slot: u64) -> Result<()> {
        let period = |slot| self.spec.compute_sync_committee_period_at_slot(slot);
        let in_period =
            period(update.signature_slot) == period(self.store.finalized_header().beacon.slot);
        let known = (!in_period).then(|| self.store.next_sync_committee()).flatten();
        let signers = known.unwrap_or_else(|| self.store.current_sync_committee());
        let compact = CompactUpdate::from_full(update, signers, true, &self.spec)?;
        let compact = CompactUpdate::decode(&compact.encode(&self.spec)?, &self.spec)?;
        process_compact_updates(&mut self.compact, &[compact], current_slot, [0; 32], &self.spec)?;
        Ok(())
    }

    fn check(&self, header: &LightClientHeader, expected: &Value, name: &str) -> Result<()> {
        let slot = number(expected, "slot")?;
        let got = header.beacon.slot;
        ensure!(got == slot, "{name} slot: got {got}, expected {slot}");
        let beacon_root = root(expected, "beacon_root")?;
        let got = header.beacon.hash_tree_root();
        ensure!(got == beacon_root, "{name} beacon root: got {got}, expected {beacon_root}");
        if expected.get("execution_root").is_some() {
            let execution_root = root(expected, "execution_root")?;
            let got = get_lc_execution_root(header, &self.spec);
            ensure!(
                got == execution_root,
                "{name} execution root: got {got}, expected {execution_root}"
            );
        }
        Ok(())
    }
}

fn number(value: &Value, name: &str) -> Result<u64> {
    value[name].as_u64().with_context(|| format!("no {name}"))
}

fn root(value: &Value, name: &str) -> Result<B256> {
    let text = value[name].as_str().with_context(|| format!("no {name}"))?;
    Ok(B256::new(hex_array(text)?))
}

/// The fork of `{what}_fork_digest` or `{what}_fork_version`, whichever is there.
fn fork_of(value: &Value, what: &str, spec: &ChainSpec) -> Result<Option<Fork>> {
    if let Some(text) = value.get(format!("{what}_fork_digest")).and_then(Value::as_str) {
        let fork = spec.fork_of_digest(hex_array(text)?);
        return fork.with_context(|| format!("unknown fork digest {text}")).map(Some);
    }
    if let Some(text) = value.get(format!("{what}_fork_version")).and_then(Value::as_str) {
        let fork = spec.fork_of_version(hex_array(text)?);
        return fork.with_context(|| format!("unknown fork version {text}")).map(Some);
    }
    Ok(None)
}
