//! `heliotrope challenge`, `vote` and `resolve` on a real chain: lies that were settled are refuted, a false challenge
//! loses its bond, a late one is refused.
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
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::abi::{IDisputeGame::IDisputeGameInstance, ISettlementLedger};
use heliotrope_device_proofs::{coverage::Shard, epoch::EpochManifest, proof::ProofBundle};
use heliotrope_harness::{
    command::{heliotrope, workspace_root},
    contracts_build::packages_are_there,
    deploy::DEVELOPMENT_KEY,
    lie_settlement::{Lie, Planted},
    lying_rpc::{LyingRpc, ProofLie},
    process::free_port,
    quorum::{CHALLENGER_KEY, QUORUM_KEYS},
    world::{self, World, WorldConfig},
};
use heliotrope_light_client::network::DeployedNetwork;
use serde_json::Value;

/// `SettlementLedger` states.
const PROPOSED: u8 = 1;
const REFUTED: u8 = 3;
/// Slots of a second: longer than the ledger's window.
const PAST_THE_WINDOW: u64 = 700;

/// A settled world with lies in it, and what its challengers need.
struct Scene {
    world: World,
    folder: PathBuf,
    checkpoint: String,
    network: DeployedNetwork,
    provider: DynProvider,
    game: IDisputeGameInstance<DynProvider>,
    manifest: EpochManifest,
}

