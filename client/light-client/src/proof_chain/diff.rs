//! Two versions of a check over the same committed evidence: whose verdict and score would be another.
//!
//! ```text
//! evidence leaf, proven facts ─┬─ version A ─▶ answer ─┐
//!                              └─ version B ─▶ answer ─┴─▶ Diff ─▶ JSON, the same bytes in every host
//! ```
//!
//! Trusts: the engine that runs the modules. The caller has proven that the lanes are committed and every leaf lies under
//! them; facts are proven here, under the anchor's state root. A version that gives no answer in this host (a trap, a
//! limit, a fact that nobody proved) has no verdict, and its leaf is never counted as a change: another host may get one.
//! What a leaf would be paid is told before the cap that an account has in a lane.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use heliotrope_contracts::reward::Rate;
use heliotrope_device_proofs::{
    abi::{CheckInput, CheckOutput, Plan, Verdict},
    bundle::EvidenceBundle,
    epoch::{EvidenceLeaf, LaneManifest},
    h3, keys,
};
use serde::Serialize;

mod facts;

pub use facts::{Missing, add_nodes, missing};

use super::{Anchor, CheckModule, NoAnswer, Pin, Unproven};

/// A module with its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a, M> {
    /// sha256 of the module.
    pub module_hash: B256,
    /// sha256 of the parameters.
    pub params_hash: B256,
    /// The parameters' bytes.
    pub params: &'a [u8],
    /// The module, which was compared with its hash.
    pub module: &'a M,
}

/// What a version says of a leaf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Its output.
    Judged(Box<CheckOutput>),
    /// It refuses the input, in every host alike.
    Refused,
    /// This host got no answer, in words.
    NoVerdict(String),
}

/// A leaf, judged twice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Compared {
    /// What version A says.
    pub a: Answer,
    /// What version B says.
    pub b: Answer,
}

impl Answer {
    const fn has_verdict(&self) -> bool {
        !matches!(self, Self::NoVerdict(_))
    }

    const fn output(&self) -> Option<&CheckOutput> {
        match self {
            Self::Judged(output) => Some(output),
            Self::Refused | Self::NoVerdict(_) => None,
        }
    }
}

impl Compared {
    /// Both versions answered, and verdict, score, hex or the witnesses that count differ. The bytes of two outputs always
    /// differ: they name the input, and that names the module.
    #[must_use]
    pub fn changes(&self) -> bool {
        let counts = |output: &CheckOutput| {
            (output.verdict, output.score_ppm, output.subject_cell, output.selected.clone())
        };
        self.has_verdicts() && self.a.output().map(counts) != self.b.output().map(counts)
    }

    const fn has_verdicts(&self) -> bool {
        self.a.has_verdict() && self.b.has_verdict()
    }
}

/// Runs both versions over a leaf.
///
/// # Errors
/// When one of them is the version that judged, and gives another output than was committed: link 2 is broken.
pub fn compare<M: CheckModule>(
    leaf: &EvidenceLeaf,
    anchor: &mut Anchor,
    pin: &Pin,
    a: &Version<'_, M>,
    b: &Version<'_, M>,
) -> Result<Compared, Unproven> {
    Ok(Compared { a: answer(leaf, anchor, pin, a)?, b: answer(leaf, anchor, pin, b)? })
}

fn answer<M: CheckModule>(
    leaf: &EvidenceLeaf,
    anchor: &mut Anchor,
    pin: &Pin,
    version: &Version<'_, M>,
) -> Result<Answer, Unproven> {
    let output = match run(leaf, anchor, version) {
        Ok(output) => output,
        Err(NoAnswer::Refused) => return Ok(Answer::Refused),
        Err(NoAnswer::Host(why)) => return Ok(Answer::NoVerdict(why)),
    };
    let judged = (version.module_hash, version.params_hash) == (pin.module_hash, pin.params_hash);
    if judged && output != leaf.output {
        let what = format!("evidence leaf {}: the pinned module gives another output", leaf.index);
        return Err(Unproven::Broken(what));
    }
    Ok(match CheckOutput::decode(&output) {
        Ok(output) => Answer::Judged(Box::new(output)),
        Err(error) => Answer::NoVerdict(format!("output: {error}")),
    })
}

fn run<M: CheckModule>(
    leaf: &EvidenceLeaf,
    anchor: &mut Anchor,
    version: &Version<'_, M>,
) -> Result<Vec<u8>, NoAnswer> {
    let plan = version.module.plan(&leaf.bundle, version.params)?;
    let plan = Plan::decode(&plan).map_err(|error| NoAnswer::Host(format!("plan: {error}")))?;
    let facts = anchor.facts(&plan).map_err(|error| NoAnswer::Host(error.to_string()))?;
    let input = CheckInput {
        module_hash: version.module_hash.0,
        evidence: leaf.bundle.clone(),
        facts,
        params: version.params.to_vec(),
        now_s: anchor.timestamp(),
    };
    version.module.check(&input.encode())
}

