//! The sync engine: from a checkpoint to the newest header, by any sources that answer.
//!
//! ```text
//! kept journal ─┐                    ┌─ update per period … ─▶ finality update ─▶ optimistic update
//! checkpoint ───┴─▶ bootstrap ───────┘          │                     │                  │
//!                       └──── bytes from any carrier, judged by heliotrope-verifier ─────┘
//! ```
//!
//! Trusts: the checkpoint root and the network's parameters. Does not trust: the sources, nor what
//! [`Platform::load`] gives back: kept bytes go through the same rules as fetched ones.
//!
//! Compact sync is preferred; where no source offers it, the same chain is followed by the standard
//! Beacon API, from the checkpoint on. To cancel, drop the future: what was proven until then stays.

use core::time::Duration;

use alloy_primitives::B256;
use heliotrope_verifier::chains::ethereum::{ChainSpec, LightClientHeader};

use crate::{
    error::SyncError,
    following::{Following, Form, Moment, Newest, Refusal},
    journal::{self, Journal},
    platform::{FetchRequest, FetchResponse, Platform, Progress},
    sources::{Outcome, SourceRecord, Sources},
};

/// `MAX_REQUEST_LIGHT_CLIENT_UPDATES` of the Beacon API.
const MAX_REQUEST_LIGHT_CLIENT_UPDATES: u64 = 128;
/// Oldest checkpoint that is accepted unless the user says otherwise: two weeks, less than the time in
/// which a third of mainnet's validators can leave and sign another history.
pub const MAX_CHECKPOINT_AGE: Duration = Duration::from_secs(14 * 24 * 3600);
/// Longest pause between attempts of [`LightClient::wait_synced`].
const MAX_WAIT: Duration = Duration::from_secs(32);

/// How to follow a chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Base addresses of Beacon APIs and of gateways.
    pub sources: Vec<String>,
    /// Beacon block root that the user trusts; see [`crate::checkpoint`].
    pub checkpoint: B256,
    /// Oldest checkpoint that is accepted; `None` accepts any.
    pub max_checkpoint_age: Option<Duration>,
    /// Whether to follow the head before it is final, too.
    pub optimistic: bool,
}

impl Settings {
    /// The usual: a checkpoint of at most [`MAX_CHECKPOINT_AGE`], and only what is final.
    #[must_use]
    pub const fn new(sources: Vec<String>, checkpoint: B256) -> Self {
        Self {
            sources,
            checkpoint,
            max_checkpoint_age: Some(MAX_CHECKPOINT_AGE),
            optimistic: false,
        }
    }
}

/// What a sync cost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SyncCost {
    /// Bytes received.
    pub bytes: usize,
    /// Committee updates applied since the checkpoint.
    pub updates: u64,
}

/// A light client of one Ethereum-like chain.
#[derive(Debug)]
pub struct LightClient<P> {
    platform: P,
    spec: ChainSpec,
    settings: Settings,
    sources: Sources,
    following: Following,
    received: usize,
    kept_slot: u64,
}

impl<P: Platform> LightClient<P> {
    /// Takes up what was kept for this network and checkpoint, or fetches the checkpoint's bootstrap.
    ///
    /// # Errors
    ///
    /// When nothing was kept and no source has a bootstrap that hashes to the checkpoint, or the
    /// checkpoint is too old.
    pub async fn start(
        platform: P,
        spec: ChainSpec,
        settings: Settings,
    ) -> Result<Self, SyncError> {
        let mut sources = Sources::new(&settings.sources);
        let kept = resume(&platform, &spec, settings.checkpoint).await;
        let mut fetcher = Fetcher { platform: &platform, sources: &mut sources };
        let (following, received, kept_slot) = match kept {
            Some(following) => {
                let slot = following.finalized().beacon.slot;
                platform.progress(Progress::Resumed { slot });
                (following, 0, slot)
            }
            None => {
                let following = fetcher.bootstrap(&spec, settings.checkpoint).await?;
                let received = following.journal.bootstrap.body.len();
                (following, received, 0)
            }
        };
        let client = Self { platform, spec, settings, sources, following, received, kept_slot };
        client.check_age()?;
        Ok(client)
    }

