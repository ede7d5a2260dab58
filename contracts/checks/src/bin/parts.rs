//! Loops of checks as a module to measure, see `parts.rs`.
#![cfg_attr(target_arch = "wasm32", no_main)]

heliotrope_checks::export_check!(parts);
