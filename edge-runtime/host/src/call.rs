//! A compiled module, and one call of it: its instance lives and dies with the call.

use crate::{HostError, Origin, error::hex, host::Shared};
use heliotrope_device_proofs::abi::{CheckOutput, Description, Plan};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use wasmtime::{
    Instance, InstancePre, Memory, Module, ModuleExport, Store, StoreLimits, StoreLimitsBuilder,
    Trap, TypedFunc, WasmParams, WasmResults,
};

/// Where the ABI's exports are, looked up once.
#[derive(Clone, Copy)]
pub(crate) struct Exports {
    memory: ModuleExport,
    abi: ModuleExport,
    alloc: ModuleExport,
    describe: ModuleExport,
    plan: ModuleExport,
    check: ModuleExport,
}

impl Exports {
    pub(crate) fn of(module: &Module) -> Result<Self, HostError> {
        let find = |name: &str| {
            let export = module.get_export_index(name);
            export.ok_or_else(|| HostError::Engine(format!("no export {name}")))
        };
        Ok(Self {
            memory: find("memory")?,
            abi: find("hc_abi_v1")?,
            alloc: find("hc_alloc")?,
            describe: find("hc_describe")?,
            plan: find("hc_plan")?,
            check: find("hc_check")?,
        })
    }
}

/// A pinned module, ready to run.
#[derive(Clone)]
pub struct CheckModule {
    pub(crate) pre: InstancePre<StoreLimits>,
    pub(crate) exports: Exports,
    pub(crate) hash: [u8; 32],
    pub(crate) origin: Origin,
    pub(crate) shared: Arc<Shared>,
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

    /// Where its code came from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Version of the ABI that the module names.
    pub(crate) fn abi(&self) -> Result<i32, HostError> {
        let mut call = self.call()?;
        call.run::<(), i32>(self.exports.abi, ())
    }

    /// What the module says about itself.
    ///
    /// # Errors
    /// If the module traps, breaks a limit, or says it in another format.
    pub fn describe(&self) -> Result<Description, HostError> {
        let mut call = self.call()?;
        let result = call.run::<(), i64>(self.exports.describe, ())?;
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
        let arguments = (evidence.0, evidence.1, params.0, params.1);
        let result = call.run::<(u32, u32, u32, u32), i64>(self.exports.plan, arguments)?;
        Ok(Plan::decode(&call.output(result)?)?)
    }

    /// Runs the check on an encoded `CheckInput`: the output bytes, as the module gave them, after
    /// they were found to be one well-formed output about this input.
    ///
    /// # Errors
    /// If the module refuses, traps or breaks a limit, or the output is malformed or about another
    /// input. None of these is a verdict.
    pub fn check(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        Ok(self.check_held(input)?.0)
    }

    /// The same, with the instance: what it holds can be measured.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_held(&self, input: &[u8]) -> Result<(Vec<u8>, Held), HostError> {
        let mut call = self.call()?;
        let at = call.input(input)?;
        let result = call.run::<(u32, u32), i64>(self.exports.check, at)?;
        let bytes = call.output(result)?;
        let output = CheckOutput::decode(&bytes)?;
        let expected: [u8; 32] = Sha256::digest(input).into();
        if output.input_hash != expected {
            return Err(HostError::InputHash { got: output.input_hash, expected });
        }
        Ok((bytes, Held(call.store)))
    }

    /// A fresh instance with its limits set.
    fn call(&self) -> Result<Call<'_>, HostError> {
        let config = &self.shared.config;
        let memory = usize::try_from(config.limits.memory_bytes).unwrap_or(usize::MAX);
        let limits = StoreLimitsBuilder::new().memory_size(memory).instances(1).memories(1);
        let mut store = Store::new(&self.shared.engine, limits.build());
        store.limiter(|limits| limits);
        store.set_fuel(config.fuel).map_err(HostError::engine)?;
        store.set_epoch_deadline(self.shared.ticks);
        let instance = self.pre.instantiate(&mut store).map_err(HostError::engine)?;
        let memory = instance.get_module_export(&mut store, &self.exports.memory);
        let Some(memory) = memory.and_then(wasmtime::Extern::into_memory) else {
            return Err(HostError::Engine("memory is no memory".into()));
        };
        Ok(Call { store, instance, memory, module: self })
    }
}

/// The instance of a call that is over. It runs nothing any more; its place in the pool is free when this is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "held, not read")] Store<StoreLimits>);

/// One call.
struct Call<'a> {
    store: Store<StoreLimits>,
    instance: Instance,
    memory: Memory,
    module: &'a CheckModule,
}

impl Call<'_> {
    fn run<P: WasmParams, R: WasmResults>(
        &mut self,
        export: ModuleExport,
        arguments: P,
    ) -> Result<R, HostError> {
        let function = self.instance.get_module_export(&mut self.store, &export);
        let Some(function) = function.and_then(wasmtime::Extern::into_func) else {
            return Err(HostError::Engine("a function is no function".into()));
        };
        let typed: TypedFunc<P, R> = function.typed(&self.store).map_err(HostError::engine)?;
        typed.call(&mut self.store, arguments).map_err(|error| self.trap(&error))
    }

    /// Copies an input into the module's memory, where the module wants it.
    fn input(&mut self, bytes: &[u8]) -> Result<(u32, u32), HostError> {
        let expected = self.module.shared.config.input_bytes;
        let size = HostError::InputSize { got: bytes.len(), expected };
        let Some(len) = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= expected) else {
            return Err(size);
        };
        let ptr = self.run::<u32, u32>(self.module.exports.alloc, len)?;
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
        let (got, expected) =
            (usize::try_from(len).unwrap_or(usize::MAX), self.module.shared.config.output_bytes);
        if got > expected {
            return Err(HostError::OutputSize { got, expected });
        }
        let memory = self.memory.data(&self.store);
        let outside = HostError::Pointer { ptr, len, expected: memory.len() };
        memory.get(span(ptr, len)).map(<[u8]>::to_vec).ok_or(outside)
    }

    fn trap(&self, error: &wasmtime::Error) -> HostError {
        let config = &self.module.shared.config;
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => HostError::Fuel { expected: config.fuel },
            Some(Trap::Interrupt) => HostError::Deadline {
                expected_ms: u64::try_from(config.deadline.as_millis()).unwrap_or(u64::MAX),
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
