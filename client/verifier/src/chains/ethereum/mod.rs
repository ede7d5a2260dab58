//! Ethereum by sync committee: the light client protocol of Altair to Gloas.
//!
//! ```text
//! checkpoint root ─┐
//! bootstrap ───────┴▶ initialize_light_client_store ─▶ LightClientStore { finalized, optimistic, committees }
//! updates by period ─▶ process_light_client_update ────────┤
//! finality update ───▶ process_light_client_finality_update ┤
//! optimistic update ─▶ process_light_client_optimistic_update
//! ```
//!
//! Trusts: the checkpoint root and the [`ChainSpec`]. Holds if at least two thirds of each sync committee are honest, and
//! if the clock of the caller is about right. Does not check: attestations, proposers, state transitions. Sync committee
//! members are not slashed for signing two chains, so a finalized header here is [`ProofClass::Committee`].
//!
//! [`ProofClass::Committee`]: crate::consensus::ProofClass::Committee

mod batch;
mod bls;
mod codec;
pub mod compact;
mod error;
mod gindex;
mod header;
mod spec;
mod ssz;
mod sync_protocol;
mod types;
mod upgrade;
mod validate;

pub use batch::{BatchError, process_light_client_updates};
pub use bls::{BlsError, DST, fast_aggregate_verify, verify_sync_committee_signature};
pub use error::{HeaderRole, LightClientError};
pub use gindex::{
    CURRENT_SYNC_COMMITTEE_GINDEX, CURRENT_SYNC_COMMITTEE_GINDEX_ELECTRA,
    CURRENT_SYNC_COMMITTEE_GINDEX_GLOAS, EXECUTION_BLOCK_HASH_GINDEX,
    EXECUTION_BLOCK_HASH_GINDEX_DENEB, EXECUTION_BLOCK_HASH_GINDEX_GLOAS, EXECUTION_PAYLOAD_GINDEX,
    FINALIZED_ROOT_GINDEX, FINALIZED_ROOT_GINDEX_ELECTRA, FINALIZED_ROOT_GINDEX_GLOAS,
    NEXT_SYNC_COMMITTEE_GINDEX, NEXT_SYNC_COMMITTEE_GINDEX_ELECTRA,
    NEXT_SYNC_COMMITTEE_GINDEX_GLOAS,
};
pub use header::{
    compute_signing_root, compute_sync_committee_period_at_slot, get_lc_execution_root,
    is_valid_light_client_header,
};
pub use spec::{
    BlobParameters, ChainSpec, ChainSpecError, DOMAIN_SYNC_COMMITTEE, FAR_FUTURE_EPOCH, Fork,
    ForkActivation, MIN_SYNC_COMMITTEE_PARTICIPANTS, Preset,
};
pub use ssz::{LightClientSsz, SszError};
pub use sync_protocol::{
    get_safety_threshold, initialize_light_client_store, is_better_update,
    process_light_client_finality_update, process_light_client_optimistic_update,
    process_light_client_store_force_update, process_light_client_update, process_verified_update,
};
pub use types::{
    BeaconBlockHeader, BlsPublicKey, BlsSignature, Committee, CommitteeDigest,
    ExecutionPayloadHeader, ExecutionProof, LightClientBootstrap, LightClientFinalityUpdate,
    LightClientHeader, LightClientOptimisticUpdate, LightClientStore, LightClientUpdate,
    MAX_EXTRA_DATA_BYTES, SyncAggregate, SyncCommittee,
};
pub use upgrade::{
    upgrade_lc_bootstrap, upgrade_lc_finality_update, upgrade_lc_header,
    upgrade_lc_optimistic_update, upgrade_lc_store, upgrade_lc_update,
};
pub use validate::{is_finality_update, is_sync_committee_update, validate_light_client_update};

use alloy_primitives::B256;

use crate::consensus::{ConsensusVerifier, Head, TrustStatus, UnixSeconds, Verified};

/// The rules of Ethereum as a [`ConsensusVerifier`].
#[derive(Debug)]
pub enum Ethereum {}

/// How long a checkpoint may be trusted, in seconds: two weeks, below the weak-subjectivity period of mainnet.
pub const TRUST_PERIOD_S: u64 = 14 * 24 * 3600;

/// What an Ethereum client starts from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EthereumCheckpoint {
    /// The network.
    pub spec: ChainSpec,
    /// Root of a finalized beacon block that the user trusts.
    pub block_root: B256,
}

/// A store and the network that it belongs to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EthereumStore {
    spec: ChainSpec,
    store: LightClientStore,
}

impl EthereumStore {
    /// The network.
    #[must_use]
    pub const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &LightClientStore {
        &self.store
    }
}

impl ConsensusVerifier for Ethereum {
    type Checkpoint = EthereumCheckpoint;
    type Bootstrap = LightClientBootstrap;
    type Store = EthereumStore;
    type Update = LightClientUpdate;
    type Header = LightClientHeader;
    type Error = LightClientError;

    fn bootstrap(
        checkpoint: &EthereumCheckpoint,
        bootstrap: &LightClientBootstrap,
    ) -> Result<EthereumStore, LightClientError> {
        let spec = checkpoint.spec.clone();
        let store = initialize_light_client_store(checkpoint.block_root, bootstrap, &spec)?;
        Ok(EthereumStore { spec, store })
    }

    /// `bytes` is a fork digest of four bytes and the SSZ of a `LightClientUpdate` of that fork.
    fn decode_update(
        store: &EthereumStore,
        bytes: &[u8],
    ) -> Result<LightClientUpdate, LightClientError> {
        let (digest, ssz) =
            bytes.split_first_chunk::<4>().ok_or(SszError::TooShort { missing: 4 })?;
        let fork =
            store.spec.fork_of_digest(*digest).ok_or(SszError::UnknownForkDigest(*digest))?;
        Ok(LightClientUpdate::decode(fork, store.spec.preset(), ssz)?)
    }

    fn verify_update(
        store: &EthereumStore,
        update: LightClientUpdate,
        now: UnixSeconds,
    ) -> Result<Verified<LightClientUpdate>, LightClientError> {
        let current_slot = store.spec.current_slot(now);
        validate_light_client_update(&store.store, update, current_slot, &store.spec)
    }

    fn apply_update(store: &mut EthereumStore, update: Verified<LightClientUpdate>) {
        process_verified_update(&mut store.store, update, &store.spec);
    }

    fn head(store: &EthereumStore, head: Head) -> &LightClientHeader {
        match head {
            Head::Optimistic => store.store.optimistic_header(),
            Head::Finalized => store.store.finalized_header(),
        }
    }

    fn trust_status(store: &EthereumStore, now: UnixSeconds) -> TrustStatus {
        let finalized = store.spec.slot_start(store.store.finalized_header().beacon.slot);
        let until = finalized.0.saturating_add(TRUST_PERIOD_S);
        match until.checked_sub(now.0) {
            Some(remaining_s) if remaining_s > 0 => TrustStatus::Within { remaining_s },
            _ => TrustStatus::Expired,
        }
    }
}
