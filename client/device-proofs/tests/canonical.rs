//! Every decoder takes one encoding per value: any flipped bit that still decodes is another value,
//! which encodes to exactly those bytes; any trailing or missing byte is an error.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::{one_encoding, same_bytes};
use heliotrope_device_proofs::abi::{
    CheckInput, CheckOutput, Description, Fact, Plan, PlanQuery, RuleDescription, RuleOutcome,
    Verdict,
};
use heliotrope_device_proofs::bundle::{BundleError, Entropy, EvidenceBundle, Received, Subject};
use heliotrope_device_proofs::coverage::{self, Shard};
use heliotrope_device_proofs::epoch::{
    Commitment, EpochManifest, EvidenceLeaf, LaneManifest, ShardEvidence, verdict_leaf_data,
};
use heliotrope_device_proofs::proof::ProofBundle;
use heliotrope_device_proofs::protobuf::{Message as _, ProtobufError};
use heliotrope_device_proofs::radio::{BlockHashes, RadioParams, RadioSources};
use heliotrope_device_proofs::report::{ReportError, SignedReport as _, decode_beacon};
use heliotrope_device_proofs::wire::{LoraBeaconReportReqV1, LoraWitnessReportReqV1};
use heliotrope_device_proofs::{h3, merkle};

fn beacon() -> LoraBeaconReportReqV1 {
    LoraBeaconReportReqV1 {
        pub_key: vec![1; 33],
        local_entropy: vec![2; 4],
        remote_entropy: vec![3; 32],
        data: vec![4; 51],
        frequency: 868_100_000,
        channel: 2,
        datarate: 0,
        tx_power: 14,
        timestamp: 1_790_000_000_000_000_000,
        signature: vec![5; 64],
        tmst: 77,
    }
}

fn witness(signal: i32) -> LoraWitnessReportReqV1 {
    LoraWitnessReportReqV1 {
        pub_key: vec![6; 33],
        data: vec![4; 51],
        timestamp: 1_790_000_000_100_000_000,
        tmst: 8,
        signal,
        snr: -15,
        frequency: 868_100_000,
        datarate: 0,
        signature: vec![7; 64],
    }
}

fn bundle() -> EvidenceBundle {
    let mut bundle = EvidenceBundle {
        entropy: Entropy { data: vec![3; 32], timestamp_s: 1_790_000_000, version: 1 },
        beacon: Received { received_ms: 1_790_000_001_000, report: beacon().encode_to_vec() },
        witnesses: [-900, -1010, -1100]
            .into_iter()
            .map(|s| Received {
                received_ms: 1_790_000_001_400,
                report: witness(s).encode_to_vec(),
            })
            .collect(),
    };
    bundle.sort_witnesses();
    bundle
}

fn output() -> CheckOutput {
    CheckOutput {
        verdict: Verdict::Pass,
        outcomes: vec![
            RuleOutcome {
                subject: 0,
                rule_id: 1,
                verdict: Verdict::Pass,
                reason: 0,
                observed: 1,
                limit: 1,
            },
            RuleOutcome {
                subject: 2,
                rule_id: 114,
                verdict: Verdict::Fail,
                reason: 11,
                observed: -573,
                limit: -900,
            },
            RuleOutcome {
                subject: 2,
                rule_id: 117,
                verdict: Verdict::Fail,
                reason: 0,
                observed: 15,
                limit: 14,
            },
        ],
        score_ppm: 71_428,
        replay_key: [9; 32],
        facts_read: vec![0, 3],
        input_hash: [8; 32],
        selected: vec![0],
        subject_cell: 0x08c2_8308_2803_f1ff,
    }
}

#[test]
fn evidence_bundle() {
    one_encoding(&bundle().encode(), EvidenceBundle::decode, EvidenceBundle::encode);
}

#[test]
fn witnesses_out_of_order_are_rejected() {
    let mut bundle = bundle();
    bundle.witnesses.reverse();
    assert!(EvidenceBundle::decode(&bundle.encode()).is_err());
    bundle.sort_witnesses();
    bundle.witnesses[1] = bundle.witnesses[0].clone();
    assert!(EvidenceBundle::decode(&bundle.encode()).is_err());
}