    fn check_age(&self) -> Result<(), SyncError> {
        let Some(limit) = self.settings.max_checkpoint_age else { return Ok(()) };
        let made = self.spec.slot_start(self.checkpoint_slot()).0;
        let age_s = self.platform.now().0.saturating_sub(made);
        if age_s <= limit.as_secs() {
            return Ok(());
        }
        let (root, limit_s) = (self.settings.checkpoint, limit.as_secs());
        Err(SyncError::CheckpointTooOld { root, age_s, limit_s })
    }

    /// The network's parameters.
    pub const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// The platform that the client runs on.
    pub const fn platform(&self) -> &P {
        &self.platform
    }

    /// The root that everything descends from.
    pub const fn checkpoint(&self) -> B256 {
        self.settings.checkpoint
    }

    /// Slot of the checkpoint's block.
    pub const fn checkpoint_slot(&self) -> u64 {
        self.following.checkpoint_slot
    }

    /// The newest finalized header.
    pub const fn finalized(&self) -> &LightClientHeader {
        self.following.finalized()
    }

    /// The newest header that two thirds of the sync committee signed, or the finalized one.
    pub const fn optimistic(&self) -> &LightClientHeader {
        self.following.optimistic()
    }

    /// In which form the data comes at present.
    pub const fn form(&self) -> Form {
        self.following.form()
    }

    /// What was received and applied so far.
    pub const fn cost(&self) -> SyncCost {
        SyncCost { bytes: self.received, updates: self.following.updates }
    }

    /// What is known of each source.
    pub fn sources(&self) -> &[SourceRecord] {
        self.sources.records()
    }

    /// The bytes that prove the head, from the checkpoint on, as [`crate::evidence`] carries them.
    pub fn proof(&self) -> Option<Vec<u8>> {
        self.following.journal.encode()
    }

    /// Slots that the newest head is behind the clock.
    pub fn behind(&self) -> u64 {
        let newest = self.optimistic().beacon.slot.max(self.finalized().beacon.slot);
        self.spec.current_slot(self.platform.now()).saturating_sub(newest)
    }

    /// Whether the head stands still: it is further behind the clock than a healthy chain lets it be,
    /// one epoch for the head, four for what is final.
    pub fn is_stalled(&self) -> bool {
        let epochs = if self.settings.optimistic { 1 } else { 4 };
        let epoch = self.spec.preset().slots_per_epoch();
        self.behind() > epoch.saturating_mul(epochs)
    }

    /// Advances to the newest headers that the sources have.
    ///
    /// # Errors
    ///
    /// When no source has valid data; the client keeps what it had proven until then.
    pub async fn sync(&mut self) -> Result<(), SyncError> {
        if let Err(error) = self.sync_in_form().await {
            if self.form() == Form::Standard || !self.fall_back(&error).await {
                return Err(error);
            }
            self.sync_in_form().await?;
        }
        self.keep().await;
        if self.is_stalled() {
            self.platform.progress(Progress::Stalled { behind_slots: self.behind() });
        }
        Ok(())
    }

    /// Syncs again and again until the head is as new as the clock demands.
    ///
    /// # Errors
    ///
    /// When what the sources send does not hold. A source that does not answer, or is behind, is
    /// waited for: bound the time, or cancel, by dropping the future.
    pub async fn wait_synced(&mut self) -> Result<(), SyncError> {
        let mut pause = Duration::from_millis(500);
        loop {
            match self.sync().await {
                Ok(()) if !self.is_stalled() => return Ok(()),
                Ok(()) | Err(SyncError::Unavailable { .. } | SyncError::Gap { .. }) => {}
                Err(error) => return Err(error),
            }
            self.platform.sleep(pause).await;
            pause = pause.saturating_mul(2).min(MAX_WAIT);
        }
    }

    async fn sync_in_form(&mut self) -> Result<(), SyncError> {
        self.advance_periods().await?;
        self.newest(Newest::Finality).await?;
        if self.settings.optimistic
            && let Err(error) = self.newest(Newest::Optimistic).await
        {
            // the finalized head is there; that the other is not is in the sources' records
            self.platform.progress(Progress::Failed { reason: error.to_string() });
        }
        let (finalized, optimistic) = (self.finalized().beacon.slot, self.optimistic().beacon.slot);
        self.platform.progress(Progress::Head { finalized, optimistic });
        Ok(())
    }

