//! What rewards are made of, read at a proven block: the schedule's rate, who owns a device, and what a lane's stream
//! has paid out of.
//!
//! Trusts: the block.

use alloy_primitives::{Address, B256, U256};
use heliotrope_contracts::{
    claimed_slot, device_owner, device_owner_slot,
    reward::{Rate, Stream, rate_count_slot, rate_slots, stream_slots},
    reward_stream,
};

use crate::{
    execution::{ProvenBlock, ReadError, prove_storage},
    platform::Platform,
};

/// Most rates of one check that are looked through.
const MAX_RATES: u64 = 1_000;

/// Where reads of one block go.
#[derive(Clone, Copy, Debug)]
pub struct At<'a, P> {
    /// What fetches.
    pub platform: &'a P,
    /// The carrier.
    pub rpc: &'a str,
    /// The block.
    pub block: &'a ProvenBlock,
}

impl<P: Platform> At<'_, P> {
    async fn words(&self, contract: Address, keys: &[B256]) -> Result<Vec<U256>, ReadError> {
        Ok(prove_storage(self.platform, self.rpc, self.block, contract, keys).await?.values)
    }

    /// What a schedule pays in an epoch; `None` before its first rate.
    ///
    /// # Errors
    /// When the carrier does not answer, or with what is not proven under the block.
    pub async fn rate(
        &self,
        schedule: Address,
        check_id: B256,
        epoch: u64,
    ) -> Result<Option<Rate>, ReadError> {
        let count = self.words(schedule, &[rate_count_slot(check_id)]).await?;
        let count = u64::try_from(count.first().copied().unwrap_or_default()).unwrap_or(u64::MAX);
        if count > MAX_RATES {
            let (address, block) = (schedule, self.block.number);
            let reason = format!("{count} rates, at most {MAX_RATES}");
            return Err(ReadError::NotProven { address, block, reason });
        }
        for version in (1..=count).rev() {
            let words = self.words(schedule, &rate_slots(check_id, version)).await?;
            let rate = words.first_chunk::<2>().map(|words| Rate::from_words(*words));
            if let Some(rate) = rate.filter(|rate| rate.from_epoch <= epoch) {
                return Ok(Some(rate));
            }
        }
        Ok(None)
    }

    /// Who owns each of these devices; zero where nobody registered it.
    ///
    /// # Errors
    /// As [`Self::rate`].
    pub async fn owners(
        &self,
        registry: Address,
        devices: &[[u8; 32]],
    ) -> Result<Vec<Address>, ReadError> {
        let slots: Vec<B256> = devices.iter().map(|id| device_owner_slot(id.into())).collect();
        Ok(self.words(registry, &slots).await?.into_iter().map(device_owner).collect())
    }

    /// What these lanes are paid from.
    ///
    /// # Errors
    /// As [`Self::rate`].
    pub async fn streams(
        &self,
        distributor: Address,
        check_id: B256,
        lanes: &[u32],
    ) -> Result<Vec<Stream>, ReadError> {
        let slots = |lane: &u32| stream_slots(reward_stream(check_id, (*lane).into()));
        let slots: Vec<B256> = lanes.iter().flat_map(slots).collect();
        let words = self.words(distributor, &slots).await?;
        Ok(words.as_chunks::<2>().0.iter().map(|words| Stream::from_words(*words)).collect())
    }

    /// What an account has had of a lane's stream.
    ///
    /// # Errors
    /// As [`Self::rate`].
    pub async fn claimed(
        &self,
        distributor: Address,
        check_id: B256,
        lane: u32,
        account: Address,
    ) -> Result<U256, ReadError> {
        let slot = claimed_slot(reward_stream(check_id, lane.into()), account);
        Ok(self.words(distributor, &[slot]).await?.first().copied().unwrap_or_default())
    }
}
