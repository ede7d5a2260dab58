//! `storage-pdp`: was this possession proof one that `PDPVerifier` accepts, for data that a data set has?
//!
//! The rules are those of `FilOzone/pdp` v3.5 (`PDPVerifier.provePossession`, MIT or Apache-2.0; re-stated,
//! not copied), over the contract's own storage words, proven; both of its layouts. What the contract asks
//! the Filecoin node for, the seed, is verified here: drand's signature over the round of the challenge epoch.
//!
//! ```text
//!  whole      P1 a proof ─ S1 enough ─ L1 live ─ L2 layout ─ L3 pieces ─ P2 due ─ P3 seed
//!  challenge  P4 leaf ─ P5 piece ─ L4 leaf in piece ─ P6 path length ─ P8 root      each of them judged
//! ```
//! P7, the folding of the path with SHA-254, is no statement of its own: it shows in P8. Subject 0 is the
//! whole, n is challenge n − 1.
//!
//! # Verdict
//! - **fail**: a rule is broken, of the whole or of any challenge.
//! - **indeterminate**: a fact that a rule needs is missing, or is in a form that the plan cannot name (a
//!   legacy CID over 64 bytes). Evidence that names the wrong piece, count or layout names the wrong words;
//!   it fails at L2, L3 or P5 if those words are there and is indeterminate if they are not.
//! - **pass**: every rule holds, in the state of the block that proved the facts. That block must stand
//!   between the challenge epoch and the next proving period, as the contract forgets the challenge then.
//!
//! # Not checked here
//! Who sent the proof (the contract takes it from the provider alone; it is no property of the data), fees,
//! and the service's window of time: they are not in the words that are read.

pub mod drand;
pub mod rules;
mod slots;
mod state;
mod sum_tree;

pub use crate::judge::CheckError;

use crate::facts::{Facts, ask};
use crate::judge::{self, Finding, Log, RuleOf, format};
use blake2::Digest as _;
use heliotrope_device_proofs::abi::{
    CheckInputRef, CheckOutput, Description, FULL_SCORE_PPM, Plan, Verdict,
};
use heliotrope_device_proofs::calldata::{Proof, ProvePossession};
use heliotrope_device_proofs::pdp::{Layout, PdpParams, PossessionProof};
use heliotrope_device_proofs::registry::keccak256;
use heliotrope_device_proofs::{Bytes32, piece, sha254, sha256};
use slots::number;
use state::{DataSet, Piece};

/// Name of the check; its id is `keccak256` of this.
pub const NAME: &str = "storage-pdp";
/// Version of the rules.
pub const VERSION: &str = "1.0.0";

type Blake2b256 = blake2::Blake2b<blake2::digest::consts::U32>;

/// What the check says about itself.
#[must_use]
pub fn describe() -> Description {
    judge::description(NAME, VERSION, rules::ALL)
}

/// The facts that evidence needs.
///
/// # Errors
/// If evidence or parameters are malformed.
pub fn plan(evidence: &[u8], params: &[u8]) -> Result<Plan, CheckError> {
    let params = PdpParams::decode(params).map_err(format("params"))?;
    let evidence = PossessionProof::decode(evidence).map_err(format("evidence"))?;
    let call = ProvePossession::decode(&evidence.calldata)?;
    let mut plan = Plan::default();
    state::words(call.set_id, &evidence, |key| ask(&mut plan, &params.verifier, key));
    Ok(plan)
}

/// Judges a possession proof.
///
/// # Errors
/// If any part of the input is malformed or the facts contradict each other.
pub fn check(input: &[u8]) -> Result<CheckOutput, CheckError> {
    let input_hash = sha256(input);
    let input = CheckInputRef::decode(input).map_err(format("input"))?;
    let params = PdpParams::decode(input.params).map_err(format("params"))?;
    let evidence = PossessionProof::decode(input.evidence).map_err(format("evidence"))?;
    let call = ProvePossession::decode(&evidence.calldata)?;
    let mut facts = Facts::new(&input.facts, &params.verifier, &[], params.chain_id)?;
    let set = DataSet::read(&mut facts, call.set_id, evidence.layout);
    let whole =
        Whole { params: &params, evidence: &evidence, call: &call, set, block: facts.block() };
    let mut log = Log::default();
    let mut verdict = log.judge(0, &rules_of_the_whole(), &whole);
    if verdict == Verdict::Pass {
        verdict = judge_challenges(&whole, &mut facts, &mut log);
    }
    Ok(CheckOutput {
        verdict,
        outcomes: log.outcomes,
        score_ppm: if verdict == Verdict::Pass { FULL_SCORE_PPM } else { 0 },
        replay_key: replay_key(&params, &evidence, call.set_id),
        facts_read: facts.read(),
        input_hash,
        selected: Vec::new(),
        subject_cell: 0,
    })
}

