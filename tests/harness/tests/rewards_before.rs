//! Whose rewards a lane goes on from: while another's proposal is open the lane waits; once it is final its leaves come
//! from the first mirror that has them, whatever the others send.
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    network::EthereumWallet,
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::{
    Roots, STATUS_FINAL, STATUS_PROPOSED,
    abi::ISettlementLedger::{self, ISettlementLedgerInstance},
    reward::{Rate, tree::RewardLeaves},
};
use heliotrope_device_proofs::{
    epoch::{Commitment, EpochManifest, LaneManifest},
    h3,
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
    world::{self, CHAIN_ID, World, WorldConfig},
};
use heliotrope_light_client::proof_chain::roots;

const RATE: Rate = Rate { per_score: PER_SCORE, cap: REWARD_CAP, from_epoch: 1 };
const CHECK: &str = "coverage-radio";
/// Slots of a second: a window and what is around it.
const SLOTS_OF_HISTORY: u64 = 4_096;
/// Who was paid by the other proposer.
const PAID: Address = Address::repeat_byte(0x51);
/// Longer than the settler's longest pause between two attempts.
const PATIENCE: Duration = Duration::from_secs(60);

/// What another proposer settled, in an epoch before the gateway's first.
struct Other {
    lane: LaneManifest,
    leaves: RewardLeaves,
    ledger: ISettlementLedgerInstance<DynProvider>,
    provider: DynProvider,
    check_id: B256,
}

impl Other {
    /// Proposes for a lane of the fleet.
    async fn propose(world: &World, module_hash: [u8; 32], check_id: B256) -> Result<Self> {
        let wallet = EthereumWallet::from(CHALLENGER_KEY.parse::<PrivateKeySigner>()?);
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(world.rpc.parse()?);
        let provider = provider.erased();
        let contracts = &world.deployment.contracts;
        let ledger = ISettlementLedger::new(contracts.settlement_ledger, provider.clone());
        let leaves = RewardLeaves::default().next(&BTreeMap::from([(PAID, 2_000_000)]), &RATE)?;
        let anchor = provider.get_block_number().await?.saturating_sub(1);
        let block = provider.get_block_by_number(anchor.into()).await?.context("anchor")?;
        let lane = LaneManifest {
            lane: lane_of_most(world)?,
            commitment: Commitment {
                evidence_root: [1; 32],
                verdict_root: [2; 32],
                coverage_root: [3; 32],
                reward_root: leaves.root().0,
                module_hash,
            },
            anchor_hash: block.header.hash.0,
            leaf_count: 1,
            shards: Vec::new(),
        };
        let bond = ledger.BOND().call().await?;
        let (number, epoch) = (U256::from(lane.lane), U256::ZERO);
        let named = roots(&lane);
        let call = ledger.propose(check_id, number, epoch, U256::from(anchor), named.into());
        let sent = *call.value(bond).send().await?.tx_hash();
        let other = Self { lane, leaves, ledger: ledger.clone(), provider, check_id };
        other.mined(world, sent).await?;
        Ok(other)
    }

    async fn finalize(&self, world: &World) -> Result<()> {
        world.chain.advance(DISPUTE_WINDOW_S + 1).await?;
        let (lane, named): (_, Roots) = (U256::from(self.lane.lane), roots(&self.lane));
        let version = U256::from(1);
        let call = self.ledger.finalize(self.check_id, lane, U256::ZERO, version, named.into());
        let sent = *call.send().await?.tx_hash();
        self.mined(world, sent).await?;
        let entry = self.ledger.settlement(self.check_id, lane, U256::ZERO).call().await?;
        ensure!(entry.status == STATUS_FINAL, "status {}", entry.status);
        Ok(())
    }

    /// States of the gateway's other lanes in an epoch.
    async fn others_of(&self, world: &World, epoch: u64) -> Result<Vec<u8>> {
        let lanes = fs::read_dir(
            world.network_file().with_file_name("gateway/epochs").join(format!("{epoch}/lanes")),
        )?;
        let mut states = Vec::new();
        for entry in lanes {
            let path = entry?.path();
            let name = path.file_name().context("lane")?.to_string_lossy().into_owned();
            // a lane in which nothing counts has no manifest
            if path.join("manifest").is_file() {
                let (lane, epoch) = (U256::from(name.parse::<u64>()?), U256::from(epoch));
                let entry = self.ledger.settlement(self.check_id, lane, epoch).call().await?;
                states.push(entry.status);
            }
        }
        ensure!(!states.is_empty(), "the fleet is in one lane: the test shows nothing");
        Ok(states)
    }

