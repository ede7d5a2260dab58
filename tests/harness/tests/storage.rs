//! Possession of data, end to end: a real chain, a contract with the layout of `PDPVerifier`, a prover, and the
//! pinned module on words that are proven against a block's state root.
//!
//! The drand network is our own (there is none offline); published rounds of the real one are in the suite
//! `pdp`. Skipped, saying so, where the contracts' npm packages are not installed.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use alloy::{
    network::{EthereumWallet, TransactionBuilder as _},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_checks::storage_pdp;
use heliotrope_device_proofs::abi::{CheckInput, CheckOutput, Fact, Verdict};
use heliotrope_device_proofs::calldata::ProvePossession;
use heliotrope_device_proofs::pdp::{Layout, PdpParams, PossessionProof};
use heliotrope_device_proofs::piece::PieceCid;
use heliotrope_harness::{
    checks_build::build_checks,
    command::workspace_root,
    contracts_build::{self, bytecode, packages_are_there, tool},
    deploy::{DEVELOPMENT_KEY, receipt},
    pdp::{DataSet, IPossessionVerifier, OwnDrand, PieceTree},
    process::{Process, free_port},
};
use heliotrope_host::{CheckModule, Host, HostConfig};
use heliotrope_verifier::proofs::eip1186::{verify_account, verify_storage};

const CHAIN_ID: u64 = 31_337;
const CHALLENGES: u64 = 5;
const PIECES: u64 = 13;
/// Gone before the challenge: its id stays and its leaves do not. Its node of the sum tree holds another piece too:
/// anvil keeps a word that became zero in its trie, which no chain does and the verifier refuses.
const REMOVED: usize = 5;

struct Stage {
    _anvil: Process,
    provider: DynProvider,
    verifier: Address,
    drand: OwnDrand,
    params: PdpParams,
    module: CheckModule,
}

impl Stage {
    async fn start() -> Result<Option<Self>> {
        let root = workspace_root();
        if !packages_are_there(&root) {
            return Ok(None);
        }
        let port = free_port()?;
        let mut command = Command::new(tool(&root, "anvil"));
        command.args(["--host", "127.0.0.1", "--silent", "--port", &port.to_string()]);
        let logs = root.join("target/heliotrope/tests/storage");
        let mut anvil = Process::start("anvil", &mut command, &logs)?;
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            anvil.check()?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let signer: PrivateKeySigner = DEVELOPMENT_KEY.parse()?;
        let provider = ProviderBuilder::new()
            .wallet(EthereumWallet::from(signer))
            .connect_http(format!("http://127.0.0.1:{port}").parse()?)
            .erased();
        contracts_build::build(&root)?;
        let built = build_checks(&root, &root.join("target/heliotrope/checks"))?;
        let code = bytecode(&root, "PossessionVerifier")?;
        let request = TransactionRequest::default().with_deploy_code(code);
        let sent = *provider.send_transaction(request).await?.tx_hash();
        let verifier = receipt(&provider, sent).await?.contract_address.context("no address")?;
        let check = built.iter().find(|check| check.name == "storage-pdp").context("module")?;
        let wasm = std::fs::read(&check.path)?;
        let module = Host::new(HostConfig::default())?.load(&wasm, &check.sha256)?;
        let drand = OwnDrand::new([42; 32])?;
        let params = PdpParams {
            verifier: verifier.into_array(),
            chain_id: CHAIN_ID,
            genesis_s: 1_790_000_000,
            drand: drand.chain(),
            ..PdpParams::filecoin_mainnet()
        };
        Ok(Some(Self { _anvil: anvil, provider, verifier, drand, params, module }))
    }

    fn contract(&self) -> IPossessionVerifier::IPossessionVerifierInstance<&DynProvider> {
        IPossessionVerifier::new(self.verifier, &self.provider)
    }

    async fn mined(&self, transaction: B256) -> Result<()> {
        let receipt = receipt(&self.provider, transaction).await?;
        ensure!(receipt.status(), "transaction {transaction} was reverted");
        Ok(())
    }

