//! The check `coverage-radio` as a module. Run natively, it prints its table of rules.
#![cfg_attr(target_arch = "wasm32", no_main)]

use heliotrope_checks::coverage_radio;

heliotrope_checks::export_check!(
    coverage_radio::describe_bytes,
    coverage_radio::plan_bytes,
    coverage_radio::check_bytes
);

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::io::Result<()> {
    use std::io::Write as _;
    let description = coverage_radio::describe();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} {}", description.name, description.version)?;
    for rule in description.rules {
        writeln!(out, "{:>5}  reason {:>2}  {}", rule.rule_id, rule.reason, rule.name)?;
    }
    Ok(())
}
