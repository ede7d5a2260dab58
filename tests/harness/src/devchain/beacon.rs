//! The beacon chain itself: blocks, the Merkle trees of state and body, finality, and the light client data of every block.
//!
//! A block at slot `n` signs for its parent, so it completes an update whose attested header is the parent's.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_verifier::chains::ethereum::{
    BeaconBlockHeader, ChainSpec, DOMAIN_SYNC_COMMITTEE, ExecutionPayloadHeader, ExecutionProof,
    FAR_FUTURE_EPOCH, Fork, ForkActivation, LightClientBootstrap, LightClientFinalityUpdate,
    LightClientHeader, LightClientOptimisticUpdate, LightClientUpdate, Preset, SyncAggregate,
    SyncCommittee, compute_signing_root, is_better_update,
};
use heliotrope_verifier::consensus::UnixSeconds;
use heliotrope_verifier::proofs::ssz_merkle::{
    compute_merkle_proof, hash_pair, merkleize, sha256, uint64_chunk,
};

use super::BlockSummary;
use super::committee::Committees;

/// The preset of every development chain.
pub(super) const PRESET: Preset = Preset::Minimal;
/// The fork of every slot.
pub(super) const FORK: Fork = Fork::Electra;

/// Positions of fields in Electra's `BeaconState` (37 fields, depth 6).
mod state_field {
    pub(super) const DEPTH: u32 = 6;
    pub(super) const COUNT: usize = 37;
    pub(super) const GENESIS_TIME: usize = 0;
    pub(super) const GENESIS_VALIDATORS_ROOT: usize = 1;
    pub(super) const SLOT: usize = 2;
    pub(super) const FORK: usize = 3;
    pub(super) const LATEST_BLOCK_HEADER: usize = 4;
    pub(super) const PREVIOUS_JUSTIFIED_CHECKPOINT: usize = 18;
    pub(super) const CURRENT_JUSTIFIED_CHECKPOINT: usize = 19;
    pub(super) const FINALIZED_CHECKPOINT: usize = 20;
    pub(super) const CURRENT_SYNC_COMMITTEE: usize = 22;
    pub(super) const NEXT_SYNC_COMMITTEE: usize = 23;
    pub(super) const LATEST_EXECUTION_PAYLOAD_HEADER: usize = 24;
}

/// Positions of fields in Electra's `BeaconBlockBody` (13 fields, depth 4).
mod body_field {
    pub(super) const DEPTH: u32 = 4;
    pub(super) const COUNT: usize = 13;
    pub(super) const GRAFFITI: usize = 2;
    pub(super) const SYNC_AGGREGATE: usize = 8;
    pub(super) const EXECUTION_PAYLOAD: usize = 9;
}

/// `Checkpoint`.
#[derive(Clone, Copy, Debug, Default)]
struct Checkpoint {
    epoch: u64,
    root: B256,
}

impl Checkpoint {
    fn hash_tree_root(self) -> B256 {
        hash_pair(&uint64_chunk(self.epoch), &self.root)
    }
}

/// What is kept of a block.
#[derive(Debug)]
struct Block {
    root: B256,
    header: LightClientHeader,
    finalized: Checkpoint,
    finality_branch: Vec<B256>,
    current_sync_committee_branch: Vec<B256>,
    next_sync_committee_branch: Vec<B256>,
}

/// The chain.
#[derive(Debug)]
pub(super) struct BeaconChain {
    spec: ChainSpec,
    committees: Committees,
    by_slot: BTreeMap<u64, Block>,
    slot_of_root: BTreeMap<B256, u64>,
    best_updates: BTreeMap<u64, LightClientUpdate>,
    newest: Option<LightClientUpdate>,
    newest_with_finality: Option<LightClientUpdate>,
}

fn development_forks() -> Vec<ForkActivation> {
    let forks = Fork::ALL.into_iter().zip(0u8..).filter(|(fork, _)| *fork <= FORK);
    // the last byte tells these versions from those of every public network
    forks.map(|(fork, n)| ForkActivation { fork, version: [n, 0, 0, 0xde], epoch: 0 }).collect()
}

