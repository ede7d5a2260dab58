//! Recorded light-client data: files as the Beacon API served them, followed from a root to the newest
//! finality update. The same path natively and in wasm, so that both can be compared on real mainnet.
//!
//! Files are recognised by the words of their names: `bootstrap`, `updates`, `finality` or `fin`,
//! `optimistic` or `opt`; JSON or SSZ, SSZ also as `[u64 LE length][4-byte fork digest][SSZ]`.
//!
//! The clock is the newest signature slot in the data, since these are recordings: whoever needs to
//! know that the data is *fresh* must compare with a clock.

use alloy_primitives::B256;
use heliotrope_verifier::chains::ethereum::compact::CompactError;
use heliotrope_verifier::chains::ethereum::{
    ChainSpec, Fork, LightClientBootstrap, LightClientError, LightClientFinalityUpdate,
    LightClientOptimisticUpdate, LightClientSsz, LightClientStore, LightClientUpdate,
    initialize_light_client_store, process_light_client_update,
};

use crate::{beacon_api, decode};

mod compact;

pub use compact::CompactRecording;

/// What a recorded file holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// One bootstrap.
    Bootstrap,
    /// One or more updates.
    Updates,
    /// One finality update.
    Finality,
    /// One optimistic update.
    Optimistic,
}

/// A recording cannot be read or does not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// A file does not decode.
    #[error("{file}: {reason}")]
    Decode {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There must be exactly one bootstrap.
    #[error("got {got} bootstraps, expected 1")]
    Bootstraps {
        /// How many there are.
        got: usize,
    },
    /// The data cannot be written without keys.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// A rule of the specification does not hold.
    #[error("{what}: {error}")]
    Invalid {
        /// Which object.
        what: String,
        /// Which rule.
        error: LightClientError,
    },
}

/// Decoded files.
#[derive(Clone, Debug)]
pub struct Recording {
    bootstrap: LightClientBootstrap,
    updates: Vec<LightClientUpdate>,
    newest: Vec<(Kind, LightClientUpdate)>,
}

/// What following a recording came to.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Everything proven.
    pub store: LightClientStore,
    /// Period of the bootstrap.
    pub first_period: u64,
    /// Updates applied, one a period.
    pub applied: u64,
    /// Updates of periods before the bootstrap's.
    pub earlier: u64,
    /// Where updates are missing: the period that was needed and the next that is there.
    pub gap: Option<(u64, u64)>,
    /// The newest updates: what, attested slot, and whether it was of a period that is known.
    pub newest: Vec<(Kind, u64, bool)>,
}

impl Kind {
    /// What a file of this name holds; `None` for files that are not of a recording.
    #[must_use]
    pub fn of(file_name: &str) -> Option<Self> {
        let (stem, extension) = file_name.rsplit_once('.')?;
        if !["json", "ssz"].contains(&extension) {
            return None;
        }
        let words = words(stem);
        let has = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
        if has(&["checkpoint", "checkpoints", "proof"]) {
            None
        } else if has(&["bootstrap"]) {
            Some(Self::Bootstrap)
        } else if has(&["finality", "fin"]) {
            Some(Self::Finality)
        } else if has(&["optimistic", "opt"]) {
            Some(Self::Optimistic)
        } else {
            has(&["updates", "update"]).then_some(Self::Updates)
        }
    }

    /// The kind's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Updates => "updates",
            Self::Finality => "finality",
            Self::Optimistic => "optimistic",
        }
    }
}

/// The words of a file name: split at anything but letters and digits, and before capitals.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() || letter.is_ascii_uppercase() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words
}

