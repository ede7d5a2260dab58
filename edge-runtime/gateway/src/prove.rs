//! `heliotrope prove`: a hex of a gateway's map, or one leaf of what has no place on it, proven on this machine, and its
//! five links kept in one file.
//!
//! The gateway only carries: everything it sends is judged, by the light client on the way and by
//! `proof_chain::verify` in the end. A file whose links do not hold is kept too: it is what a challenger needs.

use std::{collections::BTreeSet, fmt, path::PathBuf, str::FromStr};

use alloy_primitives::B256;
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::settlement_slots;
use heliotrope_device_proofs::{
    coverage::Shard,
    epoch::{EpochManifest, LaneManifest, NO_AREA, ShardEvidence},
    h3,
    proof::ProofBundle,
};
use heliotrope_light_client::{
    LightClient,
    execution::{ProvenBlock, prove_storage},
    native::NativePlatform,
    network::DeployedNetwork,
    platform::{FetchRequest, Platform as _},
    proof_chain::{Anchor, Link, run_again},
};

use crate::{
    engine::{self, Module},
    sync::Live,
    verify,
};

/// What to prove, and from where.
#[derive(Debug, clap::Args)]
pub(crate) struct Prove {
    /// H3 cell of resolution 8, as the map's address names it; or LANE/INDEX, a leaf of a check without a map.
    #[arg(value_name = "CELL", value_parser = Subject::from_str)]
    subject: Subject,
    /// Base address of a gateway.
    #[arg(long)]
    gateway: String,
    /// Beacon block root to start from: your own word, and nobody else is asked.
    #[arg(long)]
    checkpoint: Option<B256>,
    /// Start from a checkpoint of any age. Who has left the validator set since can deceive you.
    #[arg(long)]
    allow_old_checkpoint: bool,
    /// File for the proof.
    #[arg(long, short)]
    out: PathBuf,
}

/// What a proof is about.
#[derive(Clone, Copy, Debug)]
enum Subject {
    /// All leaves of a hex.
    Hex(u64),
    /// One leaf that has no place.
    Leaf { lane: u32, index: u32 },
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text:?}: expected an H3 index in hex digits, or LANE/INDEX");
        let parsed = match text.split_once('/') {
            Some((lane, index)) => lane
                .parse()
                .ok()
                .zip(index.parse().ok())
                .map(|(lane, index)| Self::Leaf { lane, index }),
            None => u64::from_str_radix(text.trim_start_matches("0x"), 16).ok().map(Self::Hex),
        };
        parsed.ok_or_else(expected)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hex(cell) => write!(f, "hex {cell:x}"),
            Self::Leaf { lane, index } => write!(f, "leaf {lane}/{index}"),
        }
    }
}

/// Proves, writes the file, and says what it shows.
pub(crate) async fn prove(wanted: &Prove) -> Result<String> {
    let subject = wanted.subject;
    let carrier = Carrier::new(&wanted.gateway)?;
    let network = carrier.get("v1/network.json").await?;
    let deployed = DeployedNetwork::from_json(&network)?;
    let client = carrier.follow(&deployed, wanted.checkpoint, wanted.allow_old_checkpoint).await?;
    let bundle = gather(&carrier, &deployed, network, &client, subject).await?;
    let out = wanted.out.display();
    std::fs::write(&wanted.out, bundle.to_file()).with_context(|| out.to_string())?;
    let report = verify::proof(&bundle, Some(client.checkpoint())).with_context(|| {
        format!("{subject} is not proven; what there is of it is kept in {out}")
    })?;
    Ok(format!("{report}\nproof of {subject} kept in {out}"))
}

/// A gateway, of which nothing is believed.
pub(crate) struct Carrier {
    pub(crate) base: String,
    pub(crate) platform: NativePlatform,
}

impl Carrier {
    pub(crate) fn new(base: &str) -> Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { base, platform: NativePlatform::new(None)? })
    }

    /// The chain that it carries, from a checkpoint to its newest finalized header.
    pub(crate) async fn follow(
        &self,
        deployed: &DeployedNetwork,
        checkpoint: Option<B256>,
        allow_old_checkpoint: bool,
    ) -> Result<LightClient<NativePlatform>> {
        let source = vec![self.base.clone()];
        let live = Live { source, checkpoint, allow_old_checkpoint, ..Live::default() };
        let mut client = live.client(&deployed.network, false).await?;
        client.sync().await?;
        Ok(client)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let url = format!("{}/{path}", self.base);
        let answer = self
            .platform
            .fetch(FetchRequest { url: url.clone(), accept: "*/*", body: None })
            .await
            .with_context(|| url.clone())?;
        ensure!(answer.status == 200, "{url}: HTTP {}", answer.status);
        Ok(answer.body)
    }

    async fn latest(&self) -> Result<EpochManifest> {
        let latest: serde_json::Value =
            serde_json::from_slice(&self.get("v1/epochs/latest").await?)?;
        let epoch = latest
            .get("epoch")
            .and_then(serde_json::Value::as_u64)
            .context("the gateway has not closed an epoch")?;
        self.manifest(epoch).await
    }

    pub(crate) async fn manifest(&self, epoch: u64) -> Result<EpochManifest> {
        Ok(EpochManifest::decode(&self.get(&format!("v1/epochs/{epoch}/manifest")).await?)?)
    }
}

