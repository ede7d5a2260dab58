//! The containers of the light client protocol, in one shape for all forks.
//!
//! | spec | here |
//! |---|---|
//! | `LightClientHeader` of Altair and Bellatrix | [`ExecutionProof::None`] |
//! | `LightClientHeader` of Capella to Fulu | [`ExecutionProof::Payload`] |
//! | `LightClientHeader` of Gloas | [`ExecutionProof::BlockHash`] |
//! | `SyncCommittee.empty()` | `Option::None` |
//! | `LightClientHeader.empty()` | [`LightClientHeader::default`] |
//! | branches, whose length depends on the fork | `Vec<B256>`, of the length of the fork they were decoded as |
//!
//! A header tells by its slot which rules it must satisfy, so one shape serves stores of every fork.

use alloy_primitives::{Address, B256, U256};

use super::spec::Preset;
use crate::proofs::ssz_merkle::{hash_pair, merkleize, mix_in_length, sha256, uint64_chunk};

/// A compressed point of G1.
pub type BlsPublicKey = [u8; 48];
/// A compressed point of G2.
pub type BlsSignature = [u8; 96];

/// `BeaconBlockHeader`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BeaconBlockHeader {
    /// Slot of the block.
    pub slot: u64,
    /// Validator that proposed it.
    pub proposer_index: u64,
    /// Root of the parent block.
    pub parent_root: B256,
    /// Root of the state after the block.
    pub state_root: B256,
    /// Root of the block body.
    pub body_root: B256,
}

impl BeaconBlockHeader {
    /// `hash_tree_root`: also the root of the whole block.
    #[must_use]
    pub fn hash_tree_root(&self) -> B256 {
        let chunks = [
            uint64_chunk(self.slot),
            uint64_chunk(self.proposer_index),
            self.parent_root,
            self.state_root,
            self.body_root,
        ];
        merkleize(&chunks, 3)
    }
}

/// Depth of the tree of an execution payload header, in levels: 15 fields in Capella, 17 from Deneb on.
pub(super) const fn payload_header_depth(has_blob_gas: bool) -> u32 {
    if has_blob_gas { 5 } else { 4 }
}

/// Longest `extra_data`, in bytes.
pub const MAX_EXTRA_DATA_BYTES: usize = 32;

/// `ExecutionPayloadHeader`. The blob gas fields are 0 before Deneb.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExecutionPayloadHeader {
    /// Hash of the parent execution block.
    pub parent_hash: B256,
    /// Receiver of the fees.
    pub fee_recipient: Address,
    /// Root of the execution state after this block.
    pub state_root: B256,
    /// Root of the receipts trie.
    pub receipts_root: B256,
    /// Bloom filter over the logs.
    pub logs_bloom: Box<[u8; 256]>,
    /// Randomness of the previous slot.
    pub prev_randao: B256,
    /// Number of the execution block.
    pub block_number: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// At most [`MAX_EXTRA_DATA_BYTES`].
    pub extra_data: Vec<u8>,
    /// Base fee, in wei per gas.
    pub base_fee_per_gas: U256,
    /// Hash of this execution block.
    pub block_hash: B256,
    /// SSZ root of the transactions.
    pub transactions_root: B256,
    /// SSZ root of the withdrawals.
    pub withdrawals_root: B256,
    /// Blob gas used; 0 before Deneb.
    pub blob_gas_used: u64,
    /// Excess blob gas; 0 before Deneb.
    pub excess_blob_gas: u64,
}

impl Default for ExecutionPayloadHeader {
    fn default() -> Self {
        Self {
            parent_hash: B256::ZERO,
            fee_recipient: Address::ZERO,
            state_root: B256::ZERO,
            receipts_root: B256::ZERO,
            logs_bloom: Box::new([0; 256]),
            prev_randao: B256::ZERO,
            block_number: 0,
            gas_limit: 0,
            gas_used: 0,
            timestamp: 0,
            extra_data: Vec::new(),
            base_fee_per_gas: U256::ZERO,
            block_hash: B256::ZERO,
            transactions_root: B256::ZERO,
            withdrawals_root: B256::ZERO,
            blob_gas_used: 0,
            excess_blob_gas: 0,
        }
    }
}

impl ExecutionPayloadHeader {
    /// Position of `block_hash` among the fields.
    pub(super) const BLOCK_HASH_INDEX: usize = 12;

