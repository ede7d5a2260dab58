//! HIP-17 and HIP-104 hex density: what a place is worth among the gateways around it.
//!
//! ```text
//!  asserted cells ─ count per resolution 11 cell ─ roll up to 10 … 4, clipping each cell to
//!      limit = min(max, target × max(1, occupied neighbours − N + 1))
//!  scale = Π over resolutions 10 … 4 of clipped / unclipped, in ten-thousandths
//! ```
//! (`helium/oracles`, `iot_verifier/src/hex_density.rs`; re-stated.) "Occupied" counts the cell itself
//! and its neighbours that hold the target or more *as rolled up so far*. Upstream clips cell after
//! cell in the order of a hash map; clipping never takes a count from the target or more to below
//! it, so that order changes nothing, and here it is ascending.
//!
//! Upstream multiplies 28-digit decimals; here the fraction is exact and rounds once, half to even.
//! Which gateways were active (60 h) is the caller's to know: it is the set of cells handed in.

use h3o::{CellIndex, Resolution};
use std::collections::BTreeMap;

/// The scale of a place without a density, 0.2 (`DEFAULT_TX_SCALE`).
pub const DEFAULT_SCALE: u32 = 2000;
/// A scale of 1.
pub const FULL_SCALE: u32 = 10_000;
/// Resolution at which gateways are counted first.
const COUNTED: Resolution = Resolution::Eleven;
/// Resolution, N, target and max, in the order of rolling up (`HIP104_RES_CONFIG`).
const CONFIG: [(Resolution, u64, u64, u64); 7] = [
    (Resolution::Ten, 2, 1, 1),
    (Resolution::Nine, 2, 1, 1),
    (Resolution::Eight, 2, 1, 1),
    (Resolution::Seven, 4, 5, 10),
    (Resolution::Six, 4, 25, 50),
    (Resolution::Five, 4, 100, 200),
    (Resolution::Four, 2, 500, 1000),
];

/// Counts of gateways per cell.
#[derive(Clone, Debug, Default)]
pub struct DensityMap {
    clipped: BTreeMap<CellIndex, u64>,
    unclipped: BTreeMap<CellIndex, u64>,
}

impl DensityMap {
    /// Counts the gateways that assert `cells`, once each; what is no cell of resolution 11 or finer
    /// is left out.
    #[must_use]
    pub fn new(cells: &[u64]) -> Self {
        let mut map = Self::default();
        for cell in cells {
            let cell = CellIndex::try_from(*cell).ok();
            if let Some(parent) = cell.and_then(|cell| cell.parent(COUNTED)) {
                add(&mut map.unclipped, parent, 1);
            }
        }
        map.clipped = map.unclipped.clone();
        map.roll_up();
        map
    }

    fn roll_up(&mut self) {
        let mut finer: Vec<CellIndex> = self.unclipped.keys().copied().collect();
        for (resolution, neighbours, target, max) in CONFIG {
            let mut level = BTreeMap::new();
            for cell in &finer {
                if let Some(parent) = cell.parent(resolution) {
                    let count = self.clipped.get(cell).copied().unwrap_or_default();
                    add(&mut level, parent, count);
                }
            }
            let limits: Vec<(CellIndex, u64, u64)> = level
                .iter()
                .map(|(cell, count)| {
                    let near = cell.grid_disk::<Vec<_>>(1);
                    let occupied =
                        near.iter().filter(|c| level.get(c).is_some_and(|n| *n >= target)).count();
                    let occupied = u64::try_from(occupied).unwrap_or(u64::MAX);
                    let times = occupied.saturating_sub(neighbours).saturating_add(1);
                    (*cell, *count, max.min(target.saturating_mul(times)))
                })
                .collect();
            for (cell, count, limit) in limits {
                self.unclipped.insert(cell, count);
                self.clipped.insert(cell, count.min(limit));
            }
            finer = level.into_keys().collect();
        }
    }

    /// The scale of an asserted cell in ten-thousandths; [`DEFAULT_SCALE`] where nobody is counted.
    #[must_use]
    pub fn scale(&self, cell: u64) -> u32 {
        let known = CellIndex::try_from(cell)
            .ok()
            .filter(|cell| cell.parent(COUNTED).is_some_and(|c| self.unclipped.contains_key(&c)));
        known.and_then(|cell| self.exact_scale(cell)).unwrap_or(DEFAULT_SCALE)
    }

