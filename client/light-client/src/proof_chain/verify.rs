//! Judges a proof bundle. Every link is looked at as far as those that it stands on allow.

use alloy_primitives::{B256, U256};
use heliotrope_contracts::{Settlement, settlement_slots};
use heliotrope_device_proofs::{
    abi::CheckOutput, epoch::ShardEvidence, evidence, proof::ProofBundle, sha256,
};
use heliotrope_verifier::{
    chains::ethereum::ChainSpec,
    proofs::{
        eip1186::{get_account, get_storage},
        mpt::TrieNodes,
    },
};

use super::{Anchor, AnchorError, CheckModule, Link, Unproven, judge_again, roots};
use crate::{
    execution::ProvenBlock,
    following::{Following, Moment},
    journal::Journal,
    network::DeployedNetwork,
};

/// What became of a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Its bytes were checked and hold.
    Verified,
    /// Nothing here proves it: the reader has to know.
    Asserted,
    /// Its bytes do not hold.
    Broken,
    /// The check module trapped or met a limit of this host: nothing is said of the bytes.
    NoVerdict,
    /// A link that it stands on is not proven.
    NotReached,
}

impl Outcome {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Asserted => "asserted",
            Self::Broken => "broken",
            Self::NoVerdict => "no verdict",
            Self::NotReached => "not reached",
        }
    }
}

/// One link, in a sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkReport {
    /// Which.
    pub link: Link,
    /// What became of it.
    pub outcome: Outcome,
    /// What was found.
    pub summary: String,
}

/// A leaf whose output the pinned module gave again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProvenLeaf {
    /// Its index in the epoch's trees.
    pub index: u32,
    /// The output.
    pub output: CheckOutput,
}

/// What a proof bundle comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Five links, device first.
    pub links: Vec<LinkReport>,
    /// The leaves, where links 2 and 3 hold.
    pub leaves: Vec<ProvenLeaf>,
    /// The network and its contracts, as the bundle names them.
    pub deployed: Option<DeployedNetwork>,
}

impl Report {
    /// The first broken link in the order of the chain.
    #[must_use]
    pub fn broken(&self) -> Option<&LinkReport> {
        self.first(Outcome::Broken)
    }

    /// The first link of which this host can say nothing.
    #[must_use]
    pub fn without_verdict(&self) -> Option<&LinkReport> {
        self.first(Outcome::NoVerdict)
    }

    fn first(&self, outcome: Outcome) -> Option<&LinkReport> {
        self.links.iter().find(|link| link.outcome == outcome)
    }
}

/// A link in the making: what it proves, and how it is said.
struct Step<T> {
    outcome: Outcome,
    summary: String,
    proves: Option<T>,
}

impl<T> Step<T> {
    fn of(result: Result<(T, String), impl Into<Unproven>>) -> Self {
        match result.map_err(Into::into) {
            Ok((value, summary)) => {
                Self { outcome: Outcome::Verified, summary, proves: Some(value) }
            }
            Err(Unproven::Broken(summary)) => {
                Self { outcome: Outcome::Broken, summary, proves: None }
            }
            Err(Unproven::NoVerdict(summary)) => {
                Self { outcome: Outcome::NoVerdict, summary, proves: None }
            }
        }
    }

    /// The link above, if this one holds.
    fn then<U, E: Into<Unproven>>(
        &self,
        next: impl FnOnce(&T) -> Result<(U, String), E>,
    ) -> Step<U> {
        self.proves.as_ref().map_or_else(
            || Step {
                outcome: Outcome::NotReached,
                summary: "a link that it stands on is not proven".to_owned(),
                proves: None,
            },
            |proven| Step::of(next(proven)),
        )
    }

    fn report(&self, link: Link) -> LinkReport {
        LinkReport { link, outcome: self.outcome, summary: self.summary.clone() }
    }
}

