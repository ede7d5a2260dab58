//! `coverage-map`: which Wi-Fi radios cover a map cell in an epoch, and what share is each of them due?
//!
//! The rules are those of the last production release of Helium Mobile's proof of coverage (`helium/oracles` at
//! `a007b07d^`: `mobile_verifier`, `coverage_map`, `coverage_point_calculator`, Apache-2.0; re-stated, not copied).
//! Reasons are the network's where it has one. Profile `helium-2026-01`; any other refuses the input.
//!
//! ```text
//!  bundle     B1 area ─ B2 oracle data                                     without them nothing is judged
//!  radio      C1 modeller ─ C2 hexes ─ C3 signal levels
//!  heartbeat  V1 coverage object ─ V2 known ─ V3 works ─ V4 epoch ─ V5 place ─ V6 geofence ─ V7 device type ─
//!             V8 registered ─ V9 asserted          first broken rule ends it;   then trust: T1 ─ T2 ─ T3
//!  radio      C4 hours ─ speed tests Q1 Q2 ─ Q3 enough ─ Q4 down ─ Q5 up ─ Q6 latency
//!  area       radios with C1 to C4 are ranked in every hex ─ P1 ranked ─ P2 boosted ─ P3 share ─ B3 somebody
//! ```
//! Subject 0 is the bundle, 256·(n + 1) is radio n, and after it come its heartbeats (+ 1 …) and its speed tests
//! (+ 128 …).
//!
//! # Data of oracles
//! Hex assignments, boosts, device types, earlier seniority, subscribers and bans are no device's to say. They come
//! in one document, [`OracleData`], that counts only if the chain commits to its hash (B2, a proven fact). A
//! verdict is as good as whoever wrote that word.
//!
//! # Verdict of a bundle
//! - **fail**: the area is none, the oracle data are others than the chain says, or nobody covers the area.
//! - **indeterminate**: a fact, a parameter or oracle data that a rule needs is missing, for any radio: ranks are
//!   relative, so one unknown radio makes all of them unknown.
//! - **pass**: at least one radio is due a share.
//!
//! Only a passing bundle has selected radios and a score: the share of the area's hexes that they cover.
//! `subject_cell` is the area.
//!
//! # Differences from upstream
//! Ties of rank go to the lower key ([`rank`]). The last validated location of a radio is looked for in the bundle
//! alone. A hex that is listed twice breaks C2; upstream counts it twice. Fractions are exact and cut off once.
//! Heartbeats must lie within ±90° and ±180°.
//!
//! # Not checked here
//! Signatures: done before. Receive times: the gateway asserts them, and V4 and C4 rest on them. That no radio is
//! left out of the bundle: an area and epoch count once, and whoever was left out can show it.

mod geo;
pub mod heartbeat;
#[cfg(not(target_arch = "wasm32"))]
pub mod published;
pub mod rank;
pub mod rules;
#[cfg(not(target_arch = "wasm32"))]
pub mod scene;
pub mod seniority;
pub mod speedtest;

pub use crate::judge::CheckError;

use crate::device::radio;
use crate::facts::{Facts, ask, word};
use crate::judge::{self, Finding, Log, RuleOf, format, same, score_ppm};
use heartbeat::Presence;
use heliotrope_device_proofs::abi::{CheckInputRef, CheckOutput, Description, Plan, Verdict};
use heliotrope_device_proofs::coverage_map::{
    CoverageMapBundle, CoverageMapParams, OracleData, PROFILE_HELIUM_2026_01, RadioEvidence,
    RadioMessages, RadioStatement,
};
use heliotrope_device_proofs::registry::{self, Radio, keccak256};
use heliotrope_device_proofs::{Bytes32, h3, sha256};
use rank::{Ranked, Ranking};

/// Name of the check; its id is `keccak256` of this.
pub const NAME: &str = "coverage-map";
/// Version of the rules.
pub const VERSION: &str = "1.0.0";

/// Subjects between one radio and the next.
const RADIO_STRIDE: u32 = 256;

