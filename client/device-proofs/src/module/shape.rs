//! What is seen of a module on the way through: its sections' sizes, its memory and its exports.

use super::{Limits, ModuleError, PAGE_BYTES, at_most, invalid};
use wasmparser::{
    CompositeInnerType, ElementItems, ElementSectionReader, ExternalKind, FuncType, MemoryType,
    Payload, TableSectionReader, TypeSectionReader, ValType,
};

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
/// With `memory`.
const EXPORTS: u64 = 6;

/// What the sections say.
#[derive(Default)]
pub(super) struct Shape {
    types: Vec<Option<FuncType>>,
    functions: Vec<u32>,
    memories: Vec<MemoryType>,
    exports: Vec<(String, ExternalKind, u32)>,
}

impl Shape {
    /// Takes note of a section, if its sizes are within the limits.
    pub(super) fn note(&mut self, part: &Payload<'_>, limits: &Limits) -> Result<(), ModuleError> {
        match part {
            Payload::TypeSection(section) => self.note_types(section, limits),
            Payload::ImportSection(section) => match section.clone().into_imports().next() {
                Some(import) => {
                    let import = import.map_err(invalid)?;
                    Err(ModuleError::Import { got: format!("{}.{}", import.module, import.name) })
                }
                None => Ok(()),
            },
            Payload::FunctionSection(section) => {
                at_most("functions", section.count().into(), limits.functions)?;
                let functions = section.clone().into_iter().collect::<Result<_, _>>();
                self.functions = functions.map_err(invalid)?;
                Ok(())
            }
            Payload::TableSection(section) => tables_at_most(section, limits),
            Payload::MemorySection(section) => {
                at_most("memories", section.count().into(), 1)?;
                let memories = section.clone().into_iter().collect::<Result<_, _>>();
                self.memories = memories.map_err(invalid)?;
                Ok(())
            }
            Payload::GlobalSection(section) => {
                at_most("globals", section.count().into(), limits.globals)
            }
            Payload::ExportSection(section) => {
                at_most("exports", section.count().into(), EXPORTS)?;
                for export in section.clone() {
                    let export = export.map_err(invalid)?;
                    self.exports.push((export.name.into(), export.kind, export.index));
                }
                Ok(())
            }
            Payload::StartSection { .. } => Err(ModuleError::Start),
            Payload::ElementSection(section) => elements_at_most(section, limits),
            Payload::DataSection(section) => {
                at_most("data segments", section.count().into(), limits.segments)
            }
            Payload::DataCountSection { count, .. } => {
                at_most("data segments", u64::from(*count), limits.segments)
            }
            Payload::CodeSectionStart { count, .. } => {
                at_most("functions", u64::from(*count), limits.functions)
            }
            _ => Ok(()),
        }
    }

    fn note_types(
        &mut self,
        section: &TypeSectionReader<'_>,
        limits: &Limits,
    ) -> Result<(), ModuleError> {
        at_most("types", section.count().into(), limits.types)?;
        for group in section.clone() {
            for ty in group.map_err(invalid)?.into_types() {
                let ty = match ty.composite_type.inner {
                    CompositeInnerType::Func(func) => Some(func),
                    _ => None,
                };
                let arity = ty.as_ref().map_or(0, |f| f.params().len().max(f.results().len()));
                at_most("parameters", super::count(arity), limits.params)?;
                self.types.push(ty);
            }
        }
        Ok(())
    }

    /// What can be said once all sections are seen.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), ModuleError> {
        let [memory] = self.memories.as_slice() else {
            return Err(ModuleError::Memory { got: "no memory" });
        };
        let Some(maximum) = memory.maximum else {
            return Err(ModuleError::Memory { got: "a memory without maximum" });
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
            Err(ModuleError::Export { got: got.join(", "), expected: expected.join(", ") })
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

fn tables_at_most(section: &TableSectionReader<'_>, limits: &Limits) -> Result<(), ModuleError> {
    at_most("tables", section.count().into(), limits.tables)?;
    for table in section.clone() {
        let table = table.map_err(invalid)?.ty;
        let largest = table.maximum.unwrap_or(table.initial).max(table.initial);
        at_most("table elements", largest, limits.table_elements)?;
    }
    Ok(())
}

fn elements_at_most(
    section: &ElementSectionReader<'_>,
    limits: &Limits,
) -> Result<(), ModuleError> {
    at_most("element segments", section.count().into(), limits.segments)?;
    let mut elements = 0_u64;
    for segment in section.clone() {
        let items = match segment.map_err(invalid)?.items {
            ElementItems::Functions(items) => items.count(),
            ElementItems::Expressions(_, items) => items.count(),
        };
        elements = elements.saturating_add(items.into());
    }
    at_most("elements", elements, limits.table_elements)
}

fn show(name: &str, params: &[ValType], results: &[ValType]) -> String {
    format!("{name}{params:?} -> {results:?}")
}
