//! The rules of a witness, and which witnesses count.

use super::beacon::came_while_entropy_valid;
use super::geo::{self, Link};
use super::score::Counted;
use super::standing::{Source, has_beaconed_lately, is_full, is_not_denied};
use super::strict::{self, Report};
use super::{Case, Device, denied_pair, device, rules};
use crate::device::{has_asserted, is_known};
use crate::distance::{metres, place};
use crate::facts::Facts;
use crate::judge::{Finding, Log, RuleOf};
use heliotrope_device_proofs::abi::Verdict;
use heliotrope_device_proofs::bundle::Received;
use heliotrope_device_proofs::radio::{RadioParams, Standing};
use heliotrope_device_proofs::registry::Radio;
use heliotrope_device_proofs::wire::LoraWitnessReportReqV1;

/// Everything about one witness that rules look at.
struct WitnessCase<'a> {
    case: &'a Case<'a>,
    received: &'a Received,
    report: &'a LoraWitnessReportReqV1,
    /// `None` if the fact is missing.
    radio: Option<Radio>,
    standing: Source<Standing>,
    /// Whether the pair of beaconer and witness is denied.
    denied_pair: Source<bool>,
    /// How far the witness is from the beaconer; `None` if either place is not known.
    distance_m: Option<u32>,
    /// How many reports with the same key came before.
    earlier: usize,
}

impl<'a> WitnessCase<'a> {
    /// In order of evaluation.
    const RULES: &'a [RuleOf<Self>] = &[
        (rules::W16, |w| reports_once(w.earlier)),
        (rules::W1, |w| is_known(w.radio)),
        (rules::W2, |w| has_asserted(w.radio)),
        (rules::W3, |w| is_not_denied(w.case, w.standing)),
        (rules::W4, may_witness_the_beaconer),
        (rules::W5, is_not_the_beaconer),
        (rules::W6, |w| came_while_entropy_valid(w.case, w.received.received_ms)),
        (rules::W7, came_soon_enough),
        (rules::W8, heard_what_was_sent),
        (rules::W9, |w| is_full(w.case, w.standing)),
        (rules::W10, heard_on_the_same_channel),
        (rules::W11, is_in_the_same_region),
        (rules::W12, is_not_too_near),
        (rules::W13, is_not_too_far),
        (rules::W14, is_not_too_loud),
        (rules::W15, |w| has_beaconed_lately(w.case, w.received.received_ms, w.standing)),
    ];

    /// What `strict-1` adds, after those.
    const STRICT_RULES: &'a [RuleOf<Self>] = &[
        (rules::S1, |w| strict::is_bound(w.case, &report(w))),
        (rules::S2, |w| strict::is_countersigned(w.case, &report(w))),
        (rules::S8, |w| strict::heard_the_data_rate(w.case, w.report.datarate)),
        (rules::S5, |w| strict::can_be_told_from_noise(w.case, w.report.snr)),
        (rules::S6, |w| strict::can_be_received(w.case, w.report.signal)),
        (rules::S7, |w| strict::counter_goes_on(w.case, &report(w))),
    ];
}

fn report<'a>(w: &'a WitnessCase<'_>) -> Report<'a> {
    Report {
        received: w.received,
        pub_key: &w.report.pub_key,
        signature: &w.report.signature,
        tmst: w.report.tmst,
        standing: w.standing,
    }
}

/// Judges the witnesses of a beacon that holds: those that count, and the verdict of the bundle.
pub(super) fn judge_all(
    case: &Case<'_>,
    facts: &mut Facts<'_>,
    log: &mut Log,
) -> (Vec<Counted>, Verdict) {
    // as many as there can be: the log, which grows from here on, stays the last block and grows in place
    let mut valid = Vec::with_capacity(case.reports.witnesses.len());
    let mut missing = false;
    let reports = &case.reports.witnesses;
    let witnesses = case.evidence.bundle.witnesses.iter().zip(reports);
    for (index, (received, report)) in (0_u32..).zip(witnesses) {
        let before = reports.iter().take(usize::try_from(index).unwrap_or(usize::MAX));
        let earlier = before.filter(|other| other.pub_key == report.pub_key).count();
        let Device { id, radio, standing } = device(facts, case.params, &report.pub_key);
        let denied_pair = denied_pair(facts, case, &id);
        let place = radio.and_then(|radio| place(radio.cell).ok());
        let distance_m = case.place.zip(place).map(|(a, b)| metres(a, b));
        let witness = WitnessCase {
            case,
            received,
            report,
            radio,
            standing,
            denied_pair,
            distance_m,
            earlier,
        };
        let subject = index.saturating_add(1);
        let mut verdict = log.judge(subject, WitnessCase::RULES, &witness);
        if case.strict && verdict == Verdict::Pass {
            verdict = log.judge(subject, WitnessCase::STRICT_RULES, &witness);
        }
        match verdict {
            Verdict::Pass => valid.push(Counted { index, standing }),
            Verdict::Indeterminate => missing = true,
            Verdict::Fail => {}
        }
    }
    let selected = select(valid, case.params, log);
    let heard = Finding::holds_if(!selected.is_empty(), selected.len(), 1);
    let heard = if heard.verdict == Verdict::Pass {
        heard
    } else {
        Finding { verdict: Verdict::Indeterminate, ..heard }
    };
    let heard = log.note(0, &rules::H1, &heard);
    (selected, if missing { Verdict::Indeterminate } else { heard })
}

