//! The proof chain without a server: a proof bundle, judged link by link from its bytes alone.
//!
//! ```text
//! 5 checkpoint ─ journal ─▶ 4 finalized header ─ ledger nodes ─▶ 3 commitment ─┬─ leaf paths ─▶ outputs, bundles
//!                                                                            └─ anchor ─ pin ─▶ 2 check, again
//!                                                                    1 device: every report's own signature
//! ```
//!
//! Trusts: the checkpoint that the reader names, and the engine that runs the module. The contracts' addresses are the
//! bundle's own: they are in the [`Report`], for the reader to recognise. Does not say whether the data is new: the
//! clock is the bundle's own.
//!
//! The map's worker proves the same links from what it fetches; what both need stands here once.

mod anchor;
pub mod diff;
mod rate;
mod verify;
mod versions;

pub use anchor::{Anchor, AnchorError, Pin};
pub use rate::prove_rate;
pub use verify::{LinkReport, Outcome, ProvenLeaf, Report, verify};
pub use versions::{ProvenVersions, prove_versions};

use std::fmt;

use heliotrope_contracts::Roots;
use heliotrope_device_proofs::{
    abi::{CheckInput, CheckOutput, Plan},
    epoch::{EvidenceLeaf, LaneManifest},
    sha256,
};

/// A check module whose bytes were compared with the pin, in whichever engine runs it.
pub trait CheckModule {
    /// `hc_plan`: which facts the evidence needs.
    ///
    /// # Errors
    /// If the module refuses, or the host gets no answer.
    fn plan(&self, evidence: &[u8], params: &[u8]) -> Result<Vec<u8>, NoAnswer>;

    /// `hc_check`.
    ///
    /// # Errors
    /// If the module refuses, or the host gets no answer.
    fn check(&self, input: &[u8]) -> Result<Vec<u8>, NoAnswer>;
}

/// Why a module gave no bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NoAnswer {
    /// It refuses its input. Every host gets this, so it can contradict what was committed.
    Refused,
    /// A trap or a limit of this host, in words: another host may get an answer.
    Host(String),
}

/// Why something of the chain is not proven.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unproven {
    /// The bytes do not hold, in words.
    Broken(String),
    /// The module gave no verdict in this host, in words: nothing is said of the bytes.
    NoVerdict(String),
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(what) => f.write_str(what),
            Self::NoVerdict(why) => write!(f, "no verdict in this host: {why}"),
        }
    }
}

impl From<String> for Unproven {
    fn from(what: String) -> Self {
        Self::Broken(what)
    }
}

/// A link of the chain.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Link {
    /// Reports are signed by the device keys.
    Device,
    /// The pinned module gives the committed output again.
    Check,
    /// Output and bundle lie under the roots that the ledger stores.
    Commitment,
    /// The ledger's storage lies under a finalized header.
    Header,
    /// The header descends from a checkpoint.
    Checkpoint,
}

impl Link {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Check => "check",
            Self::Commitment => "commitment",
            Self::Header => "header",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// The ledger's view of a lane.
#[must_use]
pub fn roots(lane: &LaneManifest) -> Roots {
    let named = &lane.commitment;
    Roots {
        evidence: named.evidence_root.into(),
        verdict: named.verdict_root.into(),
        coverage: named.coverage_root.into(),
        reward: named.reward_root.into(),
        module_hash: named.module_hash.into(),
        anchor_hash: lane.anchor_hash.into(),
    }
}

/// Link 2 of one leaf: the pinned module must give the committed output again, byte for byte, from facts that are proven
/// under the anchor's state root.
///
/// # Errors
/// Which leaf, and what does not hold; or that the module gave no verdict.
pub fn judge_again(
    leaf: &EvidenceLeaf,
    anchor: &mut Anchor,
    pin: &Pin,
    params: &[u8],
    module: &impl CheckModule,
) -> Result<CheckOutput, Unproven> {
    let at = |what: String| format!("evidence leaf {}: {what}", leaf.index);
    let again = run_again(leaf, anchor, pin, params, module)?
        .ok_or_else(|| at("the pinned module refuses it".to_owned()))?;
    if again != leaf.output {
        return Err(at(format!(
            "the pinned module gives {}, the gateway committed {}",
            verdict_of(&again),
            verdict_of(&leaf.output)
        ))
        .into());
    }
    Ok(CheckOutput::decode(&again).map_err(|error| at(format!("output: {error}")))?)
}

/// What the pinned module gives for a leaf's bundle, whatever was committed; `None` when it refuses the bundle, which it
/// does in every host.
///
/// # Errors
/// Which leaf, and which fact is not proven; or that the module gave no answer in this host.
pub fn run_again(
    leaf: &EvidenceLeaf,
    anchor: &mut Anchor,
    pin: &Pin,
    params: &[u8],
    module: &impl CheckModule,
) -> Result<Option<Vec<u8>>, Unproven> {
    let at = |what: String| format!("evidence leaf {}: {what}", leaf.index);
    let plan = match module.plan(&leaf.bundle, params) {
        Ok(plan) => Plan::decode(&plan).map_err(|error| at(format!("plan: {error}")))?,
        Err(NoAnswer::Refused) => return Ok(None),
        Err(NoAnswer::Host(why)) => return Err(Unproven::NoVerdict(at(why))),
    };
    let facts = anchor.facts(&plan).map_err(|error| at(error.to_string()))?;
    let input = CheckInput {
        module_hash: pin.module_hash.0,
        evidence: leaf.bundle.clone(),
        facts,
        params: params.to_vec(),
        now_s: anchor.timestamp(),
    };
    match module.check(&input.encode()) {
        Ok(output) => Ok(Some(output)),
        Err(NoAnswer::Refused) => Ok(None),
        Err(NoAnswer::Host(why)) => Err(Unproven::NoVerdict(at(why))),
    }
}

fn verdict_of(output: &[u8]) -> String {
    CheckOutput::decode(output).map_or_else(
        |_| format!("{} unreadable bytes", output.len()),
        |decoded| {
            let digest = hex::encode(sha256(output));
            let short: String = digest.chars().take(12).collect();
            format!("{} (output {short}…)", decoded.verdict.as_str())
        },
    )
}
