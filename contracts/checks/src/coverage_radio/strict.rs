//! The profile `strict-1`: the production rules without their gaps, and what evidence of version 2 adds.
//!
//! | rule | `helium-2025-12`, as in production | `strict-1` | why |
//! |---|---|---|---|
//! | S1 | the verifier looks at no signature | a signature by the device's key or its session | stored reports were signed by session keys that nothing bound to a device |
//! | S2 | the receive time is the ingestor's word | signed by a receiver that the parameters name, not by the reporter | R4, W6 and W7 rest on that time |
//! | S3 | entropy is 32 bytes from a server | made of a recent block whose hash the chain keeps | whoever knows entropy early beacons without a radio |
//! | S4 | conducted power is computed, not compared | at most what the region allows with the antenna | a boast of power lifts the limit of W14 |
//! | S5 | SNR is not looked at | at least what the spreading factor needs | a made-up report need not be receivable |
//! | S6 | W14 has no lower bound | at least thermal noise plus that SNR | likewise |
//! | S7 | the concentrator counter is not looked at | it goes on, or restarted | a recorded packet brings its old counter |
//! | S8 | the witness's data rate is not looked at | the beacon's | it decides S5 and S6 |
//! | R4, W6 | whole seconds: up to 180.999 s | up to 180.000 s | truncation |
//! | W7 | a witness may be any time before the beacon report | at most `max_lag_first_ms` before | a late beacon report let early recordings count |
//! | W10 | the difference is cast to 32 bits and wraps | 64 bits | 2^31 Hz off passes |
//! | W13 | whole kilometres: up to 100.999 km | up to 100.000 km | truncation |
//! | W14 | gains lose their tenths; the witness's frequency | gains in tenths; the beacon's frequency | a lower frequency lifts the limit |
//! | R3 … W15 | left out where no source of history is named | indeterminate | a rule that was not judged is no pass |
//! | H4 | a place without a scale has 0.2 | has none | a default is no measurement |
//!
//! Each row has a test of its name in `tests/strict.rs`. Not changed: intervals are cut at multiples of six
//! hours (R6), so two beacons may follow each other closely; two reports at the same millisecond are ordered by
//! their hash (W17). Not there at all: upstream's deny filter denies everybody when it is empty; the standing
//! contract has no filter that could be empty.
//!
//! S1 to S3 rest on the caller, who checks signatures and that the entropy follows from its source
//! (`EvidenceBundleV2::authenticate`): no signature code is pinned. The module sees whether there is
//! anything to check, and whether the parameters and the chain stand behind it.

use super::standing::Source;
use super::{Case, geo};
use crate::judge::Finding;
use heliotrope_device_proofs::bundle::Received;
use heliotrope_device_proofs::radio::Standing;
use heliotrope_device_proofs::{registry, sha256};

/// A report of either kind, as far as the rules S1, S2 and S7 look at it.
pub(super) struct Report<'a> {
    pub(super) received: &'a Received,
    pub(super) pub_key: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) tmst: u32,
    pub(super) standing: Source<Standing>,
}

const NO_SIGNATURE: u8 = 1;
const NO_NONCE: u8 = 2;
const NOT_A_SESSION: u8 = 4;

/// S1: the report is signed; and if its gateway has a session, that session is one: signed, answering a
/// nonce, with a key of its own. `observed` has a bit per difference: 1 no signature, 2 no nonce, 4 unsigned
/// or the gateway's own key.
pub(super) fn is_bound(case: &Case<'_>, report: &Report<'_>) -> Finding {
    let mut bits = if report.signature.is_empty() { NO_SIGNATURE } else { 0 };
    if let Some(init) = case.sessions.iter().find(|init| init.pub_key == report.pub_key) {
        if init.nonce.is_empty() {
            bits |= NO_NONCE;
        }
        if init.signature.is_empty() || init.session_key == init.pub_key {
            bits |= NOT_A_SESSION;
        }
    }
    Finding::holds_if(bits == 0, bits, 0)
}

/// S2: a receiver that the parameters name, and that is not the reporter, signed the receive time.
/// Indeterminate without any receipt, or without a name.
pub(super) fn is_countersigned(case: &Case<'_>, report: &Report<'_>) -> Finding {
    let named = case.params.sources.as_ref().map_or(&[][..], |sources| &sources.receivers);
    let digest = sha256(&report.received.report);
    let (mut any, mut counting) = (false, 0_u32);
    for receipt in &case.evidence.receipts {
        if (receipt.digest, receipt.received_ms) == (digest, report.received.received_ms) {
            any = true;
            let known = named.contains(&registry::device_id(&receipt.receiver_key));
            if known && receipt.receiver_key != report.pub_key {
                counting = counting.saturating_add(1);
            }
        }
    }
    if !any || named.is_empty() {
        return Finding::missing();
    }
    Finding::holds_if(counting > 0, counting, 1)
}

