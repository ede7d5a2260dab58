//! The light client sync protocol, function by function under the names of the specification
//! (<https://github.com/ethereum/consensus-specs/blob/dev/specs/altair/light-client/sync-protocol.md> with the changes
//! of Capella, Deneb, Electra and Gloas).
//!
//! ```text
//! update ─▶ validate_light_client_update ─▶ Verified ─▶ process_verified_update ─▶ apply_light_client_update
//!              reads the store only                        cannot fail                 force update ─┘
//! ```
//!
//! The specification's `assert` is an error here; its `process_light_client_update` is split so that all that may
//! fail is in `validate_light_client_update`, which does not change the store.
use alloy_primitives::B256;

use super::error::{HeaderRole, LightClientError};
use super::header::{check_committee_size, check_header, compute_sync_committee_period_at_slot};
use super::spec::ChainSpec;
use super::types::{
    Committee, LightClientBootstrap, LightClientFinalityUpdate, LightClientOptimisticUpdate,
    LightClientStore, LightClientUpdate,
};
use super::validate::{is_finality_update, is_sync_committee_update, validate_light_client_update};
use crate::consensus::{GotExpected, Verified};
use crate::proofs::ssz_merkle::is_valid_normalized_merkle_branch;

/// `is_better_update`.
#[must_use]
pub fn is_better_update<C>(
    new_update: &LightClientUpdate<C>,
    old_update: &LightClientUpdate<C>,
    spec: &ChainSpec,
) -> bool {
    let period = |slot| compute_sync_committee_period_at_slot(slot, spec);

    // Compare supermajority (> 2/3) sync committee participation
    let new_num_active_participants = new_update.sync_aggregate.num_active_participants();
    let old_num_active_participants = old_update.sync_aggregate.num_active_participants();
    let new_has_supermajority = new_update.sync_aggregate.has_supermajority();
    let old_has_supermajority = old_update.sync_aggregate.has_supermajority();
    if new_has_supermajority != old_has_supermajority {
        return new_has_supermajority;
    }
    if !new_has_supermajority && new_num_active_participants != old_num_active_participants {
        return new_num_active_participants > old_num_active_participants;
    }

    // Compare presence of relevant sync committee
    let has_relevant_sync_committee = |update: &LightClientUpdate<C>| {
        is_sync_committee_update(update)
            && period(update.attested_header.beacon.slot) == period(update.signature_slot)
    };
    let new_has_relevant_sync_committee = has_relevant_sync_committee(new_update);
    if new_has_relevant_sync_committee != has_relevant_sync_committee(old_update) {
        return new_has_relevant_sync_committee;
    }

    // Compare indication of any finality
    let new_has_finality = is_finality_update(new_update);
    if new_has_finality != is_finality_update(old_update) {
        return new_has_finality;
    }

    // Compare sync committee finality
    if new_has_finality {
        let has_sync_committee_finality = |update: &LightClientUpdate<C>| {
            period(update.finalized_header.beacon.slot)
                == period(update.attested_header.beacon.slot)
        };
        let new_has_sync_committee_finality = has_sync_committee_finality(new_update);
        if new_has_sync_committee_finality != has_sync_committee_finality(old_update) {
            return new_has_sync_committee_finality;
        }
    }

    // Tiebreaker 1: Sync committee participation beyond supermajority
    if new_num_active_participants != old_num_active_participants {
        return new_num_active_participants > old_num_active_participants;
    }

    // Tiebreaker 2: Prefer older data (fewer changes to best)
    let (new_slot, old_slot) =
        (new_update.attested_header.beacon.slot, old_update.attested_header.beacon.slot);
    if new_slot != old_slot {
        return new_slot < old_slot;
    }

    // Tiebreaker 3: Prefer updates with earlier signature slots
    new_update.signature_slot < old_update.signature_slot
}

/// `get_safety_threshold`.
#[must_use]
pub fn get_safety_threshold<C>(store: &LightClientStore<C>) -> u64 {
    store.previous_max_active_participants.max(store.current_max_active_participants) >> 1
}

/// `initialize_light_client_store`.
///
/// # Errors
///
/// When the header is not the block of `trusted_block_root`, or does not prove its execution data or the committee.
pub fn initialize_light_client_store<C: Committee>(
    trusted_block_root: B256,
    bootstrap: &LightClientBootstrap<C>,
    spec: &ChainSpec,
) -> Result<LightClientStore<C>, LightClientError> {
    if let Some(members) = bootstrap.current_sync_committee.members() {
        check_committee_size(members, spec)?;
    }
    check_header::<C>(&bootstrap.header, HeaderRole::Bootstrap, spec)?;
    let beacon = &bootstrap.header.beacon;
    let root = beacon.hash_tree_root();
    if root != trusted_block_root {
        let roots = GotExpected::new(root, trusted_block_root);
        return Err(LightClientError::TrustedBlockRoot(roots));
    }
    if !is_valid_normalized_merkle_branch(
        bootstrap.current_sync_committee.hash_tree_root(),
        &bootstrap.current_sync_committee_branch,
        spec.current_sync_committee_gindex_at_slot(beacon.slot),
        beacon.state_root,
    ) {
        let state_root = beacon.state_root;
        return Err(LightClientError::CurrentSyncCommitteeBranch { state_root });
    }
    Ok(LightClientStore {
        finalized_header: bootstrap.header.clone(),
        current_sync_committee: bootstrap.current_sync_committee.clone(),
        next_sync_committee: None,
        best_valid_update: None,
        optimistic_header: bootstrap.header.clone(),
        previous_max_active_participants: 0,
        current_max_active_participants: 0,
    })
}

