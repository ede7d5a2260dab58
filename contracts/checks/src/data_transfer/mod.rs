//! `data-transfer`: which sessions that a carrier signed are paid for, and is that no more than was burned?
//!
//! The rules are those of Helium Mobile since its proof of coverage ended (`helium/oracles`,
//! `mobile_packet_verifier`, Apache-2.0; re-stated, not copied), and what follows from a session with two
//! signatures. Rule numbers D1 to D8 are ours; reasons are the network's where it has one.
//!
//! ```text
//!  session  D7 not cancelled ─ D4 once ─ G1 hotspot known ─ D2 carrier known      the network's, in its order
//!           D3 network ─ B1 payer ─ D6 epoch ─ D5 bytes ─ D1 hotspot signed       ours; first broken rule ends it
//!  bundle   B2 something is paid ─ D8 credits burned
//! ```
//! Subject 0 is the bundle, n is session n − 1.
//!
//! # Profiles
//! - `helium-2026-06`: the carrier's signature decides, as upstream; D1 is not asked.
//! - `two-sided-1`: the hotspot must have signed too. A session without its signature is indeterminate: who
//!   carried what is then the carrier's word.
//!
//! A profile that is not known refuses the input.
//!
//! # Verdict of a bundle
//! - **fail**: no session is paid for, or more is claimed than the payer burned (D8).
//! - **indeterminate**: a fact or a signature that a rule needs is missing, for any session (else the carrier
//!   could choose who is paid by leaving facts out) or for D8.
//! - **pass**: some session is paid for, and the payer burned enough. A session that breaks a rule is not
//!   paid, and is no fault of the others.
//!
//! Only a passing bundle has selected sessions and a score: the bytes paid for of those claimed. Sessions of
//! no bytes hold and are not paid, as upstream.
//!
//! # Differences from upstream
//! Upstream remembers event ids for a time; here D6 ties an event to one epoch, and the replay key is payer
//! and epoch, so an event counts once without history. D4 lets the first received win, whatever becomes of it,
//! as upstream. Upstream does not ask D1, D5, D6 and B1, and it burns what it counted instead of comparing (D8).
//!
//! # Not checked here
//! Signatures: done before, D2 and D1 say whose they are. Receive times: the receiver asserts them. Bans, and
//! the unique identity of a carrier. That a bundle holds *all* sessions of its payer.

pub mod rules;

pub use crate::judge::CheckError;

use crate::device::{is_known, radio};
use crate::facts::{Facts, ask, number, word};
use crate::judge::{self, Finding, Log, RuleOf, difference, format, same, score_ppm};
use heliotrope_device_proofs::abi::{CheckInputRef, CheckOutput, Description, Plan, Verdict};
use heliotrope_device_proofs::data_transfer::{
    DataTransferBundle, DataTransferParams, PROFILE_HELIUM_2026_06, PROFILE_TWO_SIDED_1, Session,
};
use heliotrope_device_proofs::registry::{self, Radio, keccak256};
use heliotrope_device_proofs::{Bytes32, sha256};

/// Name of the check; its id is `keccak256` of this.
pub const NAME: &str = "data-transfer";
/// Version of the rules.
pub const VERSION: &str = "1.0.0";

/// High half of a key's first byte: the network.
const NETWORK_MASK: u8 = 0xf0;

/// What the check says about itself.
#[must_use]
pub fn describe() -> Description {
    judge::description(NAME, VERSION, rules::ALL)
}

/// The facts that a bundle needs: the radio word of every hotspot in it, and what its payer burned.
///
/// # Errors
/// If evidence or parameters are malformed, or the profile is not known.
pub fn plan(evidence: &[u8], params: &[u8]) -> Result<Plan, CheckError> {
    let params = DataTransferParams::decode(params).map_err(format("params"))?;
    asks_for_both_sides(&params)?;
    let bundle = DataTransferBundle::decode(evidence).map_err(format("evidence"))?;
    let mut plan = Plan::default();
    for session in bundle.sessions()? {
        let key = registry::radio_slot(&registry::device_id(&session.event.pub_key));
        ask(&mut plan, &params.device_registry, key);
    }
    ask(&mut plan, &params.credits, burned_key(&bundle, &params));
    Ok(plan)
}

/// Judges a bundle.
///
/// # Errors
/// If any part of the input is malformed, the profile is not known, or the facts contradict each other.
pub fn check(input: &[u8]) -> Result<CheckOutput, CheckError> {
    let input_hash = sha256(input);
    let input = CheckInputRef::decode(input).map_err(format("input"))?;
    let params = DataTransferParams::decode(input.params).map_err(format("params"))?;
    let two_sided = asks_for_both_sides(&params)?;
    let bundle = DataTransferBundle::decode(input.evidence).map_err(format("evidence"))?;
    let sessions = bundle.sessions()?;
    let (home, others) = (&params.device_registry, [params.credits]);
    let mut facts = Facts::new(&input.facts, home, &others, params.chain_id)?;
    let mut log = Log::default();
    let case = Case { params: &params, bundle: &bundle, two_sided };
    let paid = judge_sessions(&case, &sessions, &mut facts, &mut log);
    let burned = facts.word_of(&params.credits, &burned_key(&bundle, &params));
    let verdict = judge_bundle(&paid, params.bytes_per_dc, burned, &mut log);
    let (selected, score) = match verdict {
        Verdict::Pass => (paid.selected, score_ppm(paid.bytes, paid.claimed)),
        Verdict::Fail | Verdict::Indeterminate => (Vec::new(), 0),
    };
    Ok(CheckOutput {
        verdict,
        outcomes: log.outcomes,
        score_ppm: score,
        replay_key: replay_key(&bundle, &params),
        facts_read: facts.read(),
        input_hash,
        selected,
        subject_cell: 0,
    })
}

