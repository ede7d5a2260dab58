//! Pure verification: bytes and a time in, verdict out. No clock, no network, no randomness, no logging.
//!
//! ```text
//! checkpoint ─▶ chains::ethereum::initialize_light_client_store ─▶ LightClientStore ──┐
//!                                                                                     ▼
//! update bytes ─▶ decode ─▶ validate_light_client_update ─▶ Verified<Update> ─▶ apply to the store
//!                                                                                     │ state root
//! proof nodes ─▶ proofs::eip1186 ◀────────────────────────────────────────────────────┘
//! ```
//!
//! What it trusts: the checkpoint root and the [`chains::ethereum::ChainSpec`] given by the caller, SHA-256,
//! Keccak-256 and BLS12-381. What it does not check: execution of blocks, and whether a checkpoint
//! is the right one (that is for `heliotrope-light-client` and the user).
#![forbid(unsafe_code)]

pub mod chains;
pub mod consensus;
pub mod proofs;
