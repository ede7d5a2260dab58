//! A proposer that lies: it takes what the gateway computed, changes it, and settles that. Roots, paths and map are made
//! anew, so everything but the lie itself holds: the page must show CHECK broken, and a challenge must win.
//!
//! ```text
//! gateway: judges, writes files, sends proposals ─ killed ─▶ proposals dropped, files changed ─▶ proposed by this
//! gateway: started again, finds that its files are what the ledger has, and serves them
//! ```

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use alloy::{
    network::EthereumWallet,
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{B256, U256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::abi::ISettlementLedger;
use heliotrope_device_proofs::{
    abi::{CheckOutput, FULL_SCORE_PPM, Verdict},
    bundle::EvidenceBundle,
    coverage::fold,
    epoch::{EvidenceLeaf, LaneManifest, ShardEvidence, verdict_leaf_data},
    h3,
    merkle::{self, MerkleTree},
    protobuf::Message as _,
    report::decode_beacon,
};
use heliotrope_light_client::{network::DeployedNetwork, proof_chain::roots};
use heliotrope_verifier::proofs::header::ExecutionHeader;
use serde_json::json;

use crate::deploy::{DEVELOPMENT_KEY, receipt};

/// What is changed in one leaf.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lie {
    /// A beacon that passed is settled as failed, or the other way round.
    Verdict,
    /// A beacon's signature is not its device's, of a key type that the EVM can check.
    Report,
}

/// A lie that was settled.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// The lie.
    pub lie: Lie,
    /// The lane.
    pub lane: u32,
    /// Index of the leaf.
    pub leaf: u32,
    /// Cell of the map that it is in, resolution 8.
    pub cell: u64,
}

/// Drops what is waiting to be mined, changes the files of an epoch and proposes them, each lie in a lane of its own.
/// The gateway must not run meanwhile; the proposals wait for a block.
pub async fn propose(
    epochs: &Path,
    epoch: u64,
    network: &DeployedNetwork,
    rpc: &str,
    lies: &[Lie],
) -> Result<(Vec<Planted>, Sent)> {
    let signer: PrivateKeySigner = DEVELOPMENT_KEY.parse()?;
    let provider = ProviderBuilder::new()
        .wallet(EthereumWallet::from(signer))
        .connect_http(rpc.parse()?)
        .erased();
    let dropped: serde_json::Value =
        provider.raw_request("anvil_dropAllTransactions".into(), json!([])).await?;
    ensure!(dropped.is_null(), "anvil_dropAllTransactions: {dropped}");
    let ledger = ISettlementLedger::new(network.contracts.settlement_ledger, &provider);
    let bond = ledger.BOND().call().await?;
    let mut wanted = lies.to_vec();
    let (mut planted, mut sent) = (Vec::new(), Vec::new());
    for folder in lanes(epochs, epoch)? {
        let mut lane = Lane::read(&folder)?;
        if let Some((place, found)) =
            wanted.iter().enumerate().find_map(|(place, lie)| Some((place, lane.plant(*lie)?)))
        {
            wanted.remove(place);
            planted.push(found);
            lane.write(&folder, &epochs.join(epoch.to_string()).join("shards"))?;
        }
        let (number, anchor) = (lane.manifest.lane, U256::from(lane.anchor()?));
        let call = ledger.propose(
            network.check_id,
            U256::from(number),
            U256::from(epoch),
            anchor,
            roots(&lane.manifest).into(),
        );
        sent.push(*call.value(bond).send().await?.tx_hash());
    }
    ensure!(wanted.is_empty(), "no lane left for {wanted:?}: the fleet is too small");
    Ok((planted, Sent { provider, hashes: sent }))
}

/// Proposals on their way.
#[derive(Debug)]
pub struct Sent {
    provider: DynProvider,
    hashes: Vec<B256>,
}

impl Sent {
    /// All of them are in a block.
    pub async fn mined(self) -> Result<()> {
        for hash in self.hashes {
            ensure!(receipt(&self.provider, hash).await?.status(), "a proposal was reverted");
        }
        Ok(())
    }
}

fn lanes(epochs: &Path, epoch: u64) -> Result<Vec<PathBuf>> {
    let folder = epochs.join(epoch.to_string()).join("lanes");
    let mut lanes: Vec<PathBuf> =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    lanes.sort();
    Ok(lanes)
}

/// The files of a lane.
struct Lane {
    manifest: LaneManifest,
    /// By shard parent, as the files are named.
    evidence: BTreeMap<String, ShardEvidence>,
}

