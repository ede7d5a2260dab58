//! The sync engine: from a checkpoint to the newest finalized header.
//!
//! ```text
//! checkpoint ─▶ bootstrap ─▶ update per period … ─▶ finality update ─▶ head
//!                  │              │                       │
//!                  └──────────────┴─ bytes from any carrier, judged by heliotrope-verifier
//! ```
//!
//! Trusts: the checkpoint root and the network's parameters. Does not trust: the beacon sources,
//! nor what [`Platform::load`] gives back: kept bytes go through the same rules as fetched ones.

use alloy_primitives::B256;
use heliotrope_verifier::chains::ethereum::{
    ChainSpec, LightClientHeader, LightClientStore, initialize_light_client_store,
    process_light_client_finality_update, process_light_client_update,
};

use crate::{
    decode,
    platform::{FetchRequest, FetchResponse, Platform, PlatformError},
};

/// `MAX_REQUEST_LIGHT_CLIENT_UPDATES` of the Beacon API.
const MAX_REQUEST_LIGHT_CLIENT_UPDATES: u64 = 128;

/// The sync stopped.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// No source could be reached or had the data.
    #[error("{what}: no source answered; the last, {source_url}, said: {reason}")]
    Unavailable {
        /// What was asked for.
        what: &'static str,
        /// Who was asked last.
        source_url: String,
        /// What it said.
        reason: String,
    },
    /// A source's bytes do not decode.
    #[error("{what} from {source_url} does not decode: {reason}")]
    Decode {
        /// What was asked for.
        what: &'static str,
        /// Who sent it.
        source_url: String,
        /// Which field.
        reason: String,
    },
    /// A source's bytes break a rule of the specification.
    #[error("{what} from {source_url} is not valid: {reason}")]
    Invalid {
        /// What was asked for.
        what: &'static str,
        /// Who sent it.
        source_url: String,
        /// Which rule.
        reason: String,
    },
    /// The newest header is of a period whose committee no source proves.
    #[error(
        "sync stopped in period {got}, the newest header is of period {expected}: sources lack the updates between"
    )]
    Gap {
        /// Last period whose committee is known.
        got: u64,
        /// Period of the newest header.
        expected: u64,
    },
    /// The machine failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

/// What a sync cost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SyncCost {
    /// Bytes received.
    pub bytes: usize,
    /// Committee updates applied.
    pub updates: u64,
}

/// A light client of one Ethereum-like chain.
#[derive(Debug)]
pub struct LightClient<P> {
    platform: P,
    spec: ChainSpec,
    sources: Vec<String>,
    checkpoint: B256,
    store: LightClientStore,
    cost: SyncCost,
}

