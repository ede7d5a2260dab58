//! The check `storage-pdp` as a module. Run natively, it prints its table of rules.
#![cfg_attr(target_arch = "wasm32", no_main)]

use heliotrope_checks::storage_pdp;

heliotrope_checks::export_check!(
    storage_pdp::describe_bytes,
    storage_pdp::plan_bytes,
    storage_pdp::check_bytes
);

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::io::Result<()> {
    use std::io::Write as _;
    let description = storage_pdp::describe();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} {}", description.name, description.version)?;
    for rule in description.rules {
        writeln!(out, "{:>5}  reason {:>2}  {}", rule.rule_id, rule.reason, rule.name)?;
    }
    Ok(())
}
