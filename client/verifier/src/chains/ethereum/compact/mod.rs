//! Compact sync: the light client protocol without the keys.
//!
//! A full update carries all keys of a committee, 24.6 kB, of which next to none is needed. The committee's root is the
//! hash of two nodes, the root of the keys and their sum. Who knows these two ([`CommitteeDigest`], 80 bytes) verifies a
//! signature with the sum less the *absent* members, of which mainnet has less than one in the mean. So a carrier that
//! nobody has to trust sends the two nodes, and for each absent member its key and one Merkle branch.
//!
//! ```text
//!            hash_tree_root(SyncCommittee)       proven under the attested state root, as in a full update
//!              ╱                      ╲
//!     pubkeys_root               aggregate_pubkey        ◀─ carried
//!       ╱   …   ╲                       │
//!   absent key   (never seen)           └─ minus absent keys ─▶ key of the participants ─▶ signature
//! ```
//!
//! The rules are those of the specification, by the same functions; see [`Committee`](super::Committee) for what they ask of a
//! committee. Two things differ, and neither gives anything up:
//!
//! - **Headers may omit the execution payload header.** Nothing is then known of it. The beacon header is proven as always,
//!   and [`process_compact_updates`] adds the execution data as soon as an update brings it with its proof.
//! - **Updates are applied together or not at all**, with their signatures verified in one multi-pairing.
//!
//! # Encoding, version 1
//!
//! Integers are little-endian, containers are SSZ. Lengths that follow from the network and the slot are not written; a
//! value has one encoding.
//!
//! | update | bytes |
//! |---|---|
//! | version, 1 | 1 |
//! | flags: 1 next committee, 2 finality | 1 |
//! | attested header | see below |
//! | *if flag 1:* `pubkeys_root`, `aggregate_pubkey`, `next_sync_committee_branch` | 80 + 32 × depth |
//! | *if flag 2:* finalized header, `finality_branch` | |
//! | `sync_committee_bits` | members / 8 |
//! | `sync_committee_signature` | 96 |
//! | `signature_slot` | 8 |
//! | for each absent member in order: key and branch under `pubkeys_root`; *or*, where that is shorter, all keys | |
//!
//! A header is 0 and a `BeaconBlockHeader` (112 bytes); or, with execution, 1, a length (u16) and a `LightClientHeader` of
//! the fork of its slot, or 2, a length and one of Gloas. A bootstrap is version, the header, `pubkeys_root`,
//! `aggregate_pubkey` and `current_sync_committee_branch`. A batch is version, count (u16), and for each update its length
//! (u32) and bytes.

mod encode;

use alloy_primitives::B256;

use super::batch::{Batched, process_batch};
use super::bls::{BlsError, SignedMessage, subtract};
use super::error::LightClientError;
use super::spec::{ChainSpec, Preset};
use super::ssz::SszError;
use super::sync_protocol::initialize_light_client_store;
use super::types::{
    BlsPublicKey, CommitteeDigest, ExecutionProof, LightClientBootstrap, LightClientHeader,
    LightClientStore, LightClientUpdate, SyncCommittee, pubkey_root,
};
use super::validate::validate_all_but_signature;
use crate::consensus::GotExpected;
use crate::proofs::ssz_merkle::{compute_merkle_proof, is_valid_merkle_branch, merkleize};

pub use encode::{MAX_UPDATES, decode_batch, encode_batch};

/// Why compact data was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// The bytes are not the one encoding of a value.
    #[error("compact encoding: {0}")]
    Encoding(&'static str),
    /// A container inside is malformed.
    #[error("compact encoding: {0}")]
    Ssz(#[from] SszError),
    /// An update was meant for another committee than the one it was reduced with.
    #[error("committee size in members: {0}")]
    CommitteeSize(GotExpected<usize>),
    /// A key was not the one at its place in the committee.
    #[error("update {update}: the keys of the absent do not lie under the committee's root")]
    Members {
        /// Position in the batch.
        update: usize,
    },
    /// A rule of the light client protocol does not hold.
    #[error("update {update}: {error}")]
    Rule {
        /// Position in the batch.
        update: usize,
        /// The rule.
        error: LightClientError,
    },
}

/// Everything trusted so far, without the keys.
pub type CompactStore = LightClientStore<CommitteeDigest>;

/// The keys that it takes to verify one signature.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Members {
    /// Absent members in the order of the committee, with their branches.
    Absent(Vec<(BlsPublicKey, Vec<B256>)>),
    /// The whole committee: shorter when many are absent.
    All(Vec<BlsPublicKey>),
}

/// A bootstrap without the keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CompactBootstrap {
    bootstrap: LightClientBootstrap<CommitteeDigest>,
}

