//! Seeds of what carriers serve of an epoch, and of what a node answers the sync core: a radio's evidence as it is
//! committed, under a recorded mainnet block.

use std::{collections::BTreeMap, fs};

use alloy::{
    consensus::Header,
    eips::eip2718::Encodable2718 as _,
    primitives::{Address, Bytes},
    rpc::types::{Block, TransactionReceipt},
};
use anyhow::{Context as _, Result};
use heliotrope_contracts::reward::{Rate, tree::RewardLeaves};
use heliotrope_device_proofs::{
    epoch::{
        Commitment, EpochManifest, EvidenceLeaf, LaneManifest, ShardEvidence, verdict_leaf_data,
    },
    merkle::{MerkleTree, leaf_hash},
    proof::ProofBundle,
    sha256,
};
use heliotrope_light_client::network::Network;
use heliotrope_verifier::chains::ethereum::{
    Fork, LightClientBootstrap, LightClientSsz as _, Preset,
};
use serde_json::{Value, json};

use super::seeds::{Seed, inputs, seed};
use crate::command::vectors;

const CHAIN: &str = "ethereum/mainnet_capella_periods_800_820/bootstrap.ssz";

/// Reward trees, manifests, evidence, and a proof file with all of them in it.
pub(super) fn served() -> Result<Vec<Seed>> {
    let (lane, evidence, params) = committed()?;
    let manifest = EpochManifest {
        epoch: 7,
        check_id: [3; 32],
        chain_id: 1,
        lanes: vec![lane.clone(), LaneManifest { lane: 90, ..LaneManifest::default() }],
    };
    let mut seeds = vec![
        seed("manifest", 1, &manifest.encode()),
        seed("lane", 2, &lane.encode()),
        seed("evidence", 3, &evidence.encode()),
    ];
    for (name, file) in rewards()? {
        seeds.push(seed(name, 0, &file));
    }
    let network = networks()?.into_iter().next().context("no network")?.1;
    let proof = ProofBundle {
        network,
        journal: journal()?,
        ledger: evidence.nodes.clone(),
        check_id: [3; 32],
        epoch: 7,
        lane: LaneManifest { shards: Vec::new(), ..lane },
        evidence,
        params,
        module: b"\0asm\x01\0\0\0".to_vec(),
    };
    seeds.push(seed("proof", 4, &proof.to_file()));
    Ok(seeds)
}

/// Two epochs of a lane: in the second one account rests and one is new.
fn rewards() -> Result<[(&'static str, Vec<u8>); 2]> {
    let rate = Rate { per_score: 1_000, cap: 1_500, from_epoch: 0 };
    let scores = |of: [(u8, u64); 3]| -> BTreeMap<Address, u64> {
        of.into_iter().map(|(byte, score)| (Address::repeat_byte(byte), score)).collect()
    };
    let first = scores([(1, 500_000), (2, 1_000_000), (3, 9_000_000)]);
    let first = RewardLeaves::default().next(&first, &rate)?;
    let second = first.next(&scores([(1, 250_000), (3, 1), (4, 2_000_000)]), &rate)?;
    Ok([("rewards-first", first.encode()), ("rewards-second", second.encode())])
}

/// The honest radio evidence with its output, under the roots of a lane of two leaves.
fn committed() -> Result<(LaneManifest, ShardEvidence, Vec<u8>)> {
    let mut leaves = Vec::new();
    let mut params = Vec::new();
    for (vector, input) in inputs("coverage-radio")? {
        if let (Some(output), true) = (vector.output, leaves.len() < 2) {
            let index = u32::try_from(leaves.len())?;
            let bundle = input.evidence;
            leaves.push(EvidenceLeaf { index, bundle, output, ..EvidenceLeaf::default() });
            params = input.params;
        }
    }
    let evidence = MerkleTree::new(leaves.iter().map(|leaf| leaf_hash(&leaf.bundle)).collect());
    let verdict = |leaf: &EvidenceLeaf| leaf_hash(&verdict_leaf_data(&leaf.bundle, &leaf.output));
    let verdicts = MerkleTree::new(leaves.iter().map(verdict).collect());
    for (place, leaf) in leaves.iter_mut().enumerate() {
        leaf.evidence_path = evidence.path(place);
        leaf.verdict_path = verdicts.path(place);
    }
    let header = header()?;
    let lane = LaneManifest {
        lane: 20,
        commitment: Commitment {
            evidence_root: evidence.root(),
            verdict_root: verdicts.root(),
            coverage_root: [5; 32],
            reward_root: [6; 32],
            module_hash: sha256(b"\0asm\x01\0\0\0"),
        },
        anchor_hash: header.hash_slow().0,
        leaf_count: u32::try_from(leaves.len())?,
        shards: vec![(0x0842_8309_ffff_ffff, [7; 32]), (0x0842_830b_ffff_ffff, [8; 32])],
    };
    let nodes = account()?.1.into_iter().map(|node| node.to_vec()).collect();
    Ok((lane, ShardEvidence { anchor_header: alloy_rlp::encode(&header), nodes, leaves }, params))
}

/// Built-in networks with contracts beside them.
pub(super) fn networks() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let mut all = Vec::new();
    for name in ["mainnet", "hoodi"] {
        let mut network = serde_json::to_value(Network::built_in(name)?)?;
        let of = |byte| json!(Address::repeat_byte(byte));
        let contracts = json!({
            "device_registry": of(1), "check_registry": of(2), "settlement_ledger": of(3),
            "reward_schedule": of(4), "reward_distributor": of(5),
        });
        if let Some(fields) = network.as_object_mut() {
            fields.insert("contracts".to_owned(), contracts);
            fields.insert("check_id".to_owned(), json!(alloy::primitives::B256::repeat_byte(3)));
        }
        all.push((name, serde_json::to_vec(&network)?));
    }
    Ok(all)
}