async fn gather(
    carrier: &Carrier,
    deployed: &DeployedNetwork,
    network: Vec<u8>,
    client: &LightClient<NativePlatform>,
    subject: Subject,
) -> Result<ProofBundle> {
    let manifest = carrier.latest().await?;
    let (number, area) = match subject {
        Subject::Hex(cell) => {
            let area = h3::parent(cell, h3::SHARD_RESOLUTION).context("not a cell of the map")?;
            (h3::lane(area), area)
        }
        Subject::Leaf { lane, .. } => (lane, NO_AREA),
    };
    let epoch = manifest.epoch;
    let lane = manifest.lanes.iter().find(|lane| lane.lane == number);
    let lane = lane.with_context(|| format!("epoch {epoch} has no lane {number}"))?;
    let leaves = match subject {
        Subject::Hex(cell) => leaves_of(carrier, epoch, lane, area, cell).await?,
        Subject::Leaf { index, .. } => BTreeSet::from([index]),
    };
    let path = format!("v1/epochs/{epoch}/lanes/{number}/evidence/{area:x}");
    let evidence = ShardEvidence::decode(&carrier.get(&path).await?)?;
    let (evidence, module, params) =
        needed(carrier, deployed, &manifest, lane, evidence, &leaves).await?;

    let block = ProvenBlock::of(client.finalized()).context("the header names no state")?;
    let slots = settlement_slots(manifest.check_id.into(), u64::from(number), epoch);
    let (rpc, ledger) = (format!("{}/rpc", carrier.base), deployed.contracts.settlement_ledger);
    let stored = prove_storage(&carrier.platform, &rpc, &block, ledger, &slots).await?;
    ensure!(
        stored.values.first().is_some_and(|word| !word.is_zero()),
        "epoch {epoch} of lane {number} is not in finalized block {} yet: try again in a minute",
        block.number
    );
    let journal = client.proof().context("the chain since the checkpoint is too long to keep")?;
    Ok(ProofBundle {
        network,
        journal,
        ledger: stored.nodes,
        check_id: manifest.check_id,
        epoch,
        lane: LaneManifest { shards: Vec::new(), ..lane.clone() },
        evidence,
        params,
        module,
    })
}

/// Which leaves a cell's numbers come from.
async fn leaves_of(
    carrier: &Carrier,
    epoch: u64,
    lane: &LaneManifest,
    parent: u64,
    cell: u64,
) -> Result<BTreeSet<u32>> {
    let shard = lane.shards.iter().find(|(of, _)| *of == parent);
    let (_, digest) = shard.with_context(|| format!("no hex {cell:x} on the map of this epoch"))?;
    let path = format!("v1/epochs/{epoch}/shards/{}", hex::encode(digest));
    let shard = Shard::decode(&carrier.get(&path).await?)?;
    let record = shard.cells.iter().find(|record| record.cell == cell);
    let record = record.with_context(|| format!("no hex {cell:x} on the map of this epoch"))?;
    Ok(record.leaves.iter().copied().collect())
}

/// The evidence of these leaves alone, with the module and the parameters that judged it.
async fn needed(
    carrier: &Carrier,
    deployed: &DeployedNetwork,
    manifest: &EpochManifest,
    lane: &LaneManifest,
    mut evidence: ShardEvidence,
    leaves: &BTreeSet<u32>,
) -> Result<(ShardEvidence, Vec<u8>, Vec<u8>)> {
    evidence.leaves.retain(|leaf| leaves.contains(&leaf.index));
    let mut anchor = Anchor::open(&evidence, lane, deployed.network.chain_id)?;
    let pin = anchor.pin(deployed.contracts.check_registry, manifest.check_id.into())?;
    let module = carrier.get(&format!("v1/modules/{}", hex::encode(pin.module_hash))).await?;
    let params = carrier.get(&format!("v1/params/{}", hex::encode(pin.params_hash))).await?;
    let loaded = Module::load(&engine::host()?, &module, &pin.module_hash)?;
    for leaf in &evidence.leaves {
        // marks the nodes that it takes; what comes out is judged in the end
        if let Err(unproven) = run_again(leaf, &mut anchor, &pin, &params, &loaded) {
            bail!("{}: {unproven}", Link::Check.as_str());
        }
    }
    evidence.nodes = anchor.used();
    Ok((evidence, module, params))
}