#[test]
fn check_input_output_plan_params_and_description() {
    let fact =
        |n| Fact { chain_id: 31337, block: n, address: [1; 20], key: [2; 32], value: [3; 32] };
    let input = CheckInput {
        module_hash: [1; 32],
        evidence: vec![1, 2, 3],
        facts: vec![fact(1), fact(300)],
        params: vec![4],
        now_s: 1_790_000_100,
    };
    one_encoding(&input.encode(), CheckInput::decode, CheckInput::encode);
    one_encoding(&output().encode(), CheckOutput::decode, CheckOutput::encode);
    let query = |n| PlanQuery { address: [1; 20], key: [n; 32] };
    one_encoding(&Plan(vec![query(1), query(2)]).encode(), Plan::decode, Plan::encode);
    assert!(Plan::decode(&Plan(vec![query(2), query(2)]).encode()).is_err());
    let params = RadioParams::helium_2025_12([7; 20], 31337, vec![(1, vec![1, 2]), (6, vec![3])]);
    one_encoding(&params.encode(), RadioParams::decode, RadioParams::encode);
    let sources = RadioSources {
        standing: Some([8; 20]),
        receivers: vec![[1; 32], [2; 32]],
        blockhashes: Some(BlockHashes::ethereum()),
    };
    for sources in [RadioSources::default(), sources] {
        let params = RadioParams::strict_1([7; 20], 31337, vec![(1, vec![1, 2])], sources);
        one_encoding(&params.encode(), RadioParams::decode, RadioParams::encode);
    }
    let rule = |rule_id| RuleDescription { rule_id, name: "R1 known".into(), reason: 8 };
    let description =
        Description { name: "x".into(), version: "1.0.0".into(), rules: vec![rule(1), rule(2)] };
    one_encoding(&description.encode(), Description::decode, Description::encode);
}

#[test]
fn epoch_files() {
    let lane = LaneManifest {
        lane: 20,
        commitment: Commitment { evidence_root: [1; 32], ..Commitment::default() },
        anchor_hash: [2; 32],
        leaf_count: 3,
        shards: vec![(1, [3; 32]), (2, [4; 32])],
    };
    let manifest =
        EpochManifest { epoch: 4, check_id: [5; 32], chain_id: 31337, lanes: vec![lane] };
    one_encoding(&manifest.encode(), EpochManifest::decode, EpochManifest::encode);
    let leaf = EvidenceLeaf {
        index: 3,
        bundle: vec![1; 30],
        output: vec![2; 30],
        evidence_path: vec![[3; 32]; 2],
        verdict_path: vec![[4; 32]; 2],
    };
    let evidence =
        ShardEvidence { anchor_header: vec![1; 40], nodes: vec![vec![2; 33]], leaves: vec![leaf] };
    one_encoding(&evidence.encode(), ShardEvidence::decode, ShardEvidence::encode);
}

/// Version 1 had roots without the number of leaves: whoever still has such a file is told.
#[test]
fn files_of_version_1_are_named_so() {
    let old = |mut bytes: Vec<u8>, at: usize| {
        assert_eq!(bytes[at], 2);
        bytes[at] = 1;
        bytes
    };
    let manifest = EpochManifest::decode(&old(EpochManifest::default().encode(), 1));
    assert_eq!(manifest.unwrap_err().to_string(), "manifest version is 1, expected 2");
    let evidence = ShardEvidence::decode(&old(ShardEvidence::default().encode(), 2));
    assert_eq!(evidence.unwrap_err().to_string(), "evidence version is 1, expected 2");
    let proof = ProofBundle::from_file(&old(ProofBundle::default().to_file(), 10));
    assert_eq!(proof.unwrap_err().to_string(), "proof version is 1, expected 2");
}

