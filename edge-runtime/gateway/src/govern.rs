//! `heliotrope govern diff`: before a vote, whose verdict and pay another version of the check would change.
//!
//! ```text
//! finalized header ─▶ ledger words ─▶ lane roots ─▶ every leaf ─┬─ A ─┐
//!                   └▶ schedule words ─▶ rate       anchor facts ┴─ B ─┴─▶ Diff
//! ```
//! Trusts the checkpoint that the reader names, and the bytes of A and B to be those that were meant: their hashes are
//! in the answer. The gateway only carries. It can leave out a whole lane, or files: the lanes that were compared and
//! the leaves that are missing are counted.

use std::path::Path;

use alloy_primitives::{B256, U256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::{Settlement, reward::Rate, settlement_slots};
use heliotrope_device_proofs::{
    epoch::{EpochManifest, EvidenceLeaf, LaneManifest, ShardEvidence},
    evidence, sha256,
};
use heliotrope_light_client::{
    execution::{ProvenBlock, prove_storage},
    network::DeployedNetwork,
    proof_chain::{
        Anchor, Pin,
        diff::{self, Compared, Diff, Told},
        rewards::At,
        roots,
    },
};

use crate::{
    engine::{self, Module},
    prove::Carrier,
    side_by_side::{self, Candidate},
};

/// What can be done about the network's government.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Govern {
    /// Re-run two versions of the check on a settled epoch's evidence, and list whose verdict and pay would change.
    Diff(Wanted),
}

/// What to compare, and on what.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// The module to compare with: a file, or the sha256 of one that the gateway serves.
    a: String,
    /// The module that is compared.
    b: String,
    /// Parameters of A, likewise; those that were pinned when the epoch was judged if none are named.
    #[arg(long)]
    params_a: Option<String>,
    /// Parameters of B, likewise.
    #[arg(long)]
    params_b: Option<String>,
    /// The epoch.
    #[arg(long)]
    epoch: u64,
    /// Base address of a gateway.
    #[arg(long)]
    gateway: String,
    /// Beacon block root to start from: your own word, and nobody else is asked.
    #[arg(long)]
    checkpoint: Option<B256>,
    /// Start from a checkpoint of any age. Who has left the validator set since can deceive you.
    #[arg(long)]
    allow_old_checkpoint: bool,
    /// Say it as JSON: the same bytes wherever the same evidence is judged.
    #[arg(long)]
    json: bool,
}

/// Compares, and says what was found.
pub(crate) async fn diff(wanted: &Wanted) -> Result<String> {
    let carrier = Carrier::new(&wanted.gateway)?;
    let deployed = DeployedNetwork::from_json(&carrier.get("v1/network.json").await?)?;
    let client = carrier.follow(&deployed, wanted.checkpoint, wanted.allow_old_checkpoint).await?;
    let block = ProvenBlock::of(client.finalized()).context("the header names no state")?;
    let manifest = carrier.manifest(wanted.epoch).await?;
    let epoch = Epoch { carrier: &carrier, deployed: &deployed, manifest: &manifest };
    epoch.is_committed(wanted.epoch, &block).await?;
    let rate = epoch.rate(&block).await?;
    let pin = epoch.pin().await?;
    let (a, b) = tokio::try_join!(
        candidate(&carrier, &wanted.a, wanted.params_a.as_deref(), &pin),
        candidate(&carrier, &wanted.b, wanted.params_b.as_deref(), &pin),
    )?;
    let found = epoch.compare(&a, &b, rate).await?;
    Ok(if wanted.json { found.to_json() } else { words(&found, &manifest, &block) })
}

async fn candidate(
    carrier: &Carrier,
    module: &str,
    params: Option<&str>,
    pin: &Pin,
) -> Result<Candidate> {
    let wasm = content(carrier, "modules", module).await?;
    let pinned = hex::encode(pin.params_hash);
    let params = content(carrier, "params", params.unwrap_or(&pinned)).await?;
    let module_hash = B256::from(sha256(&wasm));
    let load = || Module::load(&engine::host()?, &wasm, &module_hash);
    // compiling takes a while: not on the reactor's thread
    let loaded = tokio::task::block_in_place(load).with_context(|| module.to_owned())?;
    Ok(Candidate { module_hash, params_hash: sha256(&params).into(), params, module: loaded })
}

