//! The check `coverage-map` as a module. Run natively, it prints its table of rules.
#![cfg_attr(target_arch = "wasm32", no_main)]

use heliotrope_checks::coverage_map;

heliotrope_checks::export_check!(
    coverage_map::describe_bytes,
    coverage_map::plan_bytes,
    coverage_map::check_bytes
);

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::io::Result<()> {
    use std::io::Write as _;
    let description = coverage_map::describe();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} {}", description.name, description.version)?;
    for rule in description.rules {
        writeln!(out, "{:>5}  reason {:>4}  {}", rule.rule_id, rule.reason, rule.name)?;
    }
    Ok(())
}
