//! What every check is made of: rules with numbers, what a predicate finds, and the log of outcomes.
//!
//! ```text
//!  rules in order ─ predicate(case) ─► Finding ─ Log ─► outcomes, and the verdict of the first
//!                                                       rule that does not hold
//! ```
//! A check says what its rules are and in which order; here is only how they are applied. Nothing
//! here trusts anything: it sees no bytes from outside but through [`CheckError`].

use heliotrope_device_proofs::abi::{
    Description, FULL_SCORE_PPM, RuleDescription, RuleOutcome, Verdict,
};
use heliotrope_device_proofs::bundle::BundleError;
use heliotrope_device_proofs::calldata::CalldataError;
use heliotrope_device_proofs::cbor::CborError;
use heliotrope_device_proofs::coverage_map::CoverageMapError;
use heliotrope_device_proofs::data_transfer::DataTransferError;
use heliotrope_device_proofs::provenance::ProvenanceError;

/// A rule of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Number, see the check's table.
    pub id: u16,
    /// What is true when it holds, with the unit of `observed` and `limit`.
    pub name: &'static str,
    /// The network's reason number when it is broken.
    pub reason: u16,
}

/// What a predicate finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the rule holds.
    pub verdict: Verdict,
    /// What was observed, in the rule's unit.
    pub observed: i64,
    /// What is allowed, in the same unit.
    pub limit: i64,
    /// Whether the verdict depends on it.
    pub counts: bool,
}

impl Finding {
    /// The rule holds, or it is broken.
    pub(crate) fn holds_if(
        holds: bool,
        observed: impl TryInto<i64>,
        limit: impl TryInto<i64>,
    ) -> Self {
        let verdict = if holds { Verdict::Pass } else { Verdict::Fail };
        Self {
            verdict,
            observed: observed.try_into().unwrap_or(i64::MAX),
            limit: limit.try_into().unwrap_or(i64::MAX),
            counts: true,
        }
    }

    /// Something the rule needs is missing.
    pub(crate) const fn missing() -> Self {
        Self { verdict: Verdict::Indeterminate, observed: 0, limit: 0, counts: true }
    }

    /// The parameters say nothing of what the rule needs: it is shown as indeterminate, with reason 0, and
    /// the verdict does not depend on it.
    pub(crate) const fn left_out() -> Self {
        Self { counts: false, ..Self::missing() }
    }
}

/// A rule and the predicate that says whether it holds.
pub(crate) type RuleOf<T> = (Rule, fn(&T) -> Finding);

/// The outcomes so far.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) outcomes: Vec<RuleOutcome>,
}

impl Log {
    /// Applies rules in order up to the first that does not hold.
    pub(crate) fn judge<T>(&mut self, subject: u32, rules: &[RuleOf<T>], case: &T) -> Verdict {
        for (rule, predicate) in rules {
            let verdict = self.note(subject, rule, &predicate(case));
            if verdict != Verdict::Pass {
                return verdict;
            }
        }
        Verdict::Pass
    }

    /// Writes down what one rule says; a finding that does not count lets the next one speak.
    pub(crate) fn note(&mut self, subject: u32, rule: &Rule, finding: &Finding) -> Verdict {
        let broken = finding.counts && finding.verdict != Verdict::Pass;
        let reason = if broken { rule.reason } else { 0 };
        self.outcomes.push(RuleOutcome {
            subject,
            rule_id: rule.id,
            verdict: finding.verdict,
            reason,
            observed: finding.observed,
            limit: finding.limit,
        });
        if finding.counts { finding.verdict } else { Verdict::Pass }
    }
}

/// Why an input is refused. A refusal is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Input, evidence or parameters are not in their one encoding.
    #[error("malformed {what}: {error}")]
    Format {
        /// Which part.
        what: &'static str,
        /// What is wrong.
        error: CborError,
    },
    /// A report in the evidence is not in its one encoding.
    #[error(transparent)]
    Report(#[from] BundleError),
    /// The provenance in the evidence is not in its one encoding.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// The parameters name a profile that the check does not have.
    #[error("profile {got:?}, expected one of {expected:?}")]
    Profile {
        /// The profile named.
        got: String,
        /// Those that there are.
        expected: &'static [&'static str],
    },
    /// The calldata in the evidence is not in its one encoding.
    #[error("malformed calldata: {0}")]
    Calldata(#[from] CalldataError),
    /// A message of a radio in the evidence is not in its one encoding.
    #[error(transparent)]
    CoverageMap(#[from] CoverageMapError),
    /// A session in the evidence is not in its one encoding.
    #[error(transparent)]
    DataTransfer(#[from] DataTransferError),
    /// Two facts about the same word.
    #[error("fact {index} repeats a storage key")]
    FactRepeated {
        /// Index of the second one.
        index: usize,
    },
    /// Facts of different blocks.
    #[error("fact {index} is of block {got}, expected {expected}")]
    FactBlock {
        /// Index of the fact.
        index: usize,
        /// Its block.
        got: u64,
        /// Block of the first fact.
        expected: u64,
    },
    /// Facts of another chain than the parameters name.
    #[error("fact {index} is of chain {got}, expected {expected}")]
    FactChain {
        /// Index of the fact.
        index: usize,
        /// Its chain.
        got: u64,
        /// Chain of the parameters.
        expected: u64,
    },
}

/// Turns a decoder's error into a refusal that names the part.
pub(crate) fn format(what: &'static str) -> impl Fn(CborError) -> CheckError {
    move |error| CheckError::Format { what, error }
}

/// What a check says about itself.
pub(crate) fn description(name: &str, version: &str, rules: &[Rule]) -> Description {
    let rules = rules.iter().map(|rule| RuleDescription {
        rule_id: rule.id,
        name: rule.name.into(),
        reason: rule.reason,
    });
    Description { name: name.into(), version: version.into(), rules: rules.collect() }
}

/// Two byte strings are the same; `observed` counts the bytes that differ.
pub(crate) fn same(got: &[u8], expected: &[u8]) -> Finding {
    let differing = got.iter().zip(expected).filter(|(a, b)| a != b).count();
    let differing = differing.saturating_add(got.len().abs_diff(expected.len()));
    Finding::holds_if(differing == 0, differing, 0)
}

/// `a − b`, as near as 64 bits can say it.
pub(crate) fn difference(a: u64, b: u64) -> i64 {
    let magnitude = i64::try_from(a.abs_diff(b)).unwrap_or(i64::MAX);
    if a < b { magnitude.saturating_neg() } else { magnitude }
}

/// The share of `got` in `wanted`, in millionths, at most all of it. Numbers of which a millionth part cannot be
/// said in 64 bits lose their low 20 bits first.
pub(crate) fn score_ppm(got: impl TryInto<u64>, wanted: impl TryInto<u64>) -> u32 {
    const EXACT: u64 = u64::MAX / FULL_SCORE_PPM as u64;
    let mut got = got.try_into().unwrap_or(u64::MAX);
    let mut wanted = wanted.try_into().unwrap_or(u64::MAX);
    if got > EXACT {
        (got, wanted) = (got >> 20, wanted >> 20);
    }
    let share = got.saturating_mul(FULL_SCORE_PPM.into()).checked_div(wanted).unwrap_or_default();
    u32::try_from(share).unwrap_or(FULL_SCORE_PPM).min(FULL_SCORE_PPM)
}
