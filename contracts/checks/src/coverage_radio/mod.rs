//! `coverage-radio`: did a beacon happen where its gateway says, and who really heard it?
//!
//! The rules are those of the last production release of Helium's proof of coverage
//! (`helium/oracles` at `a007b07d^`, `iot_verifier/src/poc.rs`, Apache-2.0; re-stated, not copied), as
//! far as they follow from the evidence and from chain facts. Rule and reason numbers are theirs.
//!
//! ```text
//!  beacon   R1 known ─ R2 asserted ─ R3 not denied ─ R4 entropy ─ R5 full ─ R6 interval ─ R7 payload ─
//!           R8 reciprocity                                            first broken rule ends it
//!  witness  W16 once ─ W1 known ─ W2 asserted ─ W3 not denied ─ W4 pair not denied ─ W5 not itself ─
//!           W6 entropy ─ W7 lag ─ W8 data ─ W9 full ─ W10 frequency ─ W11 region ─ W12 not too near ─
//!           W13 not too far ─ W14 not too loud ─ W15 reciprocity ─ W17 cap
//! ```
//! W16 stands first because the network's code skips all other rules for a repeated key.
//!
//! # Profiles
//! The parameters name one; any other name is refused.
//! - `helium-2025-12`: those rules, known quirks included. The eight that need history (R3, R5, R6, R8 and
//!   their like for witnesses) are judged where the parameters name a contract that keeps it; where they
//!   name none, each is shown as indeterminate and the verdict does not depend on it.
//! - `strict-1`: the same without the quirks, and rules S1 … S8; every difference is in `strict.rs`.
//!
//! Evidence is a bundle of version 1 or 2. What only version 2 holds is missing in version 1.
//!
//! # Verdict of a bundle
//! - **fail**: a beacon rule is broken. Witnesses are then not judged.
//! - **indeterminate**: a fact, region parameter or provenance that a rule needs is missing, for the beacon
//!   or for any witness (else the carrier could choose who counts by leaving facts out); or the beacon
//!   holds but nobody who counts heard it (rule H1, reason 24).
//! - **pass**: the beacon holds, and at least one witness counts.
//!
//! Witnesses count in order of receipt, at most `max_selected` (14); `score_ppm` is their share of
//! that number. Only a passing bundle has selected witnesses and a score; it also shows HIP-15 units and
//! HIP-17 scales (H2 … H4), which no verdict depends on.
//!
//! # Not checked here
//! Signatures, and that entropy follows from its source (both done before). Under `helium-2025-12` receive
//! times are what the gateway asserts, and conducted power is not compared, as upstream.

mod beacon;
mod chacha;
pub mod density;
mod geo;
mod payload;
pub mod reward;
pub mod rules;
mod score;
mod standing;
mod strict;
mod witness;

pub use crate::distance::{GeoError, distance_m};
pub use geo::{cell_distance, expected_rssi_dbm};
pub use payload::{Derived, PayloadError, data_rate, derive as derive_payload, payload};
pub use witness::{frequency_diff_hz, lag};

pub use crate::judge::CheckError;

use crate::distance::place;
use crate::facts::{Facts, ask};
use crate::judge::{self, Log, format, score_ppm};
use h3o::LatLng;
use heliotrope_device_proofs::abi::{CheckInputRef, CheckOutput, Description, Plan, Verdict};
use heliotrope_device_proofs::bundle::Reports;
use heliotrope_device_proofs::provenance::EvidenceBundleV2;
use heliotrope_device_proofs::radio::{
    self, PROFILE_HELIUM_2025_12, PROFILE_STRICT_1, RadioParams, Standing,
};
use heliotrope_device_proofs::registry::{self, Radio};
use heliotrope_device_proofs::wire::{BlockchainRegionParamsV1, LoraStreamSessionInitV1};
use heliotrope_device_proofs::{Bytes32, sha256};
use sha2::{Digest as _, Sha256};
use standing::Source;