impl Recording {
    /// Decodes the files of a recording, given as (name, bytes); other files are passed over.
    ///
    /// # Errors
    ///
    /// When a file does not decode, or there is not exactly one bootstrap.
    pub fn decode<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        spec: &ChainSpec,
    ) -> Result<Self, RecordingError> {
        let mut bootstraps = Vec::new();
        let (mut updates, mut newest) = (Vec::new(), Vec::new());
        for (name, bytes) in files {
            let Some(kind) = Kind::of(name) else { continue };
            let file = File { name, bytes, spec };
            match kind {
                Kind::Bootstrap => bootstraps.push(file.bootstrap()?),
                Kind::Updates => updates.extend(file.updates()?),
                Kind::Finality => newest.push((kind, file.finality()?.into())),
                Kind::Optimistic => newest.push((kind, file.optimistic()?.into())),
            }
        }
        let got = bootstraps.len();
        let (Some(bootstrap), 1) = (bootstraps.pop(), got) else {
            return Err(RecordingError::Bootstraps { got });
        };
        Ok(Self { bootstrap, updates, newest })
    }

    /// Root of the bootstrap's own header: a checkpoint only for whoever trusts the recording.
    #[must_use]
    pub fn own_root(&self) -> B256 {
        self.bootstrap.header.beacon.hash_tree_root()
    }

    /// Verifies everything from `trusted_root` on: updates by period until there is a gap, then the
    /// newest finality and optimistic updates of periods that are known by then.
    ///
    /// # Errors
    ///
    /// When an object breaks a rule.
    pub fn replay(
        mut self,
        trusted_root: B256,
        spec: &ChainSpec,
    ) -> Result<Replayed, RecordingError> {
        let store = initialize_light_client_store(trusted_root, &self.bootstrap, spec)
            .map_err(|error| RecordingError::Invalid { what: "bootstrap".into(), error })?;
        let period = |slot| spec.compute_sync_committee_period_at_slot(slot);
        let first_period = period(store.finalized_header().beacon.slot);
        let (applied, earlier, gap, newest) = (0, 0, None, Vec::new());
        let mut replayed = Replayed { store, first_period, applied, earlier, gap, newest };
        let all = self.updates.iter().chain(self.newest.iter().map(|(_, update)| update));
        let now = all.map(|update| update.signature_slot).max().unwrap_or(0);
        self.updates.sort_by_key(|update| update.attested_header.beacon.slot);
        for update in &self.updates {
            if !replayed.apply(update, now, spec)? {
                break;
            }
        }
        self.newest.sort_by_key(|(_, update)| update.attested_header.beacon.slot);
        for (kind, update) in &self.newest {
            replayed.apply_newest(*kind, update, now, spec)?;
        }
        Ok(replayed)
    }
}

impl Replayed {
    /// The period whose update comes next.
    fn expected(&self) -> u64 {
        self.first_period.saturating_add(self.applied)
    }

    fn apply(
        &mut self,
        update: &LightClientUpdate,
        now: u64,
        spec: &ChainSpec,
    ) -> Result<bool, RecordingError> {
        let got = spec.compute_sync_committee_period_at_slot(update.attested_header.beacon.slot);
        if got < self.first_period {
            self.earlier = self.earlier.saturating_add(1);
            return Ok(true);
        }
        if got > self.expected() {
            self.gap = Some((self.expected(), got));
            return Ok(false);
        }
        process_light_client_update(&mut self.store, update, now, spec).map_err(|error| {
            RecordingError::Invalid { what: format!("update of period {got}"), error }
        })?;
        if got == self.expected() {
            self.applied = self.applied.saturating_add(1);
        }
        Ok(true)
    }

    fn apply_newest(
        &mut self,
        kind: Kind,
        update: &LightClientUpdate,
        now: u64,
        spec: &ChainSpec,
    ) -> Result<(), RecordingError> {
        let slot = update.attested_header.beacon.slot;
        let known = match process_light_client_update(&mut self.store, update, now, spec) {
            Ok(()) => true,
            Err(LightClientError::SyncCommitteePeriod { .. }) => false,
            Err(error) => {
                let what = format!("{} update", kind.name());
                return Err(RecordingError::Invalid { what, error });
            }
        };
        self.newest.push((kind, slot, known));
        Ok(())
    }

    /// The finalized execution block in words.
    #[must_use]
    pub fn finalized(&self) -> String {
        let header = self.store.finalized_header();
        let slot = header.beacon.slot;
        match (header.execution_payload_header(), header.execution_block_hash()) {
            (Some(block), _) => {
                let (number, hash) = (block.block_number, block.block_hash);
                format!("finalized slot {slot}, execution block {number} {hash}")
            }
            (None, Some(hash)) => format!("finalized slot {slot}, execution block {hash}"),
            (None, None) => format!("finalized slot {slot}, before execution blocks are proven"),
        }
    }
}

