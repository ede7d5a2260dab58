//! The bits of an H3 index: resolution, base cell and parents, without geometry.
//!
//! ```text
//!  63   59..62  56..58    52..55      45..51      0..44
//!  0    mode    reserved  resolution  base cell   15 digits of 3 bits, 7 = unused
//! ```
//! (H3 documentation, "H3 index representations".)

/// Resolution at which devices assert where they are.
pub const ASSERTED_RESOLUTION: u8 = 12;
/// Resolution of the cells of the public map.
pub const MAP_RESOLUTION: u8 = 8;
/// Resolution of the cells that shards of the map are grouped by.
pub const SHARD_RESOLUTION: u8 = 4;

const MAX_RESOLUTION: u8 = 15;
const RESOLUTION_SHIFT: u32 = 52;
const BASE_CELL_SHIFT: u32 = 45;
const DIGIT_BITS: u32 = 3;

/// The resolution field of an index.
#[must_use]
pub const fn resolution(cell: u64) -> u8 {
    cell.to_be_bytes()[1] >> 4
}

/// The base cell of an index: the settlement lane.
#[must_use]
pub fn lane(cell: u64) -> u32 {
    u32::try_from((cell >> BASE_CELL_SHIFT) & 0x7f).unwrap_or_default()
}

/// The ancestor of `cell` at `resolution`, or `None` if the cell is coarser than that.
///
/// ```
/// use heliotrope_device_proofs::h3::parent;
/// assert_eq!(parent(0x0892_8308_2803_ffff, 5), Some(0x0852_8308_3fff_ffff));
/// ```
#[must_use]
pub fn parent(cell: u64, resolution: u8) -> Option<u64> {
    if resolution > MAX_RESOLUTION || self::resolution(cell) < resolution {
        return None;
    }
    let unused = u32::from(MAX_RESOLUTION.saturating_sub(resolution)).saturating_mul(DIGIT_BITS);
    let filled = (cell >> unused << unused) | (1_u64 << unused).saturating_sub(1);
    let cleared = filled & !(0xf_u64 << RESOLUTION_SHIFT);
    Some(cleared | (u64::from(resolution) << RESOLUTION_SHIFT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_and_lane_of_a_known_cell() {
        // H3 documentation: cellToParent
        assert_eq!(parent(0x0892_8308_2803_ffff, 10), None);
        assert_eq!(parent(0x0892_8308_2803_ffff, 8), Some(0x0882_8308_281f_ffff));
        assert_eq!(lane(0x0892_8308_2803_ffff), 20);
        assert_eq!(resolution(0x0892_8308_2803_ffff), 9);
    }
}
