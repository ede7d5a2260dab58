//! The wasmtime host for check modules: pinned bytes in, output bytes or a host error out.
//!
//! ```text
//!  bytes ─ sha256 == pin ─ validate (features, sizes, exports) ─ compile ─ CheckModule
//!  CheckModule::check(input): fresh instance ─ hc_alloc ─ write ─ hc_check ─ checked copy of the result
//! ```
//! It trusts nothing about a module, not even one whose hash is pinned: size limits hold before the
//! compiler sees it, and memory, fuel and time limits hold while it runs. Every call has an instance
//! of its own, so nothing survives a call.
//!
//! A trap, a limit or a refusal is a [`HostError`], **never a verdict**: those depend on the engine.
//! Fuel and deadline are local guards for the same reason. NaN canonicalisation is off: a browser
//! cannot do it, so modules must not let a NaN out (a test runs them both ways).
//!
//! It does not check that evidence is authenticated or facts are proven; callers do.

mod host;
mod validate;

pub use host::{CheckModule, Host, HostConfig};
pub use validate::{Limits, validate_module};

/// Why there is no output. Never to be read as a verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The bytes are not the pinned module.
    #[error("module hash {}, expected {}", hex(got), hex(expected))]
    Hash {
        /// SHA-256 of the bytes.
        got: [u8; 32],
        /// The pin.
        expected: [u8; 32],
    },
    /// Something in the module is larger than allowed.
    #[error("module has {what} {got}, expected at most {expected}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// How much there is.
        got: u64,
        /// How much there may be.
        expected: u64,
    },
    /// The module uses a feature that is off, or is not valid.
    #[error("module is not valid: {0}")]
    Invalid(String),
    /// The module imports something.
    #[error("module imports {got}, expected no imports")]
    Import {
        /// Module and name of the import.
        got: String,
    },
    /// The module has a start function.
    #[error("module has a start function, expected none")]
    Start,
    /// The exports are not those of the ABI.
    #[error("module exports {got}, expected {expected}")]
    Export {
        /// What it exports.
        got: String,
        /// What the ABI wants.
        expected: String,
    },
    /// The memory has no declared maximum, or there is none.
    #[error("module has {got}, expected one memory with a maximum")]
    Memory {
        /// What it has.
        got: &'static str,
    },
    /// The module names another ABI version.
    #[error("module has abi version {got}, expected {expected}")]
    Abi {
        /// Version it names.
        got: i32,
        /// Version of this host.
        expected: i32,
    },
    /// An input is larger than allowed.
    #[error("input of {got} bytes, expected at most {expected}")]
    InputSize {
        /// Its size.
        got: usize,
        /// The limit.
        expected: usize,
    },
    /// The engine did not compile or instantiate the module.
    #[error("engine: {0}")]
    Engine(String),
    /// The module trapped.
    #[error("module trapped: {0}")]
    Trap(String),
    /// The module used up its fuel.
    #[error("module used up {expected} units of fuel")]
    Fuel {
        /// The budget.
        expected: u64,
    },
    /// The module ran past its deadline.
    #[error("module ran longer than {expected_ms} ms")]
    Deadline {
        /// The deadline.
        expected_ms: u64,
    },
    /// The module refused its input: it is malformed, or facts contradict each other.
    #[error("module refused its input")]
    Refused,
    /// A pointer from the module leads outside its memory.
    #[error("module gave {len} bytes at {ptr:#x}, expected them within {expected} bytes of memory")]
    Pointer {
        /// Address.
        ptr: u32,
        /// Length.
        len: u32,
        /// Size of the memory.
        expected: usize,
    },
    /// The output is larger than allowed.
    #[error("output of {got} bytes, expected at most {expected}")]
    OutputSize {
        /// Its size.
        got: usize,
        /// The limit.
        expected: usize,
    },
    /// The output is not in the ABI's format.
    #[error("output is malformed: {0}")]
    Output(#[from] heliotrope_device_proofs::cbor::CborError),
    /// The output is about another input.
    #[error("output names input {}, expected {}", hex(got), hex(expected))]
    InputHash {
        /// Hash in the output.
        got: [u8; 32],
        /// Hash of the input.
        expected: [u8; 32],
    },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
