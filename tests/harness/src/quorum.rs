//! The quorum of bonded gateways that decides disputes about verdicts, on the development chain.

use alloy::{
    network::EthereumWallet,
    providers::{Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::U256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::abi::IGatewayQuorum;

use crate::{
    contract_set::GATEWAY_BOND,
    deploy::{Deployment, Mine, receipt},
};

/// anvil's next accounts: gateways that re-run modules. Everybody has their keys.
pub const QUORUM_KEYS: [&str; 3] = [
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
];
/// anvil's fifth account: who challenges.
pub const CHALLENGER_KEY: &str =
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a";
/// Seconds that gateways must have been bonded before a dispute that they may vote in, and an hour:
/// `GatewayQuorum.WARM_UP`.
pub const WARM_UP_S: u64 = 7 * 86_400 + 3_600;
/// Lets the gateways join: they vote on disputes that begin after their warm-up.
pub async fn join(rpc: &str, chain: &impl Mine, deployment: &Deployment) -> Result<()> {
    let quorum = deployment.contracts.gateway_quorum.context("no quorum is deployed")?;
    for key in QUORUM_KEYS {
        let signer: PrivateKeySigner = key.parse()?;
        let wallet = EthereumWallet::from(signer);
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(rpc.parse()?).erased();
        let quorum = IGatewayQuorum::new(quorum, &provider);
        let sent = *quorum.join().value(U256::from(GATEWAY_BOND)).send().await?.tx_hash();
        chain.mine().await?;
        ensure!(receipt(&provider, sent).await?.status(), "joining the quorum was reverted");
    }
    Ok(())
}
