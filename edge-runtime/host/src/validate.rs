//! What a module must be before the compiler may see it.
//!
//! The features are an explicit list, not a default: a new proposal in the parser changes nothing.

use crate::HostError;
use wasmparser::{
    CompositeInnerType, ExternalKind, FuncType, FunctionBody, MemoryType, Parser, Payload, ValType,
    ValidPayload, Validator, WasmFeatures,
};

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
    /// Parameters of one function type.
    pub params: u64,
    /// Function types.
    pub types: u64,
    /// Tables.
    pub tables: u64,
    /// Elements of a table.
    pub table_elements: u64,
    /// Globals.
    pub globals: u64,
    /// Element and data segments.
    pub segments: u64,
    /// Bytes of memory, declared maximum.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
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
            memory_bytes: 16 << 20,
        }
    }
}

const PAGE_BYTES: u64 = 64 << 10;

/// What rustc emits for `wasm32-unknown-unknown`, and no more. Reference types only change how a
/// table index is written; externref cannot get in without imports.
const FEATURES: WasmFeatures = WasmFeatures::empty()
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::GC_TYPES);

/// Name, parameters, results.
type Signature = (&'static str, &'static [ValType], &'static [ValType]);

/// The exported functions of ABI v1; `memory` comes on top.
const FUNCTIONS: [Signature; 5] = [
    ("hc_abi_v1", &[], &[ValType::I32]),
    ("hc_alloc", &[ValType::I32], &[ValType::I32]),
    ("hc_check", &[ValType::I32; 2], &[ValType::I64]),
    ("hc_describe", &[], &[ValType::I64]),
    ("hc_plan", &[ValType::I32; 4], &[ValType::I64]),
];

/// Checks that a module is valid, within `limits`, and has exactly the shape of ABI v1.
///
/// # Errors
/// The first rule that it breaks.
pub fn validate_module(bytes: &[u8], limits: &Limits) -> Result<(), HostError> {
    at_most("bytes", bytes.len() as u64, limits.module_bytes)?;
    let mut shape = Shape::default();
    let mut validator = Validator::new_with_features(FEATURES);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(invalid)?;
        // sizes first: the validator allocates by counts
        shape.note(&payload, limits)?;
        if let ValidPayload::Func(func, body) = validator.payload(&payload).map_err(invalid)? {
            let mut func = func.into_validator(wasmparser::FuncValidatorAllocations::default());
            func.validate(&body).map_err(invalid)?;
        }
    }
    shape.check(limits)
}

fn invalid(error: impl std::fmt::Display) -> HostError {
    HostError::Invalid(error.to_string())
}

fn at_most(what: &'static str, got: u64, expected: u64) -> Result<(), HostError> {
    if got <= expected { Ok(()) } else { Err(HostError::Limit { what, got, expected }) }
}

/// What is seen of a module on the way through.
#[derive(Default)]
struct Shape {
    types: Vec<Option<FuncType>>,
    functions: Vec<u32>,
    memories: Vec<MemoryType>,
    exports: Vec<(String, ExternalKind, u32)>,
}

