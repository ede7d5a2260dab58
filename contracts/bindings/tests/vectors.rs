//! The bytes that `contracts/test` judges are those that `heliotrope-device-proofs` writes: one lane of
//! five leaves with real signatures, a fraud of each kind planted, and a reward tree.
//!
//! They stand in `contracts/test/vectors.json`. If an encoding changes on purpose, write it with
//! `HELIOTROPE_WRITE_VECTORS=1 cargo test --release -p heliotrope-contracts --test vectors`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

use std::{fmt::Write as _, fs, path::Path};

use alloy_primitives::{Address, hex};
use heliotrope_contracts::reward::{Rate, RewardLeaf, tree};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::{
    Bytes32,
    abi::{CheckOutput, FULL_SCORE_PPM, RuleOutcome, Verdict},
    bundle::{Entropy, EvidenceBundle, Received},
    commp::{CommpSample, Content, Opening},
    epoch::verdict_leaf_data,
    keys::PublicKey,
    merkle::{MerkleTree, Tree, TreeHash, leaf_hash},
    piece::PieceCid,
    report::SignedReport as _,
    sha254,
    wire::{LoraBeaconReportReqV1, LoraWitnessReportReqV1},
};
use p256::ecdsa::signature::Signer as _;

/// Height of a piece of 32 GiB, the sector of Filecoin.
const PIECE_HEIGHT: u8 = 30;

/// A P-256 device whose key the compact form can name: of two secrets the one with the smaller y.
fn p256_key() -> (p256::ecdsa::SigningKey, Vec<u8>) {
    for seed in 1..=u8::MAX {
        let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        let point = key.verifying_key().to_sec1_point(false);
        let public = [&[0], point.x().unwrap().as_slice()].concat();
        let message = b"which of the two";
        let signature: p256::ecdsa::Signature = key.sign(message);
        let named = PublicKey::from_bytes(&public).unwrap();
        if named.verify(message, signature.to_der().as_bytes()).is_ok() {
            return (key, public);
        }
    }
    panic!("no key");
}

fn beacon() -> LoraBeaconReportReqV1 {
    let (key, pub_key) = p256_key();
    let mut report = LoraBeaconReportReqV1 {
        pub_key,
        local_entropy: vec![1; 4],
        remote_entropy: vec![2; 32],
        data: vec![3; 51],
        frequency: 868_100_000,
        channel: 2,
        datarate: 7,
        tx_power: 14,
        timestamp: 1_790_000_000_000_000_000,
        signature: Vec::new(),
        tmst: 77,
    };
    let signature: p256::ecdsa::Signature = key.sign(&report.signed_bytes());
    report.signature = signature.to_der().as_bytes().to_vec();
    report.authenticate().unwrap();
    report
}

fn witness() -> LoraWitnessReportReqV1 {
    let key = k256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(true);
    let mut report = LoraWitnessReportReqV1 {
        pub_key: [&[3], point.as_bytes()].concat(),
        data: vec![3; 51],
        timestamp: 1_790_000_000_100_000_000,
        signal: -1100,
        snr: -35,
        frequency: 868_100_000,
        datarate: 7,
        ..LoraWitnessReportReqV1::default()
    };
    let signature: k256::ecdsa::Signature = key.sign(&report.signed_bytes());
    report.signature = signature.to_der().as_bytes().to_vec();
    report.authenticate().unwrap();
    report
}

fn radio(beacon: &LoraBeaconReportReqV1, witness: &LoraWitnessReportReqV1) -> Vec<u8> {
    let received = |received_ms, report| Received { received_ms, report };
    EvidenceBundle {
        entropy: Entropy { data: vec![2; 32], timestamp_s: 1_790_000_000, version: 1 },
        beacon: received(1_790_000_000_300, beacon.encode_to_vec()),
        witnesses: vec![received(1_790_000_000_400, witness.encode_to_vec())],
    }
    .encode()
}

/// A sample of a large piece with one opening, whose siblings are made up: its root is where they lead.
fn piece(index: u64, broken: bool) -> Vec<u8> {
    let mut path: Vec<Bytes32> = (0..PIECE_HEIGHT).map(|level| [level + 0x20; 32]).collect();
    let leaf = [0x2a; 32];
    let root = sha254::fold(&leaf, index, &path);
    if broken {
        path[17][3] ^= 1;
    }
    let piece_cid = PieceCid { padding: 0, height: PIECE_HEIGHT, root }.encode();
    let content = Content::Openings(vec![Opening { index, leaf, path }]);
    CommpSample { piece_cid, content }.encode()
}

