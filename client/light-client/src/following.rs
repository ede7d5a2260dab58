//! A store and the bytes that made it, in one of the two forms in which light client data comes.
//! No I/O: what is fetched and what was kept go through the same functions.

use alloy_primitives::B256;
use heliotrope_verifier::chains::ethereum::{
    ChainSpec, LightClientHeader, LightClientStore, LightClientUpdate,
    compact::{
        CompactBootstrap, CompactStore, CompactUpdate, decode_batch, initialize_compact_store,
        process_compact_updates,
    },
    initialize_light_client_store, process_light_client_update, process_light_client_updates,
};

use crate::{decode, journal::Journal, platform::FetchResponse};

/// In which form light client data comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Without keys, from a gateway; see [`heliotrope_verifier::chains::ethereum::compact`].
    Compact,
    /// As the Beacon API has it.
    Standard,
}

/// The newest headers, by what signs for them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Newest {
    Finality,
    Optimistic,
}

/// Why bytes did not advance the store.
#[derive(Debug)]
pub(crate) enum Refusal {
    Decode(String),
    Invalid(String),
    /// The update is of a period whose committee is not known yet.
    Gap {
        got: u64,
        expected: u64,
    },
}

/// The time, and randomness for the batch verification.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) slot: u64,
    pub(crate) seed: [u8; 32],
}

#[derive(Clone, Debug)]
enum Store {
    Compact(Box<CompactStore>),
    Standard(Box<LightClientStore>),
}

/// Everything proven, and what it was proven with.
#[derive(Clone, Debug)]
pub(crate) struct Following {
    store: Store,
    pub(crate) journal: Journal,
    /// Slot of the checkpoint's block.
    pub(crate) checkpoint_slot: u64,
    /// Updates applied.
    pub(crate) updates: u64,
}

#[allow(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn undecodable(error: impl ToString) -> Refusal {
    Refusal::Decode(error.to_string())
}

#[allow(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn invalid(error: impl ToString) -> Refusal {
    Refusal::Invalid(error.to_string())
}

impl Form {
    /// Path of a resource under the base address of a source.
    pub(crate) fn path(self, resource: &str) -> String {
        match self {
            Self::Compact => format!("v1/light_client/compact/{resource}"),
            Self::Standard => format!("eth/v1/beacon/light_client/{resource}"),
        }
    }
}

impl Newest {
    pub(crate) const fn resource(self) -> &'static str {
        match self {
            Self::Finality => "finality_update",
            Self::Optimistic => "optimistic_update",
        }
    }
}

impl Following {
    /// The store that the bootstrap of `checkpoint` makes.
    pub(crate) fn bootstrap(
        form: Form,
        checkpoint: B256,
        response: FetchResponse,
        spec: &ChainSpec,
    ) -> Result<Self, Refusal> {
        let store = match form {
            Form::Compact => {
                let bootstrap =
                    CompactBootstrap::decode(&response.body, spec).map_err(undecodable)?;
                let store =
                    initialize_compact_store(checkpoint, &bootstrap, spec).map_err(invalid)?;
                Store::Compact(Box::new(store))
            }
            Form::Standard => {
                let bootstrap = decode::bootstrap(&response, spec).map_err(undecodable)?;
                let store =
                    initialize_light_client_store(checkpoint, &bootstrap, spec).map_err(invalid)?;
                Store::Standard(Box::new(store))
            }
        };
        let journal = Journal::new(form, checkpoint, response);
        let mut following = Self { store, journal, checkpoint_slot: 0, updates: 0 };
        following.checkpoint_slot = following.finalized().beacon.slot;
        Ok(following)
    }

    /// Follows kept bytes again, which are as untrusted as fetched ones.
    pub(crate) fn replay(
        kept: Journal,
        moment: &Moment,
        spec: &ChainSpec,
    ) -> Result<Self, Refusal> {
        let Journal { form, checkpoint, bootstrap, updates, finality } = kept;
        let mut following = Self::bootstrap(form, checkpoint, bootstrap, spec)?;
        for response in updates {
            following.apply_updates(response, moment, spec)?;
        }
        if let Some(response) = finality {
            following.apply_newest(Newest::Finality, response, moment, spec)?;
        }
        Ok(following)
    }

