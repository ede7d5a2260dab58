//! Distances between the centres of cells.
//!
//! Floating point stays in this file; what leaves it is rounded to metres.

use h3o::{CellIndex, EARTH_RADIUS_KM, LatLng};
use libm::{atan2, sin};

/// Why two cells have no distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GeoError {
    /// Not an H3 cell.
    #[error("{got:#x} is not an H3 cell")]
    NotACell {
        /// The index.
        got: u64,
    },
    /// The cell is coarser than the resolution at which cells are counted.
    #[error("cell {got:#x} is coarser than resolution {expected}")]
    TooCoarse {
        /// The index.
        got: u64,
        /// Resolution needed.
        expected: u8,
    },
    /// H3 gives no grid distance: too far apart, or a pentagon between.
    #[error("no grid distance between {a:#x} and {b:#x}")]
    NoGridDistance {
        /// One cell.
        a: u64,
        /// The other.
        b: u64,
    },
}

pub(crate) fn cell(index: u64) -> Result<CellIndex, GeoError> {
    CellIndex::try_from(index).map_err(|_| GeoError::NotACell { got: index })
}

/// The centre of a cell.
///
/// # Errors
/// If it is not a cell.
pub(crate) fn place(index: u64) -> Result<LatLng, GeoError> {
    Ok(cell(index)?.into())
}

/// Great-circle distance between two places in metres, rounded.
pub(crate) fn metres(a: LatLng, b: LatLng) -> u32 {
    let metres = central_angle(a, b) * EARTH_RADIUS_KM * 1000.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most half the circumference of the earth; saturates"
    )]
    let whole = metres as u32;
    // to the nearest, without a call: wasm rounds halves to even, if at all
    whole.saturating_add((metres - f64::from(whole) >= 0.5).into())
}

/// The angle between two places as seen from the centre of the earth, in radians (haversine formula).
///
/// As the library has it, but for two things that cost wasm as much as all the rest and move the result by
/// less than a micrometre: a fused multiply-add, which wasm has in software alone, and cosines.
fn central_angle(a: LatLng, b: LatLng) -> f64 {
    let (a_lat, b_lat) = (a.lat_radians(), b.lat_radians());
    let lat = sin((b_lat - a_lat) * 0.5);
    let lng = sin((b.lng_radians() - a.lng_radians()) * 0.5);
    let haversine = lat * lat + cos_of_latitude(a_lat) * cos_of_latitude(b_lat) * lng * lng;
    // SECURITY: on the other side of the earth it may be rounded above 1, and no number at all would be 0 metres
    let rest = if haversine < 1.0 { 1.0 - haversine } else { 0.0 };
    2.0 * atan2(haversine.sqrt(), rest.sqrt())
}

/// A cosine by a sine of at most a quarter of π, which needs no reduction.
fn cos_of_latitude(radians: f64) -> f64 {
    let half = sin(radians * 0.5);
    1.0 - 2.0 * half * half
}

/// Great-circle distance between the centres of two cells in metres, rounded.
///
/// # Errors
/// If either is not a cell.
pub fn distance_m(a: u64, b: u64) -> Result<u32, GeoError> {
    Ok(metres(place(a)?, place(b)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells all over the earth, from an index of little order.
    fn places(count: u64) -> Vec<LatLng> {
        let degrees = |number: u64, range: u32| {
            let [a, b, ..] = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            (f64::from(u16::from_be_bytes([a, b])) / 65_536.0 - 0.5) * f64::from(range)
        };
        let place = |n: u64| LatLng::new(degrees(n, 180), degrees(n.rotate_left(32) ^ n, 360));
        (1..=count).map(|n| place(n).unwrap()).collect()
    }

    #[test]
    fn distances_are_those_of_the_library() {
        let places = places(400);
        for a in &places {
            for b in &places {
                let expected = a.distance_m(*b).round();
                // a micrometre is 1.6e-13
                assert!((central_angle(*a, *b) - a.distance_rads(*b)).abs() < 1e-13, "{a} to {b}");
                // two whole numbers
                assert!(
                    (f64::from(metres(*a, *b)) - expected).abs() < 0.5,
                    "{a} to {b}: {expected}"
                );
            }
        }
    }

    #[test]
    fn halves_are_rounded_up_and_the_same_place_is_no_metre_away() {
        let here = LatLng::new(47.0, 8.0).unwrap();
        let north = |metres: f64| {
            let degrees = (metres / 1000.0 / EARTH_RADIUS_KM).to_degrees();
            LatLng::new(47.0 + degrees, 8.0).unwrap()
        };
        for (metres_north, expected) in [(0.0, 0), (0.49, 0), (0.51, 1), (1.49, 1), (99.6, 100)] {
            assert_eq!(metres(here, north(metres_north)), expected, "{metres_north}");
        }
    }

    /// SECURITY: the library has no number for some of these, which as metres is 0.
    #[test]
    fn the_other_side_of_the_earth_is_half_around_it() {
        let half_around = EARTH_RADIUS_KM * 1000.0 * std::f64::consts::PI;
        for place in places(100_000) {
            let (lat, lng) = (place.lat(), place.lng());
            let opposite = LatLng::new(-lat, if lng < 0.0 { lng + 180.0 } else { lng - 180.0 });
            let metres = f64::from(metres(place, opposite.unwrap()));
            assert!((metres - half_around).abs() < 1.0, "{place}: {metres}");
        }
    }
}
