//! Suite `eip1186`: recorded `eth_getProof` answers, each verified and then tampered with.
//!
//! A case is one proof object: the members of `tests` in a file with a `stateRoot`, or a plain answer (also under
//! `result`) whose state root is in the same file or in a neighbour (a block's `stateRoot`, a light client header's
//! `execution.state_root`).

use std::path::Path;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_verifier::proofs::eip1186::{
    Account, get_account, get_storage, verify_account, verify_storage,
};
use heliotrope_verifier::proofs::mpt::{EMPTY_ROOT_HASH, TrieNodes};
use serde_json::Value;

use super::{Report, case_name, files, folders, hex_array, read};

/// Runs every proof below `dir`.
pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    for folder in folders(dir)? {
        let mut documents = Vec::new();
        for file in files(&folder)? {
            if file.extension().is_some_and(|extension| extension == "json")
                && let Ok(json) = serde_json::from_slice::<Value>(&read(&file)?)
            {
                documents.push((file, json));
            }
        }
        let mut nearby = Vec::new();
        documents.iter().for_each(|(_, json)| collect_state_roots(json, &mut nearby));
        for (file, json) in &documents {
            let mut own = Vec::new();
            collect_state_roots(json, &mut own);
            let roots = if own.is_empty() { &nearby } else { &own };
            for (name, proof) in proofs_of(json) {
                let name = format!("{}{name}", case_name(dir, file));
                if roots.is_empty() {
                    report.skip(&name, "no state root in this folder");
                } else {
                    report.case(&name, run_case(proof, roots));
                }
            }
        }
    }
    Ok(())
}

/// State roots anywhere in a document: `stateRoot`, and `state_root` of an execution header.
fn collect_state_roots(json: &Value, roots: &mut Vec<B256>) {
    let mut push = |value: Option<&Value>| {
        if let Some(Ok(root)) = value.and_then(Value::as_str).map(hex_array) {
            let root = B256::new(root);
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
    };
    push(json.get("stateRoot"));
    push(json.get("execution").and_then(|execution| execution.get("state_root")));
    match json {
        Value::Array(list) => list.iter().for_each(|item| collect_state_roots(item, roots)),
        Value::Object(object) => object.values().for_each(|item| collect_state_roots(item, roots)),
        _ => {}
    }
}

/// The proof objects of a document, each with a name.
fn proofs_of(json: &Value) -> Vec<(String, &Value)> {
    let is_proof = |value: &Value| {
        value.get("accountProof").is_some_and(Value::is_array)
            && ["address", "nonce"].iter().all(|name| value.get(name).is_some_and(Value::is_string))
    };
    if is_proof(json) {
        return vec![(String::new(), json)];
    }
    if let Some(result) = json.get("result").filter(|value| is_proof(value)) {
        return vec![(String::new(), result)];
    }
    let tests = json.get("tests").and_then(Value::as_object);
    let named = tests.into_iter().flatten().filter(|(_, value)| is_proof(value));
    named.map(|(name, value)| (format!(": {name}"), value)).collect()
}

/// What an answer claims about one slot.
struct Slot {
    key: B256,
    value: U256,
    proof: Vec<Bytes>,
}

/// What an answer claims.
struct Claim {
    address: Address,
    account: Option<Account>,
    account_proof: Vec<Bytes>,
    slots: Vec<Slot>,
}

fn text<'a>(json: &'a Value, name: &str) -> Result<&'a str> {
    json.get(name).and_then(Value::as_str).with_context(|| format!("no {name}"))
}

fn number(json: &Value, name: &str) -> Result<U256> {
    let digits = text(json, name)?;
    let digits = digits.strip_prefix("0x").context("number without 0x")?;
    Ok(if digits.is_empty() { U256::ZERO } else { U256::from_str_radix(digits, 16)? })
}

fn nodes(json: &Value, name: &str) -> Result<Vec<Bytes>> {
    let list = json.get(name).and_then(Value::as_array).with_context(|| format!("no {name}"))?;
    let node = |value: &Value| -> Result<Bytes> {
        let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).context("node")?;
        Ok(hex::decode(digits)?.into())
    };
    list.iter().map(node).collect()
}

/// A slot number, which servers write with or without leading zeros.
fn slot_key(digits: &str) -> Result<B256> {
    let digits = digits.strip_prefix("0x").context("slot without 0x")?;
    Ok(B256::new(U256::from_str_radix(digits, 16)?.to_be_bytes()))
}