    /// In a block that the gateway sees as finalized.
    async fn mined(&self, world: &World, hash: B256) -> Result<()> {
        world.chain.advance(1).await?;
        let receipt = receipt(&self.provider, hash).await?;
        ensure!(receipt.status(), "transaction {hash} was reverted");
        world.finalize().await?;
        let block = receipt.block_number.context("block")?;
        let started = Instant::now();
        while world.status().await?["chain"]["finalized_block"].as_u64() < Some(block) {
            ensure!(started.elapsed() < PATIENCE, "the gateway does not follow to block {block}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// What a mirror that tells the truth has.
    fn served(&self) -> Served {
        let manifest = format!("/v1/epochs/0/lanes/{}/manifest", self.lane.lane);
        let rewards = format!("/v1/rewards/{}", hex::encode(self.leaves.root()));
        Arc::new([(manifest, self.lane.encode()), (rewards, self.leaves.encode())])
    }
}

/// The lane with most radios: there the gateway has something to settle.
fn lane_of_most(world: &World) -> Result<u32> {
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for gateway in &world.fleet.gateways {
        *counts.entry(h3::lane(gateway.cell)).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    Ok(most.context("no radio")?.0)
}

type Served = Arc<[(String, Vec<u8>); 2]>;

/// A mirror that does something to what it serves; `cut` ends the connection after so many bytes less.
fn mirror(served: &Served, change: fn(&mut Vec<u8>), cut: usize) -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    let served = Arc::clone(served);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            drop(answer(stream, &served, change, cut));
        }
    });
    Ok(url)
}

fn answer(
    mut stream: TcpStream,
    served: &Served,
    change: fn(&mut Vec<u8>),
    cut: usize,
) -> Result<()> {
    let mut request = [0; 4_096];
    let length = stream.read(&mut request)?;
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let path = request.split(' ').nth(1).context("path")?;
    let Some((_, bytes)) = served.iter().find(|(name, _)| name == path) else {
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
        return Ok(());
    };
    let mut bytes = bytes.clone();
    change(&mut bytes);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
    bytes.truncate(bytes.len() - cut);
    Ok(stream.write_all(&[head.as_bytes(), &bytes].concat())?)
}

/// Of another root, cut off, longer, and one that has nothing.
fn bad(served: &Served) -> Result<Vec<String>> {
    let nothing = Arc::new([(String::new(), Vec::new()), (String::new(), Vec::new())]);
    Ok(vec![
        mirror(served, |bytes| bytes[40] ^= 1, 0)?,
        mirror(served, |_| {}, 7)?,
        mirror(served, |bytes| bytes.push(0), 0)?,
        mirror(&nothing, |_| {}, 0)?,
    ])
}

/// Starts the gateway again, with these mirrors.
async fn restart(world: &mut World, mirrors: &[String]) -> Result<()> {
    let settings = world.network_file().with_file_name("heliotrope.toml");
    let text = fs::read_to_string(&settings)?;
    let other = |line: &str| {
        let is_it = line.starts_with("module_mirrors");
        if is_it { format!("module_mirrors = {mirrors:?}") } else { line.to_owned() }
    };
    fs::write(&settings, text.lines().map(other).collect::<Vec<_>>().join("\n"))?;
    world.gateway.take().context("gateway")?.kill()?;
    world.start_gateway().await
}

