//! The coverage map as shards that a coverage root commits to, and the fold that makes them.
//!
//! [`fold`] is the one function that the gateway and the browser use: the same verdicts give the
//! same shard bytes. A shard holds the map cells (H3 resolution 8) under one cell of resolution 4.

use crate::abi::{CheckOutput, Verdict};
use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending};
use crate::{Bytes32, h3, merkle, sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Version of the shard format.
pub const SHARD_VERSION: u64 = 1;
/// Most cells in a shard: 7⁴ children of a cell four resolutions finer.
pub const MAX_CELLS: usize = 2401;
/// Most evidence leaves in a cell.
pub const MAX_LEAVES: usize = 65_536;

/// What the verdicts say about one map cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellRecord {
    /// H3 cell, resolution 8.
    pub cell: u64,
    /// Beacons sent from the cell.
    pub beacons: u32,
    /// … with verdict pass.
    pub passed: u32,
    /// … with verdict fail.
    pub failed: u32,
    /// … with verdict indeterminate.
    pub indeterminate: u32,
    /// Witness reports that count.
    pub witnesses_selected: u32,
    /// Witness reports that broke a rule.
    pub witnesses_rejected: u32,
    /// Leaves of the evidence tree behind these numbers, ascending.
    pub leaves: Vec<u32>,
}

/// The map cells under one cell of resolution 4.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// H3 cell, resolution 4.
    pub parent: u64,
    /// Its map cells that have beacons, ascending by cell.
    pub cells: Vec<CellRecord>,
}

canonical!(Shard);

impl Shard {
    /// The content address: SHA-256 of the encoding.
    #[must_use]
    pub fn digest(&self) -> Bytes32 {
        sha256(&self.encode())
    }

    /// The leaf of the coverage tree.
    #[must_use]
    pub fn leaf(&self) -> Bytes32 {
        merkle::leaf_hash(&self.encode())
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.array(3).uint(SHARD_VERSION).uint(self.parent).array(self.cells.len());
        for cell in &self.cells {
            e.array(8).uint(cell.cell);
            for count in [
                cell.beacons,
                cell.passed,
                cell.failed,
                cell.indeterminate,
                cell.witnesses_selected,
                cell.witnesses_rejected,
            ] {
                e.uint(u64::from(count));
            }
            e.array(cell.leaves.len());
            for leaf in &cell.leaves {
                e.uint(u64::from(*leaf));
            }
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("shard fields", 3)?;
        d.exactly("shard version", SHARD_VERSION)?;
        let parent = d.uint()?;
        let count = d.array("cells", MAX_CELLS)?;
        let cells = (0..count).map(|_| decode_cell(d, parent)).collect::<Result<Vec<_>, _>>()?;
        strictly_ascending("cell", &cells, |cell| cell.cell)?;
        Ok(Self { parent, cells })
    }
}

fn decode_cell(d: &mut Decoder<'_>, parent: u64) -> Result<CellRecord, CborError> {
    d.tuple("cell fields", 8)?;
    let cell = d.uint()?;
    if h3::resolution(cell) != h3::MAP_RESOLUTION
        || h3::parent(cell, h3::SHARD_RESOLUTION) != Some(parent)
    {
        return Err(CborError::Range {
            what: "cell of another shard",
            got: cell,
            expected: parent,
        });
    }
    let mut count = || d.small("count");
    let mut record = CellRecord {
        cell,
        beacons: count()?,
        passed: count()?,
        failed: count()?,
        indeterminate: count()?,
        witnesses_selected: count()?,
        witnesses_rejected: count()?,
        leaves: Vec::new(),
    };
    let leaves = d.array("leaves", MAX_LEAVES)?;
    record.leaves = (0..leaves).map(|_| d.small("leaf index")).collect::<Result<_, _>>()?;
    strictly_ascending("leaf", &record.leaves, |leaf| *leaf)?;
    Ok(record)
}

/// Folds verdicts into shards, ascending by parent.
///
/// Each item is (index in the evidence tree, the beaconer's cell of resolution 12, the verdict).
/// Items whose cell is 0 or coarser than the map are left out.
pub fn fold<'a>(leaves: impl IntoIterator<Item = (u32, u64, &'a CheckOutput)>) -> Vec<Shard> {
    let mut shards: BTreeMap<u64, BTreeMap<u64, CellRecord>> = BTreeMap::new();
    for (index, asserted, output) in leaves {
        let place = h3::parent(asserted, h3::MAP_RESOLUTION)
            .zip(h3::parent(asserted, h3::SHARD_RESOLUTION));
        let Some((cell, parent)) = place.filter(|_| asserted != 0) else {
            continue;
        };
        let record = shards.entry(parent).or_default().entry(cell).or_default();
        record.cell = cell;
        add(record, index, output);
    }
    let shards = shards.into_iter().map(|(parent, cells)| {
        let mut cells: Vec<_> = cells.into_values().collect();
        for cell in &mut cells {
            cell.leaves.sort_unstable();
            cell.leaves.dedup();
        }
        Shard { parent, cells }
    });
    shards.collect()
}

fn add(record: &mut CellRecord, index: u32, output: &CheckOutput) {
    let bump = |count: &mut u32, by: usize| {
        *count = count.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
    };
    bump(&mut record.beacons, 1);
    match output.verdict {
        Verdict::Pass => bump(&mut record.passed, 1),
        Verdict::Fail => bump(&mut record.failed, 1),
        Verdict::Indeterminate => bump(&mut record.indeterminate, 1),
    }
    bump(&mut record.witnesses_selected, output.selected.len());
    bump(&mut record.witnesses_rejected, rejected_witnesses(output).len());
    record.leaves.push(index);
}

/// The witnesses (index in the bundle) that broke a rule. One that is only surplus did not.
#[must_use]
pub fn rejected_witnesses(output: &CheckOutput) -> BTreeSet<u32> {
    let broken = output.outcomes.iter().filter(|o| o.verdict == Verdict::Fail && o.reason != 0);
    broken.filter_map(|outcome| outcome.subject.checked_sub(1)).collect()
}
