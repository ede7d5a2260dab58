//! Why light client data was refused: one variant per rule, in the order of the specification.

use alloy_primitives::B256;

use super::bls::BlsError;
use super::spec::ChainSpecError;
use super::ssz::SszError;
use crate::consensus::GotExpected;

/// Which header of an update is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HeaderRole {
    /// The header of a bootstrap.
    Bootstrap,
    /// The attested header.
    Attested,
    /// The finalized header.
    Finalized,
}

impl core::fmt::Display for HeaderRole {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Bootstrap => "bootstrap",
            Self::Attested => "attested",
            Self::Finalized => "finalized",
        })
    }
}

/// A rule of the light client protocol does not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LightClientError {
    /// The bytes are not the one encoding of a container.
    #[error("encoding: {0}")]
    Ssz(#[from] SszError),
    /// The network's data does not fit together.
    #[error("network: {0}")]
    ChainSpec(#[from] ChainSpecError),
    /// The bootstrap is for another block than the checkpoint.
    #[error("block root of the bootstrap header: {0}")]
    TrustedBlockRoot(GotExpected<B256>),
    /// `is_valid_light_client_header` does not hold.
    #[error("{role} header at slot {slot} does not prove its execution data")]
    InvalidHeader {
        /// Which header.
        role: HeaderRole,
        /// Its slot.
        slot: u64,
    },
    /// The current sync committee is not in the state of the bootstrap header.
    #[error("current sync committee is not proven by state root {state_root}")]
    CurrentSyncCommitteeBranch {
        /// State root of the header.
        state_root: B256,
    },
    /// The committee or the bits have another size than the preset says.
    #[error("sync committee size in members: {0}")]
    SyncCommitteeSize(GotExpected<usize>),
    /// Too few members signed.
    #[error("participants: got {got}, at least {expected} needed")]
    InsufficientParticipants {
        /// Members that signed.
        got: u64,
        /// `MIN_SYNC_COMMITTEE_PARTICIPANTS`.
        expected: u64,
    },
    /// The signature comes from the future.
    #[error("signature slot {got} is after the current slot {expected}")]
    SignatureSlotInFuture {
        /// Signature slot.
        got: u64,
        /// Current slot.
        expected: u64,
    },
    /// `signature_slot > attested slot >= finalized slot` does not hold.
    #[error(
        "slots out of order: signature {signature}, attested {attested}, finalized {finalized}"
    )]
    SlotOrder {
        /// Signature slot.
        signature: u64,
        /// Slot of the attested header.
        attested: u64,
        /// Slot of the finalized header.
        finalized: u64,
    },
    /// The update skips a sync committee period, or its committee is not known yet.
    #[error(
        "signature period {got}, store is in period {expected} (next committee known: {next_known})"
    )]
    SyncCommitteePeriod {
        /// Period of the signature.
        got: u64,
        /// Period of the store.
        expected: u64,
        /// Whether the store knows the committee of the period after.
        next_known: bool,
    },
    /// Nothing new in it.
    #[error(
        "not relevant: attested slot {got} is not after finalized slot {expected} and no new committee"
    )]
    NotRelevant {
        /// Slot of the attested header.
        got: u64,
        /// Slot of the store's finalized header.
        expected: u64,
    },
    /// There is a finalized header without a proof, or at the genesis slot.
    #[error("finalized header at slot {slot} must be empty")]
    FinalizedHeaderNotEmpty {
        /// Its slot.
        slot: u64,
    },
    /// The finalized header is not in the state of the attested header.
    #[error("finalized header {finalized_root} is not proven by state root {state_root}")]
    FinalityBranch {
        /// Root of the finalized header.
        finalized_root: B256,
        /// State root of the attested header.
        state_root: B256,
    },
    /// There is a next sync committee without a proof.
    #[error("next sync committee without a branch must be empty")]
    NextSyncCommitteeNotEmpty,
    /// The next sync committee differs from the one already proven for this period.
    #[error("next sync committee root: {0}")]
    NextSyncCommittee(GotExpected<B256>),
    /// The next sync committee is not in the state of the attested header.
    #[error("next sync committee is not proven by state root {state_root}")]
    NextSyncCommitteeBranch {
        /// State root of the attested header.
        state_root: B256,
    },
    /// The store has no committee for the signature's period.
    #[error("committee of period {period} is not known")]
    UnknownCommittee {
        /// Period of the signature.
        period: u64,
    },
    /// The aggregate signature does not verify.
    #[error("sync committee signature: {0}")]
    Signature(#[from] BlsError),
}
