//! One lane of one epoch: facts proven at an anchor, every bundle judged, the roots, the files.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::{Roots, reward::tree::RewardLeaves};
use heliotrope_device_proofs::{
    Bytes32,
    abi::{CheckInput, CheckOutput, Fact, Plan, PlanQuery, Verdict},
    coverage::{Shard, fold},
    epoch::{Commitment, EvidenceLeaf, LaneManifest, ShardEvidence, verdict_leaf_data},
    merkle::{self, MerkleTree},
    sha256,
};
use heliotrope_host::HostError;
use heliotrope_light_client::execution::ProvenBlock;

use crate::{
    chain::Chain,
    gather::Gathered,
    pinned::PinnedCheck,
    receipt_log::ReceiptLog,
    replay::{self, LeftOut},
    rewards::{Rewards, Terms},
};

/// Everything that a lane's settlement is served as.
#[derive(Debug)]
pub(crate) struct LaneResult {
    pub(crate) manifest: LaneManifest,
    pub(crate) shards: Vec<Shard>,
    /// Shard parent → its evidence file.
    pub(crate) evidence: BTreeMap<u64, Vec<u8>>,
    /// Replay key and sha256 of each bundle that passes.
    pub(crate) counts: Vec<(Bytes32, Bytes32)>,
    /// What the owners have earned in this lane since the beginning.
    pub(crate) rewards: RewardLeaves,
    /// Bundles that pass and have counted already.
    pub(crate) left_out: Vec<LeftOut>,
}

impl LaneResult {
    /// The roots as the ledger commits to them.
    pub(crate) fn roots(&self) -> Roots {
        roots(&self.manifest)
    }
}

/// The ledger's view of a lane manifest.
pub(crate) fn roots(manifest: &LaneManifest) -> Roots {
    let Commitment { evidence_root, verdict_root, coverage_root, reward_root, module_hash } =
        manifest.commitment;
    Roots {
        evidence: evidence_root.into(),
        verdict: verdict_root.into(),
        coverage: coverage_root.into(),
        reward: reward_root.into(),
        module_hash: module_hash.into(),
        anchor_hash: manifest.anchor_hash.into(),
    }
}

/// What all lanes of an epoch share.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) check: &'a PinnedCheck,
    /// What has counted before.
    pub(crate) log: &'a ReceiptLog,
    /// What the verdicts are worth.
    pub(crate) rewards: &'a Rewards,
    /// What the epoch pays, if it does.
    pub(crate) terms: Option<Terms>,
    /// The block whose state supplies the facts and whose time is `now`.
    pub(crate) anchor: ProvenBlock,
    /// RLP of the anchor's header.
    pub(crate) anchor_header: &'a [u8],
    /// The trie nodes that prove the pin.
    pub(crate) pin_nodes: &'a [Vec<u8>],
}

/// A bundle on its way through.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) bundle: Vec<u8>,
    pub(crate) output: Vec<u8>,
    pub(crate) verdict: CheckOutput,
    /// When it came, Unix milliseconds.
    pub(crate) received_ms: u64,
    /// The area of its evidence file.
    pub(crate) parent: u64,
    /// The device that earns by it.
    pub(crate) earns: Option<Bytes32>,
}

impl Judged {
    /// The order of the leaves.
    fn order(&self) -> (u64, u64, Bytes32) {
        (self.verdict.subject_cell, self.received_ms, sha256(&self.bundle))
    }
}