    fn exact_scale(&self, cell: CellIndex) -> Option<u32> {
        let (mut numerator, mut denominator) = (1_u128, 1_u128);
        for (resolution, ..) in CONFIG {
            let parent = cell.parent(resolution)?;
            let (clipped, unclipped) = (self.clipped.get(&parent)?, self.unclipped.get(&parent)?);
            let common = gcd((*clipped).into(), (*unclipped).into());
            numerator = numerator.checked_mul(u128::from(*clipped).checked_div(common)?)?;
            denominator = denominator.checked_mul(u128::from(*unclipped).checked_div(common)?)?;
            let common = gcd(numerator, denominator);
            numerator = numerator.checked_div(common)?;
            denominator = denominator.checked_div(common)?;
        }
        super::reward::rounded(numerator, denominator)
    }
}

fn add(counts: &mut BTreeMap<CellIndex, u64>, cell: CellIndex, count: u64) {
    let held = counts.entry(cell).or_default();
    *held = held.saturating_add(count);
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `helium/oracles`, `iot_verifier/src/hex_density.rs`, `simple_scale_check`: 36 gateways as
    /// (cell, how many assert it, scale).
    const SIMPLE_SCALE_CHECK: [(u64, usize, u32); 31] = [
        (631_210_990_515_536_895, 3, 60),
        (631_210_990_515_537_919, 3, 60),
        (631_210_990_515_538_431, 1, 60),
        (631_210_990_515_564_031, 1, 417),
        (631_210_990_515_589_631, 1, 104),
        (631_210_990_515_600_383, 1, 104),
        (631_210_990_515_601_919, 1, 104),
        (631_210_990_515_606_527, 1, 104),
        (631_210_990_515_722_239, 2, 83),
        (631_210_990_515_727_359, 1, 83),
        (631_210_990_515_728_895, 1, 83),
        (631_210_990_515_739_647, 1, 83),
        (631_210_990_515_874_303, 1, 556),
        (631_210_990_515_924_479, 1, 556),
        (631_210_990_516_363_775, 1, 1667),
        (631_210_990_515_987_455, 1, 556),
        (631_210_990_516_590_079, 1, 556),
        (631_210_990_516_612_607, 1, 278),
        (631_210_990_516_613_631, 1, 278),
        (631_210_990_516_640_767, 1, 556),
        (631_210_990_516_876_799, 1, 139),
        (631_210_990_516_885_503, 1, 139),
        (631_210_990_516_888_063, 1, 139),
        (631_210_990_516_907_007, 1, 208),
        (631_210_990_516_912_639, 1, 208),
        (631_210_990_516_955_647, 1, 417),
        (631_210_990_516_996_607, 1, 139),
        (631_210_990_517_011_455, 1, 139),
        (631_210_990_517_016_575, 1, 139),
        (631_210_990_517_144_063, 1, 833),
        (631_210_990_517_264_895, 1, 833),
    ];

    fn cells() -> Vec<u64> {
        SIMPLE_SCALE_CHECK.iter().flat_map(|(cell, n, _)| std::iter::repeat_n(*cell, *n)).collect()
    }

    #[test]
    fn hip_17_simple_scale_check() {
        assert_eq!(cells().len(), 36);
        let map = DensityMap::new(&cells());
        for (cell, _, scale) in SIMPLE_SCALE_CHECK {
            assert_eq!(map.scale(cell), scale, "{cell}");
        }
    }

    #[test]
    fn hip_17_does_not_depend_on_the_order_of_gateways() {
        let mut reversed = cells();
        reversed.reverse();
        let (one, other) = (DensityMap::new(&cells()), DensityMap::new(&reversed));
        assert_eq!((one.clipped, one.unclipped), (other.clipped, other.unclipped));
    }

    #[test]
    fn hip_17_alone_is_full_and_unknown_is_the_default() {
        let map = DensityMap::new(&cells()[..1]);
        assert_eq!(map.scale(cells()[0]), FULL_SCALE);
        assert_eq!(map.scale(631_615_575_095_659_519), DEFAULT_SCALE);
        assert_eq!(map.scale(0), DEFAULT_SCALE);
        assert_eq!(DensityMap::new(&[0, u64::MAX]).scale(cells()[0]), DEFAULT_SCALE);
    }
}
