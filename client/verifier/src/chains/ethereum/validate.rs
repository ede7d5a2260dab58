//! `validate_light_client_update`: one predicate per rule, in the order of the specification. Nothing here changes a store.

use alloy_primitives::B256;

use super::bls::verify_sync_committee_signature;
use super::error::{HeaderRole, LightClientError};
use super::header::{
    GENESIS_SLOT, check_committee_size, check_header, compute_signing_root,
    compute_sync_committee_period_at_slot,
};
use super::spec::{ChainSpec, DOMAIN_SYNC_COMMITTEE, MIN_SYNC_COMMITTEE_PARTICIPANTS};
use super::types::{Committee, LightClientHeader, LightClientStore, LightClientUpdate};
use crate::consensus::{GotExpected, Verified};
use crate::proofs::ssz_merkle::is_valid_normalized_merkle_branch;

/// `is_sync_committee_update`.
#[must_use]
pub fn is_sync_committee_update<C>(update: &LightClientUpdate<C>) -> bool {
    !update.next_sync_committee_branch.iter().all(B256::is_zero)
}

/// `is_finality_update`.
#[must_use]
pub fn is_finality_update<C>(update: &LightClientUpdate<C>) -> bool {
    !update.finality_branch.iter().all(B256::is_zero)
}

/// Verify sync committee has sufficient participants.
fn has_sufficient_participants<C>(
    update: &LightClientUpdate<C>,
    spec: &ChainSpec,
) -> Result<(), LightClientError> {
    let bits = update.sync_aggregate.sync_committee_bits.len().saturating_mul(8);
    check_committee_size(bits, spec)?;
    let got = update.sync_aggregate.num_active_participants();
    if got < MIN_SYNC_COMMITTEE_PARTICIPANTS {
        let expected = MIN_SYNC_COMMITTEE_PARTICIPANTS;
        return Err(LightClientError::InsufficientParticipants { got, expected });
    }
    Ok(())
}

/// Verify update does not skip a sync committee period.
fn does_not_skip_a_period<C: Committee>(
    store: &LightClientStore<C>,
    update: &LightClientUpdate<C>,
    current_slot: u64,
    spec: &ChainSpec,
) -> Result<(), LightClientError> {
    check_header::<C>(&update.attested_header, HeaderRole::Attested, spec)?;
    let attested = update.attested_header.beacon.slot;
    let finalized = update.finalized_header.beacon.slot;
    let signature = update.signature_slot;
    if signature > current_slot {
        let (got, expected) = (signature, current_slot);
        return Err(LightClientError::SignatureSlotInFuture { got, expected });
    }
    if signature <= attested || attested < finalized {
        return Err(LightClientError::SlotOrder { signature, attested, finalized });
    }
    let period = |slot| compute_sync_committee_period_at_slot(slot, spec);
    let store_period = period(store.finalized_header.beacon.slot);
    let signature_period = period(signature);
    let next_known = store.is_next_sync_committee_known();
    let is_next = signature_period.checked_sub(1) == Some(store_period);
    if signature_period != store_period && !(next_known && is_next) {
        let (got, expected) = (signature_period, store_period);
        return Err(LightClientError::SyncCommitteePeriod { got, expected, next_known });
    }
    Ok(())
}

/// Verify update is relevant.
fn is_relevant<C>(
    store: &LightClientStore<C>,
    update: &LightClientUpdate<C>,
    spec: &ChainSpec,
) -> Result<(), LightClientError> {
    let period = |slot| compute_sync_committee_period_at_slot(slot, spec);
    let (got, expected) = (update.attested_header.beacon.slot, store.finalized_header.beacon.slot);
    let update_has_next_sync_committee = !store.is_next_sync_committee_known()
        && is_sync_committee_update(update)
        && period(got) == period(expected);
    if got > expected || update_has_next_sync_committee {
        Ok(())
    } else {
        Err(LightClientError::NotRelevant { got, expected })
    }
}

/// Verify that the `finality_branch`, if present, confirms `finalized_header` to match the finalized checkpoint root
/// saved in the state of `attested_header`. The genesis finalized checkpoint root is represented as a zero hash.
fn finality_is_proven<C: Committee>(
    update: &LightClientUpdate<C>,
    spec: &ChainSpec,
) -> Result<(), LightClientError> {
    let finalized = &update.finalized_header;
    let slot = finalized.beacon.slot;
    let is_empty = *finalized == LightClientHeader::default();
    if !is_finality_update(update) {
        return if is_empty {
            Ok(())
        } else {
            Err(LightClientError::FinalizedHeaderNotEmpty { slot })
        };
    }
    let finalized_root = if slot == GENESIS_SLOT {
        if !is_empty {
            return Err(LightClientError::FinalizedHeaderNotEmpty { slot });
        }
        B256::ZERO
    } else {
        check_header::<C>(finalized, HeaderRole::Finalized, spec)?;
        finalized.beacon.hash_tree_root()
    };
    let attested = &update.attested_header.beacon;
    let state_root = attested.state_root;
    if is_valid_normalized_merkle_branch(
        finalized_root,
        &update.finality_branch,
        spec.finalized_root_gindex_at_slot(attested.slot),
        state_root,
    ) {
        Ok(())
    } else {
        Err(LightClientError::FinalityBranch { finalized_root, state_root })
    }
}

