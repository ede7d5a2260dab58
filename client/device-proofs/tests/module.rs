//! The gate of check modules: every rule has a module that breaks just that rule, and one at the limit.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    reason = "a test stops at the first surprise; the guests are shared"
)]

mod common;
#[path = "../../../tests/faults/guest.rs"]
mod guest;

use common::flips;
use guest::{Guest, assemble};
use heliotrope_device_proofs::module::{Limits, ModuleError, check_pin, validate_module};
use heliotrope_device_proofs::sha256;

fn gate(guest: &Guest) -> Result<(), ModuleError> {
    validate_module(&guest.wasm(), &Limits::ABI_V1)
}

/// `got` is the least that is too much: one less passes.
fn limit(what: &str, at: &Guest, over: &Guest) {
    assert_eq!(gate(at), Ok(()), "{what}: at the limit");
    match gate(over) {
        Err(ModuleError::Limit { what: named, got, expected }) => {
            assert_eq!(named, what);
            assert!(got > expected, "{what}: {got} > {expected}");
        }
        other => panic!("{what}: over the limit, got {other:?}"),
    }
}

#[test]
fn a_harmless_module_passes() {
    assert_eq!(gate(&Guest::default()), Ok(()));
}

#[test]
fn only_the_pinned_bytes_pass() {
    let wasm = Guest::default().wasm();
    let pin = sha256(&wasm);
    assert_eq!(check_pin(&wasm, &pin, &Limits::ABI_V1), Ok(()));
    for (bit, flipped) in flips(&wasm) {
        let error = check_pin(&flipped, &pin, &Limits::ABI_V1).unwrap_err();
        assert!(matches!(error, ModuleError::Hash { expected, .. } if expected == pin), "{bit}");
    }
    let cut = &wasm[..wasm.len() - 1];
    assert!(matches!(check_pin(cut, &pin, &Limits::ABI_V1), Err(ModuleError::Hash { .. })));
    let small = Limits { module_bytes: 8, ..Limits::ABI_V1 };
    assert!(matches!(check_pin(&wasm, &pin, &small), Err(ModuleError::Limit { .. })));
}

/// No bytes make the gate panic or pass for another reason than that they are such a module.
#[test]
fn flipped_and_cut_modules_never_panic() {
    let wasm =
        Guest::tail("(table 4 funcref) (elem (i32.const 0) $check) (data (i32.const 9) \"abc\")");
    let wasm = wasm.wasm();
    for (_, flipped) in flips(&wasm) {
        drop(validate_module(&flipped, &Limits::ABI_V1));
    }
    for end in 0..wasm.len() {
        // cut before a custom section, it is another module, and may well pass
        drop(validate_module(&wasm[..end], &Limits::ABI_V1));
    }
    let mut longer = wasm;
    longer.push(0);
    validate_module(&longer, &Limits::ABI_V1).unwrap_err();
}