/// Judges a lane's bundles, given by shard, and leaves out what has counted before.
pub(crate) async fn settle_lane(
    bench: &Bench<'_>,
    (epoch, lane): (u64, u32),
    by_shard: BTreeMap<u64, Vec<Gathered>>,
) -> Result<LaneResult> {
    let mut judged = Vec::new();
    let (mut nodes, mut lost) = (BTreeMap::new(), BTreeSet::new());
    for (parent, bundles) in by_shard {
        let planned = planned(bench, bundles)?;
        let (facts, shard_nodes) = prove_facts(bench, planned.iter().map(|p| &p.plan)).await?;
        nodes.insert(parent, shard_nodes);
        // the checks take the processor for a while: not on the reactor's thread
        let verdicts = tokio::task::block_in_place(|| judge_all(bench, parent, &planned, &facts))?;
        if verdicts.len() < planned.len() {
            lost.insert(parent);
        }
        judged.extend(verdicts);
    }
    let elsewhere = |key: &Bytes32| {
        let counted = bench.log.counted(key)?;
        Ok(counted.filter(|counted| (counted.epoch, counted.lane) != (epoch, lane)))
    };
    let (mut judged, left_out) = replay::once((epoch, lane), judged, elsewhere)?;
    judged.sort_by_cached_key(Judged::order);
    lost.extend(left_out.iter().map(|left_out| left_out.parent));
    // a file may hold no node that proves nothing
    for parent in lost {
        let stay = judged.iter().filter(|j| j.parent == parent);
        let plans = stay.map(|j| plan(bench, &j.bundle)).collect::<Result<Vec<_>, _>>()?;
        let (_, shard_nodes) = prove_facts(bench, plans.iter()).await?;
        nodes.insert(parent, shard_nodes);
    }
    let rewards = match &bench.terms {
        Some(terms) => bench.rewards.tree(&bench.anchor, terms, lane, &judged).await?,
        None => RewardLeaves::default(),
    };
    let mut result = commit(bench, lane, &judged, nodes)?;
    result.manifest.commitment.reward_root = rewards.root().into();
    Ok(LaneResult { rewards, left_out, ..result })
}

type Facts = BTreeMap<(Address, B256), Fact>;

/// A bundle that the pinned module takes, and the facts that it asks for.
struct Planned {
    gathered: Gathered,
    plan: Plan,
}

