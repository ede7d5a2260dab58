//! The check `data-transfer` as a module. Run natively, it prints its table of rules.
#![cfg_attr(target_arch = "wasm32", no_main)]

use heliotrope_checks::data_transfer;

heliotrope_checks::export_check!(
    data_transfer::describe_bytes,
    data_transfer::plan_bytes,
    data_transfer::check_bytes
);

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::io::Result<()> {
    use std::io::Write as _;
    let description = data_transfer::describe();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} {}", description.name, description.version)?;
    for rule in description.rules {
        writeln!(out, "{:>5}  reason {:>4}  {}", rule.rule_id, rule.reason, rule.name)?;
    }
    Ok(())
}