impl<P: Platform> LightClient<P> {
    /// Fetches and checks the bootstrap of `checkpoint`.
    ///
    /// `sources` are base addresses of Beacon APIs, asked in order until one answers validly.
    ///
    /// # Errors
    ///
    /// When no source has a bootstrap that hashes to the checkpoint.
    pub async fn bootstrap(
        platform: P,
        spec: ChainSpec,
        sources: Vec<String>,
        checkpoint: B256,
    ) -> Result<Self, SyncError> {
        let what = "bootstrap";
        let path = format!("eth/v1/beacon/light_client/bootstrap/{checkpoint}");
        let mut last = nobody(what);
        for source in &sources {
            let response = match get(&platform, what, source, &path).await {
                Ok(response) => response,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let checked = decode::bootstrap(&response, &spec)
                .map_err(|reason| decode_error(what, source, reason))
                .and_then(|bootstrap| {
                    initialize_light_client_store(checkpoint, &bootstrap, &spec)
                        .map_err(|e| invalid(what, source, &e))
                });
            match checked {
                Ok(store) => {
                    let cost = SyncCost { bytes: response.body.len(), updates: 0 };
                    return Ok(Self { platform, spec, sources, checkpoint, store, cost });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
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
        self.checkpoint
    }

    /// The newest finalized header.
    pub const fn finalized(&self) -> &LightClientHeader {
        self.store.finalized_header()
    }

    /// What was received and applied so far.
    pub const fn cost(&self) -> SyncCost {
        self.cost
    }

    /// Advances to the newest finalized header that the sources have.
    ///
    /// # Errors
    ///
    /// When no source has valid data; the client keeps what it had proven until then.
    pub async fn sync(&mut self) -> Result<&LightClientHeader, SyncError> {
        let now = self.spec.current_slot(self.platform.now());
        let target = self.spec.compute_sync_committee_period_at_slot(now);
        while self.next_period_needed() <= target {
            let before = self.next_period_needed();
            match self.advance_periods(before, target).await {
                Ok(()) if self.next_period_needed() > before => {}
                // the sources have no more: a young period, or a chain that is behind the clock
                Ok(()) | Err(SyncError::Unavailable { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        self.finality_update().await?;
        Ok(self.store.finalized_header())
    }

    /// The period whose update would bring something new.
    fn next_period_needed(&self) -> u64 {
        let slot = self.store.finalized_header().beacon.slot;
        let period = self.spec.compute_sync_committee_period_at_slot(slot);
        period.saturating_add(u64::from(self.store.is_next_sync_committee_known()))
    }

    async fn advance_periods(&mut self, from: u64, to: u64) -> Result<(), SyncError> {
        let what = "updates";
        let count = to.saturating_sub(from).saturating_add(1).min(MAX_REQUEST_LIGHT_CLIENT_UPDATES);
        let path = format!("eth/v1/beacon/light_client/updates?start_period={from}&count={count}");
        let mut last = nobody(what);
        for source in self.sources.clone() {
            match self.updates_from(&source, &path).await {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn updates_from(&mut self, source: &str, path: &str) -> Result<(), SyncError> {
        let what = "updates";
        let response = get(&self.platform, what, source, path).await?;
        let updates = decode::updates(&response, &self.spec)
            .map_err(|reason| decode_error(what, source, reason))?;
        self.cost.bytes = self.cost.bytes.saturating_add(response.body.len());
        let now = self.spec.current_slot(self.platform.now());
        for update in updates {
            process_light_client_update(&mut self.store, &update, now, &self.spec)
                .map_err(|e| invalid(what, source, &e))?;
            self.cost.updates = self.cost.updates.saturating_add(1);
        }
        Ok(())
    }

    async fn finality_update(&mut self) -> Result<(), SyncError> {
        let what = "finality update";
        let mut last = nobody(what);
        for source in self.sources.clone() {
            match self.finality_from(&source).await {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn finality_from(&mut self, source: &str) -> Result<(), SyncError> {
        let what = "finality update";
        let path = "eth/v1/beacon/light_client/finality_update";
        let response = get(&self.platform, what, source, path).await?;
        let update = decode::finality_update(&response, &self.spec)
            .map_err(|reason| decode_error(what, source, reason))?;
        self.cost.bytes = self.cost.bytes.saturating_add(response.body.len());
        // An update over an older block says nothing about what comes after the head. One that only
        // repeats the head is judged all the same: a forged repetition is a lie, not a delay.
        if update.attested_header.beacon.slot <= self.store.finalized_header().beacon.slot {
            return Ok(());
        }
        let period = |slot| self.spec.compute_sync_committee_period_at_slot(slot);
        let (got, expected) = (self.next_period_needed(), period(update.signature_slot));
        if expected > got {
            return Err(SyncError::Gap { got, expected });
        }
        let now = self.spec.current_slot(self.platform.now());
        process_light_client_finality_update(&mut self.store, &update, now, &self.spec)
            .map_err(|e| invalid(what, source, &e))
    }
}

fn nobody(what: &'static str) -> SyncError {
    SyncError::Unavailable { what, source_url: "none".into(), reason: "no source is set".into() }
}

fn decode_error(what: &'static str, source: &str, reason: String) -> SyncError {
    SyncError::Decode { what, source_url: source.into(), reason }
}

fn invalid(what: &'static str, source: &str, error: &impl core::error::Error) -> SyncError {
    SyncError::Invalid { what, source_url: source.into(), reason: error.to_string() }
}

async fn get<P: Platform>(
    platform: &P,
    what: &'static str,
    source: &str,
    path: &str,
) -> Result<FetchResponse, SyncError> {
    let url = format!("{}/{path}", source.trim_end_matches('/'));
    let unavailable =
        |reason: String| SyncError::Unavailable { what, source_url: source.into(), reason };
    let response =
        platform.fetch(FetchRequest::ssz(url)).await.map_err(|e| unavailable(e.to_string()))?;
    if response.status == 200 { Ok(response) } else { Err(unavailable(describe(&response))) }
}

fn describe(response: &FetchResponse) -> String {
    let body = String::from_utf8_lossy(&response.body);
    format!("HTTP {}: {}", response.status, body.chars().take(200).collect::<String>())
}