/// Judges a bundle. `trusted` is the checkpoint that the reader names; `seed` is 32 random bytes; `load` takes the module
/// in after its hash was compared with the pin.
pub fn verify<M: CheckModule>(
    bundle: &ProofBundle,
    trusted: Option<B256>,
    seed: [u8; 32],
    load: impl FnOnce(&[u8], &B256) -> Result<M, String>,
) -> Report {
    let deployed = DeployedNetwork::from_json(&bundle.network).map_err(|e| e.to_string());
    let mut checkpoint =
        Step::of(deployed.clone().and_then(|deployed| start(bundle, &deployed, trusted, seed)));
    if trusted.is_none() && checkpoint.outcome == Outcome::Verified {
        checkpoint.outcome = Outcome::Asserted;
    }
    let header = checkpoint.then(|start| finalized(start, seed));
    let commitment = header.then(|block| committed(bundle, &deployed.clone()?, block));
    let check = commitment.then(|()| checked(bundle, &deployed.clone()?, load));
    let mut device = Step::of(signed(&bundle.evidence));
    if device.proves == Some(0) {
        device.outcome = Outcome::Asserted;
    }
    let links = vec![
        device.report(Link::Device),
        check.report(Link::Check),
        commitment.report(Link::Commitment),
        header.report(Link::Header),
        checkpoint.report(Link::Checkpoint),
    ];
    Report { links, leaves: check.proves.unwrap_or_default(), deployed: deployed.ok() }
}

/// Links 5 and 4, and of link 3 what the ledger stores: whether the chain knows a bundle's roots, whatever leaves it has.
///
/// # Errors
/// The link that is broken, and why.
pub fn settled(
    bundle: &ProofBundle,
    trusted: Option<B256>,
    seed: [u8; 32],
) -> Result<DeployedNetwork, (Link, String)> {
    let broken = |link| move |why| (link, why);
    let deployed = DeployedNetwork::from_json(&bundle.network)
        .map_err(|error| (Link::Checkpoint, error.to_string()))?;
    let (start, _) = start(bundle, &deployed, trusted, seed).map_err(broken(Link::Checkpoint))?;
    let (block, _) = finalized(&start, seed).map_err(broken(Link::Header))?;
    stored(bundle, &deployed, &block).map_err(broken(Link::Commitment))?;
    Ok(deployed)
}

/// Where the chain starts: the journal, whose bootstrap is the checkpoint's, and its network.
struct Start {
    journal: Journal,
    spec: ChainSpec,
}

/// Follows a journal, at no particular time: the bundle may be old.
fn follow(journal: Journal, spec: &ChainSpec, seed: [u8; 32]) -> Result<Following, String> {
    let moment = Moment { slot: u64::MAX, seed };
    Following::replay(journal, &moment, spec).map_err(|refusal| refusal.reason())
}

/// Link 5: the bootstrap is that of the checkpoint.
fn start(
    bundle: &ProofBundle,
    deployed: &DeployedNetwork,
    trusted: Option<B256>,
    seed: [u8; 32],
) -> Result<(Start, String), String> {
    let spec = deployed.network.chain_spec().map_err(|e| e.to_string())?;
    let journal = Journal::decode(&bundle.journal).map_err(str::to_owned)?;
    let root = journal.checkpoint;
    if let Some(expected) = trusted.filter(|expected| *expected != root) {
        return Err(format!("the chain stands on checkpoint {root}, you named {expected}"));
    }
    let bootstrap = Journal::new(journal.form, root, journal.bootstrap.clone());
    let slot = follow(bootstrap, &spec, seed)?.checkpoint_slot;
    let whose = if trusted.is_some() { "you named it" } else { "compare it with one you trust" };
    Ok((Start { journal, spec }, format!("checkpoint {root}, slot {slot}: {whose}")))
}

/// Link 4: the finalized header descends from it.
fn finalized(start: &Start, seed: [u8; 32]) -> Result<(ProvenBlock, String), String> {
    let following = follow(start.journal.clone(), &start.spec, seed)?;
    let header = following.finalized();
    let block = ProvenBlock::of(header).ok_or("the finalized header names no execution state")?;
    let summary = format!(
        "block {} {} is finalized by the sync committee, slot {}",
        block.number, block.hash, header.beacon.slot
    );
    Ok((block, summary))
}

