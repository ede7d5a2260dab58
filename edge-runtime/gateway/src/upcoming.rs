//! The version of the check that comes next: seen in proven registry state, fetched and compiled before it judges, and
//! shown what it would have judged otherwise.
//!
//! ```text
//! finalized head ─▶ CheckRegistry, proven ─▶ announced? ─▶ mirrors ─▶ sha256 ─▶ compiled ─▶ ready
//! epoch, judged and proposed by the old one ─▶ both, side by side ─▶ log, metrics, next-version.json
//! ```
//! It never counts before its time: which version judges is proven anew for every epoch, at the anchor block.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::B256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_device_proofs::epoch::{LaneManifest, ShardEvidence};
use heliotrope_host::ModuleSet;
use heliotrope_light_client::proof_chain::{
    self, Anchor,
    diff::{self, Diff},
};
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    chain::{Chain, Head},
    files::EpochFiles,
    pinned::{self, Pin, PinnedCheck, prove_pins},
    side_by_side::{self, Candidate},
};

/// An announced version, for `/v1/status`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Upcoming {
    /// Its number in the registry.
    pub(crate) version: u64,
    /// sha256 of its module.
    pub(crate) module: String,
    /// sha256 of its parameters.
    pub(crate) params: String,
    /// Unix seconds from which it judges.
    pub(crate) active_from_s: u64,
    /// Whether it is here and compiled.
    pub(crate) ready: bool,
    /// Why not.
    pub(crate) error: Option<String>,
    #[serde(skip)]
    pin: Pin,
}

impl Upcoming {
    fn new(pin: Pin, prepared: Result<()>) -> Self {
        let error = prepared.err().map(|error| format!("{error:#}"));
        Self {
            version: pin.number,
            module: hex::encode(pin.version.module_hash),
            params: hex::encode(pin.version.params_hash),
            active_from_s: pin.version.active_from_s,
            ready: error.is_none(),
            error,
            pin,
        }
    }

    /// Its pin, if it can run.
    pub(crate) fn ready(&self) -> Option<Pin> {
        self.ready.then_some(self.pin)
    }
}

/// What the announced version would have said of an epoch.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Beside {
    /// sha256 of its module.
    pub(crate) module: String,
    /// Leaves that both judged or tried to.
    pub(crate) leaves: u64,
    /// Leaves whose verdict or score would be another.
    pub(crate) changed: usize,
    /// Leaves without an answer of one of them.
    pub(crate) no_verdict: usize,
}

/// Looks for an announced version at every finalized head.
pub(crate) struct Watcher {
    pub(crate) chain: Chain,
    pub(crate) modules: Arc<ModuleSet>,
    pub(crate) modules_dir: PathBuf,
    pub(crate) mirrors: Vec<String>,
    pub(crate) status: watch::Sender<Option<Upcoming>>,
}

impl Watcher {
    /// For ever; what fails is tried again at the next head.
    pub(crate) async fn run(self) {
        let mut after = 0;
        while let Ok(head) = self.chain.wait_for(|head| head.block.number > after).await {
            after = head.block.number;
            if let Err(error) = self.look(&head).await {
                tracing::warn!(error = format!("{error:#}"), "announced versions");
            }
        }
    }

    async fn look(&self, head: &Head) -> Result<()> {
        let Some(pin) = prove_pins(&self.chain, &head.block).await?.next else {
            if let Some(was) = self.status.send_replace(None) {
                tracing::info!(version = was.version, "the announced version is active");
            }
            return Ok(());
        };
        let known =
            self.status.borrow().as_ref().is_some_and(|known| known.pin == pin && known.ready);
        if known {
            return Ok(());
        }
        let upcoming = Upcoming::new(pin, self.prepare(pin).await);
        let (version, module) = (upcoming.version, &upcoming.module);
        let (active_from_s, error) = (upcoming.active_from_s, &upcoming.error);
        tracing::info!(version, module, active_from_s, ?error, "a version is announced");
        self.status.send_replace(Some(upcoming));
        Ok(())
    }

