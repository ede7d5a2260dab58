//! Modules that mean harm. None of them gets a verdict out, and none takes the host down.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use heliotrope_host::{CheckModule, Host, HostConfig, HostError, Limits, validate_module};
use std::time::Duration;

/// A module that follows the ABI, with parts to replace.
struct Guest {
    head: String,
    memory: String,
    abi: String,
    alloc: String,
    check: String,
    tail: String,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            head: String::new(),
            memory: r#"(memory (export "memory") 1 4)"#.into(),
            abi: "i32.const 1".into(),
            alloc: "i32.const 1024".into(),
            check: "i64.const 0".into(),
            tail: String::new(),
        }
    }
}

impl Guest {
    fn check(body: &str) -> Self {
        Self { check: body.into(), ..Self::default() }
    }

    fn tail(text: &str) -> Self {
        Self { tail: text.into(), ..Self::default() }
    }

    fn wasm(&self) -> Vec<u8> {
        let Self { head, memory, abi, alloc, check, tail } = self;
        let text = format!(
            r#"(module {head} {memory} (global $g (mut i32) (i32.const 0))
              (func (export "hc_abi_v1") (result i32) {abi})
              (func (export "hc_alloc") (param i32) (result i32) {alloc})
              (func (export "hc_describe") (result i64) i64.const 0)
              (func (export "hc_plan") (param i32 i32 i32 i32) (result i64) i64.const 0)
              (func $check (export "hc_check") (param i32 i32) (result i64) {check})
              {tail})"#
        );
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn load(&self) -> Result<CheckModule, HostError> {
        let wasm = self.wasm();
        host().load(&wasm, &hash(&wasm))
    }

    fn run(&self) -> HostError {
        self.load().unwrap().check(b"input").unwrap_err()
    }
}

fn host() -> Host {
    let deadline = Duration::from_millis(200);
    Host::new(HostConfig { deadline, instances: 4, ..HostConfig::default() }).unwrap()
}

fn hash(wasm: &[u8]) -> [u8; 32] {
    heliotrope_device_proofs::sha256(wasm)
}

#[test]
fn a_harmless_module_loads_and_refuses() {
    assert!(matches!(Guest::default().run(), HostError::Refused));
}

#[test]
fn another_hash_is_not_loaded() {
    let wasm = Guest::default().wasm();
    let error = host().load(&wasm, &[7; 32]).unwrap_err();
    assert!(matches!(error, HostError::Hash { got, expected: [7, ..] } if got == hash(&wasm)));
    for bit in 0..wasm.len() * 8 {
        let mut flipped = wasm.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(
            host_for_flips().load(&flipped, &hash(&wasm)),
            Err(HostError::Hash { .. })
        ));
    }
}

fn host_for_flips() -> &'static Host {
    static HOST: std::sync::OnceLock<Host> = std::sync::OnceLock::new();
    HOST.get_or_init(host)
}

#[test]
fn an_infinite_loop_runs_out_of_time_or_fuel() {
    let error = Guest::check("(loop br 0) i64.const 0").run();
    assert!(matches!(error, HostError::Deadline { .. } | HostError::Fuel { .. }), "{error}");
    let alloc = Guest { alloc: "(loop br 0) i32.const 0".into(), ..Guest::default() };
    assert!(matches!(alloc.run(), HostError::Deadline { .. } | HostError::Fuel { .. }));
    let abi = Guest { abi: "(loop br 0) i32.const 1".into(), ..Guest::default() };
    assert!(matches!(abi.load(), Err(HostError::Deadline { .. } | HostError::Fuel { .. })));
}

#[test]
fn fuel_is_a_limit() {
    let wasm = Guest::check("(loop br 0) i64.const 0").wasm();
    let host = Host::new(HostConfig { fuel: 10_000, ..HostConfig::default() }).unwrap();
    let error = host.load(&wasm, &hash(&wasm)).unwrap().check(b"").unwrap_err();
    assert!(matches!(error, HostError::Fuel { expected: 10_000 }), "{error}");
}

#[test]
fn a_start_function_is_rejected() {
    assert!(matches!(Guest::tail("(func $s) (start $s)").load(), Err(HostError::Start)));
}

