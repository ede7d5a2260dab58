//! Who covers a hex best, and what it is worth.
//!
//! ```text
//!  of a hex   indoors   signal level, then seniority, then key        rank 1 counts
//!             outdoors  signal power, then seniority, then key        ranks 1, 2, 3 count whole, half, a quarter
//!  points     signal level × assignment × rank (× boost)
//! ```
//! (HIP-74, HIP-103, HIP-105; `helium/oracles`, `coverage_map` and `coverage_point_calculator`; re-stated.)
//!
//! # Difference from upstream
//! Upstream leaves radios of the same signal and seniority in the order of a binary heap, which depends on the
//! order of insertion. Here the lower key comes first, so that everybody ranks alike.

use super::Case;
use super::geo;
use super::heartbeat::Presence;
use heliotrope_device_proofs::coverage_map::{Assignment, HexAssignments, RadioStatement};
use heliotrope_device_proofs::wire::mobile::{CoverageObjectReqV1, signal_level};

/// Points are counted in ten-thousandths: hundredths of the assignment times hundredths of the rank.
const PERCENT: u64 = 100;
/// HIP-134: more subscribers than this make every hex count in full (`MINIMUM_UNIQUE_CONNECTIONS`).
pub(super) const MIN_UNIQUE_CONNECTIONS: u32 = 25;
/// HIP-93: least trust for boosted points, in hundredths (`MIN_WIFI_TRUST_MULTIPLIER`).
const MIN_BOOST_TRUST_PERCENT: u64 = 75;
/// HIP-119: longest mean distance from the asserted place for boosted points, in metres (`MAX_AVERAGE_DISTANCE`).
const MAX_BOOST_DISTANCE_M: u64 = 50;

/// A hex as one radio covers it. The order is that of rank; the derived one compares the fields in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    cell: u64,
    /// Indoors and outdoors are ranked apart.
    indoor: bool,
    /// What makes the signal better is less here.
    signal: i64,
    /// Older is better.
    since_s: u64,
    /// Place in the bundle, whose radios ascend by key.
    radio: u32,
    signal_level: i32,
}

/// A radio that is ranked.
pub(super) struct Ranked<'a> {
    /// Place in the bundle.
    pub(super) radio: u32,
    pub(super) coverage: &'a CoverageObjectReqV1,
    pub(super) since_s: u64,
    pub(super) statement: &'a RadioStatement,
    /// Whether boosts count for it.
    pub(super) boosted: bool,
}

/// What a radio gets for its hexes in the area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Points {
    pub(super) radio: u32,
    /// Points in ten-thousandths, before trust and backhaul.
    pub(super) points: u64,
    /// Hexes in the area.
    pub(super) hexes: u32,
    /// … with a rank that counts.
    pub(super) ranked: u32,
    /// Whether the oracle data lack a hex.
    pub(super) missing: bool,
}

/// The area's hexes with whoever covers them, best first.
pub(super) struct Ranking {
    entries: Vec<Entry>,
}

impl Ranking {
    /// Ranks radios in every hex of the area.
    pub(super) fn new(case: &Case<'_>, radios: &[Ranked<'_>]) -> Self {
        let mut entries = Vec::new();
        for ranked in radios {
            for covered in &ranked.coverage.coverage {
                let Some(cell) = geo::hex(&covered.location).filter(|cell| case.holds(*cell))
                else {
                    continue;
                };
                let indoor = ranked.coverage.indoor;
                let signal = if indoor { covered.signal_level } else { covered.signal_power };
                entries.push(Entry {
                    cell,
                    indoor,
                    signal: i64::from(signal).saturating_neg(),
                    since_s: ranked.since_s,
                    radio: ranked.radio,
                    signal_level: covered.signal_level,
                });
            }
        }
        sort(&mut entries);
        Self { entries }
    }

    /// What each radio gets, in the order of `radios`.
    pub(super) fn points(&self, case: &Case<'_>, radios: &[Ranked<'_>]) -> Vec<Points> {
        let of = |ranked: &Ranked<'_>| Points { radio: ranked.radio, ..Points::default() };
        let mut points: Vec<_> = radios.iter().map(of).collect();
        let (mut hex, mut rank) = (None, 0_u32);
        for entry in &self.entries {
            rank = match hex.replace((entry.cell, entry.indoor)) {
                Some(before) if before == (entry.cell, entry.indoor) => rank.saturating_add(1),
                _ => 1,
            };
            let radio = radios.iter().zip(&mut points).find(|(r, _)| r.radio == entry.radio);
            if let Some((ranked, points)) = radio {
                points.add(case, ranked, entry, rank);
            }
        }
        points
    }

    /// How many hexes one of these radios covers.
    pub(super) fn covered(&self, radios: &[u32]) -> u64 {
        let (mut last, mut count) = (None, 0_u64);
        for entry in &self.entries {
            if radios.contains(&entry.radio) && last.replace(entry.cell) != Some(entry.cell) {
                count = count.saturating_add(1);
            }
        }
        count
    }
}

