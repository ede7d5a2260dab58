//! Runs check modules: one engine, one instance per call.

use crate::validate::{Limits, validate_module};
use crate::{HostError, hex};
use heliotrope_device_proofs::abi::{CheckOutput, Description, Plan};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, InstancePre, Linker, Memory, Module, OptLevel,
    PoolingAllocationConfig, Store, StoreLimits, StoreLimitsBuilder, Trap,
};

const ABI: i32 = 1;
/// Tick of the deadline.
const TICK: Duration = Duration::from_millis(10);

/// What a host allows.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Sizes of modules.
    pub limits: Limits,
    /// Fuel of one call: a local guard, never part of a verdict.
    pub fuel: u64,
    /// Longest time of one call.
    pub deadline: Duration,
    /// Largest input of one call in bytes.
    pub input_bytes: usize,
    /// Largest output of one call in bytes.
    pub output_bytes: usize,
    /// Most instances at a time; more callers than that get an error.
    pub instances: u32,
    /// Makes every NaN the same one. Off where verdicts are made; a test runs modules both ways.
    pub canonicalize_nan: bool,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            fuel: 2_000_000_000,
            deadline: Duration::from_secs(5),
            input_bytes: 1 << 20,
            output_bytes: 256 << 10,
            instances: 64,
            canonicalize_nan: false,
        }
    }
}

/// The engine that modules run in.
#[derive(Clone, Debug)]
pub struct Host {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    engine: Engine,
    config: HostConfig,
    stop: Arc<AtomicBool>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Host {
    /// Starts an engine, and a thread that keeps the time.
    ///
    /// Instances come from a pool; where the address space for it is not to be had (small gateways),
    /// they are made one by one.
    ///
    /// # Errors
    /// [`HostError::Engine`] if the engine does not start.
    pub fn new(config: HostConfig) -> Result<Self, HostError> {
        let engine = Engine::new(&engine_config(&config, true))
            .or_else(|_| Engine::new(&engine_config(&config, false)))
            .map_err(engine_error)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (ticker, stopped) = (engine.clone(), Arc::clone(&stop));
        let tick = move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                ticker.increment_epoch();
            }
        };
        std::thread::Builder::new()
            .name("check-deadline".into())
            .spawn(tick)
            .map_err(|error| HostError::Engine(error.to_string()))?;
        Ok(Self { shared: Arc::new(Shared { engine, config, stop }) })
    }

    /// Takes in a module: its hash must be `pin`, then it is validated, then compiled.
    ///
    /// # Errors
    /// If the bytes are not the pinned ones, break a rule of [`validate_module`], do not compile, or
    /// name another ABI version.
    pub fn load(&self, wasm: &[u8], pin: &[u8; 32]) -> Result<CheckModule, HostError> {
        let got: [u8; 32] = Sha256::digest(wasm).into();
        if got != *pin {
            return Err(HostError::Hash { got, expected: *pin });
        }
        validate_module(wasm, &self.shared.config.limits)?;
        let engine = &self.shared.engine;
        let module = Module::from_binary(engine, wasm).map_err(engine_error)?;
        // no imports: an empty linker
        let pre = Linker::new(engine).instantiate_pre(&module).map_err(engine_error)?;
        let module = CheckModule { pre, hash: got, shared: Arc::clone(&self.shared) };
        let mut call = module.call()?;
        let version = call.function::<(), i32>("hc_abi_v1")?;
        match version.call(&mut call.store, ()).map_err(|e| call.trap(&e))? {
            ABI => Ok(module),
            got => Err(HostError::Abi { got, expected: ABI }),
        }
    }
}

fn engine_error(error: impl std::fmt::Display) -> HostError {
    HostError::Engine(format!("{error:#}"))
}

fn engine_config(config: &HostConfig, pooling: bool) -> Config {
    let memory = usize::try_from(config.limits.memory_bytes).unwrap_or(usize::MAX);
    let elements = usize::try_from(config.limits.table_elements).unwrap_or(usize::MAX);
    let mut engine = Config::new();
    engine
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(config.canonicalize_nan)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(512 << 10)
        .wasm_bulk_memory(true)
        .wasm_multi_value(true)
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .memory_reservation(config.limits.memory_bytes)
        .memory_guard_size(64 << 10)
        .generate_address_map(false);
    if pooling {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_core_instances(config.instances)
            .total_memories(config.instances)
            .total_tables(config.instances)
            .max_memory_size(memory)
            .table_elements(elements);
        engine.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    engine
}

/// A pinned module, compiled.
#[derive(Clone)]
pub struct CheckModule {
    pre: InstancePre<StoreLimits>,
    hash: [u8; 32],
    shared: Arc<Shared>,
}

impl std::fmt::Debug for CheckModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CheckModule({})", hex(&self.hash))
    }
}

impl CheckModule {
    /// SHA-256 of the module.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// What the module says about itself.
    ///
    /// # Errors
    /// If the module traps, breaks a limit, or says it in another format.
    pub fn describe(&self) -> Result<Description, HostError> {
        let mut call = self.call()?;
        let describe = call.function::<(), i64>("hc_describe")?;
        let result = describe.call(&mut call.store, ()).map_err(|e| call.trap(&e))?;
        Ok(Description::decode(&call.output(result)?)?)
    }

