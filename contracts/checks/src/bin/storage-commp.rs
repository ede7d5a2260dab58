//! The check `storage-commp` as a module. Run natively, it prints its table of rules.
#![cfg_attr(target_arch = "wasm32", no_main)]

use heliotrope_checks::storage_commp;

heliotrope_checks::export_check!(
    storage_commp::describe_bytes,
    storage_commp::plan_bytes,
    storage_commp::check_bytes
);

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::io::Result<()> {
    use std::io::Write as _;
    let description = storage_commp::describe();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} {}", description.name, description.version)?;
    for rule in description.rules {
        writeln!(out, "{:>5}  reason {:>2}  {}", rule.rule_id, rule.reason, rule.name)?;
    }
    Ok(())
}