fn aggregate_root(aggregate: &SyncAggregate) -> B256 {
    let bits = B256::right_padding_from(&aggregate.sync_committee_bits);
    let signature: Vec<B256> =
        aggregate.sync_committee_signature.chunks(32).map(B256::right_padding_from).collect();
    hash_pair(&bits, &merkleize(&signature, 2))
}

impl BeaconChain {
    /// A chain whose slot 0 carries `execution`.
    pub(super) fn genesis(
        genesis_time: u64,
        seconds_per_slot: u64,
        execution: ExecutionPayloadHeader,
    ) -> Result<Self> {
        let mut seed = b"heliotrope development chain".to_vec();
        seed.extend_from_slice(&genesis_time.to_le_bytes());
        seed.extend_from_slice(execution.block_hash.as_slice());
        let spec = ChainSpec::from_parts(
            PRESET,
            UnixSeconds(genesis_time),
            sha256(&seed),
            seconds_per_slot.saturating_mul(1000),
            development_forks(),
            Vec::new(),
        )?;
        let mut chain = Self {
            spec,
            committees: Committees::new()?,
            by_slot: BTreeMap::new(),
            slot_of_root: BTreeMap::new(),
            best_updates: BTreeMap::new(),
            newest: None,
            newest_with_finality: None,
        };
        let nobody = SyncAggregate {
            sync_committee_bits: vec![0; PRESET.sync_committee_size() / 8],
            sync_committee_signature: infinity_signature(),
        };
        chain.insert(0, B256::ZERO, execution, &nobody)?;
        Ok(chain)
    }

    /// Adds a block at `slot` on top of the head, and with it the update for the head.
    pub(super) fn extend(&mut self, slot: u64, execution: ExecutionPayloadHeader) -> Result<()> {
        let (parent_slot, parent) = self.by_slot.last_key_value().context("no genesis")?;
        ensure!(slot > *parent_slot, "slot {slot} is not after the head at {parent_slot}");
        let (parent_slot, parent_root) = (*parent_slot, parent.root);
        let version = self.spec.compute_fork_version(PRESET.compute_epoch_at_slot(slot - 1));
        let domain = self.spec.compute_domain(DOMAIN_SYNC_COMMITTEE, version);
        let message = compute_signing_root(&parent.header.beacon, domain);
        let period = PRESET.compute_sync_committee_period_at_slot(slot);
        let aggregate = self.committees.sign(period, slot, &message.0)?;
        self.insert(slot, parent_root, execution, &aggregate)?;
        self.record_update(parent_slot, slot, aggregate)
    }

    /// The finalized checkpoint in the state of an epoch: two epochs back, once that is not the genesis epoch.
    fn checkpoint_of(&self, epoch: u64, back: u64) -> Checkpoint {
        let epoch = epoch.saturating_sub(back);
        let start = epoch * PRESET.slots_per_epoch();
        match self.by_slot.range(..=start).next_back() {
            Some((_, block)) if epoch > 0 => Checkpoint { epoch, root: block.root },
            _ => Checkpoint::default(),
        }
    }

    fn fork_root(&self) -> B256 {
        let version = |fork: Fork| {
            let found = self.spec.forks().iter().find(|f| f.fork == fork);
            B256::right_padding_from(&found.map_or([0; 4], |f| f.version))
        };
        merkleize(&[version(Fork::Deneb), version(FORK), uint64_chunk(0)], 2)
    }

