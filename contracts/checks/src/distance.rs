//! Distances between the centres of cells.
//!
//! Floating point stays in this file; what leaves it is rounded to metres.

use h3o::{CellIndex, LatLng};

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
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most half the circumference of the earth; saturates"
    )]
    let metres = a.distance_m(b).round() as u32;
    metres
}

/// Great-circle distance between the centres of two cells in metres, rounded.
///
/// # Errors
/// If either is not a cell.
pub fn distance_m(a: u64, b: u64) -> Result<u32, GeoError> {
    Ok(metres(place(a)?, place(b)?))
}
