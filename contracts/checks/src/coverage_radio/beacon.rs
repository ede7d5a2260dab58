//! The rules of a beacon.

use super::{Case, payload, rules};
use crate::device::{has_asserted, is_known};
use crate::judge::{Finding, RuleOf};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::wire::BlockchainRegionParamsV1;

/// In order of evaluation. R1 and R2 (upstream: `resolve_gateway_info`, gateway metadata present) are those
/// of every radio.
pub(super) fn rules_in_order<'a>() -> [RuleOf<Case<'a>>; 4] {
    [
        (rules::R1, |case| is_known(case.beaconer)),
        (rules::R2, |case| has_asserted(case.beaconer)),
        (rules::R4, |case| came_while_entropy_valid(case, case.bundle.beacon.received_ms)),
        (rules::R7, follows_from_entropy),
    ]
}

/// The asserted cell of a known beaconer, 0 otherwise.
pub(super) fn known_cell(case: &Case<'_>) -> u64 {
    let pass = heliotrope_device_proofs::abi::Verdict::Pass;
    let holds =
        is_known(case.beaconer).verdict == pass && has_asserted(case.beaconer).verdict == pass;
    case.beaconer.filter(|_| holds).map_or(0, |radio| radio.cell)
}

/// R4, W6: received in `[t, t + window]`, in whole seconds (upstream: `verify_entropy`).
pub(super) fn came_while_entropy_valid(case: &Case<'_>, received_ms: u64) -> Finding {
    let received_s = i128::from(received_ms / 1000);
    let age_s = received_s.saturating_sub(i128::from(case.bundle.entropy.timestamp_s));
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
    let region = case.beaconer.and_then(|radio| {
        let mut regions = case.params.regions.iter();
        let (_, bytes) = regions.find(|(number, _)| *number == radio.region)?;
        BlockchainRegionParamsV1::decode(bytes.as_slice()).ok()
    });
    let Some(region) = region else {
        return Finding::missing();
    };
    let (beacon, entropy) = (&case.reports.beacon, &case.bundle.entropy);
    let local = &beacon.local_entropy;
    let derived =
        payload::derive(&entropy.data, entropy.timestamp_s, local, entropy.version, &region);
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
