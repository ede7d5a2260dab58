//! A network's parameters as `network.json` spells them, and those that are built in: mainnet, Sepolia and Hoodi.
//!
//! The file is untrusted where it comes from a gateway: a wrong value makes proofs fail, because the
//! checkpoint's descendants were signed under the true fork versions and genesis root. What it can
//! *not* be trusted with is the checkpoint itself; see [`crate::checkpoint`].

use alloy_primitives::{Address, B256, FixedBytes};
use heliotrope_verifier::{
    chains::ethereum::{BlobParameters, ChainSpec, Fork, ForkActivation, Preset},
    consensus::UnixSeconds,
};
use serde::{Deserialize, Serialize};

/// Networks that need no file, in the file's own format.
const BUILT_IN: [(&str, &str); 3] = [
    ("mainnet", include_str!("../networks/mainnet.json")),
    ("sepolia", include_str!("../networks/sepolia.json")),
    ("hoodi", include_str!("../networks/hoodi.json")),
];

/// A chain to follow.
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
    /// Fork schedule.
    pub forks: Vec<NetworkFork>,
    /// `BLOB_SCHEDULE`, which is part of the fork digests from Fulu on (EIP-7892).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blob_schedule: Vec<NetworkBlobs>,
    /// Beacon block root that this carrier says to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<B256>,
    /// Independent Beacon APIs that are asked which checkpoint to start from.
    #[serde(default)]
    pub checkpoint_sources: Vec<String>,
    /// Whether this is a development chain, whose keys are public.
    #[serde(default)]
    pub dev: bool,
}

/// A chain, and what of ours is deployed on it: what a gateway serves as `network.json`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DeployedNetwork {
    /// The chain.
    #[serde(flatten)]
    pub network: Network,
    /// Where the contracts are.
    pub contracts: NetworkContracts,
    /// keccak256 of the check's name.
    pub check_id: B256,
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

/// One entry of the blob schedule.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NetworkBlobs {
    /// First epoch.
    pub epoch: u64,
    /// `MAX_BLOBS_PER_BLOCK`.
    pub max_blobs_per_block: u64,
}

/// Contract addresses: three that every proof needs, and those of the set that a network may have beside them.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct NetworkContracts {
    /// `DeviceRegistry`.
    pub device_registry: Address,
    /// `CheckRegistry`.
    pub check_registry: Address,
    /// `SettlementLedger`.
    pub settlement_ledger: Address,
    /// `AccessManager`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_manager: Option<Address>,
    /// `TimelockController`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timelock: Option<Address>,
    /// `HeliotropeGovernor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<Address>,
    /// `DisputeGame`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute_game: Option<Address>,
    /// `GatewayQuorum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_quorum: Option<Address>,
    /// `ServiceToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_token: Option<Address>,
    /// `PriceFeed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_feed: Option<Address>,
    /// `ServiceCredits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_credits: Option<Address>,
    /// `RewardSchedule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward_schedule: Option<Address>,
    /// `RewardDistributor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward_distributor: Option<Address>,
    /// `RewardReserve`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward_reserve: Option<Address>,
    /// `ServiceLevel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_level: Option<Address>,
    /// `HexEscrow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex_escrow: Option<Address>,
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
    /// No network of that name.
    #[error(
        "network {got:?}: neither a file nor built in; built in are mainnet, sepolia and hoodi"
    )]
    Unknown {
        /// What was asked for.
        got: String,
    },
    /// A schedule or slot length that cannot be.
    #[error("{0}")]
    Spec(String),
}

impl DeployedNetwork {
    /// Decodes `network.json`.
    ///
    /// # Errors
    ///
    /// When it is not JSON of this shape.
    pub fn from_json(bytes: &[u8]) -> Result<Self, NetworkError> {
        serde_json::from_slice(bytes).map_err(|e| NetworkError::Json(e.to_string()))
    }
}

impl Network {
    /// One that needs no file: `mainnet`, `sepolia` or `hoodi`.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub fn built_in(name: &str) -> Result<Self, NetworkError> {
        let known = BUILT_IN.iter().find(|(known, _)| *known == name);
        let (_, json) = known.ok_or_else(|| NetworkError::Unknown { got: name.to_owned() })?;
        Self::from_json(json.as_bytes())
    }

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
            self.blob_schedule.iter().map(NetworkBlobs::parameters).collect(),
        )
        .map_err(|e| NetworkError::Spec(e.to_string()))
    }

    /// The genesis fork version, all zero where the schedule begins with Altair.
    fn phase0_version(&self) -> [u8; 4] {
        self.forks.iter().find(|f| f.name == "phase0").map_or([0; 4], |f| f.version.0)
    }
}

impl NetworkBlobs {
    const fn parameters(&self) -> BlobParameters {
        BlobParameters { epoch: self.epoch, max_blobs_per_block: self.max_blobs_per_block }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_a_network() {
        for (name, _) in BUILT_IN {
            let network = Network::built_in(name).unwrap();
            assert_eq!(network.name, name);
            network.chain_spec().unwrap();
        }
        assert_eq!(Network::built_in("mainnet").unwrap().chain_spec(), Ok(ChainSpec::mainnet()));
        assert!(Network::built_in("ropsten").is_err());
    }

    #[test]
    fn fork_digests_that_are_known() {
        // as Lodestar's configuration of these networks computes them
        for (name, epoch, expected) in [
            ("mainnet", 411_392, 0xcc2c_5cdb_u32),
            ("mainnet", 412_672, 0xcb0d_1acc),
            ("mainnet", 419_072, 0x8c9f_62fe),
            ("sepolia", 50, 0x6072_5ca1),
            ("sepolia", 222_464, 0x1404_5b5a),
            ("sepolia", 272_640, 0x7e0d_3447),
            ("sepolia", 275_712, 0x74d0_1459),
            ("hoodi", 2_048, 0x8255_6a32),
            ("hoodi", 50_688, 0xe2ab_cca4),
            ("hoodi", 52_480, 0xae9f_70a0),
            ("hoodi", 54_016, 0xc6ec_b76c),
        ] {
            let spec = Network::built_in(name).unwrap().chain_spec().unwrap();
            let digest = spec.compute_fork_digest_at_epoch(epoch);
            assert_eq!(digest, expected.to_be_bytes(), "{name} at epoch {epoch}");
        }
    }

    #[test]
    fn contracts_are_beside_the_chain() {
        let chain = serde_json::to_value(Network::built_in("hoodi").unwrap()).unwrap();
        let mut json = chain.clone();
        assert!(DeployedNetwork::from_json(json.to_string().as_bytes()).is_err());
        let address = Address::repeat_byte(1);
        json["contracts"] = serde_json::json!({
            "device_registry": address, "check_registry": address, "settlement_ledger": address,
        });
        json["check_id"] = B256::ZERO.to_string().into();
        let deployed = DeployedNetwork::from_json(json.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&deployed).unwrap(), json);
        assert_eq!(serde_json::to_value(&deployed.network).unwrap(), chain);
        assert_eq!(deployed.contracts.governor, None);
        json["contracts"]["governor"] = serde_json::json!(address);
        let deployed = DeployedNetwork::from_json(json.to_string().as_bytes()).unwrap();
        assert_eq!(deployed.contracts.governor, Some(address));
        assert_eq!(serde_json::to_value(&deployed).unwrap(), json);
    }
}