#[test]
fn any_import_is_rejected() {
    for import in [
        r#"(import "env" "now" (func (result i64)))"#,
        r#"(import "env" "g" (global i32))"#,
        r#"(import "env" "t" (table 1 funcref))"#,
    ] {
        let guest = Guest { head: import.into(), ..Guest::default() };
        assert!(matches!(guest.load(), Err(HostError::Import { .. })), "{import}");
    }
    let guest =
        Guest { memory: r#"(import "env" "memory" (memory 1 4))"#.into(), ..Guest::default() };
    assert!(matches!(guest.load(), Err(HostError::Import { .. })));
}

#[test]
fn result_pointers_are_checked() {
    for (ptr, len) in [(0_u64, 0x4_0001), (0xffff_fff0, 32), (0x1_0000, 1), (1, 0x1_0000)] {
        let error = Guest::check(&format!("i64.const {}", (ptr << 32 | len).cast_signed())).run();
        assert!(
            matches!(error, HostError::Pointer { .. } | HostError::OutputSize { .. }),
            "{ptr:#x} {len:#x}: {error}"
        );
    }
    let error = Guest::check("i64.const -1").run();
    assert!(matches!(error, HostError::OutputSize { .. }));
    for alloc in ["i32.const 65535", "i32.const -1", "i32.const 65536"] {
        let guest = Guest { alloc: alloc.into(), ..Guest::default() };
        assert!(matches!(guest.run(), HostError::Pointer { .. }), "{alloc}");
    }
    let guest = Guest { alloc: "i32.const 0".into(), ..Guest::default() };
    assert!(matches!(guest.run(), HostError::Refused));
}

#[test]
fn an_output_that_is_no_output_is_rejected() {
    let error = Guest::check(&format!("i64.const {}", 1024_u64 << 32 | 8)).run();
    assert!(matches!(error, HostError::Output(_)), "{error}");
}

#[test]
fn an_output_about_another_input_is_rejected() {
    use heliotrope_device_proofs::abi::{CheckOutput, Verdict};
    let output = CheckOutput {
        verdict: Verdict::Pass,
        outcomes: vec![],
        score_ppm: 1_000_000,
        replay_key: [0; 32],
        facts_read: vec![],
        input_hash: hash(b"another input"),
        selected: vec![],
        subject_cell: 0,
    }
    .encode();
    let data: String = output.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let guest = Guest {
        check: format!("i64.const {}", 2048_u64 << 32 | output.len() as u64),
        tail: format!(r#"(data (i32.const 2048) "{data}")"#),
        ..Guest::default()
    };
    let module = guest.load().unwrap();
    assert!(matches!(module.check(b"input"), Err(HostError::InputHash { .. })));
    assert_eq!(module.check(b"another input").unwrap(), output);
}

#[test]
fn memory_is_limited() {
    for memory in [
        r#"(memory (export "memory") 1)"#,
        r#"(memory (export "memory") 1 65536)"#,
        r#"(memory (export "memory") 16384 16384)"#,
        r#"(memory (export "memory") 1 2) (memory 1 2)"#,
        r#"(memory (export "memory") i64 1 2)"#,
        r#"(memory (export "memory") 1 2 shared)"#,
    ] {
        let guest = Guest { memory: memory.into(), ..Guest::default() };
        let error = guest.load().unwrap_err();
        assert!(
            matches!(
                error,
                HostError::Memory { .. } | HostError::Limit { .. } | HostError::Invalid(_)
            ),
            "{memory}: {error}"
        );
    }
    // grows as far as it was declared, then gets -1; keeps trying until time is up
    let bomb = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -2)))) i64.const 0";
    let error = Guest::check(bomb).run();
    assert!(matches!(error, HostError::Deadline { .. } | HostError::Fuel { .. }), "{error}");
}

#[test]
fn recursion_ends_in_a_trap() {
    let error = Guest::check("(call $check (local.get 0) (local.get 1))").run();
    assert!(matches!(error, HostError::Trap(_)), "{error}");
}

#[test]
fn traps_are_host_errors_and_the_host_goes_on() {
    let host = host();
    let wasm = Guest::check("unreachable").wasm();
    let module = host.load(&wasm, &hash(&wasm)).unwrap();
    for _ in 0..2000 {
        assert!(matches!(module.check(b"input"), Err(HostError::Trap(_))));
    }
    let good = Guest::default().wasm();
    assert!(matches!(host.load(&good, &hash(&good)).unwrap().check(b""), Err(HostError::Refused)));
}