/// Names of a version, as hex digits.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct VersionName {
    /// sha256 of the module.
    pub module: String,
    /// sha256 of the parameters.
    pub params: String,
}

/// What a version says of a leaf, as it is listed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Told {
    /// `pass`, `fail`, `indeterminate` or `refused`.
    pub verdict: &'static str,
    /// Millionths of a full check.
    pub score_ppm: u32,
    /// Its pay, in [`Diff::pay_unit`].
    pub pay: String,
}

/// A witness that counts in one version and not in the other.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct WitnessChange {
    /// The witness's key.
    pub device: String,
    /// Whether it counts in version A.
    pub old: bool,
    /// Whether it counts in version B.
    pub new: bool,
}

/// A leaf that comes to something else.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    /// H3 base cell.
    pub lane: u32,
    /// Index in the lane's trees.
    pub leaf: u32,
    /// sha256 of the bundle.
    pub bundle: String,
    /// The beaconer's key.
    pub device: String,
    /// Its hex on the map; 0 where neither version knows it.
    pub hex: String,
    /// Version A.
    pub old: Told,
    /// Version B.
    pub new: Told,
    /// Witnesses that begin or cease to count.
    pub witnesses: Vec<WitnessChange>,
}

/// A leaf of which this host says nothing.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Silence {
    /// H3 base cell.
    pub lane: u32,
    /// Index in the lane's trees.
    pub leaf: u32,
    /// The versions without an answer: `a`, `b` or `ab`.
    pub versions: &'static str,
    /// Why, in this host's words; not part of the JSON, which is every host's.
    #[serde(skip)]
    pub reason: String,
}

/// Sums over the leaves that both versions judged.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Totals {
    /// Leaves that pass.
    pub pass: u64,
    /// Leaves that fail.
    pub fail: u64,
    /// Leaves that lack something.
    pub indeterminate: u64,
    /// Leaves that are refused.
    pub refused: u64,
    /// Millionths of a full check.
    pub score_ppm: u64,
    /// In [`Diff::pay_unit`].
    #[serde(serialize_with = "decimal")]
    pub pay: u128,
}

/// A hex in which something changes.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct HexChange {
    /// Sum of its changed leaves in version A, millionths of a full check.
    pub old_score_ppm: u64,
    /// The same in version B.
    pub new_score_ppm: u64,
}

/// What a change of the check would change in an epoch. Leaves are to be added in ascending order of lane and index.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Diff {
    /// The epoch.
    pub epoch: u64,
    /// The version to compare with.
    pub a: VersionName,
    /// The version that is compared.
    pub b: VersionName,
    /// `token`: smallest units, by the schedule's rate. `score_ppm`: no rate holds for the epoch, and pay is the score.
    pub pay_unit: &'static str,
    /// Leaves that were looked at.
    pub leaves: u64,
    /// Leaves that are committed and were not served.
    pub unserved: u64,
    /// Sums in version A.
    pub old: Totals,
    /// Sums in version B.
    pub new: Totals,
    /// Leaves that change.
    pub changes: Vec<Change>,
    /// Hexes that change.
    pub hexes: BTreeMap<String, HexChange>,
    /// Leaves without a verdict.
    pub no_verdict: Vec<Silence>,
    #[serde(skip)]
    rate: Option<Rate>,
}

fn decimal<S: serde::Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    // many readers of JSON have no number of this size
    serializer.collect_str(value)
}

impl Diff {
    /// Nothing compared yet. `rate` is what the schedule pays in the epoch, if it pays.
    #[must_use]
    pub fn new<M>(epoch: u64, a: &Version<'_, M>, b: &Version<'_, M>, rate: Option<Rate>) -> Self {
        let pay_unit = if rate.is_some() { "token" } else { "score_ppm" };
        Self { epoch, a: name(a), b: name(b), pay_unit, rate, ..Self::default() }
    }

    /// Adds what was served of a lane, in any order; what of it was not served is counted.
    pub fn add_lane(&mut self, lane: &LaneManifest, mut leaves: Vec<(EvidenceLeaf, Compared)>) {
        leaves.sort_by_key(|(leaf, _)| leaf.index);
        leaves.dedup_by_key(|(leaf, _)| leaf.index);
        let served = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        self.unserved = self.unserved.saturating_add(lane.leaf_count.saturating_sub(served).into());
        for (leaf, compared) in &leaves {
            self.add(lane, leaf, compared);
        }
    }