/// A file's bytes, or what the gateway serves under a hash.
async fn content(carrier: &Carrier, kind: &str, name: &str) -> Result<Vec<u8>> {
    let file = Path::new(name);
    if file.exists() {
        return std::fs::read(file).with_context(|| name.to_owned());
    }
    let expected: B256 =
        name.parse().with_context(|| format!("{name}: neither a file nor a sha256"))?;
    let bytes = carrier.get(&format!("v1/{kind}/{}", hex::encode(expected))).await?;
    let got = B256::from(sha256(&bytes));
    ensure!(got == expected, "{kind}: the gateway's bytes hash to {got}, expected {expected}");
    Ok(bytes)
}

/// An epoch as a gateway serves it.
struct Epoch<'a> {
    carrier: &'a Carrier,
    deployed: &'a DeployedNetwork,
    manifest: &'a EpochManifest,
}

impl Epoch<'_> {
    /// Links 3 to 5: the finalized ledger stores the roots of every lane.
    async fn is_committed(&self, epoch: u64, block: &ProvenBlock) -> Result<()> {
        let (manifest, deployed) = (self.manifest, self.deployed);
        ensure!(manifest.epoch == epoch, "epoch: got {}, expected {epoch}", manifest.epoch);
        let (got, expected) = (B256::from(manifest.check_id), deployed.check_id);
        ensure!(got == expected, "check: got {got}, expected {expected}");
        let slots = |lane: &LaneManifest| settlement_slots(expected, lane.lane.into(), epoch);
        let keys: Vec<B256> = manifest.lanes.iter().flat_map(slots).collect();
        let words = self.words(block, deployed.contracts.settlement_ledger, &keys).await?;
        for (lane, words) in manifest.lanes.iter().zip(words.as_chunks::<2>().0) {
            let (stored, named) = (Settlement::from_words(*words), roots(lane).commitment());
            let (lane, at) = (lane.lane, block.number);
            ensure!(
                stored.status != 0,
                "epoch {epoch} of lane {lane} is not in finalized block {at} yet: try again in a minute"
            );
            ensure!(
                stored.commitment == named,
                "lane {lane}: the roots hash to {named}, the ledger stores {} at block {at}",
                stored.commitment
            );
            ensure!(!stored.is_refuted(), "lane {lane}: {named} was refuted");
        }
        Ok(())
    }

    /// What the schedule pays in the epoch; nothing where the network has no schedule, or no rate holds yet.
    async fn rate(&self, block: &ProvenBlock) -> Result<Option<Rate>> {
        let Some(schedule) = self.deployed.contracts.reward_schedule else { return Ok(None) };
        let rpc = format!("{}/rpc", self.carrier.base);
        let at = At { platform: &self.carrier.platform, rpc: &rpc, block };
        Ok(at.rate(schedule, self.deployed.check_id, self.manifest.epoch).await?)
    }

    async fn words(
        &self,
        block: &ProvenBlock,
        contract: alloy_primitives::Address,
        keys: &[B256],
    ) -> Result<Vec<U256>> {
        let rpc = format!("{}/rpc", self.carrier.base);
        let platform = &self.carrier.platform;
        Ok(prove_storage(platform, &rpc, block, contract, keys).await?.values)
    }

    async fn evidence(&self, lane: &LaneManifest, parent: u64) -> Result<ShardEvidence> {
        let (epoch, lane) = (self.manifest.epoch, lane.lane);
        let path = format!("v1/epochs/{epoch}/lanes/{lane}/evidence/{parent:x}");
        Ok(ShardEvidence::decode(&self.carrier.get(&path).await?)?)
    }

    fn anchor(&self, evidence: &ShardEvidence, lane: &LaneManifest) -> Result<(Anchor, Pin)> {
        let mut anchor = Anchor::open(evidence, lane, self.deployed.network.chain_id)?;
        let registry = self.deployed.contracts.check_registry;
        let pin = anchor.pin(registry, self.manifest.check_id.into())?;
        let (got, expected) = (B256::from(lane.commitment.module_hash), pin.module_hash);
        ensure!(got == expected, "module {got} judged, the registry pins {expected}");
        Ok((anchor, pin))
    }

    /// What judged the epoch: its first lane, at that lane's anchor.
    async fn pin(&self) -> Result<Pin> {
        let lane = self.manifest.lanes.first().context("the epoch has no lanes")?;
        let area = lane.areas().first().copied().context("the first lane has no areas")?;
        Ok(self.anchor(&self.evidence(lane, area).await?, lane)?.1)
    }

    async fn compare(&self, a: &Candidate, b: &Candidate, rate: Option<Rate>) -> Result<Diff> {
        let mut found = Diff::new(self.manifest.epoch, &a.version(), &b.version(), rate);
        for lane in &self.manifest.lanes {
            let mut leaves = Vec::new();
            for area in lane.areas() {
                let evidence = self.evidence(lane, area).await?;
                leaves.extend(self.compare_shard(lane, evidence, a, b).await?);
            }
            found.add_lane(lane, leaves);
        }
        Ok(found)
    }

    /// Links 1 to 3 of every leaf in a file, and both versions over it.
    async fn compare_shard(
        &self,
        lane: &LaneManifest,
        mut shard: ShardEvidence,
        a: &Candidate,
        b: &Candidate,
    ) -> Result<Vec<(EvidenceLeaf, Compared)>> {
        for leaf in &shard.leaves {
            let at = || format!("lane {}, leaf {}", lane.lane, leaf.index);
            leaf.verify(lane).with_context(at)?;
            evidence::authenticate(&leaf.bundle).with_context(at)?;
        }
        self.prove_missing(lane, &mut shard, [a, b]).await?;
        let (mut anchor, pin) = self.anchor(&shard, lane)?;
        side_by_side::compare(shard.leaves, &mut anchor, &pin, [a, b])
    }

    /// Adds what a version asks for and the evidence does not prove, where the gateway's node still has it. Where it has
    /// not, the leaf has no verdict.
    async fn prove_missing(
        &self,
        lane: &LaneManifest,
        evidence: &mut ShardEvidence,
        candidates: [&Candidate; 2],
    ) -> Result<()> {
        let (mut anchor, _) = self.anchor(evidence, lane)?;
        let (rpc, platform) = (format!("{}/rpc", self.carrier.base), &self.carrier.platform);
        let [a, b] = candidates.map(Candidate::version);
        for (address, keys) in diff::missing(evidence, &mut anchor, [&a, &b]) {
            match prove_storage(platform, &rpc, &anchor.block(), address, &keys).await {
                Ok(proven) => diff::add_nodes(evidence, proven.nodes),
                Err(error) => tracing::warn!(%error, "a fact that the evidence does not prove"),
            }
        }
        Ok(())
    }
}