    /// Follows the chain anew from the checkpoint by the standard API. False if that is not possible
    /// either, and then nothing is changed.
    async fn fall_back(&mut self, why: &SyncError) -> bool {
        let (spec, root) = (self.spec.clone(), self.settings.checkpoint);
        match self.fetcher().bootstrap_in(Form::Standard, &spec, root).await {
            Ok(following) => {
                self.platform.progress(Progress::FellBack { reason: why.to_string() });
                self.received =
                    self.received.saturating_add(following.journal.bootstrap.body.len());
                self.following = following;
                true
            }
            Err(_) => false,
        }
    }

    async fn advance_periods(&mut self) -> Result<(), SyncError> {
        let now = self.spec.current_slot(self.platform.now());
        let target = self.spec.compute_sync_committee_period_at_slot(now);
        loop {
            let from = self.following.next_period_needed(&self.spec);
            if from > target {
                return Ok(());
            }
            self.platform.progress(Progress::Periods { next: from, last: target });
            match self.advance_from(from, target).await {
                Ok(()) if self.following.next_period_needed(&self.spec) > from => {}
                // the sources have no more: a young period, or a chain that is behind the clock
                Ok(()) | Err(SyncError::Unavailable { .. }) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    async fn advance_from(&mut self, from: u64, to: u64) -> Result<(), SyncError> {
        let what = "updates";
        let count = to.saturating_sub(from).saturating_add(1).min(MAX_REQUEST_LIGHT_CLIENT_UPDATES);
        let resource = format!("updates?start_period={from}&count={count}");
        let mut last = SyncError::nobody(what);
        for (index, source) in self.sources.order(self.platform.monotonic_ms()) {
            match self.one(index, &source, what, &resource, Following::apply_updates).await {
                Ok(()) => return Ok(()),
                Err(error) => last = last.or(error),
            }
        }
        Err(last)
    }

    /// Asks one source after the other until the head is fresh; the newest that holds stays.
    async fn newest(&mut self, kind: Newest) -> Result<(), SyncError> {
        let what = kind.what();
        let (mut last, mut held) = (SyncError::nobody(what), false);
        for (index, source) in self.sources.order(self.platform.monotonic_ms()) {
            let apply = |following: &mut Following, response, moment: &_, spec: &_| {
                following.apply_newest(kind, response, moment, spec)
            };
            match self.one(index, &source, what, kind.resource(), apply).await {
                Ok(attested) => {
                    let now = self.spec.current_slot(self.platform.now());
                    let lag = now.saturating_sub(attested);
                    self.sources.note_lag(index, lag);
                    held = true;
                    if lag <= self.spec.preset().slots_per_epoch() {
                        return Ok(());
                    }
                }
                Err(error) => last = last.or(error),
            }
        }
        if held { Ok(()) } else { Err(last) }
    }

    /// One request to one source, judged and noted.
    async fn one<T>(
        &mut self,
        index: usize,
        source: &str,
        what: &'static str,
        resource: &str,
        apply: impl FnOnce(&mut Following, FetchResponse, &Moment, &ChainSpec) -> Result<T, Refusal>,
    ) -> Result<T, SyncError> {
        let path = self.form().path(resource);
        let moment = moment(&self.platform, &self.spec)?;
        let began = self.platform.monotonic_ms();
        let fetched = self.fetcher().get(index, source, what, &path).await?;
        self.received = self.received.saturating_add(fetched.body.len());
        let answer = apply(&mut self.following, fetched, &moment, &self.spec);
        let answer = answer.map_err(|refusal| SyncError::refused(refusal, what, source));
        let (outcome, why) = match &answer {
            Ok(_) => (Outcome::Held, None),
            Err(SyncError::Gap { .. }) => (Outcome::Failed, None),
            Err(error) => (Outcome::Invalid, Some(error.to_string())),
        };
        if let Some(reason) = why.clone() {
            self.platform.progress(Progress::Failed { reason });
        }
        self.sources.note(index, outcome, why, (began, self.platform.monotonic_ms()));
        answer
    }

    const fn fetcher(&mut self) -> Fetcher<'_, P> {
        Fetcher { platform: &self.platform, sources: &mut self.sources }
    }

    /// Keeps the journal when the finalized head has moved. That it cannot be kept costs time at the
    /// next start, and nothing else.
    async fn keep(&mut self) {
        let slot = self.finalized().beacon.slot;
        if slot == self.kept_slot {
            return;
        }
        let Some(bytes) = self.following.journal.encode() else { return };
        match self.platform.store(&journal::key(&self.spec), bytes).await {
            Ok(()) => self.kept_slot = slot,
            Err(error) => self.platform.progress(Progress::Failed { reason: error.to_string() }),
        }
    }
}

impl Newest {
    const fn what(self) -> &'static str {
        match self {
            Self::Finality => "finality update",
            Self::Optimistic => "optimistic update",
        }
    }
}

fn moment<P: Platform>(platform: &P, spec: &ChainSpec) -> Result<Moment, SyncError> {
    Ok(Moment { slot: spec.current_slot(platform.now()), seed: platform.random()? })
}

/// What was kept for this checkpoint, if all of it holds.
async fn resume<P: Platform>(
    platform: &P,
    spec: &ChainSpec,
    checkpoint: B256,
) -> Option<Following> {
    let bytes = journal::load(platform, spec).await?;
    let refused = |reason: String| platform.progress(Progress::KeptDataRefused { reason });
    let journal = Journal::decode(&bytes).map_err(|reason| refused(reason.to_owned())).ok()?;
    if journal.checkpoint != checkpoint {
        return None;
    }
    let moment = moment(platform, spec).ok()?;
    Following::replay(journal, &moment, spec).map_err(|refusal| refused(refusal.reason())).ok()
}

/// Requests, and the records of who answered them.
struct Fetcher<'a, P> {
    platform: &'a P,
    sources: &'a mut Sources,
}

