//! What mainnet recordings prove of a block, its receipts and its state, and that a change of them is refused.

#![cfg(feature = "reads")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test"
)]

use std::{fs, path::PathBuf};

use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, Header, TxEnvelope,
    proofs::{calculate_transaction_root, calculate_withdrawals_root},
    transaction::{Recovered, SignerRecoverable as _},
};
use alloy_eips::{eip2718::Decodable2718 as _, eip4895::Withdrawal};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rpc_types_eth::{Block, BlockTransactions, Transaction};
use heliotrope_light_client::reads::{judge_block, judge_proof, judge_receipts};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn read(name: &str) -> Option<Value> {
    let vectors =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/ethereum");
    let path = vectors.join(name);
    if !path.exists() {
        println!("skipped: no {}", path.display());
        return None;
    }
    Some(serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
}

fn parse<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn decimal<T: core::str::FromStr<Err: core::fmt::Debug>>(value: &Value) -> T {
    value.as_str().unwrap().parse().unwrap()
}

/// Paths of all strings below, but of those that `skip` names.
fn strings(value: &Value, path: &str, skip: &[&str], out: &mut Vec<String>) {
    match value {
        Value::String(_) => out.push(path.to_owned()),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                strings(value, &format!("{path}/{index}"), skip, out);
            }
        }
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, _)| !skip.contains(&name.as_str())) {
                strings(value, &format!("{path}/{name}"), skip, out);
            }
        }
        _ => {}
    }
}

/// Changes one bit of the last digit of every string but those that nothing signs (`skip`), a sample of them
/// after the first 300, and wants each refused.
fn every_change_is_refused(
    answer: &Value,
    skip: &[&str],
    judge: impl Fn(Value) -> Result<(), String>,
) {
    let mut paths = Vec::new();
    strings(answer, "", skip, &mut paths);
    assert!(paths.len() > 20);
    for (_, path) in paths.iter().enumerate().filter(|(index, _)| *index < 300 || index % 41 == 0) {
        let mut lie = answer.clone();
        let Some(Value::String(text)) = lie.pointer_mut(path) else { panic!("{path}") };
        if text == "0x" {
            text.push_str("00");
        } else {
            let digit = text.pop().unwrap().to_digit(16).unwrap() ^ 1;
            text.push(char::from_digit(digit, 16).unwrap());
        }
        assert!(judge(lie).is_err(), "{path}");
    }
}

/// A block of mainnet as `eth_getBlockByHash` gives it, made of the beacon block that carried it.
fn block(payload: &Value) -> Block {
    let raw: Vec<Bytes> = parse(&payload["transactions"]);
    let decode = |bytes: &Bytes| TxEnvelope::decode_2718(&mut bytes.as_ref()).unwrap();
    let envelopes: Vec<TxEnvelope> = raw.iter().map(decode).collect();
    let withdrawals: Vec<Withdrawal> = payload["withdrawals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| Withdrawal {
            index: decimal(&w["index"]),
            validator_index: decimal(&w["validator_index"]),
            address: parse(&w["address"]),
            amount: decimal(&w["amount"]),
        })
        .collect();
    let inner = Header {
        parent_hash: parse(&payload["parent_hash"]),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: parse(&payload["fee_recipient"]),
        state_root: parse(&payload["state_root"]),
        transactions_root: calculate_transaction_root(&envelopes),
        receipts_root: parse(&payload["receipts_root"]),
        logs_bloom: parse(&payload["logs_bloom"]),
        number: decimal(&payload["block_number"]),
        gas_limit: decimal(&payload["gas_limit"]),
        gas_used: decimal(&payload["gas_used"]),
        timestamp: decimal(&payload["timestamp"]),
        extra_data: parse(&payload["extra_data"]),
        mix_hash: parse(&payload["prev_randao"]),
        base_fee_per_gas: Some(decimal(&payload["base_fee_per_gas"])),
        withdrawals_root: Some(calculate_withdrawals_root(&withdrawals)),
        ..Header::default()
    };
    let transaction = |envelope: TxEnvelope| {
        let signer = envelope.recover_signer().unwrap();
        let inner = Recovered::new_unchecked(envelope, signer);
        let (block_hash, block_number, transaction_index) = (None, None, None);
        let (effective_gas_price, block_timestamp) = (None, None);
        Transaction {
            inner,
            block_hash,
            block_number,
            transaction_index,
            effective_gas_price,
            block_timestamp,
        }
    };
    Block {
        header: alloy_rpc_types_eth::Header::new(inner),
        uncles: Vec::new(),
        transactions: BlockTransactions::Full(envelopes.into_iter().map(transaction).collect()),
        withdrawals: Some(withdrawals.into()),
    }
}

