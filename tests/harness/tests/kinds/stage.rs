//! What every kind needs: a world with a check under the pin, contracts beside it, evidence handed in, what was settled,
//! and proofs of it.

use std::time::Duration;

use alloy::{
    network::TransactionBuilder as _, providers::Provider as _, rpc::types::TransactionRequest,
};
use alloy_primitives::{Address, B256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::reward::{RewardLeaf, tree::RewardLeaves};
use heliotrope_device_proofs::{
    abi::{CheckOutput, Verdict},
    epoch::{EpochManifest, EvidenceLeaf, LaneManifest, ShardEvidence},
    sha256,
    submission::Submission,
};
use heliotrope_harness::{
    command::{heliotrope, workspace_root},
    contracts_build::{bytecode, packages_are_there},
    deploy::{Deployment, receipt},
    devchain::DevChain,
    fleet::{Gateway, GatewayKey},
    process::free_port,
    world::{self, SLOTS_OF_HISTORY, World, WorldConfig},
};
use serde_json::Value;

/// Seed of every fleet here.
pub(crate) const SEED: u64 = 7;
/// Slots to use up: two settlements, each final, and proofs.
const SLOTS: u64 = 2 * SLOTS_OF_HISTORY;
/// How long the gateway may take to see a block.
const TRIES: usize = 300;

/// Where a test runs; `None` without the contracts' packages.
pub(crate) fn config(name: &str, gateways: u32) -> Result<Option<WorldConfig>> {
    let root = workspace_root();
    if !packages_are_there(&root) {
        return Ok(None);
    }
    let state = root.join("target/heliotrope/tests").join(name);
    let (port, seed) = (free_port()?, SEED);
    Ok(Some(WorldConfig { root, state, port, gateways, seed, lie: None, web_dir: None }))
}

/// A world with a check under the pin; `None` without the contracts' packages.
pub(crate) async fn start(
    (name, gateways): (&str, u32),
    check: &str,
    params: impl AsyncFnOnce(&Deployment, &DevChain) -> Result<Vec<u8>>,
) -> Result<Option<World>> {
    let Some(config) = config(name, gateways)? else { return Ok(None) };
    let checks = world::built(&workspace_root())?;
    Ok(Some(World::start_with(config, checks, check, SLOTS, params).await?))
}

/// Sends a transaction and makes the block that it is in; the address of what it creates.
pub(crate) async fn send(
    deployment: &Deployment,
    chain: &DevChain,
    call: TransactionRequest,
) -> Result<Option<Address>> {
    let provider = deployment.provider();
    let sent = *provider.send_transaction(call).await?.tx_hash();
    chain.advance(1).await?;
    let receipt = receipt(provider, sent).await?;
    ensure!(receipt.status(), "transaction {sent} was reverted");
    Ok(receipt.contract_address)
}

/// Deploys by creation code.
pub(crate) async fn create(
    deployment: &Deployment,
    chain: &DevChain,
    code: Vec<u8>,
) -> Result<Address> {
    let create = TransactionRequest::default().with_deploy_code(code);
    send(deployment, chain, create).await?.context("no address")
}

/// Deploys a contract of `contracts/test`.
pub(crate) async fn deploy(
    deployment: &Deployment,
    chain: &DevChain,
    contract: &str,
) -> Result<Address> {
    create(deployment, chain, bytecode(&workspace_root(), contract)?).await
}

/// Makes what is on the chain now final, and waits until the gateway stands on it: its facts are of that block or later.
pub(crate) async fn known(world: &World) -> Result<()> {
    let block = world.chain.head().await.execution_number;
    world.finalize().await?;
    for _ in 0..TRIES {
        let status = world.status().await?;
        if status["chain"]["finalized_block"].as_u64().is_some_and(|final_one| final_one >= block) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the gateway does not come to block {block}")
}

/// A device of the fleet whose owner the EVM knows.
pub(crate) fn a_device(world: &World) -> Result<&Gateway> {
    let signs = |gateway: &&Gateway| gateway.key.sign_registration(&[0; 32]).is_some();
    world.fleet.gateways.iter().find(signs).context("a device")
}

/// Another one, whoever owns it.
pub(crate) fn another_device<'a>(world: &'a World, key: &GatewayKey) -> Result<&'a Gateway> {
    let mut gateways = world.fleet.gateways.iter();
    gateways.find(|other| other.key.public() != key.public()).context("another device")
}

pub(crate) fn submission(key: &GatewayKey, evidence: Vec<u8>) -> Vec<u8> {
    let signature = key.sign(&Submission::message(&evidence));
    Submission { evidence, public_key: key.public().to_vec(), signature }.encode()
}

/// Hands evidence in: the answer's status and body.
pub(crate) async fn hand_in(world: &World, body: Vec<u8>) -> Result<(u16, Value)> {
    let url = format!("{}/v1/evidence", world.gateway_url);
    let answer = reqwest::Client::new().post(url).body(body).send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.json().await.unwrap_or(Value::Null)))
}

/// Hands evidence in that is taken.
pub(crate) async fn accepted(world: &World, body: Vec<u8>) -> Result<()> {
    let (status, said) = hand_in(world, body).await?;
    ensure!(status == 200 && said["accepted"] == true, "{status} {said}");
    Ok(())
}

/// Hands evidence in that is not, with an error that names `what`.
pub(crate) async fn refused(world: &World, body: Vec<u8>, (code, what): (u16, &str)) -> Result<()> {
    let (status, said) = hand_in(world, body).await?;
    let names = said["error"].as_str().is_some_and(|error| error.contains(what));
    ensure!(status == code && names, "{status} {said}, expected {code} and {what:?}");
    Ok(())
}

