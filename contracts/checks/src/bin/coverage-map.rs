//! The check `coverage-map` as a module. Run natively, it prints its table of rules.
#![cfg_attr(target_arch = "wasm32", no_main)]

heliotrope_checks::export_check!(coverage_map);