impl Scene {
    async fn set(lies: &[Lie]) -> Result<Option<(Self, Vec<Planted>)>> {
        let root = workspace_root();
        if !packages_are_there(&root) {
            return Ok(None);
        }
        let checks = world::built(&root)?;
        let folder = root.join("target/heliotrope/tests/challenge");
        let (port, gateways) = (free_port()?, 120);
        let state = folder.clone();
        let config = WorldConfig { root, state, port, gateways, seed: 7, lie: None, web_dir: None };
        let mut world = World::start(config, checks).await?;
        let planted = world.live_with(lies).await?;
        let network = DeployedNetwork::from_json(&fs::read(world.network_file())?)?;
        let checkpoint = network.network.checkpoint.context("checkpoint")?.to_string();
        let provider = ProviderBuilder::new().connect_http(world.rpc.parse()?).erased();
        let ledger = ISettlementLedger::new(network.contracts.settlement_ledger, &provider);
        let game = ledger.disputeGame().call().await?;
        let game = IDisputeGameInstance::new(game, provider.clone());
        let manifest = manifest(&world.gateway_url).await?;
        let scene = Self { world, folder, checkpoint, network, provider, game, manifest };
        Ok(Some((scene, planted)))
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn key(&self, key: &str) -> Result<String> {
        let path = self.path(&format!("key-{}", address(key)?));
        fs::write(&path, key)?;
        Ok(path)
    }

    /// Keeps the proof of a hex, whatever it comes to, and says what `prove` said.
    async fn prove(&self, cell: u64, name: &str) -> Result<Result<String>> {
        let (cell, out) = (format!("{cell:x}"), self.path(name));
        let gateway = ["--gateway", &self.world.gateway_url, "--checkpoint", &self.checkpoint];
        for _ in 0..60 {
            match heliotrope(&[&["prove", &cell, "--out", &out][..], &gateway].concat()) {
                Err(error) if error.to_string().contains("try again in a minute") => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                said => return Ok(said),
            }
        }
        bail!("the epoch does not become final")
    }

    /// `heliotrope COMMAND BUNDLE …` as one account.
    fn run(&self, command: &str, files: &[&str], key: &str, more: &[&str]) -> Result<String> {
        let key = self.key(key)?;
        let common = ["--rpc", &self.world.rpc, "--key-file", &key];
        heliotrope(&[&[command][..], files, &common, more].concat())
    }

    fn challenge(&self, bundle: &str, key: &str, more: &[&str]) -> Result<Value> {
        let more = [&["--json", "--checkpoint", &self.checkpoint][..], more].concat();
        Ok(serde_json::from_str(&self.run("challenge", &[bundle], key, &more)?)?)
    }

    /// Every gateway of the quorum runs the module again; the votes decide.
    async fn decide(&self, bundle: &str, dispute: &str) -> Result<String> {
        let mut votes = Vec::new();
        for (number, key) in QUORUM_KEYS.iter().enumerate() {
            let vote = self.path(&format!("vote-{number}"));
            println!("{}", self.vote(bundle, dispute, key, &self.world.rpc, &vote).await?);
            votes.push(vote);
        }
        let votes: Vec<&str> = votes.iter().map(String::as_str).collect();
        let said: Value =
            serde_json::from_str(&self.run("resolve", &votes, CHALLENGER_KEY, &["--json"])?)?;
        Ok(said["outcome"].as_str().context("outcome")?.to_owned())
    }

    /// Votes once the dispute is under a finalized header.
    async fn vote(
        &self,
        bundle: &str,
        dispute: &str,
        key: &str,
        rpc: &str,
        out: &str,
    ) -> Result<String> {
        let key = self.key(key)?;
        let of = ["--dispute", dispute, "--checkpoint", &self.checkpoint, "--out", out];
        let from = ["--gateway", &self.world.gateway_url, "--rpc", rpc, "--key-file", &key];
        for _ in 0..120 {
            match heliotrope(&[&["vote", bundle][..], &of, &from].concat()) {
                Err(error) if error.to_string().contains("try again in a minute") => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                said => return said,
            }
        }
        bail!("dispute {dispute} does not become final")
    }

    /// Whatever a node says of a dispute, nothing is signed that is not proven.
    async fn nobody_votes_on_hearsay(&self, bundle: &str, dispute: &str) -> Result<()> {
        let vote = self.path("no-vote");
        for lie in [ProofLie::Word, ProofLie::Absence, ProofLie::Block] {
            let node = LyingRpc::serve(&self.world.rpc, lie).await?;
            let said = self.vote(bundle, dispute, QUORUM_KEYS[0], &node.url, &vote).await;
            let refused = format!("{:#}", said.err().with_context(|| format!("{lie:?}: signed"))?);
            println!("{lie:?}: {refused}");
            ensure!(refused.contains("is not proven"), "{lie:?}: {refused}");
            ensure!(!PathBuf::from(&vote).exists(), "{lie:?}: a vote was written");
        }
        Ok(())
    }

    async fn entry(&self, lane: u32) -> Result<ISettlementLedger::Settlement> {
        let ledger =
            ISettlementLedger::new(self.network.contracts.settlement_ledger, &self.provider);
        let (lane, epoch) = (U256::from(lane), U256::from(self.manifest.epoch));
        Ok(ledger.settlement(self.network.check_id, lane, epoch).call().await?)
    }

    async fn due(&self, account: Address) -> Result<U256> {
        Ok(self.game.withdrawableOf(account).call().await?)
    }

    /// A hex of a lane without a lie.
    async fn honest_hex(&self, planted: &[Planted]) -> Result<(u32, u64)> {
        let lied = |lane: u32| planted.iter().any(|p| p.lane == lane);
        let lane = self.manifest.lanes.iter().find(|l| !lied(l.lane)).context("an honest lane")?;
        let (_, digest) = lane.shards.first().context("shard")?;
        let url = &self.world.gateway_url;
        let path =
            format!("{url}/v1/epochs/{}/shards/{}", self.manifest.epoch, hex::encode(digest));
        let shard = Shard::decode(&reqwest::get(path).await?.bytes().await?)?;
        Ok((lane.lane, shard.cells.first().context("cell")?.cell))
    }
}

fn address(key: &str) -> Result<Address> {
    Ok(key.parse::<PrivateKeySigner>()?.address())
}

async fn manifest(gateway: &str) -> Result<EpochManifest> {
    let latest: Value = reqwest::get(format!("{gateway}/v1/epochs/latest")).await?.json().await?;
    let epoch = latest["epoch"].as_u64().context("epoch")?;
    let bytes =
        reqwest::get(format!("{gateway}/v1/epochs/{epoch}/manifest")).await?.bytes().await?;
    Ok(EpochManifest::decode(&bytes)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_are_refuted_and_false_and_late_challenges_are_not() -> Result<()> {
    let Some((scene, planted)) = Scene::set(&[Lie::Verdict, Lie::Report]).await? else {
        return Ok(());
    };
    let of = |lie: Lie| planted.iter().find(|p| p.lie == lie).copied().context("not planted");
    a_bad_verdict_is_refuted_by_the_quorum(&scene, of(Lie::Verdict)?).await?;
    a_forged_report_is_refuted_in_one_transaction(&scene, of(Lie::Report)?).await?;
    let honest = scene.honest_hex(&planted).await?;
    a_false_challenge_loses_its_bond(&scene, honest).await?;
    a_late_challenge_is_refused(&scene).await
}

async fn a_bad_verdict_is_refuted_by_the_quorum(scene: &Scene, lie: Planted) -> Result<()> {
    let said = scene.prove(lie.cell, "verdict.proof").await?;
    let said = format!("{:#}", said.err().context("a bad verdict was proven")?);
    ensure!(said.contains("broken link: CHECK"), "{said}");
    let bundle = scene.path("verdict.proof");
    a_trap_is_no_ground(scene, &bundle)?;

    let (challenger, burn) = (address(CHALLENGER_KEY)?, scene.game.BURN().call().await?);
    let said = scene.challenge(&bundle, CHALLENGER_KEY, &[])?;
    println!("{said}");
    ensure!(said["kind"] == 255 && said["leaf"] == lie.leaf, "{said}");
    ensure!(said["outcome"]["state"] == "asked", "{said}");
    ensure!(scene.entry(lie.lane).await?.openDisputes == 1);
    let dispute = said["outcome"]["dispute"].as_str().context("dispute")?.to_owned();
    // repeated, it finds what it did, and pays no second bond
    ensure!(scene.challenge(&bundle, CHALLENGER_KEY, &[])? == said);
    ensure!(scene.decide(&bundle, &dispute).await? == "won");

    ensure!(scene.entry(lie.lane).await?.status == REFUTED);
    let (bond, stake) = bonds(&scene.game).await?;
    let half = stake / U256::from(2);
    ensure!(scene.due(challenger).await? == bond + half);
    ensure!(scene.due(burn).await? == stake - half);
    let again = scene.challenge(&bundle, QUORUM_KEYS[0], &[]).err().context("challenged again")?;
    ensure!(again.to_string().contains("refuted already"), "{again}");
    Ok(())
}

async fn a_forged_report_is_refuted_in_one_transaction(scene: &Scene, lie: Planted) -> Result<()> {
    let said = scene.prove(lie.cell, "report.proof").await?;
    let said = format!("{:#}", said.err().context("a forged report was proven")?);
    ensure!(said.contains("broken link: DEVICE"), "{said}");
    let challenger = address(CHALLENGER_KEY)?;
    let before = scene.due(challenger).await?;
    let said = scene.challenge(&scene.path("report.proof"), CHALLENGER_KEY, &[])?;
    println!("{said}");
    ensure!(said["kind"] == 2 && said["leaf"] == lie.leaf, "{said}");
    ensure!(said["outcome"]["state"] == "won", "{said}");
    ensure!(scene.entry(lie.lane).await?.status == REFUTED);
    let (bond, stake) = bonds(&scene.game).await?;
    ensure!(scene.due(challenger).await? == before + bond + stake / U256::from(2));
    Ok(())
}

async fn a_false_challenge_loses_its_bond(scene: &Scene, (lane, cell): (u32, u64)) -> Result<()> {
    scene.prove(cell, "honest.proof").await??;
    let bundle = scene.path("honest.proof");
    let refused = scene.challenge(&bundle, CHALLENGER_KEY, &[]).err().context("challenged")?;
    ensure!(refused.to_string().contains("nothing is broken"), "{refused}");

    let (challenger, proposer) = (address(CHALLENGER_KEY)?, address(DEVELOPMENT_KEY)?);
    let before = (scene.due(challenger).await?, scene.due(proposer).await?);
    let said = scene.challenge(&bundle, CHALLENGER_KEY, &["--anyway"])?;
    let dispute = said["outcome"]["dispute"].as_str().context("dispute")?.to_owned();
    scene.nobody_votes_on_hearsay(&bundle, &dispute).await?;
    ensure!(scene.decide(&bundle, &dispute).await? == "lost");
    let entry = scene.entry(lane).await?;
    ensure!(entry.status == PROPOSED && entry.openDisputes == 0, "{entry:?}");
    let (bond, _) = bonds(&scene.game).await?;
    ensure!(scene.due(challenger).await? == before.0);
    ensure!(scene.due(proposer).await? == before.1 + bond / U256::from(2));
    Ok(())
}

async fn a_late_challenge_is_refused(scene: &Scene) -> Result<()> {
    scene.world.chain.advance(PAST_THE_WINDOW).await?;
    let balance = scene.provider.get_balance(address(QUORUM_KEYS[0])?).await?;
    let late = scene.challenge(&scene.path("honest.proof"), QUORUM_KEYS[0], &["--anyway"]);
    let late = late.err().context("challenged too late")?.to_string();
    ensure!(late.contains("too late"), "{late}");
    ensure!(scene.provider.get_balance(address(QUORUM_KEYS[0])?).await? == balance);
    Ok(())
}

/// A host without a verdict challenges nothing: a module that cannot be loaded stands for one that traps.
fn a_trap_is_no_ground(scene: &Scene, bundle: &str) -> Result<()> {
    let mut altered = ProofBundle::from_file(&fs::read(bundle)?)?;
    altered.module.truncate(altered.module.len() / 2);
    let path = scene.path("trap.proof");
    fs::write(&path, altered.to_file())?;
    let refused = scene.challenge(&path, CHALLENGER_KEY, &["--anyway"]);
    ensure!(refused.is_err(), "a challenge without a verdict: {refused:?}");
    Ok(())
}

/// Bond of a challenger and of a proposer.
async fn bonds(game: &IDisputeGameInstance<DynProvider>) -> Result<(U256, U256)> {
    Ok((game.BOND().call().await?, game.PROPOSAL_BOND().call().await?))
}
