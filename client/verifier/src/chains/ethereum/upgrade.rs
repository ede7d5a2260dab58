//! Header, update and store upgrades between forks (`upgrade_lc_*_to_*` of the fork documents).
//!
//! | spec | here |
//! |---|---|
//! | `upgrade_lc_header_to_{capella,deneb,electra}` | nothing to do: one shape, and the rules go by slot |
//! | `upgrade_lc_header_to_gloas` | [`upgrade_lc_header`] with [`Fork::Gloas`] |
//! | `upgrade_lc_{bootstrap,update,finality_update,optimistic_update}_to_*` | longer branches, upgraded headers |
//! | `upgrade_lc_store_to_*` | [`upgrade_lc_store`] |
//!
//! The rules accept every older shape in every store, so an upgrade is never *needed*. Upgrading a store to Gloas gives
//! up the execution payload header of older headers, as the specification does: what is left is the block hash.

use super::gindex::{
    EXECUTION_BLOCK_HASH_GINDEX_GLOAS, current_sync_committee_gindex, finalized_root_gindex,
    next_sync_committee_gindex,
};
use super::spec::{ChainSpec, Fork};
use super::types::{
    Committee, ExecutionPayloadHeader, ExecutionProof, LightClientBootstrap,
    LightClientFinalityUpdate, LightClientHeader, LightClientOptimisticUpdate, LightClientStore,
    LightClientUpdate, payload_header_depth,
};
use crate::proofs::ssz_merkle::{compute_merkle_proof, normalize_merkle_branch};

/// `upgrade_lc_header_to_*`.
#[must_use]
pub fn upgrade_lc_header(
    header: &LightClientHeader,
    to: Fork,
    spec: &ChainSpec,
) -> LightClientHeader {
    let mut upgraded = header.clone();
    if to < Fork::Gloas {
        return upgraded;
    }
    if let ExecutionProof::Payload { execution, execution_branch } = &header.execution {
        let has_blob_gas = spec.fork_at_slot(header.beacon.slot) >= Fork::Deneb;
        let mut branch = compute_merkle_proof(
            &execution.field_roots(has_blob_gas),
            payload_header_depth(has_blob_gas),
            ExecutionPayloadHeader::BLOCK_HASH_INDEX,
        );
        branch.extend_from_slice(execution_branch);
        upgraded.execution = ExecutionProof::BlockHash {
            execution_block_hash: execution.block_hash,
            execution_branch: normalize_merkle_branch(&branch, EXECUTION_BLOCK_HASH_GINDEX_GLOAS),
        };
    }
    upgraded
}

/// `upgrade_lc_bootstrap_to_*`.
#[must_use]
pub fn upgrade_lc_bootstrap(
    bootstrap: &LightClientBootstrap,
    to: Fork,
    spec: &ChainSpec,
) -> LightClientBootstrap {
    let branch = &bootstrap.current_sync_committee_branch;
    LightClientBootstrap {
        header: upgrade_lc_header(&bootstrap.header, to, spec),
        current_sync_committee: bootstrap.current_sync_committee.clone(),
        current_sync_committee_branch: normalize_merkle_branch(
            branch,
            current_sync_committee_gindex(to),
        ),
    }
}

/// `upgrade_lc_update_to_*`.
#[must_use]
pub fn upgrade_lc_update<C: Committee>(
    update: &LightClientUpdate<C>,
    to: Fork,
    spec: &ChainSpec,
) -> LightClientUpdate<C> {
    let committee_branch = &update.next_sync_committee_branch;
    let committee_gindex = next_sync_committee_gindex(to);
    LightClientUpdate {
        attested_header: upgrade_lc_header(&update.attested_header, to, spec),
        next_sync_committee: update.next_sync_committee.clone(),
        next_sync_committee_branch: normalize_merkle_branch(committee_branch, committee_gindex),
        finalized_header: upgrade_lc_header(&update.finalized_header, to, spec),
        finality_branch: normalize_merkle_branch(
            &update.finality_branch,
            finalized_root_gindex(to),
        ),
        sync_aggregate: update.sync_aggregate.clone(),
        signature_slot: update.signature_slot,
    }
}

/// `upgrade_lc_finality_update_to_*`.
#[must_use]
pub fn upgrade_lc_finality_update(
    update: &LightClientFinalityUpdate,
    to: Fork,
    spec: &ChainSpec,
) -> LightClientFinalityUpdate {
    LightClientFinalityUpdate {
        attested_header: upgrade_lc_header(&update.attested_header, to, spec),
        finalized_header: upgrade_lc_header(&update.finalized_header, to, spec),
        finality_branch: normalize_merkle_branch(
            &update.finality_branch,
            finalized_root_gindex(to),
        ),
        sync_aggregate: update.sync_aggregate.clone(),
        signature_slot: update.signature_slot,
    }
}

/// `upgrade_lc_optimistic_update_to_*`.
#[must_use]
pub fn upgrade_lc_optimistic_update(
    update: &LightClientOptimisticUpdate,
    to: Fork,
    spec: &ChainSpec,
) -> LightClientOptimisticUpdate {
    LightClientOptimisticUpdate {
        attested_header: upgrade_lc_header(&update.attested_header, to, spec),
        sync_aggregate: update.sync_aggregate.clone(),
        signature_slot: update.signature_slot,
    }
}

/// `upgrade_lc_store_to_*`.
#[must_use]
pub fn upgrade_lc_store<C: Committee>(
    store: &LightClientStore<C>,
    to: Fork,
    spec: &ChainSpec,
) -> LightClientStore<C> {
    let best = store.best_valid_update.as_deref();
    LightClientStore {
        finalized_header: upgrade_lc_header(&store.finalized_header, to, spec),
        current_sync_committee: store.current_sync_committee.clone(),
        next_sync_committee: store.next_sync_committee.clone(),
        best_valid_update: best.map(|update| Box::new(upgrade_lc_update(update, to, spec))),
        optimistic_header: upgrade_lc_header(&store.optimistic_header, to, spec),
        previous_max_active_participants: store.previous_max_active_participants,
        current_max_active_participants: store.current_max_active_participants,
    }
}
