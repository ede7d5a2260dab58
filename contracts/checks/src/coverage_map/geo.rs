//! Places and distances. Floating point stays in this file; whole metres and cells leave it.

use crate::distance::distance_m;
use h3o::{CellIndex, LatLng, Resolution};
use heliotrope_device_proofs::h3;
use heliotrope_device_proofs::wire::mobile::{CoverageObjectReqV1, WifiHeartbeatReqV1};

/// The cell of resolution 12 around the place of a heartbeat (upstream: `centered_latlng`); `None` if it is no
/// place. Angles beyond a full turn are taken as no place, where upstream takes them modulo.
pub(super) fn place(heartbeat: &WifiHeartbeatReqV1) -> Option<u64> {
    let (lat, lon) = (heartbeat.lat.value(), heartbeat.lon.value());
    if !(lat.abs() <= 90.0 && lon.abs() <= 180.0) {
        return None;
    }
    let place = LatLng::new(lat, lon).ok()?;
    Some(place.to_cell(Resolution::Twelve).into())
}

/// Digits of a cell of resolution 12: the highest half-byte of an H3 index is 0 and not written.
const HEX_DIGITS: usize = 15;

/// The cell that a coverage object names in hexadecimal, in the one spelling that H3 writes; `None` if it is none
/// of resolution 12.
pub(super) fn hex(location: &str) -> Option<u64> {
    if location.len() != HEX_DIGITS {
        return None;
    }
    let cell = location.bytes().try_fold(0_u64, |cell, digit| {
        let value = match digit {
            b'0'..=b'9' => digit.wrapping_sub(b'0'),
            b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
            _ => return None,
        };
        Some((cell << 4) | u64::from(value))
    })?;
    (is_cell(cell) && h3::resolution(cell) == h3::ASSERTED_RESOLUTION).then_some(cell)
}

/// Metres from a place to the farthest hex of a coverage object (upstream: `max_distance_m`); `None` if a hex is
/// no cell.
pub(super) fn farthest_m(coverage: &CoverageObjectReqV1, place: u64) -> Option<u32> {
    coverage.coverage.iter().try_fold(0, |farthest: u32, covered| {
        let distance = distance_m(hex(&covered.location)?, place).ok()?;
        Some(farthest.max(distance))
    })
}

/// Hexes of resolution 12 in a cell of the map: seven for each of four resolutions. The twelve cells that are
/// pentagons, all of them in the sea, have 400 fewer.
pub(super) const HEXES: u64 = 2401;

/// Whether a number is an H3 cell.
pub(super) fn is_cell(cell: u64) -> bool {
    CellIndex::try_from(cell).is_ok()
}
