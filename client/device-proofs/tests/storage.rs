//! Storage evidence: one encoding per value, the arithmetic of pieces, and the beacon's clock.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::one_encoding;
use heliotrope_device_proofs::calldata::{CalldataError, Proof, ProvePossession};
use heliotrope_device_proofs::commp::{CommpParams, CommpSample, Content, Opening, SeedSource};
use heliotrope_device_proofs::pdp::{
    Beacon, Layout, PROVE_POSSESSION_SELECTOR, PdpParams, PossessionProof,
};
use heliotrope_device_proofs::piece::{MAX_LEN, PieceCid, PieceHasher, capacity, modulo};
use heliotrope_device_proofs::registry::keccak256;
use heliotrope_device_proofs::submission::Submission;

fn call() -> ProvePossession {
    let proof = |n: u8| Proof { leaf: [n; 32], proof: (0..n).map(|m| [m; 32]).collect() };
    ProvePossession { set_id: 77, proofs: [3, 0, 2].map(proof).to_vec() }
}

#[test]
fn calldata_has_one_encoding() {
    let name = "provePossession(uint256,(bytes32,bytes32[])[])";
    assert_eq!(keccak256(&[name.as_bytes()])[..4], PROVE_POSSESSION_SELECTOR);
    one_encoding(&call().encode(), ProvePossession::decode, ProvePossession::encode);
    let none = ProvePossession { set_id: 1, proofs: Vec::new() };
    one_encoding(&none.encode(), ProvePossession::decode, ProvePossession::encode);
    let mut huge = call().encode();
    huge[4] = 1;
    assert_eq!(
        ProvePossession::decode(&huge),
        Err(CalldataError::Number { word: 0, expected: u64::MAX })
    );
}

#[test]
fn evidence_and_parameters_have_one_encoding() {
    let proof = PossessionProof {
        calldata: call().encode(),
        challenge_epoch: 5_000_000,
        beacon: Beacon { round: 1000, signature: [9; 48] },
        layout: Layout::Compact,
        piece_count: 300,
        piece_ids: vec![3, 299, 3],
    };
    one_encoding(&proof.encode(), PossessionProof::decode, PossessionProof::encode);
    let params = PdpParams::filecoin_mainnet();
    one_encoding(&params.encode(), PdpParams::decode, PdpParams::encode);
    let piece_cid = PieceCid { padding: 3, height: 4, root: [5; 32] }.encode();
    let opening = |index| Opening { index, leaf: [1; 32], path: vec![[2; 32]; 4] };
    for content in
        [Content::Payload(vec![7; 30]), Content::Openings(vec![opening(0), opening(u64::MAX)])]
    {
        let sample = CommpSample { piece_cid: piece_cid.clone(), content };
        one_encoding(&sample.encode(), CommpSample::decode, CommpSample::encode);
    }
    for seed in [None, Some(SeedSource { address: [1; 20], key: [2; 32] })] {
        let params = CommpParams { chain_id: 1, min_openings: 8, seed };
        one_encoding(&params.encode(), CommpParams::decode, CommpParams::encode);
    }
}

#[test]
fn a_piece_cid_has_one_encoding() {
    for (padding, height) in [(0, 2), (127, 2), (128, 4), (1 << 20, 20), (capacity(50), 50)] {
        let cid = PieceCid { padding, height, root: [6; 32] };
        one_encoding(&cid.encode(), PieceCid::decode, PieceCid::encode);
        assert!(cid.encode().len() <= MAX_LEN);
        assert_eq!(cid.payload_len() + padding, capacity(height));
    }
    for (padding, height) in [(128, 2), (0, 1), (0, 51)] {
        assert!(PieceCid::decode(&PieceCid { padding, height, root: [6; 32] }.encode()).is_err());
    }
}

/// `leaf_count` against the leaves that hold any bit of the payload.
#[test]
fn leaf_counts_are_those_of_the_payload() {
    for len in 1..=1016_u64 {
        let piece = PieceCid::of(&vec![0xff; usize::try_from(len).unwrap()]).unwrap();
        assert_eq!(piece.payload_len(), len);
        assert_eq!(piece.leaf_count(), (len * 8).div_ceil(254), "{len} bytes");
    }
}

#[test]
fn a_higher_tree_has_zeros_beyond_the_payload() {
    let mut hasher = PieceHasher::default();
    hasher.update(&[3; 500]);
    let low = hasher.clone().piece().unwrap();
    let high = hasher.clone().piece_of_height(7).unwrap();
    assert_eq!((low.height, high.height), (4, 7));
    assert_eq!(low.payload_len(), high.payload_len());
    let mut zeros = PieceHasher::default();
    zeros.update(&[3; 500]);
    zeros.update(&vec![0; usize::try_from(high.padding).unwrap()]);
    assert_eq!(zeros.piece().unwrap().root, high.root);
    assert_eq!(hasher.piece_of_height(3), None);
}

#[test]
fn modulo_is_that_of_a_256_bit_number() {
    let mut one = [0; 32];
    one[31] = 1;
    assert_eq!(modulo(&one, 5), Some(1));
    // 2^256 − 1 ≡ 0 mod 3, 5, 17, 257, 65537 and 2^32 + 1
    for divisor in [3, 5, 17, 257, 65_537, (1 << 32) + 1] {
        assert_eq!(modulo(&[0xff; 32], divisor), Some(0));
    }
    assert_eq!(modulo(&[0xff; 32], u64::MAX), Some(0));
    assert_eq!(modulo(&[0xff; 32], 0), None);
}

/// The rounds that a Filecoin node takes for epochs around the start of quicknet.
#[test]
fn fip_0095_the_round_of_an_epoch() {
    let params = PdpParams::filecoin_mainnet();
    for (epoch, round) in [(0, 1), (3_149_899, 1), (3_149_900, 2), (3_149_901, 12)] {
        assert_eq!(params.round_of(epoch), Some(round), "epoch {epoch}");
    }
    assert_eq!(params.round_of(u64::MAX), None);
}

#[test]
fn a_submission_names_its_sender_and_nothing_else() {
    use ed25519_dalek::Signer as _;
    let key = ed25519_dalek::SigningKey::from_bytes(&[42; 32]);
    let evidence = vec![1, 2, 3];
    let mut submission = Submission {
        public_key: [&[1], key.verifying_key().as_bytes().as_slice()].concat(),
        signature: key.sign(&Submission::message(&evidence)).to_bytes().to_vec(),
        evidence,
    };
    one_encoding(&submission.encode(), Submission::decode, Submission::encode);
    submission.authenticate().unwrap();
    submission.evidence[0] ^= 1;
    assert!(submission.authenticate().is_err());
}
