//! `storage-commp`: is this payload the piece of that name, or are these leaves in it?
//!
//! ```text
//!  payload    C1 name ─ C2 length ─ C3 root
//!  openings   C1 name ─ C4 enough ─ per opening  C5 its turn ─ C6 path length ─ C7 leaf ─ C8 root
//! ```
//! The tree and the name are those of FRC-0069. Rule numbers and reasons are our own; no network numbers
//! them. Subject 0 is the whole, n is opening n − 1.
//!
//! # Verdict
//! - **fail**: a rule is broken.
//! - **indeterminate**: the parameters name a seed on chain, and the fact is missing. It draws the leaves of a
//!   sample; of a payload too it says what counts once: a piece per seed, in whatever form.
//! - **pass**: the payload is the piece; or every opened leaf is in it. If the parameters name no seed,
//!   whoever sampled chose the leaves: a pass then says nothing about the others (C5 only bounds them).
//!
//! # Not checked here
//! That the piece is stored anywhere now: a sample shows that somebody had the leaves when it was made.

use crate::facts::Facts;
pub use crate::judge::CheckError;
use crate::judge::{self, Finding, Log, Rule, RuleOf, format};
use heliotrope_device_proofs::abi::{
    CheckInputRef, CheckOutput, Description, FULL_SCORE_PPM, Plan, PlanQuery, Verdict,
};
use heliotrope_device_proofs::commp::{CommpParams, CommpSample, Content, Opening, sampled_leaf};
use heliotrope_device_proofs::piece::{PieceCid, PieceHasher, capacity};
use heliotrope_device_proofs::{Bytes32, fr32, sha254, sha256};
use sha2::{Digest as _, Sha256};

/// Name of the check; its id is `keccak256` of this.
pub const NAME: &str = "storage-commp";
/// Version of the rules.
pub const VERSION: &str = "1.0.0";

macro_rules! rules {
    ($($name:ident = $id:literal, $text:literal;)+) => {
        $(const $name: Rule = Rule { id: $id, name: $text, reason: $id };)+
        const ALL: &[Rule] = &[$($name),+];
    };
}

rules! {
    C1 = 1, "C1 name is a PieceCIDv2 (bytes)";
    C2 = 2, "C2 payload is as long as the name says (bytes)";
    C3 = 3, "C3 payload has the root of the name (bytes that differ)";
    C4 = 4, "C4 sample is large enough (openings)";
    C5 = 5, "C5 opened leaf is the one whose turn it is (leaf)";
    C6 = 6, "C6 path is as long as the tree is high (hashes)";
    C7 = 7, "C7 leaf is padded as fr32 and the name say (bits)";
    C8 = 8, "C8 path leads to the root of the name (bytes that differ)";
}

/// What the check says about itself.
#[must_use]
pub fn describe() -> Description {
    judge::description(NAME, VERSION, ALL)
}

/// The facts that evidence needs: the seed, if the parameters say where it stands.
///
/// # Errors
/// If evidence or parameters are malformed.
pub fn plan(evidence: &[u8], params: &[u8]) -> Result<Plan, CheckError> {
    let params = CommpParams::decode(params).map_err(format("params"))?;
    CommpSample::decode(evidence).map_err(format("evidence"))?;
    let query = |seed: heliotrope_device_proofs::commp::SeedSource| PlanQuery {
        address: seed.address,
        key: seed.key,
    };
    Ok(Plan(params.seed.map(query).into_iter().collect()))
}

/// Judges a payload or a sample.
///
/// # Errors
/// If any part of the input is malformed or the facts contradict each other.
pub fn check(input: &[u8]) -> Result<CheckOutput, CheckError> {
    let input_hash = sha256(input);
    let input = CheckInputRef::decode(input).map_err(format("input"))?;
    let params = CommpParams::decode(input.params).map_err(format("params"))?;
    let sample = CommpSample::decode(input.evidence).map_err(format("evidence"))?;
    let mut log = Log::default();
    let (mut seed, mut facts_read) = (None, Vec::new());
    if let Some(source) = &params.seed {
        let mut facts = Facts::new(&input.facts, &source.address, &[], params.chain_id)?;
        seed = facts.word(&source.key);
        facts_read = facts.read();
    }
    let piece = PieceCid::decode(&sample.piece_cid).ok();
    let len = sample.piece_cid.len();
    let mut verdict = log.note(0, &C1, &Finding::holds_if(piece.is_some(), len, len));
    if let Some(piece) = piece {
        let drawn = params.seed.is_some();
        verdict = match &sample.content {
            Content::Payload(payload) => {
                let whole = Whole { piece, payload };
                match log.judge(0, &[(C2, is_as_long), (C3, has_the_root)], &whole) {
                    // every leaf is there, whichever are drawn; but what counts once is not known
                    Verdict::Pass if drawn && seed.is_none() => {
                        log.note(0, &C5, &Finding::missing())
                    }
                    verdict => verdict,
                }
            }
            Content::Openings(openings) => {
                judge_openings(&Sample { piece, seed, drawn, openings, params: &params }, &mut log)
            }
        };
    }
    Ok(CheckOutput {
        verdict,
        outcomes: log.outcomes,
        score_ppm: if verdict == Verdict::Pass { FULL_SCORE_PPM } else { 0 },
        replay_key: replay_key(&sample, seed),
        facts_read,
        input_hash,
        selected: Vec::new(),
        subject_cell: 0,
    })
}

