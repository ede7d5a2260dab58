//! Puts the contracts on the development chain, the fleet into the registry and the check under its
//! pin. Blocks are made only when asked for, so everything is sent first and mined together.

use std::{path::Path, time::Duration};

use alloy::{
    network::EthereumWallet,
    providers::{DynProvider, Provider as _, ProviderBuilder},
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, U256};
use anyhow::{Result, bail, ensure};
use heliotrope_contracts::{
    abi::{ICheckRegistry, IDeviceRegistry},
    check_id,
};
use heliotrope_light_client::network::NetworkContracts;

use crate::contract_set::{self, ContractSet};

/// anvil's first account. Its key is printed in anvil's documentation: everybody has it.
pub const DEVELOPMENT_KEY: &str =
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// Devices registered in one transaction, about 9 M gas.
const REGISTRATIONS_PER_TRANSACTION: usize = 100;
/// How often, and after which pauses, a receipt is asked for.
const RECEIPT_TRIES: u32 = 100;
const RECEIPT_PAUSE: Duration = Duration::from_millis(20);
/// `deadline` of registrations, far beyond any demo.
const NO_DEADLINE: u64 = u64::MAX;

/// A device as it is registered.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Public key, the network's binary form.
    pub public_key: Vec<u8>,
    /// H3 index, resolution 12.
    pub cell: u64,
    /// Tenths of dBi.
    pub gain_ddbi: i16,
    /// Metres.
    pub elevation_m: i16,
    /// Upstream's region number.
    pub region: u8,
    /// Who owns it. A device whose key the EVM cannot check belongs to whoever registers it.
    pub owner: Address,
}

/// The development chain's contracts and the account that deployed them.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Where the contracts are.
    pub contracts: NetworkContracts,
    pub(crate) provider: DynProvider,
    owner: Address,
}

/// Makes blocks until what was sent is in one.
pub trait Mine {
    /// Makes one block.
    fn mine(&self) -> impl Future<Output = Result<()>>;
}

impl Deployment {
    /// Deploys the contracts. The deployer has every right until [`Deployment::hand_over`].
    pub async fn deploy(root: &Path, rpc: &str, check: &str, chain: &impl Mine) -> Result<Self> {
        let signer: PrivateKeySigner = DEVELOPMENT_KEY.parse()?;
        let owner = signer.address();
        let provider = ProviderBuilder::new()
            .wallet(EthereumWallet::from(signer))
            .connect_http(rpc.parse()?)
            .erased();
        let check_id = check_id(check);
        let set = ContractSet { root, provider: &provider, owner, check_id, chain };
        let contracts = set.deploy().await?;
        Ok(Self { contracts, provider, owner })
    }

    /// From now on only what is voted for and has waited in the timelock changes anything.
    pub async fn hand_over(&self, chain: &impl Mine) -> Result<()> {
        contract_set::hand_over(&self.provider, self.owner, &self.contracts, chain).await
    }

    /// Whoever deployed, and votes.
    #[must_use]
    pub const fn owner(&self) -> Address {
        self.owner
    }

    /// A connection that signs for the owner.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// Pins the first version of a check, active at once.
    pub async fn pin(
        &self,
        check: &str,
        module_hash: B256,
        params_hash: B256,
        chain: &impl Mine,
    ) -> Result<()> {
        let registry = ICheckRegistry::new(self.contracts.check_registry, &self.provider);
        let call = registry.pin(check_id(check), module_hash, params_hash, 1, 0);
        let pending = call.send().await?;
        chain.mine().await?;
        let receipt = receipt(&self.provider, *pending.tx_hash()).await?;
        ensure!(receipt.status(), "pinning {check} was reverted");
        Ok(())
    }

    /// Registers a fleet. `sign` gives the device's own proof, `abi.encode(r, s, y)`, over a digest,
    /// or nothing where the EVM cannot check the key.
    pub async fn register(
        &self,
        devices: &[NewDevice],
        sign: impl Fn(usize, B256) -> Option<Vec<u8>>,
        chain: &impl Mine,
    ) -> Result<()> {
        let registry = IDeviceRegistry::new(self.contracts.device_registry, &self.provider);
        let mut pending = Vec::new();
        for (batch, chunk) in devices.chunks(REGISTRATIONS_PER_TRANSACTION).enumerate() {
            let mut registrations = Vec::with_capacity(chunk.len());
            for (place, device) in chunk.iter().enumerate() {
                let mut registration = self.registration(device);
                let index = batch * REGISTRATIONS_PER_TRANSACTION + place;
                if sign(index, B256::ZERO).is_some() {
                    let digest = registry.registrationDigest(registration.clone()).call().await?;
                    registration.proof = sign(index, digest).unwrap_or_default().into();
                }
                registrations.push(registration);
            }
            pending.push(*registry.registerBatch(registrations).send().await?.tx_hash());
            chain.mine().await?;
        }
        for transaction in pending {
            let receipt = receipt(&self.provider, transaction).await?;
            ensure!(receipt.status(), "a registration was reverted");
        }
        Ok(())
    }

    fn registration(&self, device: &NewDevice) -> IDeviceRegistry::Registration {
        IDeviceRegistry::Registration {
            publicKey: device.public_key.clone().into(),
            owner: device.owner,
            cell: device.cell,
            gainDdbi: device.gain_ddbi,
            elevationM: device.elevation_m,
            region: device.region,
            metadataHash: B256::ZERO,
            deadline: U256::from(NO_DEADLINE),
            proof: Vec::new().into(),
        }
    }
}

/// The receipt of a transaction that is in a block. The library's own waiting needs further blocks to
/// wake up, and here none is made until somebody asks.
pub async fn receipt(provider: &DynProvider, transaction: B256) -> Result<TransactionReceipt> {
    for _ in 0..RECEIPT_TRIES {
        if let Some(receipt) = provider.get_transaction_receipt(transaction).await? {
            return Ok(receipt);
        }
        tokio::time::sleep(RECEIPT_PAUSE).await;
    }
    bail!("transaction {transaction} is in no block")
}
