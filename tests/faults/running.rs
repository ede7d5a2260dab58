//! Modules that pass the gate and mean harm while they run.

use crate::{Case, guest::Guest};
use heliotrope_device_proofs::{
    abi::{CheckOutput, Verdict},
    sha256,
};
use heliotrope_host::{Host, HostConfig, HostError};
use std::{sync::OnceLock, time::Duration};

pub(crate) const CASES: &[Case] = &[
    ("a loop in check, alloc, abi and describe", loops),
    ("a recursion: direct, and through a table", recursions),
    ("a memory that grows as far as it can", memory_bomb),
    ("one bulk operation after another", bulk_bomb),
    ("an alloc that gives 0, the end, or beyond", bad_allocs),
    ("a result at the end, beyond, or of 2^32-1 bytes", bad_results),
    ("an output that is no output", bad_output),
    ("an output about another input", other_input),
    ("an input over the limit", large_input),
    ("a trap, 20,000 times: memory of the process", trap_storm),
    ("marks left in memory, table and globals by the last call", canaries),
    ("marks left by another module in the same slot", canaries_of_others),
    ("more calls at once than the pool has slots", pool_is_full),
];

/// Traps in an ordinary run; `HELIOTROPE_TRAPS` asks for more.
const TRAPS: u32 = 20_000;
/// What a long run of traps may add to the process: less than a byte a trap in a million.
const TRAP_KIB: u64 = 512;

pub(crate) fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| {
        let deadline = Duration::from_millis(200);
        Host::new(HostConfig { deadline, instances: 1, ..HostConfig::default() }).unwrap()
    })
}

fn run(guest: &Guest) -> HostError {
    let wasm = guest.wasm();
    let module = host().load(&wasm, &sha256(&wasm));
    module.and_then(|module| module.check(b"input")).unwrap_err()
}

fn ended(error: &HostError) {
    assert!(matches!(error, HostError::Deadline { .. } | HostError::Fuel { .. }), "{error}");
}

fn loops() -> String {
    let body = |result: &str| format!("(loop br 0) {result}");
    ended(&run(&Guest::check(&body("i64.const 0"))));
    ended(&run(&Guest { alloc: body("i32.const 0"), ..Guest::default() }));
    ended(&run(&Guest { abi: body("i32.const 1"), ..Guest::default() }));
    let wasm = Guest { describe: body("i64.const 0"), ..Guest::default() }.wasm();
    ended(&host().load(&wasm, &sha256(&wasm)).unwrap().describe().unwrap_err());
    let wasm = Guest::check(&body("i64.const 0")).wasm();
    let little = Host::new(HostConfig { fuel: 10_000, ..HostConfig::default() }).unwrap();
    let error = little.load(&wasm, &sha256(&wasm)).unwrap().check(b"").unwrap_err();
    assert!(matches!(error, HostError::Fuel { expected: 10_000 }), "{error}");
    "ended by time or fuel".into()
}

fn recursions() -> String {
    let direct = run(&Guest::check("(call $check (local.get 0) (local.get 1))"));
    assert!(matches!(direct, HostError::Trap(_)), "{direct}");
    let mut table = Guest::tail("(table 1 funcref) (elem (i32.const 0) $check)");
    table.check =
        "(call_indirect (param i32 i32) (result i64) (local.get 0) (local.get 1) (i32.const 0))"
            .into();
    let through = run(&table);
    assert!(matches!(through, HostError::Trap(_)), "{through}");
    format!("{direct}")
}

fn memory_bomb() -> String {
    let forever =
        "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -2)))) i64.const 0";
    ended(&run(&Guest::check(forever)));
    // grows to its declared four pages, and no further: anything else traps
    let exact = "(if (i32.ne (memory.grow (i32.const 3)) (i32.const 1)) (then unreachable))
        (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)) i64.const 0";
    assert!(matches!(run(&Guest::check(exact)), HostError::Refused));
    "-1 at the declared maximum; ended by time".into()
}

fn bulk_bomb() -> String {
    let error = run(&Guest::check(
        "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) br 0) i64.const 0",
    ));
    ended(&error);
    error.to_string()
}

fn bad_allocs() -> String {
    for alloc in ["i32.const 65535", "i32.const -1", "i32.const 65536", "i32.const -4"] {
        let error = run(&Guest { alloc: alloc.into(), ..Guest::default() });
        assert!(matches!(error, HostError::Pointer { .. }), "{alloc}: {error}");
    }
    let error = run(&Guest { alloc: "i32.const 0".into(), ..Guest::default() });
    assert!(matches!(error, HostError::Refused), "{error}");
    "pointer refused".into()
}

fn bad_results() -> String {
    for (ptr, len) in [
        (0_u64, 0x4_0001_u64),
        (0xffff_fff0, 32),
        (0x1_0000, 1),
        (1, 0x1_0000),
        (0xffff, 2),
        (0, 0xffff_ffff),
        (0xffff_ffff, 0xffff_ffff),
        (0x8000_0000, 0x8000_0000),
    ] {
        let error = run(&Guest::check(&format!("i64.const {}", (ptr << 32 | len).cast_signed())));
        let refused = matches!(error, HostError::Pointer { .. } | HostError::OutputSize { .. });
        assert!(refused, "{ptr:#x} {len:#x}: {error}");
    }
    "pointer or size refused".into()
}

