//! The world outside: everything that the engine cannot do by itself. One implementation per kind
//! of machine; the rules never see it.

use std::{fmt, future::Future, time::Duration};

use heliotrope_verifier::consensus::UnixSeconds;

/// One HTTP request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchRequest {
    /// Absolute address.
    pub url: String,
    /// `Accept` header.
    pub accept: &'static str,
    /// JSON to POST; `None` is a GET.
    pub body: Option<String>,
}

impl FetchRequest {
    /// A GET that prefers SSZ, as the Beacon API offers it.
    #[must_use]
    pub const fn ssz(url: String) -> Self {
        Self { url, accept: "application/octet-stream;q=1, application/json;q=0.5", body: None }
    }

    /// A GET of JSON.
    #[must_use]
    pub const fn json(url: String) -> Self {
        Self { url, accept: "application/json", body: None }
    }

    /// A POST of JSON.
    #[must_use]
    pub const fn post(url: String, body: String) -> Self {
        Self { url, accept: "application/json", body: Some(body) }
    }
}

/// An HTTP answer, whatever its status.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FetchResponse {
    /// HTTP status.
    pub status: u16,
    /// Whether `Content-Type` says JSON.
    pub is_json: bool,
    /// `Eth-Consensus-Version`: the fork of an SSZ body, by name.
    pub consensus_version: Option<String>,
    /// The body, at most [`MAX_BODY_BYTES`].
    pub body: Vec<u8>,
}

/// No answer that a light client asks for is longer. A mainnet batch of 128 full updates is 3.4 MB.
pub const MAX_BODY_BYTES: usize = 32 << 20;

/// What went wrong out there, in words for a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlatformError(pub String);

impl fmt::Display for PlatformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for PlatformError {}

/// What the engine is doing, for whoever watches.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// Took up what was kept, whose finalized head is of this slot.
    Resumed {
        /// Slot of the finalized header.
        slot: u64,
    },
    /// What was kept does not hold, and is not used.
    KeptDataRefused {
        /// Which rule.
        reason: String,
    },
    /// Began at the checkpoint.
    Bootstrapped {
        /// Slot of the checkpoint.
        slot: u64,
    },
    /// Asks for committees.
    Periods {
        /// The next one that is needed.
        next: u64,
        /// The present one.
        last: u64,
    },
    /// Reached these heads.
    Head {
        /// Slot of the finalized header.
        finalized: u64,
        /// Slot of the newest header that the committee signed.
        optimistic: u64,
    },
    /// One source's answer could not be used; another is asked.
    Failed {
        /// Who and why.
        reason: String,
    },
    /// Compact sync does not work with these sources; goes on by the standard API.
    FellBack {
        /// Why.
        reason: String,
    },
    /// The head does not move as the clock does.
    Stalled {
        /// Slots between the two.
        behind_slots: u64,
    },
}

/// What a machine offers to the engine. All of it is untrusted: answers are checked by the rules,
/// and what is loaded is treated like what was fetched.
pub trait Platform {
    /// Sends one request. An HTTP error status is an answer, not an error.
    fn fetch(
        &self,
        request: FetchRequest,
    ) -> impl Future<Output = Result<FetchResponse, PlatformError>>;

    /// Reads what was stored under `key`.
    fn load(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, PlatformError>>;

    /// Keeps `value` under `key`, in place of what was there.
    fn store(&self, key: &str, value: Vec<u8>) -> impl Future<Output = Result<(), PlatformError>>;

    /// The time.
    fn now(&self) -> UnixSeconds;

    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;

    /// 32 bytes that nobody can foresee.
    ///
    /// # Errors
    ///
    /// When the machine has no source of randomness.
    fn random(&self) -> Result<[u8; 32], PlatformError>;

    /// Milliseconds since some fixed moment, for latencies and pauses.
    fn monotonic_ms(&self) -> u64;

    /// Hears what the engine does.
    fn progress(&self, progress: Progress) {
        drop(progress);
    }
}
