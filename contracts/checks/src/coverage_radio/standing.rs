//! The rules that need history: what the network knows of a device from before its report.
//!
//! Upstream looks these things up in its own database. Here they are a word of a contract that the
//! parameters may name, proven. Where they name none, the profile `helium-2025-12` leaves the rules out and
//! shows each as indeterminate; `strict-1` is then indeterminate as a whole.

use super::Case;
use crate::judge::Finding;
use heliotrope_device_proofs::radio::Standing;

/// Length of a beacon interval: one beacon counts in each (`BEACON_INTERVAL`).
const BEACON_INTERVAL_S: u64 = 6 * 3600;
/// How long a device's last valid report counts for reciprocity (`RECIPROCITY`).
const RECIPROCITY_S: i64 = 48 * 3600;

/// What a source says that the parameters may name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<T> {
    /// The parameters name no such source.
    NotNamed,
    /// They do, but no fact says it.
    Missing,
    /// What it says.
    Known(T),
}

impl<T> Source<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Source<U> {
        match self {
            Self::NotNamed => Source::NotNamed,
            Self::Missing => Source::Missing,
            Self::Known(value) => Source::Known(change(value)),
        }
    }

    /// What a rule finds in the source; without one it is left out, unless the profile demands it.
    pub(super) fn judged(self, strict: bool, rule: impl FnOnce(T) -> Finding) -> Finding {
        match self {
            Self::Known(value) => rule(value),
            Self::NotNamed if !strict => Finding::left_out(),
            Self::NotNamed | Self::Missing => Finding::missing(),
        }
    }
}

fn seconds(received_ms: u64) -> u64 {
    received_ms / 1000
}

/// R3, W3: not on the deny list (upstream: `verify_denylist`).
pub(super) fn is_not_denied(case: &Case<'_>, standing: Source<Standing>) -> Finding {
    standing.judged(case.strict, |s| Finding::holds_if(!s.denied, u8::from(s.denied), 0))
}

/// R5, W9: registered as a full hotspot (upstream: `verify_gw_capability`).
pub(super) fn is_full(case: &Case<'_>, standing: Source<Standing>) -> Finding {
    standing.judged(case.strict, |s| Finding::holds_if(s.full, u8::from(s.full), 1))
}

/// R6: no beacon before in the same six hours since 1970 (upstream: `verify_beacon_schedule`). `limit` is the
/// first interval that is free.
pub(super) fn is_first_of_its_interval(case: &Case<'_>) -> Finding {
    let received_s = seconds(case.evidence.bundle.beacon.received_ms);
    case.standing.judged(case.strict, |s| {
        let (this, last) = (received_s / BEACON_INTERVAL_S, s.last_beacon_s / BEACON_INTERVAL_S);
        Finding::holds_if(this > last, this, last.saturating_add(1))
    })
}

/// R8: the beaconer was a valid witness in the 48 hours before (upstream: `runner`, reciprocity).
pub(super) fn has_witnessed_lately(case: &Case<'_>) -> Finding {
    let received_ms = case.evidence.bundle.beacon.received_ms;
    case.standing.judged(case.strict, |s| is_recent(received_ms, s.last_valid_witness_s))
}

/// W15: the witness was a valid beaconer in the 48 hours before (upstream: `runner`, reciprocity).
pub(super) fn has_beaconed_lately(
    case: &Case<'_>,
    received_ms: u64,
    standing: Source<Standing>,
) -> Finding {
    standing.judged(case.strict, |s| is_recent(received_ms, s.last_valid_beacon_s))
}

fn is_recent(received_ms: u64, last_s: u64) -> Finding {
    let signed = |s: u64| i64::try_from(s).unwrap_or(i64::MAX);
    let age_s = signed(seconds(received_ms)).saturating_sub(signed(last_s));
    Finding::holds_if(age_s < RECIPROCITY_S, age_s, RECIPROCITY_S)
}
