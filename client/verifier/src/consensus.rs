//! What every chain implements, and the type that marks data as checked.
//!
//! ```text
//! checkpoint ─▶ bootstrap ─▶ Store ──┐
//!                                    ▼
//! untrusted bytes ─▶ decode ─▶ verify_update ─▶ Verified<Update> ─▶ apply_update ─▶ Store'
//! ```
//!
//! Verify never mutates; apply never fails. A store is changed by [`Verified`] values only.

use core::fmt;

/// Seconds since 1970-01-01T00:00:00Z, supplied by the caller.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct UnixSeconds(pub u64);

/// A value that passed every rule of its chain's specification.
///
/// Holding a `Verified<T>` tells you that `T` was accepted against the store it was checked with.
/// Only code in this crate can make one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(crate) const fn new(inner: T) -> Self {
        Self(inner)
    }

    /// The checked value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// Gives up the marker.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A field differs from the value that the rules demand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GotExpected<T> {
    /// Value computed from the untrusted data.
    pub got: T,
    /// Value in the trusted store or header, or demanded by the specification.
    pub expected: T,
}

impl<T> GotExpected<T> {
    /// Pairs what came with what was demanded.
    pub const fn new(got: T, expected: T) -> Self {
        Self { got, expected }
    }
}

impl<T: fmt::Display> fmt::Display for GotExpected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "got {}, expected {}", self.got, self.expected)
    }
}

/// On what a proven value rests. Carried by every value up to the screen.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ProofClass {
    /// Only cryptographic assumptions beyond the chain's own consensus.
    Cryptographic,
    /// Proven on a parent chain, named here.
    SettledOn {
        /// Chain id of the parent.
        parent_chain_id: u64,
    },
    /// Signed by a committee holding this stake; nothing ties it to the whole validator set.
    Committee {
        /// Stake behind the signatures, in the chain's smallest unit; 0 when it is not known.
        stake: u128,
    },
    /// Somebody says so.
    Attested {
        /// Sources that agreed.
        n: u32,
        /// Sources that were asked.
        of: u32,
    },
}

/// Which head of a chain is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Head {
    /// Signed by enough of the committee to be likely, may still be reorganised.
    Optimistic,
    /// Final by the rules of the chain.
    Finalized,
}

/// Whether the store is still inside its weak-subjectivity period.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TrustStatus {
    /// Still trusted, for this many seconds.
    Within {
        /// Seconds left.
        remaining_s: u64,
    },
    /// Too old: start again from a fresh checkpoint.
    Expired,
}

/// One chain's consensus rules. A new chain is one implementation of this trait.
pub trait ConsensusVerifier {
    /// The weak-subjectivity starting point that the user trusts.
    type Checkpoint;
    /// Data that turns a checkpoint into a store.
    type Bootstrap;
    /// Everything trusted so far.
    type Store;
    /// Decoded but unchecked data that may advance the store.
    type Update;
    /// What identifies a block of this chain.
    type Header;
    /// Which rule failed.
    type Error: core::error::Error;

    /// Builds the first store from a checkpoint.
    ///
    /// # Errors
    ///
    /// When the bootstrap is not proven by the checkpoint.
    fn bootstrap(
        checkpoint: &Self::Checkpoint,
        bootstrap: &Self::Bootstrap,
    ) -> Result<Self::Store, Self::Error>;

    /// Decodes one update from the chain's own wire encoding.
    ///
    /// # Errors
    ///
    /// When `bytes` is not exactly one canonical encoding of an update.
    fn decode_update(store: &Self::Store, bytes: &[u8]) -> Result<Self::Update, Self::Error>;

    /// Checks `update` against `store`. Changes nothing.
    ///
    /// # Errors
    ///
    /// The first rule, in specification order, that `update` breaks.
    fn verify_update(
        store: &Self::Store,
        update: Self::Update,
        now: UnixSeconds,
    ) -> Result<Verified<Self::Update>, Self::Error>;

    /// Advances `store`. Cannot fail: all rules were checked by [`Self::verify_update`].
    fn apply_update(store: &mut Self::Store, update: Verified<Self::Update>);

    /// The newest header of the kind asked for.
    fn head(store: &Self::Store, head: Head) -> &Self::Header;

    /// Whether the store may still be used at `now`.
    fn trust_status(store: &Self::Store, now: UnixSeconds) -> TrustStatus;
}