    /// Applies a list of committee updates.
    pub(crate) fn apply_updates(
        &mut self,
        response: FetchResponse,
        moment: &Moment,
        spec: &ChainSpec,
    ) -> Result<(), Refusal> {
        let before = self.next_period_needed(spec);
        let applied = match &mut self.store {
            Store::Compact(store) => {
                let updates = decode_batch(&response.body, spec).map_err(undecodable)?;
                process_compact_updates(store, &updates, moment.slot, moment.seed, spec)
                    .map_err(invalid)?;
                updates.len()
            }
            Store::Standard(store) => {
                let updates = decode::updates(&response, spec).map_err(undecodable)?;
                process_light_client_updates(store, &updates, moment.slot, moment.seed, spec)
                    .map_err(invalid)?;
                updates.len()
            }
        };
        self.updates = self.updates.saturating_add(u64::try_from(applied).unwrap_or(u64::MAX));
        if self.next_period_needed(spec) > before {
            self.journal.updates.push(response);
        }
        Ok(())
    }

    /// Applies a finality or optimistic update; gives the slot that it attests to.
    pub(crate) fn apply_newest(
        &mut self,
        kind: Newest,
        response: FetchResponse,
        moment: &Moment,
        spec: &ChainSpec,
    ) -> Result<u64, Refusal> {
        let update = self.decode_newest(kind, &response, spec)?;
        let (attested, signature) = update.slots();
        // An update over an older block says nothing about what comes after the head. One that only
        // repeats the head is judged all the same: a forged repetition is a lie, not a delay.
        if attested <= self.finalized().beacon.slot {
            return Ok(attested);
        }
        let expected = spec.compute_sync_committee_period_at_slot(signature);
        let got = self.next_period_needed(spec);
        if expected > got {
            return Err(Refusal::Gap { got, expected });
        }
        match (&mut self.store, update) {
            (Store::Compact(store), Update::Compact(update)) => {
                process_compact_updates(store, &[*update], moment.slot, moment.seed, spec)
                    .map_err(invalid)?;
            }
            (Store::Standard(store), Update::Standard(update)) => {
                process_light_client_update(store, &update, moment.slot, spec).map_err(invalid)?;
            }
            _ => return Err(undecodable("an update of the other form")),
        }
        if kind == Newest::Finality {
            self.journal.finality = Some(response);
        }
        Ok(attested)
    }

    fn decode_newest(
        &self,
        kind: Newest,
        response: &FetchResponse,
        spec: &ChainSpec,
    ) -> Result<Update, Refusal> {
        if matches!(self.store, Store::Compact(_)) {
            let update = CompactUpdate::decode(&response.body, spec).map_err(undecodable)?;
            return Ok(Update::Compact(Box::new(update)));
        }
        let update = match kind {
            Newest::Finality => decode::finality_update(response, spec).map(Into::into),
            Newest::Optimistic => decode::optimistic_update(response, spec).map(Into::into),
        };
        update.map(|update| Update::Standard(Box::new(update))).map_err(undecodable)
    }

    /// The form of the store and of what advances it.
    pub(crate) const fn form(&self) -> Form {
        self.journal.form
    }

    /// The newest finalized header.
    pub(crate) const fn finalized(&self) -> &LightClientHeader {
        match &self.store {
            Store::Compact(store) => store.finalized_header(),
            Store::Standard(store) => store.finalized_header(),
        }
    }

    /// The newest header that the committee signed.
    pub(crate) const fn optimistic(&self) -> &LightClientHeader {
        match &self.store {
            Store::Compact(store) => store.optimistic_header(),
            Store::Standard(store) => store.optimistic_header(),
        }
    }

    /// The period whose update would bring something new.
    pub(crate) const fn next_period_needed(&self, spec: &ChainSpec) -> u64 {
        let slot = self.finalized().beacon.slot;
        let is_known = match &self.store {
            Store::Compact(store) => store.is_next_sync_committee_known(),
            Store::Standard(store) => store.is_next_sync_committee_known(),
        };
        let period = spec.compute_sync_committee_period_at_slot(slot);
        if is_known { period.saturating_add(1) } else { period }
    }
}

enum Update {
    Compact(Box<CompactUpdate>),
    Standard(Box<LightClientUpdate>),
}

impl Update {
    /// Attested and signature slot.
    const fn slots(&self) -> (u64, u64) {
        match self {
            Self::Compact(update) => (update.attested_slot(), update.signature_slot()),
            Self::Standard(update) => (update.attested_header.beacon.slot, update.signature_slot),
        }
    }
}