    async fn prepare(&self, pin: Pin) -> Result<()> {
        pinned::fetch(&self.modules_dir, &self.mirrors, pin).await?;
        // compiling takes a while: not on the reactor's thread
        tokio::task::block_in_place(|| pinned::load(&self.modules, &self.modules_dir, pin))?;
        Ok(())
    }
}

/// Judges a proposed epoch by the version that judged it and by the next one; says, counts and keeps the difference.
pub(crate) async fn beside(
    chain: &Chain,
    (modules, modules_dir): (&ModuleSet, &Path),
    files: &EpochFiles,
    check: &PinnedCheck,
    next: Pin,
    (epoch, manifests): (u64, &[LaneManifest]),
) -> Result<Beside> {
    let next = tokio::task::block_in_place(|| pinned::load(modules, modules_dir, next))?;
    let (old, new) = (Candidate::from(check), Candidate::from(&next));
    let mut found = Diff::new(epoch, &old.version(), &new.version(), None);
    for lane in manifests {
        let judged = B256::from(lane.commitment.module_hash);
        ensure!(
            judged == old.module_hash,
            "lane {} was judged by module {judged}, {} is active",
            lane.lane,
            old.module_hash
        );
        let mut leaves = Vec::new();
        for area in lane.areas() {
            let mut evidence = files.read_evidence(epoch, lane.lane, area)?;
            prove_missing(chain, lane, &mut evidence, [&old, &new]).await?;
            let (mut anchor, pin) = anchor(chain, &evidence, lane)?;
            let both = [&old, &new];
            leaves.extend(side_by_side::compare(evidence.leaves, &mut anchor, &pin, both)?);
        }
        found.add_lane(lane, leaves);
    }
    files.write_diff(epoch, &found)?;
    let beside = Beside {
        module: hex::encode(new.module_hash),
        leaves: found.leaves,
        changed: found.changes.len(),
        no_verdict: found.no_verdict.len(),
    };
    count(&beside);
    let Beside { leaves, changed, no_verdict, .. } = beside;
    tracing::info!(epoch, module = beside.module, leaves, changed, no_verdict, "next version");
    Ok(beside)
}

fn count(beside: &Beside) {
    let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let (changed, no_verdict) = (wide(beside.changed), wide(beside.no_verdict));
    let same = beside.leaves.saturating_sub(changed).saturating_sub(no_verdict);
    for (outcome, count) in [("same", same), ("changed", changed), ("no_verdict", no_verdict)] {
        metrics::counter!("heliotrope_next_version_leaves_total", "outcome" => outcome)
            .increment(count);
    }
}

fn anchor(
    chain: &Chain,
    evidence: &ShardEvidence,
    lane: &LaneManifest,
) -> Result<(Anchor, proof_chain::Pin)> {
    let deployed = &chain.deployed;
    let mut anchor = Anchor::open(evidence, lane, deployed.network.chain_id)?;
    let pin = anchor
        .pin(deployed.contracts.check_registry, deployed.check_id)
        .context("the version that judged")?;
    Ok((anchor, pin))
}

async fn prove_missing(
    chain: &Chain,
    lane: &LaneManifest,
    evidence: &mut ShardEvidence,
    candidates: [&Candidate; 2],
) -> Result<()> {
    let (mut anchor, _) = anchor(chain, evidence, lane)?;
    let [a, b] = candidates.map(Candidate::version);
    for (address, keys) in diff::missing(evidence, &mut anchor, [&a, &b]) {
        match chain.prove(&anchor.block(), address, &keys).await {
            Ok(proven) => diff::add_nodes(evidence, proven.nodes),
            Err(error) => tracing::warn!(%error, "a fact that the next version needs"),
        }
    }
    Ok(())
}