#[test]
fn a_mainnet_block_is_its_hash_and_no_other() {
    let Some(beacon) = read("mainnet_capella_periods_862_867/blocks/7109344.json") else { return };
    let payload = beacon.pointer("/data/message/body/execution_payload").unwrap();
    let hash: B256 = parse(&payload["block_hash"]);
    let answer = serde_json::to_value(block(payload)).unwrap();
    judge_block(answer.clone(), hash).unwrap();
    // computed from the rest: the member of that name is not read
    let derived = ["hash", "from", "gasPrice", "size", "yParity", "v"];
    every_change_is_refused(&answer, &derived, |lie| judge_block(lie, hash));
    let mut short = answer;
    short["transactions"].as_array_mut().unwrap().pop();
    assert!(judge_block(short, hash).is_err());
}

#[test]
fn receipts_of_a_mainnet_block_are_all_or_refused() {
    let (Some(block), Some(answer)) =
        (read("execution_rpc/rpc/block.json"), read("execution_rpc/rpc/receipts.json"))
    else {
        return;
    };
    let header: Header = parse::<Block<Value>>(&block).header.inner;
    assert_eq!(header.hash_slow(), parse::<B256>(&block["hash"]));
    judge_receipts(answer.clone(), &header).unwrap();
    // where a receipt stands follows from its place; see what `Reads` makes of it
    let derived = [
        "transactionHash",
        "transactionIndex",
        "blockHash",
        "blockNumber",
        "gasUsed",
        "from",
        "to",
        "effectiveGasPrice",
        "contractAddress",
        "logIndex",
        "blobGasPrice",
        "blobGasUsed",
        "blockTimestamp",
    ];
    every_change_is_refused(&answer, &derived, |lie| judge_receipts(lie, &header));
    let index = answer.as_array().unwrap().iter().position(|r| r["logs"][0].is_object()).unwrap();
    let mut without = answer.clone();
    without[index]["logs"].as_array_mut().unwrap().pop();
    assert!(judge_receipts(without, &header).is_err(), "a log left out");
    let mut twice = answer;
    let log = twice[index]["logs"][0].clone();
    twice[index]["logs"].as_array_mut().unwrap().push(log);
    assert!(judge_receipts(twice, &header).is_err(), "a log added");
}

#[test]
fn a_mainnet_account_is_proven_by_exactly_its_nodes() {
    let (Some(block), Some(answer)) =
        (read("execution_rpc/rpc/block.json"), read("execution_rpc/rpc/block_miner_proof.json"))
    else {
        return;
    };
    let (root, address): (B256, Address) = (parse(&block["stateRoot"]), parse(&answer["address"]));
    judge_proof(answer.clone(), root, address, &[]).unwrap();
    // what the node says of the account is not read: the leaf is
    let said = ["address", "balance", "nonce", "codeHash", "storageHash"];
    let mut nodes = Vec::new();
    strings(&answer, "", &said, &mut nodes);
    for path in nodes {
        for at in (2..answer.pointer(&path).unwrap().as_str().unwrap().len()).step_by(7) {
            let mut lie = answer.clone();
            let Some(Value::String(text)) = lie.pointer_mut(&path) else { panic!("{path}") };
            let digit = text.as_bytes()[at];
            text.replace_range(at..=at, if digit == b'0' { "1" } else { "0" });
            assert!(judge_proof(lie, root, address, &[]).is_err(), "{path} at {at}");
        }
    }
    assert!(judge_proof(answer, root, Address::repeat_byte(7), &[]).is_err(), "another account");
}

#[test]
fn slots_of_nobody_are_zero_whatever_a_node_sends_beside_it() {
    let empty_state = alloy_consensus::constants::EMPTY_ROOT_HASH;
    let nobody = Address::repeat_byte(7);
    let some = serde_json::json!([{ "proof": ["0x80"] }]);
    for beside in [serde_json::json!([]), some] {
        let answer = serde_json::json!({ "accountProof": [], "storageProof": beside });
        judge_proof(answer.clone(), empty_state, nobody, &[B256::ZERO]).unwrap();
        assert!(judge_proof(answer, B256::repeat_byte(1), nobody, &[B256::ZERO]).is_err());
    }
}
