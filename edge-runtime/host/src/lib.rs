//! The wasmtime host for check modules: pinned bytes in, output bytes or a host error out.
//!
//! ```text
//!  bytes ─ sha256 == pin ─┬─ kept code with our MAC ───────────────────────┬─ CheckModule
//!                         └─ gate (device-proofs) ─ compiler, own process ─┘
//!  CheckModule::check(input): fresh instance ─ hc_alloc ─ write ─ hc_check ─ checked copy of the result
//! ```
//! It trusts nothing about a module, not even one whose hash is pinned: size limits hold before the
//! compiler sees it, the compiler's own memory and time are limited, and memory, fuel and time limits
//! hold while it runs. Every call has an instance of its own, so nothing survives a call.
//!
//! A trap, a limit or a refusal is a [`HostError`], **never a verdict**: those depend on the engine.
//! Fuel and deadline are local guards for the same reason. NaN canonicalisation is off: a browser
//! cannot do it, so modules must not let a NaN out (a test runs them both ways).
//!
//! It does not check that evidence is authenticated or facts are proven; callers do.

mod cache;
mod call;
mod compile;
mod engine;
mod error;
mod host;
mod native;
mod quarantine;
mod secret;
mod set;

pub use cache::{CacheConfig, Origin};
pub use call::{CheckModule, Held};
pub use compile::{COMPILE_COMMAND, Compiler, CompilerProcess, compile_if_asked};
pub use error::HostError;
pub use heliotrope_device_proofs::module::{Limits, ModuleError, validate_module};
pub use host::{Host, HostConfig};
pub use quarantine::Quarantined;
pub use set::ModuleSet;
