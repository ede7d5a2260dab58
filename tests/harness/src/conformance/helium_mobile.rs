//! `helium-mobile`: the cases that Helium Mobile's oracles publish, judged by the pinned module.
//!
//! The cases are those of `heliotrope_checks::coverage_map::published`, which names their source; here each runs
//! through the wasm in the host. They are figures in the code and need no file: any folder will do.

use super::{Report, commp::load};
use anyhow::{Result, ensure};
use heliotrope_checks::coverage_map::{self, published, rules};
use heliotrope_device_proofs::abi::{CheckOutput, Verdict};
use std::path::Path;

pub(super) fn run(_dir: &Path, report: &mut Report) -> Result<()> {
    let module = load(coverage_map::NAME)?;
    for (name, scene, expected) in published::cases() {
        let outcome = || {
            let input = scene.input().encode();
            let output = module.check(&input)?;
            ensure!(output == coverage_map::check(&input)?.encode(), "native differs");
            let output = CheckOutput::decode(&output)?;
            ensure!(output.verdict == Verdict::Pass, "verdict {}", output.verdict.as_str());
            let shares = output.outcomes.iter().filter(|o| o.rule_id == rules::P3.id);
            let shares =
                shares.map(|o| u64::try_from(o.observed / 1000)).collect::<Result<Vec<_>, _>>()?;
            ensure!(shares == expected, "{shares:?} thousandths of a point, expected {expected:?}");
            Ok(format!("{shares:?} thousandths of a point"))
        };
        report.case(name, outcome());
    }
    Ok(())
}
