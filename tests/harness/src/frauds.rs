//! Settlements with frauds in them, made by the same code that honest ones are made with: trees, bundles, signatures.

use alloy_primitives::{Address, B256};
use anyhow::{Context as _, Result};
use heliotrope_contracts::reward::{RewardLeaf, tree::merkle_tree};
use heliotrope_device_proofs::{
    abi::{CheckOutput, FULL_SCORE_PPM, Verdict},
    bundle::EvidenceBundle,
    commp::{CommpSample, Content, Opening},
    epoch::{Commitment, EvidenceLeaf, LaneManifest, ShardEvidence, verdict_leaf_data},
    merkle::{self, MerkleTree},
    piece::PieceCid,
    protobuf::Message as _,
    report::decode_beacon,
    sha254,
};

use crate::contract_set::PER_SCORE;

/// Low half of a key's first byte, for the one type that the EVM cannot check.
const ED25519: u8 = 1;
/// Height of a piece of 32 GiB.
const PIECE_HEIGHT: u8 = 30;

/// A settlement with a lie in it: what was committed, and the files that challengers have of it.
#[derive(Clone, Debug)]
pub struct Lie {
    /// Its name.
    pub name: &'static str,
    /// The check.
    pub check: B256,
    /// The epoch.
    pub epoch: u64,
    /// The lane.
    pub lane: LaneManifest,
    /// The evidence of each file.
    pub files: Vec<ShardEvidence>,
    /// Reward leaves, if it is about them.
    pub rewards: Vec<RewardLeaf>,
}

/// A lane with leaves of its own, on the anchor and the facts of another.
#[must_use]
pub fn commit(
    lane: &LaneManifest,
    shard: &ShardEvidence,
    leaves: &[EvidenceLeaf],
) -> (LaneManifest, ShardEvidence) {
    let tree = |data: &dyn Fn(&EvidenceLeaf) -> Vec<u8>| {
        MerkleTree::new(leaves.iter().map(|leaf| merkle::leaf_hash(&data(leaf))).collect())
    };
    let evidence = tree(&|leaf| leaf.bundle.clone());
    let verdicts = tree(&|leaf| verdict_leaf_data(&leaf.bundle, &leaf.output));
    let placed =
        (0_u32..).zip(leaves.iter().enumerate()).map(|(index, (place, leaf))| EvidenceLeaf {
            index,
            evidence_path: evidence.path(place),
            verdict_path: verdicts.path(place),
            ..leaf.clone()
        });
    let leaves: Vec<_> = placed.collect();
    let leaf_count = leaves.last().map_or(0, |leaf| leaf.index.saturating_add(1));
    let (evidence_root, verdict_root) = (evidence.root(), verdicts.root());
    let commitment = Commitment { evidence_root, verdict_root, ..lane.commitment.clone() };
    let lane = LaneManifest { commitment, leaf_count, shards: Vec::new(), ..lane.clone() };
    (lane, ShardEvidence { leaves, ..shard.clone() })
}

/// The verdict is about a bundle that the evidence does not have: one file carries the one, another the other.
#[must_use]
pub fn not_judged(mut lie: Lie, judged: &EvidenceLeaf) -> Lie {
    let mut verdict = lie.files.first().cloned().unwrap_or_default();
    for leaf in &mut verdict.leaves {
        leaf.bundle.clone_from(&judged.bundle);
        leaf.output.clone_from(&judged.output);
    }
    let hash = merkle::leaf_hash(&verdict_leaf_data(&judged.bundle, &judged.output));
    lie.lane.commitment.verdict_root = merkle::root(&[hash]);
    lie.files.push(verdict);
    lie
}

/// Whether it was judged a pass.
#[must_use]
pub fn passes(leaf: &EvidenceLeaf) -> bool {
    CheckOutput::decode(&leaf.output).is_ok_and(|output| output.verdict == Verdict::Pass)
}

/// Whether its beacon is of a key that the EVM cannot check.
#[must_use]
pub fn of_ed25519(leaf: &EvidenceLeaf) -> bool {
    let Ok(bundle) = EvidenceBundle::decode(&leaf.bundle) else { return false };
    decode_beacon(&bundle.beacon.report)
        .is_ok_and(|beacon| beacon.pub_key.first().is_some_and(|kind| kind & 0x0f == ED25519))
}

/// One bit of the beacon's signature.
pub fn forge(leaf: &mut EvidenceLeaf) -> Result<()> {
    let mut bundle = EvidenceBundle::decode(&leaf.bundle)?;
    let mut beacon = decode_beacon(&bundle.beacon.report)?;
    *beacon.signature.last_mut().context("signature")? ^= 1;
    bundle.beacon.report = beacon.encode_to_vec();
    leaf.bundle = bundle.encode();
    Ok(())
}

/// A sample of a large piece that passed, with one opening whose siblings are made up: its root is where they lead.
#[must_use]
pub fn piece(output: &CheckOutput, broken: bool) -> EvidenceLeaf {
    let mut path: Vec<_> = (0..PIECE_HEIGHT).map(|level| [level + 0x20; 32]).collect();
    let (leaf, index) = ([0x2a; 32], 123_456_789);
    let root = sha254::fold(&leaf, index, &path);
    if broken {
        path.reverse();
    }
    let piece_cid = PieceCid { padding: 0, height: PIECE_HEIGHT, root }.encode();
    let content = Content::Openings(vec![Opening { index, leaf, path }]);
    let replay_key = [u8::from(broken); 32];
    let output = CheckOutput {
        verdict: Verdict::Pass,
        score_ppm: FULL_SCORE_PPM,
        replay_key,
        ..output.clone()
    };
    let bundle = CommpSample { piece_cid, content }.encode();
    EvidenceLeaf { bundle, output: output.encode(), ..EvidenceLeaf::default() }
}

/// The lane of a lie with these reward leaves.
#[must_use]
pub fn pays(mut lie: Lie, rewards: Vec<RewardLeaf>) -> Lie {
    lie.lane.commitment.reward_root = merkle_tree(&rewards).root();
    lie.rewards = rewards;
    lie
}

/// A leaf that adds up, for a full score.
#[must_use]
pub fn earned(account: u8) -> RewardLeaf {
    RewardLeaf {
        account: Address::repeat_byte(account),
        previous: 5,
        score_ppm: u64::from(FULL_SCORE_PPM),
        cumulative: PER_SCORE.saturating_add(5),
    }
}
