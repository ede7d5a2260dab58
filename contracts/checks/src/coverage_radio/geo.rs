//! Steps between asserted cells, and the strongest signal that free space allows.
//!
//! Floating point stays in this file; what leaves it is compared once and reported as an integer.

use crate::distance::{GeoError, cell};
use h3o::Resolution;
use std::f64::consts::PI;

/// Speed of light in air in metres per second, as the network has it.
const LIGHT_SPEED_M_S: f64 = 2.998e8;
/// Resolution at which near cells are counted.
const CELL_DISTANCE_RESOLUTION: Resolution = Resolution::Eleven;

/// Steps between the parents of two cells at resolution 11.
///
/// # Errors
/// If either is not a cell or too coarse, or H3 cannot count the steps.
pub fn cell_distance(a: u64, b: u64) -> Result<u32, GeoError> {
    let parent = |index| {
        let expected = u8::from(CELL_DISTANCE_RESOLUTION);
        let too_coarse = GeoError::TooCoarse { got: index, expected };
        cell(index)?.parent(CELL_DISTANCE_RESOLUTION).ok_or(too_coarse)
    };
    let steps = parent(a)?.grid_distance(parent(b)?).ok();
    steps.and_then(|steps| u32::try_from(steps).ok()).ok_or(GeoError::NoGridDistance { a, b })
}

/// A transmission between two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) tx_power_dbm: i32,
    pub(super) beacon_gain_ddbi: i32,
    pub(super) witness_gain_ddbi: i32,
    pub(super) distance_m: u32,
    pub(super) frequency_hz: u64,
    /// Tenths of both gains that the whole decibels leave out, if they count.
    pub(super) gain_tenths_db: i32,
}

/// The strongest signal that free space allows, in dBm.
///
/// `tx + gain/10 − 20·log10(4π·d·f/c) + gain/10`, with integer division of the gains as upstream.
/// Not finite if distance or frequency is 0.
#[must_use]
pub fn expected_rssi_dbm(
    tx_power_dbm: i32,
    beacon_gain_ddbi: i32,
    witness_gain_ddbi: i32,
    distance_m: u32,
    frequency_hz: u64,
) -> f64 {
    let (beacon_gain, witness_gain) = (beacon_gain_ddbi / 10, witness_gain_ddbi / 10);
    #[expect(clippy::cast_precision_loss, reason = "frequencies are far below 2^52 Hz")]
    let frequency = frequency_hz as f64;
    let path = 4.0 * PI * f64::from(distance_m) * frequency / LIGHT_SPEED_M_S;
    let loss = 20.0 * libm::log10(path);
    f64::from(tx_power_dbm) + f64::from(beacon_gain) - loss + f64::from(witness_gain)
}

/// Whether a signal is as weak as it must be, and the strongest one allowed in tenths of dBm.
/// `None` if distance or frequency is 0.
pub(super) fn signal_is_possible(signal_ddbm: i32, link: &Link) -> Option<(bool, i64)> {
    let strongest = expected_rssi_dbm(
        link.tx_power_dbm,
        link.beacon_gain_ddbi,
        link.witness_gain_ddbi,
        link.distance_m,
        link.frequency_hz,
    );
    let strongest = strongest + f64::from(link.gain_tenths_db) / 10.0;
    if !strongest.is_finite() {
        return None;
    }
    let holds = f64::from(signal_ddbm) / 10.0 <= strongest;
    #[expect(clippy::cast_possible_truncation, reason = "finite, within ±2^31 dBm; saturates")]
    let limit = (strongest * 10.0).floor() as i64;
    Some((holds, limit))
}

/// What a radio's own estimate of the signal-to-noise ratio may be off, in tenths of a decibel: our choice.
pub(super) const SNR_MARGIN_DDB: i32 = 30;
/// Noise of an ideal receiver at 290 K in a bandwidth of 125, 250 and 500 kHz, in tenths of dBm:
/// −174 dBm/Hz + 10·log10(bandwidth), rounded down.
const THERMAL_NOISE_DDBM: [i32; 3] = [-1231, -1201, -1171];
/// Signal-to-noise ratio at which SF12 … SF7 are demodulated, in tenths of a decibel (Semtech SX1276 data
/// sheet, `LoRa` modem, "range of spreading factors").
const DEMODULATOR_SNR_DDB: [i32; 6] = [-200, -175, -150, -125, -100, -75];

/// The signal-to-noise ratio that a data rate needs, in tenths of a decibel; `None` if it is not one of
/// `SF12BW125` = 0 … `SF7BW500` = 17.
pub(super) fn snr_limit_ddb(data_rate: i32) -> Option<i32> {
    let place = usize::try_from(data_rate).ok().filter(|place| *place < 18)?;
    DEMODULATOR_SNR_DDB.get(place.checked_rem(6)?).copied()
}

/// The weakest signal that any receiver could take at a data rate, in tenths of dBm.
pub(super) fn sensitivity_ddbm(data_rate: i32) -> Option<i32> {
    let noise = THERMAL_NOISE_DDBM.get(usize::try_from(data_rate).ok()?.checked_div(6)?)?;
    noise.checked_add(snr_limit_ddb(data_rate)?)
}
