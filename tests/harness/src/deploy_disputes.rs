//! The dispute game, its verifiers and a quorum of bonded gateways, beside a ledger that is already there
//! (`contracts/script/Deploy.sol`, the part that disputes need).

use std::path::Path;

use alloy::{
    network::{EthereumWallet, TransactionBuilder as _},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol,
    sol_types::SolValue as _,
};
use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::abi::{IDisputeGame, IGatewayQuorum, ISettlementLedger};

use crate::{
    contracts_build::bytecode,
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
/// Wei that a gateway of the quorum puts in.
const GATEWAY_BOND_WEI: u64 = 1_000_000_000_000_000_000;
/// Wei that a challenger puts in.
const CHALLENGE_BOND_WEI: u64 = 100_000_000_000_000_000;
/// Fewest votes that decide.
const QUORUM_FLOOR: u64 = 2;

sol! {
    #[sol(rpc)]
    interface IAccessManaged {
        function authority() external view returns (address);
    }
}

/// Deploys the game, lets the ledger listen to it, and the quorum's gateways join. Needs the right that
/// the deployer has over the ledger's manager.
pub async fn deploy_disputes(
    root: &Path,
    rpc: &str,
    chain: &impl Mine,
    deployment: &Deployment,
) -> Result<()> {
    let contracts = &deployment.contracts;
    let ledger = contracts.settlement_ledger;
    // its own provider: it counts the nonces
    let owner = Sender { root, provider: deployment.provider.clone() };
    let manager = IAccessManaged::new(ledger, &owner.provider).authority().call().await?;
    let arguments = (manager, U256::from(GATEWAY_BOND_WEI), U256::from(QUORUM_FLOOR)).abi_encode();
    let quorum = owner.create(chain, "GatewayQuorum", arguments).await?;
    let arguments = (manager, ledger, quorum, U256::from(CHALLENGE_BOND_WEI)).abi_encode();
    let game = owner.create(chain, "DisputeGame", arguments).await?;
    let ledger_call = ISettlementLedger::new(ledger, &owner.provider);
    let sent = *ledger_call.setDisputeGame(game).send().await?.tx_hash();
    owner.mined(chain, "naming the dispute game", sent).await?;

    let schedule = owner.create(chain, "RewardSchedule", manager.abi_encode()).await?;
    let verifiers = [
        (1, "StorageVerifier", Vec::new()),
        (2, "ReceiptVerifier", Vec::new()),
        (3, "RewardVerifier", (schedule, ledger).abi_encode()),
        (4, "InclusionVerifier", Vec::new()),
        (5, "ModuleVerifier", contracts.check_registry.abi_encode()),
    ];
    let game = IDisputeGame::new(game, &owner.provider);
    for (kind, name, arguments) in verifiers {
        let verifier = owner.create(chain, name, arguments).await?;
        let sent = *game.announce(kind, verifier).send().await?.tx_hash();
        owner.mined(chain, name, sent).await?;
    }
    for key in QUORUM_KEYS {
        let gateway = Sender::new(root, rpc, key)?;
        let quorum = IGatewayQuorum::new(quorum, &gateway.provider);
        let sent = *quorum.join().value(U256::from(GATEWAY_BOND_WEI)).send().await?.tx_hash();
        gateway.mined(chain, "joining the quorum", sent).await?;
    }
    Ok(())
}

/// An account that sends transactions and has them mined.
struct Sender<'a> {
    root: &'a Path,
    provider: DynProvider,
}

impl<'a> Sender<'a> {
    fn new(root: &'a Path, rpc: &str, key: &str) -> Result<Self> {
        let signer: PrivateKeySigner = key.parse()?;
        let wallet = EthereumWallet::from(signer);
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(rpc.parse()?).erased();
        Ok(Self { root, provider })
    }

    async fn create(
        &self,
        chain: &impl Mine,
        contract: &str,
        arguments: Vec<u8>,
    ) -> Result<Address> {
        let mut code = bytecode(self.root, contract)?;
        code.extend_from_slice(&arguments);
        let request = TransactionRequest::default().with_deploy_code(code);
        let sent = *self.provider.send_transaction(request).await?.tx_hash();
        let created = self.mined(chain, contract, sent).await?;
        created.with_context(|| format!("{contract} has no address"))
    }

    /// Has it mined; the contract that it made, if any.
    async fn mined(&self, chain: &impl Mine, what: &str, sent: B256) -> Result<Option<Address>> {
        chain.mine().await?;
        let receipt = receipt(&self.provider, sent).await?;
        ensure!(receipt.status(), "{what} was reverted");
        Ok(receipt.contract_address)
    }
}