/// The data credits that pay for the bytes of one hotspot: each begun unit, and at least one (upstream:
/// `bytes_to_dc`). `None` if a credit pays for nothing.
#[must_use]
pub fn bytes_to_dc(bytes: u64, bytes_per_dc: u64) -> Option<u64> {
    (bytes_per_dc != 0).then(|| bytes.max(bytes_per_dc).div_ceil(bytes_per_dc))
}

/// Whether the profile asks for the hotspot's signature.
fn asks_for_both_sides(params: &DataTransferParams) -> Result<bool, CheckError> {
    match params.profile.as_str() {
        PROFILE_HELIUM_2026_06 => Ok(false),
        PROFILE_TWO_SIDED_1 => Ok(true),
        got => {
            let expected = &[PROFILE_HELIUM_2026_06, PROFILE_TWO_SIDED_1];
            Err(CheckError::Profile { got: got.into(), expected })
        }
    }
}

/// Where the credits contract keeps what the payer burned in the epoch: its
/// `mapping(bytes32 payer => mapping(uint256 epoch => uint256 credits))`, where a payer is the hash of its key.
fn burned_key(bundle: &DataTransferBundle, params: &DataTransferParams) -> Bytes32 {
    let payer = registry::device_id(&bundle.payer);
    let epochs = keccak256(&[&payer, &word(params.burned_slot)]);
    keccak256(&[&word(bundle.epoch), &epochs])
}

/// A payer pays once per epoch, whoever hands the sessions in, and in whatever selection.
fn replay_key(bundle: &DataTransferBundle, params: &DataTransferParams) -> Bytes32 {
    let mut key = b"data-transfer/1".to_vec();
    key.extend_from_slice(&params.chain_id.to_be_bytes());
    key.extend_from_slice(&params.credits);
    key.extend_from_slice(&registry::device_id(&bundle.payer));
    key.extend_from_slice(&bundle.epoch.to_be_bytes());
    sha256(&key)
}

/// What all sessions share.
struct Case<'a> {
    params: &'a DataTransferParams,
    bundle: &'a DataTransferBundle,
    two_sided: bool,
}

/// Everything about one session that rules look at.
struct SessionCase<'a> {
    case: &'a Case<'a>,
    session: &'a Session,
    /// `None` if the fact is missing.
    hotspot: Option<Radio>,
    /// How many sessions of the same event came before.
    earlier: usize,
}

/// What is paid for.
#[derive(Default)]
struct Paid {
    selected: Vec<u32>,
    /// Each hotspot with its bytes; a list, as every kind of map is four kilobytes of module.
    by_hotspot: Vec<(Vec<u8>, u64)>,
    bytes: u64,
    claimed: u64,
    /// Whether a session lacks something that a rule needs.
    missing: bool,
}

// a constant, not a function: an array that a function makes is stored word by word, in code
impl<'a> SessionCase<'a> {
    /// In order of evaluation: the network's own, in its order (`accumulate_sessions`, `verify_report`), then
    /// ours.
    const RULES: &'a [RuleOf<Self>] = &[
        (rules::D7, is_not_cancelled),
        (rules::D4, |s| counts_once(s.earlier)),
        (rules::G1, |s| is_known(s.hotspot)),
        (rules::D2, is_of_a_routing_key),
        (rules::D3, is_of_the_network),
        (rules::B1, is_of_the_payer),
        (rules::D6, is_in_the_epoch),
        (rules::D5, is_no_more_than_carried),
    ];
}

fn judge_sessions(
    case: &Case<'_>,
    sessions: &[Session],
    facts: &mut Facts<'_>,
    log: &mut Log,
) -> Paid {
    let mut paid = Paid::default();
    for (index, session) in (0_u32..).zip(sessions) {
        let before = sessions.iter().take(usize::try_from(index).unwrap_or(usize::MAX));
        let earlier = before.filter(|other| other.event.event_id == session.event.event_id).count();
        let hotspot = radio(facts, &session.event.pub_key);
        let subject = index.saturating_add(1);
        let this = SessionCase { case, session, hotspot, earlier };
        let mut verdict = log.judge(subject, SessionCase::RULES, &this);
        if verdict == Verdict::Pass && case.two_sided {
            verdict = log.note(subject, &rules::D1, &is_signed_by_the_hotspot(session));
        }
        let bytes = session.request.rewardable_bytes;
        paid.claimed = paid.claimed.saturating_add(bytes);
        match verdict {
            Verdict::Pass if bytes > 0 => {
                paid.selected.push(index);
                paid.bytes = paid.bytes.saturating_add(bytes);
                let key = &session.event.pub_key;
                match paid.by_hotspot.iter_mut().find(|(hotspot, _)| hotspot == key) {
                    Some((_, sum)) => *sum = sum.saturating_add(bytes),
                    None => paid.by_hotspot.push((key.clone(), bytes)),
                }
            }
            Verdict::Indeterminate => paid.missing = true,
            Verdict::Pass | Verdict::Fail => {}
        }
    }
    paid
}