fn read_claim(json: &Value) -> Result<Claim> {
    let account = Account {
        nonce: u64::try_from(number(json, "nonce")?)?,
        balance: number(json, "balance")?,
        storage_root: B256::new(hex_array(text(json, "storageHash")?)?),
        code_hash: B256::new(hex_array(text(json, "codeHash")?)?),
    };
    let empty_code = [B256::ZERO, keccak256([])].contains(&account.code_hash);
    let empty_storage = [B256::ZERO, EMPTY_ROOT_HASH].contains(&account.storage_root);
    let is_absent = account.nonce == 0 && account.balance.is_zero() && empty_code && empty_storage;
    let mut slots = Vec::new();
    for slot in json.get("storageProof").and_then(Value::as_array).into_iter().flatten() {
        slots.push(Slot {
            key: slot_key(text(slot, "key")?)?,
            value: number(slot, "value")?,
            proof: nodes(slot, "proof")?,
        });
    }
    Ok(Claim {
        address: Address::new(hex_array(text(json, "address")?)?),
        account: (!is_absent).then_some(account),
        account_proof: nodes(json, "accountProof")?,
        slots,
    })
}

/// The root that the proof begins at.
fn state_root_of(claim: &Claim, roots: &[B256]) -> Result<B256> {
    let first = keccak256(claim.account_proof.first().context("empty account proof")?);
    match (roots, roots.contains(&first)) {
        ([only], _) => Ok(*only),
        (_, true) => Ok(first),
        (_, false) => {
            bail!("proof begins at {first}, which is none of {} state roots", roots.len())
        }
    }
}

fn run_case(json: &Value, roots: &[B256]) -> Result<String> {
    let claim = read_claim(json)?;
    let state_root = state_root_of(&claim, roots)?;
    let account = verify_account(state_root, claim.address, &claim.account_proof)?;
    ensure!(account == claim.account, "account: got {account:?}, expected {:?}", claim.account);
    let storage_root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
    let mut absent = 0usize;
    for slot in &claim.slots {
        let value = verify_storage(storage_root, slot.key, &slot.proof)
            .with_context(|| format!("slot {}", slot.key))?;
        ensure!(value == slot.value, "slot {}: got {value}, expected {}", slot.key, slot.value);
        absent += usize::from(value.is_zero());
    }
    as_node_set(&claim, state_root, storage_root).context("as a set of nodes")?;

    let mut rejected = refuses_tampering(&claim.account_proof, |proof| {
        verify_account(state_root, claim.address, proof).is_err()
    })?;
    for slot in &claim.slots {
        rejected += refuses_tampering(&slot.proof, |proof| {
            verify_storage(storage_root, slot.key, proof).is_err()
        })?;
    }
    Ok(format!(
        "account {}, {} slots ({absent} proven absent), {rejected} tampered proofs rejected",
        if account.is_some() { "present" } else { "proven absent" },
        claim.slots.len(),
    ))
}

/// All proofs of the answer at once, from its distinct nodes.
fn as_node_set(claim: &Claim, state_root: B256, storage_root: B256) -> Result<()> {
    let all = claim.account_proof.iter().chain(claim.slots.iter().flat_map(|slot| &slot.proof));
    let mut distinct: Vec<Vec<u8>> = all.map(|node| node.to_vec()).collect();
    distinct.sort();
    distinct.dedup();
    let mut nodes = TrieNodes::new(distinct)?;
    ensure!(get_account(&mut nodes, state_root, claim.address)? == claim.account, "account");
    for slot in &claim.slots {
        ensure!(
            get_storage(&mut nodes, storage_root, slot.key)? == slot.value,
            "slot {}",
            slot.key
        );
    }
    nodes.finish()?;
    Ok(())
}

/// Flips one bit of every byte in turn, takes nodes away and adds one; all must be rejected.
fn refuses_tampering(proof: &[Bytes], is_rejected: impl Fn(&[Bytes]) -> bool) -> Result<usize> {
    let mut rejected = 0;
    for (index, node) in proof.iter().enumerate() {
        for at in 0..node.len() {
            let mut bytes = node.to_vec();
            bytes[at] ^= 1 << (at % 8);
            let mut tampered = proof.to_vec();
            tampered[index] = bytes.into();
            ensure!(
                is_rejected(&tampered),
                "accepted with a bit of byte {at} of node {index} flipped"
            );
            rejected += 1;
        }
        let mut shorter = proof.to_vec();
        shorter.remove(index);
        ensure!(is_rejected(&shorter), "accepted without node {index}");
        let mut longer = proof.to_vec();
        longer.push(node.clone());
        ensure!(is_rejected(&longer), "accepted with node {index} twice");
        rejected += 2;
    }
    Ok(rejected)
}