impl<P: Platform> Fetcher<'_, P> {
    /// The bootstrap in the compact form, or else in the standard one.
    async fn bootstrap(&mut self, spec: &ChainSpec, root: B256) -> Result<Following, SyncError> {
        match self.bootstrap_in(Form::Compact, spec, root).await {
            Ok(following) => Ok(following),
            Err(compact) => self
                .bootstrap_in(Form::Standard, spec, root)
                .await
                .map_err(|standard| compact.or(standard)),
        }
    }

    async fn bootstrap_in(
        &mut self,
        form: Form,
        spec: &ChainSpec,
        root: B256,
    ) -> Result<Following, SyncError> {
        let what = "bootstrap";
        let path = form.path(&format!("bootstrap/{root}"));
        let mut last = SyncError::nobody(what);
        for (index, source) in self.sources.order(self.platform.monotonic_ms()) {
            let began = self.platform.monotonic_ms();
            let started = match self.get(index, &source, what, &path).await {
                Ok(response) => Following::bootstrap(form, root, response, spec)
                    .map_err(|refusal| SyncError::refused(refusal, what, &source)),
                Err(error) => {
                    last = last.or(error);
                    continue;
                }
            };
            let times = (began, self.platform.monotonic_ms());
            match started {
                Ok(following) => {
                    self.sources.note(index, Outcome::Held, None, times);
                    let slot = following.finalized().beacon.slot;
                    self.platform.progress(Progress::Bootstrapped { slot });
                    return Ok(following);
                }
                Err(error) => {
                    let why = Some(error.to_string());
                    self.sources.note(index, Outcome::Invalid, why, times);
                    last = last.or(error);
                }
            }
        }
        Err(last)
    }

    async fn get(
        &mut self,
        index: usize,
        source: &str,
        what: &'static str,
        path: &str,
    ) -> Result<FetchResponse, SyncError> {
        let began = self.platform.monotonic_ms();
        let answer = self.platform.fetch(FetchRequest::ssz(format!("{source}/{path}"))).await;
        let reason = match answer {
            Ok(response) if response.status == 200 => return Ok(response),
            // a beacon node does not know compact sync: no failure of its
            Ok(response) if response.status == 404 => {
                return Err(SyncError::unavailable(what, source, describe(&response)));
            }
            Ok(response) => describe(&response),
            Err(error) => error.to_string(),
        };
        let times = (began, self.platform.monotonic_ms());
        self.sources.note(index, Outcome::Failed, Some(reason.clone()), times);
        Err(SyncError::unavailable(what, source, reason))
    }
}

fn describe(response: &FetchResponse) -> String {
    let body = String::from_utf8_lossy(&response.body);
    format!("HTTP {}: {}", response.status, body.chars().take(200).collect::<String>())
}
