//! A real call on real state: `balanceOf` of mainnet's USDC, a proxy and its implementation, from recorded
//! `eth_getProof` and `eth_getCode` answers. The root is the one in a recorded beacon block.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: a panic is a failure"
)]

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use heliotrope_evm::{
    BlockContext, Call, CallOutcome, EvmError, Missing, ProvenState, SpecId, call,
};
use heliotrope_verifier::proofs::eip1186::{verify_account, verify_storage};
use serde_json::Value;

fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("HELIOTROPE_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
        PathBuf::from,
    );
    let folder = root.join("ethereum/mainnet_electra_rpc/eth_call_electra");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no {}", folder.display());
    None
}

/// Contents of the recorded files whose names start so.
fn recorded(folder: &Path, start: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let named = |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(start);
    files.iter().filter(named).map(|path| std::fs::read(path).unwrap()).collect()
}

fn json(bytes: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    if value.get("result").is_some() { value["result"].take() } else { value }
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn nodes(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().unwrap().iter().map(bytes).collect()
}

/// The state with all that the recorded proofs prove, but slot number `without`.
fn proven(folder: &Path, without: Option<usize>) -> (ProvenState, usize) {
    let blocks = recorded(folder, "eth_v2_beacon_blocks_");
    let has = |root: B256| blocks.iter().any(|b| b.windows(32).any(|w| w == root.as_slice()));
    let mut state = ProvenState::new();
    state.insert_account(Address::ZERO, None);
    let mut slots = 0;
    for answer in recorded(folder, "eth_getProof_").iter().map(|file| json(file)) {
        let proof = nodes(&answer["accountProof"]);
        let root = keccak256(&proof[0]);
        assert!(has(root), "no recorded block has the state root {root}");
        let address = Address::from_slice(&bytes(&answer["address"]));
        let account = verify_account(root, address, &proof).unwrap().unwrap();
        state.insert_account(address, Some(account));
        for slot in answer["storageProof"].as_array().unwrap() {
            let key = B256::left_padding_from(&bytes_of_quantity(&slot["key"]));
            let value = verify_storage(account.storage_root, key, &nodes(&slot["proof"])).unwrap();
            if without != Some(slots) {
                state.insert_storage(address, key.into(), value);
            }
            slots += 1;
        }
    }
    for code in recorded(folder, "eth_getCode_").iter().map(|file| bytes(&json(file))) {
        state.insert_code(keccak256(&code), Bytes::from(code)).unwrap();
    }
    (state, slots)
}

/// Hex with or without an even number of digits.
fn bytes_of_quantity(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().trim_start_matches("0x");
    hex::decode(format!("{}{digits}", if digits.len().is_multiple_of(2) { "" } else { "0" }))
        .unwrap()
}

fn balance_of(folder: &Path, state: &ProvenState) -> (Result<CallOutcome, EvmError>, U256) {
    let test = json(&recorded(folder, "test.json")[0]);
    let message = Call {
        to: Some(Address::from_slice(&bytes(&test["params"][0]["to"]))),
        data: bytes(&test["params"][0]["data"]).into(),
        ..Call::default()
    };
    let block = BlockContext { gas_limit: 36_000_000, ..BlockContext::default() };
    let expected = U256::from_be_slice(&bytes(&test["expected_result"]));
    (call(1, SpecId::PRAGUE, &block, &message, state), expected)
}

#[test]
fn usdc_balance_is_the_recorded_one() {
    let Some(folder) = folder() else { return };
    let (state, slots) = proven(&folder, None);
    assert!(slots > 0);
    let (outcome, expected) = balance_of(&folder, &state);
    match outcome.unwrap() {
        CallOutcome::Success { output, .. } => assert_eq!(U256::from_be_slice(&output), expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_slot_is_needed_and_named_when_it_is_not_there() {
    let Some(folder) = folder() else { return };
    let (_, slots) = proven(&folder, None);
    for without in 0..slots {
        let (state, _) = proven(&folder, Some(without));
        let (outcome, _) = balance_of(&folder, &state);
        assert!(
            matches!(outcome, Err(EvmError::Missing(Missing::Storage(..)))),
            "slot {without}: {outcome:?}"
        );
    }
}
