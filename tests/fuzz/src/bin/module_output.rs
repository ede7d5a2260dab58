//! What passes between a check module and its host: what decodes is the one encoding of its value.
#![no_main]

use heliotrope_device_proofs::abi::{CheckInput, CheckOutput, Description, Fact, Plan, PlanQuery};
use heliotrope_device_proofs::radio::RadioParams;
use heliotrope_fuzz::{canonical, choice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    match kind {
        0 => canonical!(Fact, rest),
        1 => canonical!(PlanQuery, rest),
        2 => canonical!(Plan, rest),
        3 => canonical!(CheckInput, rest),
        4 => canonical!(CheckOutput, rest),
        5 => canonical!(Description, rest),
        6 => canonical!(RadioParams, rest),
        _ => {}
    }
});