/// An update without the keys: of the committee, of finality, or optimistic.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CompactUpdate {
    update: LightClientUpdate<CommitteeDigest>,
    members: Members,
}

/// Depth of the tree over the keys.
const fn members_depth(preset: Preset) -> u32 {
    preset.sync_committee_size().ilog2()
}

/// Whether `absent` members are shorter written one by one than the whole committee.
fn is_shorter_one_by_one(absent: usize, preset: Preset) -> bool {
    let depth = usize::try_from(members_depth(preset)).unwrap_or(usize::MAX);
    let each = depth.saturating_mul(32).saturating_add(48);
    absent.saturating_mul(each) <= preset.sync_committee_size().saturating_mul(48)
}

/// Leaves a header without what is not needed. `None` in place of the empty execution header of any fork.
fn reduce(header: LightClientHeader, keep_execution: bool) -> LightClientHeader {
    let execution = if keep_execution { header.execution } else { ExecutionProof::None };
    LightClientHeader { beacon: header.beacon, execution }
}

/// The branch without the leading zeros of a container of a later fork.
fn exact_branch(branch: &[B256], gindex: u64) -> Vec<B256> {
    let depth = usize::try_from(gindex.checked_ilog2().unwrap_or(0)).unwrap_or(0);
    branch.get(branch.len().saturating_sub(depth)..).unwrap_or(branch).to_vec()
}

impl CompactBootstrap {
    /// Leaves the keys out.
    #[must_use]
    pub fn from_full(full: &LightClientBootstrap, spec: &ChainSpec) -> Self {
        let gindex = spec.current_sync_committee_gindex_at_slot(full.header.beacon.slot);
        let bootstrap = LightClientBootstrap {
            header: full.header.clone(),
            current_sync_committee: (&full.current_sync_committee).into(),
            current_sync_committee_branch: exact_branch(
                &full.current_sync_committee_branch,
                gindex,
            ),
        };
        Self { bootstrap }
    }
}

impl CompactUpdate {
    /// Leaves the keys out, and the execution headers unless `keep_execution`. `signers` is the committee of the
    /// signature's period.
    ///
    /// # Errors
    ///
    /// When `signers` and the bits are not of the network's size.
    pub fn from_full(
        full: &LightClientUpdate,
        signers: &SyncCommittee,
        keep_execution: bool,
        spec: &ChainSpec,
    ) -> Result<Self, CompactError> {
        let size = spec.preset().sync_committee_size();
        let bits = full.sync_aggregate.sync_committee_bits.len().saturating_mul(8);
        for got in [signers.pubkeys.len(), bits] {
            if got != size {
                return Err(CompactError::CommitteeSize(GotExpected::new(got, size)));
            }
        }
        let slot = full.attested_header.beacon.slot;
        let has_finality = super::is_finality_update(full);
        let has_committee = super::is_sync_committee_update(full);
        let branch = |wanted, branch: &[B256], gindex| {
            if wanted { exact_branch(branch, gindex) } else { Vec::new() }
        };
        let update = LightClientUpdate {
            attested_header: reduce(full.attested_header.clone(), keep_execution),
            next_sync_committee: full.next_sync_committee.as_ref().map(CommitteeDigest::from),
            next_sync_committee_branch: branch(
                has_committee,
                &full.next_sync_committee_branch,
                spec.next_sync_committee_gindex_at_slot(slot),
            ),
            finalized_header: reduce(full.finalized_header.clone(), keep_execution),
            finality_branch: branch(
                has_finality,
                &full.finality_branch,
                spec.finalized_root_gindex_at_slot(slot),
            ),
            sync_aggregate: full.sync_aggregate.clone(),
            signature_slot: full.signature_slot,
        };
        let members = Members::of(signers, &update, spec.preset());
        Ok(Self { update, members })
    }

    /// Slot of the attested header.
    #[must_use]
    pub const fn attested_slot(&self) -> u64 {
        self.update.attested_header.beacon.slot
    }

    /// Slot of the finalized header, 0 without finality.
    #[must_use]
    pub const fn finalized_slot(&self) -> u64 {
        self.update.finalized_header.beacon.slot
    }

    /// Slot of the block with the signature.
    #[must_use]
    pub const fn signature_slot(&self) -> u64 {
        self.update.signature_slot
    }
}

