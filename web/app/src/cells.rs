//! The hexes on the map: what the verifier said of each, and where it lies.

use std::collections::BTreeMap;

use h3o::Resolution;
use heliotrope_wasm::protocol::{Hex, HexState};
use serde::Serialize;

use crate::geo::{self, Shape};

/// A hex with its outline.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) hex: Hex,
    pub(crate) shape: Shape,
}

/// Cells of one res-4 parent and the rectangle around them in the map's square.
#[derive(Debug, Clone)]
pub(crate) struct Area {
    pub(crate) cells: Vec<u64>,
    pub(crate) min: (f64, f64),
    pub(crate) max: (f64, f64),
}

/// How many hexes are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) verified: u32,
    pub(crate) committed: u32,
    pub(crate) claimed: u32,
    pub(crate) failed: u32,
    pub(crate) stale: u32,
    pub(crate) broken: u32,
    pub(crate) refuted: u32,
}

impl Counts {
    /// Hexes in one state.
    pub(crate) const fn of(&self, state: HexState) -> u32 {
        match state {
            HexState::Claimed => self.claimed,
            HexState::Committed => self.committed,
            HexState::Verified => self.verified,
            HexState::Failed => self.failed,
            HexState::Stale => self.stale,
            HexState::Broken => self.broken,
            HexState::Refuted => self.refuted,
        }
    }

    /// Hexes in all.
    pub(crate) fn total(&self) -> u32 {
        HexState::ALL.iter().fold(0, |sum: u32, state| sum.saturating_add(self.of(*state)))
    }

    /// Hexes whose five links were all checked: pass or fail, the verdict is a proven fact.
    pub(crate) const fn proven(&self) -> u32 {
        self.verified.saturating_add(self.failed).saturating_add(self.stale)
    }

    fn add(&mut self, state: HexState) {
        let slot = match state {
            HexState::Claimed => &mut self.claimed,
            HexState::Committed => &mut self.committed,
            HexState::Verified => &mut self.verified,
            HexState::Failed => &mut self.failed,
            HexState::Stale => &mut self.stale,
            HexState::Broken => &mut self.broken,
            HexState::Refuted => &mut self.refuted,
        };
        *slot = slot.saturating_add(1);
    }
}

/// All hexes, and the same grouped by res-4 parent.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    entries: BTreeMap<u64, Entry>,
    areas: BTreeMap<u64, Area>,
}

impl Cells {
    /// Takes over new and changed hexes; names that are no cells are left out.
    pub(crate) fn upsert(&mut self, hexes: Vec<Hex>) {
        for hex in hexes {
            let Ok(cell) = u64::from_str_radix(&hex.cell, 16) else { continue };
            if let Some(entry) = self.entries.get_mut(&cell) {
                entry.hex = hex;
                continue;
            }
            let Some(shape) = geo::shape(cell) else { continue };
            self.areas
                .entry(geo::parent(cell, Resolution::Four))
                .or_insert_with(|| Area {
                    cells: Vec::new(),
                    min: (f64::MAX, f64::MAX),
                    max: (f64::MIN, f64::MIN),
                })
                .add(cell, &shape);
            self.entries.insert(cell, Entry { hex, shape });
        }
    }

    /// A link that everything depends on is broken: nothing may keep a better state.
    pub(crate) fn break_all(&mut self) {
        for entry in self.entries.values_mut() {
            entry.hex.state = HexState::Broken;
        }
    }

    /// One hex.
    pub(crate) fn get(&self, cell: u64) -> Option<&Entry> {
        self.entries.get(&cell)
    }

    /// All hexes by cell.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.entries.iter().map(|(cell, entry)| (*cell, entry))
    }

    /// All areas by res-4 parent.
    pub(crate) fn areas(&self) -> impl Iterator<Item = (u64, &Area)> {
        self.areas.iter().map(|(parent, area)| (*parent, area))
    }

    /// Counts per state.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in self.entries.values() {
            counts.add(entry.hex.state);
        }
        counts
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.areas.clear();
    }
}

impl Area {
    fn add(&mut self, cell: u64, shape: &Shape) {
        self.cells.push(cell);
        self.min = (self.min.0.min(shape.min.0), self.min.1.min(shape.min.1));
        self.max = (self.max.0.max(shape.max.0), self.max.1.max(shape.max.1));
    }
}

/// The state shown for a group of hexes: its least proven one. A failed verdict is a proven fact,
/// so it does not make a group less proven.
pub(crate) fn least_proven(states: impl Iterator<Item = HexState>) -> HexState {
    let rank = |state: HexState| match state {
        HexState::Broken => 6,
        HexState::Refuted => 5,
        HexState::Claimed => 4,
        HexState::Committed => 3,
        HexState::Stale => 2,
        HexState::Verified => 1,
        HexState::Failed => 0,
    };
    states.max_by_key(|state| rank(*state)).unwrap_or(HexState::Claimed)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn hex(cell: u64, state: HexState) -> Hex {
        Hex {
            cell: format!("{cell:x}"),
            state,
            beacons: 4,
            passed: 4,
            failed: 0,
            indeterminate: 0,
            witnesses_selected: 40,
            witnesses_rejected: 2,
        }
    }

    #[test]
    fn one_unproven_hex_keeps_its_group_from_green() {
        use HexState::{Broken, Claimed, Committed, Failed, Verified};
        assert_eq!(least_proven([Verified, Failed].into_iter()), Verified);
        assert_eq!(least_proven([Verified, Committed].into_iter()), Committed);
        assert_eq!(least_proven([Committed, Claimed].into_iter()), Claimed);
        assert_eq!(least_proven([Verified, Broken].into_iter()), Broken);
        assert_eq!(least_proven([].into_iter()), Claimed);
    }

    #[test]
    fn a_page_wide_break_leaves_nothing_green() {
        let cell = geo::cell_at(52.52, 13.40).unwrap();
        let mut cells = Cells::default();
        cells.upsert(vec![hex(cell, HexState::Verified)]);
        cells.break_all();
        assert_eq!(cells.counts(), Counts { broken: 1, ..Counts::default() });
    }
}
