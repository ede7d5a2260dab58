//! The files an epoch is served as. Everything in them is checked against roots that the chain
//! holds, so any carrier will do.

use crate::abi::MAX_OUTCOMES;
use crate::bundle::MAX_BUNDLE_LEN;
use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending};
use crate::merkle::{self, MerkleError};
use crate::{Bytes32, sha256};

/// Version of the formats. Version 1 had roots without the number of leaves.
pub const EPOCH_VERSION: u64 = 2;
/// Most lanes in an epoch: H3 has 122 base cells.
pub const MAX_LANES: usize = 122;
/// Most shards in a lane: 7⁴ cells of resolution 4 under a base cell.
pub const MAX_SHARDS: usize = 2401;
/// Name of the evidence file of what has no place on the map.
pub const NO_AREA: u64 = 0;
/// Most leaves in one evidence file.
pub const MAX_EVIDENCE_LEAVES: usize = 65_536;

const MAX_HEADER_LEN: usize = 4096;
const MAX_NODES: usize = 1 << 20;
const MAX_NODE_LEN: usize = 4096;
const MAX_OUTPUT_LEN: usize = MAX_OUTCOMES * 32;
const MAX_PATH: usize = 64;

/// What the ledger commits to for one lane of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commitment {
    /// Root over the evidence bundles.
    pub evidence_root: Bytes32,
    /// Root over the verdicts.
    pub verdict_root: Bytes32,
    /// Root over the shards of the map.
    pub coverage_root: Bytes32,
    /// Root over the rewards.
    pub reward_root: Bytes32,
    /// SHA-256 of the check module.
    pub module_hash: Bytes32,
}

/// One lane of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneManifest {
    /// H3 base cell.
    pub lane: u32,
    /// The roots.
    pub commitment: Commitment,
    /// Hash of the block whose state proved the facts.
    pub anchor_hash: Bytes32,
    /// Leaves of the evidence and of the verdict tree; both roots hold it.
    pub leaf_count: u32,
    /// Shard parent (H3 resolution 4) and shard digest, ascending by parent.
    pub shards: Vec<(u64, Bytes32)>,
}

/// An epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochManifest {
    /// Number of the epoch.
    pub epoch: u64,
    /// The check.
    pub check_id: Bytes32,
    /// Chain of the contracts.
    pub chain_id: u64,
    /// The lanes, ascending.
    pub lanes: Vec<LaneManifest>,
}

/// One leaf of the evidence and verdict trees with its paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceLeaf {
    /// Index in both trees.
    pub index: u32,
    /// The evidence bundle.
    pub bundle: Vec<u8>,
    /// The output of the check.
    pub output: Vec<u8>,
    /// Path in the evidence tree.
    pub evidence_path: Vec<Bytes32>,
    /// Path in the verdict tree.
    pub verdict_path: Vec<Bytes32>,
}

/// The evidence behind one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardEvidence {
    /// RLP of the anchor block's header.
    pub anchor_header: Vec<u8>,
    /// Trie nodes that prove every fact against the anchor's state root, each once.
    pub nodes: Vec<Vec<u8>>,
    /// The leaves, ascending by index.
    pub leaves: Vec<EvidenceLeaf>,
}

/// The data of a leaf of the verdict tree: SHA-256 of the bundle, then the output.
#[must_use]
pub fn verdict_leaf_data(bundle: &[u8], output: &[u8]) -> Vec<u8> {
    let mut data = sha256(bundle).to_vec();
    data.extend_from_slice(output);
    data
}

impl EvidenceLeaf {
    /// Checks that bundle and output stand at this index under both roots.
    ///
    /// # Errors
    /// If either path does not lead to its root, or the lane has another number of leaves.
    pub fn verify(&self, lane: &LaneManifest) -> Result<(), MerkleError> {
        let (index, count) = (u64::from(self.index), u64::from(lane.leaf_count));
        let bundle = merkle::leaf_hash(&self.bundle);
        let verdict = merkle::leaf_hash(&verdict_leaf_data(&self.bundle, &self.output));
        let roots = &lane.commitment;
        merkle::verify_path(bundle, index, count, &self.evidence_path, roots.evidence_root)?;
        merkle::verify_path(verdict, index, count, &self.verdict_path, roots.verdict_root)
    }
}

canonical!(LaneManifest, EpochManifest, ShardEvidence);

impl LaneManifest {
    /// The lane's evidence files, by shard parent: those of its map, or the one of what has no place.
    #[must_use]
    pub fn areas(&self) -> Vec<u64> {
        if self.shards.is_empty() && self.leaf_count != 0 {
            return vec![NO_AREA];
        }
        self.shards.iter().map(|(parent, _)| *parent).collect()
    }

