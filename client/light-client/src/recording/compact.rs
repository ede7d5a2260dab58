//! Recordings as compact sync carries them.

use std::collections::BTreeMap;

use heliotrope_verifier::chains::ethereum::{
    ChainSpec, LightClientUpdate,
    compact::{CompactBootstrap, CompactUpdate},
};

use super::{Kind, Recording, RecordingError};

/// A recording without the keys; see [`heliotrope_verifier::chains::ethereum::compact`].
#[derive(Clone, Debug)]
pub struct CompactRecording {
    /// The bootstrap, encoded.
    pub bootstrap: Vec<u8>,
    /// The updates in order of their periods.
    pub updates: Vec<CompactUpdate>,
    /// The newest finality update whose committee is known, encoded; empty when there is none.
    pub finality: Vec<u8>,
}

impl Recording {
    /// The same without the keys, as a gateway sends it: bootstrap, one update per period from the bootstrap's on, and
    /// the newest finality update, each encoded.
    ///
    /// # Errors
    ///
    /// When a committee is not of the network's size, or a header has no encoding.
    pub fn compact(&self, spec: &ChainSpec) -> Result<CompactRecording, RecordingError> {
        let bootstrap = CompactBootstrap::from_full(&self.bootstrap, spec).encode(spec)?;
        let period = |slot| spec.compute_sync_committee_period_at_slot(slot);
        let mut next = period(self.bootstrap.header.beacon.slot);
        // the committee of a period signs the update of that period, which brings the committee of the next
        let mut committees = BTreeMap::from([(next, &self.bootstrap.current_sync_committee)]);
        let mut updates = Vec::new();
        let attested = |update: &LightClientUpdate| period(update.attested_header.beacon.slot);
        while let Some(signers) = committees.get(&next)
            && let Some(full) = self.updates.iter().find(|update| attested(update) == next)
        {
            updates.push(CompactUpdate::from_full(full, signers, false, spec)?);
            next = next.saturating_add(1);
            committees.extend(full.next_sync_committee.as_ref().map(|committee| (next, committee)));
        }
        let finalities = self.newest.iter().filter(|(kind, _)| *kind == Kind::Finality);
        let newest = finalities
            .filter_map(|(_, update)| {
                Some((update, committees.get(&period(update.signature_slot))?))
            })
            .max_by_key(|(update, _)| update.attested_header.beacon.slot);
        let finality = match newest {
            Some((update, signers)) => {
                CompactUpdate::from_full(update, signers, true, spec)?.encode(spec)?
            }
            None => Vec::new(),
        };
        Ok(CompactRecording { bootstrap, updates, finality })
    }
}