/// Name of the check; its id is `keccak256` of this.
pub const NAME: &str = "coverage-radio";
/// Version of the rules.
pub const VERSION: &str = "1.1.0";

/// What the check says about itself.
#[must_use]
pub fn describe() -> Description {
    judge::description(NAME, VERSION, rules::ALL)
}

/// The profiles that there are.
const PROFILES: &[&str] = &[PROFILE_HELIUM_2025_12, PROFILE_STRICT_1];

/// Parameters of a profile that there is, and whether it is the strict one.
fn decode_params(bytes: &[u8]) -> Result<(RadioParams, bool), CheckError> {
    let params = RadioParams::decode(bytes).map_err(format("params"))?;
    if !PROFILES.contains(&params.profile.as_str()) {
        return Err(CheckError::Profile { got: params.profile, expected: PROFILES });
    }
    let strict = params.profile == PROFILE_STRICT_1;
    Ok((params, strict))
}

/// The facts a bundle needs: the radio word of every device in it; and of the contracts that the parameters
/// name, each device's standing, whether each pair is denied, and the hash of the entropy's block.
///
/// # Errors
/// If evidence or parameters are malformed, or the profile is unknown.
pub fn plan(evidence: &[u8], params: &[u8]) -> Result<Plan, CheckError> {
    let (params, _) = decode_params(params)?;
    let evidence = EvidenceBundleV2::decode_any(evidence).map_err(format("evidence"))?;
    let mut plan = Plan::default();
    let ids = evidence.bundle.device_ids()?;
    for id in &ids {
        ask(&mut plan, &params.device_registry, registry::radio_slot(id));
    }
    let sources = params.sources.unwrap_or_default();
    if let Some(standing) = sources.standing {
        let beaconer = registry::device_id(&evidence.bundle.reports()?.beacon.pub_key);
        for id in &ids {
            ask(&mut plan, &standing, radio::standing_slot(id));
            if *id != beaconer {
                ask(&mut plan, &standing, radio::denied_pair_slot(id, &beaconer));
            }
        }
    }
    if let Some((pinned, source)) = sources.blockhashes.zip(evidence.entropy_source) {
        ask(&mut plan, &pinned.address, pinned.slot(source.slot));
    }
    Ok(plan)
}

/// Judges a bundle.
///
/// # Errors
/// If any part of the input is malformed, the profile is unknown, or the facts contradict each other.
pub fn check(input: &[u8]) -> Result<CheckOutput, CheckError> {
    let input_hash = sha256(input);
    let input = CheckInputRef::decode(input).map_err(format("input"))?;
    let (params, strict) = decode_params(input.params)?;
    let evidence = EvidenceBundleV2::decode_any(input.evidence).map_err(format("evidence"))?;
    let reports = evidence.bundle.reports()?;
    let sessions = evidence.session_inits()?;
    let mut facts = facts_of(&input, &params)?;
    let beaconer = device(&mut facts, &params, &reports.beacon.pub_key);
    let blockhash = blockhash(&mut facts, &params, &evidence);
    let case = Case {
        evidence: &evidence,
        reports: &reports,
        sessions: &sessions,
        params: &params,
        strict,
        now_s: input.now_s,
        block: facts.block(),
        region: beacon::region(&params, beaconer.radio),
        place: beaconer.radio.and_then(|radio| place(radio.cell).ok()),
        beaconer_id: beaconer.id,
        beaconer: beaconer.radio,
        standing: beaconer.standing,
        blockhash,
    };
    let mut log = Log::default();
    let (selected, verdict) = judge_bundle(&case, &mut facts, &mut log);
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

/// The witnesses that count, and the verdict. Only a passing bundle has any.
fn judge_bundle(case: &Case<'_>, facts: &mut Facts<'_>, log: &mut Log) -> (Vec<u32>, Verdict) {
    let mut verdict = log.judge(0, Case::RULES, case);
    if case.strict && verdict == Verdict::Pass {
        verdict = log.judge(0, Case::STRICT_RULES, case);
    }
    if verdict != Verdict::Pass {
        return (Vec::new(), verdict);
    }
    let (selected, verdict) = witness::judge_all(case, facts, log);
    if verdict != Verdict::Pass {
        return (Vec::new(), verdict);
    }
    score::note(case, &selected, log);
    // what comes next lies beside the log, not behind what it had reserved
    log.outcomes.shrink_to_fit();
    (selected.iter().map(|witness| witness.index).collect(), verdict)
}

/// Everything about the beacon that rules look at.
struct Case<'a> {
    evidence: &'a EvidenceBundleV2,
    reports: &'a Reports,
    sessions: &'a [LoraStreamSessionInitV1],
    params: &'a RadioParams,
    strict: bool,
    /// Time of the block that proved the facts.
    now_s: u64,
    /// Its number; `None` if there is no fact.
    block: Option<u64>,
    /// Channels of the beaconer's region; `None` if they are not known.
    region: Option<BlockchainRegionParamsV1>,
    beaconer_id: Bytes32,
    /// `None` if the fact is missing.
    beaconer: Option<Radio>,
    /// Where the beaconer's cell is; `None` if it is not known.
    place: Option<LatLng>,
    standing: Source<Standing>,
    /// What the chain keeps in the place of the entropy's block; `None` if no fact says it.
    blockhash: Option<Bytes32>,
}