    fn encode_to(&self, e: &mut Encoder) {
        let roots = &self.commitment;
        e.array(9).uint(u64::from(self.lane));
        e.bytes(&roots.evidence_root).bytes(&roots.verdict_root).bytes(&roots.coverage_root);
        e.bytes(&roots.reward_root).bytes(&roots.module_hash).bytes(&self.anchor_hash);
        e.uint(u64::from(self.leaf_count)).array(self.shards.len());
        for (parent, digest) in &self.shards {
            e.array(2).uint(*parent).bytes(digest);
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("lane fields", 9)?;
        let lane = d.small("lane")?;
        let commitment = Commitment {
            evidence_root: d.fixed("root bytes")?,
            verdict_root: d.fixed("root bytes")?,
            coverage_root: d.fixed("root bytes")?,
            reward_root: d.fixed("root bytes")?,
            module_hash: d.fixed("module hash bytes")?,
        };
        let anchor_hash = d.fixed("anchor hash bytes")?;
        let leaf_count = d.small("leaf count")?;
        let count = d.array("shards", MAX_SHARDS)?;
        let mut shards = Vec::with_capacity(count);
        for _ in 0..count {
            d.tuple("shard entry fields", 2)?;
            shards.push((d.uint()?, d.fixed("digest bytes")?));
        }
        strictly_ascending("shard", &shards, |(parent, _)| *parent)?;
        Ok(Self { lane, commitment, anchor_hash, leaf_count, shards })
    }
}

impl EpochManifest {
    fn encode_to(&self, e: &mut Encoder) {
        e.array(5).uint(EPOCH_VERSION).uint(self.epoch).bytes(&self.check_id).uint(self.chain_id);
        e.array(self.lanes.len());
        self.lanes.iter().for_each(|lane| lane.encode_to(e));
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("manifest fields", 5)?;
        d.exactly("manifest version", EPOCH_VERSION)?;
        let epoch = d.uint()?;
        let check_id = d.fixed("check id bytes")?;
        let chain_id = d.uint()?;
        let count = d.array("lanes", MAX_LANES)?;
        let lanes =
            (0..count).map(|_| LaneManifest::decode_from(d)).collect::<Result<Vec<_>, _>>()?;
        strictly_ascending("lane", &lanes, |lane| lane.lane)?;
        Ok(Self { epoch, check_id, chain_id, lanes })
    }
}

impl ShardEvidence {
    fn encode_to(&self, e: &mut Encoder) {
        e.map(4).uint(0).uint(EPOCH_VERSION).uint(1).bytes(&self.anchor_header);
        e.uint(2).array(self.nodes.len());
        for node in &self.nodes {
            e.bytes(node);
        }
        e.uint(3).array(self.leaves.len());
        for leaf in &self.leaves {
            e.array(5).uint(u64::from(leaf.index)).bytes(&leaf.bundle).bytes(&leaf.output);
            for path in [&leaf.evidence_path, &leaf.verdict_path] {
                e.array(path.len());
                for hash in path {
                    e.bytes(hash);
                }
            }
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.map("evidence fields", 4)?;
        d.key(0)?;
        d.exactly("evidence version", EPOCH_VERSION)?;
        d.key(1)?;
        let anchor_header = d.bytes("header bytes", MAX_HEADER_LEN)?.to_vec();
        d.key(2)?;
        let count = d.array("trie nodes", MAX_NODES)?;
        let node = |d: &mut Decoder<'_>| d.bytes("node bytes", MAX_NODE_LEN).map(<[u8]>::to_vec);
        let nodes = (0..count).map(|_| node(d)).collect::<Result<_, _>>()?;
        d.key(3)?;
        let count = d.array("leaves", MAX_EVIDENCE_LEAVES)?;
        let leaves = (0..count).map(|_| decode_leaf(d)).collect::<Result<Vec<_>, _>>()?;
        strictly_ascending("leaf", &leaves, |leaf| leaf.index)?;
        Ok(Self { anchor_header, nodes, leaves })
    }
}

fn decode_leaf(d: &mut Decoder<'_>) -> Result<EvidenceLeaf, CborError> {
    d.tuple("leaf fields", 5)?;
    Ok(EvidenceLeaf {
        index: d.small("leaf index")?,
        bundle: d.bytes("bundle bytes", MAX_BUNDLE_LEN)?.to_vec(),
        output: d.bytes("output bytes", MAX_OUTPUT_LEN)?.to_vec(),
        evidence_path: decode_path(d)?,
        verdict_path: decode_path(d)?,
    })
}

fn decode_path(d: &mut Decoder<'_>) -> Result<Vec<Bytes32>, CborError> {
    let count = d.array("path hashes", MAX_PATH)?;
    (0..count).map(|_| d.fixed("hash bytes")).collect()
}
