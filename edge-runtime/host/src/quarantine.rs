//! Modules that the compiler could not take: each is left alone for a while, twice as long each time.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Most modules remembered; beyond it the one to be tried soonest is forgotten.
const MOST: usize = 256;

/// A module that is not compiled for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// SHA-256 of the module.
    pub hash: [u8; 32],
    /// How often compiling it failed in a row.
    pub failures: u32,
    /// Time until it is tried again.
    pub retry_in: Duration,
    /// What the last failure was.
    pub error: String,
}

#[derive(Debug)]
struct Entry {
    failures: u32,
    until: Instant,
    error: String,
}

/// The failures of one host.
#[derive(Debug, Default)]
pub(crate) struct Quarantine(Mutex<BTreeMap<[u8; 32], Entry>>);

impl Quarantine {
    /// Whether this module is to be left alone.
    pub(crate) fn holds(&self, hash: &[u8; 32]) -> Option<Quarantined> {
        self.list().into_iter().find(|held| held.hash == *hash && !held.retry_in.is_zero())
    }

    /// All modules whose last compilation failed.
    pub(crate) fn list(&self) -> Vec<Quarantined> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now();
        let entry = |(hash, entry): (&[u8; 32], &Entry)| Quarantined {
            hash: *hash,
            failures: entry.failures,
            retry_in: entry.until.saturating_duration_since(now),
            error: entry.error.clone(),
        };
        entries.iter().map(entry).collect()
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, hash: &[u8; 32], error: String) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = entries.get(hash).map_or(0, |entry| entry.failures).saturating_add(1);
        let doublings = failures.saturating_sub(1).min(16);
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        let until = now().checked_add(pause).unwrap_or_else(now);
        entries.insert(*hash, Entry { failures, until, error });
        if entries.len() > MOST {
            let soonest =
                entries.iter().min_by_key(|(_, entry)| entry.until).map(|(hash, _)| *hash);
            soonest.and_then(|hash| entries.remove(&hash));
        }
    }

    /// The module compiled.
    pub(crate) fn release(&self, hash: &[u8; 32]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }
}

#[expect(clippy::disallowed_methods, reason = "a pause of this host, no part of a verdict")]
fn now() -> Instant {
    Instant::now()
}
