//! Execution headers as RLP.
#![no_main]

use heliotrope_verifier::proofs::header::ExecutionHeader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    drop(ExecutionHeader::decode(data));
});
