//! Evidence of any kind, and what oracles and parameters say beside it: what decodes is the one encoding of its value.
#![no_main]

use heliotrope_device_proofs::{
    coverage_map::{CoverageMapBundle, CoverageMapParams, OracleData},
    data_transfer::{DataTransferBundle, DataTransferParams},
    evidence::{Evidence, Ground},
    provenance::EvidenceBundleV2,
};
use heliotrope_fuzz::{canonical, choice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    match kind {
        0 => evidence(rest),
        1 => oracle(rest),
        2 => canonical!(DataTransferParams, rest),
        3 => canonical!(CoverageMapParams, rest),
        _ => {}
    }
});

fn evidence(bytes: &[u8]) {
    let Ok(evidence) = Evidence::decode(bytes) else { return };
    let again = match &evidence {
        Evidence::Radio(radio) => radio_bytes(radio, bytes),
        Evidence::Possession(proof) => proof.encode(),
        Evidence::Commp(sample) => sample.encode(),
        Evidence::CoverageMap(bundle) => map_bytes(bundle),
        Evidence::DataTransfer(bundle) => transfer_bytes(bundle),
        _ => panic!("a kind of evidence that this target does not know"),
    };
    assert_eq!(again, bytes, "two encodings of one value");
    if let Ok(ground) = evidence.ground() {
        // a cell in a bundle may be anything, what is drawn is a lane
        let drawn = matches!(ground, Ground::Nowhere(_));
        assert!(!drawn || ground.lane().is_some_and(|lane| lane < 122), "{ground:?}");
    }
    drop(evidence.authenticate());
}

/// Version 1 has no provenance, and is the encoding of its own type.
fn radio_bytes(radio: &EvidenceBundleV2, bytes: &[u8]) -> Vec<u8> {
    let mut sorted = radio.bundle.clone();
    sorted.sort_witnesses();
    assert_eq!(sorted, radio.bundle, "taken out of order");
    drop(radio.session_inits());
    if EvidenceBundleV2::decode(bytes).is_ok() {
        return radio.encode();
    }
    let only = EvidenceBundleV2 { bundle: radio.bundle.clone(), ..Default::default() };
    assert_eq!(&only, radio, "version 1 with provenance");
    radio.bundle.encode()
}

fn map_bytes(bundle: &CoverageMapBundle) -> Vec<u8> {
    let mut sorted = bundle.clone();
    sorted.sort();
    assert_eq!(&sorted, bundle, "taken out of order");
    oracle(&bundle.oracle);
    bundle.encode()
}

fn transfer_bytes(bundle: &DataTransferBundle) -> Vec<u8> {
    let mut sorted = bundle.clone();
    sorted.sort_sessions();
    assert_eq!(&sorted, bundle, "taken out of order");
    bundle.encode()
}

/// What is in it is found again.
fn oracle(bytes: &[u8]) {
    let Ok(oracle) = OracleData::decode(bytes) else { return };
    assert_eq!(oracle.encode(), bytes, "two encodings of one value");
    for hex in &oracle.hexes {
        assert_eq!(oracle.hex(hex.cell), Some(hex));
    }
    for radio in &oracle.radios {
        assert_eq!(oracle.radio(&radio.device_id), Some(radio));
    }
}