/// W17: the first `max_selected` valid witnesses by time of receipt count (upstream: runner,
/// `max_witnesses`, 14). The bundle's order is that of receipt. Surplus is no fault: reason 0.
fn select(mut valid: Vec<Counted>, params: &RadioParams, log: &mut Log) -> Vec<Counted> {
    let mut rank = 0_u32;
    valid.retain(|witness| {
        rank = rank.saturating_add(1);
        let finding = Finding::holds_if(rank <= params.max_selected, rank, params.max_selected);
        log.note(witness.index.saturating_add(1), &rules::W17, &finding) == Verdict::Pass
    });
    valid
}

/// W4: the network does not forbid this pair (upstream: `verify_edge_denylist`, in either order).
fn may_witness_the_beaconer(w: &WitnessCase<'_>) -> Finding {
    let holds = |denied: bool| Finding::holds_if(!denied, u8::from(denied), 0);
    w.denied_pair.judged(w.case.strict, holds)
}

/// W16: no earlier report of the same key in the bundle (upstream: `verify_witnesses`, first wins).
fn reports_once(earlier: usize) -> Finding {
    Finding::holds_if(earlier == 0, earlier.saturating_add(1), 1)
}

/// W5: the witness has another key than the beaconer (upstream: `verify_self_witness`; upstream
/// drops such a report, here it is shown with its reason).
fn is_not_the_beaconer(w: &WitnessCase<'_>) -> Finding {
    let same = w.report.pub_key == w.case.reports.beacon.pub_key;
    Finding::holds_if(!same, u8::from(same), 0)
}

/// The delay that counts and its limit, in milliseconds (upstream: `verify_witness_lag`).
///
/// If the beacon report came before the first witness report, delay counts from the beacon;
/// otherwise from the first witness.
#[must_use]
pub fn lag(
    beacon_ms: i64,
    first_witness_ms: i64,
    this_ms: i64,
    params: &RadioParams,
) -> (i64, i64) {
    if beacon_ms <= first_witness_ms {
        (this_ms.saturating_sub(beacon_ms), i64::from(params.max_lag_first_ms))
    } else {
        (this_ms.saturating_sub(first_witness_ms), i64::from(params.max_lag_other_ms))
    }
}

/// W7: the report came soon enough, see [`lag`]; if the profile is strict, at most the longer limit before
/// the beacon report too.
fn came_soon_enough(w: &WitnessCase<'_>) -> Finding {
    let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    let bundle = &w.case.evidence.bundle;
    let first = bundle.witnesses.first().map_or(w.received.received_ms, |first| first.received_ms);
    let (lag_ms, limit_ms) =
        lag(ms(bundle.beacon.received_ms), ms(first), ms(w.received.received_ms), w.case.params);
    let early_ms = bundle.beacon.received_ms.saturating_sub(w.received.received_ms);
    let max_early_ms = w.case.params.max_lag_first_ms;
    if w.case.strict && early_ms > u64::from(max_early_ms) {
        return Finding::holds_if(false, early_ms, max_early_ms);
    }
    Finding::holds_if(lag_ms <= limit_ms, lag_ms, limit_ms)
}

/// W8: the payloads are equal (upstream: `verify_witness_data`). `observed` counts differing bytes.
fn heard_what_was_sent(w: &WitnessCase<'_>) -> Finding {
    let (sent, heard) = (&w.case.reports.beacon.data, &w.report.data);
    let differing = sent.iter().zip(heard).filter(|(a, b)| a != b).count();
    let differing = differing.saturating_add(sent.len().abs_diff(heard.len()));
    Finding::holds_if(differing == 0, differing, 0)
}

