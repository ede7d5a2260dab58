//! What a call can see of the block it runs in.

use alloy_primitives::{Address, B256, U256};
use heliotrope_verifier::chains::ethereum::{ChainSpec, Fork};
use revm::{
    context::{BlockEnv, CfgEnv},
    primitives::hardfork::SpecId,
};

/// Header fields of the block on whose state a call runs. All of them are in a proven header.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BlockContext {
    /// Height.
    pub number: u64,
    /// Unix seconds.
    pub timestamp: u64,
    /// Fee recipient.
    pub coinbase: Address,
    /// `mixHash` of the header (EIP-4399).
    pub prev_randao: B256,
    /// Wei per gas (EIP-1559).
    pub base_fee: u64,
    /// Gas that the block may use.
    pub gas_limit: u64,
    /// EIP-4844; `None` before Cancun.
    pub excess_blob_gas: Option<u64>,
    /// EIP-4844's `BLOB_BASE_FEE_UPDATE_FRACTION`, which EIP-7892 changes between forks; `None` is
    /// the fork's own. See [`blob_base_fee_update_fraction`].
    pub blob_base_fee_update_fraction: Option<u64>,
}

impl BlockContext {
    pub(crate) fn environment(&self, cfg: &CfgEnv) -> BlockEnv {
        let mut block = BlockEnv {
            number: U256::from(self.number),
            beneficiary: self.coinbase,
            timestamp: U256::from(self.timestamp),
            gas_limit: self.gas_limit,
            basefee: self.base_fee,
            difficulty: U256::ZERO,
            prevrandao: Some(self.prev_randao),
            blob_excess_gas_and_price: None,
            slot_num: 0,
        };
        // A block without the field is one before Cancun, where nothing can read it.
        block.set_blob_excess_gas_and_price(
            self.excess_blob_gas.unwrap_or_default(),
            self.blob_base_fee_update_fraction
                .unwrap_or_else(|| cfg.blob_base_fee_update_fraction()),
        );
        block
    }
}

/// Execution rules of the block that a chain makes at `timestamp` (Unix seconds): consensus and
/// execution fork together since the merge.
#[must_use]
pub fn spec_at(chain: &ChainSpec, timestamp: u64) -> SpecId {
    match chain.fork_at_slot(slot_at(chain, timestamp)) {
        Fork::Phase0 | Fork::Altair | Fork::Bellatrix => SpecId::MERGE,
        Fork::Capella => SpecId::SHANGHAI,
        Fork::Deneb => SpecId::CANCUN,
        Fork::Electra => SpecId::PRAGUE,
        Fork::Fulu => SpecId::OSAKA,
        Fork::Gloas => SpecId::AMSTERDAM,
    }
}

/// The update fraction at `timestamp`, `None` before Osaka.
///
/// The execution clients' schedules hold 5,007,716 for at most 9 blobs a block, 8,346,193 for 15
/// and 11,684,671 for 21 (EIP-7691, EIP-7892): always the first, in proportion, rounded.
#[must_use]
pub fn blob_base_fee_update_fraction(chain: &ChainSpec, timestamp: u64) -> Option<u64> {
    const BLOBS: u64 = 9;
    const FRACTION: u64 = 5_007_716;
    let slot = slot_at(chain, timestamp);
    if chain.fork_at_slot(slot) < Fork::Fulu {
        return None;
    }
    let epoch = chain.preset().compute_epoch_at_slot(slot);
    let most = chain.blob_parameters(epoch).max_blobs_per_block;
    let doubled = most.saturating_mul(FRACTION).saturating_mul(2).saturating_add(BLOBS);
    Some(doubled.div_euclid(BLOBS.saturating_mul(2)).max(1))
}

fn slot_at(chain: &ChainSpec, timestamp: u64) -> u64 {
    chain.current_slot(heliotrope_verifier::consensus::UnixSeconds(timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Activation times of mainnet's execution forks, from their EIPs.
    #[test]
    fn mainnet_forks_when_the_eips_say() {
        let chain = ChainSpec::mainnet();
        let table = [
            (1_681_338_455, SpecId::MERGE, SpecId::SHANGHAI),
            (1_710_338_135, SpecId::SHANGHAI, SpecId::CANCUN),
            (1_746_612_311, SpecId::CANCUN, SpecId::PRAGUE),
            (1_764_798_551, SpecId::PRAGUE, SpecId::OSAKA),
        ];
        for (time, before, after) in table {
            assert_eq!(spec_at(&chain, time - 1), before);
            assert_eq!(spec_at(&chain, time), after);
        }
    }

    #[test]
    fn blob_fractions_are_those_of_the_schedule() {
        let chain = ChainSpec::mainnet();
        let at = |epoch: u64| chain.slot_start(epoch * 32).0;
        assert_eq!(blob_base_fee_update_fraction(&chain, at(411_391)), None);
        assert_eq!(blob_base_fee_update_fraction(&chain, at(411_392)), Some(5_007_716));
        assert_eq!(blob_base_fee_update_fraction(&chain, at(412_672)), Some(8_346_193));
        assert_eq!(blob_base_fee_update_fraction(&chain, at(419_072)), Some(11_684_671));
    }
}
