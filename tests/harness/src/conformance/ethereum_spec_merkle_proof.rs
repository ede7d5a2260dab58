//! Suite `ethereum-spec-merkle-proof`: the official `light_client/single_merkle_proof` vectors
//! (<https://github.com/ethereum/consensus-specs/blob/dev/tests/formats/light_client/single_merkle_proof.md>).
//!
//! A case is any folder with a `proof.yaml`: a leaf, its place and branch, and the object that it lies in. The object is
//! hashed here field by field; the branch must lead to that root, and the place must be the one our rules use.

use std::path::Path;

use alloy_primitives::B256;
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_verifier::chains::ethereum::{
    CURRENT_SYNC_COMMITTEE_GINDEX_ELECTRA, EXECUTION_PAYLOAD_GINDEX, FINALIZED_ROOT_GINDEX_ELECTRA,
    NEXT_SYNC_COMMITTEE_GINDEX_ELECTRA,
};
use heliotrope_verifier::proofs::ssz_merkle::is_valid_normalized_merkle_branch;
use serde_yaml_ng::Value;

use super::ssz_root::{
    Type::{self, Basic, BitList, Bits, ByteList, Bytes, Container},
    list, vector,
};
use super::{Report, case_name, file_name, folders, hex_array, read, read_text};

/// Runs every case below `dir`.
pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    for folder in folders(dir)? {
        if folder.join("proof.yaml").is_file() {
            report.case(&case_name(dir, &folder), run_case(&folder));
        }
    }
    Ok(())
}

fn run_case(folder: &Path) -> Result<String> {
    let schema = match folder.parent().map(file_name).as_deref() {
        Some("BeaconState") => beacon_state(),
        Some("BeaconBlockBody") => beacon_block_body(),
        other => bail!("unknown object {other:?}"),
    };
    let compressed = read(&folder.join("object.ssz_snappy"))?;
    let object = snap::raw::Decoder::new().decompress_vec(&compressed)?;
    let root = schema.root(&object).context("object")?;
    let proof: Value = serde_yaml_ng::from_str(&read_text(&folder.join("proof.yaml"))?)?;
    let node = |value: &Value| {
        Ok::<_, anyhow::Error>(B256::new(hex_array(value.as_str().context("no hex")?)?))
    };
    let leaf = node(&proof["leaf"])?;
    let branch = proof["branch"].as_sequence().context("no branch")?;
    let branch = branch.iter().map(node).collect::<Result<Vec<_>>>()?;
    let gindex = proof["leaf_index"].as_u64().context("no leaf_index")?;
    let ours = gindex_of(&file_name(folder))?;
    ensure!(gindex == ours, "generalized index: got {gindex}, our rules use {ours}");
    ensure!(
        is_valid_normalized_merkle_branch(leaf, &branch, gindex, root),
        "the branch does not lead to the object's root {root}"
    );
    let other = leaf ^ B256::with_last_byte(1);
    ensure!(
        !is_valid_normalized_merkle_branch(other, &branch, gindex, root),
        "another leaf is accepted"
    );
    Ok(format!("generalized index {gindex} under {root}"))
}

/// Electra's and Fulu's.
fn gindex_of(case: &str) -> Result<u64> {
    Ok(match case {
        "current_sync_committee_merkle_proof" => CURRENT_SYNC_COMMITTEE_GINDEX_ELECTRA,
        "next_sync_committee_merkle_proof" => NEXT_SYNC_COMMITTEE_GINDEX_ELECTRA,
        "finality_root_merkle_proof" => FINALIZED_ROOT_GINDEX_ELECTRA,
        "execution_merkle_proof" => EXECUTION_PAYLOAD_GINDEX,
        other => bail!("unknown case {other}"),
    })
}

const U8: Type = Basic(1);
const U64: Type = Basic(8);
const ROOT: Type = Basic(32);
const ADDRESS: Type = Basic(20);
const PUBKEY: Type = Bytes(48);
const SIGNATURE: Type = Bytes(96);
const VALIDATORS: u64 = 1 << 40;