/// The seed of an epoch's challenges: blake2b-256 of the beacon's value (FIP-0095).
#[must_use]
pub fn seed(signature: &[u8]) -> Bytes32 {
    Blake2b256::digest(signature).into()
}

/// The leaf of a data set that a challenge hits; `None` if the range is empty.
#[must_use]
pub fn challenged_leaf(seed: &Bytes32, set_id: u64, challenge: u64, range: u64) -> Option<u64> {
    let hash = keccak256(&[seed, &slots::word(set_id), &challenge.to_be_bytes()]);
    piece::modulo(&hash, range)
}

/// A data set is proven once per challenge epoch, whoever hands the proof in.
fn replay_key(params: &PdpParams, evidence: &PossessionProof, set_id: u64) -> Bytes32 {
    let mut key = b"storage-pdp/1".to_vec();
    key.extend_from_slice(&params.chain_id.to_be_bytes());
    key.extend_from_slice(&params.verifier);
    key.extend_from_slice(&set_id.to_be_bytes());
    key.extend_from_slice(&evidence.challenge_epoch.to_be_bytes());
    sha256(&key)
}

/// Everything that rules of the whole look at.
struct Whole<'a> {
    params: &'a PdpParams,
    evidence: &'a PossessionProof,
    call: &'a ProvePossession,
    set: DataSet,
    /// Block that proved the facts; `None` if there are none.
    block: Option<u64>,
}

/// In order of evaluation; the dear one is the last.
fn rules_of_the_whole<'a>() -> [RuleOf<Whole<'a>>; 7] {
    [
        (rules::P1, there_is_a_proof),
        (rules::S1, there_are_enough),
        (rules::L1, is_live),
        (rules::L2, is_the_layout_named),
        (rules::L3, are_the_pieces_named),
        (rules::P2, is_due),
        (rules::P3, is_the_beacon_of_the_challenge),
    ]
}

/// P1 (`nProofs > 0`), with a piece named for each of them.
fn there_is_a_proof(whole: &Whole<'_>) -> Finding {
    let (proofs, named) = (whole.call.proofs.len(), whole.evidence.piece_ids.len());
    Finding::holds_if(proofs > 0 && proofs == named, proofs, named.max(1))
}

/// S1 (`SimplePDPService.possessionProven`: at least five).
fn there_are_enough(whole: &Whole<'_>) -> Finding {
    let (got, least) = (whole.call.proofs.len() as u64, u64::from(whole.params.min_challenges));
    Finding::holds_if(got >= least, got, least)
}

/// L1 (`dataSetExists`: it has a provider; `observed` is whether it has). A data set in cleanup has an
/// impossible challenge epoch and fails at P2.
fn is_live(whole: &Whole<'_>) -> Finding {
    let Some(provider) = whole.set.provider else {
        return Finding::missing();
    };
    let live = provider != Bytes32::default();
    Finding::holds_if(live, u8::from(live), 1)
}

/// L2 (`_usesLegacyPieceStorage`: legacy if the limit is zero or above the data set's id).
fn is_the_layout_named(whole: &Whole<'_>) -> Finding {
    let Some(limit) = whole.set.legacy_id_limit else {
        return Finding::missing();
    };
    // a `uint64` alone in its word
    let limit = number(&limit).unwrap_or(u64::MAX);
    let legacy = limit == 0 || whole.call.set_id < limit;
    let layout = if legacy { Layout::Legacy } else { Layout::Compact };
    let named = whole.evidence.layout;
    Finding::holds_if(layout == named, named as u8, layout as u8)
}

/// L3: the number of pieces that decides which words the search reads.
fn are_the_pieces_named(whole: &Whole<'_>) -> Finding {
    let Some(count) = whole.set.piece_count else {
        return Finding::missing();
    };
    let (named, count) = (whole.evidence.piece_count, number(&count));
    Finding::holds_if(count == Some(named), named, count.unwrap_or(u64::MAX))
}

/// P2 (`challengeEpoch != NO_CHALLENGE_SCHEDULED`, `block.number >= challengeEpoch`); and the epoch is the
/// one that the evidence brings a beacon for. `limit` is the block that proved the facts.
fn is_due(whole: &Whole<'_>) -> Finding {
    let Some((word, block)) = whole.set.next_challenge_epoch.zip(whole.block) else {
        return Finding::missing();
    };
    let epoch = number(&word).unwrap_or(u64::MAX);
    let holds = epoch != 0 && epoch <= block && epoch == whole.evidence.challenge_epoch;
    Finding::holds_if(holds, epoch, block)
}

const ROUND_DIFFERS: u8 = 1;
const NOT_SIGNED: u8 = 2;