fn judge_bundle(paid: &Paid, bytes_per_dc: u64, burned: Option<Bytes32>, log: &mut Log) -> Verdict {
    let some = Finding::holds_if(!paid.selected.is_empty(), paid.selected.len(), 1);
    let some = log.note(0, &rules::B2, &some);
    let burned = log.note(0, &rules::D8, &is_no_more_than_burned(paid, bytes_per_dc, burned));
    // sessions that lack something can only add to the sum
    if burned == Verdict::Fail || (some == Verdict::Fail && !paid.missing) {
        return Verdict::Fail;
    }
    if paid.missing || burned == Verdict::Indeterminate {
        return Verdict::Indeterminate;
    }
    Verdict::Pass
}

/// D1: the event carries the hotspot's signature, which was verified before. Without one the rule is
/// indeterminate; a wrong one never comes this far.
fn is_signed_by_the_hotspot(session: &Session) -> Finding {
    if !session.is_two_sided() {
        return Finding::missing();
    }
    Finding::holds_if(true, session.event.signature.len(), 1)
}

/// D2: the key that signed is one of the carriers' (upstream: `is_routing_key_known`).
fn is_of_a_routing_key(s: &SessionCase<'_>) -> Finding {
    let known = s.case.params.routing_keys.contains(&s.session.request.pub_key);
    Finding::holds_if(known, u8::from(known), 1)
}

/// D3: hotspot and carrier have keys of the network (upstream: `verify_network` at ingest, for the carrier).
/// `observed` is that of the key that has not.
fn is_of_the_network(s: &SessionCase<'_>) -> Finding {
    let expected = s.case.params.network;
    let network = |key: &[u8]| key.first().map_or(u8::MAX, |first| first & NETWORK_MASK);
    let (hotspot, carrier) =
        (network(&s.session.event.pub_key), network(&s.session.request.pub_key));
    let got = if hotspot == expected { carrier } else { hotspot };
    Finding::holds_if(got == expected, got, expected)
}

/// D4: no earlier session of the same event in the bundle (upstream: `is_duplicate`, first wins).
fn counts_once(earlier: usize) -> Finding {
    Finding::holds_if(earlier == 0, earlier.saturating_add(1), 1)
}

/// D5: the carrier pays for no more bytes than the hotspot says to have carried.
fn is_no_more_than_carried(s: &SessionCase<'_>) -> Finding {
    let event = &s.session.event;
    let carried = event.upload_bytes.saturating_add(event.download_bytes);
    let rewardable = s.session.request.rewardable_bytes;
    Finding::holds_if(rewardable <= carried, rewardable, carried)
}

/// D6: the event's own time is in the epoch of the bundle. Without a length of the epoch the rule is
/// indeterminate.
fn is_in_the_epoch(s: &SessionCase<'_>) -> Finding {
    let (time_s, epoch_s) = (s.session.event.timestamp, s.case.params.epoch_s);
    let Some(epoch) = time_s.checked_div(epoch_s) else {
        return Finding::missing();
    };
    let since_s = difference(time_s, s.case.bundle.epoch.saturating_mul(epoch_s));
    Finding::holds_if(epoch == s.case.bundle.epoch, since_s, epoch_s.saturating_sub(1))
}

/// D7: the carrier did not take the reward back (upstream: `reward_cancelled`).
fn is_not_cancelled(s: &SessionCase<'_>) -> Finding {
    let cancelled = s.session.request.reward_cancelled;
    Finding::holds_if(!cancelled, u8::from(cancelled), 0)
}

/// D8: the credits for all that is paid, hotspot by hotspot as upstream burns them, are no more than the chain
/// says that the payer burned in the epoch. A zero word is a proof that nothing was burned.
fn is_no_more_than_burned(paid: &Paid, bytes_per_dc: u64, burned: Option<Bytes32>) -> Finding {
    let due = paid.by_hotspot.iter().try_fold(0_u64, |sum, (_, bytes)| {
        Some(sum.saturating_add(bytes_to_dc(*bytes, bytes_per_dc)?))
    });
    let Some((due, burned)) = due.zip(burned) else {
        return Finding::missing();
    };
    let burned = number(&burned).unwrap_or(u64::MAX);
    Finding::holds_if(due <= burned, due, burned)
}

/// B1: the event names the payer of the bundle. `observed` counts the bytes of the keys that differ.
fn is_of_the_payer(s: &SessionCase<'_>) -> Finding {
    same(&s.session.event.payer, &s.case.bundle.payer)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test stops at the first surprise")]
mod tests;
