//! The durable log of what was received: one redb file. A report is acknowledged only after the
//! commit that holds it, so a killed process loses none. It also remembers what was counted (`counted`).

mod counted;

use std::path::Path;

use anyhow::{Context as _, Result};
use heliotrope_device_proofs::{Bytes32, sha256};
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, WriteTransaction,
};

pub(crate) use counted::Counted;

/// Sequence number → kind (1 byte), receive time (8 bytes LE, ms), report.
const REPORTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("reports");
/// sha256(kind ‖ report) → sequence number.
const SEEN: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("seen");
/// [`Entry::claim`] → sequence number of the report that stands for it.
const CLAIMS: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("claims");
/// Closed epoch → first sequence number, number after its last.
const EPOCHS: TableDefinition<'_, u64, (u64, u64)> = TableDefinition::new("epochs");
/// Epochs whose settlement is proven.
const PUBLISHED: TableDefinition<'_, u64, ()> = TableDefinition::new("published");

/// Published epochs of which nothing is left to be made final or paid out.
const PAID: TableDefinition<'_, u64, ()> = TableDefinition::new("paid");

/// What kind of report a row holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `entropy_report_v1`.
    Entropy,
    /// `lora_beacon_report_req_v1`.
    Beacon,
    /// `lora_witness_report_req_v1`.
    Witness,
    /// Evidence as a whole: a radio bundle, or a `Submission` of evidence of any kind.
    Evidence,
}

impl Kind {
    /// The kind's number in the batch format and in the log.
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Entropy),
            1 => Some(Self::Beacon),
            2 => Some(Self::Witness),
            3 => Some(Self::Evidence),
            _ => None,
        }
    }

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Entropy => 0,
            Self::Beacon => 1,
            Self::Witness => 2,
            Self::Evidence => 3,
        }
    }
}

/// One report that was taken in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Receipt {
    /// What it is.
    pub(crate) kind: Kind,
    /// When it came, Unix milliseconds.
    pub(crate) received_ms: u64,
    /// The original bytes.
    pub(crate) report: Vec<u8>,
}

impl Receipt {
    fn id(&self) -> Bytes32 {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend_from_slice(&self.report);
        sha256(&bytes)
    }

    fn row(&self) -> Vec<u8> {
        let mut row = vec![self.kind.byte()];
        row.extend_from_slice(&self.received_ms.to_le_bytes());
        row.extend_from_slice(&self.report);
        row
    }

    fn from_row(row: &[u8]) -> Option<Self> {
        let (kind, rest) = row.split_first()?;
        let (received_ms, report) = rest.split_first_chunk::<8>()?;
        Some(Self {
            kind: Kind::from_byte(*kind)?,
            received_ms: u64::from_le_bytes(*received_ms),
            report: report.to_vec(),
        })
    }
}

/// A report on its way into the log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The report.
    pub(crate) receipt: Receipt,
    /// Names what only one report can stand for; `None` where any number can.
    pub(crate) claim: Option<Bytes32>,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kept {
    /// It is in the log.
    New,
    /// These bytes were there already.
    Known,
    /// Another report stands for what it claims: its sha256.
    Claimed(Bytes32),
}

/// The log.
#[derive(Debug)]
pub(crate) struct ReceiptLog {
    database: Database,
}

impl ReceiptLog {
    /// Opens the log, making it if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let database = Database::create(path)?;
        let write = database.begin_write()?;
        write.open_table(REPORTS)?;
        write.open_table(SEEN)?;
        write.open_table(CLAIMS)?;
        write.open_table(EPOCHS)?;
        write.open_table(PUBLISHED)?;
        write.open_table(PAID)?;
        counted::create(&write)?;
        write.commit()?;
        Ok(Self { database })
    }

    /// Writes reports and waits for the disk. Says of each what became of it.
    pub(crate) fn append(&self, entries: &[Entry]) -> Result<Vec<Kept>> {
        let write = self.database.begin_write()?;
        let kept = Tables::open(&write)?.keep_all(entries)?;
        write.commit()?;
        Ok(kept)
    }

    /// Closes the current epoch over everything not yet in one. `None` if that is nothing.
    pub(crate) fn close_epoch(&self) -> Result<Option<u64>> {
        let write = self.database.begin_write()?;
        let closed = {
            let reports = write.open_table(REPORTS)?;
            let mut epochs = write.open_table(EPOCHS)?;
            let (epoch, from) = epochs
                .last()?
                .map_or((1, 0), |(key, range)| (key.value().saturating_add(1), range.value().1));
            let to = reports.last()?.map_or(0, |(key, _)| key.value().saturating_add(1));
            if to > from {
                epochs.insert(epoch, (from, to))?;
            }
            (to > from).then_some(epoch)
        };
        write.commit()?;
        Ok(closed)
    }

    /// Epochs that are closed and not yet published.
    pub(crate) fn pending_epochs(&self) -> Result<Vec<u64>> {
        let read = self.database.begin_read()?;
        let published = read.open_table(PUBLISHED)?;
        let mut pending = Vec::new();
        for entry in read.open_table(EPOCHS)?.iter()? {
            let epoch = entry?.0.value();
            if published.get(epoch)?.is_none() {
                pending.push(epoch);
            }
        }
        Ok(pending)
    }

    /// The newest published epoch.
    pub(crate) fn latest_published(&self) -> Result<Option<u64>> {
        let read = self.database.begin_read()?;
        Ok(read.open_table(PUBLISHED)?.last()?.map(|(key, _)| key.value()))
    }

    /// Marks an epoch as published.
    pub(crate) fn publish(&self, epoch: u64) -> Result<()> {
        let write = self.database.begin_write()?;
        write.open_table(PUBLISHED)?.insert(epoch, ())?;
        write.commit()?;
        Ok(())
    }

    /// Published epochs that are not yet marked as paid out.
    pub(crate) fn unpaid_epochs(&self) -> Result<Vec<u64>> {
        let read = self.database.begin_read()?;
        let paid = read.open_table(PAID)?;
        let mut unpaid = Vec::new();
        for entry in read.open_table(PUBLISHED)?.iter()? {
            let epoch = entry?.0.value();
            if paid.get(epoch)?.is_none() {
                unpaid.push(epoch);
            }
        }
        Ok(unpaid)
    }

    /// Marks an epoch as paid out.
    pub(crate) fn pay(&self, epoch: u64) -> Result<()> {
        let write = self.database.begin_write()?;
        write.open_table(PAID)?.insert(epoch, ())?;
        write.commit()?;
        Ok(())
    }

    /// Everything received in an epoch, in the order of arrival.
    pub(crate) fn receipts_of(&self, epoch: u64) -> Result<Vec<Receipt>> {
        let read = self.database.begin_read()?;
        let Some(range) = read.open_table(EPOCHS)?.get(epoch)?.map(|r| r.value()) else {
            return Ok(Vec::new());
        };
        let mut receipts = Vec::new();
        for entry in read.open_table(REPORTS)?.range(range.0..range.1)? {
            receipts.extend(Receipt::from_row(entry?.1.value()));
        }
        Ok(receipts)
    }
}

