//! `coverage-radio`: did a beacon happen where its gateway says, and who really heard it?
//!
//! The rules are those of the last production release of Helium's proof of coverage
//! (`helium/oracles` at `a007b07d^`, `iot_verifier/src/poc.rs`, Apache-2.0; re-stated, not copied), as
//! far as they follow from the evidence and from chain facts. Rule and reason numbers are theirs.
//!
//! ```text
//!  beacon   R1 known ─ R2 asserted ─ R4 entropy ─ R7 payload                 first broken rule ends it
//!  witness  W16 once ─ W1 known ─ W2 asserted ─ W5 not itself ─ W6 entropy ─ W7 lag ─ W8 data ─
//!           W10 frequency ─ W11 region ─ W12 not too near ─ W13 not too far ─ W14 not too loud ─ W17 cap
//! ```
//! W16 stands first because the network's code skips all other rules for a repeated key.
//!
//! # Verdict of a bundle
//! - **fail**: a beacon rule is broken. Witnesses are then not judged.
//! - **indeterminate**: a fact or region parameter that a rule needs is missing, for the beacon or
//!   for any witness (else the carrier could choose who counts by leaving facts out); or the beacon
//!   holds but nobody who counts heard it (rule H1, reason 24).
//! - **pass**: the beacon holds, and at least one witness counts.
//!
//! Witnesses count in order of receipt, at most `max_selected` (14); `score_ppm` is their share of
//! that number. Only a passing bundle has selected witnesses and a score.
//!
//! # Not checked here
//! Signatures (done before). Receive times: the gateway asserts them. Deny lists (R3, W3, W4), beacon
//! interval (R6), reciprocity (R8, W15): they need history that is not in a bundle. Capability (R5,
//! W9) has no on-chain source. Conducted power: upstream computes it and does not compare it.
//!
//! HIP-15 units ([`reward`]) and HIP-17 scale ([`density`]) are functions for whoever pays; no verdict
//! depends on them, and the module does not call them.

mod beacon;
mod chacha;
pub mod density;
mod geo;
mod payload;
pub mod reward;
pub mod rules;
mod witness;

pub use geo::{GeoError, cell_distance, distance_m, expected_rssi_dbm};
pub use payload::{Derived, PayloadError, data_rate, derive as derive_payload, payload};
pub use witness::{frequency_diff_hz, lag};

pub use crate::judge::CheckError;

use crate::device::radio;
use crate::facts::{Facts, ask};
use crate::judge::{self, Log, format, score_ppm};
use heliotrope_device_proofs::abi::{
    CheckInput, CheckOutput, Description, Plan, RadioParams, Verdict,
};
use heliotrope_device_proofs::bundle::{EvidenceBundle, Reports};
use heliotrope_device_proofs::registry::{self, Radio};
use heliotrope_device_proofs::sha256;
use sha2::{Digest as _, Sha256};

/// Name of the check; its id is `keccak256` of this.
pub const NAME: &str = "coverage-radio";
/// Version of the rules.
pub const VERSION: &str = "1.0.0";

/// What the check says about itself.
#[must_use]
pub fn describe() -> Description {
    judge::description(NAME, VERSION, rules::ALL)
}

/// The facts a bundle needs: the radio word of every device in it.
///
/// # Errors
/// If evidence or parameters are malformed.
pub fn plan(evidence: &[u8], params: &[u8]) -> Result<Plan, CheckError> {
    let params = RadioParams::decode(params).map_err(format("params"))?;
    let bundle = EvidenceBundle::decode(evidence).map_err(format("evidence"))?;
    let mut plan = Plan::default();
    for id in bundle.device_ids()? {
        ask(&mut plan, &params.device_registry, registry::radio_slot(&id));
    }
    Ok(plan)
}

/// Judges a bundle.
///
/// # Errors
/// If any part of the input is malformed or the facts contradict each other.
pub fn check(input: &[u8]) -> Result<CheckOutput, CheckError> {
    let input_hash = sha256(input);
    let input = CheckInput::decode(input).map_err(format("input"))?;
    let params = RadioParams::decode(&input.params).map_err(format("params"))?;
    let bundle = EvidenceBundle::decode(&input.evidence).map_err(format("evidence"))?;
    let reports = bundle.reports()?;
    let mut facts = Facts::new(&input.facts, &params.device_registry, &[], params.chain_id)?;
    let beaconer = radio(&mut facts, &reports.beacon.pub_key);
    let case = Case { bundle: &bundle, reports: &reports, params: &params, beaconer };
    let mut log = Log::default();
    let beacon = log.judge(0, &beacon::rules_in_order(), &case);
    let mut selected = Vec::new();
    let mut verdict = beacon;
    if beacon == Verdict::Pass {
        (selected, verdict) = witness::judge_all(&case, &mut facts, &mut log);
    }
    if verdict != Verdict::Pass {
        selected.clear();
    }
    Ok(CheckOutput {
        verdict,
        score_ppm: score_ppm(selected.len(), params.max_selected),
        outcomes: log.outcomes,
        replay_key: replay_key(&reports),
        facts_read: facts.read(),
        input_hash,
        selected,
        subject_cell: beacon::known_cell(&case),
    })
}

/// [`describe`] as bytes.
#[must_use]
pub fn describe_bytes() -> Vec<u8> {
    describe().encode()
}

/// [`plan`] as bytes; `None` refuses.
#[must_use]
pub fn plan_bytes(evidence: &[u8], params: &[u8]) -> Option<Vec<u8>> {
    plan(evidence, params).ok().map(|plan| plan.encode())
}

/// [`check`] as bytes; `None` refuses.
#[must_use]
pub fn check_bytes(input: &[u8]) -> Option<Vec<u8>> {
    check(input).ok().map(|output| output.encode())
}

/// Everything about the beacon that rules look at.
struct Case<'a> {
    bundle: &'a EvidenceBundle,
    reports: &'a Reports,
    params: &'a RadioParams,
    /// `None` if the fact is missing.
    beaconer: Option<Radio>,
}

/// One beacon of one gateway counts once, whoever resubmits it with other receive times.
fn replay_key(reports: &Reports) -> [u8; 32] {
    let beacon = &reports.beacon;
    let hash = Sha256::new().chain_update(b"coverage-radio/1/beacon");
    hash.chain_update(sha256(&beacon.pub_key)).chain_update(&beacon.data).finalize().into()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test stops at the first surprise")]
mod tests;