/// `apply_light_client_update`. The specification's assertion holds for every update that validated against this
/// store; were it not to hold, nothing would change.
fn apply_light_client_update<C>(
    store: &mut LightClientStore<C>,
    update: LightClientUpdate<C>,
    spec: &ChainSpec,
) {
    let period = |slot| compute_sync_committee_period_at_slot(slot, spec);
    let store_period = period(store.finalized_header.beacon.slot);
    let update_finalized_period = period(update.finalized_header.beacon.slot);
    if store.next_sync_committee.is_none() {
        if update_finalized_period != store_period {
            return;
        }
        store.next_sync_committee = update.next_sync_committee;
    } else if update_finalized_period.checked_sub(1) == Some(store_period) {
        let next = std::mem::replace(&mut store.next_sync_committee, update.next_sync_committee);
        if let Some(next) = next {
            store.current_sync_committee = next;
        }
        store.previous_max_active_participants = store.current_max_active_participants;
        store.current_max_active_participants = 0;
    }
    if update.finalized_header.beacon.slot > store.finalized_header.beacon.slot {
        store.finalized_header = update.finalized_header;
        if store.finalized_header.beacon.slot > store.optimistic_header.beacon.slot {
            store.optimistic_header = store.finalized_header.clone();
        }
    }
}

/// `process_light_client_store_force_update`: after a period without finality, takes the best update seen.
///
/// Returns whether the store changed. A client that wants finality only never calls this.
pub fn process_light_client_store_force_update<C>(
    store: &mut LightClientStore<C>,
    current_slot: u64,
    spec: &ChainSpec,
) -> bool {
    let finalized_slot = store.finalized_header.beacon.slot;
    let timeout = spec.preset().update_timeout();
    if current_slot <= finalized_slot.saturating_add(timeout) {
        return false;
    }
    let Some(best) = store.best_valid_update.take() else {
        return false;
    };
    // Forced best update when the update timeout has elapsed.
    // Because the apply logic waits for `finalized_header.beacon.slot` to indicate sync committee finality,
    // the `attested_header` may be treated as `finalized_header` in extended periods of non-finality
    // to guarantee progression into later sync committee periods according to `is_better_update`.
    let mut best = *best;
    if best.finalized_header.beacon.slot <= finalized_slot {
        best.finalized_header = best.attested_header.clone();
    }
    apply_light_client_update(store, best, spec);
    true
}

/// The part of `process_light_client_update` after validation. Cannot fail.
pub fn process_verified_update<C: Committee>(
    store: &mut LightClientStore<C>,
    update: Verified<LightClientUpdate<C>>,
    spec: &ChainSpec,
) {
    let update = update.into_inner();
    let period = |slot| compute_sync_committee_period_at_slot(slot, spec);
    let num_active_participants = update.sync_aggregate.num_active_participants();

    // Update the best update in case we have to force-update to it if the timeout elapses
    let is_best =
        store.best_valid_update.as_ref().is_none_or(|best| is_better_update(&update, best, spec));
    if is_best {
        store.best_valid_update = Some(Box::new(update.clone()));
    }

    // Track the maximum number of active participants in the committee signatures
    store.current_max_active_participants =
        store.current_max_active_participants.max(num_active_participants);

    // Update the optimistic header
    if num_active_participants > get_safety_threshold(store)
        && update.attested_header.beacon.slot > store.optimistic_header.beacon.slot
    {
        store.optimistic_header = update.attested_header.clone();
    }

    // Update finalized header
    let update_has_finalized_next_sync_committee = !store.is_next_sync_committee_known()
        && is_sync_committee_update(&update)
        && is_finality_update(&update)
        && period(update.finalized_header.beacon.slot)
            == period(update.attested_header.beacon.slot);
    let advances = update.finalized_header.beacon.slot > store.finalized_header.beacon.slot
        || update_has_finalized_next_sync_committee;
    if update.sync_aggregate.has_supermajority() && advances {
        // Normal update through 2/3 threshold
        apply_light_client_update(store, update, spec);
        store.best_valid_update = None;
    }
}

/// `process_light_client_update`.
///
/// # Errors
///
/// The first rule that `update` breaks; the store is then unchanged.
pub fn process_light_client_update(
    store: &mut LightClientStore,
    update: &LightClientUpdate,
    current_slot: u64,
    spec: &ChainSpec,
) -> Result<(), LightClientError> {
    let update = validate_light_client_update(store, update.clone(), current_slot, spec)?;
    process_verified_update(store, update, spec);
    Ok(())
}

/// `process_light_client_finality_update`.
///
/// # Errors
///
/// The first rule that the update breaks; the store is then unchanged.
pub fn process_light_client_finality_update(
    store: &mut LightClientStore,
    finality_update: &LightClientFinalityUpdate,
    current_slot: u64,
    spec: &ChainSpec,
) -> Result<(), LightClientError> {
    process_light_client_update(store, &finality_update.clone().into(), current_slot, spec)
}

/// `process_light_client_optimistic_update`.
///
/// # Errors
///
/// The first rule that the update breaks; the store is then unchanged.
pub fn process_light_client_optimistic_update(
    store: &mut LightClientStore,
    optimistic_update: &LightClientOptimisticUpdate,
    current_slot: u64,
    spec: &ChainSpec,
) -> Result<(), LightClientError> {
    process_light_client_update(store, &optimistic_update.clone().into(), current_slot, spec)
}