impl Lane {
    fn read(folder: &Path) -> Result<Self> {
        let manifest = LaneManifest::decode(&fs::read(folder.join("manifest"))?)?;
        let mut evidence = BTreeMap::new();
        for entry in fs::read_dir(folder.join("evidence"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            evidence.insert(name, ShardEvidence::decode(&fs::read(entry.path())?)?);
        }
        Ok(Self { manifest, evidence })
    }

    /// Number of the anchor block.
    fn anchor(&self) -> Result<u64> {
        let shard = self.evidence.values().next().context("a lane without evidence")?;
        Ok(ExecutionHeader::decode(&shard.anchor_header)?.number)
    }

    fn leaves(&mut self) -> Vec<&mut EvidenceLeaf> {
        let mut leaves: Vec<_> =
            self.evidence.values_mut().flat_map(|shard| &mut shard.leaves).collect();
        leaves.sort_by_key(|leaf| leaf.index);
        leaves
    }

    /// Tells the lie about the first leaf that it can be told about, and makes trees and map anew.
    fn plant(&mut self, lie: Lie) -> Option<Planted> {
        let lane = self.manifest.lane;
        let (leaf, cell) = self.leaves().into_iter().find_map(|leaf| {
            let output = CheckOutput::decode(&leaf.output).ok()?;
            let cell = h3::parent(output.subject_cell, h3::MAP_RESOLUTION)?;
            match lie {
                Lie::Verdict => turn(leaf, output),
                Lie::Report => forge(leaf)?,
            }
            Some((leaf.index, cell))
        })?;
        let folded = self.commit()?;
        self.manifest = folded;
        Some(Planted { lie, lane, leaf, cell })
    }

    /// Paths and roots over the leaves as they are now.
    fn commit(&mut self) -> Option<LaneManifest> {
        let mut manifest = self.manifest.clone();
        let mut leaves = self.leaves();
        let hashes = |data: &dyn Fn(&EvidenceLeaf) -> Vec<u8>| {
            MerkleTree::new(leaves.iter().map(|leaf| merkle::leaf_hash(&data(leaf))).collect())
        };
        let evidence = hashes(&|leaf| leaf.bundle.clone());
        let verdicts = hashes(&|leaf| verdict_leaf_data(&leaf.bundle, &leaf.output));
        let mut outputs = Vec::with_capacity(leaves.len());
        for (place, leaf) in leaves.iter_mut().enumerate() {
            leaf.evidence_path = evidence.path(place);
            leaf.verdict_path = verdicts.path(place);
            outputs.push((leaf.index, CheckOutput::decode(&leaf.output).ok()?));
        }
        let shards = fold(outputs.iter().map(|(index, out)| (*index, out.subject_cell, out)));
        let coverage: Vec<_> = shards.iter().map(|shard| shard.leaf()).collect();
        manifest.commitment.evidence_root = evidence.root();
        manifest.commitment.verdict_root = verdicts.root();
        manifest.commitment.coverage_root = merkle::root(&coverage);
        manifest.shards = shards.iter().map(|shard| (shard.parent, shard.digest())).collect();
        Some(manifest)
    }

    fn write(&mut self, folder: &Path, shards: &Path) -> Result<()> {
        for (name, evidence) in &self.evidence {
            fs::write(folder.join("evidence").join(name), evidence.encode())?;
        }
        let outputs = self
            .leaves()
            .into_iter()
            .map(|leaf| Ok((leaf.index, CheckOutput::decode(&leaf.output)?)));
        let outputs: Vec<_> = outputs.collect::<Result<_>>()?;
        for shard in fold(outputs.iter().map(|(index, out)| (*index, out.subject_cell, out))) {
            fs::write(shards.join(hex::encode(shard.digest())), shard.encode())?;
        }
        fs::write(folder.join("manifest"), self.manifest.encode())?;
        Ok(())
    }
}

/// What passed has failed; anything else has passed.
fn turn(leaf: &mut EvidenceLeaf, mut output: CheckOutput) {
    (output.verdict, output.score_ppm) = match output.verdict {
        Verdict::Pass => (Verdict::Fail, 0),
        _ => (Verdict::Pass, FULL_SCORE_PPM),
    };
    leaf.output = output.encode();
}

/// One bit of the beacon's signature.
fn forge(leaf: &mut EvidenceLeaf) -> Option<()> {
    /// Low half of a key's first byte, for the one type that the EVM cannot check.
    const ED25519: u8 = 1;
    let mut bundle = EvidenceBundle::decode(&leaf.bundle).ok()?;
    let mut beacon = decode_beacon(&bundle.beacon.report).ok()?;
    if beacon.pub_key.first()? & 0x0f == ED25519 {
        return None;
    }
    *beacon.signature.last_mut()? ^= 1;
    bundle.beacon.report = beacon.encode_to_vec();
    leaf.bundle = bundle.encode();
    Some(())
}
