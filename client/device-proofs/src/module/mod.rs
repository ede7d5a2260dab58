//! The gate before a check module may reach an engine: the same one in the gateway and in the browser.
//!
//! ```text
//!  bytes ─ size ─ sha256 == pin ─ features, sizes, depths ─ no import, no start ─ exports of ABI v1 ─ engine
//! ```
//! It trusts nothing about a module, not even that somebody reviewed the pinned hash: what a hostile
//! module could make a compiler or an engine spend is bounded here, before either of them sees it. The
//! features are an explicit list, not a default: a new proposal in the parser changes nothing.
//!
//! It does not check what the module computes, nor how long it runs; the host and the page's watchdog
//! bound that. Needs the feature `module`; check modules are built without it.

mod body;
mod shape;

use crate::{Bytes32, sha256};
use shape::Shape;
use wasmparser::{FuncValidatorAllocations, Parser, ValidPayload, Validator, WasmFeatures};

/// The sizes a module may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the module.
    pub module_bytes: u64,
    /// Bytes of one function body.
    pub function_bytes: u64,
    /// Functions.
    pub functions: u64,
    /// Locals of one function.
    pub locals: u64,
    /// Parameters, and results, of one function type.
    pub params: u64,
    /// Function types.
    pub types: u64,
    /// Tables.
    pub tables: u64,
    /// Elements of a table, and of all element segments together.
    pub table_elements: u64,
    /// Globals.
    pub globals: u64,
    /// Element segments, and data segments.
    pub segments: u64,
    /// Targets of one `br_table`, its default left out.
    pub branch_targets: u64,
    /// Blocks, loops and ifs inside each other, the function's own block included.
    pub nesting: u64,
    /// Bytes of memory, declared maximum.
    pub memory_bytes: u64,
}

impl Limits {
    /// What the gateway and the browser allow. A function body of 32 KiB keeps the compiler's time
    /// and memory in bounds: one of 600 kB cost it 5.8 s and 900 MiB.
    pub const ABI_V1: Self = Self {
        module_bytes: 512 << 10,
        function_bytes: 32 << 10,
        functions: 5000,
        locals: 256,
        params: 32,
        types: 1000,
        tables: 1,
        table_elements: 1000,
        globals: 64,
        segments: 1000,
        branch_targets: 512,
        nesting: 512,
        memory_bytes: 16 << 20,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::ABI_V1
    }
}

/// Bytes of a page of wasm memory.
pub const PAGE_BYTES: u64 = 64 << 10;

/// What rustc emits for `wasm32-unknown-unknown`, and no more: the first version of WebAssembly with
/// sign extension, saturating conversions, bulk memory and several results. A table index may be
/// written longer than needed, as linkers do; reference types themselves are off.
pub const FEATURES: WasmFeatures = WasmFeatures::MVP
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG);

/// Which rule a module breaks. Never to be read as a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The bytes are not the pinned module.
    #[error("module hash {}, expected {}", hex(got), hex(expected))]
    Hash {
        /// SHA-256 of the bytes.
        got: Bytes32,
        /// The pin.
        expected: Bytes32,
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
}

/// Checks that `bytes` are the module that `pin` names, before anything reads them.
///
/// # Errors
/// If there are too many of them, or they hash to something else.
pub fn check_pin(bytes: &[u8], pin: &Bytes32, limits: &Limits) -> Result<(), ModuleError> {
    at_most("bytes", count(bytes.len()), limits.module_bytes)?;
    let got = sha256(bytes);
    if got == *pin { Ok(()) } else { Err(ModuleError::Hash { got, expected: *pin }) }
}

/// Checks that a module is valid, within `limits`, and has exactly the shape of ABI v1.
///
/// # Errors
/// The first rule that it breaks.
pub fn validate_module(bytes: &[u8], limits: &Limits) -> Result<(), ModuleError> {
    at_most("bytes", count(bytes.len()), limits.module_bytes)?;
    let mut shape = Shape::default();
    let mut validator = Validator::new_with_features(FEATURES);
    let mut allocations = FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(invalid)?;
        // sizes first: the validator allocates by counts
        shape.note(&payload, limits)?;
        if let ValidPayload::Func(function, code) = validator.payload(&payload).map_err(invalid)? {
            let mut function = function.into_validator(allocations);
            body::check(&mut function, &code, limits)?;
            allocations = function.into_allocations();
        }
    }
    shape.check(limits)
}

fn invalid(error: impl core::fmt::Display) -> ModuleError {
    ModuleError::Invalid(error.to_string())
}

fn at_most(what: &'static str, got: u64, expected: u64) -> Result<(), ModuleError> {
    if got <= expected { Ok(()) } else { Err(ModuleError::Limit { what, got, expected }) }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
