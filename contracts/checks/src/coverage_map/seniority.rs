//! Since when a radio counts as being where it is.
//!
//! ```text
//!  a coverage object that was not there before      ─►  since it claims to cover
//!  the same one, after 72 hours without a heartbeat ─►  since that heartbeat
//!  otherwise                                        ─►  as it was
//! ```
//! (`helium/oracles`, `mobile_verifier/src/seniority.rs`; re-stated.)

use heliotrope_device_proofs::coverage_map::{Seniority, SeniorityReason};

/// How long a radio may be silent, in seconds.
const SILENCE_S: u64 = 3 * 86_400;

/// The seniority after a valid heartbeat (upstream: `determine_update_action`).
///
/// A radio that lost its seniority, by silence or a ban, does not get it back with a new coverage object that
/// claims an earlier time: nothing changes then.
#[must_use]
pub fn after_heartbeat(
    before: Option<Seniority>,
    uuid: [u8; 16],
    coverage_claim_s: u64,
    heartbeat_s: u64,
) -> Seniority {
    let fresh =
        |since_s, reason| Seniority { uuid, since_s, last_heartbeat_s: heartbeat_s, reason };
    let claimed = fresh(coverage_claim_s, SeniorityReason::NewCoverageClaimTime);
    let Some(before) = before else {
        return claimed;
    };
    if before.uuid != uuid {
        let lost = before.reason != SeniorityReason::NewCoverageClaimTime;
        return if lost && coverage_claim_s < before.since_s { before } else { claimed };
    }
    let silent_s = heartbeat_s.saturating_sub(before.last_heartbeat_s);
    if silent_s > SILENCE_S && coverage_claim_s < heartbeat_s {
        return fresh(heartbeat_s, SeniorityReason::HeartbeatNotSeen);
    }
    Seniority { last_heartbeat_s: heartbeat_s, ..before }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SeniorityReason::{HeartbeatNotSeen, NewCoverageClaimTime, ServiceProviderBan};

    const NOW_S: u64 = 1_790_000_000;
    const HERE: [u8; 16] = [1; 16];

    fn before(uuid: [u8; 16], reason: SeniorityReason) -> Seniority {
        Seniority { uuid, since_s: NOW_S, last_heartbeat_s: NOW_S, reason }
    }

    /// The cases of upstream's tests, by their names.
    #[test]
    fn first_coverage_object() {
        let after = after_heartbeat(None, HERE, NOW_S - 5, NOW_S);
        assert_eq!((after.since_s, after.reason), (NOW_S - 5, NewCoverageClaimTime));
    }

    #[test]
    fn new_heartbeat_same_coverage_object() {
        let after =
            after_heartbeat(Some(before(HERE, NewCoverageClaimTime)), HERE, NOW_S + 9, NOW_S + 60);
        assert_eq!((after.since_s, after.last_heartbeat_s), (NOW_S, NOW_S + 60));
    }

    #[test]
    fn heartbeat_not_seen_for_72_hours() {
        let seen = |hours: u64, claim_s| {
            let now_s = NOW_S + hours * 3600;
            let after =
                after_heartbeat(Some(before(HERE, NewCoverageClaimTime)), HERE, claim_s, now_s);
            (after.since_s == now_s, after.reason)
        };
        assert_eq!(seen(73, NOW_S), (true, HeartbeatNotSeen));
        assert_eq!(seen(72, NOW_S), (false, NewCoverageClaimTime));
        assert_eq!(seen(73, NOW_S + 73 * 3600), (false, NewCoverageClaimTime));
    }

    #[test]
    fn new_coverage_object() {
        let old = Some(before([2; 16], NewCoverageClaimTime));
        let after = after_heartbeat(old, HERE, NOW_S - 1, NOW_S);
        assert_eq!((after.since_s, after.reason), (NOW_S - 1, NewCoverageClaimTime));
    }

    #[test]
    fn new_coverage_object_previous_was_heartbeat_not_seen_or_service_provider_ban() {
        for reason in [HeartbeatNotSeen, ServiceProviderBan] {
            let old = before([2; 16], reason);
            assert_eq!(after_heartbeat(Some(old.clone()), HERE, NOW_S - 1, NOW_S), old);
            let later = after_heartbeat(Some(old), HERE, NOW_S, NOW_S);
            assert_eq!((later.uuid, later.reason), (HERE, NewCoverageClaimTime));
        }
    }
}
