//! The one engine configuration, and where its memory comes from.
//!
//! Compiled code depends on [`Code`] alone, so a compiler in another process that is given the same
//! `Code` makes what this engine loads.

use crate::{HostConfig, HostError};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

/// Wasmtime's interpreter, of the width of this machine.
const INTERPRETER: &str = if cfg!(target_pointer_width = "64") { "pulley64" } else { "pulley32" };
/// Stack of a module in bytes.
const STACK: usize = 512 << 10;
/// Address space of one memory if it is to be had: every 32-bit address lies in it, so the compiler
/// leaves out the check of each access, and the guard pages do it.
const WIDE: (u64, u64) = (4 << 30, 32 << 20);
/// Guard where address space is short.
const NARROW_GUARD: u64 = 64 << 10;
/// Bytes of a slot's memory that stay with it: only pages that the last module wrote to, and they
/// are given back their first contents before the next one sees them.
const KEPT_MEMORY: usize = 32 << 10;
/// The same for tables.
const KEPT_TABLE: usize = 16 << 10;

/// Everything that compiled code depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) interpreted: bool,
    pub(crate) canonicalize_nan: bool,
    pub(crate) reservation: u64,
    pub(crate) guard: u64,
}

impl Code {
    /// As one argument of the compiler's command line.
    pub(crate) fn to_argument(self) -> String {
        let [interpreted, nan] = [self.interpreted, self.canonicalize_nan].map(u8::from);
        format!("{interpreted},{nan},{},{}", self.reservation, self.guard)
    }

    pub(crate) fn from_argument(text: &str) -> Option<Self> {
        let mut fields = text.split(',').map(str::parse::<u64>);
        let mut next = || fields.next().and_then(Result::ok);
        let [interpreted, nan, reservation, guard] = [next()?, next()?, next()?, next()?];
        Some(Self { interpreted: interpreted == 1, canonicalize_nan: nan == 1, reservation, guard })
    }

    /// The engine configuration without a pool.
    pub(crate) fn config(self) -> Result<Config, HostError> {
        let mut config = Config::new();
        if self.interpreted {
            config.target(INTERPRETER).map_err(HostError::engine)?;
        }
        config
            .cranelift_opt_level(OptLevel::Speed)
            .cranelift_nan_canonicalization(self.canonicalize_nan)
            .consume_fuel(true)
            .epoch_interruption(true)
            .max_wasm_stack(STACK)
            .wasm_bulk_memory(true)
            .wasm_multi_value(true)
            .wasm_simd(false)
            .wasm_relaxed_simd(false)
            .wasm_memory64(false)
            .wasm_multi_memory(false)
            .wasm_tail_call(false)
            .wasm_extended_const(false)
            .memory_reservation(self.reservation)
            .memory_guard_size(self.guard)
            .generate_address_map(false)
            .native_unwind_info(false)
            .wasm_backtrace_max_frames(None);
        Ok(config)
    }
}

/// Starts the engine: from a pool with wide memories, from one with narrow memories, or without a
/// pool, whichever the address space allows first.
pub(crate) fn start(config: &HostConfig) -> Result<(Engine, Code), HostError> {
    let code = |(reservation, guard)| Code {
        interpreted: config.interpreted,
        canonicalize_nan: config.canonicalize_nan,
        reservation,
        guard,
    };
    let (wide, narrow) = (code(WIDE), code((config.limits.memory_bytes, NARROW_GUARD)));
    let mut error = HostError::Engine("no way to start it".into());
    for (code, pooled) in [(wide, true), (narrow, true), (narrow, false)] {
        let mut engine = code.config()?;
        if pooled {
            engine.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
        }
        match Engine::new(&engine) {
            Ok(engine) => return Ok((engine, code)),
            Err(failed) => error = HostError::engine(failed),
        }
    }
    Err(error)
}

fn pool(config: &HostConfig) -> PoolingAllocationConfig {
    let memory = usize::try_from(config.limits.memory_bytes).unwrap_or(usize::MAX);
    let elements = usize::try_from(config.limits.table_elements).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(config.instances)
        .total_memories(config.instances)
        .total_tables(config.instances)
        .max_memory_size(memory)
        .table_elements(elements);
    // Linux tells which pages were written to; where it cannot, every page is given back.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEPT_MEMORY)
            .table_keep_resident(KEPT_TABLE);
    }
    pool
}