/// Asks the module about every bundle. What it refuses, a stranger's evidence of another kind, is no leaf.
fn planned(bench: &Bench<'_>, bundles: Vec<Gathered>) -> Result<Vec<Planned>> {
    let mut all = Vec::with_capacity(bundles.len());
    for gathered in bundles {
        match plan(bench, &gathered.bundle) {
            Ok(plan) => all.push(Planned { gathered, plan }),
            Err(HostError::Refused) => refused(&gathered.bundle),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(all)
}

fn refused(bundle: &[u8]) {
    let bundle = hex::encode(sha256(bundle));
    tracing::warn!(bundle, "the pinned module refuses it");
    metrics::counter!("heliotrope_refused_total").increment(1);
}

/// Proves every fact that plans ask for.
async fn prove_facts<'p>(
    bench: &Bench<'_>,
    plans: impl Iterator<Item = &'p Plan>,
) -> Result<(Facts, Vec<Vec<u8>>)> {
    let mut wanted: BTreeMap<Address, Vec<B256>> = BTreeMap::new();
    for PlanQuery { address, key } in plans.flat_map(|plan| &plan.0) {
        wanted.entry((*address).into()).or_default().push((*key).into());
    }
    let mut facts = Facts::new();
    let mut nodes = bench.pin_nodes.to_vec();
    for (address, mut keys) in wanted {
        keys.sort_unstable();
        keys.dedup();
        let proven = bench.chain.prove(&bench.anchor, address, &keys).await?;
        for (key, value) in keys.into_iter().zip(proven.values) {
            let fact = Fact {
                chain_id: bench.chain.deployed.network.chain_id,
                block: bench.anchor.number,
                address: address.into(),
                key: key.into(),
                value: value.to_be_bytes(),
            };
            facts.insert((address, key), fact);
        }
        nodes.extend(proven.nodes);
    }
    nodes.sort_unstable();
    nodes.dedup();
    Ok((facts, nodes))
}

fn plan(bench: &Bench<'_>, bundle: &[u8]) -> Result<Plan, HostError> {
    bench.check.module.plan(bundle, &bench.check.params)
}

/// Runs the pinned module over the bundles, on all cores; what it refuses is left out.
fn judge_all(
    bench: &Bench<'_>,
    parent: u64,
    bundles: &[Planned],
    facts: &Facts,
) -> Result<Vec<Judged>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = bundles.len().div_ceil(threads).max(1);
    let judge_chunk = |chunk: &[Planned]| -> Result<Vec<Judged>> {
        chunk.iter().filter_map(|p| judge(bench, parent, p, facts).transpose()).collect()
    };
    let chunks: Vec<Result<Vec<Judged>>> = std::thread::scope(|scope| {
        let handles: Vec<_> =
            bundles.chunks(share).map(|chunk| scope.spawn(move || judge_chunk(chunk))).collect();
        let stopped = || Err(anyhow::anyhow!("a check thread stopped"));
        handles.into_iter().map(|h| h.join().unwrap_or_else(|_| stopped())).collect()
    });
    Ok(chunks.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn judge(
    bench: &Bench<'_>,
    parent: u64,
    Planned { gathered, plan }: &Planned,
    facts: &Facts,
) -> Result<Option<Judged>> {
    let fact = |query: &PlanQuery| facts.get(&(query.address.into(), query.key.into())).cloned();
    let bundle = gathered.bundle.clone();
    let input = CheckInput {
        module_hash: bench.check.pin.version.module_hash.into(),
        evidence: bundle.clone(),
        facts: plan.0.iter().filter_map(fact).collect(),
        params: bench.check.params.clone(),
        now_s: bench.anchor.timestamp,
    };
    let output = match bench.check.module.check(&input.encode()) {
        Ok(output) => output,
        Err(HostError::Refused) => {
            refused(&bundle);
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let verdict = CheckOutput::decode(&output).context("what the check answered")?;
    metrics::counter!("heliotrope_verdicts_total", "verdict" => verdict.verdict.as_str())
        .increment(1);
    let (received_ms, earns) = (gathered.received_ms, gathered.earns);
    Ok(Some(Judged { bundle, output, verdict, received_ms, parent, earns }))
}

fn commit(
    bench: &Bench<'_>,
    lane: u32,
    judged: &[Judged],
    mut nodes: BTreeMap<u64, Vec<Vec<u8>>>,
) -> Result<LaneResult> {
    let leaf = |j: &Judged| merkle::leaf_hash(&j.bundle);
    let verdict_leaf = |j: &Judged| merkle::leaf_hash(&verdict_leaf_data(&j.bundle, &j.output));
    let evidence_tree = MerkleTree::new(judged.iter().map(leaf).collect());
    let verdict_tree = MerkleTree::new(judged.iter().map(verdict_leaf).collect());
    let index = |i: usize| u32::try_from(i).context("more than 2^32 leaves in a lane");
    let mut folded = Vec::with_capacity(judged.len());
    let mut files: BTreeMap<u64, ShardEvidence> = BTreeMap::new();
    for (i, j) in judged.iter().enumerate() {
        folded.push((index(i)?, j.verdict.subject_cell, &j.verdict));
        let file = files.entry(j.parent).or_insert_with(|| ShardEvidence {
            anchor_header: bench.anchor_header.to_vec(),
            nodes: nodes.remove(&j.parent).unwrap_or_default(),
            leaves: Vec::new(),
        });
        file.leaves.push(EvidenceLeaf {
            index: index(i)?,
            bundle: j.bundle.clone(),
            output: j.output.clone(),
            evidence_path: evidence_tree.path(i),
            verdict_path: verdict_tree.path(i),
        });
    }
    let shards = fold(folded);
    let parents = |s: &Shard| files.contains_key(&s.parent);
    ensure!(shards.iter().all(parents), "a device's proven cell is not where it was registered");
    let coverage: Vec<_> = shards.iter().map(Shard::leaf).collect();
    let manifest = LaneManifest {
        lane,
        commitment: Commitment {
            evidence_root: evidence_tree.root(),
            verdict_root: verdict_tree.root(),
            coverage_root: merkle::root(&coverage),
            reward_root: [0; 32],
            module_hash: bench.check.pin.version.module_hash.into(),
        },
        anchor_hash: bench.anchor.hash.into(),
        leaf_count: index(judged.len())?,
        shards: shards.iter().map(|s| (s.parent, s.digest())).collect(),
    };
    let evidence = files.into_iter().map(|(parent, file)| (parent, file.encode())).collect();
    let passes = judged.iter().filter(|j| j.verdict.verdict == Verdict::Pass);
    let counts = passes.map(|j| (j.verdict.replay_key, sha256(&j.bundle))).collect();
    let (rewards, left_out) = (RewardLeaves::default(), Vec::new());
    Ok(LaneResult { manifest, shards, evidence, counts, rewards, left_out })
}