impl Points {
    fn add(&mut self, case: &Case<'_>, ranked: &Ranked<'_>, entry: &Entry, rank: u32) {
        self.hexes = self.hexes.saturating_add(1);
        let rank_percent = rank_percent(entry.indoor, rank);
        if rank_percent == 0 {
            return;
        }
        self.ranked = self.ranked.saturating_add(1);
        let Some(hex) = case.oracle.hex(entry.cell) else {
            self.missing = true;
            return;
        };
        let base = base_points(case, entry.indoor, entry.signal_level).unwrap_or(0);
        let assigned = assignment_percent(hex, ranked.statement);
        let boost = if ranked.boosted { hex.boost.max(1) } else { 1 };
        let points = base.saturating_mul(assigned.into()).saturating_mul(rank_percent);
        self.points = self.points.saturating_add(points.saturating_mul(boost.into()));
    }

    /// The share in millionths of a point: points, trust averaged over the hours, and backhaul.
    ///
    /// 64 bits hold the product for every hex of an area at full points, a boost of 1000 and a day of full trust.
    pub(super) fn share_millionths(&self, presence: &Presence, backhaul_percent: u32) -> u64 {
        let share = self.points.saturating_mul(presence.trust_percent);
        let share = share.saturating_mul(backhaul_percent.into());
        // four decimals of the points, two of the trust and two of the backhaul are two more than wanted
        let scale = presence.hours.saturating_mul(PERCENT);
        share.checked_div(scale).unwrap_or_default()
    }
}

/// Sorts by the derived order, which is total: a heap sort, as the library's sorts are 14 kB of module.
fn sort(entries: &mut [Entry]) {
    for root in (0..entries.len() / 2).rev() {
        sift_down(entries, root);
    }
    for end in (1..entries.len()).rev() {
        entries.swap(0, end);
        if let Some(heap) = entries.get_mut(..end) {
            sift_down(heap, 0);
        }
    }
}

/// Lets the entry at `root` sink to its place in a heap whose greatest is on top.
fn sift_down(heap: &mut [Entry], mut root: usize) {
    loop {
        let left = root.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        let greater = if heap.get(right) > heap.get(left) { right } else { left };
        if heap.get(greater) <= heap.get(root) {
            return;
        }
        heap.swap(root, greater);
        root = greater;
    }
}

/// Points of a hex (HIP-74); `None` for a signal level that such a radio has not (upstream:
/// `InvalidSignalLevel`).
pub(super) fn base_points(case: &Case<'_>, indoor: bool, level: i32) -> Option<u64> {
    let [indoor_high, indoor_low] = case.params.indoor_points;
    let [outdoor_high, outdoor_medium, outdoor_low] = case.params.outdoor_points;
    match (indoor, level) {
        (true, signal_level::HIGH) => Some(indoor_high),
        (true, signal_level::LOW) => Some(indoor_low),
        (false, signal_level::HIGH) => Some(outdoor_high),
        (false, signal_level::MEDIUM) => Some(outdoor_medium),
        (false, signal_level::LOW) => Some(outdoor_low),
        (false, signal_level::NONE) => Some(0),
        _ => None,
    }
}

/// What a rank counts, in hundredths (HIP-105).
const fn rank_percent(indoor: bool, rank: u32) -> u64 {
    match (indoor, rank) {
        (_, 1) => 100,
        (false, 2) => 50,
        (false, 3) => 25,
        _ => 0,
    }
}

/// What a hex counts for a radio, in hundredths (HIP-103, HIP-134): nothing for a banned one; all for one with
/// many subscribers, and where a service provider wants coverage; else what the data sets say.
#[must_use]
pub fn assignment_percent(hex: &HexAssignments, radio: &RadioStatement) -> u32 {
    use Assignment::{A, B, C};
    if radio.banned {
        return 0;
    }
    let wanted = hex.service_provider_override || hex.boost > 0;
    if wanted || radio.unique_connections > MIN_UNIQUE_CONNECTIONS {
        return 100;
    }
    match (hex.footfall, hex.landtype, hex.urbanized) {
        (_, _, C) => 0,
        (A, _, A | B) => 100,
        (B, _, A) => 70,
        (B, _, B) => 50,
        (C, A, A) => 40,
        (C, B, A) => 30,
        (C, C, A) => 5,
        (C, A, B) => 20,
        (C, B, B) => 15,
        (C, C, B) => 3,
    }
}

/// Whether boosts of service providers count for a radio (HIP-84, HIP-93, HIP-119, HIP-140): it serves enough
/// subscribers, is trusted on average, and is near its asserted place on average.
pub(super) fn is_boosted(statement: &RadioStatement, presence: &Presence) -> bool {
    let hours = presence.hours;
    statement.unique_connections > MIN_UNIQUE_CONNECTIONS
        && presence.trust_percent >= hours.saturating_mul(MIN_BOOST_TRUST_PERCENT)
        && presence.distance_m <= hours.saturating_mul(MAX_BOOST_DISTANCE_M)
}
