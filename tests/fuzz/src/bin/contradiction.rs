//! Evidence files, and the journals in them: kept bytes are a stranger's.
#![no_main]

use heliotrope_fuzz::{choice, parts};
use heliotrope_light_client::{
    evidence::{Evidence, Statement},
    network::Network,
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const SEED: [u8; 32] = [7; 32];

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    if kind == 0 {
        if let Ok(evidence) = Evidence::from_json(rest) {
            drop(evidence.judge(SEED));
        }
        return;
    }
    let Some((length, rest)) = rest.split_first_chunk::<3>() else { return };
    let [low, middle, high] = length.map(usize::from);
    let length = (low | middle << 8 | high << 16).min(rest.len());
    let (journal, headers) = rest.split_at(length);
    let statement = Statement {
        source: String::new(),
        method: "eth_getBlockReceipts".to_owned(),
        params: json!([alloy_primitives::B256::ZERO]),
        answer: json!([]),
    };
    let network = Network::built_in("mainnet").expect("built in");
    let mut evidence = Evidence::new(network, journal.to_vec(), &[], statement);
    evidence.headers = parts(headers).into_iter().map(Into::into).collect();
    drop(evidence.judge(SEED));
});