/// What the check says about itself.
#[must_use]
pub fn describe() -> Description {
    judge::description(NAME, VERSION, rules::ALL)
}

/// The facts that a bundle needs: the radio word of every radio, and the digest of the oracle data.
///
/// # Errors
/// If evidence or parameters are malformed, or the profile is not known.
pub fn plan(evidence: &[u8], params: &[u8]) -> Result<Plan, CheckError> {
    let params = params_of(params)?;
    let bundle = CoverageMapBundle::decode(evidence).map_err(format("evidence"))?;
    let mut plan = Plan::default();
    for radio in &bundle.radios {
        let key = registry::radio_slot(&registry::device_id(&radio.hotspot_key));
        ask(&mut plan, &params.device_registry, key);
    }
    ask(&mut plan, &params.oracle, digest_key(&bundle, &params));
    Ok(plan)
}

/// Judges a bundle.
///
/// # Errors
/// If any part of the input is malformed, the profile is not known, or the facts contradict each other.
pub fn check(input: &[u8]) -> Result<CheckOutput, CheckError> {
    let input_hash = sha256(input);
    let input = CheckInputRef::decode(input).map_err(format("input"))?;
    let params = params_of(input.params)?;
    let bundle = CoverageMapBundle::decode(input.evidence).map_err(format("evidence"))?;
    let radios = bundle.radios()?;
    let oracle = match bundle.oracle.as_slice() {
        [] => OracleData::default(),
        document => OracleData::decode(document).map_err(format("oracle data"))?,
    };
    let (home, others) = (&params.device_registry, [params.oracle]);
    let mut facts = Facts::new(&input.facts, home, &others, params.chain_id)?;
    let committed = facts.word_of(&params.oracle, &digest_key(&bundle, &params));
    let start_s = bundle.epoch.checked_mul(params.epoch_s);
    let epoch = start_s.and_then(|start_s| Some((start_s, start_s.checked_add(params.epoch_s)?)));
    let epoch = epoch.filter(|(start_s, end_s)| start_s < end_s);
    let case = Case { params: &params, bundle: &bundle, oracle: &oracle, epoch };
    let mut log = Log::default();
    let mut verdict = log.judge(0, Whole::RULES, &Whole { case: &case, committed });
    let (mut selected, mut score) = (Vec::new(), 0);
    if verdict == Verdict::Pass {
        (verdict, selected, score) = judge_radios(&case, &radios, &mut facts, &mut log);
    }
    Ok(CheckOutput {
        verdict,
        outcomes: log.outcomes,
        score_ppm: score,
        replay_key: replay_key(&bundle, &params),
        facts_read: facts.read(),
        input_hash,
        selected,
        subject_cell: bundle.area,
    })
}

fn params_of(params: &[u8]) -> Result<CoverageMapParams, CheckError> {
    let params = CoverageMapParams::decode(params).map_err(format("params"))?;
    if params.profile == PROFILE_HELIUM_2026_01 {
        return Ok(params);
    }
    Err(CheckError::Profile { got: params.profile, expected: &[PROFILE_HELIUM_2026_01] })
}

/// Where the oracle's contract commits to what it says of the area in the epoch: its
/// `mapping(uint256 area => mapping(uint256 epoch => bytes32 digest))`.
fn digest_key(bundle: &CoverageMapBundle, params: &CoverageMapParams) -> Bytes32 {
    let epochs = keccak256(&[&word(bundle.area), &word(params.oracle_slot)]);
    keccak256(&[&word(bundle.epoch), &epochs])
}

/// An area counts once per epoch, whoever hands it in, and with whatever radios.
fn replay_key(bundle: &CoverageMapBundle, params: &CoverageMapParams) -> Bytes32 {
    let mut key = b"coverage-map/1".to_vec();
    key.extend_from_slice(&params.chain_id.to_be_bytes());
    key.extend_from_slice(&params.device_registry);
    key.extend_from_slice(&bundle.area.to_be_bytes());
    key.extend_from_slice(&bundle.epoch.to_be_bytes());
    sha256(&key)
}