#[test]
fn sizes_are_limited() {
    let max = Limits::ABI_V1;
    let functions = |n: u64| Guest::tail(&"(func)".repeat(usize::try_from(n).unwrap()));
    limit("functions", &functions(max.functions - 5), &functions(max.functions - 4));
    let locals = |n: usize| Guest::tail(&format!("(func (local {}))", "i64 ".repeat(n)));
    limit("locals", &locals(256), &locals(257));
    let params = |n: usize| Guest::tail(&format!("(func (param {}))", "i64 ".repeat(n)));
    limit("parameters", &params(32), &params(33));
    let results =
        |n: usize| Guest::tail(&format!("(func (result {}) unreachable)", "i64 ".repeat(n)));
    limit("parameters", &results(32), &results(33));
    let globals = |n: usize| Guest::tail(&"(global i32 (i32.const 0))".repeat(n));
    limit("globals", &globals(63), &globals(64));
    let table = |n: usize| Guest::tail(&format!("(table {n} funcref)"));
    limit("table elements", &table(1000), &table(1001));
    limit("table elements", &table(1000), &Guest::tail("(table 1 1001 funcref)"));
    let elements =
        |n: usize| Guest::tail(&format!("(table 1 funcref) (elem func {})", "$check ".repeat(n)));
    limit("elements", &elements(1000), &elements(1001));
    let segments = |n: usize| Guest::tail(&r#"(data (i32.const 0) "a")"#.repeat(n));
    limit("data segments", &segments(1000), &segments(1001));
    let segments =
        |n: usize| Guest::tail(&format!("(table 1 funcref) {}", "(elem func)".repeat(n)));
    limit("element segments", &segments(1000), &segments(1001));
    let body = |n: usize| Guest::tail(&format!("(func {})", "nop ".repeat(n)));
    limit("bytes of a function", &body((32 << 10) - 2), &body((32 << 10) - 1));
    let pages = |n: usize| Guest::memory(&format!(r#"(memory (export "memory") 1 {n})"#));
    limit("bytes of memory", &pages(256), &pages(257));
    let custom = |n: usize| Guest::tail(&format!(r#"(@custom "x" "{}")"#, "a".repeat(n)));
    limit("bytes", &custom(511 << 10), &custom(512 << 10));
}

#[test]
fn branch_tables_and_nesting_are_limited() {
    let table =
        |n: usize| Guest::tail(&format!("(func i32.const 0 br_table {})", "0 ".repeat(n + 1)));
    limit("branch targets", &table(512), &table(513));
    let nested =
        |n: usize| Guest::tail(&format!("(func {}{})", "block ".repeat(n), "end ".repeat(n)));
    limit("nested blocks", &nested(511), &nested(512));
}

/// Types are counted before anything is made of them.
#[test]
fn types_are_limited() {
    let types = |n: usize| {
        let types = (0..n).map(|i| format!("(type (func (param {})))", "i32 ".repeat(i % 8)));
        Guest { head: types.collect::<String>(), ..Guest::default() }
    };
    assert_eq!(gate(&types(900)), Ok(()));
    assert!(matches!(gate(&types(1001)), Err(ModuleError::Limit { what: "types", .. })));
}

/// Three bytes ask for 2^32 locals: refused by count, before the validator makes room for them.
#[test]
fn locals_are_counted_before_they_are_made() {
    let wasm = Guest::tail("(func (local i64))").wasm();
    // the last body: 1 group of locals, 1 × i64, end
    let at = wasm.windows(4).rposition(|part| part == [1, 1, 0x7e, 0x0b]).unwrap();
    let mut bomb = wasm[..at].to_vec();
    bomb.extend([1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7e, 0x0b]);
    bomb[at - 1] += 4;
    let section = wasm[..at].windows(2).rposition(|w| w[0] == 10).unwrap() + 1;
    bomb[section] += 4;
    let error = validate_module(&bomb, &Limits::ABI_V1).unwrap_err();
    assert!(
        matches!(error, ModuleError::Limit { what: "locals", got: 0xffff_ffff, .. }),
        "{error}"
    );
}

#[test]
fn there_is_one_memory_with_a_maximum() {
    let error = gate(&Guest::memory(r#"(memory (export "memory") 1)"#)).unwrap_err();
    assert_eq!(error, ModuleError::Memory { got: "a memory without maximum" });
    let without = Guest::default().text().replace(r#"(memory (export "memory") 1 4)"#, "");
    let error = validate_module(&assemble(&without), &Limits::ABI_V1).unwrap_err();
    assert_eq!(error, ModuleError::Memory { got: "no memory" });
    for memory in [
        r#"(memory (export "memory") 1 2) (memory 1 2)"#,
        r#"(memory (export "memory") i64 1 2)"#,
        r#"(memory (export "memory") 1 2 shared)"#,
        r#"(memory (export "memory") 1 2 (pagesize 1))"#,
        r#"(memory (export "memory") 2 1)"#,
    ] {
        let wasm = wat::parse_str(Guest::memory(memory).text());
        let Ok(wasm) = wasm else { continue };
        let error = validate_module(&wasm, &Limits::ABI_V1).unwrap_err();
        let refused = matches!(error, ModuleError::Limit { .. } | ModuleError::Invalid(_));
        assert!(refused, "{memory}: {error}");
    }
}

#[test]
fn nothing_is_imported() {
    for import in [
        r#"(import "env" "now" (func (result i64)))"#,
        r#"(import "env" "g" (global i32))"#,
        r#"(import "env" "t" (table 1 funcref))"#,
    ] {
        let guest = Guest { head: import.into(), ..Guest::default() };
        assert!(matches!(gate(&guest), Err(ModuleError::Import { .. })), "{import}");
    }
    let memory = Guest::memory(r#"(import "env" "memory" (memory 1 4))"#);
    assert_eq!(gate(&memory), Err(ModuleError::Import { got: "env.memory".into() }));
}

#[test]
fn nothing_runs_at_the_start() {
    assert_eq!(gate(&Guest::tail("(func $s) (start $s)")), Err(ModuleError::Start));
}

#[test]
fn exports_are_exactly_those_of_the_abi() {
    for tail in [
        r#"(func (export "extra"))"#,
        r#"(global (export "extra") i32 (i32.const 0))"#,
        r#"(table (export "extra") 1 funcref)"#,
        r#"(export "memory2" (memory 0))"#,
    ] {
        let error = gate(&Guest::tail(tail)).unwrap_err();
        assert!(matches!(error, ModuleError::Limit { what: "exports", .. }), "{tail}: {error}");
    }
    let text = Guest::default().text();
    let check = |text: &str| validate_module(&assemble(text), &Limits::ABI_V1);
    for (from, to) in [
        ("\"hc_alloc\"", "\"hc_malloc\""),
        (
            "\"hc_check\") (param i32 i32) (result i64)",
            "\"hc_check\") (param i64 i32) (result i64)",
        ),
        ("\"hc_abi_v1\"", "\"hc_abi_v2\""),
        ("(export \"hc_describe\")", ""),
        ("\"memory\"", "\"mem\""),
    ] {
        let error = check(&text.replace(from, to)).unwrap_err();
        assert!(matches!(error, ModuleError::Export { .. }), "{from} -> {to}: {error}");
    }
    // a name that is there twice
    let twice = text.replace("\"hc_describe\"", "\"hc_abi_v1\"");
    if let Ok(wasm) = wat::parse_str(&twice) {
        assert!(matches!(validate_module(&wasm, &Limits::ABI_V1), Err(ModuleError::Invalid(_))));
    }
    // a name that is something else
    let table = text.replace(
        "(memory (export \"memory\") 1 4)",
        "(memory 1 4) (table (export \"memory\") 1 funcref)",
    );
    assert!(matches!(check(&table), Err(ModuleError::Export { .. })));
}

/// One module for every proposal that is off.
#[test]
fn every_other_proposal_is_off() {
    for (proposal, tail) in [
        ("simd", "(func (v128.const i64x2 0 0) drop)"),
        (
            "relaxed simd",
            "(func (param v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)) drop)",
        ),
        ("threads", "(func (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 0))))"),
        ("tail calls", "(func $f (return_call $f))"),
        ("exceptions", "(tag)"),
        ("reference types: externref", "(func (param externref))"),
        ("reference types: ref.func", "(elem declare func $check) (func (drop (ref.func $check)))"),
        ("reference types: table.grow", "(table 1 2 funcref) (func (drop (table.size)))"),
        ("function references", "(type $f (func)) (func (param (ref $f)))"),
        ("gc", "(func (drop (ref.i31 (i32.const 0))))"),
        ("gc types", "(type (struct))"),
        ("extended const", "(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
        (
            "wide arithmetic",
            "(func (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)) drop drop)",
        ),
        ("stack switching", "(type $f (func)) (type (cont $f))"),
        ("table64", "(table i64 1 funcref)"),
    ] {
        let error = gate(&Guest::tail(tail)).unwrap_err();
        assert!(matches!(error, ModuleError::Invalid(_)), "{proposal}: {error}");
    }
    // a component is no module
    let component = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
    assert!(matches!(validate_module(&component, &Limits::ABI_V1), Err(ModuleError::Invalid(_))));
}

/// What is on, each in a module that passes.
#[test]
fn what_rustc_emits_is_on() {
    for tail in [
        "(func (drop (i32.extend8_s (i32.const 1))))",
        "(func (drop (i32.trunc_sat_f64_s (f64.const 1))))",
        "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(func (memory.copy (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(func (result i32 i64) i32.const 1 i64.const 2)",
        "(global (mut i64) (i64.const 0))",
        "(table 2 funcref) (elem (i32.const 0) $check) (func (param i32) (drop (call_indirect (result i64) (local.get 0))))",
    ] {
        assert_eq!(gate(&Guest::tail(tail)), Ok(()), "{tail}");
    }
}