    /// The field roots, of Capella or (`has_blob_gas`) of Deneb and later.
    pub(super) fn field_roots(&self, has_blob_gas: bool) -> Vec<B256> {
        let bloom: Vec<B256> = self.logs_bloom.chunks(32).map(B256::right_padding_from).collect();
        let extra_data_len = u64::try_from(self.extra_data.len()).unwrap_or(u64::MAX);
        let extra_data_chunk =
            self.extra_data.get(..MAX_EXTRA_DATA_BYTES.min(self.extra_data.len()));
        let extra_data_root = B256::right_padding_from(extra_data_chunk.unwrap_or_default());
        let mut roots = vec![
            self.parent_hash,
            B256::right_padding_from(self.fee_recipient.as_slice()),
            self.state_root,
            self.receipts_root,
            merkleize(&bloom, 3),
            self.prev_randao,
            uint64_chunk(self.block_number),
            uint64_chunk(self.gas_limit),
            uint64_chunk(self.gas_used),
            uint64_chunk(self.timestamp),
            mix_in_length(&extra_data_root, extra_data_len),
            B256::new(self.base_fee_per_gas.to_le_bytes()),
            self.block_hash,
            self.transactions_root,
            self.withdrawals_root,
        ];
        if has_blob_gas {
            roots.push(uint64_chunk(self.blob_gas_used));
            roots.push(uint64_chunk(self.excess_blob_gas));
        }
        roots
    }

    /// `hash_tree_root` of the Capella container or (`has_blob_gas`) the Deneb container.
    #[must_use]
    pub fn hash_tree_root(&self, has_blob_gas: bool) -> B256 {
        merkleize(&self.field_roots(has_blob_gas), payload_header_depth(has_blob_gas))
    }
}

/// What a light client header proves about the execution block.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ExecutionProof {
    /// Nothing: before Capella, or an empty header.
    #[default]
    None,
    /// The execution payload header, under the block body.
    Payload {
        /// The header.
        execution: Box<ExecutionPayloadHeader>,
        /// 4 nodes.
        execution_branch: Vec<B256>,
    },
    /// Only the hash of the execution block: Gloas, and older headers in a Gloas store.
    BlockHash {
        /// Hash of the execution block; in Gloas that of the *parent* of the block's payload.
        execution_block_hash: B256,
        /// 11 nodes.
        execution_branch: Vec<B256>,
    },
}

impl ExecutionProof {
    /// The canonical form: the empty value of every fork is [`ExecutionProof::None`].
    #[must_use]
    pub fn or_none(self) -> Self {
        let is_empty = match &self {
            Self::None => true,
            Self::Payload { execution, execution_branch } => {
                execution_branch.iter().all(B256::is_zero)
                    && **execution == ExecutionPayloadHeader::default()
            }
            Self::BlockHash { execution_block_hash, execution_branch } => {
                execution_block_hash.is_zero() && execution_branch.iter().all(B256::is_zero)
            }
        };
        if is_empty { Self::None } else { self }
    }
}

/// `LightClientHeader`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LightClientHeader {
    /// The beacon block header.
    pub beacon: BeaconBlockHeader,
    /// What it proves about the execution block.
    pub execution: ExecutionProof,
}

impl LightClientHeader {
    /// The execution payload header, where there is one (Capella to Fulu).
    #[must_use]
    pub fn execution_payload_header(&self) -> Option<&ExecutionPayloadHeader> {
        match &self.execution {
            ExecutionProof::Payload { execution, .. } => Some(execution.as_ref()),
            _ => None,
        }
    }

    /// The hash of the proven execution block (Capella and later).
    ///
    /// From Gloas on this is all that a header proves: take the state root from the execution header with this hash.
    #[must_use]
    pub fn execution_block_hash(&self) -> Option<B256> {
        match &self.execution {
            ExecutionProof::None => None,
            ExecutionProof::Payload { execution, .. } => Some(execution.block_hash),
            ExecutionProof::BlockHash { execution_block_hash, .. } => Some(*execution_block_hash),
        }
    }

    /// The state root of the proven execution block (Capella to Fulu).
    #[must_use]
    pub fn execution_state_root(&self) -> Option<B256> {
        self.execution_payload_header().map(|header| header.state_root)
    }
}

/// `SyncCommittee`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyncCommittee {
    /// As many as the preset says.
    pub pubkeys: Vec<BlsPublicKey>,
    /// Sum of all `pubkeys`.
    pub aggregate_pubkey: BlsPublicKey,
}