/// What the ledger stores is what the lane names, and was not refuted.
fn stored(
    bundle: &ProofBundle,
    deployed: &DeployedNetwork,
    block: &ProvenBlock,
) -> Result<Settlement, String> {
    let lane = &bundle.lane;
    let ledger = deployed.contracts.settlement_ledger;
    let mut nodes = TrieNodes::new(bundle.ledger.clone()).map_err(|e| e.to_string())?;
    let at = |error: String| format!("ledger {ledger} at block {}: {error}", block.number);
    let account = get_account(&mut nodes, block.state_root, ledger)
        .map_err(|error| at(error.to_string()))?
        .ok_or_else(|| at("there is no such account".to_owned()))?;
    let mut words = [U256::ZERO; 2];
    let slots = settlement_slots(bundle.check_id.into(), u64::from(lane.lane), bundle.epoch);
    for (word, slot) in words.iter_mut().zip(slots) {
        *word = get_storage(&mut nodes, account.storage_root, slot)
            .map_err(|error| at(error.to_string()))?;
    }
    nodes.finish().map_err(|error| at(error.to_string()))?;
    let (got, stored) = (roots(lane).commitment(), Settlement::from_words(words));
    if got != stored.commitment {
        return Err(at(format!("the roots hash to {got}, it stores {}", stored.commitment)));
    }
    if stored.is_refuted() {
        return Err(at(format!("what {} proposed was refuted", stored.proposer)));
    }
    Ok(stored)
}

/// Link 3: what the ledger stores is what the lane names, and the leaves lie under it.
fn committed(
    bundle: &ProofBundle,
    deployed: &DeployedNetwork,
    block: &ProvenBlock,
) -> Result<((), String), String> {
    let (lane, ledger) = (&bundle.lane, deployed.contracts.settlement_ledger);
    let stored = stored(bundle, deployed, block)?;
    for leaf in &bundle.evidence.leaves {
        leaf.verify(lane).map_err(|e| format!("leaf {} of lane {}: {e}", leaf.index, lane.lane))?;
    }
    let leaves = bundle.evidence.leaves.len();
    let summary = format!(
        "{leaves} leaves lie under the roots that {ledger} stores for lane {} of epoch {}, proposed by {}",
        lane.lane, bundle.epoch, stored.proposer
    );
    if leaves == 0 { Err("the bundle has no leaves".to_owned()) } else { Ok(((), summary)) }
}

/// Link 2: the module that the registry pinned at the anchor block gives every output again.
fn checked<M: CheckModule>(
    bundle: &ProofBundle,
    deployed: &DeployedNetwork,
    load: impl FnOnce(&[u8], &B256) -> Result<M, String>,
) -> Result<(Vec<ProvenLeaf>, String), Unproven> {
    let chain_id = deployed.network.chain_id;
    let words = |error: AnchorError| error.to_string();
    let mut anchor = Anchor::open(&bundle.evidence, &bundle.lane, chain_id).map_err(words)?;
    let pin =
        anchor.pin(deployed.contracts.check_registry, bundle.check_id.into()).map_err(words)?;
    is_pinned("module", &bundle.module, pin.module_hash)?;
    is_pinned("parameters", &bundle.params, pin.params_hash)?;
    if pin.module_hash.0 != bundle.lane.commitment.module_hash {
        let judged = B256::from(bundle.lane.commitment.module_hash);
        return Err(format!("module {judged} judged, the registry pins {}", pin.module_hash).into());
    }
    let module = load(&bundle.module, &pin.module_hash).map_err(Unproven::NoVerdict)?;
    let mut leaves = Vec::new();
    for leaf in &bundle.evidence.leaves {
        let output = judge_again(leaf, &mut anchor, &pin, &bundle.params, &module)?;
        leaves.push(ProvenLeaf { index: leaf.index, output });
    }
    let (number, time) = (anchor.number(), anchor.timestamp());
    anchor.finish().map_err(words)?;
    let summary = format!(
        "module {}, version {} at block {number} (time {time}), gives {} outputs again, byte for byte",
        pin.module_hash,
        pin.version,
        leaves.len()
    );
    Ok((leaves, summary))
}

fn is_pinned(what: &str, bytes: &[u8], expected: B256) -> Result<(), String> {
    let got = B256::from(sha256(bytes));
    if got == expected {
        return Ok(());
    }
    Err(format!("the {what} hash to {got}, the check registry pins {expected}"))
}

/// Link 1; how many messages devices signed.
fn signed(evidence: &ShardEvidence) -> Result<(usize, String), String> {
    let mut messages: usize = 0;
    for leaf in &evidence.leaves {
        let signed = evidence::authenticate(&leaf.bundle)
            .map_err(|error| format!("evidence leaf {}: {error}", leaf.index))?;
        messages = messages.saturating_add(signed);
    }
    let bundles = evidence.leaves.len();
    if messages == 0 {
        return Ok((0, format!("{bundles} bundles hold nothing that a device signs")));
    }
    Ok((messages, format!("{messages} reports in {bundles} bundles are signed by their devices")))
}