/// The difference of two frequencies as the network compares it, in Hz.
///
/// Upstream casts the difference to 32 bits, so a difference of 2^31 Hz or more wraps to a negative
/// number and passes. The production profile is faithful to it; a frequency that far off still has to pass
/// rule W14, which uses the frequency that the witness reports. `strict-1` does not cast.
#[must_use]
pub fn frequency_diff_hz(beacon_hz: u64, witness_hz: u64) -> i32 {
    let [.., a, b, c, d] = beacon_hz.abs_diff(witness_hz).to_be_bytes();
    i32::from_be_bytes([a, b, c, d])
}

/// W10: the frequencies differ by no more than the tolerance (upstream: `verify_witness_freq`).
fn heard_on_the_same_channel(w: &WitnessCase<'_>) -> Finding {
    let (sent, heard) = (w.case.reports.beacon.frequency, w.report.frequency);
    let diff = if w.case.strict {
        i64::try_from(sent.abs_diff(heard)).unwrap_or(i64::MAX)
    } else {
        i64::from(frequency_diff_hz(sent, heard))
    };
    let tolerance = i64::from(w.case.params.frequency_tolerance_hz);
    Finding::holds_if(diff <= tolerance, diff, tolerance)
}

/// W11: both asserted places are in the same region (upstream: `verify_witness_region`).
fn is_in_the_same_region(w: &WitnessCase<'_>) -> Finding {
    let Some((beaconer, witness)) = w.case.beaconer.zip(w.radio) else {
        return Finding::missing();
    };
    Finding::holds_if(beaconer.region == witness.region, witness.region, beaconer.region)
}

/// W12: at least `min_cells` cells of resolution 11 apart (upstream: `verify_witness_cell_distance`).
/// If H3 cannot count them, the rule is broken, as upstream; `observed` is then −1.
fn is_not_too_near(w: &WitnessCase<'_>) -> Finding {
    let Some((beaconer, witness)) = w.case.beaconer.zip(w.radio) else {
        return Finding::missing();
    };
    let min = w.case.params.min_cells;
    match geo::cell_distance(beaconer.cell, witness.cell) {
        Ok(cells) => Finding::holds_if(cells >= min, cells, min),
        Err(_) => Finding::holds_if(false, -1, min),
    }
}

/// W13: at most `max_distance_km` apart (upstream: `verify_witness_distance`), in whole kilometres: `limit` is
/// the last metre that still truncates to that, unless the profile is strict.
fn is_not_too_far(w: &WitnessCase<'_>) -> Finding {
    if w.case.beaconer.is_none() || w.radio.is_none() {
        return Finding::missing();
    }
    let max_km = w.case.params.max_distance_km;
    let truncated_m = if w.case.strict { 0 } else { 999 };
    let limit_m = i64::from(max_km).saturating_mul(1000).saturating_add(truncated_m);
    match w.distance_m {
        Some(metres) => Finding::holds_if(i64::from(metres) <= limit_m, metres, limit_m),
        None => Finding::holds_if(false, -1, limit_m),
    }
}

/// W14: the signal is not stronger than free space allows (upstream: `verify_witness_rssi`, with the
/// frequency that the witness reports and gains in whole decibels). `strict-1` takes the frequency that was
/// sent, and gains to the tenth. There is no lower bound here; S6 is one.
fn is_not_too_loud(w: &WitnessCase<'_>) -> Finding {
    let Some((beaconer, witness)) = w.case.beaconer.zip(w.radio) else {
        return Finding::missing();
    };
    let signal = w.report.signal;
    let possible = w.distance_m.and_then(|distance_m| {
        let (sent, heard) = (w.case.reports.beacon.frequency, w.report.frequency);
        let tenths =
            i32::from(beaconer.gain_ddbi % 10).saturating_add((witness.gain_ddbi % 10).into());
        let link = Link {
            tx_power_dbm: w.case.reports.beacon.tx_power,
            beacon_gain_ddbi: beaconer.gain_ddbi.into(),
            witness_gain_ddbi: witness.gain_ddbi.into(),
            distance_m,
            frequency_hz: if w.case.strict { sent } else { heard },
            gain_tenths_db: if w.case.strict { tenths } else { 0 },
        };
        geo::signal_is_possible(signal, &link)
    });
    match possible {
        Some((holds, limit_ddbm)) => Finding::holds_if(holds, signal, limit_ddbm),
        // SECURITY: upstream passes a report with frequency 0, whose path loss is −∞
        None => Finding::holds_if(false, signal, i64::from(i32::MIN)),
    }
}