/// What all rules look at.
pub(crate) struct Case<'a> {
    params: &'a CoverageMapParams,
    bundle: &'a CoverageMapBundle,
    oracle: &'a OracleData,
    /// When the epoch and the next one start; `None` if that is no time, or an epoch has no length.
    epoch: Option<(u64, u64)>,
}

impl Case<'_> {
    /// Whether a hex is in the area.
    fn holds(&self, hex: u64) -> bool {
        h3::parent(hex, h3::MAP_RESOLUTION) == Some(self.bundle.area)
    }
}

struct Whole<'a> {
    case: &'a Case<'a>,
    /// `None` if the fact is missing.
    committed: Option<Bytes32>,
}

impl<'a> Whole<'a> {
    const RULES: &'a [RuleOf<Self>] =
        &[(rules::B1, is_a_cell_of_the_map), (rules::B2, is_what_the_chain_commits_to)];
}

/// B1: the area is an H3 cell of the map's resolution.
fn is_a_cell_of_the_map(whole: &Whole<'_>) -> Finding {
    let area = whole.case.bundle.area;
    let resolution = h3::resolution(area);
    let holds = geo::is_cell(area) && resolution == h3::MAP_RESOLUTION;
    Finding::holds_if(holds, resolution, h3::MAP_RESOLUTION)
}

/// B2: the hash of the oracle data is the word on the chain. A zero word says that the oracle said nothing.
fn is_what_the_chain_commits_to(whole: &Whole<'_>) -> Finding {
    let committed = whole.committed.filter(|word| *word != Bytes32::default());
    let document = &whole.case.bundle.oracle;
    let Some(committed) = committed.filter(|_| !document.is_empty()) else {
        return Finding::missing();
    };
    same(&sha256(document), &committed)
}

/// A radio, judged by itself.
struct Judged<'a> {
    ranked: Ranked<'a>,
    subject: u32,
    presence: Presence,
    backhaul_percent: u32,
}

fn judge_radios(
    case: &Case<'_>,
    radios: &[RadioMessages],
    facts: &mut Facts<'_>,
    log: &mut Log,
) -> (Verdict, Vec<u32>, u32) {
    let (mut ranked, mut rest, mut missing) = (Vec::new(), Vec::new(), false);
    for ((place, evidence), messages) in (0..).zip(&case.bundle.radios).zip(radios) {
        match judge_radio(case, place, (evidence, messages), facts, log) {
            Ok(Some(judged)) => {
                ranked.push(judged.ranked);
                rest.push((judged.subject, judged.presence, judged.backhaul_percent));
            }
            Ok(None) => {}
            Err(Missing) => missing = true,
        }
    }
    let ranking = Ranking::new(case, &ranked);
    let mut selected = Vec::new();
    let points = ranking.points(case, &ranked);
    for (points, (subject, presence, backhaul_percent)) in points.iter().zip(&rest) {
        let found = Finding::holds_if(points.ranked > 0, points.ranked, points.hexes);
        log.note(*subject, &rules::P1, &found);
        if points.missing {
            missing = true;
            log.note(*subject, &rules::P3, &Finding::missing());
            continue;
        }
        let share = points.share_millionths(presence, *backhaul_percent);
        let due = log.note(*subject, &rules::P3, &Finding::holds_if(share > 0, share, 1));
        if due == Verdict::Pass {
            selected.push(points.radio);
        }
    }
    let some = Finding::holds_if(!selected.is_empty(), selected.len(), 1);
    let covered = if missing { Finding::missing() } else { some };
    let verdict = log.note(0, &rules::B3, &covered);
    if verdict != Verdict::Pass {
        return (verdict, Vec::new(), 0);
    }
    let score = score_ppm(ranking.covered(&selected), geo::HEXES);
    (verdict, selected, score)
}

/// Something that a rule about the radio needs is missing.
struct Missing;

