//! What the schedule pays for a check in an epoch, read at a proven block.
//!
//! Trusts: the block. A rate that is announced for later epochs is not this epoch's.

use alloy_primitives::U256;
use heliotrope_contracts::reward::{Rate, rate_count_slot, rate_slots};

use crate::{
    execution::{ProvenBlock, ReadError, prove_storage},
    network::DeployedNetwork,
    platform::Platform,
};

/// Most rates of one check that are looked through.
const MAX_RATES: u64 = 1_000;

/// The rate of the network's check in an epoch; `None` where there is no schedule, or no rate holds yet.
///
/// # Errors
/// When the carrier does not answer, or with what is not proven under the block.
pub async fn prove_rate<P: Platform>(
    platform: &P,
    rpc: &str,
    block: &ProvenBlock,
    deployed: &DeployedNetwork,
    epoch: u64,
) -> Result<Option<Rate>, ReadError> {
    let Some(schedule) = deployed.contracts.reward_schedule else { return Ok(None) };
    let check_id = deployed.check_id;
    let slot = rate_count_slot(check_id);
    let count = prove_storage(platform, rpc, block, schedule, &[slot]).await?.values;
    let count = u64::try_from(count.first().copied().unwrap_or_default()).unwrap_or(u64::MAX);
    if count > MAX_RATES {
        let reason = format!("{count} rates, at most {MAX_RATES}");
        return Err(ReadError::NotProven { address: schedule, block: block.number, reason });
    }
    for number in (1..=count).rev() {
        let slots = rate_slots(check_id, number);
        let words: Vec<U256> = prove_storage(platform, rpc, block, schedule, &slots).await?.values;
        let rate = words.first_chunk::<2>().map(|words| Rate::from_words(*words));
        if let Some(rate) = rate.filter(|rate| rate.from_epoch <= epoch) {
            return Ok(Some(rate));
        }
    }
    Ok(None)
}
