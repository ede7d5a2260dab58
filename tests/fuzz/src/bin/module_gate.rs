//! The gate before a module may reach an engine: it says yes or no, and what it lets through has no import.
#![no_main]

use heliotrope_device_proofs::module::{Limits, validate_module};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if validate_module(data, &Limits::ABI_V1).is_ok() {
        assert!(data.starts_with(b"\0asm\x01\0\0\0"));
        // section 2 is that of imports: it may be there, and empty
        assert!(heliotrope_fuzz::section(data, 2).is_none_or(|body| body.first() == Some(&0)));
    }
});
