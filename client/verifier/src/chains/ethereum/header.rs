//! What a light client header proves, and the small functions of the specification that all rules share.

use alloy_primitives::B256;

use super::error::{HeaderRole, LightClientError};
use super::gindex::{
    EXECUTION_BLOCK_HASH_GINDEX, EXECUTION_BLOCK_HASH_GINDEX_DENEB,
    EXECUTION_BLOCK_HASH_GINDEX_GLOAS, EXECUTION_PAYLOAD_GINDEX,
};
use super::spec::{ChainSpec, Fork};
use super::types::{
    BeaconBlockHeader, Committee, ExecutionPayloadHeader, ExecutionProof, LightClientHeader,
};
use crate::consensus::GotExpected;
use crate::proofs::ssz_merkle::{
    compute_merkle_branch_root, floorlog2, get_subtree_index, hash_pair, is_valid_merkle_branch,
    is_valid_normalized_merkle_branch,
};

/// `GENESIS_SLOT`.
pub(super) const GENESIS_SLOT: u64 = 0;

/// `compute_sync_committee_period_at_slot`.
#[must_use]
pub const fn compute_sync_committee_period_at_slot(slot: u64, spec: &ChainSpec) -> u64 {
    spec.preset().compute_sync_committee_period_at_slot(slot)
}

/// `compute_signing_root` of a beacon block header.
#[must_use]
pub fn compute_signing_root(header: &BeaconBlockHeader, domain: B256) -> B256 {
    hash_pair(&header.hash_tree_root(), &domain)
}

/// `is_valid_light_client_header`: the execution data, if the fork has any, is in the block body.
#[must_use]
pub fn is_valid_light_client_header(header: &LightClientHeader, spec: &ChainSpec) -> bool {
    let fork = spec.fork_at_slot(header.beacon.slot);
    let body_root = header.beacon.body_root;
    match &header.execution {
        ExecutionProof::None => fork < Fork::Capella,
        ExecutionProof::Payload { execution, execution_branch } => {
            let has_blob_gas = fork >= Fork::Deneb;
            (Fork::Capella..Fork::Gloas).contains(&fork)
                && (has_blob_gas || (execution.blob_gas_used, execution.excess_blob_gas) == (0, 0))
                && is_valid_merkle_branch(
                    execution.hash_tree_root(has_blob_gas),
                    execution_branch,
                    floorlog2(EXECUTION_PAYLOAD_GINDEX),
                    get_subtree_index(EXECUTION_PAYLOAD_GINDEX),
                    body_root,
                )
        }
        ExecutionProof::BlockHash { execution_block_hash, execution_branch } => {
            let gindex = match fork {
                Fork::Gloas => EXECUTION_BLOCK_HASH_GINDEX_GLOAS,
                Fork::Deneb | Fork::Electra | Fork::Fulu => EXECUTION_BLOCK_HASH_GINDEX_DENEB,
                Fork::Capella => EXECUTION_BLOCK_HASH_GINDEX,
                Fork::Phase0 | Fork::Altair | Fork::Bellatrix => return false,
            };
            let leaf = *execution_block_hash;
            is_valid_normalized_merkle_branch(leaf, execution_branch, gindex, body_root)
        }
    }
}

/// `get_lc_execution_root`: root of the execution payload header, or in Gloas the execution block hash.
#[must_use]
pub fn get_lc_execution_root(header: &LightClientHeader, spec: &ChainSpec) -> B256 {
    let fork = spec.fork_at_slot(header.beacon.slot);
    if fork < Fork::Capella {
        return B256::ZERO;
    }
    let has_blob_gas = fork >= Fork::Deneb;
    let empty = || ExecutionPayloadHeader::default().hash_tree_root(has_blob_gas);
    match &header.execution {
        ExecutionProof::None if fork >= Fork::Gloas => B256::ZERO,
        ExecutionProof::None => empty(),
        ExecutionProof::Payload { execution, .. } => execution.hash_tree_root(has_blob_gas),
        ExecutionProof::BlockHash { execution_block_hash, .. } if fork >= Fork::Gloas => {
            *execution_block_hash
        }
        ExecutionProof::BlockHash { .. } if header.beacon.slot == GENESIS_SLOT => empty(),
        ExecutionProof::BlockHash { execution_block_hash, execution_branch } => {
            let index = u64::try_from(ExecutionPayloadHeader::BLOCK_HASH_INDEX).unwrap_or(0);
            let depth = super::types::payload_header_depth(has_blob_gas);
            let of_payload = usize::try_from(depth).unwrap_or(0);
            let below = usize::try_from(floorlog2(EXECUTION_PAYLOAD_GINDEX)).unwrap_or(0);
            let inner_end = execution_branch.len().saturating_sub(below);
            let inner = inner_end.saturating_sub(of_payload)..inner_end;
            let branch = execution_branch.get(inner).unwrap_or_default();
            compute_merkle_branch_root(*execution_block_hash, branch, index)
        }
    }
}

pub(super) fn check_header<C: Committee>(
    header: &LightClientHeader,
    role: HeaderRole,
    spec: &ChainSpec,
) -> Result<(), LightClientError> {
    let is_omitted = C::MAY_OMIT_EXECUTION && header.execution == ExecutionProof::None;
    if is_omitted || is_valid_light_client_header(header, spec) {
        Ok(())
    } else {
        Err(LightClientError::InvalidHeader { role, slot: header.beacon.slot })
    }
}

pub(super) fn check_committee_size(got: usize, spec: &ChainSpec) -> Result<(), LightClientError> {
    let expected = spec.preset().sync_committee_size();
    if got == expected {
        Ok(())
    } else {
        Err(LightClientError::SyncCommitteeSize(GotExpected::new(got, expected)))
    }
}
