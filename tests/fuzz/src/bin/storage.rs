//! Storage evidence, its parameters and its submissions: what decodes is the one encoding of its value.
#![no_main]

use heliotrope_device_proofs::{
    calldata::ProvePossession,
    commp::{CommpParams, CommpSample},
    pdp::{PdpParams, PossessionProof},
    piece::PieceCid,
    submission::Submission,
};
use heliotrope_fuzz::{canonical, choice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    match kind {
        0 => canonical!(PossessionProof, rest),
        1 => canonical!(PdpParams, rest),
        2 => canonical!(CommpSample, rest),
        3 => canonical!(CommpParams, rest),
        4 => canonical!(Submission, rest),
        5 => canonical!(PieceCid, rest),
        6 => canonical!(ProvePossession, rest),
        _ => {}
    }
});
