//! Bytes that are not the pinned ones, or are and should not run.

use crate::{Case, guest::Guest, running::host};
use heliotrope_device_proofs::sha256;
use heliotrope_host::{Host, HostConfig, HostError, ModuleError, ModuleSet};

pub(crate) const CASES: &[Case] = &[
    ("another module than the pinned one; every bit flipped", wrong_bytes),
    ("a download that was cut off", truncated),
    ("the right hash, the wrong abi", wrong_abi),
    ("an import, a start function, an export too many", gate),
    ("the contract pins another module during a check", re_pin),
];

fn wrong_bytes() -> String {
    let wasm = Guest::default().wasm();
    let pin = sha256(&wasm);
    for bit in 0..wasm.len() * 8 {
        let mut flipped = wasm.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = host().load(&flipped, &pin).unwrap_err();
        assert!(matches!(error, HostError::Module(ModuleError::Hash { .. })), "{bit}: {error}");
    }
    format!("{} refused by hash", wasm.len() * 8)
}

fn truncated() -> String {
    let wasm = Guest::default().wasm();
    for end in 0..wasm.len() {
        let error = host().load(&wasm[..end], &sha256(&wasm)).unwrap_err();
        assert!(matches!(error, HostError::Module(ModuleError::Hash { .. })), "{end}: {error}");
    }
    format!("{} refused by hash", wasm.len())
}

fn wrong_abi() -> String {
    let wasm = Guest { abi: "i32.const 2".into(), ..Guest::default() }.wasm();
    let error = host().load(&wasm, &sha256(&wasm)).unwrap_err();
    assert!(matches!(error, HostError::Abi { got: 2, expected: 1 }), "{error}");
    error.to_string()
}

fn gate() -> String {
    let import = Guest { head: r#"(import "env" "now" (func))"#.into(), ..Guest::default() };
    for guest in [
        import,
        Guest::tail("(func $s) (start $s)"),
        Guest::tail("(func $s (loop br 0)) (start $s)"),
        Guest::tail(r#"(func (export "extra"))"#),
        Guest::memory(r#"(memory (export "memory") 16384 16384)"#),
        Guest::tail("(table 100000 funcref)"),
        Guest::tail(&"(func)".repeat(6000)),
    ] {
        let wasm = guest.wasm();
        let error = host().load(&wasm, &sha256(&wasm)).unwrap_err();
        assert!(matches!(error, HostError::Module(_)), "{error}");
    }
    "refused before the compiler; all rules: device-proofs/tests/module.rs".into()
}

/// Whoever holds the old module finishes with it; the set answers with the new one.
fn re_pin() -> String {
    let set = ModuleSet::new(Host::new(HostConfig::default()).unwrap(), 1);
    let (old, new) = (Guest::check("unreachable").wasm(), Guest::default().wasm());
    let load = |wasm: &Vec<u8>| set.get(&sha256(wasm), || Ok::<_, HostError>(wasm.clone()));
    let held = load(&old).unwrap();
    assert!(matches!(load(&new).unwrap().check(b""), Err(HostError::Refused)));
    assert!(matches!(held.check(b""), Err(HostError::Trap(_))));
    assert_eq!(held.hash(), &sha256(&old));
    // and what is loaded is not fetched again
    let none = || Err(HostError::Refused);
    assert_eq!(set.get(&sha256(&new), none).unwrap().hash(), &sha256(&new));
    "each holder finishes with the module it began with".into()
}
