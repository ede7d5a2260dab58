//! A small synthetic chain of the minimal preset: a bootstrap and one valid update, signed with test keys.
#![allow(
    dead_code,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    reason = "helpers of tests; each test file uses what it needs"
)]

use alloy_primitives::{B256, keccak256};
use blst::min_pk::{AggregatePublicKey, AggregateSignature, PublicKey, SecretKey, Signature};
use heliotrope_verifier::chains::ethereum::{
    BeaconBlockHeader, ChainSpec, DOMAIN_SYNC_COMMITTEE, DST, ExecutionPayloadHeader,
    ExecutionProof, Fork, ForkActivation, LightClientBootstrap, LightClientHeader,
    LightClientUpdate, Preset, SyncAggregate, SyncCommittee, compute_signing_root,
};
use heliotrope_verifier::consensus::UnixSeconds;
use heliotrope_verifier::proofs::ssz_merkle::{compute_merkle_proof, merkleize, uint64_chunk};

/// Members of the committee.
pub const SIZE: usize = 32;
/// Where the vectors are; `None` (said so) when they are absent.
pub fn vectors(below: &str) -> Option<std::path::PathBuf> {
    let root = std::env::var("HELIOTROPE_VECTORS").map_or_else(
        |_| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
        std::path::PathBuf::from,
    );
    let folder = root.join(below);
    if folder.exists() {
        return Some(folder);
    }
    println!("skipped: no {}", folder.display());
    None
}

pub struct Chain {
    pub spec: ChainSpec,
    pub bootstrap: LightClientBootstrap,
    pub trusted_root: B256,
    pub update: LightClientUpdate,
    pub current_slot: u64,
}

fn secret_keys() -> Vec<SecretKey> {
    (0..SIZE).map(|i| SecretKey::key_gen(keccak256([i as u8]).as_slice(), &[]).unwrap()).collect()
}

pub fn committee() -> SyncCommittee {
    let keys: Vec<PublicKey> = secret_keys().iter().map(SecretKey::sk_to_pk).collect();
    let keys: Vec<&PublicKey> = keys.iter().collect();
    let sum = AggregatePublicKey::aggregate(&keys, false).unwrap();
    SyncCommittee {
        pubkeys: keys.iter().map(|key| key.compress()).collect(),
        aggregate_pubkey: sum.to_public_key().compress(),
    }
}

pub fn sign(
    spec: &ChainSpec,
    header: &BeaconBlockHeader,
    slot: u64,
    absent: usize,
) -> SyncAggregate {
    let version = spec.compute_fork_version(spec.preset().compute_epoch_at_slot(slot - 1));
    let domain = spec.compute_domain(DOMAIN_SYNC_COMMITTEE, version);
    let message = compute_signing_root(header, domain);
    let mut bits = vec![0u8; SIZE / 8];
    let mut signatures: Vec<Signature> = Vec::new();
    for (member, secret) in secret_keys().iter().enumerate().skip(absent) {
        bits[member / 8] |= 1 << (member % 8);
        signatures.push(secret.sign(message.as_slice(), DST, &[]));
    }
    let signatures: Vec<&Signature> = signatures.iter().collect();
    let sum = AggregateSignature::aggregate(&signatures, false).unwrap();
    SyncAggregate {
        sync_committee_bits: bits,
        sync_committee_signature: sum.to_signature().compress(),
    }
}

struct Built {
    header: LightClientHeader,
    current: Vec<B256>,
    next: Vec<B256>,
    finality: Vec<B256>,
}

fn build(slot: u64, finalized_root: B256, committee_root: B256) -> Built {
    let execution = ExecutionPayloadHeader {
        state_root: keccak256(slot.to_le_bytes()),
        block_number: slot + 1000,
        block_hash: keccak256([1]),
        extra_data: vec![1, 2, 3],
        blob_gas_used: 131_072,
        ..Default::default()
    };
    let mut body: Vec<B256> = (0..13u8).map(B256::repeat_byte).collect();
    body[9] = execution.hash_tree_root(true);
    let mut state: Vec<B256> = (0..37u8).map(B256::repeat_byte).collect();
    let epoch = uint64_chunk(1);
    state[20] = merkleize(&[epoch, finalized_root], 1);
    state[22] = committee_root;
    state[23] = committee_root;
    let beacon = BeaconBlockHeader {
        slot,
        proposer_index: 3,
        parent_root: keccak256([2]),
        state_root: merkleize(&state, 6),
        body_root: merkleize(&body, 4),
    };
    let mut finality = vec![epoch];
    finality.extend(compute_merkle_proof(&state, 6, 20));
    let execution = ExecutionProof::Payload {
        execution: Box::new(execution),
        execution_branch: compute_merkle_proof(&body, 4, 9),
    };
    Built {
        header: LightClientHeader { beacon, execution },
        current: compute_merkle_proof(&state, 6, 22),
        next: compute_merkle_proof(&state, 6, 23),
        finality,
    }
}

pub fn spec() -> ChainSpec {
    let forks = Fork::ALL.into_iter().zip(0u8..).filter(|(fork, _)| *fork <= Fork::Electra);
    let forks =
        forks.map(|(fork, n)| ForkActivation { fork, version: [n, 0, 0, 1], epoch: 0 }).collect();
    let genesis = B256::repeat_byte(9);
    ChainSpec::from_parts(Preset::Minimal, UnixSeconds(1000), genesis, 6000, forks, vec![]).unwrap()
}

/// A chain whose update is signed by all members but the first `absent`.
pub fn chain(absent: usize) -> Chain {
    let spec = spec();
    let committee = committee();
    let root = committee.hash_tree_root();
    let start = build(8, B256::ZERO, root);
    let finalized = build(16, B256::ZERO, root);
    let attested = build(32, finalized.header.beacon.hash_tree_root(), root);
    let bootstrap = LightClientBootstrap {
        header: start.header.clone(),
        current_sync_committee: committee.clone(),
        current_sync_committee_branch: start.current,
    };
    let update = LightClientUpdate {
        sync_aggregate: sign(&spec, &attested.header.beacon, 33, absent),
        attested_header: attested.header,
        next_sync_committee: Some(committee),
        next_sync_committee_branch: attested.next,
        finalized_header: finalized.header,
        finality_branch: attested.finality,
        signature_slot: 33,
    };
    let trusted_root = bootstrap.header.beacon.hash_tree_root();
    Chain { spec, bootstrap, trusted_root, update, current_slot: 40 }
}
