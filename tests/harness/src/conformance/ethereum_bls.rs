//! Suite `ethereum-bls`: the official `bls/fast_aggregate_verify` vectors
//! (<https://github.com/ethereum/consensus-specs/blob/dev/tests/formats/bls/fast_aggregate_verify.md>), the one BLS
//! operation of the light client protocol.
//!
//! A case is any folder whose name begins with `fast_aggregate_verify_`, with a `data.yaml`.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use heliotrope_verifier::chains::ethereum::{BlsPublicKey, fast_aggregate_verify};
use serde_yaml_ng::Value;

use super::{Report, case_name, file_name, folders, hex_array, read_text};

/// Runs every case below `dir`.
pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    for folder in folders(dir)? {
        let is_case = file_name(&folder).starts_with("fast_aggregate_verify_");
        if is_case && folder.join("data.yaml").is_file() {
            report.case(&case_name(dir, &folder), run_case(&folder));
        }
    }
    Ok(())
}

fn run_case(folder: &Path) -> Result<String> {
    let case: Value = serde_yaml_ng::from_str(&read_text(&folder.join("data.yaml"))?)?;
    let input = &case["input"];
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
    let pubkeys = input["pubkeys"].as_sequence().context("no pubkeys")?;
    let pubkeys =
        pubkeys.iter().map(|key| hex_array(&text(key)?)).collect::<Result<Vec<BlsPublicKey>>>()?;
    let message: [u8; 32] = hex_array(&text(&input["message"])?)?;
    let signature = hex_array(&text(&input["signature"])?)?;
    let expected = case["output"].as_bool().context("no output")?;
    let verdict = fast_aggregate_verify(&pubkeys, &message, &signature);
    ensure!(verdict.is_ok() == expected, "got {verdict:?}, expected {expected}");
    Ok(match verdict {
        Ok(()) => "accepted".to_owned(),
        Err(error) => format!("refused: {error}"),
    })
}