/// The facts about the contracts that the parameters name.
fn facts_of<'a>(
    input: &'a CheckInputRef<'_>,
    params: &RadioParams,
) -> Result<Facts<'a>, CheckError> {
    let mut others = Vec::new();
    if let Some(sources) = &params.sources {
        others.extend(sources.standing);
        others.extend(sources.blockhashes.map(|pinned| pinned.address));
    }
    Facts::new(&input.facts, &params.device_registry, &others, params.chain_id)
}

/// What the facts say of a device.
struct Device {
    id: Bytes32,
    /// `None` if no fact says it.
    radio: Option<Radio>,
    standing: Source<Standing>,
}

fn device(facts: &mut Facts<'_>, params: &RadioParams, public_key: &[u8]) -> Device {
    let id = registry::device_id(public_key);
    let radio = facts.word(&registry::radio_slot(&id)).map(|word| Radio::from_word(&word));
    let standing = standing_word(facts, params, || radio::standing_slot(&id));
    Device { id, radio, standing: standing.map(|word| Standing::from_word(&word)) }
}

/// Whether the pair of the beaconer and the device with this id is denied; one device is no pair.
fn denied_pair(facts: &mut Facts<'_>, case: &Case<'_>, id: &Bytes32) -> Source<bool> {
    if *id == case.beaconer_id {
        return Source::Known(false);
    }
    let slot = || radio::denied_pair_slot(id, &case.beaconer_id);
    standing_word(facts, case.params, slot).map(|word| word != Bytes32::default())
}

/// A word of the contract that keeps standings. A key is only made where there is one: it costs a hash or two.
fn standing_word(
    facts: &mut Facts<'_>,
    params: &RadioParams,
    key: impl FnOnce() -> Bytes32,
) -> Source<Bytes32> {
    match params.sources.as_ref().and_then(|sources| sources.standing) {
        None => Source::NotNamed,
        Some(address) => facts.word_of(&address, &key()).map_or(Source::Missing, Source::Known),
    }
}

/// What the chain keeps in the place of the block that the entropy names.
fn blockhash(
    facts: &mut Facts<'_>,
    params: &RadioParams,
    evidence: &EvidenceBundleV2,
) -> Option<Bytes32> {
    let pinned = params.sources.as_ref()?.blockhashes?;
    facts.word_of(&pinned.address, &pinned.slot(evidence.entropy_source?.slot))
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
