//! One function body: valid, and within the limits that the compiler's cost hangs on.

use super::{Limits, ModuleError, at_most, count, invalid};
use wasmparser::{BinaryReader, FuncValidator, FunctionBody, WasmModuleResources};

/// Opcode of `br_table`.
const BR_TABLE: u8 = 0x0e;

/// Checks a body, operator by operator.
pub(super) fn check<R: WasmModuleResources>(
    function: &mut FuncValidator<R>,
    body: &FunctionBody<'_>,
    limits: &Limits,
) -> Result<(), ModuleError> {
    let mut reader = body.get_binary_reader();
    at_most("bytes of a function", count(reader.bytes_remaining()), limits.function_bytes)?;
    locals_at_most(body, limits)?;
    function.read_locals(&mut reader).map_err(invalid)?;
    reader.set_features(*function.features());
    while !reader.eof() {
        branch_targets_at_most(reader.clone(), limits)?;
        let at = reader.original_position();
        reader.visit_operator(&mut function.visitor(at)).map_err(invalid)?.map_err(invalid)?;
        at_most("nested blocks", function.control_stack_height().into(), limits.nesting)?;
    }
    let end = reader.original_position();
    reader.finish_expression(&function.visitor(end)).map_err(invalid)
}

/// Locals are counted before the validator makes room for them: three bytes can ask for 2^32.
fn locals_at_most(body: &FunctionBody<'_>, limits: &Limits) -> Result<(), ModuleError> {
    let mut locals = 0_u64;
    for local in body.get_locals_reader().map_err(invalid)? {
        let (more, _) = local.map_err(invalid)?;
        locals = locals.saturating_add(more.into());
    }
    at_most("locals", locals, limits.locals)
}

/// Looks at the operator that comes next; what does not decode is left to the validator.
fn branch_targets_at_most(mut next: BinaryReader<'_>, limits: &Limits) -> Result<(), ModuleError> {
    match (next.read_u8(), next.read_var_u32()) {
        (Ok(BR_TABLE), Ok(targets)) => {
            at_most("branch targets", targets.into(), limits.branch_targets)
        }
        _ => Ok(()),
    }
}