    /// The facts that this evidence needs.
    ///
    /// # Errors
    /// If the module refuses, traps or breaks a limit, or the plan is malformed.
    pub fn plan(&self, evidence: &[u8], params: &[u8]) -> Result<Plan, HostError> {
        let mut call = self.call()?;
        let evidence = call.input(evidence)?;
        let params = call.input(params)?;
        let plan = call.function::<(u32, u32, u32, u32), i64>("hc_plan")?;
        let args = (evidence.0, evidence.1, params.0, params.1);
        let result = plan.call(&mut call.store, args).map_err(|e| call.trap(&e))?;
        Ok(Plan::decode(&call.output(result)?)?)
    }

    /// Runs the check on an encoded `CheckInput`: the output bytes, as the module gave them, after
    /// they were found to be one well-formed output about this input.
    ///
    /// # Errors
    /// If the module refuses, traps or breaks a limit, or the output is malformed or about another
    /// input. None of these is a verdict.
    pub fn check(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let mut call = self.call()?;
        let (ptr, len) = call.input(input)?;
        let check = call.function::<(u32, u32), i64>("hc_check")?;
        let result = check.call(&mut call.store, (ptr, len)).map_err(|e| call.trap(&e))?;
        let bytes = call.output(result)?;
        let output = CheckOutput::decode(&bytes)?;
        let expected: [u8; 32] = Sha256::digest(input).into();
        if output.input_hash != expected {
            return Err(HostError::InputHash { got: output.input_hash, expected });
        }
        Ok(bytes)
    }

    /// A fresh instance with its limits set.
    fn call(&self) -> Result<Call<'_>, HostError> {
        let config = &self.shared.config;
        let memory = usize::try_from(config.limits.memory_bytes).unwrap_or(usize::MAX);
        let limits = StoreLimitsBuilder::new().memory_size(memory).instances(1).memories(1);
        let mut store = Store::new(&self.shared.engine, limits.build());
        store.limiter(|limits| limits);
        store.set_fuel(config.fuel).map_err(engine_error)?;
        let ticks = config.deadline.as_millis().checked_div(TICK.as_millis()).unwrap_or(1);
        store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX).max(1));
        let instance = self.pre.instantiate(&mut store).map_err(engine_error)?;
        let Some(memory) = instance.get_memory(&mut store, "memory") else {
            return Err(HostError::Memory { got: "no exported memory" });
        };
        Ok(Call { store, instance, memory, config })
    }
}

/// One call: its instance lives and dies with it.
struct Call<'a> {
    store: Store<StoreLimits>,
    instance: wasmtime::Instance,
    memory: Memory,
    config: &'a HostConfig,
}

impl Call<'_> {
    fn function<P: wasmtime::WasmParams, R: wasmtime::WasmResults>(
        &mut self,
        name: &str,
    ) -> Result<wasmtime::TypedFunc<P, R>, HostError> {
        self.instance.get_typed_func(&mut self.store, name).map_err(engine_error)
    }

    /// Copies an input into the module's memory, where the module wants it.
    fn input(&mut self, bytes: &[u8]) -> Result<(u32, u32), HostError> {
        let expected = self.config.input_bytes;
        let size = HostError::InputSize { got: bytes.len(), expected };
        let Some(len) = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= expected) else {
            return Err(size);
        };
        let alloc = self.function::<u32, u32>("hc_alloc")?;
        let ptr = alloc.call(&mut self.store, len).map_err(|e| self.trap(&e))?;
        if ptr == 0 {
            return Err(HostError::Refused);
        }
        let memory = self.memory.data_mut(&mut self.store);
        let expected = memory.len();
        match memory.get_mut(span(ptr, len)) {
            Some(target) => target.copy_from_slice(bytes),
            None => return Err(HostError::Pointer { ptr, len, expected }),
        }
        Ok((ptr, len))
    }

    /// Copies a result (`ptr << 32 | len`) out of the module's memory.
    fn output(&mut self, result: i64) -> Result<Vec<u8>, HostError> {
        let [p3, p2, p1, p0, l3, l2, l1, l0] = result.to_be_bytes();
        let ptr = u32::from_be_bytes([p3, p2, p1, p0]);
        let len = u32::from_be_bytes([l3, l2, l1, l0]);
        if ptr == 0 && len == 0 {
            return Err(HostError::Refused);
        }
        let got = usize::try_from(len).unwrap_or(usize::MAX);
        if got > self.config.output_bytes {
            return Err(HostError::OutputSize { got, expected: self.config.output_bytes });
        }
        let memory = self.memory.data(&self.store);
        let outside = HostError::Pointer { ptr, len, expected: memory.len() };
        memory.get(span(ptr, len)).map(<[u8]>::to_vec).ok_or(outside)
    }

    fn trap(&self, error: &wasmtime::Error) -> HostError {
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => HostError::Fuel { expected: self.config.fuel },
            Some(Trap::Interrupt) => HostError::Deadline {
                expected_ms: u64::try_from(self.config.deadline.as_millis()).unwrap_or(u64::MAX),
            },
            Some(trap) => HostError::Trap(trap.to_string()),
            None => HostError::Trap(format!("{error:#}")),
        }
    }
}

fn span(ptr: u32, len: u32) -> std::ops::Range<usize> {
    let start = usize::try_from(ptr).unwrap_or(usize::MAX);
    start..start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX))
}
