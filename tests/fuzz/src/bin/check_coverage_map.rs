//! The check `coverage-map`: see [`heliotrope_fuzz::judge`].
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| heliotrope_fuzz::judge("coverage-map", data));