    /// Adds a leaf.
    pub fn add(&mut self, lane: &LaneManifest, leaf: &EvidenceLeaf, compared: &Compared) {
        self.leaves = self.leaves.saturating_add(1);
        let (lane, index) = (lane.lane, leaf.index);
        let silent = match (&compared.a, &compared.b) {
            (Answer::NoVerdict(a), Answer::NoVerdict(b)) => Some(("ab", format!("{a}; {b}"))),
            (Answer::NoVerdict(a), _) => Some(("a", a.clone())),
            (_, Answer::NoVerdict(b)) => Some(("b", b.clone())),
            _ => None,
        };
        if let Some((versions, reason)) = silent {
            self.no_verdict.push(Silence { lane, leaf: index, versions, reason });
            return;
        }
        let rate = self.rate;
        self.old.add(&compared.a, rate);
        self.new.add(&compared.b, rate);
        if compared.changes() {
            let change = change(lane, leaf, compared, rate);
            let hex = self.hexes.entry(change.hex.clone()).or_default();
            hex.old_score_ppm = hex.old_score_ppm.saturating_add(change.old.score_ppm.into());
            hex.new_score_ppm = hex.new_score_ppm.saturating_add(change.new.score_ppm.into());
            self.changes.push(change);
        }
    }

    /// The one canonical text: members in this order, no spaces, no floats, and nothing that depends on the host.
    #[must_use]
    pub fn to_json(&self) -> String {
        // it has string keys and no floats, so there is nothing that could fail
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Totals {
    fn add(&mut self, answer: &Answer, rate: Option<Rate>) {
        let verdict = match answer {
            Answer::Judged(output) => match output.verdict {
                Verdict::Pass => &mut self.pass,
                Verdict::Fail => &mut self.fail,
                Verdict::Indeterminate => &mut self.indeterminate,
            },
            Answer::Refused | Answer::NoVerdict(_) => &mut self.refused,
        };
        *verdict = verdict.saturating_add(1);
        let score = score(answer);
        self.score_ppm = self.score_ppm.saturating_add(score.into());
        self.pay = self.pay.saturating_add(pay(score, rate));
    }
}

fn name<M>(version: &Version<'_, M>) -> VersionName {
    VersionName {
        module: hex::encode(version.module_hash),
        params: hex::encode(version.params_hash),
    }
}

fn score(answer: &Answer) -> u32 {
    answer.output().map_or(0, |output| output.score_ppm)
}

fn pay(score_ppm: u32, rate: Option<Rate>) -> u128 {
    rate.map_or_else(|| u128::from(score_ppm), |rate| rate.earned(score_ppm.into()))
}

fn told(answer: &Answer, rate: Option<Rate>) -> Told {
    let score_ppm = score(answer);
    Told {
        verdict: answer.output().map_or("refused", |output| output.verdict.as_str()),
        score_ppm,
        pay: pay(score_ppm, rate).to_string(),
    }
}

fn change(lane: u32, leaf: &EvidenceLeaf, compared: &Compared, rate: Option<Rate>) -> Change {
    let bundle = EvidenceBundle::decode(&leaf.bundle).ok();
    let reports = bundle.as_ref().and_then(|bundle| bundle.reports().ok());
    let cell = |answer: &Answer| answer.output().map_or(0, |output| output.subject_cell);
    let cell = [&compared.a, &compared.b].map(cell).into_iter().find(|cell| *cell != 0);
    let hex = cell.and_then(|cell| h3::parent(cell, h3::MAP_RESOLUTION)).unwrap_or_default();
    let counts = |answer: &Answer, witness: u32| {
        answer.output().is_some_and(|output| output.selected.contains(&witness))
    };
    let witnesses = reports.as_ref().map_or(&[][..], |reports| &reports.witnesses);
    let witnesses = (0_u32..).zip(witnesses).filter_map(|(index, witness)| {
        let (old, new) = (counts(&compared.a, index), counts(&compared.b, index));
        let device = || keys::b58(&witness.pub_key);
        (old != new).then(|| WitnessChange { device: device(), old, new })
    });
    Change {
        lane,
        leaf: leaf.index,
        bundle: bundle.as_ref().map(|bundle| hex::encode(bundle.id())).unwrap_or_default(),
        device: reports
            .as_ref()
            .map(|reports| keys::b58(&reports.beacon.pub_key))
            .unwrap_or_default(),
        hex: format!("{hex:x}"),
        old: told(&compared.a, rate),
        new: told(&compared.b, rate),
        witnesses: witnesses.collect(),
    }
}

#[cfg(test)]
mod tests;
