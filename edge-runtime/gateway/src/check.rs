//! `heliotrope check`: one module, one piece of evidence, every rule's outcome.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256};
use anyhow::{Context as _, Result};
use heliotrope_device_proofs::{
    abi::{CheckInput, CheckOutput, Fact},
    evidence, sha256,
};
use serde::Deserialize;
use serde_json::json;

use crate::engine;

/// What to judge, and by what.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The check module, wasm.
    module: PathBuf,
    /// The evidence bundle, CBOR.
    evidence: PathBuf,
    /// Chain facts that you vouch for: JSON, a list of `{"chain_id", "block", "address", "key", "value"}`.
    /// A rule whose fact is missing is indeterminate.
    #[arg(long)]
    facts: Option<PathBuf>,
    /// Parameters of the check, CBOR.
    #[arg(long)]
    params: Option<PathBuf>,
    /// The check's only clock, Unix seconds; 0 when none is given.
    #[arg(long, default_value_t = 0)]
    now: u64,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedFact {
    chain_id: u64,
    block: u64,
    address: Address,
    key: B256,
    value: B256,
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

fn facts(path: Option<&Path>) -> Result<Vec<Fact>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let named: Vec<NamedFact> =
        serde_json::from_slice(&read(path)?).with_context(|| path.display().to_string())?;
    let fact = |fact: NamedFact| Fact {
        chain_id: fact.chain_id,
        block: fact.block,
        address: fact.address.0.0,
        key: fact.key.0,
        value: fact.value.0,
    };
    Ok(named.into_iter().map(fact).collect())
}

/// Runs the check; an error is the host's or the input's, never a verdict.
pub(crate) fn check(wanted: &Check) -> Result<String> {
    let (wasm, evidence) = (read(&wanted.module)?, read(&wanted.evidence)?);
    // signatures are the trusted core's: a module never sees what they do not hold for
    evidence::authenticate(&evidence).context("evidence")?;
    let module_hash = sha256(&wasm);
    let module = engine::host()?.load(&wasm, &module_hash)?;
    let params = wanted.params.as_deref().map(read).transpose()?.unwrap_or_default();
    let input = CheckInput {
        module_hash,
        evidence,
        facts: facts(wanted.facts.as_deref())?,
        params,
        now_s: wanted.now,
    };
    let description = module.describe()?;
    let output = CheckOutput::decode(&module.check(&input.encode())?)?;
    let names: BTreeMap<u16, &str> =
        description.rules.iter().map(|rule| (rule.rule_id, rule.name.as_str())).collect();
    let name = format!("{} {}", description.name, description.version);
    Ok(if wanted.json {
        as_json(&name, module_hash, &output, &names)
    } else {
        as_text(&name, module_hash, &output, &names)
    })
}

fn as_text(
    name: &str,
    module_hash: [u8; 32],
    output: &CheckOutput,
    names: &BTreeMap<u16, &str>,
) -> String {
    let mut lines = vec![
        format!("{name}, module {}", hex::encode(module_hash)),
        format!("verdict {}, score {} ppm", output.verdict.as_str(), output.score_ppm),
    ];
    for outcome in &output.outcomes {
        lines.push(format!(
            "subject {:>3}  rule {:>3}  {:<13}  reason {:>2}  observed {}, limit {}  {}",
            outcome.subject,
            outcome.rule_id,
            outcome.verdict.as_str(),
            outcome.reason,
            outcome.observed,
            outcome.limit,
            names.get(&outcome.rule_id).copied().unwrap_or_default(),
        ));
    }
    lines.join("\n")
}

fn as_json(
    name: &str,
    module_hash: [u8; 32],
    output: &CheckOutput,
    names: &BTreeMap<u16, &str>,
) -> String {
    let outcomes = output.outcomes.iter().map(|outcome| {
        json!({
            "subject": outcome.subject,
            "rule": outcome.rule_id,
            "name": names.get(&outcome.rule_id),
            "verdict": outcome.verdict.as_str(),
            "reason": outcome.reason,
            "observed": outcome.observed,
            "limit": outcome.limit,
        })
    });
    json!({
        "check": name,
        "module": hex::encode(module_hash),
        "verdict": output.verdict.as_str(),
        "score_ppm": output.score_ppm,
        "replay_key": hex::encode(output.replay_key),
        "input_hash": hex::encode(output.input_hash),
        "facts_read": output.facts_read,
        "selected": output.selected,
        "outcomes": outcomes.collect::<Vec<_>>(),
    })
    .to_string()
}