/// A journal of the recorded bootstrap alone, as `client/light-client/src/journal.rs` writes it.
fn journal() -> Result<Vec<u8>> {
    let Some(file) = vectors().and_then(|vectors| fs::read(vectors.join(CHAIN)).ok()) else {
        return Ok(Vec::new());
    };
    let bootstrap = LightClientBootstrap::decode(Fork::Capella, Preset::Mainnet, &file)?;
    let name = Fork::Capella.name();
    let mut journal = vec![1, 1];
    journal.extend(bootstrap.header.beacon.hash_tree_root());
    journal.extend(2_u32.to_le_bytes());
    journal.extend([0, u8::try_from(name.len())?]);
    journal.extend(name.as_bytes());
    journal.extend(u32::try_from(file.len())?.to_le_bytes());
    journal.extend(file);
    // no finality update
    journal.extend([0; 6]);
    Ok(journal)
}

/// Accounts, headers and receipts as the core takes them.
pub(super) fn core_reads() -> Result<Vec<Seed>> {
    let (address, nodes) = account()?;
    let list = |items: &[Bytes]| -> Result<Vec<u8>> {
        let mut out = u16::try_from(items.len())?.to_le_bytes().to_vec();
        for item in items {
            out.extend(u32::try_from(item.len())?.to_le_bytes());
            out.extend(item);
        }
        Ok(out)
    };
    let no_slots = [address.as_slice(), &list(&nodes)?, &[0, 0]].concat();
    // one slot, of an empty storage
    let slot = [address.as_slice(), &list(&nodes)?, &[1, 0], &[0; 32], &[0, 0]].concat();
    let mut seeds = vec![
        seed("account", 0, &no_slots),
        seed("slot", 0, &slot),
        seed("header", 1, &alloy_rlp::encode(header()?)),
    ];
    let receipts: Vec<TransactionReceipt> =
        recorded("receipts.json")?.map(serde_json::from_value).transpose()?.unwrap_or_default();
    for (number, few) in receipts.chunks(16).enumerate() {
        let mut parts = Vec::new();
        for receipt in few {
            let bytes = receipt.clone().into_primitives_receipt().inner.encoded_2718();
            parts.extend(u16::try_from(bytes.len())?.to_le_bytes());
            parts.extend(bytes);
        }
        seeds.push(seed(format!("receipts-{number}"), 2, &parts));
    }
    Ok(seeds)
}

/// The account of the recorded proof, and its nodes; none without the shared vectors.
fn account() -> Result<(Address, Vec<Bytes>)> {
    let Some(mut answer) = recorded("block_miner_proof.json")? else {
        return Ok((Address::ZERO, Vec::new()));
    };
    let mut take = |name: &str| answer.get_mut(name).map(Value::take).unwrap_or_default();
    Ok((serde_json::from_value(take("address"))?, serde_json::from_value(take("accountProof"))?))
}

/// The header of the recorded block; an empty one without the shared vectors.
fn header() -> Result<Header> {
    let block: Option<Block<Value>> =
        recorded("block.json")?.map(serde_json::from_value).transpose()?;
    Ok(block.map(|block| block.header.inner).unwrap_or_default())
}

fn recorded(file: &str) -> Result<Option<Value>> {
    let path = vectors().map(|vectors| vectors.join("ethereum/execution_rpc/rpc").join(file));
    let Some(bytes) = path.and_then(|path| fs::read(path).ok()) else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&bytes)?))
}
