//! Reads of the sync core over a mainnet block, and what it makes of every change.

#![cfg(feature = "reads")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test"
)]

use std::{fs, path::PathBuf};

use alloy_consensus::Header;
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::{Block, TransactionReceipt};
use heliotrope_sync_core::{
    Refusal,
    reads::{Reading, account},
};
use serde_json::Value;

fn read(name: &str) -> Option<Value> {
    let vectors = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/vectors/ethereum/execution_rpc/rpc")
        .join(name);
    if !vectors.exists() {
        println!("skipped: no {}", vectors.display());
        return None;
    }
    Some(serde_json::from_slice(&fs::read(vectors).unwrap()).unwrap())
}

fn list(items: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut out = u16::try_from(items.len()).unwrap().to_le_bytes().to_vec();
    for item in items {
        out.extend_from_slice(&u32::try_from(item.as_ref().len()).unwrap().to_le_bytes());
        out.extend_from_slice(item.as_ref());
    }
    out
}

fn header() -> Option<Header> {
    let block: Block<Value> = serde_json::from_value(read("block.json")?).unwrap();
    Some(block.header.inner)
}

fn reading(header: &Header) -> Reading {
    Reading::block(&alloy_rlp::encode(header), header.hash_slow().0).unwrap()
}

fn receipts() -> Option<Vec<TransactionReceipt>> {
    Some(serde_json::from_value(read("receipts.json")?).unwrap())
}

fn encoded(receipts: &[TransactionReceipt]) -> Vec<Vec<u8>> {
    let encode = |r: &TransactionReceipt| r.clone().into_primitives_receipt().inner.encoded_2718();
    receipts.iter().map(encode).collect()
}

#[test]
fn an_account_is_proven_by_exactly_its_nodes() {
    let (Some(header), Some(answer)) = (header(), read("block_miner_proof.json")) else { return };
    let address: Address = serde_json::from_value(answer["address"].clone()).unwrap();
    let nodes: Vec<Bytes> = serde_json::from_value(answer["accountProof"].clone()).unwrap();
    let input = |nodes: &[Bytes]| [address.as_slice(), &list(nodes), &[0, 0]].concat();
    let proven = account(&input(&nodes), header.state_root.0).unwrap();
    let balance: U256 = serde_json::from_value(answer["balance"].clone()).unwrap();
    assert_eq!(proven[0], 1);
    assert_eq!(proven[9..41], balance.to_be_bytes::<32>());
    let cut = nodes.len() - 1;
    assert_eq!(account(&input(&nodes[..cut]), header.state_root.0), Err(Refusal::Proof));
    let mut altered = nodes.clone();
    let mut last = altered[cut].to_vec();
    last[40] ^= 1;
    altered[cut] = last.into();
    assert_eq!(account(&input(&altered), header.state_root.0), Err(Refusal::Proof));
    let whole = input(&nodes);
    for length in 0..whole.len() {
        assert!(account(&whole[..length], header.state_root.0).is_err(), "{length}");
    }
}

#[test]
fn a_block_is_its_hash_and_no_other() {
    let Some(header) = header() else { return };
    let rlp = alloy_rlp::encode(&header);
    let hash = header.hash_slow();
    assert_eq!(reading(&header).answer()[16..48], hash[..]);
    assert_eq!(Reading::block(&rlp, [0; 32]).err(), Some(Refusal::Proof));
    for at in 0..rlp.len() {
        let mut altered = rlp.clone();
        altered[at] ^= 1;
        assert!(Reading::block(&altered, hash.0).is_err(), "{at}");
    }
}

#[test]
fn logs_are_all_or_refused() {
    let (Some(header), Some(receipts)) = (header(), receipts()) else { return };
    let mut reading = reading(&header);
    let any = [0; 5];
    assert_eq!(reading.logs(&any), Err(Refusal::Receipts));
    let mut without = receipts.clone();
    without.pop();
    assert_eq!(reading.receipts(&list(&encoded(&without))), Err(Refusal::Proof));
    let mut altered = encoded(&receipts);
    let last = altered.last_mut().unwrap().last_mut().unwrap();
    *last ^= 1;
    assert_eq!(reading.receipts(&list(&altered)), Err(Refusal::Proof));
    reading.receipts(&list(&encoded(&receipts))).unwrap();

    let count = |answer: &[u8]| u32::from_le_bytes(answer[..4].try_into().unwrap()) as usize;
    let logs: Vec<_> = receipts.iter().flat_map(|r| r.logs()).collect();
    assert!(logs.len() > 100);
    assert_eq!(count(&reading.logs(&any).unwrap()), logs.len());
    // one contract, then one of its events
    let (contract, event) = (logs[0].address(), logs[0].topics()[0]);
    let of_contract = [&[1], contract.as_slice(), &[0; 4]].concat();
    let expected = logs.iter().filter(|log| log.address() == contract).count();
    assert_eq!(count(&reading.logs(&of_contract).unwrap()), expected);
    let of_event = [&[1], contract.as_slice(), &[1], event.as_slice(), &[0; 3]].concat();
    let answer = reading.logs(&of_event).unwrap();
    let is_it = |log: &&&alloy_rpc_types_eth::Log| {
        log.address() == contract && log.topics().first() == Some(&event)
    };
    assert_eq!(count(&answer), logs.iter().filter(is_it).count());
    assert_eq!(answer[12..32], contract[..]);
    // the bloom filter says no: no receipt is needed
    let nobody = [&[1][..], &[0xab; 20], &[0; 4]].concat();
    assert_eq!(reading.logs(&nobody), Ok(vec![0; 4]));
    assert_eq!(reading.logs(&nobody[1..]), Err(Refusal::Encoding));
    assert_ne!(header.receipts_root, B256::ZERO);
}
