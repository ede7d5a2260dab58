//! What a bundle that passes is worth: HIP-15 units and HIP-17 scale, shown beside the verdict.
//!
//! No verdict depends on them. Units follow from the number of witnesses that count; the scale of a place
//! follows from all gateways around it ([`super::density`]) and is read from the device's standing, where
//! the network keeps it.

use super::density::{DEFAULT_SCALE, FULL_SCALE};
use super::standing::Source;
use super::{Case, reward, rules};
use crate::judge::{Finding, Log};
use heliotrope_device_proofs::radio::Standing;

/// A witness that counts.
pub(super) struct Counted {
    /// Its index in the bundle.
    pub(super) index: u32,
    pub(super) standing: Source<Standing>,
}

/// Notes units and scale of the beaconer and of every witness that counts.
pub(super) fn note(case: &Case<'_>, selected: &[Counted], log: &mut Log) {
    let count = u32::try_from(selected.len()).unwrap_or(u32::MAX);
    let most = reward::UNIT.saturating_mul(2);
    log.note(0, &rules::H2, &units(reward::beaconer_units(count), most));
    log.note(0, &rules::H4, &scale(case, case.standing));
    for witness in selected {
        let subject = witness.index.saturating_add(1);
        log.note(subject, &rules::H3, &units(reward::witness_units(count), reward::UNIT));
        log.note(subject, &rules::H4, &scale(case, witness.standing));
    }
}

fn units(units: Option<u32>, most: u32) -> Finding {
    units.map_or_else(Finding::left_out, |units| Finding::holds_if(true, units, most))
}

/// The scale of a place; one that the network has no scale for has the default (upstream: `DEFAULT_TX_SCALE`),
/// unless the profile is strict.
fn scale(case: &Case<'_>, standing: Source<Standing>) -> Finding {
    match standing {
        Source::Known(Standing { hex_scale: 0, .. }) if !case.strict => {
            Finding::holds_if(true, DEFAULT_SCALE, FULL_SCALE)
        }
        Source::Known(Standing { hex_scale, .. }) if hex_scale > 0 => {
            Finding::holds_if(true, hex_scale, FULL_SCALE)
        }
        _ => Finding::left_out(),
    }
}
