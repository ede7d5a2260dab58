//! Beacon API answers, JSON and framed SSZ.
#![no_main]

use heliotrope_fuzz::choice;
use heliotrope_light_client::recording::Recording;
use heliotrope_verifier::chains::ethereum::ChainSpec;
use libfuzzer_sys::fuzz_target;

/// File names, as the reader of recordings tells what is inside.
const NAMES: [&str; 8] = [
    "bootstrap.json",
    "updates.json",
    "finality.json",
    "optimistic.json",
    "bootstrap.ssz",
    "updates.ssz",
    "finUpdate.ssz",
    "optimistic_update.ssz",
];

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    if let Some(name) = NAMES.get(kind) {
        drop(Recording::decode([(*name, rest)], &ChainSpec::mainnet()));
    }
});