    /// A data set with pieces of several heights, one of them removed again, and its challenge.
    async fn data_set(&self, layout: Layout) -> Result<(DataSet, u64)> {
        let contract = self.contract();
        let set_id = contract.nextDataSetId().call().await?;
        self.mined(*contract.createDataSet().send().await?.tx_hash()).await?;
        let payload =
            |id: u64| (0..100 + 911 * id).map(|n| (n * 31 + id) as u8).collect::<Vec<_>>();
        let trees = (0..PIECES).map(|id| PieceTree::new(&payload(id)));
        let mut pieces: Vec<_> = trees.map(|tree| tree.map(Some)).collect::<Result<_>>()?;
        let cid =
            |piece: &PieceTree| IPossessionVerifier::Cid { data: piece.cid().encode().into() };
        let cids = pieces.iter().flatten().map(cid).collect();
        let set = U256::from(set_id);
        self.mined(*contract.addPieces(set, cids).send().await?.tx_hash()).await?;
        let removed = U256::from(REMOVED);
        self.mined(*contract.removePiece(set, removed).send().await?.tx_hash()).await?;
        pieces[REMOVED] = None;
        let data_set = DataSet { set_id, layout, pieces };
        let epoch = self.provider.get_block_number().await? + 6;
        let period = contract.nextProvingPeriod(set, U256::from(epoch));
        self.mined(*period.send().await?.tx_hash()).await?;
        let range = contract.challengeRange(set).call().await?;
        ensure!(range == U256::from(data_set.leaf_count()), "challenge range {range}");
        Ok((data_set, epoch))
    }

    async fn prove(&self, data_set: &DataSet, epoch: u64) -> Result<PossessionProof> {
        let beacon = self.drand.beacon(self.params.round_of(epoch).context("round")?);
        let digest = U256::from_be_bytes(storage_pdp::seed(&beacon.signature));
        let set_beacon = self.contract();
        let set_beacon = set_beacon.setBeacon(U256::from(epoch), digest);
        self.mined(*set_beacon.send().await?.tx_hash()).await?;
        data_set.prove(epoch, beacon, CHALLENGES)
    }

    /// Whether the contract takes the calldata.
    async fn contract_accepts(&self, calldata: &[u8]) -> bool {
        let owner = self.contract();
        let from = DEVELOPMENT_KEY.parse::<PrivateKeySigner>().map(|signer| signer.address());
        let call = TransactionRequest::default()
            .with_to(*owner.address())
            .with_from(from.unwrap_or_default())
            .with_input(calldata.to_vec());
        self.provider.call(call).await.is_ok()
    }

    /// The words that the module asks for, each proven against the state root of the latest block.
    async fn proven_facts(&self, evidence: &PossessionProof) -> Result<Vec<Fact>> {
        let plan = self.module.plan(&evidence.encode(), &self.params.encode())?;
        let keys: Vec<B256> = plan.0.iter().map(|query| query.key.into()).collect();
        let block = self.provider.get_block_number().await?;
        let header =
            self.provider.get_block_by_number(block.into()).await?.context("block")?.header;
        ensure!(header.inner.hash_slow() == header.hash, "the header is not the block's");
        let proof = self.provider.get_proof(self.verifier, keys).number(block).await?;
        let account = verify_account(header.state_root, self.verifier, &proof.account_proof)?;
        let root = account.context("the contract is not there")?.storage_root;
        ensure!(proof.storage_proof.len() == plan.0.len(), "as many proofs as words");
        let facts = plan.0.iter().zip(&proof.storage_proof).map(|(query, slot)| {
            let value = verify_storage(root, query.key.into(), &slot.proof)?;
            let (address, key, value) = (query.address, query.key, value.to_be_bytes());
            Ok(Fact { chain_id: CHAIN_ID, block, address, key, value })
        });
        facts.collect()
    }

    fn judge(&self, evidence: &PossessionProof, facts: Vec<Fact>) -> Result<CheckOutput> {
        let input = CheckInput {
            module_hash: [0; 32],
            evidence: evidence.encode(),
            facts,
            params: self.params.encode(),
            now_s: 0,
        };
        let bytes = self.module.check(&input.encode())?;
        let output = CheckOutput::decode(&bytes)?;
        ensure!(storage_pdp::check(&input.encode())? == output, "native and wasm differ");
        Ok(output)
    }
}