pub(super) fn pubkey_root(pubkey: &BlsPublicKey) -> B256 {
    let mut padded = [0u8; 64];
    padded.iter_mut().zip(pubkey).for_each(|(to, from)| *to = *from);
    sha256(&padded)
}

impl SyncCommittee {
    /// `SyncCommittee.empty()`.
    #[must_use]
    pub fn empty(preset: Preset) -> Self {
        Self { pubkeys: vec![[0; 48]; preset.sync_committee_size()], aggregate_pubkey: [0; 48] }
    }

    /// `hash_tree_root(pubkeys)`.
    #[must_use]
    pub fn pubkeys_root(&self) -> B256 {
        let leaves: Vec<B256> = self.pubkeys.iter().map(pubkey_root).collect();
        merkleize(&leaves, 0)
    }

    /// `hash_tree_root`.
    #[must_use]
    pub fn hash_tree_root(&self) -> B256 {
        CommitteeDigest::from(self).hash_tree_root()
    }

    /// Whether this is `SyncCommittee.empty()`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let is_zero = |key: &BlsPublicKey| key.iter().all(|byte| *byte == 0);
        is_zero(&self.aggregate_pubkey) && self.pubkeys.iter().all(is_zero)
    }
}

/// `SyncCommittee` without the keys: the two roots under its `hash_tree_root`, which are all that a client must keep. Who
/// verifies a signature gets the few keys that it takes with a proof under `pubkeys_root`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommitteeDigest {
    /// `hash_tree_root(pubkeys)`.
    pub pubkeys_root: B256,
    /// Sum of all keys.
    pub aggregate_pubkey: BlsPublicKey,
}

/// A form in which the rules take a committee: they ask for its root, never for a key.
pub trait Committee: Clone + PartialEq {
    /// Whether headers may come without the proof of their execution data. Nothing is then known of that data; the
    /// beacon header is proven all the same.
    const MAY_OMIT_EXECUTION: bool;

    /// `SyncCommittee.empty()`.
    fn empty(preset: Preset) -> Self;

    /// Members, where they are carried along.
    fn members(&self) -> Option<usize>;

    /// `hash_tree_root`.
    fn hash_tree_root(&self) -> B256;
}

impl Committee for SyncCommittee {
    const MAY_OMIT_EXECUTION: bool = false;

    fn empty(preset: Preset) -> Self {
        Self::empty(preset)
    }

    fn members(&self) -> Option<usize> {
        Some(self.pubkeys.len())
    }

    fn hash_tree_root(&self) -> B256 {
        self.hash_tree_root()
    }
}

impl Committee for CommitteeDigest {
    const MAY_OMIT_EXECUTION: bool = true;

    fn empty(preset: Preset) -> Self {
        (&SyncCommittee::empty(preset)).into()
    }

    fn members(&self) -> Option<usize> {
        None
    }

    fn hash_tree_root(&self) -> B256 {
        hash_pair(&self.pubkeys_root, &pubkey_root(&self.aggregate_pubkey))
    }
}

impl From<&SyncCommittee> for CommitteeDigest {
    fn from(committee: &SyncCommittee) -> Self {
        Self {
            pubkeys_root: committee.pubkeys_root(),
            aggregate_pubkey: committee.aggregate_pubkey,
        }
    }
}

/// `SyncAggregate`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyncAggregate {
    /// One bit per member, lowest bit first.
    pub sync_committee_bits: Vec<u8>,
    /// Aggregate signature of the members whose bit is set.
    pub sync_committee_signature: BlsSignature,
}

impl SyncAggregate {
    /// `get_set_bit_count(sync_committee_bits)`.
    #[must_use]
    pub fn num_active_participants(&self) -> u64 {
        let count = |byte: &u8| u64::from(byte.count_ones());
        self.sync_committee_bits.iter().map(count).fold(0, u64::saturating_add)
    }

    /// `len(sync_committee_bits)`.
    #[must_use]
    pub fn max_active_participants(&self) -> u64 {
        u64::try_from(self.sync_committee_bits.len()).unwrap_or(u64::MAX).saturating_mul(8)
    }

    /// Whether at least two thirds of the members signed.
    #[must_use]
    pub fn has_supermajority(&self) -> bool {
        self.num_active_participants().saturating_mul(3)
            >= self.max_active_participants().saturating_mul(2)
    }

    /// The bits in the order of the members.
    pub fn participation(&self) -> impl Iterator<Item = bool> + '_ {
        self.sync_committee_bits
            .iter()
            .flat_map(|byte| (0..8u32).map(move |bit| (byte >> bit) & 1 == 1))
    }
}