fn words(found: &Diff, manifest: &EpochManifest, block: &ProvenBlock) -> String {
    let lanes: Vec<String> = manifest.lanes.iter().map(|lane| lane.lane.to_string()).collect();
    let mut lines = vec![
        format!("A module {}, parameters {}", found.a.module, found.a.params),
        format!("B module {}, parameters {}", found.b.module, found.b.params),
        format!(
            "epoch {}, lanes {}: {} leaves, committed in the ledger at finalized block {}",
            found.epoch,
            lanes.join(", "),
            found.leaves,
            block.number
        ),
    ];
    let told = |told: &Told| format!("{} {} ppm, pay {}", told.verdict, told.score_ppm, told.pay);
    for change in &found.changes {
        lines.push(format!(
            "lane {} leaf {}  hex {}  {}  {} -> {}",
            change.lane,
            change.leaf,
            change.hex,
            change.device,
            told(&change.old),
            told(&change.new)
        ));
        for witness in &change.witnesses {
            let now = if witness.new { "begins" } else { "ceases" };
            lines.push(format!("  witness {} {now} to count", witness.device));
        }
    }
    for silence in &found.no_verdict {
        let (lane, leaf) = (silence.lane, silence.leaf);
        let (of, why) = (silence.versions.to_uppercase(), &silence.reason);
        lines.push(format!("lane {lane} leaf {leaf}  no verdict of {of} in this host: {why}"));
    }
    for (name, total) in [("A", &found.old), ("B", &found.new)] {
        lines.push(format!(
            "{name}: {} pass, {} fail, {} indeterminate, {} refused; score {} ppm, pay {}",
            total.pass, total.fail, total.indeterminate, total.refused, total.score_ppm, total.pay
        ));
    }
    lines.push(format!(
        "{} leaves in {} hexes change, {} without a verdict, {} not served; pay in {}, before caps",
        found.changes.len(),
        found.hexes.len(),
        found.no_verdict.len(),
        found.unserved,
        if found.pay_unit == "token" {
            "the token's smallest unit"
        } else {
            "millionths of a full check"
        }
    ));
    lines.join("\n")
}
