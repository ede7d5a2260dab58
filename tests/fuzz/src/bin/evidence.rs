//! Evidence, manifests and shards as CBOR: what decodes is the one encoding of its value.
#![no_main]

use heliotrope_device_proofs::{
    bundle::EvidenceBundle,
    coverage::Shard,
    epoch::{EpochManifest, ShardEvidence},
    provenance::EvidenceBundleV2,
};
use heliotrope_fuzz::{canonical, choice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    match kind {
        0 => canonical!(EvidenceBundle, rest),
        1 => canonical!(ShardEvidence, rest),
        2 => canonical!(EpochManifest, rest),
        3 => canonical!(Shard, rest),
        4 => {
            if let Ok(bundle) = EvidenceBundle::decode(rest) {
                drop(bundle.authenticate());
            }
        }
        5 => canonical!(EvidenceBundleV2, rest),
        6 => {
            if let Ok(bundle) = EvidenceBundleV2::decode(rest) {
                drop(bundle.authenticate());
            }
        }
        _ => {}
    }
});