/// Verify that the `next_sync_committee`, if present, actually is the next sync committee saved in the state of the
/// `attested_header`.
fn next_sync_committee_is_proven<C: Committee>(
    store: &LightClientStore<C>,
    update: &LightClientUpdate<C>,
    spec: &ChainSpec,
) -> Result<(), LightClientError> {
    if !is_sync_committee_update(update) {
        return match update.next_sync_committee {
            None => Ok(()),
            Some(_) => Err(LightClientError::NextSyncCommitteeNotEmpty),
        };
    }
    let empty;
    let committee = match &update.next_sync_committee {
        Some(committee) => committee,
        None => {
            empty = C::empty(spec.preset());
            &empty
        }
    };
    if let Some(members) = committee.members() {
        check_committee_size(members, spec)?;
    }
    let attested = &update.attested_header.beacon;
    let period = |slot| compute_sync_committee_period_at_slot(slot, spec);
    let in_store_period = period(attested.slot) == period(store.finalized_header.beacon.slot);
    let root = committee.hash_tree_root();
    if let (true, Some(known)) = (in_store_period, &store.next_sync_committee)
        && known != committee
    {
        let roots = GotExpected::new(root, known.hash_tree_root());
        return Err(LightClientError::NextSyncCommittee(roots));
    }
    let state_root = attested.state_root;
    if is_valid_normalized_merkle_branch(
        root,
        &update.next_sync_committee_branch,
        spec.next_sync_committee_gindex_at_slot(attested.slot),
        state_root,
    ) {
        Ok(())
    } else {
        Err(LightClientError::NextSyncCommitteeBranch { state_root })
    }
}

/// What the committee signed, and which committee it was.
pub(super) struct Signed<'a, C> {
    pub(super) sync_committee: &'a C,
    pub(super) signing_root: B256,
}

/// The committee whose signature the update must carry, and the message.
fn signed_by<'a, C>(
    store: &'a LightClientStore<C>,
    update: &LightClientUpdate<C>,
    spec: &ChainSpec,
) -> Result<Signed<'a, C>, LightClientError> {
    let period = |slot| compute_sync_committee_period_at_slot(slot, spec);
    let signature_period = period(update.signature_slot);
    let sync_committee = if signature_period == period(store.finalized_header.beacon.slot) {
        &store.current_sync_committee
    } else {
        let unknown = LightClientError::UnknownCommittee { period: signature_period };
        store.next_sync_committee.as_ref().ok_or(unknown)?
    };
    let fork_version_slot = update.signature_slot.saturating_sub(1);
    let epoch = spec.preset().compute_epoch_at_slot(fork_version_slot);
    let fork_version = spec.compute_fork_version(epoch);
    let domain = spec.compute_domain(DOMAIN_SYNC_COMMITTEE, fork_version);
    let signing_root = compute_signing_root(&update.attested_header.beacon, domain);
    Ok(Signed { sync_committee, signing_root })
}

/// All rules but the signature's, in the order of the specification; what is left to verify is returned.
pub(super) fn validate_all_but_signature<'a, C: Committee>(
    store: &'a LightClientStore<C>,
    update: &LightClientUpdate<C>,
    current_slot: u64,
    spec: &ChainSpec,
) -> Result<Signed<'a, C>, LightClientError> {
    has_sufficient_participants(update, spec)?;
    does_not_skip_a_period(store, update, current_slot, spec)?;
    is_relevant(store, update, spec)?;
    finality_is_proven(update, spec)?;
    next_sync_committee_is_proven(store, update, spec)?;
    signed_by(store, update, spec)
}

/// `validate_light_client_update`: all rules, in the order of the specification. Changes nothing.
///
/// `current_slot` comes from the caller's clock, see [`ChainSpec::current_slot`].
///
/// # Errors
///
/// The first rule that `update` breaks.
pub fn validate_light_client_update(
    store: &LightClientStore,
    update: LightClientUpdate,
    current_slot: u64,
    spec: &ChainSpec,
) -> Result<Verified<LightClientUpdate>, LightClientError> {
    let signed = validate_all_but_signature(store, &update, current_slot, spec)?;
    // Verify sync committee aggregate signature
    let participation: Vec<bool> = update.sync_aggregate.participation().collect();
    let signature = &update.sync_aggregate.sync_committee_signature;
    let Signed { sync_committee, signing_root } = signed;
    verify_sync_committee_signature(sync_committee, &participation, &signing_root, signature)?;
    Ok(Verified::new(update))
}