pub(crate) async fn get(world: &World, path: &str) -> Result<Vec<u8>> {
    let url = format!("{}/v1/{path}", world.gateway_url);
    Ok(reqwest::get(&url).await?.error_for_status()?.bytes().await?.to_vec())
}

/// An epoch that is settled.
pub(crate) struct Settled {
    pub(crate) epoch: u64,
    pub(crate) lanes: Vec<(LaneManifest, Vec<EvidenceLeaf>)>,
}

/// A leaf with its lane, and what the check says of it.
pub(crate) struct Judged<'a> {
    pub(crate) lane: &'a LaneManifest,
    pub(crate) leaf: &'a EvidenceLeaf,
    pub(crate) output: CheckOutput,
}

/// Closes the epoch, settles it, and reads every leaf of it, each held to its lane's roots.
pub(crate) async fn settled(world: &mut World) -> Result<Settled> {
    let epoch = world.settle().await?;
    let manifest = EpochManifest::decode(&get(world, &format!("epochs/{epoch}/manifest")).await?)?;
    let mut lanes = Vec::new();
    for lane in manifest.lanes {
        let mut leaves = Vec::new();
        for area in lane.areas() {
            let path = format!("epochs/{epoch}/lanes/{}/evidence/{area:x}", lane.lane);
            leaves.extend(ShardEvidence::decode(&get(world, &path).await?)?.leaves);
        }
        ensure!(leaves.len() as u64 == u64::from(lane.leaf_count), "{} leaves", leaves.len());
        leaves.iter().try_for_each(|leaf| leaf.verify(&lane))?;
        lanes.push((lane, leaves));
    }
    Ok(Settled { epoch, lanes })
}

impl Settled {
    /// Every leaf.
    pub(crate) fn all(&self) -> Result<Vec<Judged<'_>>> {
        let leaves =
            self.lanes.iter().flat_map(|(lane, leaves)| leaves.iter().map(move |l| (lane, l)));
        let judged = leaves.map(|(lane, leaf)| {
            Ok(Judged { lane, leaf, output: CheckOutput::decode(&leaf.output)? })
        });
        judged.collect()
    }

    /// The leaf of a bundle.
    pub(crate) fn of(&self, bundle: &[u8]) -> Result<Judged<'_>> {
        let found = self.all()?.into_iter().find(|judged| judged.leaf.bundle == bundle);
        found.context("the bundle is no leaf of the epoch")
    }
}

impl Judged<'_> {
    /// The leaf as `heliotrope prove` wants it, if it has no place on the map.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.lane.lane, self.leaf.index)
    }

    /// Every outcome that is no pass: subject, rule and verdict.
    pub(crate) fn broken(&self) -> Vec<(u32, u16, Verdict)> {
        let outcomes = self.output.outcomes.iter().filter(|o| o.verdict != Verdict::Pass);
        outcomes.map(|o| (o.subject, o.rule_id, o.verdict)).collect()
    }
}

/// What a lane's settlement pays.
pub(crate) async fn rewards(world: &World, lane: &LaneManifest) -> Result<Vec<RewardLeaf>> {
    let root = B256::from(lane.commitment.reward_root);
    let tree = get(world, &format!("rewards/{}", hex::encode(root))).await?;
    Ok(RewardLeaves::open(&tree, root)?.leaves().to_vec())
}

/// What was left out of a lane in an epoch.
pub(crate) async fn left_out(world: &World, epoch: u64, lane: u32) -> Result<Vec<Value>> {
    let file = get(world, &format!("epochs/{epoch}/lanes/{lane}/left-out.json")).await?;
    Ok(serde_json::from_slice(&file)?)
}

/// Settles once more: nothing but these bundles was handed in, and each is left out for what counts since `first`.
pub(crate) async fn counts_once(
    world: &mut World,
    first: &Settled,
    bundles: &[(&[u8], &[u8])],
) -> Result<()> {
    let again = settled(world).await?;
    ensure!(again.lanes.is_empty(), "it was counted twice");
    for (bundle, counts) in bundles {
        let lane = first.of(counts)?.lane.lane;
        let left_out = left_out(world, again.epoch, lane).await?;
        let named = left_out.iter().find(|entry| entry["bundle"] == hex::encode(sha256(bundle)));
        let named = named.with_context(|| format!("not left out: {left_out:?}"))?;
        ensure!(named["counts"] == hex::encode(sha256(counts)), "{named}");
        ensure!(named["epoch"] == first.epoch && named["lane"] == lane, "{named}");
    }
    let status = world.status().await?;
    ensure!(status["settlement"]["left_out"] == bundles.len(), "{status}");
    Ok(())
}

/// `heliotrope prove` of a hex or a leaf of the newest epoch, then `heliotrope verify` of the file alone.
pub(crate) async fn proven_offline(world: &World, subject: &str) -> Result<String> {
    let checkpoint = world.checkpoint.to_string();
    let name = format!("{}.proof", subject.replace('/', "-"));
    let file = world.network_file().with_file_name(name).display().to_string();
    let gateway = ["--gateway", &world.gateway_url, "--checkpoint", &checkpoint];
    for _ in 0..60 {
        match heliotrope(&[&["prove", subject, "--out", &file][..], &gateway].concat()) {
            Err(error) if error.to_string().contains("try again in a minute") => {
                world.chain.advance(8).await?;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            said => {
                println!("{}", said?);
                let verified = heliotrope(&["verify", &file, "--checkpoint", &checkpoint])?;
                println!("{verified}");
                return Ok(verified);
            }
        }
    }
    bail!("the epoch does not become final")
}