/// Until the settler says this of its last attempt.
async fn says(world: &World, words: &str) -> Result<()> {
    let started = Instant::now();
    loop {
        let status = world.status().await?;
        let error = status["settlement"]["error"].as_str().unwrap_or_default();
        if error.contains(words) {
            println!("{error}");
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            bail!("{words:?} is not said: {status}");
        }
        // what is proposed needs a block
        world.chain.advance(1).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn start(root: &std::path::Path) -> Result<(World, [u8; 32])> {
    let checks = world::built(root)?;
    let module = checks.iter().find(|check| check.name == CHECK);
    let module = module.context("no such check")?.sha256;
    let (root, state) = (root.to_owned(), root.join("target/heliotrope/tests/rewards-before"));
    let (port, gateways) = (free_port()?, 40);
    let config = WorldConfig { root, state, port, gateways, seed: 7, lie: None, web_dir: None };
    let params = async |deployment: &Deployment, _: &DevChain| {
        let registry = deployment.contracts.device_registry.into_array();
        Ok(Fleet::params(registry, CHAIN_ID).encode())
    };
    let world = World::start_with(config, checks, CHECK, SLOTS_OF_HISTORY, params).await?;
    Ok((world, module))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_waits_for_the_open_proposal_of_another_and_goes_on_from_it_once_it_is_final()
-> Result<()> {
    let root = workspace_root();
    if !packages_are_there(&root) {
        return Ok(());
    }
    let (mut world, module) = start(&root).await?;
    let check_id = heliotrope_contracts::check_id(CHECK);
    let other = Other::propose(&world, module, check_id).await?;
    let (accepted, _) = world.send_reports().await?;
    ensure!(accepted > 0, "nothing to settle");
    let epoch = world.close_epoch().await?;

    // what stands may yet be struck out, so nothing of the lane is proposed
    says(&world, "and is not final: its sums may not stand; waiting").await?;
    let lane = U256::from(other.lane.lane);
    let of_lane = || other.ledger.settlement(check_id, lane, U256::from(epoch));
    assert_eq!(of_lane().call().await?.status, 0);
    // the other lanes do not wait for it
    assert!(other.others_of(&world, epoch).await?.iter().all(|status| *status == STATUS_PROPOSED));

    // final, but nobody who is asked has what is behind it
    other.finalize(&world).await?;
    let served = other.served();
    let mut mirrors = bad(&served)?;
    restart(&mut world, &mirrors).await?;
    says(&world, "none of 4 mirrors has it").await?;
    assert_eq!(of_lane().call().await?.status, 0);

    // one more that has the manifest, and leaves of which none is the root's
    let (manifest, leaves) = (served[0].clone(), served[1].clone());
    let wrong = [leaves.1.as_slice(), &leaves.1].concat();
    mirrors.push(mirror(&Arc::new([manifest, (leaves.0, wrong)]), |_| {}, 0)?);
    restart(&mut world, &mirrors).await?;
    says(&world, "v1/rewards/").await?;
    assert_eq!(of_lane().call().await?.status, 0);

    mirrors.push(mirror(&served, |_| {}, 0)?);
    restart(&mut world, &mirrors).await?;
    world.published(epoch).await?;
    goes_on(&world, &other, epoch).await
}

/// The account that the other paid is in the lane's next tree with its sum, and the other's tree is served on.
async fn goes_on(world: &World, other: &Other, epoch: u64) -> Result<()> {
    let get = async |path: String| -> Result<Vec<u8>> {
        let url = format!("{}/v1/{path}", world.gateway_url);
        Ok(reqwest::get(&url).await?.error_for_status()?.bytes().await?.to_vec())
    };
    let manifest = EpochManifest::decode(&get(format!("epochs/{epoch}/manifest")).await?)?;
    let lane = manifest.lanes.iter().find(|lane| lane.lane == other.lane.lane);
    let root = B256::from(lane.context("the lane is not settled")?.commitment.reward_root);
    let now = RewardLeaves::open(&get(format!("rewards/{}", hex::encode(root))).await?, root)?;
    let leaf = now.leaf_of(PAID).context("who was paid before was left out")?.leaf;
    let before = other.leaves.leaf_of(PAID).context("leaf")?.leaf.cumulative;
    ensure!(before > 0, "nothing was paid: the test shows nothing");
    assert_eq!((leaf.previous, leaf.score_ppm, leaf.cumulative), (before, 0, before));
    let kept = get(format!("rewards/{}", hex::encode(other.leaves.root()))).await?;
    assert_eq!(kept, other.leaves.encode());
    Ok(())
}
