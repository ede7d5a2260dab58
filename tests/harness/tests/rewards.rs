//! Rewards on a real chain: two epochs are settled, made final and paid out; an owner claims twice and has the sum; leaves
//! that are not the chain's are refused; a wrong leaf that was settled is struck out.
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

use std::{collections::BTreeMap, fs, path::PathBuf, process::Stdio, time::Duration};

use alloy::{
    network::EthereumWallet,
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::{
    STATUS_REFUTED,
    abi::{IDisputeGame, ISettlementLedger},
    governance::IServiceToken,
    reward::{
        Rate, RewardLeaf,
        fault::{self, KIND_REWARD},
        tree::{RewardLeaves, decode_leaves, merkle_tree},
    },
};
use heliotrope_device_proofs::{
    abi::{CheckOutput, Verdict},
    bundle::EvidenceBundle,
    epoch::{EpochManifest, LaneManifest, ShardEvidence},
};
use heliotrope_harness::{
    command::workspace_root,
    contract_set::{DISPUTE_WINDOW_S, PER_SCORE, REWARD_CAP},
    contracts_build::packages_are_there,
    deploy::{Deployment, receipt},
    devchain::DevChain,
    fleet::Fleet,
    process::free_port,
    quorum::CHALLENGER_KEY,
    world::{self, CHAIN_ID, OWNER_KEY, SLOTS_TO_FINALITY, World, WorldConfig},
};
use heliotrope_light_client::proof_chain::roots;

/// Slots of a second: two windows and what is around them.
const SLOTS_OF_HISTORY: u64 = 4_096;
const RATE: Rate = Rate { per_score: PER_SCORE, cap: REWARD_CAP, from_epoch: 1 };

async fn start() -> Result<Option<World>> {
    let root = workspace_root();
    if !packages_are_there(&root) {
        return Ok(None);
    }
    let checks = world::built(&root)?;
    let state: PathBuf = root.join("target/heliotrope/tests/rewards");
    let (port, gateways) = (free_port()?, 40);
    let config = WorldConfig { root, state, port, gateways, seed: 7, lie: None, web_dir: None };
    let params = async |deployment: &Deployment, _: &DevChain| {
        let registry = deployment.contracts.device_registry.into_array();
        Ok(Fleet::params(registry, CHAIN_ID).encode())
    };
    World::start_with(config, checks, "coverage-radio", SLOTS_OF_HISTORY, params).await.map(Some)
}

fn signer(key: &str) -> Result<PrivateKeySigner> {
    Ok(key.parse()?)
}

fn as_account(world: &World, key: &str) -> Result<DynProvider> {
    let wallet = EthereumWallet::from(signer(key)?);
    Ok(ProviderBuilder::new().wallet(wallet).connect_http(world.rpc.parse()?).erased())
}

/// What `heliotrope` prints, or its error; blocks are made while it runs.
async fn heliotrope(world: &World, words: &[&str]) -> Result<String> {
    let mut command =
        tokio::process::Command::new(workspace_root().join("target/release/heliotrope"));
    let child = command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut output = Box::pin(child.wait_with_output());
    let output = loop {
        tokio::select! {
            output = &mut output => break output?,
            () = tokio::time::sleep(Duration::from_millis(500)) => world.chain.advance(1).await?,
        }
    };
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{words:?}: {err}");
    Ok(out.into_owned())
}

async fn get(world: &World, path: &str) -> Result<Vec<u8>> {
    let url = format!("{}/v1/{path}", world.gateway_url);
    Ok(reqwest::get(&url).await?.error_for_status()?.bytes().await?.to_vec())
}

async fn manifest(world: &World, epoch: u64) -> Result<EpochManifest> {
    Ok(EpochManifest::decode(&get(world, &format!("epochs/{epoch}/manifest")).await?)?)
}

/// Scores of an epoch's passing verdicts by lane, of the devices that the account owns.
async fn scores(world: &World, manifest: &EpochManifest) -> Result<BTreeMap<u32, u64>> {
    let mut scores = BTreeMap::new();
    for lane in &manifest.lanes {
        for (parent, _) in &lane.shards {
            let path = format!("epochs/{}/lanes/{}/evidence/{parent:x}", manifest.epoch, lane.lane);
            for leaf in ShardEvidence::decode(&get(world, &path).await?)?.leaves {
                let beacon = EvidenceBundle::decode(&leaf.bundle)?.reports()?.beacon;
                let device = world
                    .fleet
                    .gateways
                    .iter()
                    .find(|gateway| gateway.key.public() == beacon.pub_key.as_slice());
                let key = &device.context("a device of the fleet")?.key;
                let output = CheckOutput::decode(&leaf.output)?;
                if output.verdict == Verdict::Pass && key.sign_registration(&[0; 32]).is_some() {
                    *scores.entry(lane.lane).or_default() += u64::from(output.score_ppm);
                }
            }
        }
    }
    Ok(scores)
}

/// Lets the window pass, until the gateway has made the epoch final and handed its roots over.
async fn paid_out(world: &World, manifest: &EpochManifest) -> Result<()> {
    world.chain.advance(DISPUTE_WINDOW_S + SLOTS_TO_FINALITY).await?;
    let provider = ProviderBuilder::new().connect_http(world.rpc.parse()?);
    let distributor = world.deployment.contracts.reward_distributor.context("distributor")?;
    let lane = manifest.lanes.iter().rev().find(|lane| lane.commitment.reward_root != [0; 32]);
    let lane = lane.context("a lane that pays")?;
    let stream = heliotrope_contracts::reward_stream(manifest.check_id.into(), lane.lane.into());
    let [slot, _] = heliotrope_contracts::reward::stream_slots(stream);
    for _ in 0..60 {
        let word = provider.get_storage_at(distributor, slot.into()).await?;
        if word == U256::from_be_bytes(lane.commitment.reward_root) {
            world.chain.advance(SLOTS_TO_FINALITY).await?;
            return Ok(());
        }
        world.chain.advance(SLOTS_TO_FINALITY).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bail!("epoch {} is not paid out", manifest.epoch)
}

/// Claims until nothing is due at the newest finalized header; says what was claimed.
async fn claim(world: &World, checkpoint: &str, key_file: &str) -> Result<String> {
    let words = ["claim", "--gateway", &world.gateway_url, "--checkpoint", checkpoint];
    let words = [&words[..], &["--rpc", &world.rpc, "--key-file", key_file]].concat();
    heliotrope(world, &words).await
}

async fn balance(world: &World, account: Address) -> Result<U256> {
    let provider = ProviderBuilder::new().connect_http(world.rpc.parse()?);
    let token = world.deployment.contracts.service_token.context("token")?;
    Ok(IServiceToken::new(token, provider).balanceOf(account).call().await?)
}

/// What scores of each epoch and lane earn together.
fn worth(epochs: &[BTreeMap<u32, u64>]) -> U256 {
    let earned = epochs.iter().flat_map(|lanes| lanes.values()).map(|score| RATE.earned(*score));
    U256::from(earned.sum::<u128>())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_claims_two_epochs_and_has_their_sum_and_a_wrong_leaf_is_struck_out() -> Result<()>
{
    let Some(mut world) = start().await? else { return Ok(()) };
    let owner = signer(OWNER_KEY)?.address();
    let checkpoint = world.checkpoint.to_string();
    let key_file = world.network_file().with_file_name("owner.key");
    fs::write(&key_file, OWNER_KEY)?;
    let key_file = key_file.display().to_string();
    let half = world.fleet.reports.len() / 2;

    world.send_part(0..half).await?;
    let first = world.settle().await?;
    let first = manifest(&world, first).await?;
    let mut earned = vec![scores(&world, &first).await?];
    ensure!(worth(&earned) > U256::ZERO, "nothing was earned: the test shows nothing");
    // before the window has passed nothing can be claimed
    let early = claim(&world, &checkpoint, &key_file).await?;
    ensure!(early.starts_with("0 of the token's"), "{early}");
    paid_out(&world, &first).await?;
    leaves_of_another_root_are_refused(&world, &checkpoint, &first).await?;
    println!("{}", claim(&world, &checkpoint, &key_file).await?);
    assert_eq!(balance(&world, owner).await?, worth(&earned));

    world.send_part(half..world.fleet.reports.len()).await?;
    let second = world.settle().await?;
    let second = manifest(&world, second).await?;
    earned.push(scores(&world, &second).await?);
    ensure!(worth(&earned[1..]) > U256::ZERO, "nothing was earned: the test shows nothing");
    sums_go_on(&world, &first, &second).await?;
    paid_out(&world, &second).await?;
    println!("{}", claim(&world, &checkpoint, &key_file).await?);
    assert_eq!(balance(&world, owner).await?, worth(&earned));
    // nothing is paid twice
    world.chain.advance(SLOTS_TO_FINALITY).await?;
    let again = claim(&world, &checkpoint, &key_file).await?;
    ensure!(again.contains("0 of the token's"), "{again}");
    assert_eq!(balance(&world, owner).await?, worth(&earned));

    a_wrong_leaf_is_struck_out(&world, &second).await
}

async fn tree(world: &World, lane: &LaneManifest) -> Result<RewardLeaves> {
    let root = B256::from(lane.commitment.reward_root);
    let bytes = get(world, &format!("rewards/{}", hex::encode(root))).await?;
    Ok(RewardLeaves::open(&bytes, root)?)
}

/// Every account of a lane goes on from where it was, also one that rested.
async fn sums_go_on(world: &World, first: &EpochManifest, second: &EpochManifest) -> Result<()> {
    let mut compared = 0;
    for lane in &second.lanes {
        let now = tree(world, lane).await?;
        ensure!(fault::find(now.leaves(), &RATE, None).is_none());
        let Some(before) = first.lanes.iter().find(|before| before.lane == lane.lane) else {
            continue;
        };
        let (named, before) = (roots(before), tree(world, before).await?);
        ensure!(fault::find(now.leaves(), &RATE, Some((&named, before.leaves()))).is_none());
        for leaf in before.leaves() {
            let next = now.leaf_of(leaf.account).context("an account was left out")?.leaf;
            ensure!(next.previous == leaf.cumulative, "{next:?} after {leaf:?}");
            compared += 1;
        }
    }
    ensure!(compared > 0, "no lane has two epochs: the test shows nothing");
    Ok(())
}

async fn leaves_of_another_root_are_refused(
    world: &World,
    checkpoint: &str,
    manifest: &EpochManifest,
) -> Result<()> {
    let lane = manifest.lanes.iter().find(|lane| lane.commitment.reward_root != [0; 32]);
    let root = hex::encode(lane.context("a lane that pays")?.commitment.reward_root);
    let path = world.network_file().with_file_name("gateway").join("rewards").join(root);
    let honest = fs::read(&path)?;
    let mut lie = honest.clone();
    *lie.last_mut().context("leaf")? ^= 1;
    fs::write(&path, lie)?;
    let account = signer(OWNER_KEY)?.address().to_string();
    let words = ["claim", "--gateway", &world.gateway_url, "--checkpoint", checkpoint];
    let said = heliotrope(world, &[&words[..], &["--account", &account]].concat()).await;
    let said = said.err().context("leaves that are not the chain's were believed")?.to_string();
    ensure!(said.contains("not what the chain keeps"), "{said}");
    Ok(fs::write(&path, honest)?)
}

/// A proposer gives an account more than its score is worth.
async fn a_wrong_leaf_is_struck_out(world: &World, settled: &EpochManifest) -> Result<()> {
    let provider = as_account(world, CHALLENGER_KEY)?;
    let lane = settled.lanes.iter().find(|lane| lane.commitment.reward_root != [0; 32]);
    let lane = lane.context("a lane that pays")?;
    let mut leaves: Vec<RewardLeaf> = decode_leaves(&tree(world, lane).await?.encode())?;
    leaves[0].cumulative += 1;
    let mut named = roots(lane);
    named.reward = merkle_tree(&leaves).root().into();

    let epoch = settled.epoch + 1;
    let ledger =
        ISettlementLedger::new(world.deployment.contracts.settlement_ledger, provider.clone());
    let anchor = provider.get_block_number().await?.saturating_sub(1);
    let block = provider.get_block_by_number(anchor.into()).await?.context("anchor")?;
    named.anchor_hash = block.header.hash;
    let (check, number, of) =
        (B256::from(settled.check_id), U256::from(lane.lane), U256::from(epoch));
    let bond = ledger.BOND().call().await?;
    let sent = ledger.propose(check, number, of, U256::from(anchor), named.into());
    mined(world, &provider, *sent.value(bond).send().await?.tx_hash()).await?;

    let before = (roots(lane), tree(world, lane).await?);
    let found = fault::find(&leaves, &RATE, Some((&before.0, before.1.leaves())));
    let found = found.context("the wrong leaf is not found")?;
    println!("{}", found.what);
    let proof = Bytes::from(found.proof);
    let game = world.deployment.contracts.dispute_game.context("game")?;
    let game = IDisputeGame::new(game, provider.clone());
    let claim =
        IDisputeGame::Claim { checkId: check, lane: number, epoch: of, roots: named_of(named) };
    let entry = ledger.settlement(check, number, of).call().await?;
    let key = keccak256([check, number.into(), of.into()].concat());
    let (me, salt) = (signer(CHALLENGER_KEY)?.address(), B256::repeat_byte(7));
    let hash = game.sealHash(me, key, entry.commitment, KIND_REWARD, keccak256(&proof), salt);
    let hash = hash.call().await?;
    let bond = game.BOND().call().await?;
    mined(world, &provider, *game.seal(hash).value(bond).send().await?.tx_hash()).await?;
    let sent = game.challenge(claim, KIND_REWARD, proof, salt).send().await?;
    mined(world, &provider, *sent.tx_hash()).await?;
    let entry = ledger.settlement(check, number, of).call().await?;
    assert_eq!(entry.status, STATUS_REFUTED);
    Ok(())
}

fn named_of(roots: heliotrope_contracts::Roots) -> IDisputeGame::Roots {
    let roots = ISettlementLedger::Roots::from(roots);
    IDisputeGame::Roots {
        evidence: roots.evidence,
        verdict: roots.verdict,
        coverage: roots.coverage,
        reward: roots.reward,
        moduleHash: roots.moduleHash,
        anchorHash: roots.anchorHash,
    }
}

async fn mined(world: &World, provider: &DynProvider, hash: B256) -> Result<()> {
    world.chain.advance(1).await?;
    ensure!(receipt(provider, hash).await?.status(), "transaction {hash} was reverted");
    Ok(())
}
