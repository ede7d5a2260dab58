//! Answers of an execution node, each judged under the root that fits what it begins with.
#![no_main]

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use heliotrope_fuzz::choice;
use heliotrope_light_client::reads::{judge_block, judge_proof, judge_receipts};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    let Ok(answer) = serde_json::from_slice::<Value>(rest) else { return };
    match kind {
        0 => {
            let first = answer.pointer("/accountProof/0").cloned().unwrap_or_default();
            let first: Bytes = serde_json::from_value(first).unwrap_or_default();
            let address = answer.get("address").cloned().unwrap_or_default();
            let address: Address = serde_json::from_value(address).unwrap_or_default();
            drop(judge_proof(answer, keccak256(first), address, &[B256::ZERO]));
        }
        1 => {
            let header: Header = serde_json::from_value(answer.clone()).unwrap_or_default();
            drop(judge_block(answer, header.hash_slow()));
        }
        2 => drop(judge_receipts(answer, &Header::default())),
        _ => {}
    }
});
