//! Takes modules in: one engine, one way from bytes to a module that runs.

use crate::{
    CacheConfig, CheckModule, Compiler, HostError, Origin, Quarantined,
    cache::{Cache, Key},
    call::Exports,
    engine::{self, Code},
    native::OwnCode,
    quarantine::Quarantine,
};
use heliotrope_device_proofs::module::{Limits, check_pin, validate_module};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use wasmtime::{Engine, Linker};

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
    /// Runs code for wasmtime's interpreter instead of the processor: twenty to seventy times slower, and possible on
    /// every processor.
    pub interpreted: bool,
    /// Makes every NaN the same one. Off where verdicts are made; a test runs modules both ways.
    pub canonicalize_nan: bool,
    /// Where modules are compiled.
    pub compiler: Compiler,
    /// Where compiled code is kept; `None` compiles each time.
    pub cache: Option<CacheConfig>,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            limits: Limits::ABI_V1,
            fuel: 2_000_000_000,
            deadline: Duration::from_secs(5),
            input_bytes: 1 << 20,
            output_bytes: 256 << 10,
            instances: 64,
            interpreted: false,
            canonicalize_nan: false,
            compiler: Compiler::InProcess,
            cache: None,
        }
    }
}

/// The engine that modules run in.
#[derive(Clone, Debug)]
pub struct Host {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) config: HostConfig,
    /// The deadline, in ticks.
    pub(crate) ticks: u64,
    code: Code,
    cache: Option<Cache>,
    quarantine: Quarantine,
    /// One compilation at a time: the compiler takes a core and its memory limit.
    compiling: Mutex<()>,
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
        let (engine, code) = engine::start(&config)?;
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
            .map_err(HostError::engine)?;
        let ticks = config.deadline.as_millis().checked_div(TICK.as_millis()).unwrap_or(1);
        let shared = Shared {
            engine,
            ticks: u64::try_from(ticks).unwrap_or(u64::MAX).max(1),
            code,
            cache: config.cache.clone().map(Cache::new),
            quarantine: Quarantine::default(),
            compiling: Mutex::default(),
            stop,
            config,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Takes in a module: its hash must be `pin`; then its code is read from the cache, or it passes
    /// the gate ([`validate_module`]) and is compiled.
    ///
    /// # Errors
    /// If the bytes are not the pinned ones, do not pass the gate, do not compile or are in
    /// quarantine, or name another ABI version.
    pub fn load(&self, wasm: &[u8], pin: &[u8; 32]) -> Result<CheckModule, HostError> {
        let Shared { engine, config, cache, .. } = &*self.shared;
        check_pin(wasm, pin, &config.limits)?;
        let (code, origin) = match cache {
            None => (self.compile(wasm, pin)?, Origin::Unkept { reason: "no cache is set".into() }),
            Some(cache) => {
                let key = Key::new(pin, engine, &config.limits);
                match cache.get(key) {
                    Some(code) => (code, Origin::Kept),
                    None => self.compile_and_keep(wasm, pin, cache, key)?,
                }
            }
        };
        let (module, origin) = match (code.load(engine), cache) {
            (Ok(module), _) => (module, origin),
            // ours, and still not for this engine
            (Err(_), Some(cache)) if origin == Origin::Kept => {
                let key = Key::new(pin, engine, &config.limits);
                cache.remove(key);
                let (code, origin) = self.compile_and_keep(wasm, pin, cache, key)?;
                (code.load(engine).map_err(HostError::engine)?, origin)
            }
            (Err(error), _) => return Err(HostError::engine(error)),
        };
        // no imports: an empty linker
        let pre = Linker::new(engine).instantiate_pre(&module).map_err(HostError::engine)?;
        let exports = Exports::of(&module)?;
        let shared = Arc::clone(&self.shared);
        let module = CheckModule { pre, exports, hash: *pin, origin, shared };
        match module.abi()? {
            ABI => Ok(module),
            got => Err(HostError::Abi { got, expected: ABI }),
        }
    }

    fn compile_and_keep(
        &self,
        wasm: &[u8],
        pin: &[u8; 32],
        cache: &Cache,
        key: Key,
    ) -> Result<(OwnCode, Origin), HostError> {
        let turn = cache.turn(key);
        // whoever had the turn before may have kept it
        if let Some(code) = cache.get(key) {
            return Ok((code, Origin::Kept));
        }
        let code = self.compile(wasm, pin)?;
        let origin = match cache.put(key, &code) {
            Ok(()) => Origin::Compiled,
            Err(error) => Origin::Unkept { reason: error.to_string() },
        };
        drop(turn);
        Ok((code, origin))
    }

    fn compile(&self, wasm: &[u8], pin: &[u8; 32]) -> Result<OwnCode, HostError> {
        let Shared { engine, config, quarantine, compiling, code, .. } = &*self.shared;
        validate_module(wasm, &config.limits)?;
        let turn = compiling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = quarantine.holds(pin) {
            return Err(HostError::Quarantined(held));
        }
        let compiled = config.compiler.compile(engine, *code, wasm);
        drop(turn);
        match compiled {
            Ok(bytes) => {
                quarantine.release(pin);
                Ok(OwnCode::vouch(bytes))
            }
            Err(error) => {
                quarantine.failed(pin, error.to_string());
                Err(error)
            }
        }
    }

    /// The modules whose last compilation failed, and when each is tried again.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Quarantined> {
        self.shared.quarantine.list()
    }

    /// Whether instances come from a pool with room for every 32-bit address.
    #[must_use]
    pub fn has_wide_memories(&self) -> bool {
        self.shared.code.reservation > u64::from(u32::MAX)
    }
}