#[test]
fn wrong_signatures_and_exports_are_rejected() {
    for tail in [
        r#"(func (export "extra"))"#,
        r#"(global (export "extra") i32 (i32.const 0))"#,
        r#"(table (export "extra") 1 funcref)"#,
    ] {
        let error = Guest::tail(tail).load().unwrap_err();
        assert!(matches!(error, HostError::Limit { .. } | HostError::Export { .. }), "{error}");
    }
    let text = String::from_utf8(
        br#"(module (memory (export "memory") 1 2)
          (func (export "hc_abi_v1") (result i32) i32.const 1)
          (func (export "hc_alloc") (param i32) (result i32) i32.const 0)
          (func (export "hc_describe") (result i64) i64.const 0)
          (func (export "hc_plan") (param i32 i32 i32 i32) (result i64) i64.const 0)
          (func (export "hc_check") (param i64 i32) (result i64) i64.const 0))"#
            .to_vec(),
    )
    .unwrap();
    let check = |text: &str| validate_module(&wat::parse_str(text).unwrap(), &Limits::default());
    assert!(matches!(check(&text), Err(HostError::Export { .. })));
    check(&text.replace("i64 i32", "i32 i32")).unwrap();
    assert!(matches!(
        check(&text.replace("i64 i32", "i32 i32").replace("hc_alloc", "hc_malloc")),
        Err(HostError::Export { .. })
    ));
}

#[test]
fn another_abi_version_is_rejected() {
    let guest = Guest { abi: "i32.const 2".into(), ..Guest::default() };
    assert!(matches!(guest.load(), Err(HostError::Abi { got: 2, expected: 1 })));
}

#[test]
fn features_that_are_off_are_rejected() {
    for body in [
        "(v128.const i64x2 0 0) drop",
        "(return_call $f)",
        "(drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))) drop",
        "(drop (ref.i31 (i32.const 0)))",
        "(drop (i32.atomic.rmw.add (i32.const 0) (i32.const 0)))",
    ] {
        let error = Guest::tail(&format!("(func $f {body})")).load().unwrap_err();
        assert!(matches!(error, HostError::Invalid(_)), "{body}: {error}");
    }
    assert!(matches!(Guest::tail("(tag)").load(), Err(HostError::Invalid(_))));
}

#[test]
fn compile_bombs_are_stopped_before_the_compiler() {
    let long = format!("(func (result i64) i64.const 1 {})", "i64.const 3 i64.mul ".repeat(20_000));
    assert!(matches!(
        Guest::tail(&long).load(),
        Err(HostError::Limit { what: "bytes of a function", .. })
    ));
    let many = "(func)".repeat(6000);
    assert!(matches!(Guest::tail(&many).load(), Err(HostError::Limit { what: "functions", .. })));
    let locals = format!("(func (local {}))", "i64 ".repeat(300));
    assert!(matches!(Guest::tail(&locals).load(), Err(HostError::Limit { what: "locals", .. })));
    let table = "(table 100000 funcref)";
    assert!(matches!(
        Guest::tail(table).load(),
        Err(HostError::Limit { what: "table elements", .. })
    ));
    let big = format!(r#"(@custom "x" "{}")"#, "a".repeat(600 << 10));
    assert!(matches!(Guest::tail(&big).load(), Err(HostError::Limit { what: "bytes", .. })));
}

#[test]
fn nothing_survives_a_call() {
    // traps in a second call of the same instance: memory, global and memory size are marked
    let guest = Guest::check(
        "(if (global.get $g) (then unreachable))
         (if (i32.load (i32.const 0)) (then unreachable))
         (if (i32.ne (memory.size) (i32.const 1)) (then unreachable))
         (global.set $g (i32.const 1))
         (i32.store (i32.const 0) (i32.const 1))
         (drop (memory.grow (i32.const 1)))
         (i32.store (i32.const 70000) (i32.const 1))
         i64.const 0",
    );
    let module = guest.load().unwrap();
    for _ in 0..100 {
        assert!(matches!(module.check(b"input"), Err(HostError::Refused)));
    }
}

#[test]
fn large_inputs_are_rejected() {
    let module = Guest::default().load().unwrap();
    let error = module.check(&vec![0; (1 << 20) + 1]).unwrap_err();
    assert!(matches!(error, HostError::InputSize { .. }));
}
