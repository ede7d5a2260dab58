//! Every kind of fraud that a bundle can show, settled by a proposer that lies and struck out by `heliotrope challenge`, on
//! the real contracts: wrong openings, a pass counted twice, a score above a full check, a verdict about other evidence,
//! another module, and a forgery of a curve that the EVM does not know.
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

use std::{fs, path::PathBuf, time::Duration};

use alloy::{
    network::EthereumWallet,
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::{
    abi::{IDisputeGame::IDisputeGameInstance, ISettlementLedger},
    check_id,
    reward::RewardLeaf,
    settlement_slots,
};
use heliotrope_device_proofs::{
    abi::{CheckOutput, FULL_SCORE_PPM},
    coverage::Shard,
    epoch::{EpochManifest, EvidenceLeaf, LaneManifest, ShardEvidence},
    proof::ProofBundle,
};
use heliotrope_harness::{
    command::{heliotrope, workspace_root},
    contracts_build::packages_are_there,
    deploy::{DEVELOPMENT_KEY, receipt},
    frauds::{Lie, commit, earned, forge, not_judged, of_ed25519, passes, pays, piece},
    process::free_port,
    quorum::{CHALLENGER_KEY, QUORUM_KEYS},
    world::{self, World, WorldConfig},
};
use heliotrope_light_client::{
    execution::{ProvenBlock, prove_storage},
    native::NativePlatform,
    network::DeployedNetwork,
    proof_chain::roots,
};
use heliotrope_verifier::proofs::header::ExecutionHeader;
use serde_json::Value;

/// `SettlementLedger` states.
const PROPOSED: u8 = 1;
const REFUTED: u8 = 3;
/// First epoch of the lies: the fleet's own have smaller numbers.
const LIES_FROM: u64 = 9_000;
/// Slots after which a block is final for certain.
const SLOTS_TO_FINALITY: u64 = 32;

/// An epoch of the honest gateway, and what is needed to lie about it.
struct Scene {
    world: World,
    folder: PathBuf,
    network: DeployedNetwork,
    provider: DynProvider,
    game: IDisputeGameInstance<DynProvider>,
    check: B256,
    /// Lanes with the evidence of their first shard.
    honest: Vec<(LaneManifest, ShardEvidence)>,
    /// A hex of the map.
    cell: u64,
}

impl Scene {
    async fn set() -> Result<Option<Self>> {
        let root = workspace_root();
        if !packages_are_there(&root) {
            return Ok(None);
        }
        let checks = world::built(&root)?;
        let folder = root.join("target/heliotrope/tests/frauds");
        let (port, gateways) = (free_port()?, 60);
        let state = folder.clone();
        let config = WorldConfig { root, state, port, gateways, seed: 7, lie: None, web_dir: None };
        let mut world = World::start(config, checks).await?;
        world.send_reports().await?;
        let epoch = world.settle().await?;
        let network = DeployedNetwork::from_json(&fs::read(world.network_file())?)?;
        let signer: PrivateKeySigner = DEVELOPMENT_KEY.parse()?;
        let wallet = EthereumWallet::from(signer);
        let provider =
            ProviderBuilder::new().wallet(wallet).connect_http(world.rpc.parse()?).erased();
        let ledger = ISettlementLedger::new(network.contracts.settlement_ledger, &provider);
        let game = ledger.disputeGame().call().await?;
        let game = IDisputeGameInstance::new(game, provider.clone());
        let (honest, cell) = evidence(&world.gateway_url, epoch).await?;
        let check = network.check_id;
        Ok(Some(Self { world, folder, network, provider, game, check, honest, cell }))
    }

    /// The first leaf of the fleet that is as wanted, with its lane and shard.
    fn leaf(
        &self,
        wanted: impl Fn(&EvidenceLeaf) -> bool,
    ) -> Result<(&LaneManifest, &ShardEvidence, EvidenceLeaf)> {
        self.honest
            .iter()
            .find_map(|(lane, shard)| {
                let leaf = shard.leaves.iter().find(|leaf| wanted(leaf))?;
                Some((lane, shard, leaf.clone()))
            })
            .context("the fleet has no such leaf")
    }

    fn lies(&self) -> Result<Vec<Lie>> {
        let (lane, shard, passed) = self.leaf(|leaf| passes(leaf) && !of_ed25519(leaf))?;
        let (_, _, other) = self.leaf(|leaf| passes(leaf) && leaf.bundle != passed.bundle)?;
        let mut above = passed.clone();
        let mut output = CheckOutput::decode(&above.output)?;
        output.score_ppm = FULL_SCORE_PPM + 1;
        above.output = output.encode();
        let (forged_lane, forged_shard, mut forged) = self.leaf(of_ed25519)?;
        forge(&mut forged)?;
        let pieces = [piece(&output, false), piece(&output, true)];

        let lie = |name, place, check, lane: (&LaneManifest, &ShardEvidence), leaves: &[_]| {
            let (lane, shard) = commit(lane.0, lane.1, leaves);
            let (files, rewards) = (vec![shard], Vec::new());
            Lie { name, check, epoch: LIES_FROM + place, lane, files, rewards }
        };
        let here = (lane, shard);
        let storage = check_id("storage-commp");
        let mut module = lie("module", 3, self.check, here, std::slice::from_ref(&passed));
        module.lane.commitment.module_hash = [7; 32];
        let mut twice = lie("twice", 4, self.check, here, &[passed.clone(), passed.clone()]);
        let mut second = twice.files[0].clone();
        second.leaves.remove(0);
        twice.files[0].leaves.truncate(1);
        twice.files.push(second);
        Ok(vec![
            lie("storage", 0, storage, here, &pieces),
            lie("right-pieces", 1, storage, here, &pieces[..1]),
            lie("above", 2, self.check, here, &[other.clone(), above]),
            module,
            twice,
            not_judged(
                lie("elsewhere", 5, self.check, here, std::slice::from_ref(&passed)),
                &other,
            ),
            lie("ed25519", 6, self.check, (forged_lane, forged_shard), &[forged]),
            pays(
                lie("sum", 7, self.check, here, std::slice::from_ref(&passed)),
                vec![earned(1), RewardLeaf { cumulative: earned(2).cumulative + 1, ..earned(2) }],
            ),
            pays(
                lie("twice-paid", 8, self.check, here, std::slice::from_ref(&passed)),
                vec![earned(1), earned(2), earned(1)],
            ),
            pays(lie("paid", 9, self.check, here, &[passed]), vec![earned(1), earned(2)]),
        ])
    }

    /// Proposes a lie as anybody may.
    async fn propose(&self, lie: &Lie) -> Result<B256> {
        let anchor = ExecutionHeader::decode(&lie.files[0].anchor_header)?.number;
        let address = self.network.contracts.settlement_ledger;
        let ledger = ISettlementLedger::new(address, &self.provider);
        let bond = ledger.BOND().call().await?;
        let (lane, epoch) = (U256::from(lie.lane.lane), U256::from(lie.epoch));
        let call =
            ledger.propose(lie.check, lane, epoch, U256::from(anchor), roots(&lie.lane).into());
        Ok(*call.value(bond).send().await?.tx_hash())
    }

    async fn status(&self, lie: &Lie) -> Result<u8> {
        let address = self.network.contracts.settlement_ledger;
        let ledger = ISettlementLedger::new(address, &self.provider);
        let (lane, epoch) = (U256::from(lie.lane.lane), U256::from(lie.epoch));
        Ok(ledger.settlement(lie.check, lane, epoch).call().await?.status)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The files of a lie: everything but the entry, lane and evidence is as `heliotrope prove` wrote it.
    async fn write(&self, honest: &ProofBundle, block: &ProvenBlock, lie: &Lie) -> Result<()> {
        let ledger = self.network.contracts.settlement_ledger;
        let slots = settlement_slots(lie.check, u64::from(lie.lane.lane), lie.epoch);
        let platform = NativePlatform::new(None)?;
        let stored = prove_storage(&platform, &self.world.rpc, block, ledger, &slots).await?;
        for (number, evidence) in lie.files.iter().enumerate() {
            let bundle = ProofBundle {
                ledger: stored.nodes.clone(),
                check_id: lie.check.0,
                epoch: lie.epoch,
                lane: lie.lane.clone(),
                evidence: evidence.clone(),
                ..honest.clone()
            };
            fs::write(self.path(&format!("{}-{number}", lie.name)), bundle.to_file())?;
        }
        let leaves: Vec<u8> = lie.rewards.iter().flat_map(RewardLeaf::data).collect();
        fs::write(self.path(&format!("{}-rewards", lie.name)), leaves)?;
        Ok(())
    }

    fn key(&self, key: &str) -> Result<String> {
        let path = self.path(&format!("key-{}", key.parse::<PrivateKeySigner>()?.address()));
        fs::write(&path, key)?;
        Ok(path)
    }

    /// `heliotrope COMMAND …` as one account.
    async fn run(&self, command: &str, files: &[&str], key: &str, more: &[&str]) -> Result<String> {
        let key = self.key(key)?;
        let common = ["--rpc", &self.world.rpc, "--key-file", &key];
        heliotrope(&[&[command][..], files, &common, more].concat())
    }

    async fn challenge(&self, files: &[String]) -> Result<Value> {
        let checkpoint = self.checkpoint()?;
        let mut more = vec!["--json", "--checkpoint", &checkpoint];
        for other in &files[1..] {
            more.extend([if other.ends_with("-rewards") { "--rewards" } else { "--with" }, other]);
        }
        let said = self.run("challenge", &[&files[0]], CHALLENGER_KEY, &more).await?;
        println!("{said}");
        Ok(serde_json::from_str(&said)?)
    }

    fn checkpoint(&self) -> Result<String> {
        Ok(self.network.network.checkpoint.context("checkpoint")?.to_string())
    }

    async fn due(&self, account: Address) -> Result<U256> {
        Ok(self.game.withdrawableOf(account).call().await?)
    }

    /// Proves an honest hex, and says under which block.
    async fn prove_honest(&self) -> Result<(ProofBundle, ProvenBlock)> {
        let (cell, out, checkpoint) =
            (format!("{:x}", self.cell), self.path("honest"), self.checkpoint()?);
        let words = ["prove", &cell, "--out", &out, "--gateway", &self.world.gateway_url];
        heliotrope(&[&words[..], &["--checkpoint", &checkpoint]].concat())?;
        let said = heliotrope(&["verify", &out, "--checkpoint", &checkpoint])?;
        let header = said.lines().find(|line| line.starts_with("4 header")).context("header")?;
        let (_, number) = header.split_once("block ").context("block")?;
        let number = number.split(' ').next().context("number")?.parse()?;
        let block = self.provider.get_block_by_number(u64::into(number)).await?.context("block")?;
        let block = ProvenBlock {
            number,
            hash: block.header.hash,
            state_root: block.header.state_root,
            timestamp: block.header.timestamp,
        };
        Ok((ProofBundle::from_file(&fs::read(&out)?)?, block))
    }

    /// One transaction strikes it out; the winner has its bond and half of the proposer's.
    async fn is_won(&self, lies: &[Lie], name: &str, kind: u8, files: &[&str]) -> Result<()> {
        let lie = lies.iter().find(|lie| lie.name == name).context("lie")?;
        ensure!(self.status(lie).await? == PROPOSED);
        let me = CHALLENGER_KEY.parse::<PrivateKeySigner>()?.address();
        let before = self.due(me).await?;
        let paths: Vec<_> = files.iter().map(|n| self.path(&format!("{name}-{n}"))).collect();
        let said = self.challenge(&paths).await?;
        ensure!(said["kind"] == kind && said["outcome"]["state"] == "won", "{said}");
        ensure!(said["quorum_because"].is_null(), "{said}");
        ensure!(self.status(lie).await? == REFUTED, "{name}");
        let (bond, stake) =
            (self.game.BOND().call().await?, self.game.PROPOSAL_BOND().call().await?);
        ensure!(self.due(me).await? == before + bond + stake / U256::from(2), "{name}");
        Ok(())
    }

    /// Nothing is sent, and it is said why.
    async fn is_refused(&self, files: &[&str], why: &str) -> Result<()> {
        let me = CHALLENGER_KEY.parse::<PrivateKeySigner>()?.address();
        let before = self.provider.get_balance(me).await?;
        let paths: Vec<_> = files.iter().map(|name| self.path(name)).collect();
        let refused = self.challenge(&paths).await.err().context("it was challenged")?;
        ensure!(format!("{refused:#}").contains(why), "{files:?}: {refused:#}");
        ensure!(
            self.provider.get_balance(me).await? == before,
            "{files:?}: a transaction was sent"
        );
        Ok(())
    }

    /// Votes once the dispute is under a finalized header.
    async fn vote(&self, file: &str, dispute: &str, key: &str, out: &str) -> Result<()> {
        let checkpoint = self.checkpoint()?;
        let of = ["--dispute", dispute, "--checkpoint", &checkpoint, "--out", out];
        let of = [&of[..], &["--gateway", &self.world.gateway_url]].concat();
        for _ in 0..120 {
            match self.run("vote", &[file], key, &of).await {
                Err(error) if error.to_string().contains("try again in a minute") => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                said => return said.map(drop),
            }
        }
        bail!("dispute {dispute} does not become final")
    }

    /// No verifier knows the curve: the quorum is asked, and it is said why; its answer strikes the lie out.
    async fn is_decided_by_the_quorum(&self, lies: &[Lie], name: &str) -> Result<()> {
        let lie = lies.iter().find(|lie| lie.name == name).context("lie")?;
        let file = self.path(&format!("{name}-0"));
        let said = self.challenge(std::slice::from_ref(&file)).await?;
        ensure!(said["kind"] == 255 && said["outcome"]["state"] == "asked", "{said}");
        let because = said["quorum_because"].as_str().context("why")?;
        ensure!(because.contains("the EVM cannot check ed25519"), "{because}");
        let dispute = said["outcome"]["dispute"].as_str().context("dispute")?;
        let mut votes = Vec::new();
        for (number, key) in QUORUM_KEYS.iter().enumerate() {
            let vote = self.path(&format!("vote-{number}"));
            self.vote(&file, dispute, key, &vote).await?;
            votes.push(vote);
        }
        let votes: Vec<&str> = votes.iter().map(String::as_str).collect();
        let said = self.run("resolve", &votes, CHALLENGER_KEY, &[]).await?;
        ensure!(said.starts_with("won"), "{said}");
        ensure!(self.status(lie).await? == REFUTED);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_fraud_is_struck_out_and_what_is_right_is_not_challenged() -> Result<()> {
    let Some(mut scene) = Scene::set().await? else { return Ok(()) };
    let lies = scene.lies()?;
    let mut sent = Vec::new();
    for lie in &lies {
        sent.push(scene.propose(lie).await.with_context(|| lie.name)?);
    }
    scene.world.chain.advance(1).await?;
    for (hash, lie) in sent.into_iter().zip(&lies) {
        ensure!(receipt(&scene.provider, hash).await?.status(), "{} was reverted", lie.name);
    }
    scene.world.chain.advance(SLOTS_TO_FINALITY).await?;
    scene.world.go_by_the_clock().await?;
    // the gateway follows once a slot
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (honest, block) = scene.prove_honest().await?;
    for lie in &lies {
        scene.write(&honest, &block, lie).await.with_context(|| lie.name)?;
    }

    scene.is_refused(&["honest"], "nothing is broken").await?;
    scene.is_refused(&["right-pieces-0"], "block").await?;
    scene.is_refused(&["twice-0"], "the proposer did not do it").await?;
    scene.is_refused(&["elsewhere-0"], "--with FILE").await?;
    scene.is_refused(&["twice-0", "honest"], "another entry").await?;
    scene.is_refused(&["sum-0"], "the proposer did not do it").await?;
    scene.is_refused(&["paid-0", "paid-rewards"], "the proposer did not do it").await?;
    scene.is_refused(&["paid-0", "sum-rewards"], "leaves of root").await?;
    scene.is_won(&lies, "storage", 1, &["0"]).await?;
    scene.is_won(&lies, "twice", 2, &["0", "1"]).await?;
    scene.is_won(&lies, "above", 2, &["0"]).await?;
    scene.is_won(&lies, "sum", 3, &["0", "rewards"]).await?;
    scene.is_won(&lies, "twice-paid", 3, &["0", "rewards"]).await?;
    scene.is_won(&lies, "elsewhere", 4, &["0", "1"]).await?;
    scene.is_won(&lies, "module", 5, &["0"]).await?;
    scene.is_decided_by_the_quorum(&lies, "ed25519").await?;
    // a seal is used once
    scene.is_refused(&["storage-0"], "used up").await
}

async fn get(url: String) -> Result<Vec<u8>> {
    Ok(reqwest::get(url).await?.error_for_status()?.bytes().await?.to_vec())
}

/// The first shard of every lane that has one, and a hex of the first.
async fn evidence(gateway: &str, epoch: u64) -> Result<(Vec<(LaneManifest, ShardEvidence)>, u64)> {
    let base = format!("{gateway}/v1/epochs/{epoch}");
    let manifest = EpochManifest::decode(&get(format!("{base}/manifest")).await?)?;
    let mut honest = Vec::new();
    let mut cell = None;
    for lane in manifest.lanes {
        for (parent, digest) in &lane.shards {
            let path = format!("{base}/lanes/{}/evidence/{parent:x}", lane.lane);
            honest.push((lane.clone(), ShardEvidence::decode(&get(path).await?)?));
            if cell.is_none() {
                let path = format!("{base}/shards/{}", hex::encode(digest));
                cell = Shard::decode(&get(path).await?)?.cells.first().map(|found| found.cell);
            }
        }
    }
    Ok((honest, cell.context("no hex")?))
}