impl Members {
    fn of(
        signers: &SyncCommittee,
        update: &LightClientUpdate<CommitteeDigest>,
        preset: Preset,
    ) -> Self {
        let is_absent: Vec<bool> = update.sync_aggregate.participation().map(|bit| !bit).collect();
        let absent = is_absent.iter().filter(|absent| **absent).count();
        if !is_shorter_one_by_one(absent, preset) {
            return Self::All(signers.pubkeys.clone());
        }
        let leaves: Vec<B256> = signers.pubkeys.iter().map(pubkey_root).collect();
        let with_branch = |(index, key): (usize, &BlsPublicKey)| {
            (*key, compute_merkle_proof(&leaves, members_depth(preset), index))
        };
        let keys = signers.pubkeys.iter().enumerate().zip(is_absent);
        Self::Absent(keys.filter(|(_, absent)| *absent).map(|(key, _)| with_branch(key)).collect())
    }

    /// The keys of the absent, if they are the committee's.
    fn absent_under(
        &self,
        pubkeys_root: B256,
        participation: impl Iterator<Item = bool>,
        preset: Preset,
    ) -> Option<Vec<BlsPublicKey>> {
        let absent = participation.enumerate().filter(|(_, bit)| !bit).map(|(index, _)| index);
        match self {
            Self::All(keys) => {
                let leaves: Vec<B256> = keys.iter().map(pubkey_root).collect();
                (keys.len() == preset.sync_committee_size()
                    && merkleize(&leaves, 0) == pubkeys_root)
                    .then(|| absent.filter_map(|index| keys.get(index).copied()).collect())
            }
            Self::Absent(members) => {
                let absent: Vec<usize> = absent.collect();
                let depth = members_depth(preset);
                let is_member = |(index, (key, branch)): (&usize, &(BlsPublicKey, Vec<B256>))| {
                    u64::try_from(*index).is_ok_and(|index| {
                        is_valid_merkle_branch(pubkey_root(key), branch, depth, index, pubkeys_root)
                    })
                };
                (absent.len() == members.len() && absent.iter().zip(members).all(is_member))
                    .then(|| members.iter().map(|(key, _)| *key).collect())
            }
        }
    }
}

/// `initialize_light_client_store` without the keys.
///
/// # Errors
///
/// As [`initialize_light_client_store`].
pub fn initialize_compact_store(
    trusted_block_root: B256,
    bootstrap: &CompactBootstrap,
    spec: &ChainSpec,
) -> Result<CompactStore, LightClientError> {
    initialize_light_client_store(trusted_block_root, &bootstrap.bootstrap, spec)
}

/// `process_light_client_update` of all `updates` in their order: either every one holds, or nothing changes.
///
/// `seed` is 32 random bytes from the caller's system, new for every call; see the coefficients of the batch. A batch of
/// one is verified without it.
///
/// # Errors
///
/// The first rule that an update breaks. When a signature is bad, each is verified by itself to name the update.
pub fn process_compact_updates(
    store: &mut CompactStore,
    updates: &[CompactUpdate],
    current_slot: u64,
    seed: [u8; 32],
    spec: &ChainSpec,
) -> Result<(), CompactError> {
    process_batch(store, updates, current_slot, &seed, spec)
}

const fn signature(update: usize, error: BlsError) -> CompactError {
    CompactError::Rule { update, error: LightClientError::Signature(error) }
}

impl Batched for CompactUpdate {
    type Committee = CommitteeDigest;
    type Error = CompactError;

    fn update(&self) -> &LightClientUpdate<CommitteeDigest> {
        &self.update
    }

    fn signed_message(
        &self,
        update: usize,
        store: &CompactStore,
        current_slot: u64,
        spec: &ChainSpec,
    ) -> Result<SignedMessage, CompactError> {
        let signed = validate_all_but_signature(store, &self.update, current_slot, spec)
            .map_err(|error| CompactError::Rule { update, error })?;
        let aggregate = &self.update.sync_aggregate;
        let committee = signed.sync_committee;
        let absent = self
            .members
            .absent_under(committee.pubkeys_root, aggregate.participation(), spec.preset())
            .ok_or(CompactError::Members { update })?;
        let key = subtract(&committee.aggregate_pubkey, &absent)
            .map_err(|error| signature(update, error))?;
        Ok(SignedMessage {
            key,
            message: signed.signing_root.0,
            signature: aggregate.sync_committee_signature,
        })
    }

    fn bad_signature(update: usize, error: BlsError) -> CompactError {
        signature(update, error)
    }

    fn learn(&self, store: &mut CompactStore) {
        learn_execution(store, &self.update);
    }
}

/// Completes headers of the store that came without execution data, when a verified update brings it.
fn learn_execution(store: &mut CompactStore, update: &LightClientUpdate<CommitteeDigest>) {
    for known in [&mut store.finalized_header, &mut store.optimistic_header] {
        for brought in [&update.attested_header, &update.finalized_header] {
            if known.execution == ExecutionProof::None && known.beacon == brought.beacon {
                known.execution = brought.execution.clone();
            }
        }
    }
}