/// One piece counts once per seed, whichever leaves were opened and in whatever form.
fn replay_key(sample: &CommpSample, seed: Option<Bytes32>) -> Bytes32 {
    let hash =
        Sha256::new().chain_update(b"storage-commp/1").chain_update(sha256(&sample.piece_cid));
    hash.chain_update(seed.unwrap_or_default()).finalize().into()
}

struct Whole<'a> {
    piece: PieceCid,
    payload: &'a [u8],
}

/// C2 (FRC-0069: payload and padding fill the tree).
fn is_as_long(whole: &Whole<'_>) -> Finding {
    let (got, expected) = (whole.payload.len() as u64, whole.piece.payload_len());
    Finding::holds_if(got == expected, got, expected)
}

/// C3 (FRC-0069: the root of the fr32-padded payload, with zeros up to the height of the name).
fn has_the_root(whole: &Whole<'_>) -> Finding {
    let mut hasher = PieceHasher::default();
    hasher.update(whole.payload);
    let root = hasher.piece_of_height(whole.piece.height).map(|piece| piece.root);
    differing(root, &whole.piece.root)
}

fn differing(got: Option<Bytes32>, expected: &Bytes32) -> Finding {
    let count = got.map_or(32, |got| got.iter().zip(expected).filter(|(a, b)| a != b).count());
    Finding::holds_if(count == 0, count, 0)
}

struct Sample<'a> {
    piece: PieceCid,
    /// The seed, if it is a fact and the fact is there.
    seed: Option<Bytes32>,
    /// Whether the parameters say that a seed draws the leaves.
    drawn: bool,
    openings: &'a [Opening],
    params: &'a CommpParams,
}

struct Opened<'a> {
    sample: &'a Sample<'a>,
    challenge: u64,
    opening: &'a Opening,
}

fn judge_openings(sample: &Sample<'_>, log: &mut Log) -> Verdict {
    let rules: [RuleOf<Opened<'_>>; 4] = [
        (C5, is_the_one_whose_turn_it_is),
        (C6, is_as_long_as_the_tree_is_high),
        (C7, is_padded_right),
        (C8, leads_to_the_root),
    ];
    let (count, least) = (sample.openings.len(), sample.params.min_openings);
    // no opening shows nothing, whatever the parameters say
    let enough = count as u64 >= u64::from(least.max(1));
    let mut verdict = log.note(0, &C4, &Finding::holds_if(enough, count, least.max(1)));
    for ((subject, challenge), opening) in (1_u32..).zip(0_u64..).zip(sample.openings) {
        let found = log.judge(subject, &rules, &Opened { sample, challenge, opening });
        verdict = match (verdict, found) {
            (Verdict::Fail, _) | (_, Verdict::Fail) => Verdict::Fail,
            (Verdict::Indeterminate, _) | (_, Verdict::Indeterminate) => Verdict::Indeterminate,
            (Verdict::Pass, Verdict::Pass) => Verdict::Pass,
        };
    }
    verdict
}

/// C5: the leaf that the seed draws; without a seed, a leaf above the one before it, and in the tree.
fn is_the_one_whose_turn_it_is(opened: &Opened<'_>) -> Finding {
    let Sample { piece, seed, drawn, openings, .. } = opened.sample;
    let index = opened.opening.index;
    if *drawn {
        let Some(seed) = seed else {
            return Finding::missing();
        };
        let drawn = sampled_leaf(seed, &piece.root, opened.challenge, piece.leaf_count());
        return Finding::holds_if(drawn == Some(index), index, drawn.unwrap_or(u64::MAX));
    }
    let before = opened.challenge.checked_sub(1).and_then(|before| usize::try_from(before).ok());
    let before = before.and_then(|before| openings.get(before)).map(|opening| opening.index);
    let leaves = 1_u64.checked_shl(piece.height.into()).unwrap_or(u64::MAX);
    let holds = before.is_none_or(|before| before < index) && index < leaves;
    Finding::holds_if(holds, index, leaves)
}

/// C6: one sibling per level; a shorter path would make an inner node a leaf.
fn is_as_long_as_the_tree_is_high(opened: &Opened<'_>) -> Finding {
    let (got, expected) = (opened.opening.path.len(), opened.sample.piece.height);
    Finding::holds_if(got == usize::from(expected), got, expected)
}

/// C7: the two top bits are zero, and so is every bit that the name calls padding. `observed` counts the
/// bits that are set and must not be.
fn is_padded_right(opened: &Opened<'_>) -> Finding {
    let Opening { index, leaf, .. } = opened.opening;
    let payload_len = opened.sample.piece.payload_len().min(capacity(opened.sample.piece.height));
    let beyond = fr32::bits_beyond(leaf, *index, payload_len);
    Finding::holds_if(fr32::is_leaf(leaf) && beyond == 0, beyond, 0)
}

/// C8: leaf and path lead to the root.
fn leads_to_the_root(opened: &Opened<'_>) -> Finding {
    let Opening { index, leaf, path } = opened.opening;
    differing(Some(sha254::fold(leaf, *index, path)), &opened.sample.piece.root)
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise"
)]
mod tests;