    fn insert(
        &mut self,
        slot: u64,
        parent_root: B256,
        execution: ExecutionPayloadHeader,
        aggregate: &SyncAggregate,
    ) -> Result<()> {
        let execution_root = execution.hash_tree_root(true);
        let mut body = [B256::ZERO; body_field::COUNT];
        body[body_field::GRAFFITI] = B256::right_padding_from(b"heliotrope dev: public keys");
        body[body_field::SYNC_AGGREGATE] = aggregate_root(aggregate);
        body[body_field::EXECUTION_PAYLOAD] = execution_root;
        let execution_branch =
            compute_merkle_proof(&body, body_field::DEPTH, body_field::EXECUTION_PAYLOAD);

        let mut beacon = BeaconBlockHeader {
            slot,
            proposer_index: slot % 64,
            parent_root,
            state_root: B256::ZERO,
            body_root: merkleize(&body, body_field::DEPTH),
        };
        let epoch = PRESET.compute_epoch_at_slot(slot);
        let period = PRESET.compute_sync_committee_period(epoch);
        let finalized = self.checkpoint_of(epoch, 2);
        let mut state = [B256::ZERO; state_field::COUNT];
        state[state_field::GENESIS_TIME] = uint64_chunk(self.spec.genesis_time().0);
        state[state_field::GENESIS_VALIDATORS_ROOT] = self.spec.genesis_validators_root();
        state[state_field::SLOT] = uint64_chunk(slot);
        state[state_field::FORK] = self.fork_root();
        state[state_field::LATEST_BLOCK_HEADER] = beacon.hash_tree_root();
        state[state_field::PREVIOUS_JUSTIFIED_CHECKPOINT] = finalized.hash_tree_root();
        state[state_field::CURRENT_JUSTIFIED_CHECKPOINT] =
            self.checkpoint_of(epoch, 1).hash_tree_root();
        state[state_field::FINALIZED_CHECKPOINT] = finalized.hash_tree_root();
        state[state_field::CURRENT_SYNC_COMMITTEE] =
            self.committees.committee(period)?.hash_tree_root();
        state[state_field::NEXT_SYNC_COMMITTEE] =
            self.committees.committee(period + 1)?.hash_tree_root();
        state[state_field::LATEST_EXECUTION_PAYLOAD_HEADER] = execution_root;
        beacon.state_root = merkleize(&state, state_field::DEPTH);

        let branch = |field| compute_merkle_proof(&state, state_field::DEPTH, field);
        let mut finality_branch = vec![uint64_chunk(finalized.epoch)];
        finality_branch.extend(branch(state_field::FINALIZED_CHECKPOINT));
        let root = beacon.hash_tree_root();
        let execution =
            ExecutionProof::Payload { execution: Box::new(execution), execution_branch };
        let block = Block {
            root,
            header: LightClientHeader { beacon, execution },
            finalized,
            finality_branch,
            current_sync_committee_branch: branch(state_field::CURRENT_SYNC_COMMITTEE),
            next_sync_committee_branch: branch(state_field::NEXT_SYNC_COMMITTEE),
        };
        self.slot_of_root.insert(root, slot);
        self.by_slot.insert(slot, block);
        Ok(())
    }

    /// `create_light_client_update`, and the best one of each period.
    fn record_update(
        &mut self,
        attested: u64,
        signature: u64,
        aggregate: SyncAggregate,
    ) -> Result<()> {
        let block = self.by_slot.get(&attested).context("no attested block")?;
        let period = PRESET.compute_sync_committee_period_at_slot(attested);
        let zeros = |branch: &Vec<B256>| vec![B256::ZERO; branch.len()];
        let mut update = LightClientUpdate {
            attested_header: block.header.clone(),
            next_sync_committee: None,
            next_sync_committee_branch: zeros(&block.next_sync_committee_branch),
            finalized_header: LightClientHeader::default(),
            finality_branch: zeros(&block.finality_branch),
            sync_aggregate: aggregate,
            signature_slot: signature,
        };
        if period == PRESET.compute_sync_committee_period_at_slot(signature) {
            update.next_sync_committee = Some(self.committees.committee(period + 1)?);
            update.next_sync_committee_branch.clone_from(&block.next_sync_committee_branch);
        }
        if let Some(finalized) = self.block(block.finalized.root) {
            update.finalized_header = finalized.header.clone();
            update.finality_branch.clone_from(&block.finality_branch);
            self.newest_with_finality = Some(update.clone());
        }
        let best = self.best_updates.get(&period);
        if update.next_sync_committee.is_some()
            && best.is_none_or(|best| is_better_update(&update, best, &self.spec))
        {
            self.best_updates.insert(period, update.clone());
        }
        self.newest = Some(update);
        Ok(())
    }

    fn block(&self, root: B256) -> Option<&Block> {
        self.slot_of_root.get(&root).and_then(|slot| self.by_slot.get(slot))
    }

