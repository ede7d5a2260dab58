//! Not a check: the loops that checks spend their time in, each alone, for `harness bench-host`. No manifest lists the
//! module, nothing pins it; natively the bench calls the same functions.
//!
//! ```text
//!  input    CheckInput with evidence = part u8 ─ times u32, big-endian
//!  output   CheckOutput whose replay key depends on every step
//! ```

use crate::coverage_radio::expected_rssi_dbm;
use crate::distance::{metres, place};
use crate::facts::word;
use crate::judge::{CheckError, description, format};
use h3o::LatLng;
use heliotrope_device_proofs::abi::{CheckInputRef, CheckOutput, Description, Plan, Verdict};
use heliotrope_device_proofs::sha254::fold;
use heliotrope_device_proofs::{Bytes32, sha256};

/// Name of the module.
pub const NAME: &str = "parts";
/// Evidence for the geometry of places that are known.
pub const PLACES: u8 = 1;
/// Evidence for the geometry of cells.
pub const CELLS: u8 = 2;
/// Evidence for paths.
pub const PATHS: u8 = 3;
/// Height of the paths.
const HEIGHT: u8 = 30;

/// Cells of resolution 12 around Lake Zurich, no neighbours further apart than a beacon is heard.
const RADIOS: [u64; 4] =
    [0x08c1_f8ed_954c_39ff, 0x08c1_f8ed_853b_6bff, 0x08c1_f8e5_22a0_5bff, 0x08c1_f832_a182_41ff];

/// W13 and W14 of as many witnesses: the distance between two radios, and the signal that free space allows.
fn geometry<T: Copy>(witnesses: u32, radios: &[T], place: impl Fn(T) -> Option<LatLng>) -> u64 {
    let pairs = radios.iter().zip(radios.iter().skip(1)).cycle();
    let mut sum = 0_u64;
    for (number, (&a, &b)) in (0..witnesses).zip(pairs) {
        let metres = place(a).zip(place(b)).map_or(0, |(a, b)| metres(a, b));
        let frequency_hz = 904_000_000_u64.saturating_add(number.into());
        let expected = expected_rssi_dbm(27, 12, 23, metres, frequency_hz);
        sum = sum.wrapping_add(metres.into()).rotate_left(7) ^ expected.floor().to_bits();
    }
    sum
}

/// SHA-254 paths of [`HEIGHT`], each from the root of the one before.
fn paths(count: u32) -> Bytes32 {
    let path: Vec<Bytes32> = (0..HEIGHT).map(|level| [level; 32]).collect();
    (0..count).fold(Bytes32::default(), |leaf, number| fold(&leaf, number.into(), &path))
}

/// What the module says about itself.
#[must_use]
pub fn describe() -> Description {
    description(NAME, "1.0.0", &[])
}

/// Runs the part that the evidence names.
///
/// # Errors
/// If the input is malformed.
pub fn check(input: &[u8]) -> Result<CheckOutput, CheckError> {
    let input_hash = sha256(input);
    let input = CheckInputRef::decode(input).map_err(format("input"))?;
    let (part, times) = match *input.evidence {
        [part, a, b, c, d] => (part, u32::from_be_bytes([a, b, c, d])),
        _ => (0, 0),
    };
    let at = |cell| place(cell).ok();
    let replay_key = match part {
        PLACES => word(geometry(times, &RADIOS.map(at), |place| place)),
        CELLS => word(geometry(times, &RADIOS, at)),
        PATHS => paths(times),
        _ => Bytes32::default(),
    };
    Ok(CheckOutput {
        verdict: Verdict::Indeterminate,
        score_ppm: 0,
        outcomes: Vec::new(),
        replay_key,
        facts_read: Vec::new(),
        input_hash,
        selected: Vec::new(),
        subject_cell: 0,
    })
}

/// It needs no facts.
///
/// # Errors
/// Never.
pub const fn plan(_: &[u8], _: &[u8]) -> Result<Plan, CheckError> {
    Ok(Plan(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_distance_is_that_of_a_beacon_that_can_be_heard() {
        for pair in RADIOS.windows(2) {
            let metres = metres(place(pair[0]).unwrap(), place(pair[1]).unwrap());
            assert!((1_000..100_000).contains(&metres), "{metres} m");
        }
    }
}
