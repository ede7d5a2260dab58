//! Suite `pdp`: published facts that a possession proof rests on, judged by what the pinned module is made of.
//!
//! A case is a line of a `quicknet.csv` (`round,signature`): rounds of drand quicknet as the network published
//! them. Where a folder has none, the three rounds that are known here are the cases: each must verify under
//! the published key, and must not as another round.

use super::Report;
use anyhow::{Context as _, Result, ensure};
use heliotrope_checks::storage_pdp::drand::is_signed;
use heliotrope_device_proofs::pdp::{Beacon, PdpParams, QUICKNET};
use std::path::Path;

/// Rounds of drand quicknet (`/public/{round}`), as its users have written them down.
const PUBLISHED: [&str; 3] = [
    "1000,b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
    "657413,b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b",
    "5928395,a5d07c0071b4e386b3ae09206522253c68fefe8490ad59ecc44a7dd0d0745be91da5779e2247a82403fbc0cb9a34cb61",
];
/// Rounds that a Filecoin node takes for epochs of mainnet.
const ROUNDS: [(u64, u64); 4] = [(0, 1), (3_149_899, 1), (3_149_900, 2), (3_149_901, 12)];

pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    let text = std::fs::read_to_string(dir.join("quicknet.csv")).unwrap_or_default();
    let rows = if text.is_empty() { PUBLISHED.to_vec() } else { text.lines().collect() };
    for row in rows {
        let name = row.split(',').next().unwrap_or(row);
        report.case(&format!("quicknet round {name}"), round(row));
    }
    let params = PdpParams::filecoin_mainnet();
    for (epoch, expected) in ROUNDS {
        let outcome = || {
            let got = params.round_of(epoch).context("no round")?;
            ensure!(got == expected, "round {got}, expected {expected}");
            Ok(format!("round {got}"))
        };
        report.case(&format!("epoch {epoch}"), outcome());
    }
    Ok(())
}

fn round(row: &str) -> Result<String> {
    let (round, signature) = row.split_once(',').context("round,signature")?;
    let signature = hex::decode(signature.trim())?.try_into().ok().context("48 bytes")?;
    let beacon = Beacon { round: round.parse()?, signature };
    ensure!(is_signed(&beacon, &QUICKNET.public_key), "does not verify");
    let other = Beacon { round: beacon.round + 1, ..beacon };
    ensure!(!is_signed(&other, &QUICKNET.public_key), "verifies as another round");
    Ok("verifies, and only as itself".into())
}