/// The tables that a report goes into.
struct Tables<'t> {
    reports: Table<'t, u64, &'static [u8]>,
    seen: Table<'t, &'static [u8; 32], u64>,
    claims: Table<'t, &'static [u8; 32], u64>,
    /// Number of the next report.
    next: u64,
}

impl<'t> Tables<'t> {
    fn open(write: &'t WriteTransaction) -> Result<Self> {
        let (reports, seen) = (write.open_table(REPORTS)?, write.open_table(SEEN)?);
        let claims = write.open_table(CLAIMS)?;
        let next = reports.last()?.map_or(0, |(key, _)| key.value().saturating_add(1));
        Ok(Self { reports, seen, claims, next })
    }

    fn keep_all(mut self, entries: &[Entry]) -> Result<Vec<Kept>> {
        entries.iter().map(|entry| self.keep(entry)).collect()
    }

    fn keep(&mut self, entry: &Entry) -> Result<Kept> {
        let id = entry.receipt.id();
        if self.seen.get(&id)?.is_some() {
            return Ok(Kept::Known);
        }
        if let Some(claim) = &entry.claim {
            if let Some(standing) = self.claims.get(claim)?.map(|number| number.value()) {
                let row = self.reports.get(standing)?.context("a claim without its report")?;
                let standing = Receipt::from_row(row.value()).context("a row of the log")?;
                return Ok(Kept::Claimed(sha256(&standing.report)));
            }
            self.claims.insert(claim, self.next)?;
        }
        self.reports.insert(self.next, entry.receipt.row().as_slice())?;
        self.seen.insert(&id, self.next)?;
        self.next = self.next.saturating_add(1);
        Ok(Kept::New)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(byte: u8) -> Receipt {
        Receipt { kind: Kind::Beacon, received_ms: 7, report: vec![byte] }
    }

    fn entries<const N: usize>(bytes: [u8; N]) -> [Entry; N] {
        bytes.map(|byte| Entry { receipt: receipt(byte), claim: None })
    }

    #[test]
    fn a_report_is_kept_once_and_survives_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.redb");
        let log = ReceiptLog::open(&path).unwrap();
        let kept = log.append(&entries([1, 2, 1])).unwrap();
        assert_eq!(kept, [Kept::New, Kept::New, Kept::Known]);
        drop(log);
        let log = ReceiptLog::open(&path).unwrap();
        assert_eq!(log.append(&entries([2, 3])).unwrap(), [Kept::Known, Kept::New]);
        assert_eq!(log.close_epoch().unwrap(), Some(1));
        assert_eq!(log.receipts_of(1).unwrap(), [receipt(1), receipt(2), receipt(3)]);
    }

    #[test]
    fn the_first_report_of_a_claim_stands_also_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.redb");
        let entry = |byte, claim| Entry { receipt: receipt(byte), claim: Some([claim; 32]) };
        let log = ReceiptLog::open(&path).unwrap();
        let kept = log.append(&[entry(1, 9), entry(2, 9), entry(3, 8)]).unwrap();
        assert_eq!(kept, [Kept::New, Kept::Claimed(sha256(&[1])), Kept::New]);
        log.close_epoch().unwrap();
        drop(log);
        let log = ReceiptLog::open(&path).unwrap();
        let kept = log.append(&[entry(4, 9), entry(1, 9)]).unwrap();
        assert_eq!(kept, [Kept::Claimed(sha256(&[1])), Kept::Known]);
        assert_eq!(log.close_epoch().unwrap(), None);
    }

    #[test]
    fn an_epoch_holds_what_came_since_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let log = ReceiptLog::open(&folder.path().join("log.redb")).unwrap();
        assert_eq!(log.close_epoch().unwrap(), None);
        log.append(&entries([1])).unwrap();
        assert_eq!(log.close_epoch().unwrap(), Some(1));
        assert_eq!(log.close_epoch().unwrap(), None);
        log.append(&entries([2])).unwrap();
        assert_eq!(log.close_epoch().unwrap(), Some(2));
        assert_eq!(log.receipts_of(2).unwrap(), [receipt(2)]);
        assert_eq!(log.pending_epochs().unwrap(), [1, 2]);
        log.publish(1).unwrap();
        assert_eq!(log.pending_epochs().unwrap(), [2]);
        assert_eq!(log.latest_published().unwrap(), Some(1));
    }
}
