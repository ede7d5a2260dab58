//! A network's parameters as `network.json` spells them.
//!
//! The file is untrusted where it comes from a gateway: a wrong value makes proofs fail, because the
//! checkpoint's descendants were signed under the true fork versions and genesis root. What it can
//! *not* be trusted with is the checkpoint itself; see [`crate::checkpoint`].

use alloy_primitives::{Address, B256, FixedBytes};
use heliotrope_verifier::{
    chains::ethereum::{ChainSpec, Fork, ForkActivation, Preset},
    consensus::UnixSeconds,
};
use serde::{Deserialize, Serialize};

/// `network.json`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Network {
    /// For people.
    pub name: String,
    /// EIP-155 chain id of the execution chain.
    pub chain_id: u64,
    /// `mainnet` or `minimal`.
    pub preset: String,
    /// Unix seconds.
    pub genesis_time: u64,
    /// Root of the genesis validators.
    pub genesis_validators_root: B256,
    /// Seconds.
    pub seconds_per_slot: u64,
    /// Fork schedule from Altair on.
    pub forks: Vec<NetworkFork>,
    /// Beacon block root that this carrier says to start from.
    pub checkpoint: B256,
    /// Independent places that serve `/checkpointz/v1/checkpoint`.
    pub checkpoint_sources: Vec<String>,
    /// Where the contracts are.
    pub contracts: NetworkContracts,
    /// keccak256 of the check's name.
    pub check_id: B256,
    /// Whether this is a development chain, whose keys are public.
    #[serde(default)]
    pub dev: bool,
}

/// One entry of the fork schedule.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NetworkFork {
    /// Lower-case name, such as `electra`.
    pub name: String,
    /// Fork version.
    pub version: FixedBytes<4>,
    /// First epoch.
    pub epoch: u64,
}

/// Contract addresses.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NetworkContracts {
    /// `DeviceRegistry`.
    pub device_registry: Address,
    /// `CheckRegistry`.
    pub check_registry: Address,
    /// `SettlementLedger`.
    pub settlement_ledger: Address,
}

/// `network.json` does not describe a network.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Not JSON of this shape.
    #[error("network description: {0}")]
    Json(String),
    /// Unknown preset.
    #[error("preset: got {got:?}, expected \"mainnet\" or \"minimal\"")]
    Preset {
        /// What it said.
        got: String,
    },
    /// Unknown fork.
    #[error("fork schedule: unknown fork {got:?}")]
    Fork {
        /// What it said.
        got: String,
    },
    /// A schedule or slot length that cannot be.
    #[error("{0}")]
    Spec(String),
}

impl Network {
    /// Decodes `network.json`.
    ///
    /// # Errors
    ///
    /// When it is not JSON of this shape.
    pub fn from_json(bytes: &[u8]) -> Result<Self, NetworkError> {
        serde_json::from_slice(bytes).map_err(|e| NetworkError::Json(e.to_string()))
    }

    /// The parameters that the rules need.
    ///
    /// # Errors
    ///
    /// When a name is unknown or the schedule is out of order.
    pub fn chain_spec(&self) -> Result<ChainSpec, NetworkError> {
        let preset = Preset::from_name(&self.preset)
            .ok_or_else(|| NetworkError::Preset { got: self.preset.clone() })?;
        let mut forks =
            vec![ForkActivation { fork: Fork::Phase0, version: self.phase0_version(), epoch: 0 }];
        for entry in &self.forks {
            let fork = Fork::from_name(&entry.name)
                .ok_or_else(|| NetworkError::Fork { got: entry.name.clone() })?;
            if fork != Fork::Phase0 {
                forks.push(ForkActivation { fork, version: entry.version.0, epoch: entry.epoch });
            }
        }
        ChainSpec::from_parts(
            preset,
            UnixSeconds(self.genesis_time),
            self.genesis_validators_root,
            self.seconds_per_slot.saturating_mul(1000),
            forks,
            Vec::new(),
        )
        .map_err(|e| NetworkError::Spec(e.to_string()))
    }

    /// The genesis fork version, all zero where the schedule begins with Altair.
    fn phase0_version(&self) -> [u8; 4] {
        self.forks.iter().find(|f| f.name == "phase0").map_or([0; 4], |f| f.version.0)
    }
}