/// One line that says what was verified.
impl core::fmt::Display for Replayed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let last = self.expected().saturating_sub(1).max(self.first_period);
        write!(f, "{} updates of periods {} to {last}", self.applied, self.first_period)?;
        if self.earlier > 0 {
            write!(f, " ({} before the bootstrap left out)", self.earlier)?;
        }
        if let Some((expected, got)) = self.gap {
            write!(f, "; gap: no update of period {expected}, next is {got}, run ends there")?;
        }
        for (kind, slot, known) in &self.newest {
            let left_out = if *known { "" } else { " left out, its committee is not known" };
            write!(f, "; {} update of slot {slot}{left_out}", kind.name())?;
        }
        write!(f, "; {}", self.finalized())
    }
}

/// A file on its way to a value.
struct File<'a> {
    name: &'a str,
    bytes: &'a [u8],
    spec: &'a ChainSpec,
}

impl File<'_> {
    fn bootstrap(&self) -> Result<LightClientBootstrap, RecordingError> {
        if self.is_json() {
            return beacon_api::bootstrap(self.bytes, self.spec).map_err(|e| self.wrong(e));
        }
        self.one(|value: &LightClientBootstrap| value.header.beacon.slot)
    }

    fn finality(&self) -> Result<LightClientFinalityUpdate, RecordingError> {
        if self.is_json() {
            return beacon_api::finality_update(self.bytes, self.spec).map_err(|e| self.wrong(e));
        }
        self.one(|value: &LightClientFinalityUpdate| value.attested_header.beacon.slot)
    }

    fn optimistic(&self) -> Result<LightClientOptimisticUpdate, RecordingError> {
        if self.is_json() {
            return beacon_api::optimistic_update(self.bytes, self.spec).map_err(|e| self.wrong(e));
        }
        self.one(|value: &LightClientOptimisticUpdate| value.attested_header.beacon.slot)
    }

    fn updates(&self) -> Result<Vec<LightClientUpdate>, RecordingError> {
        if self.is_json() {
            return beacon_api::updates(self.bytes, self.spec).map_err(|e| self.wrong(e));
        }
        self.ssz(|value: &LightClientUpdate| value.attested_header.beacon.slot)
    }

    fn is_json(&self) -> bool {
        self.name.ends_with(".json")
    }

    fn wrong(&self, reason: impl core::fmt::Display) -> RecordingError {
        RecordingError::Decode { file: self.name.into(), reason: reason.to_string() }
    }

    fn one<T: LightClientSsz>(&self, slot: impl Fn(&T) -> u64) -> Result<T, RecordingError> {
        let mut values = self.ssz(slot)?;
        match (values.pop(), values.len()) {
            (Some(value), 0) => Ok(value),
            (_, more) => Err(self.wrong(format!("{more} containers too many, expected 1"))),
        }
    }

    /// SSZ, framed or bare.
    fn ssz<T: LightClientSsz>(&self, slot: impl Fn(&T) -> u64) -> Result<Vec<T>, RecordingError> {
        match decode::frames(self.bytes, self.spec) {
            Ok(frames) => frames
                .into_iter()
                .map(|(fork, ssz)| {
                    T::decode(fork, self.spec.preset(), ssz).map_err(|e| self.wrong(e))
                })
                .collect(),
            Err(_) => Ok(vec![self.of_unknown_fork(slot)?]),
        }
    }

    /// SSZ without a fork: the one fork as of which it decodes and whose time its slot is in.
    fn of_unknown_fork<T: LightClientSsz>(
        &self,
        slot: impl Fn(&T) -> u64,
    ) -> Result<T, RecordingError> {
        let as_of = |fork| {
            let value = T::decode(fork, self.spec.preset(), self.bytes).ok()?;
            (self.spec.fork_at_slot(slot(&value)) == fork).then_some(value)
        };
        Fork::ALL.into_iter().rev().find_map(as_of).ok_or_else(|| {
            let length = self.bytes.len();
            self.wrong(format!("{length} bytes are not this container in any fork of the network"))
        })
    }
}