#[test]
fn a_leaf_of_a_lane_of_another_size_is_refused() {
    let data: Vec<_> = (0..5_u8).map(|n| (vec![n; 9], vec![n; 3])).collect();
    let evidence = data.iter().map(|(bundle, _)| merkle::leaf_hash(bundle));
    let verdict =
        data.iter().map(|(bundle, output)| merkle::leaf_hash(&verdict_leaf_data(bundle, output)));
    let evidence = merkle::MerkleTree::new(evidence.collect());
    let verdict = merkle::MerkleTree::new(verdict.collect());
    let (bundle, output) = data[4].clone();
    let (evidence_path, verdict_path) = (evidence.path(4), verdict.path(4));
    let mut leaf = EvidenceLeaf { index: 4, bundle, output, evidence_path, verdict_path };
    let (evidence_root, verdict_root) = (evidence.root(), verdict.root());
    let commitment = Commitment { evidence_root, verdict_root, ..Commitment::default() };
    let mut lane = LaneManifest { commitment, leaf_count: 5, ..LaneManifest::default() };
    leaf.verify(&lane).unwrap();
    // the last of two has a path as long
    (leaf.index, lane.leaf_count) = (1, 2);
    let error = leaf.verify(&lane).unwrap_err().to_string();
    assert!(error.starts_with("path in a tree of 2 leaves leads to root"), "{error}");
    // trees of two sizes
    (leaf.index, lane.leaf_count) = (4, 5);
    let smaller = data[..4].iter().map(|(b, o)| merkle::leaf_hash(&verdict_leaf_data(b, o)));
    lane.commitment.verdict_root = merkle::root(&smaller.collect::<Vec<_>>());
    leaf.verify(&lane).unwrap_err();
}

#[test]
fn fold_counts_cells_and_the_shards_are_canonical() {
    let output = output();
    let mut failed = output.clone();
    failed.verdict = Verdict::Fail;
    let here = output.subject_cell;
    let near = (here & !0x1ff) ^ 0x200 | 0x1ff;
    let shards = coverage::fold([(7, here, &output), (2, near, &failed), (1, 0, &output)]);
    assert_eq!(shards.len(), 1);
    let cell = &shards[0].cells[0];
    assert_eq!((cell.beacons, cell.passed, cell.failed, cell.indeterminate), (2, 1, 1, 0));
    // the surplus witness (reason 0) is not a rejected one; both outcomes are of witness 1
    assert_eq!((cell.witnesses_selected, cell.witnesses_rejected), (2, 2));
    assert_eq!(cell.leaves, [2, 7]);
    assert_eq!(h3::parent(here, 8), Some(cell.cell));
    one_encoding(&shards[0].encode(), Shard::decode, Shard::encode);
    assert_eq!(shards[0].leaf(), merkle::leaf_hash(&shards[0].encode()));
}

#[test]
fn a_report_has_one_encoding() {
    same_bytes(&beacon().encode_to_vec(), decode_beacon, |b| b.encode_to_vec());
    // an unknown field
    let mut unknown = beacon().encode_to_vec();
    unknown.extend_from_slice(&[0x78, 1]);
    assert_eq!(
        decode_beacon(&unknown),
        Err(ReportError::Protobuf(ProtobufError::Field { got: 0x78, left: 2 }))
    );
    // a default written out
    let mut default = beacon().encode_to_vec();
    default.splice(0..0, [0x40, 0]);
    assert_eq!(
        decode_beacon(&default),
        Err(ReportError::Protobuf(ProtobufError::Default { number: 8 }))
    );
}

#[test]
fn a_bundle_names_the_report_that_is_not_signed() {
    use ed25519_dalek::Signer as _;
    let key = ed25519_dalek::SigningKey::from_bytes(&[42; 32]);
    let mut public = vec![1];
    public.extend_from_slice(key.verifying_key().as_bytes());
    let mut signed = beacon();
    signed.pub_key = public.clone();
    signed.signature = key.sign(&signed.signed_bytes()).to_bytes().to_vec();
    let mut heard = witness(-900);
    heard.pub_key = public;
    heard.signature = key.sign(&heard.signed_bytes()).to_bytes().to_vec();
    let mut bundle = bundle();
    bundle.beacon.report = signed.encode_to_vec();
    bundle.witnesses =
        vec![Received { received_ms: 1_790_000_001_400, report: heard.encode_to_vec() }];
    bundle.authenticate().unwrap();
    assert_eq!(bundle.device_keys().unwrap().len(), 1);
    heard.signal = -800;
    bundle.witnesses[0].report = heard.encode_to_vec();
    assert!(matches!(
        bundle.authenticate(),
        Err(BundleError::Report { subject: Subject::Witness(0), error: ReportError::Signature(_) })
    ));
}