/// `LightClientBootstrap`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LightClientBootstrap<C = SyncCommittee> {
    /// The header whose root is the checkpoint.
    pub header: LightClientHeader,
    /// The committee of the header's period.
    pub current_sync_committee: C,
    /// Its branch under the header's state root.
    pub current_sync_committee_branch: Vec<B256>,
}

/// `LightClientUpdate`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LightClientUpdate<C = SyncCommittee> {
    /// The header that the committee signed.
    pub attested_header: LightClientHeader,
    /// The committee of the period after the attested header's; `None` is `SyncCommittee.empty()`.
    pub next_sync_committee: Option<C>,
    /// Its branch under the attested header's state root; zeros when absent.
    pub next_sync_committee_branch: Vec<B256>,
    /// The finalized header; empty when absent.
    pub finalized_header: LightClientHeader,
    /// The branch of its root under the attested header's state root; zeros when absent.
    pub finality_branch: Vec<B256>,
    /// Who signed, and the signature.
    pub sync_aggregate: SyncAggregate,
    /// Slot of the block that carries the signature.
    pub signature_slot: u64,
}

/// `LightClientFinalityUpdate`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LightClientFinalityUpdate {
    /// The header that the committee signed.
    pub attested_header: LightClientHeader,
    /// The finalized header; empty when absent.
    pub finalized_header: LightClientHeader,
    /// The branch of its root under the attested header's state root.
    pub finality_branch: Vec<B256>,
    /// Who signed, and the signature.
    pub sync_aggregate: SyncAggregate,
    /// Slot of the block that carries the signature.
    pub signature_slot: u64,
}

/// `LightClientOptimisticUpdate`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LightClientOptimisticUpdate {
    /// The header that the committee signed.
    pub attested_header: LightClientHeader,
    /// Who signed, and the signature.
    pub sync_aggregate: SyncAggregate,
    /// Slot of the block that carries the signature.
    pub signature_slot: u64,
}

impl From<LightClientFinalityUpdate> for LightClientUpdate {
    fn from(update: LightClientFinalityUpdate) -> Self {
        Self {
            attested_header: update.attested_header,
            next_sync_committee: None,
            next_sync_committee_branch: Vec::new(),
            finalized_header: update.finalized_header,
            finality_branch: update.finality_branch,
            sync_aggregate: update.sync_aggregate,
            signature_slot: update.signature_slot,
        }
    }
}

impl From<LightClientOptimisticUpdate> for LightClientUpdate {
    fn from(update: LightClientOptimisticUpdate) -> Self {
        Self {
            attested_header: update.attested_header,
            next_sync_committee: None,
            next_sync_committee_branch: Vec::new(),
            finalized_header: LightClientHeader::default(),
            finality_branch: Vec::new(),
            sync_aggregate: update.sync_aggregate,
            signature_slot: update.signature_slot,
        }
    }
}

/// `LightClientStore`: everything trusted so far. Changed only by the `process_*` functions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LightClientStore<C = SyncCommittee> {
    pub(super) finalized_header: LightClientHeader,
    pub(super) current_sync_committee: C,
    pub(super) next_sync_committee: Option<C>,
    pub(super) best_valid_update: Option<Box<LightClientUpdate<C>>>,
    pub(super) optimistic_header: LightClientHeader,
    pub(super) previous_max_active_participants: u64,
    pub(super) current_max_active_participants: u64,
}

impl<C> LightClientStore<C> {
    /// The newest header that is final.
    #[must_use]
    pub const fn finalized_header(&self) -> &LightClientHeader {
        &self.finalized_header
    }

    /// The newest header with enough signatures.
    #[must_use]
    pub const fn optimistic_header(&self) -> &LightClientHeader {
        &self.optimistic_header
    }

    /// The committee of the finalized header's period.
    #[must_use]
    pub const fn current_sync_committee(&self) -> &C {
        &self.current_sync_committee
    }

    /// The committee of the period after, once known.
    #[must_use]
    pub const fn next_sync_committee(&self) -> Option<&C> {
        self.next_sync_committee.as_ref()
    }

    /// The best update seen that was not applied; see `process_light_client_store_force_update`.
    #[must_use]
    pub fn best_valid_update(&self) -> Option<&LightClientUpdate<C>> {
        self.best_valid_update.as_deref()
    }

    /// `is_next_sync_committee_known`.
    #[must_use]
    pub const fn is_next_sync_committee_known(&self) -> bool {
        self.next_sync_committee.is_some()
    }
}
