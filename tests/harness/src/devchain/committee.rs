//! Sync committees of the development chain. **The secret keys follow from this file: they are public.**

use alloy_primitives::{U256, uint};
use anyhow::{Result, anyhow};
use blst::min_pk::{AggregatePublicKey, PublicKey, SecretKey};
use heliotrope_verifier::chains::ethereum::{DST, SyncAggregate, SyncCommittee};
use sha2::{Digest as _, Sha256};

/// Members of a committee in the minimal preset.
const SYNC_COMMITTEE_SIZE: usize = 32;
/// Development validators; each period's committee is half of them.
const VALIDATORS: usize = 64;
/// How far the committee moves along the validators each period.
const ROTATION: usize = 11;
/// One member stays away in every slot that is a multiple of this, so that clients meet absences.
const ABSENCE_SLOTS: u64 = 5;
/// Order of the BLS12-381 groups.
const ORDER: U256 = uint!(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001_U256);

/// The public development keys.
#[derive(Debug)]
pub(super) struct Committees {
    secrets: Vec<U256>,
    pubkeys: Vec<PublicKey>,
}

impl Committees {
    pub(super) fn new() -> Result<Self> {
        let secrets: Vec<U256> = (0..VALIDATORS)
            .map(|index| {
                let seed = format!("heliotrope public development key {index}");
                U256::from_be_bytes::<32>(Sha256::digest(seed).into()).reduce_mod(ORDER)
            })
            .collect();
        let pubkeys = secrets
            .iter()
            .map(|secret| Ok(secret_key(*secret)?.sk_to_pk()))
            .collect::<Result<_>>()?;
        Ok(Self { secrets, pubkeys })
    }

    fn members(period: u64) -> impl Iterator<Item = usize> {
        let first = usize::try_from(period).unwrap_or(0).wrapping_mul(ROTATION);
        (0..SYNC_COMMITTEE_SIZE).map(move |member| first.wrapping_add(member) % VALIDATORS)
    }

    /// The committee of a period.
    pub(super) fn committee(&self, period: u64) -> Result<SyncCommittee> {
        let members: Vec<&PublicKey> =
            Self::members(period).filter_map(|index| self.pubkeys.get(index)).collect();
        let aggregate =
            AggregatePublicKey::aggregate(&members, false).map_err(|e| anyhow!("{e:?}"))?;
        Ok(SyncCommittee {
            pubkeys: members.iter().map(|key| key.compress()).collect(),
            aggregate_pubkey: aggregate.to_public_key().compress(),
        })
    }

    /// The committee's aggregate signature, in a block at `slot`. One signature by the sum of the secret keys is the sum of
    /// the signatures.
    pub(super) fn sign(&self, period: u64, slot: u64, message: &[u8; 32]) -> Result<SyncAggregate> {
        let absent = slot
            .is_multiple_of(ABSENCE_SLOTS)
            .then(|| usize::try_from(slot / ABSENCE_SLOTS).unwrap_or(0) % SYNC_COMMITTEE_SIZE);
        let mut bits = vec![0u8; SYNC_COMMITTEE_SIZE / 8];
        let mut sum = U256::ZERO;
        for (member, index) in Self::members(period).enumerate() {
            if Some(member) == absent {
                continue;
            }
            bits[member / 8] |= 1 << (member % 8);
            sum = sum.add_mod(self.secrets[index], ORDER);
        }
        let signature = secret_key(sum)?.sign(message, DST, &[]);
        Ok(SyncAggregate {
            sync_committee_bits: bits,
            sync_committee_signature: signature.compress(),
        })
    }
}

fn secret_key(scalar: U256) -> Result<SecretKey> {
    SecretKey::from_bytes(&scalar.to_be_bytes::<32>()).map_err(|e| anyhow!("secret key: {e:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use heliotrope_verifier::chains::ethereum::{
        fast_aggregate_verify, verify_sync_committee_signature,
    };

    #[test]
    fn sum_of_keys_signs_for_all_present() {
        let committees = Committees::new().unwrap();
        let committee = committees.committee(3).unwrap();
        for slot in [5, 6] {
            let signed = committees.sign(3, slot, &[7; 32]).unwrap();
            let bits: Vec<bool> = signed.participation().collect();
            let signature = &signed.sync_committee_signature;
            verify_sync_committee_signature(&committee, &bits, &[7; 32], signature).unwrap();
            let present = committee.pubkeys.iter().zip(&bits).filter(|(_, bit)| **bit);
            fast_aggregate_verify(present.map(|(key, _)| key), &[7; 32], signature).unwrap();
            assert!(
                verify_sync_committee_signature(&committee, &bits, &[8; 32], signature).is_err()
            );
        }
    }
}
