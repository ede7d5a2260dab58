//! What carriers serve of an epoch, before any root was compared: reward trees, manifests, evidence, proof files.
#![no_main]

use heliotrope_contracts::reward::{
    Rate, RewardLeaf,
    fault::find,
    tree::{RewardError, RewardLeaves, decode_leaves, merkle_tree, placed},
};
use heliotrope_device_proofs::{
    epoch::{EpochManifest, LaneManifest, ShardEvidence},
    merkle::RewardTree,
    proof::ProofBundle,
};
use heliotrope_fuzz::{canonical, choice};
use heliotrope_light_client::proof_chain::{
    self, Anchor, CheckModule, Link, NoAnswer, Outcome, roots,
};
use heliotrope_verifier::proofs::header::ExecutionHeader;
use libfuzzer_sys::fuzz_target;

const SEED: [u8; 32] = [7; 32];
const RATE: Rate = Rate { per_score: 1_000, cap: 1_500, from_epoch: 0 };

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    match kind {
        0 => rewards(rest),
        1 => canonical!(EpochManifest, rest),
        2 => lane(rest),
        3 => evidence(rest),
        4 => proof(rest),
        _ => {}
    }
});

/// Any leaves have a root; only ascending ones are a tree.
fn rewards(bytes: &[u8]) {
    let Ok(leaves) = decode_leaves(bytes) else { return };
    let again: Vec<u8> = leaves.iter().flat_map(RewardLeaf::data).collect();
    assert_eq!(again, bytes, "two encodings of one value");
    let ascend = leaves.is_sorted_by(|a, b| a.account < b.account);
    let root = if leaves.is_empty() { [0; 32] } else { merkle_tree(&leaves).root() };
    match RewardLeaves::open(bytes, root.into()) {
        Ok(tree) => {
            assert!(ascend, "accounts out of order");
            assert_eq!(tree.leaves(), leaves);
            assert_eq!(tree.encode(), bytes);
            assert_eq!(tree.root().0, root);
            tree.leaves().iter().for_each(|leaf| stands(&tree, leaf, root));
        }
        Err(RewardError::Order { .. }) => assert!(!ascend, "ascending accounts refused"),
        Err(error) => panic!("its own root refused: {error}"),
    }
    assert!(RewardLeaves::open(bytes, [1; 32].into()).is_err(), "another root taken");
    // what a challenger makes of the same file: the first half as the epoch before
    let before = leaves.split_at(leaves.len() / 2).0;
    let fault = find(&leaves, &RATE, Some((&Default::default(), before)));
    let adds_up = |leaf: &RewardLeaf| {
        RewardLeaf::next(leaf.account, leaf.previous, leaf.score_ppm, &RATE) == Some(*leaf)
    };
    let sums = leaves.iter().all(adds_up);
    assert!(sums || fault.is_some(), "a sum that is none was not found");
    assert!(fault.is_none_or(|fault| fault.proof.len() > 64));
}

fn stands(tree: &RewardLeaves, leaf: &RewardLeaf, root: [u8; 32]) {
    let at = tree.leaf_of(leaf.account).expect("it is in the tree");
    assert_eq!(&at.leaf, leaf);
    let path: Vec<_> = at.path.iter().map(|hash| hash.0).collect();
    RewardTree::verify_path(leaf.hash().0, at.index, at.count, &path, root).expect("its path");
    let place = usize::try_from(at.index).expect("a place");
    assert_eq!(placed(tree.leaves(), place).as_ref(), Some(&at));
    assert_eq!(at.packed().len(), 76 + 32 * path.len());
}

fn lane(bytes: &[u8]) {
    canonical!(LaneManifest, bytes);
    let Ok(lane) = LaneManifest::decode(bytes) else { return };
    assert!(lane.areas().is_sorted_by(|a, b| a < b), "an area twice");
    let commitment = roots(&lane).commitment();
    let mut other = lane;
    other.commitment.reward_root[0] ^= 1;
    assert_ne!(roots(&other).commitment(), commitment);
}

/// The anchor is the block that the header hashes to, and what is used of the nodes was sent.
fn evidence(bytes: &[u8]) {
    canonical!(ShardEvidence, bytes);
    let Ok(evidence) = ShardEvidence::decode(bytes) else { return };
    for leaf in &evidence.leaves {
        assert!(leaf.verify(&LaneManifest::default()).is_err(), "a path to zero");
    }
    let hash = ExecutionHeader::decode(&evidence.anchor_header).map(|header| header.hash);
    let anchor_hash = hash.unwrap_or_default().0;
    let lane = LaneManifest { anchor_hash, ..Default::default() };
    let Ok(mut anchor) = Anchor::open(&evidence, &lane, 1) else { return };
    drop(anchor.pin(Default::default(), Default::default()));
    assert!(anchor.used().iter().all(|node| evidence.nodes.contains(node)));
    drop(anchor.finish());
}

/// An engine that takes no module.
struct NoEngine;

impl CheckModule for NoEngine {
    fn plan(&self, _evidence: &[u8], _params: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        Err(NoAnswer::Refused)
    }

    fn check(&self, _input: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        Err(NoAnswer::Refused)
    }
}

/// Five links, and none that was not proven is said to be.
fn proof(bytes: &[u8]) {
    let Ok(bundle) = ProofBundle::from_file(bytes) else { return };
    assert_eq!(bundle.to_file(), bytes, "two encodings of one value");
    let report = proof_chain::verify(&bundle, None, SEED, |_, _| Ok(NoEngine));
    let links: Vec<_> = report.links.iter().map(|link| link.link).collect();
    assert_eq!(
        links,
        [Link::Device, Link::Check, Link::Commitment, Link::Header, Link::Checkpoint]
    );
    let verified = |link: &proof_chain::LinkReport| link.outcome == Outcome::Verified;
    assert!(!report.links.get(1).is_some_and(verified), "a check that did not run");
    assert!(!report.links.get(4).is_some_and(verified), "a checkpoint that nobody named");
    assert!(report.leaves.is_empty());
    assert!(proof_chain::settled(&bundle, Some(Default::default()), SEED).is_err());
}