impl Shape {
    fn note(&mut self, payload: &Payload<'_>, limits: &Limits) -> Result<(), HostError> {
        match payload {
            Payload::TypeSection(section) => {
                at_most("types", section.count().into(), limits.types)?;
                self.note_types(section.clone(), limits)
            }
            Payload::ImportSection(section) => match section.clone().into_imports().next() {
                Some(import) => {
                    let import = import.map_err(invalid)?;
                    Err(HostError::Import { got: format!("{}.{}", import.module, import.name) })
                }
                None => Ok(()),
            },
            Payload::FunctionSection(section) => {
                at_most("functions", section.count().into(), limits.functions)?;
                self.functions =
                    section.clone().into_iter().collect::<Result<_, _>>().map_err(invalid)?;
                Ok(())
            }
            Payload::TableSection(section) => {
                at_most("tables", section.count().into(), limits.tables)?;
                for table in section.clone() {
                    let table = table.map_err(invalid)?.ty;
                    let largest = table.maximum.unwrap_or(table.initial).max(table.initial);
                    at_most("table elements", largest, limits.table_elements)?;
                }
                Ok(())
            }
            Payload::MemorySection(section) => {
                at_most("memories", section.count().into(), 1)?;
                self.memories =
                    section.clone().into_iter().collect::<Result<_, _>>().map_err(invalid)?;
                Ok(())
            }
            Payload::GlobalSection(section) => {
                at_most("globals", section.count().into(), limits.globals)
            }
            Payload::ElementSection(section) => {
                at_most("element segments", section.count().into(), limits.segments)
            }
            Payload::DataSection(section) => {
                at_most("data segments", section.count().into(), limits.segments)
            }
            Payload::DataCountSection { count, .. } => {
                at_most("data segments", u64::from(*count), limits.segments)
            }
            Payload::CodeSectionStart { count, .. } => {
                at_most("functions", u64::from(*count), limits.functions)
            }
            Payload::ExportSection(section) => {
                at_most("exports", section.count().into(), 6)?;
                for export in section.clone() {
                    let export = export.map_err(invalid)?;
                    self.exports.push((export.name.into(), export.kind, export.index));
                }
                Ok(())
            }
            Payload::StartSection { .. } => Err(HostError::Start),
            Payload::CodeSectionEntry(body) => note_body(body, limits),
            _ => Ok(()),
        }
    }

    fn note_types(
        &mut self,
        section: wasmparser::TypeSectionReader<'_>,
        limits: &Limits,
    ) -> Result<(), HostError> {
        for group in section {
            for ty in group.map_err(invalid)?.into_types() {
                let ty = match ty.composite_type.inner {
                    CompositeInnerType::Func(func) => Some(func),
                    _ => None,
                };
                let arity = ty.as_ref().map_or(0, |f| f.params().len().max(f.results().len()));
                at_most("parameters", arity as u64, limits.params)?;
                self.types.push(ty);
            }
        }
        Ok(())
    }

    fn check(&self, limits: &Limits) -> Result<(), HostError> {
        let [memory] = self.memories.as_slice() else {
            return Err(HostError::Memory { got: "no memory" });
        };
        let Some(maximum) = memory.maximum else {
            return Err(HostError::Memory { got: "a memory without maximum" });
        };
        at_most("bytes of memory", maximum.saturating_mul(PAGE_BYTES), limits.memory_bytes)?;
        let mut got: Vec<_> = self.exports.iter().map(|export| self.signature(export)).collect();
        got.sort_unstable();
        let mut expected: Vec<_> =
            FUNCTIONS.iter().map(|(name, params, results)| show(name, params, results)).collect();
        expected.push("memory".into());
        if got == expected {
            Ok(())
        } else {
            Err(HostError::Export { got: got.join(", "), expected: expected.join(", ") })
        }
    }

    fn signature(&self, (name, kind, index): &(String, ExternalKind, u32)) -> String {
        match kind {
            ExternalKind::Memory if name == "memory" => name.clone(),
            ExternalKind::Func => {
                let place = usize::try_from(*index).unwrap_or(usize::MAX);
                let ty = self.functions.get(place).and_then(|ty| usize::try_from(*ty).ok());
                let ty = ty.and_then(|ty| self.types.get(ty)).and_then(Option::as_ref);
                ty.map_or_else(String::new, |ty| show(name, ty.params(), ty.results()))
            }
            other => format!("{name}: {other:?}"),
        }
    }
}

fn show(name: &str, params: &[ValType], results: &[ValType]) -> String {
    format!("{name}{params:?} -> {results:?}")
}

fn note_body(body: &FunctionBody<'_>, limits: &Limits) -> Result<(), HostError> {
    let range = body.range();
    let size = range.end.saturating_sub(range.start);
    at_most("bytes of a function", size as u64, limits.function_bytes)?;
    let mut locals = 0_u64;
    for local in body.get_locals_reader().map_err(invalid)? {
        let (count, _) = local.map_err(invalid)?;
        locals = locals.saturating_add(u64::from(count));
    }
    at_most("locals", locals, limits.locals)
}