/// P3 (FIP-0095). `observed` has a bit per difference: 1 the round is not that of the epoch, 2 the network did
/// not sign it.
fn is_the_beacon_of_the_challenge(whole: &Whole<'_>) -> Finding {
    let PossessionProof { beacon, challenge_epoch, .. } = whole.evidence;
    let round = whole.params.round_of(*challenge_epoch);
    let mut bits = if round == Some(beacon.round) { 0 } else { ROUND_DIFFERS };
    if !drand::is_signed(beacon, &whole.params.drand.public_key) {
        bits |= NOT_SIGNED;
    }
    Finding::holds_if(bits == 0, bits, 0)
}

/// Everything that rules of one challenge look at. `None`: a fact is missing.
struct Challenge<'a> {
    proof: &'a Proof,
    named: u64,
    /// The challenged leaf, counted in the data set.
    leaf: Option<u64>,
    leaf_count: Option<u64>,
    /// The piece that the sum tree leads to, and the leaf's place in it.
    found: Option<(u64, u64)>,
    piece: Option<Piece>,
}

fn judge_challenges(whole: &Whole<'_>, facts: &mut Facts<'_>, log: &mut Log) -> Verdict {
    let rules: [RuleOf<Challenge<'_>>; 5] = [
        (rules::P4, is_in_the_data_set),
        (rules::P5, is_in_the_piece_named),
        (rules::L4, is_in_the_piece),
        (rules::P6, is_as_long_as_the_tree_is_high),
        (rules::P8, leads_to_the_root),
    ];
    let PossessionProof { layout, piece_count, piece_ids, beacon, .. } = whole.evidence;
    let set_id = whole.call.set_id;
    let seed = seed(&beacon.signature);
    let range = whole.set.challenge_range.as_ref().and_then(number);
    let leaf_count = whole.set.leaf_count.as_ref().and_then(number);
    let mut verdict = Verdict::Pass;
    for ((index, proof), named) in (0_u32..).zip(&whole.call.proofs).zip(piece_ids) {
        let leaf = range.map(|range| {
            // an empty range has no leaf: the contract reverts, and P4 fails on this one
            challenged_leaf(&seed, set_id, index.into(), range).unwrap_or(u64::MAX)
        });
        let found = leaf.and_then(|leaf| {
            let sum = |node| state::sum(facts, set_id, *layout, node);
            sum_tree::find(leaf, *piece_count, sum)
        });
        let piece = state::piece(facts, set_id, *layout, *named);
        let challenge = Challenge { proof, named: *named, leaf, leaf_count, found, piece };
        match log.judge(index.saturating_add(1), &rules, &challenge) {
            Verdict::Fail => verdict = Verdict::Fail,
            Verdict::Indeterminate if verdict == Verdict::Pass => verdict = Verdict::Indeterminate,
            Verdict::Indeterminate | Verdict::Pass => {}
        }
    }
    verdict
}

/// P4 (`keccak256(seed ‖ setId ‖ i) mod challengeRange`, and `leafIndex < dataSetLeafCount`).
fn is_in_the_data_set(challenge: &Challenge<'_>) -> Finding {
    match challenge.leaf.zip(challenge.leaf_count) {
        Some((leaf, count)) => Finding::holds_if(leaf < count, leaf, count),
        None => Finding::missing(),
    }
}

/// P5 (`findOnePieceId`).
fn is_in_the_piece_named(challenge: &Challenge<'_>) -> Finding {
    match challenge.found {
        Some((piece, _)) => Finding::holds_if(piece == challenge.named, challenge.named, piece),
        None => Finding::missing(),
    }
}

/// L4: the contract keeps sums and leaf counts together; here both are proven, so it is checked.
fn is_in_the_piece(challenge: &Challenge<'_>) -> Finding {
    match (challenge.found, &challenge.piece) {
        (Some((_, offset)), Some(piece)) => {
            Finding::holds_if(offset < piece.leaf_count, offset, piece.leaf_count)
        }
        _ => Finding::missing(),
    }
}

/// P6 (`MerkleVerify.verify`: `proof.length == treeHeight − 1`, where `treeHeight` counts the leaves too).
fn is_as_long_as_the_tree_is_high(challenge: &Challenge<'_>) -> Finding {
    let Some(piece) = &challenge.piece else {
        return Finding::missing();
    };
    let got = challenge.proof.proof.len();
    Finding::holds_if(got as u64 == piece.height, got, piece.height)
}

/// P7 and P8 (`processInclusionProofMemory`): leaf and path, folded, are the root.
fn leads_to_the_root(challenge: &Challenge<'_>) -> Finding {
    let (Some((_, offset)), Some(piece)) = (challenge.found, &challenge.piece) else {
        return Finding::missing();
    };
    let root = sha254::fold(&challenge.proof.leaf, offset, &challenge.proof.proof);
    let differing = root.iter().zip(&piece.root).filter(|(got, wanted)| got != wanted).count();
    Finding::holds_if(differing == 0, differing, 0)
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise"
)]
mod tests;