const OTHER_BLOCK: u8 = 1;
const MADE_TOO_LATE: u8 = 2;
const BLOCK_TOO_OLD: u8 = 4;

/// S3: the block that the entropy was made of is one of this chain's last, and was young. `observed` has a
/// bit per difference: 1 the chain has another block at that height, 2 the entropy was made after it started
/// to be valid, 4 the block was certainly older than allowed when it was made.
///
/// A block hash does not tell its time. But `depth` blocks lie between it and the one that proved the facts,
/// at least `block_time_ms` apart, so it is no younger than that.
pub(super) fn is_of_a_recent_block(case: &Case<'_>) -> Finding {
    let pinned = case.params.sources.as_ref().and_then(|sources| sources.blockhashes);
    let (Some(source), Some(pinned), Some(hash), Some(block)) =
        (case.evidence.entropy_source, pinned, case.blockhash, case.block)
    else {
        return Finding::missing();
    };
    let depth = block.checked_sub(source.slot);
    let Some(depth) = depth.filter(|depth| (1..=u64::from(pinned.ring)).contains(depth)) else {
        // the chain does not keep that block's hash, or not yet
        return Finding::missing();
    };
    let behind_s = depth.saturating_mul(u64::from(pinned.block_time_ms)) / 1000;
    let latest_s = case.now_s.saturating_sub(behind_s);
    let oldest_s = source.unix_s.saturating_sub(u64::from(pinned.max_age_s));
    let bit = |differs: bool, bit: u8| if differs { bit } else { 0 };
    let bits = bit(hash != source.blockhash, OTHER_BLOCK)
        | bit(source.unix_s > case.evidence.bundle.entropy.timestamp_s, MADE_TOO_LATE)
        | bit(latest_s < oldest_s, BLOCK_TOO_OLD);
    Finding::holds_if(bits == 0, bits, 0)
}

/// S4: conducted power and antenna gain stay within the channel's radiated power (upstream computes
/// `conducted_power` in `generate_beacon` and does not compare it).
pub(super) fn is_within_the_power_allowed(case: &Case<'_>) -> Finding {
    let beacon = &case.reports.beacon;
    let channel = case.region.as_ref().and_then(|region| {
        region.region_params.iter().find(|channel| channel.channel_frequency == beacon.frequency)
    });
    let Some((channel, radio)) = channel.zip(case.beaconer) else {
        return Finding::missing();
    };
    let conducted_ddbm = i64::from(channel.max_eirp).saturating_sub(radio.gain_ddbi.into());
    let limit_dbm = conducted_ddbm / 10;
    Finding::holds_if(i64::from(beacon.tx_power) <= limit_dbm, beacon.tx_power, limit_dbm)
}

/// S5: the signal-to-noise ratio is one at which the spreading factor can be demodulated.
pub(super) fn can_be_told_from_noise(case: &Case<'_>, snr_ddb: i32) -> Finding {
    match geo::snr_limit_ddb(case.reports.beacon.datarate) {
        Some(limit) => {
            let limit = limit.saturating_sub(geo::SNR_MARGIN_DDB);
            Finding::holds_if(snr_ddb >= limit, snr_ddb, limit)
        }
        None => Finding::missing(),
    }
}

/// S6: the signal is not weaker than the best receiver could take.
pub(super) fn can_be_received(case: &Case<'_>, signal_ddbm: i32) -> Finding {
    match geo::sensitivity_ddbm(case.reports.beacon.datarate) {
        Some(limit) => Finding::holds_if(signal_ddbm >= limit, signal_ddbm, limit),
        None => Finding::missing(),
    }
}

/// How far counter and receive time may drift apart: reports take seconds to arrive.
const COUNTER_TOLERANCE_US: u64 = 10_000_000;

/// S7: since the device's last report its counter of microseconds went on as time did, modulo 2^32, or
/// started again from 0 in between. `observed` is its advance, `limit` the time that passed.
pub(super) fn counter_goes_on(case: &Case<'_>, report: &Report<'_>) -> Finding {
    report.standing.judged(case.strict, |standing| {
        let received_s = report.received.received_ms / 1000;
        let passed_s = received_s.saturating_sub(standing.last_received_s);
        let passed_us = passed_s.saturating_mul(1_000_000);
        let advance_us = u64::from(report.tmst.wrapping_sub(standing.last_tmst));
        let went_on = advance_us.abs_diff(passed_us) <= COUNTER_TOLERANCE_US;
        let restarted = u64::from(report.tmst) <= passed_us.saturating_add(COUNTER_TOLERANCE_US);
        Finding::holds_if(went_on || restarted, advance_us / 1000, passed_us / 1000)
    })
}

/// S8: the witness names the data rate that the beacon was sent with.
pub(super) fn heard_the_data_rate(case: &Case<'_>, data_rate: i32) -> Finding {
    let sent = case.reports.beacon.datarate;
    Finding::holds_if(data_rate == sent, data_rate, sent)
}