    pub(super) const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// The newest block.
    pub(super) fn head(&self) -> BlockSummary {
        self.by_slot.last_key_value().map(|(_, block)| summary(block)).unwrap_or_else(no_block)
    }

    /// The block that the head's state has finalized.
    pub(super) fn finalized(&self) -> Option<BlockSummary> {
        let (_, head) = self.by_slot.last_key_value()?;
        self.block(head.finalized.root).map(summary)
    }

    /// The finalized block, or slot 0.
    pub(super) fn checkpoint(&self) -> BlockSummary {
        let genesis = || self.by_slot.first_key_value().map(|(_, block)| summary(block));
        self.finalized().or_else(genesis).unwrap_or_else(no_block)
    }

    /// The header of a block by its root.
    pub(super) fn header(&self, root: B256) -> Option<&BeaconBlockHeader> {
        self.block(root).map(|block| &block.header.beacon)
    }

    /// The root of the block at a slot.
    pub(super) fn root_at(&self, slot: u64) -> Option<B256> {
        self.by_slot.get(&slot).map(|block| block.root)
    }

    /// `create_light_client_bootstrap` for any block.
    pub(super) fn bootstrap(&self, root: B256) -> Option<LightClientBootstrap> {
        let block = self.block(root)?;
        let period = PRESET.compute_sync_committee_period_at_slot(block.header.beacon.slot);
        let current_sync_committee: SyncCommittee = self.committees.committee(period).ok()?;
        Some(LightClientBootstrap {
            header: block.header.clone(),
            current_sync_committee,
            current_sync_committee_branch: block.current_sync_committee_branch.clone(),
        })
    }

    /// The best update of each period in the range, up to the first that is missing.
    pub(super) fn updates(&self, start_period: u64, count: u64) -> Vec<&LightClientUpdate> {
        let periods = start_period..start_period.saturating_add(count);
        periods.map_while(|period| self.best_updates.get(&period)).collect()
    }

    /// The newest update with a finalized header.
    pub(super) fn finality_update(&self) -> Option<LightClientFinalityUpdate> {
        let update = self.newest_with_finality.clone()?;
        Some(LightClientFinalityUpdate {
            attested_header: update.attested_header,
            finalized_header: update.finalized_header,
            finality_branch: update.finality_branch,
            sync_aggregate: update.sync_aggregate,
            signature_slot: update.signature_slot,
        })
    }

    /// The newest update.
    pub(super) fn optimistic_update(&self) -> Option<LightClientOptimisticUpdate> {
        let update = self.newest.clone()?;
        Some(LightClientOptimisticUpdate {
            attested_header: update.attested_header,
            sync_aggregate: update.sync_aggregate,
            signature_slot: update.signature_slot,
        })
    }

    /// `*_FORK_VERSION` and `*_FORK_EPOCH` of every fork, scheduled or not.
    pub(super) fn fork_schedule(&self) -> Vec<ForkActivation> {
        let scheduled = |fork| self.spec.forks().iter().find(|f| f.fork == fork).copied();
        let unscheduled =
            |fork, n| ForkActivation { fork, version: [n, 0, 0, 0xde], epoch: FAR_FUTURE_EPOCH };
        let forks = Fork::ALL.into_iter().zip(0u8..);
        forks.map(|(fork, n)| scheduled(fork).unwrap_or_else(|| unscheduled(fork, n))).collect()
    }
}

const fn infinity_signature() -> [u8; 96] {
    let mut signature = [0; 96];
    signature[0] = 0xc0;
    signature
}

const fn no_block() -> BlockSummary {
    BlockSummary {
        slot: 0,
        root: B256::ZERO,
        execution_number: 0,
        execution_hash: B256::ZERO,
        execution_state_root: B256::ZERO,
    }
}

fn summary(block: &Block) -> BlockSummary {
    let execution = block.header.execution_payload_header();
    BlockSummary {
        slot: block.header.beacon.slot,
        root: block.root,
        execution_number: execution.map_or(0, |execution| execution.block_number),
        execution_hash: execution.map_or(B256::ZERO, |execution| execution.block_hash),
        execution_state_root: execution.map_or(B256::ZERO, |execution| execution.state_root),
    }
}
