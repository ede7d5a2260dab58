//! The rules of a beacon.

use super::standing::{has_witnessed_lately, is_first_of_its_interval, is_full, is_not_denied};
use super::strict::{self, Report};
use super::{Case, payload, rules};
use crate::device::{has_asserted, is_known};
use crate::judge::{Finding, RuleOf};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::radio::RadioParams;
use heliotrope_device_proofs::registry::Radio;
use heliotrope_device_proofs::wire::BlockchainRegionParamsV1;

// constants, not functions: arrays that a function makes are stored word by word, in code
impl<'a> Case<'a> {
    /// In order of evaluation. R1 and R2 (upstream: `resolve_gateway_info`, gateway metadata present) are those
    /// of every radio.
    pub(super) const RULES: &'a [RuleOf<Self>] = &[
        (rules::R1, |case| is_known(case.beaconer)),
        (rules::R2, |case| has_asserted(case.beaconer)),
        (rules::R3, |case| is_not_denied(case, case.standing)),
        (rules::R4, |case| came_while_entropy_valid(case, case.evidence.bundle.beacon.received_ms)),
        (rules::R5, |case| is_full(case, case.standing)),
        (rules::R6, is_first_of_its_interval),
        (rules::R7, follows_from_entropy),
        (rules::R8, has_witnessed_lately),
    ];

    /// What `strict-1` adds, after those.
    pub(super) const STRICT_RULES: &'a [RuleOf<Self>] = &[
        (rules::S1, |case| strict::is_bound(case, &report(case))),
        (rules::S2, |case| strict::is_countersigned(case, &report(case))),
        (rules::S3, strict::is_of_a_recent_block),
        (rules::S4, strict::is_within_the_power_allowed),
        (rules::S7, |case| strict::counter_goes_on(case, &report(case))),
    ];
}

fn report<'a>(case: &'a Case<'_>) -> Report<'a> {
    let beacon = &case.reports.beacon;
    Report {
        received: &case.evidence.bundle.beacon,
        pub_key: &beacon.pub_key,
        signature: &beacon.signature,
        tmst: beacon.tmst,
        standing: case.standing,
    }
}

/// The asserted cell of a known beaconer, 0 otherwise.
pub(super) fn known_cell(case: &Case<'_>) -> u64 {
    let pass = heliotrope_device_proofs::abi::Verdict::Pass;
    let holds =
        is_known(case.beaconer).verdict == pass && has_asserted(case.beaconer).verdict == pass;
    case.beaconer.filter(|_| holds).map_or(0, |radio| radio.cell)
}

/// The channels of the region that a device asserted, if the parameters have them.
pub(super) fn region(
    params: &RadioParams,
    radio: Option<Radio>,
) -> Option<BlockchainRegionParamsV1> {
    let number = radio?.region;
    let (_, bytes) = params.regions.iter().find(|(region, _)| *region == number)?;
    BlockchainRegionParamsV1::decode(bytes).ok()
}

/// R4, W6: received in `[t, t + window]` (upstream: `verify_entropy`), in whole seconds: the last one counts
/// to its end, unless the profile is strict.
pub(super) fn came_while_entropy_valid(case: &Case<'_>, received_ms: u64) -> Finding {
    let begun = case.strict && !received_ms.is_multiple_of(1000);
    let received_s = i128::from(received_ms / 1000);
    let age_s = received_s.saturating_sub(i128::from(case.evidence.bundle.entropy.timestamp_s));
    let age_s = if begun && age_s >= 0 { age_s.saturating_add(1) } else { age_s };
    let window_s = i128::from(case.params.entropy_window_s);
    let age = i64::try_from(age_s).unwrap_or(i64::MAX);
    Finding::holds_if((0..=window_s).contains(&age_s), age, window_s)
}

const DATA_DIFFERS: u8 = 1;
const FREQUENCY_DIFFERS: u8 = 2;
const DATA_RATE_DIFFERS: u8 = 4;
const ENTROPY_DIFFERS: u8 = 8;
const NOTHING_DERIVES: u8 = 16;

/// R7: payload, channel, data rate and entropy are those that the entropy demands (upstream:
/// `verify_beacon_payload`). `observed` has a bit per difference: 1 data, 2 frequency, 4 data rate,
/// 8 entropy, 16 nothing can be derived. The region's channels are a parameter; without them the
/// rule is indeterminate.
fn follows_from_entropy(case: &Case<'_>) -> Finding {
    let Some(region) = &case.region else {
        return Finding::missing();
    };
    let (beacon, entropy) = (&case.reports.beacon, &case.evidence.bundle.entropy);
    let local = &beacon.local_entropy;
    let derived =
        payload::derive(&entropy.data, entropy.timestamp_s, local, entropy.version, region);
    let bits = match derived {
        Ok(derived) => {
            let bit = |differs: bool, bit: u8| if differs { bit } else { 0 };
            bit(beacon.data != derived.data, DATA_DIFFERS)
                | bit(beacon.frequency != derived.frequency_hz, FREQUENCY_DIFFERS)
                | bit(beacon.datarate != derived.data_rate, DATA_RATE_DIFFERS)
                | bit(beacon.remote_entropy != entropy.data, ENTROPY_DIFFERS)
        }
        Err(_) => NOTHING_DERIVES,
    };
    Finding::holds_if(bits == 0, bits, 0)
}
