//! The rules of a heartbeat, how far its place is trusted, and what all heartbeats of a radio add up to.

use super::{RadioCase, geo, rules, seniority};
use crate::device::{has_asserted, is_known};
use crate::distance::distance_m;
use crate::judge::{Finding, Log, RuleOf, difference, same};
use heliotrope_device_proofs::abi::Verdict;
use heliotrope_device_proofs::coverage_map::{DeviceType, RadioMessages, Seniority};
use heliotrope_device_proofs::h3;
use heliotrope_device_proofs::wire::mobile::WifiHeartbeatReqV1;

const UUID_LEN: usize = 16;
const MS_PER_S: u64 = 1000;
const S_PER_HOUR: u64 = 3600;
/// All trust, in hundredths.
const FULL_PERCENT: u64 = 100;

/// Everything about one heartbeat that rules look at.
struct HeartbeatCase<'a> {
    radio: &'a RadioCase<'a>,
    heartbeat: &'a WifiHeartbeatReqV1,
    received_s: u64,
    /// Cell of resolution 12.
    place: Option<u64>,
}

/// Where a radio was last located by somebody else.
#[derive(Clone, Copy)]
struct Located {
    place: u64,
    at_s: u64,
}

/// What a radio's heartbeats add up to.
#[derive(Default)]
pub(super) struct Presence {
    /// Hours with a valid heartbeat.
    pub(super) hours: u64,
    /// Trust of the first heartbeat of each hour, in hundredths, summed.
    pub(super) trust_percent: u64,
    /// Distance of the same from the asserted place in metres, summed.
    pub(super) distance_m: u64,
    /// After the last valid heartbeat.
    pub(super) seniority: Option<Seniority>,
    /// Whether a heartbeat lacks something that a rule needs.
    pub(super) missing: bool,
}

// a constant, not a function: an array that a function makes is stored word by word, in code
impl<'a> HeartbeatCase<'a> {
    /// In order of evaluation (upstream: `ValidatedHeartbeat::validate`).
    const RULES: &'a [RuleOf<Self>] = &[
        (rules::V1, names_a_coverage_object),
        (rules::V2, names_that_of_the_radio),
        (rules::V3, is_operational),
        (rules::V4, came_in_the_epoch),
        (rules::V5, has_a_place),
        (rules::V6, is_where_radios_count),
        (rules::V7, covers_by_wifi),
        (rules::V8, |h| is_known(h.radio.device)),
        (rules::V9, |h| has_asserted(h.radio.device)),
    ];
}

/// Judges the heartbeats of one radio, in order of receipt.
pub(super) fn judge(radio: &RadioCase<'_>, log: &mut Log) -> Presence {
    let seniority = radio.statement.and_then(|statement| statement.seniority.clone());
    let mut presence = Presence { seniority, ..Presence::default() };
    let coverage = &radio.messages.coverage;
    let (mut hour, mut located) = (None, None);
    let mut farthest = Farthest::default();
    let received = radio.evidence.heartbeats.iter().zip(&radio.messages.heartbeats);
    for (index, (received, heartbeat)) in (1_u32..).zip(received) {
        let received_s = received.received_ms / MS_PER_S;
        let place = geo::place(heartbeat);
        let this = HeartbeatCase { radio, heartbeat, received_s, place };
        let subject = radio.subject.saturating_add(index);
        match log.judge(subject, HeartbeatCase::RULES, &this) {
            Verdict::Pass => {}
            Verdict::Fail => continue,
            Verdict::Indeterminate => {
                presence.missing = true;
                continue;
            }
        }
        if let (Some(place), at_s @ 1..) = (place, heartbeat.location_validation_timestamp) {
            located = Some(Located { place, at_s });
        }
        let trust = judge_trust(&this, located, &mut farthest, subject, log);
        if let Ok(uuid) = <[u8; UUID_LEN]>::try_from(coverage.uuid.as_slice()) {
            let claim_s = coverage.coverage_claim_time;
            let before = presence.seniority.take();
            presence.seniority =
                Some(seniority::after_heartbeat(before, uuid, claim_s, received_s));
        }
        // one heartbeat per hour counts, the first (upstream: primary key of `wifi_heartbeats`)
        if hour.replace(received_s / S_PER_HOUR) != Some(received_s / S_PER_HOUR) {
            presence.hours = presence.hours.saturating_add(1);
            presence.trust_percent = presence.trust_percent.saturating_add(trust.percent);
            presence.distance_m = presence.distance_m.saturating_add(trust.distance_m);
        }
    }
    presence
}

/// How far a place is trusted.
struct Trust {
    percent: u64,
    distance_m: u64,
}

/// The distance from a place to the farthest hex; a radio's places hardly change, so the last one is kept.
#[derive(Default)]
struct Farthest(Option<(u64, u32)>);

impl Farthest {
    fn from(&mut self, place: u64, messages: &RadioMessages) -> u32 {
        match self.0 {
            Some((last, metres)) if last == place => metres,
            _ => {
                // a hex that is no cell breaks C2; it is as far as can be
                let metres = geo::farthest_m(&messages.coverage, place).unwrap_or(u32::MAX);
                self.0 = Some((place, metres));
                metres
            }
        }
    }
}