/// The evidence with one leaf, one path or one piece id spoilt, and all that the contract sees of it.
fn spoilt(honest: &PossessionProof) -> Result<Vec<PossessionProof>> {
    let call = ProvePossession::decode(&honest.calldata)?;
    let mut out = Vec::new();
    for place in 0..call.proofs.len() {
        let mut leaf = call.clone();
        leaf.proofs[place].leaf[9] ^= 1;
        let mut sibling = call.clone();
        sibling.proofs[place].proof[0][31] ^= 1;
        let mut short = call.clone();
        short.proofs[place].proof.pop();
        for call in [leaf, sibling, short] {
            out.push(PossessionProof { calldata: call.encode(), ..honest.clone() });
        }
    }
    Ok(out)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_contract_accepts_the_module_passes_and_nothing_else() -> Result<()> {
    let Some(stage) = Stage::start().await? else { return Ok(()) };
    for layout in [Layout::Legacy, Layout::Compact] {
        let (data_set, epoch) = stage.data_set(layout).await?;
        if layout == Layout::Legacy {
            stage.mined(*stage.contract().cutOver().send().await?.tx_hash()).await?;
        }
        let honest = stage.prove(&data_set, epoch).await?;

        // before its epoch, neither takes it
        ensure!(stage.provider.get_block_number().await? < epoch, "the epoch has come");
        let early = stage.judge(&honest, stage.proven_facts(&honest).await?)?;
        assert_eq!(early.verdict, Verdict::Fail);
        assert!(early.outcomes.iter().any(|o| o.rule_id == 2 && o.verdict == Verdict::Fail));
        let () = stage.provider.raw_request("anvil_mine".into(), ("0x6",)).await?;

        assert!(stage.contract_accepts(&honest.calldata).await, "{layout:?}");
        let facts = stage.proven_facts(&honest).await?;
        let output = stage.judge(&honest, facts.clone())?;
        assert_eq!(output.verdict, Verdict::Pass, "{layout:?} {:?}", output.outcomes.last());
        assert_eq!(output.facts_read.len(), facts.len());
        println!("{layout:?}: {} facts, pieces {:?}", facts.len(), honest.piece_ids);

        for evidence in spoilt(&honest)? {
            assert!(!stage.contract_accepts(&evidence.calldata).await);
            assert_eq!(stage.judge(&evidence, facts.clone())?.verdict, Verdict::Fail);
        }

        // the transaction itself; the same proof still stands on the state after it
        let sent = TransactionRequest::default()
            .with_to(stage.verifier)
            .with_input(honest.calldata.clone());
        let sent = *stage.provider.send_transaction(sent).await?.tx_hash();
        let receipt = receipt(&stage.provider, sent).await?;
        assert!(receipt.status());
        let contract = stage.contract();
        let proven = contract.dataSetLastProvenEpoch(U256::from(data_set.set_id));
        assert_eq!(proven.call().await?, U256::from(receipt.block_number.context("block")?));
        let after = stage.judge(&honest, stage.proven_facts(&honest).await?)?;
        assert_eq!(after.verdict, Verdict::Pass);
        assert_eq!(after.replay_key, output.replay_key);
    }
    Ok(())
}

/// Payloads around every boundary, named by `@web3-storage/data-segment` too.
#[test]
fn pieces_are_named_as_an_independent_implementation_names_them() -> Result<()> {
    let conformance = workspace_root().join("tests/conformance");
    if !conformance.join("node_modules/@web3-storage/data-segment").is_dir() {
        println!("skipped: tests/conformance/node_modules is not there, run cargo test-all");
        return Ok(());
    }
    let mut sizes: Vec<usize> = (65..700).step_by(7).collect();
    for blocks in [1, 2, 4, 8, 64, 512] {
        sizes
            .extend([127 * blocks - 1, 127 * blocks, 127 * blocks + 1].iter().filter(|n| **n > 64));
    }
    let payload = |size: &usize| (0..*size).map(|n| (n * n + size) as u8).collect::<Vec<u8>>();
    let payloads: Vec<_> = sizes.iter().map(payload).collect();
    let lines: Vec<_> = payloads.iter().map(hex::encode).collect();
    let mut node = Command::new("node");
    node.arg(conformance.join("piece-cid.mjs")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = node.spawn()?;
    child.stdin.take().context("stdin")?.write_all(lines.join("\n").as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "node ended with {}", output.status);
    let theirs: Vec<_> = std::str::from_utf8(&output.stdout)?.lines().map(str::to_owned).collect();
    let ours = payloads.iter().map(|payload| {
        let cid = PieceCid::of(payload).context("a piece")?;
        Ok(hex::encode(cid.encode()))
    });
    assert_eq!(ours.collect::<Result<Vec<_>>>()?, theirs);
    println!("{} payloads, the same names", theirs.len());
    Ok(())
}
