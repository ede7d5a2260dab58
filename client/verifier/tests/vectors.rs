//! Official vectors beside the sync suite (which the harness runs): update ranking and BLS. Skipped, and said so, when
//! `../shared/vectors` is absent.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: a panic is a failure"
)]

mod common;

use common::vectors;
use heliotrope_verifier::chains::ethereum::{
    BlsPublicKey, Fork, LightClientSsz as _, LightClientUpdate, Preset, fast_aggregate_verify,
    is_better_update,
};
use serde_yaml_ng::Value;

fn yaml(path: &std::path::Path) -> Value {
    serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

#[test]
fn update_ranking() {
    let below =
        "ethereum/spec/minimal/fulu/light_client/update_ranking/pyspec_tests/update_ranking";
    let Some(folder) = vectors(below) else { return };
    let count = yaml(&folder.join("meta.yaml"))["updates_count"].as_u64().unwrap();
    let updates: Vec<LightClientUpdate> = (0..count)
        .map(|index| {
            let bytes = std::fs::read(folder.join(format!("updates_{index}.ssz_snappy"))).unwrap();
            let ssz = snap::raw::Decoder::new().decompress_vec(&bytes).unwrap();
            let update = LightClientUpdate::decode(Fork::Fulu, Preset::Minimal, &ssz).unwrap();
            assert_eq!(update.encode(Fork::Fulu, Preset::Minimal).unwrap(), ssz);
            update
        })
        .collect();
    let spec = common::spec();
    for (index, update) in updates.iter().enumerate() {
        for worse in &updates[index + 1..] {
            assert!(is_better_update(update, worse, &spec), "update {index}");
            assert!(!is_better_update(worse, update, &spec), "update {index}");
        }
    }
}

#[test]
fn fast_aggregate_verify_cases() {
    let Some(folder) = vectors("ethereum/spec/general/phase0/bls/fast_aggregate_verify/bls") else {
        return;
    };
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let case = yaml(&path.join("data.yaml"));
        let input = &case["input"];
        let keys: Vec<Vec<u8>> =
            input["pubkeys"].as_sequence().unwrap().iter().map(bytes).collect();
        let keys: Option<Vec<BlsPublicKey>> =
            keys.into_iter().map(|key| key.try_into().ok()).collect();
        let signature = bytes(&input["signature"]).try_into();
        let message: [u8; 32] = bytes(&input["message"]).try_into().unwrap();
        let accepted = match (keys, signature) {
            (Some(keys), Ok(signature)) => {
                fast_aggregate_verify(&keys, &message, &signature).is_ok()
            }
            _ => false,
        };
        assert_eq!(accepted, case["output"].as_bool().unwrap(), "{}", path.display());
        cases += 1;
    }
    assert!(cases > 0);
}