fn bad_output() -> String {
    for (ptr, len) in [(1024_u64, 8_u64), (1024, 0), (7, 1)] {
        let error = run(&Guest::check(&format!("i64.const {}", ptr << 32 | len)));
        assert!(matches!(error, HostError::Output(_)), "{error}");
    }
    "output is malformed".into()
}

fn other_input() -> String {
    let output = CheckOutput {
        verdict: Verdict::Pass,
        outcomes: vec![],
        score_ppm: 1_000_000,
        replay_key: [0; 32],
        facts_read: vec![],
        input_hash: sha256(b"another input"),
        selected: vec![],
        subject_cell: 0,
    };
    let output = output.encode();
    let data: String = output.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let mut guest = Guest::tail(&format!(r#"(data (i32.const 2048) "{data}")"#));
    guest.check = format!("i64.const {}", 2048_u64 << 32 | output.len() as u64);
    let wasm = guest.wasm();
    let module = host().load(&wasm, &sha256(&wasm)).unwrap();
    let error = module.check(b"input").unwrap_err();
    assert!(matches!(error, HostError::InputHash { .. }), "{error}");
    assert_eq!(module.check(b"another input").unwrap(), output);
    "refused; the same about its own input is taken".into()
}

fn large_input() -> String {
    let wasm = Guest::default().wasm();
    let module = host().load(&wasm, &sha256(&wasm)).unwrap();
    let error = module.check(&vec![0; (1 << 20) + 1]).unwrap_err();
    assert!(matches!(error, HostError::InputSize { .. }), "{error}");
    error.to_string()
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn trap_storm() -> String {
    let traps =
        std::env::var("HELIOTROPE_TRAPS").ok().and_then(|n| n.parse().ok()).unwrap_or(TRAPS);
    let wasm = Guest::check("unreachable").wasm();
    let module = host().load(&wasm, &sha256(&wasm)).unwrap();
    let trap = || assert!(matches!(module.check(b"input"), Err(HostError::Trap(_))));
    (0..2_000).for_each(|_| trap());
    let (before, began) = (resident_kib(), std::time::Instant::now());
    (0..traps).for_each(|_| trap());
    let each = began.elapsed() / traps;
    let more = resident_kib().saturating_sub(before);
    assert!(more <= TRAP_KIB, "{more} KiB more after {traps} traps");
    format!("{traps} traps, {each:.1?} each, {more} KiB more")
}

/// Traps if anything of an earlier call is there; then marks all that it can reach.
const CANARY: &str = "(local $at i32)
    (if (global.get $g) (then unreachable))
    (if (i32.ne (memory.size) (i32.const 1)) (then unreachable))
    (drop (memory.grow (i32.const 3)))
    (local.set $at (i32.const 2048))
    (loop
      (if (i32.load (local.get $at)) (then unreachable))
      (i32.store (local.get $at) (i32.const 0x5a5a5a5a))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if 0 (i32.lt_u (local.get $at) (i32.const 262144))))
    (if (i32.ne (i32.load (i32.const 1500)) (i32.const 0x64636261)) (then unreachable))
    (i32.store (i32.const 1500) (i32.const 0))
    (global.set $g (i32.const 1))
    i64.const 0";

fn canary(mark: &str) -> Guest {
    let mut guest = Guest::tail(&format!(r#"(data (i32.const 1500) "abcd{mark}")"#));
    guest.check = CANARY.into();
    guest
}

fn canaries() -> String {
    let wasm = canary("").wasm();
    let module = host().load(&wasm, &sha256(&wasm)).unwrap();
    for call in 0..500 {
        let result = module.check(b"input");
        assert!(matches!(result, Err(HostError::Refused)), "call {call}: {result:?}");
    }
    "500 calls, none sees a mark in 256 KiB".into()
}

fn canaries_of_others() -> String {
    // one slot: they all have the same
    let modules: Vec<_> = ["a", "b", "c"]
        .map(|mark| canary(mark).wasm())
        .iter()
        .map(|wasm| host().load(wasm, &sha256(wasm)).unwrap())
        .collect();
    for call in 0..500 {
        let result = modules[call % 3].check(b"input");
        assert!(matches!(result, Err(HostError::Refused)), "call {call}: {result:?}");
    }
    "500 calls of three modules in one slot, none sees a mark".into()
}

fn pool_is_full() -> String {
    let wasm = Guest::check("(loop br 0) i64.const 0").wasm();
    let module = host().load(&wasm, &sha256(&wasm)).unwrap();
    let results: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..3).map(|_| scope.spawn(|| module.check(b"").unwrap_err())).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(results.iter().any(|e| matches!(e, HostError::Engine(_))), "{results:?}");
    ended(results.iter().find(|e| !matches!(e, HostError::Engine(_))).unwrap());
    "a host error for those without a slot".into()
}
