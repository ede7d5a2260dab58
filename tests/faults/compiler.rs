//! The compiler process: its limits, and what becomes of modules that break it.

use crate::{Case, guest::Guest};
use heliotrope_device_proofs::sha256;
use heliotrope_host::{Compiler, CompilerProcess, Host, HostConfig, HostError, Limits};
use std::time::{Duration, Instant};

pub(crate) const CASES: &[Case] = &[
    ("a module compiled in a process of its own", compiles),
    ("a function that bursts the compiler's memory limit", memory_bomb),
    ("a function that runs into the compiler's deadline", time_bomb),
    ("a compiler that is not there", no_compiler),
    ("the largest function that the gate lets through", largest),
];

pub(crate) fn process() -> CompilerProcess {
    CompilerProcess::this_program().unwrap()
}

fn host(process: CompilerProcess, limits: Limits) -> Host {
    let compiler = Compiler::Process(process);
    Host::new(HostConfig { compiler, limits, ..HostConfig::default() }).unwrap()
}

/// A gate that lets anything through: the process must hold by itself.
fn open_gate() -> Limits {
    Limits { module_bytes: 8 << 20, function_bytes: 8 << 20, ..Limits::default() }
}

fn multiplications(count: usize) -> Vec<u8> {
    // each needs the one before: nothing to fold
    let body = "local.get 0 i64.mul ".repeat(count);
    Guest::tail(&format!("(func (param i64) (result i64) local.get 0 {body})")).wasm()
}

fn compiles() -> String {
    let wasm = Guest::default().wasm();
    let began = Instant::now();
    let module = host(process(), Limits::default()).load(&wasm, &sha256(&wasm)).unwrap();
    assert!(matches!(module.check(b""), Err(HostError::Refused)));
    format!("{:.0?} with the process's start", began.elapsed())
}

fn memory_bomb() -> String {
    let small = CompilerProcess { memory_bytes: 128 << 20, ..process() };
    let host = host(small, open_gate());
    let wasm = multiplications(200_000);
    let error = host.load(&wasm, &sha256(&wasm)).unwrap_err();
    assert!(matches!(error, HostError::Compile(_)), "{error}");
    // left alone from now on, and the host goes on
    let again = host.load(&wasm, &sha256(&wasm)).unwrap_err();
    assert!(matches!(again, HostError::Quarantined(_)), "{again}");
    let [held] = host.quarantined().try_into().unwrap();
    assert_eq!((held.hash, held.failures), (sha256(&wasm), 1));
    std::thread::sleep(held.retry_in + Duration::from_millis(50));
    assert!(matches!(host.load(&wasm, &sha256(&wasm)), Err(HostError::Compile(_))));
    let [held] = host.quarantined().try_into().unwrap();
    assert_eq!(held.failures, 2);
    assert!(held.retry_in > Duration::from_secs(1), "the pause doubles: {:?}", held.retry_in);
    let good = Guest::default().wasm();
    host.load(&good, &sha256(&good)).unwrap();
    "the process ended, the module is in quarantine, the pause doubles".into()
}

fn time_bomb() -> String {
    let hasty = CompilerProcess { deadline: Duration::from_millis(100), ..process() };
    let wasm = multiplications(200_000);
    let began = Instant::now();
    let error = host(hasty, open_gate()).load(&wasm, &sha256(&wasm)).unwrap_err();
    assert!(matches!(error, HostError::Compile(_)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    error.to_string()
}

fn no_compiler() -> String {
    let program = "/nonexistent/compiler".into();
    let wasm = Guest::default().wasm();
    let host = host(CompilerProcess { program, ..process() }, Limits::default());
    let error = host.load(&wasm, &sha256(&wasm)).unwrap_err();
    assert!(matches!(error, HostError::Compile(_)), "{error}");
    error.to_string()
}

fn largest() -> String {
    let wasm = multiplications(10_915);
    let began = Instant::now();
    host(process(), Limits::default()).load(&wasm, &sha256(&wasm)).unwrap();
    format!("{:.0?} for {} bytes", began.elapsed(), wasm.len())
}