fn container<const N: usize>(fields: [Type; N]) -> Type {
    Container(fields.into())
}

fn checkpoint() -> Type {
    container([U64, ROOT])
}

fn beacon_block_header() -> Type {
    container([U64, U64, ROOT, ROOT, ROOT])
}

fn eth1_data() -> Type {
    container([ROOT, U64, ROOT])
}

fn sync_committee() -> Type {
    container([vector(PUBKEY, 32), PUBKEY])
}

fn execution_payload(transactions: Type, withdrawals: Type) -> Type {
    let (bloom, extra_data, base_fee) = (Bytes(256), ByteList(32), Basic(32));
    Container(vec![
        ROOT,
        ADDRESS,
        ROOT,
        ROOT,
        bloom,
        ROOT,
        U64,
        U64,
        U64,
        U64,
        extra_data,
        base_fee,
        ROOT,
        transactions,
        withdrawals,
        U64,
        U64,
    ])
}

/// `BeaconState` of Fulu, minimal preset.
fn beacon_state() -> Type {
    let validator = container([PUBKEY, ROOT, U64, U8, U64, U64, U64, U64]);
    let pending_deposit = container([PUBKEY, ROOT, U64, SIGNATURE, U64]);
    let mut fields = vec![U64, ROOT, U64, container([Basic(4), Basic(4), U64])];
    fields.extend([beacon_block_header(), vector(ROOT, 64), vector(ROOT, 64)]);
    fields.extend([list(ROOT, 1 << 24), eth1_data(), list(eth1_data(), 32), U64]);
    fields.extend([list(validator, VALIDATORS), list(U64, VALIDATORS)]);
    fields.extend([vector(ROOT, 64), vector(U64, 64)]);
    fields.extend([list(U8, VALIDATORS), list(U8, VALIDATORS), Bits(4)]);
    fields.extend([checkpoint(), checkpoint(), checkpoint(), list(U64, VALIDATORS)]);
    fields.extend([sync_committee(), sync_committee(), execution_payload(ROOT, ROOT)]);
    fields.extend([U64, U64, list(container([ROOT, ROOT]), 1 << 24)]);
    fields.extend([U64, U64, U64, U64, U64, U64, list(pending_deposit, 1 << 27)]);
    fields.extend([list(container([U64, U64, U64]), 64), list(container([U64, U64]), 64)]);
    fields.push(vector(U64, 16));
    Container(fields)
}

/// `BeaconBlockBody` of Fulu, minimal preset.
fn beacon_block_body() -> Type {
    let signed_header = container([beacon_block_header(), SIGNATURE]);
    let data = container([U64, U64, ROOT, checkpoint(), checkpoint()]);
    let indexed = container([list(U64, 2048 * 4), data.clone(), SIGNATURE]);
    let attestation = container([BitList(2048 * 4), data, SIGNATURE, Bits(4)]);
    let deposit = container([vector(ROOT, 33), container([PUBKEY, ROOT, U64, SIGNATURE])]);
    let withdrawal = container([U64, U64, ADDRESS, U64]);
    let payload = execution_payload(list(ByteList(1 << 30), 1 << 20), list(withdrawal, 4));
    let deposit_request = container([PUBKEY, ROOT, U64, SIGNATURE, U64]);
    let requests = container([
        list(deposit_request, 1 << 13),
        list(container([ADDRESS, PUBKEY, U64]), 16),
        list(container([ADDRESS, PUBKEY, PUBKEY]), 2),
    ]);
    let address_change = container([U64, PUBKEY, ADDRESS]);
    container([
        SIGNATURE,
        eth1_data(),
        ROOT,
        list(container([signed_header.clone(), signed_header]), 16),
        list(container([indexed.clone(), indexed]), 1),
        list(attestation, 8),
        list(deposit, 16),
        list(container([container([U64, U64]), SIGNATURE]), 16),
        container([Bits(32), SIGNATURE]),
        payload,
        list(container([address_change, SIGNATURE]), 16),
        list(PUBKEY, 4096),
        requests,
    ])
}
