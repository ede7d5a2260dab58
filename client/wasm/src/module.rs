//! Check modules run by the browser's own WebAssembly engine.
//!
//! The bytes are the pinned ones, unchanged, and pass the same gate as on a gateway before the browser compiles them.
//! Every call gets a fresh instance, so nothing is carried from one check to the next. A module that loops for ever is
//! ended from outside: the page's watchdog ends the whole worker.
//!
//! A trap, a limit or a loop depends on the engine: an error of this host, never a verdict. That a module refuses its
//! input does not: it is an answer, and can contradict a committed one.

use heliotrope_device_proofs::module::{self as gate, Limits, validate_module};
use js_sys::{BigInt, Function, Object, Reflect, Uint8Array, WebAssembly};
use wasm_bindgen::{JsCast as _, JsValue};

/// Largest output that is read back.
const MAX_OUTPUT: u32 = 4 << 20;

/// The module gave no answer: never a verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ModuleError {
    /// It does not pass the gate.
    #[error(transparent)]
    Gate(#[from] gate::ModuleError),
    /// The browser does not take it.
    #[error("module does not compile: {0}")]
    Compile(String),
    /// The module refuses its input.
    #[error("the module refused its input")]
    Refused,
    /// Something the ABI asks for is missing.
    #[error("module has no {0}")]
    Export(&'static str),
    /// The call trapped.
    #[error("{function} trapped: {reason}")]
    Trap {
        /// The export.
        function: &'static str,
        /// What the engine said.
        reason: String,
    },
    /// The answer lies outside the module's memory, or is too long.
    #[error("{function} answered {len} bytes at {ptr}, outside of memory or over the limit")]
    Range {
        /// The export.
        function: &'static str,
        /// Address.
        ptr: u32,
        /// Length.
        len: u32,
    },
}

/// A compiled check module.
#[derive(Debug)]
pub(crate) struct CheckModule {
    module: WebAssembly::Module,
}

impl CheckModule {
    /// Compiles the bytes; their digest has been compared with the pin before.
    pub(crate) fn compile(bytes: &[u8]) -> Result<Self, ModuleError> {
        validate_module(bytes, &Limits::ABI_V1)?;
        let source = Uint8Array::from(bytes);
        let module = WebAssembly::Module::new(&source.into())
            .map_err(|error| ModuleError::Compile(text(&error)))?;
        Ok(Self { module })
    }

    /// What the module says about itself.
    pub(crate) fn describe(&self) -> Result<Vec<u8>, ModuleError> {
        let instance = Instance::new(&self.module)?;
        instance.call("hc_describe", &[])
    }

    /// Which chain facts the check needs.
    pub(crate) fn plan(&self, evidence: &[u8], params: &[u8]) -> Result<Vec<u8>, ModuleError> {
        let instance = Instance::new(&self.module)?;
        let (evidence, params) = (instance.put(evidence)?, instance.put(params)?);
        instance.call("hc_plan", &[evidence.0, evidence.1, params.0, params.1])
    }

    /// The check itself.
    pub(crate) fn check(&self, input: &[u8]) -> Result<Vec<u8>, ModuleError> {
        let instance = Instance::new(&self.module)?;
        let input = instance.put(input)?;
        instance.call("hc_check", &[input.0, input.1])
    }
}

struct Instance {
    exports: Object,
    memory: WebAssembly::Memory,
}

impl Instance {
    fn new(module: &WebAssembly::Module) -> Result<Self, ModuleError> {
        let instance = WebAssembly::Instance::new(module, &Object::new())
            .map_err(|error| ModuleError::Compile(text(&error)))?;
        let exports = instance.exports();
        let memory = Reflect::get(&exports, &JsValue::from_str("memory"))
            .ok()
            .and_then(|value| value.dyn_into::<WebAssembly::Memory>().ok())
            .ok_or(ModuleError::Export("memory"))?;
        Ok(Self { exports, memory })
    }

    fn function(&self, name: &'static str) -> Result<Function, ModuleError> {
        Reflect::get(&self.exports, &JsValue::from_str(name))
            .ok()
            .and_then(|value| value.dyn_into::<Function>().ok())
            .ok_or(ModuleError::Export(name))
    }

    fn invoke(&self, name: &'static str, args: &[u32]) -> Result<JsValue, ModuleError> {
        let list = js_sys::Array::new();
        for arg in args {
            list.push(&JsValue::from(*arg));
        }
        self.function(name)?
            .apply(&JsValue::NULL, &list)
            .map_err(|error| ModuleError::Trap { function: name, reason: text(&error) })
    }

    /// Copies bytes into the module; pointer and length.
    fn put(&self, bytes: &[u8]) -> Result<(u32, u32), ModuleError> {
        let function = "hc_alloc";
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let ptr = js_u32(&self.invoke(function, &[len])?);
        if ptr == 0 {
            return Err(ModuleError::Refused);
        }
        let view = Uint8Array::new(&self.memory.buffer());
        let end = ptr.checked_add(len).filter(|end| *end <= view.length());
        let end = end.ok_or(ModuleError::Range { function, ptr, len })?;
        view.subarray(ptr, end).copy_from(bytes);
        Ok((ptr, len))
    }

    /// Calls an export that answers `ptr << 32 | len`.
    fn call(&self, function: &'static str, args: &[u32]) -> Result<Vec<u8>, ModuleError> {
        let answer = self.invoke(function, args)?;
        let packed = answer
            .dyn_into::<BigInt>()
            .ok()
            .and_then(|big| u64::try_from(BigInt::as_uint_n(64.0, &big)).ok())
            .ok_or(ModuleError::Range { function, ptr: 0, len: 0 })?;
        if packed == 0 {
            return Err(ModuleError::Refused);
        }
        let [a, b, c, d, e, f, g, h] = packed.to_be_bytes();
        let (ptr, len) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        let view = Uint8Array::new(&self.memory.buffer());
        let end = ptr.checked_add(len).filter(|end| *end <= view.length() && len <= MAX_OUTPUT);
        let end = end.ok_or(ModuleError::Range { function, ptr, len })?;
        Ok(view.subarray(ptr, end).to_vec())
    }
}

/// An i32 of the module, read as the address it is.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a wasm i32 lies in -2^31..2^31; the remainder brings it into u32"
)]
fn js_u32(value: &JsValue) -> u32 {
    value.as_f64().map_or(0, |number| number.rem_euclid(4_294_967_296.0) as u32)
}

fn text(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}
