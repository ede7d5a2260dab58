//! Many updates together: all rules one by one, then all signatures in one multi-pairing. Either every update holds, or
//! nothing changes.
//!
//! Both forms of an update go through here, with their keys and without: see [`super::compact`].

use super::bls::{BlsError, SignedMessage, participants_key, verify_batch};
use super::error::LightClientError;
use super::spec::ChainSpec;
use super::sync_protocol::process_verified_update;
use super::types::{Committee, LightClientStore, LightClientUpdate, SyncCommittee};
use super::validate::validate_all_but_signature;
use crate::consensus::Verified;

/// An update of a batch was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("update {update}: {error}")]
pub struct BatchError {
    /// Position in the batch.
    pub update: usize,
    /// The rule.
    pub error: LightClientError,
}

/// One update of a batch, in either form.
pub(super) trait Batched {
    /// The form of its committees.
    type Committee: Committee;
    /// Why it is refused.
    type Error;

    /// The update.
    fn update(&self) -> &LightClientUpdate<Self::Committee>;

    /// All rules but the signature's, and what the signature must be of.
    fn signed_message(
        &self,
        position: usize,
        store: &LightClientStore<Self::Committee>,
        current_slot: u64,
        spec: &ChainSpec,
    ) -> Result<SignedMessage, Self::Error>;

    /// The signature does not hold.
    fn bad_signature(position: usize, error: BlsError) -> Self::Error;

    /// Takes from a verified update what the specification's functions leave.
    fn learn(&self, _store: &mut LightClientStore<Self::Committee>) {}
}

impl Batched for LightClientUpdate {
    type Committee = SyncCommittee;
    type Error = BatchError;

    fn update(&self) -> &Self {
        self
    }

    fn signed_message(
        &self,
        position: usize,
        store: &LightClientStore,
        current_slot: u64,
        spec: &ChainSpec,
    ) -> Result<SignedMessage, BatchError> {
        let refused = |error| BatchError { update: position, error };
        let signed =
            validate_all_but_signature(store, self, current_slot, spec).map_err(refused)?;
        let participation: Vec<bool> = self.sync_aggregate.participation().collect();
        let key = participants_key(signed.sync_committee, &participation)
            .map_err(|error| Self::bad_signature(position, error))?;
        let signature = self.sync_aggregate.sync_committee_signature;
        Ok(SignedMessage { key, message: signed.signing_root.0, signature })
    }

    fn bad_signature(position: usize, error: BlsError) -> BatchError {
        BatchError { update: position, error: LightClientError::Signature(error) }
    }
}

/// `process_light_client_update` of all `updates` in their order.
///
/// `seed` is 32 random bytes from the caller's system, new for every call, for the coefficients of the batch. A batch of
/// one is verified without it.
///
/// # Errors
///
/// The first rule that an update breaks; the store is then unchanged. When a signature is bad, each is verified by itself
/// to name the update.
pub fn process_light_client_updates(
    store: &mut LightClientStore,
    updates: &[LightClientUpdate],
    current_slot: u64,
    seed: [u8; 32],
    spec: &ChainSpec,
) -> Result<(), BatchError> {
    process_batch(store, updates, current_slot, &seed, spec)
}

pub(super) fn process_batch<B: Batched>(
    store: &mut LightClientStore<B::Committee>,
    updates: &[B],
    current_slot: u64,
    seed: &[u8; 32],
    spec: &ChainSpec,
) -> Result<(), B::Error> {
    let mut next = store.clone();
    let mut signatures = Vec::with_capacity(updates.len());
    for (position, batched) in updates.iter().enumerate() {
        // Provisional: nothing of `next` is seen by anybody before all signatures are verified.
        signatures.push(batched.signed_message(position, &next, current_slot, spec)?);
        process_verified_update(&mut next, Verified::new(batched.update().clone()), spec);
        batched.learn(&mut next);
    }
    match signatures.as_slice() {
        [] => {}
        [one] => one.verify().map_err(|error| B::bad_signature(0, error))?,
        all => verify_batch(all, seed).or_else(|error| name_the_bad::<B>(all, error))?,
    }
    *store = next;
    Ok(())
}

fn name_the_bad<B: Batched>(all: &[SignedMessage], of_all: BlsError) -> Result<(), B::Error> {
    for (position, signed) in all.iter().enumerate() {
        signed.verify().map_err(|error| B::bad_signature(position, error))?;
    }
    // Each holds and all together do not: cannot be, and is not accepted.
    Err(B::bad_signature(all.len(), of_all))
}