/// T1 to T3 (HIP-119): the trust in the place of a valid heartbeat. Nothing here makes the heartbeat invalid.
///
/// The place is where the radio was last located by somebody else; if it never was, its own word for the
/// distance and no trust.
fn judge_trust(
    h: &HeartbeatCase<'_>,
    located: Option<Located>,
    farthest: &mut Farthest,
    subject: u32,
    log: &mut Log,
) -> Trust {
    let params = h.radio.case.params;
    let place = located.map(|located| located.place).or(h.place).unwrap_or_default();
    let asserted = h.radio.device.map(|device| device.cell).unwrap_or_default();
    // both are cells: V5 and V9 hold
    let distance_m = u64::from(distance_m(asserted, place).unwrap_or(u32::MAX));
    let at_s = located.map_or(0, |located| located.at_s);
    let validated = log.note(subject, &rules::T1, &Finding::holds_if(at_s > 0, at_s, 1));
    let far_m = u64::from(farthest.from(place, h.radio.messages));
    let limit_m = params.max_distance_to_coverage_m;
    let near = Finding::holds_if(far_m < limit_m, far_m, limit_m.saturating_sub(1));
    let near = log.note(subject, &rules::T2, &near);
    let at_home = distance_m <= params.full_trust_m;
    log.note(subject, &rules::T3, &Finding::holds_if(at_home, distance_m, params.full_trust_m));
    let percent = match (validated, near) {
        (Verdict::Pass, Verdict::Pass) => {
            trust_percent(distance_m, params.full_trust_m, params.quarter_trust_m)
        }
        _ => 0,
    };
    Trust { percent, distance_m }
}

/// The trust in a place that far from the asserted one, in hundredths (upstream:
/// `asserted_distance_to_trust_multiplier`).
#[must_use]
pub const fn trust_percent(distance_m: u64, full_m: u64, quarter_m: u64) -> u64 {
    if distance_m <= full_m {
        FULL_PERCENT
    } else if distance_m <= quarter_m {
        FULL_PERCENT / 4
    } else {
        0
    }
}

/// V1: it carries the 16 bytes of a UUID (upstream: `BadCoverageObject`).
fn names_a_coverage_object(h: &HeartbeatCase<'_>) -> Finding {
    let len = h.heartbeat.coverage_object.len();
    Finding::holds_if(len == UUID_LEN, len, UUID_LEN)
}

/// V2: it is that of the coverage object in the bundle (upstream: `NoSuchCoverageObject`).
fn names_that_of_the_radio(h: &HeartbeatCase<'_>) -> Finding {
    same(&h.heartbeat.coverage_object, &h.radio.messages.coverage.uuid)
}

/// V3 (upstream: `operation_mode`).
fn is_operational(h: &HeartbeatCase<'_>) -> Finding {
    let operational = h.heartbeat.operation_mode;
    Finding::holds_if(operational, u8::from(operational), 1)
}

/// V4: received in the epoch (upstream: `epoch.contains`, with the receive time).
fn came_in_the_epoch(h: &HeartbeatCase<'_>) -> Finding {
    let Some((start_s, end_s)) = h.radio.case.epoch else {
        return Finding::missing();
    };
    let since_s = difference(h.received_s, start_s);
    let last_s = end_s.saturating_sub(start_s).saturating_sub(1);
    Finding::holds_if((start_s..end_s).contains(&h.received_s), since_s, last_s)
}

/// V5: latitude and longitude are a place (upstream: `centered_latlng`).
fn has_a_place(h: &HeartbeatCase<'_>) -> Finding {
    let resolution = h.place.map_or(0, h3::resolution);
    Finding::holds_if(h.place.is_some(), resolution, h3::ASSERTED_RESOLUTION)
}

/// V6: one of the geofence's cells holds the place (upstream: `in_valid_region`). Without a geofence the rule is
/// indeterminate.
fn is_where_radios_count(h: &HeartbeatCase<'_>) -> Finding {
    let geofence = &h.radio.case.params.geofence;
    let Some(place) = h.place.filter(|_| !geofence.is_empty()) else {
        return Finding::missing();
    };
    let held = (0..=h3::ASSERTED_RESOLUTION).filter(|resolution| {
        h3::parent(place, *resolution).is_some_and(|cell| geofence.binary_search(&cell).is_ok())
    });
    let held = held.count();
    Finding::holds_if(held > 0, held, 1)
}

/// V7: the network's records say that it is a Wi-Fi radio that covers (upstream: `DeviceType`). `limit` is the
/// type that fits its coverage object; either counts, as upstream.
fn covers_by_wifi(h: &HeartbeatCase<'_>) -> Finding {
    let Some(statement) = h.radio.statement else {
        return Finding::missing();
    };
    let indoor = h.radio.messages.coverage.indoor;
    let expected = if indoor { DeviceType::WifiIndoor } else { DeviceType::WifiOutdoor };
    let covers = matches!(statement.device_type, DeviceType::WifiIndoor | DeviceType::WifiOutdoor);
    Finding::holds_if(covers, statement.device_type as u8, expected as u8)
}