/// Judges one radio by itself; `None` if it breaks a rule and is not ranked.
fn judge_radio<'a>(
    case: &'a Case<'a>,
    place: u32,
    (evidence, messages): (&'a RadioEvidence, &'a RadioMessages),
    facts: &mut Facts<'_>,
    log: &mut Log,
) -> Result<Option<Judged<'a>>, Missing> {
    let radio = RadioCase {
        case,
        evidence,
        messages,
        statement: case.oracle.radio(&registry::device_id(&evidence.hotspot_key)),
        device: radio(facts, &evidence.hotspot_key),
        subject: place.saturating_add(1).saturating_mul(RADIO_STRIDE),
    };
    let subject = radio.subject;
    match log.judge(subject, RadioCase::RULES, &radio) {
        Verdict::Pass => {}
        Verdict::Fail => return Ok(None),
        Verdict::Indeterminate => return Err(Missing),
    }
    let presence = heartbeat::judge(&radio, log);
    if presence.missing {
        return Err(Missing);
    }
    let min = case.params.min_heartbeats;
    let hours = Finding::holds_if(presence.hours >= min, presence.hours, min);
    if log.note(subject, &rules::C4, &hours) != Verdict::Pass {
        return Ok(None);
    }
    let backhaul = speedtest::judge(&radio, log);
    let backhaul_percent = backhaul.ok_or(Missing)?;
    // a radio with a valid heartbeat has both
    let (Some(statement), Some(seniority)) = (radio.statement, &presence.seniority) else {
        return Ok(None);
    };
    let boosted = rank::is_boosted(statement, &presence);
    let connections = statement.unique_connections;
    let least = rank::MIN_UNIQUE_CONNECTIONS.saturating_add(1);
    log.note(subject, &rules::P2, &Finding::holds_if(boosted, connections, least));
    let since_s = seniority.since_s;
    let ranked = Ranked { radio: place, coverage: &messages.coverage, since_s, statement, boosted };
    Ok(Some(Judged { ranked, subject, presence, backhaul_percent }))
}

/// Everything about one radio that rules look at.
struct RadioCase<'a> {
    case: &'a Case<'a>,
    evidence: &'a RadioEvidence,
    messages: &'a RadioMessages,
    /// `None` if the oracle data say nothing of the radio.
    statement: Option<&'a RadioStatement>,
    /// `None` if the fact is missing.
    device: Option<Radio>,
    subject: u32,
}

impl<'a> RadioCase<'a> {
    const RULES: &'a [RuleOf<Self>] = &[
        (rules::C1, is_modelled_by_somebody_who_may),
        (rules::C2, names_cells),
        (rules::C3, has_levels_of_its_kind),
    ];
}

/// C1: the key that signed the coverage object is one of the parameters (upstream: `is_authorized`, role
/// `MobilePcs`).
fn is_modelled_by_somebody_who_may(c: &RadioCase<'_>) -> Finding {
    let known = c.case.params.coverage_keys.contains(&c.messages.coverage.pub_key);
    Finding::holds_if(known, u8::from(known), 1)
}

/// C2: every hex is an H3 cell of resolution 12, in its one spelling, and listed once. `observed` counts those
/// that are not. There is at least one.
fn names_cells(c: &RadioCase<'_>) -> Finding {
    let hexes = &c.messages.coverage.coverage;
    let mut cells = Vec::new();
    for hex in hexes {
        // a list to look through: at most 2700 hexes fit into a coverage object
        match geo::hex(&hex.location) {
            Some(cell) if !cells.contains(&cell) => cells.push(cell),
            _ => {}
        }
    }
    let bad = hexes.len().saturating_sub(cells.len());
    Finding::holds_if(bad == 0 && !cells.is_empty(), bad, 0)
}

/// C3: indoors signals are high or low, outdoors anything (upstream: `InvalidSignalLevel`).
fn has_levels_of_its_kind(c: &RadioCase<'_>) -> Finding {
    let coverage = &c.messages.coverage;
    let bad = coverage
        .coverage
        .iter()
        .filter(|hex| rank::base_points(c.case, coverage.indoor, hex.signal_level).is_none());
    let bad = bad.count();
    Finding::holds_if(bad == 0, bad, 0)
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise"
)]
mod tests;