fn output(verdict: Verdict, score_ppm: u32, replay: u8) -> Vec<u8> {
    let outcome = |observed, limit| RuleOutcome {
        subject: 1,
        rule_id: 300,
        verdict,
        reason: 7,
        observed,
        limit,
    };
    CheckOutput {
        verdict,
        outcomes: vec![outcome(-134, 70_000), outcome(i64::MIN, i64::MAX)],
        score_ppm,
        replay_key: [replay; 32],
        facts_read: vec![0, 1, 300],
        input_hash: [5; 32],
        selected: vec![0, 24],
        subject_cell: 0x08c1_fb46_741a_e9ff,
    }
    .encode()
}

/// Evidence bundle and output; what is wrong stands beside it.
fn lane() -> Vec<(Vec<u8>, Vec<u8>)> {
    let (good, heard) = (beacon(), witness());
    let mut forged = good.clone();
    forged.tx_power = 27;
    let mut unheard = heard.clone();
    unheard.signal = -900;
    let pass = |replay| output(Verdict::Pass, FULL_SCORE_PPM, replay);
    vec![
        (radio(&good, &heard), pass(1)),
        // beacon and witness say other than what they signed; more than a full score
        (radio(&forged, &unheard), output(Verdict::Pass, FULL_SCORE_PPM + 1, 2)),
        // the replay key of leaf 0
        (piece(123_456_789, false), pass(1)),
        // an opening that leads elsewhere
        (piece(123_456_789, true), pass(4)),
        (piece(7, true), output(Verdict::Fail, 0, 5)),
    ]
}

fn rewards() -> Vec<RewardLeaf> {
    let next = |n, previous, score| {
        let account = Address::repeat_byte(n);
        let rate = Rate { per_score: 3_000_000_000_000_000_000, cap: u128::MAX, from_epoch: 0 };
        RewardLeaf::next(account, previous, score, &rate).unwrap()
    };
    let mut wrong = next(0xb0, 5, 2_000_000);
    wrong.cumulative += 1;
    vec![next(0xa0, 1_000_000_000_000_000_000, 1_500_000), wrong, next(0xc0, 0, 0)]
}

#[derive(Default)]
struct Json(String);

impl Json {
    fn put(&mut self, name: &str, bytes: &[u8]) {
        let comma = if self.0.is_empty() { "" } else { ",\n" };
        write!(self.0, "{comma}  \"{name}\": \"0x{}\"", hex::encode(bytes)).unwrap();
    }

    fn tree<H: TreeHash>(&mut self, name: &str, tree: &Tree<H>) {
        self.put(&format!("{name}_root"), &tree.root());
        for index in 0..tree.len() {
            self.put(&format!("{name}_path_{index}"), &tree.path(index).concat());
        }
    }
}

fn vectors() -> String {
    let mut json = Json::default();
    let lane = lane();
    for (index, (bundle, output)) in lane.iter().enumerate() {
        json.put(&format!("bundle_{index}"), bundle);
        json.put(&format!("output_{index}"), output);
    }
    let (evidence, verdicts) = lane
        .iter()
        .map(|(bundle, output)| (leaf_hash(bundle), leaf_hash(&verdict_leaf_data(bundle, output))))
        .unzip();
    json.tree("evidence", &MerkleTree::new(evidence));
    json.tree("verdict", &MerkleTree::new(verdicts));
    let rewards = rewards();
    for (index, leaf) in rewards.iter().enumerate() {
        json.put(&format!("reward_{index}"), &leaf.data());
    }
    json.tree("reward", &tree::merkle_tree(&rewards));
    format!("{{\n{}\n}}\n", json.0)
}

fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../test/vectors.json")
}

#[test]
fn the_contracts_are_tested_on_the_bytes_that_are_written_today() {
    if std::env::var_os("HELIOTROPE_WRITE_VECTORS").is_some() {
        fs::write(file(), vectors()).unwrap();
    }
    assert!(fs::read_to_string(file()).unwrap() == vectors(), "{}", file().display());
}
