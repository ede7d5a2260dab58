//! Why there is no output.

use crate::quarantine::Quarantined;
use heliotrope_device_proofs::{cbor::CborError, module::ModuleError};

/// Why there is no output. Never to be read as a verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The module does not pass the gate.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// The module names another ABI version.
    #[error("module has abi version {got}, expected {expected}")]
    Abi {
        /// Version it names.
        got: i32,
        /// Version of this host.
        expected: i32,
    },
    /// The engine did not start, or did not take the module.
    #[error("engine: {0}")]
    Engine(String),
    /// The compiler gave nothing: it refused, or was ended at a limit.
    #[error("compiler: {0}")]
    Compile(String),
    /// Compiling this module failed before; it is not tried again yet.
    #[error(
        "compiling failed {} times, last with {:?}; not tried for {} ms", .0.failures, .0.error,
        .0.retry_in.as_millis()
    )]
    Quarantined(Quarantined),
    /// An input is larger than allowed.
    #[error("input of {got} bytes, expected at most {expected}")]
    InputSize {
        /// Its size.
        got: usize,
        /// The limit.
        expected: usize,
    },
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
    Output(#[from] CborError),
    /// The output is about another input.
    #[error("output names input {}, expected {}", hex(got), hex(expected))]
    InputHash {
        /// Hash in the output.
        got: [u8; 32],
        /// Hash of the input.
        expected: [u8; 32],
    },
}

impl HostError {
    pub(crate) fn engine(error: impl std::fmt::Display) -> Self {
        Self::Engine(format!("{error:#}"))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
