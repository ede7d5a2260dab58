//! What has counted: the replay keys of passing verdicts, by the lane and epoch that settle them.
//!
//! A lane is written before it is proposed, so a gateway that was killed in between finds its own keys and no others
//! in the way. Trusts the settler to write a lane as a whole. Keys are never forgotten: 76 bytes each.

use anyhow::Result;
use heliotrope_device_proofs::Bytes32;
use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction};

use super::ReceiptLog;

/// Replay key → epoch, lane, sha256 of the bundle.
const COUNTED: TableDefinition<'_, &[u8; 32], (u64, u32, &[u8; 32])> =
    TableDefinition::new("counted");
/// Epoch, lane → its replay keys, one after the other.
const BY_LANE: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("counted_by_lane");

/// Where a replay key counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Counted {
    /// The epoch.
    pub(crate) epoch: u64,
    /// The lane.
    pub(crate) lane: u32,
    /// sha256 of the bundle that counts.
    pub(crate) bundle: Bytes32,
}

pub(super) fn create(write: &WriteTransaction) -> Result<()> {
    write.open_table(COUNTED)?;
    write.open_table(BY_LANE)?;
    Ok(())
}

impl ReceiptLog {
    /// Where a replay key counts, if it does.
    pub(crate) fn counted(&self, key: &Bytes32) -> Result<Option<Counted>> {
        let read = self.database.begin_read()?;
        let found = read.open_table(COUNTED)?.get(key)?;
        Ok(found.map(|found| {
            let (epoch, lane, bundle) = found.value();
            Counted { epoch, lane, bundle: *bundle }
        }))
    }

    /// Writes what counts in a lane of an epoch, (replay key, sha256 of the bundle), in place of what was written for
    /// it before.
    pub(crate) fn count_lane(
        &self,
        epoch: u64,
        lane: u32,
        keys: &[(Bytes32, Bytes32)],
    ) -> Result<()> {
        let write = self.database.begin_write()?;
        {
            let (mut counted, mut by_lane) =
                (write.open_table(COUNTED)?, write.open_table(BY_LANE)?);
            if let Some(before) = by_lane.get((epoch, lane))? {
                for key in before.value().as_chunks::<32>().0 {
                    counted.remove(key)?;
                }
            }
            for (key, bundle) in keys {
                counted.insert(key, (epoch, lane, bundle))?;
            }
            let all: Vec<u8> = keys.iter().flat_map(|(key, _)| *key).collect();
            by_lane.insert((epoch, lane), all.as_slice())?;
        }
        write.commit()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_survives_reopening_and_a_lane_replaces_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.redb");
        let log = ReceiptLog::open(&path).unwrap();
        log.count_lane(1, 20, &[([1; 32], [7; 32]), ([2; 32], [8; 32])]).unwrap();
        log.count_lane(1, 21, &[([3; 32], [9; 32])]).unwrap();
        drop(log);
        let log = ReceiptLog::open(&path).unwrap();
        let counted = Counted { epoch: 1, lane: 20, bundle: [8; 32] };
        assert_eq!(log.counted(&[2; 32]).unwrap(), Some(counted));
        log.count_lane(1, 20, &[([2; 32], [6; 32])]).unwrap();
        assert_eq!(log.counted(&[1; 32]).unwrap(), None);
        let counted = Counted { bundle: [6; 32], ..counted };
        assert_eq!(log.counted(&[2; 32]).unwrap(), Some(counted));
        assert_eq!(log.counted(&[3; 32]).unwrap().unwrap().lane, 21);
    }
}
