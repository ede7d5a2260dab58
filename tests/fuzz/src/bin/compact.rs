//! Compact sync data: what decodes is the one encoding of its value.
#![no_main]

use heliotrope_fuzz::choice;
use heliotrope_verifier::chains::ethereum::{
    ChainSpec,
    compact::{
        CompactBootstrap, CompactUpdate, decode_batch, encode_batch, initialize_compact_store,
    },
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    let spec = ChainSpec::mainnet();
    match kind {
        0 => {
            if let Ok(bootstrap) = CompactBootstrap::decode(rest, &spec) {
                assert_eq!(
                    bootstrap.encode(&spec).as_deref(),
                    Ok(rest),
                    "two encodings of one value"
                );
                assert!(initialize_compact_store(Default::default(), &bootstrap, &spec).is_err());
            }
        }
        1 => {
            if let Ok(update) = CompactUpdate::decode(rest, &spec) {
                assert_eq!(update.encode(&spec).as_deref(), Ok(rest), "two encodings of one value");
            }
        }
        2 => {
            if let Ok(updates) = decode_batch(rest, &spec) {
                assert_eq!(encode_batch(&updates, &spec).as_deref(), Ok(rest), "two encodings");
            }
        }
        _ => {}
    }
});
