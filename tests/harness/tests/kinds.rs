//! Evidence that comes as a whole, with and without a place on the map, through the real gateway: handed in, settled,
//! proven into a file and judged offline; and handed in again, which counts once.
//!
//! Skipped, saying so, where the contracts' npm packages are not installed: `cargo test-all` does that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

use std::{path::PathBuf, time::Duration};

use alloy::{
    network::TransactionBuilder as _, providers::Provider as _, rpc::types::TransactionRequest, sol,
};
use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_checks::{coverage_radio::rules, storage_pdp};
use heliotrope_contracts::{mapping, reward::tree::RewardLeaves};
use heliotrope_device_proofs::{
    abi::{CheckOutput, Verdict},
    bundle::{EvidenceBundle, Received},
    commp::{CommpSample, Content},
    data_transfer::{
        BYTES_PER_DC, DataTransferBundle, DataTransferParams, EPOCH_S, PROFILE_TWO_SIDED_1,
    },
    epoch::{EpochManifest, LaneManifest, NO_AREA, ShardEvidence},
    pdp::{Layout, PdpParams, PossessionProof},
    protobuf::Message as _,
    provenance::EvidenceBundleV2,
    radio::{BlockHashes, RadioParams, RadioSources},
    registry,
    report::SignedReport as _,
    sha256,
    submission::Submission,
    wire::mobile::{DataTransferEvent, DataTransferSessionReqV1, radio_access_technology},
};
use heliotrope_harness::{
    command::{heliotrope, workspace_root},
    contracts_build::{bytecode, tool},
    deploy::{Deployment, receipt},
    devchain::DevChain,
    fleet::{Gateway, GatewayKey, KeyType, region_params},
    pdp::{DataSet, OwnDrand, PieceTree},
    process::free_port,
    world::{self, CHAIN_ID, SLOTS_OF_HISTORY, World, WorldConfig},
};
use serde_json::Value;

sol! {
    #[sol(rpc)]
    interface IPossessionVerifier {
        struct Cid { bytes data; }
        function cutOver() external;
        function createDataSet() external returns (uint256 setId);
        function nextDataSetId() external view returns (uint64);
        function addPieces(uint256 setId, Cid[] calldata pieces) external;
        function nextProvingPeriod(uint256 setId, uint256 epoch) external;
        function setBeacon(uint256 epoch, uint256 digest) external;
    }
}

const PIECES: u64 = 5;
const CHALLENGES: u64 = 5;
/// Blocks until the challenge is due.
const BLOCKS_TO_CHALLENGE: u64 = 6;

fn config(name: &str) -> Result<Option<WorldConfig>> {
    let root = workspace_root();
    if !tool(&root, "anvil").is_file() {
        println!("skipped: contracts/node_modules is not there, run cargo test-all");
        return Ok(None);
    }
    let state: PathBuf = root.join("target/heliotrope/tests").join(name);
    let (port, gateways) = (free_port()?, 8);
    Ok(Some(WorldConfig { root, state, port, gateways, seed: 7, lie: None, web_dir: None }))
}

async fn send(
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

/// A contract with the layout of `PDPVerifier`, a data set in it, a challenge that is due, and its answer.
async fn possession(
    deployment: &Deployment,
    chain: &DevChain,
) -> Result<(PdpParams, PossessionProof)> {
    let code = bytecode(&workspace_root(), "PossessionVerifier")?;
    let create = TransactionRequest::default().with_deploy_code(code);
    let verifier = send(deployment, chain, create).await?.context("no address")?;
    let drand = OwnDrand::new([42; 32])?;
    let params = PdpParams {
        verifier: verifier.into_array(),
        chain_id: CHAIN_ID,
        genesis_s: 1_790_000_000,
        drand: drand.chain(),
        ..PdpParams::filecoin_mainnet()
    };
    let contract = IPossessionVerifier::new(verifier, deployment.provider());
    let set_id = contract.nextDataSetId().call().await?;
    let set = U256::from(set_id);
    send(deployment, chain, contract.createDataSet().into_transaction_request()).await?;
    let payload = |id: u64| (0..100 + 911 * id).map(|n| (n * 31 + id) as u8).collect::<Vec<_>>();
    let pieces: Vec<_> =
        (0..PIECES).map(|id| PieceTree::new(&payload(id)).map(Some)).collect::<Result<_>>()?;
    let cid = |piece: &PieceTree| IPossessionVerifier::Cid { data: piece.cid().encode().into() };
    let cids = pieces.iter().flatten().map(cid).collect();
    send(deployment, chain, contract.addPieces(set, cids).into_transaction_request()).await?;
    let epoch = deployment.provider().get_block_number().await? + BLOCKS_TO_CHALLENGE;
    let period = contract.nextProvingPeriod(set, U256::from(epoch)).into_transaction_request();
    send(deployment, chain, period).await?;
    // it is a set of the old layout; and anvil keeps a zero that was written, which no chain does
    send(deployment, chain, contract.cutOver().into_transaction_request()).await?;
    let beacon = drand.beacon(params.round_of(epoch).context("round")?);
    let digest = U256::from_be_bytes(storage_pdp::seed(&beacon.signature));
    let beacon_call = contract.setBeacon(U256::from(epoch), digest).into_transaction_request();
    send(deployment, chain, beacon_call).await?;
    let data_set = DataSet { set_id, layout: Layout::Legacy, pieces };
    Ok((params, data_set.prove(epoch, beacon, CHALLENGES)?))
}

/// A device of the fleet whose owner the EVM knows.
fn a_device(world: &World) -> Result<&Gateway> {
    let signs = |gateway: &&Gateway| gateway.key.sign_registration(&[0; 32]).is_some();
    world.fleet.gateways.iter().find(signs).context("a device")
}

fn submission(key: &GatewayKey, evidence: Vec<u8>) -> Vec<u8> {
    let signature = key.sign(&Submission::message(&evidence));
    Submission { evidence, public_key: key.public().to_vec(), signature }.encode()
}

async fn hand_in(world: &World, body: Vec<u8>) -> Result<(u16, Value)> {
    let url = format!("{}/v1/evidence", world.gateway_url);
    let answer = reqwest::Client::new().post(url).body(body).send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.json().await.unwrap_or(Value::Null)))
}

async fn get(world: &World, path: &str) -> Result<Vec<u8>> {
    let url = format!("{}/v1/{path}", world.gateway_url);
    Ok(reqwest::get(&url).await?.error_for_status()?.bytes().await?.to_vec())
}

/// The one lane of an epoch, and its leaves.
async fn settled(world: &mut World) -> Result<(EpochManifest, LaneManifest, ShardEvidence)> {
    let epoch = world.settle().await?;
    let manifest = EpochManifest::decode(&get(world, &format!("epochs/{epoch}/manifest")).await?)?;
    ensure!(manifest.lanes.len() == 1, "{} lanes, expected one", manifest.lanes.len());
    let lane = manifest.lanes[0].clone();
    ensure!(lane.areas() == [NO_AREA] && lane.shards.is_empty(), "it has no place on the map");
    let path = format!("epochs/{epoch}/lanes/{}/evidence/{NO_AREA:x}", lane.lane);
    let evidence = ShardEvidence::decode(&get(world, &path).await?)?;
    for leaf in &evidence.leaves {
        leaf.verify(&lane)?;
    }
    Ok((manifest, lane, evidence))
}

/// `heliotrope prove` of a leaf, then `heliotrope verify` of the file alone.
async fn proven_offline(world: &World, lane: &LaneManifest) -> Result<String> {
    let (checkpoint, leaf) = (world.checkpoint.to_string(), format!("{}/0", lane.lane));
    let file = world.network_file().with_file_name("leaf.proof").display().to_string();
    let gateway = ["--gateway", &world.gateway_url, "--checkpoint", &checkpoint];
    for _ in 0..60 {
        match heliotrope(&[&["prove", &leaf, "--out", &file][..], &gateway].concat()) {
            Err(error) if error.to_string().contains("try again in a minute") => {
                world.chain.advance(8).await?;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            said => {
                println!("{}", said?);
                return heliotrope(&["verify", &file, "--checkpoint", &checkpoint]);
            }
        }
    }
    bail!("the epoch does not become final")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_possession_proof_is_settled_proven_and_counts_once() -> Result<()> {
    let Some(config) = config("kinds-pdp")? else { return Ok(()) };
    let checks = world::built(&workspace_root())?;
    let mut made = None;
    let params = async |deployment: &Deployment, chain: &DevChain| {
        let (params, proof) = possession(deployment, chain).await?;
        made = Some(proof);
        Ok(params.encode())
    };
    let mut world =
        World::start_with(config, checks, "storage-pdp", SLOTS_OF_HISTORY, params).await?;
    let proof = made.context("a possession proof")?;
    let key = a_device(&world)?.key.clone();

    // nobody's, a stranger's, and one that the key did not sign
    let (status, said) = hand_in(&world, proof.encode()).await?;
    ensure!(
        status == 400 && said["error"].as_str().is_some_and(|e| e.contains("submission")),
        "{said}"
    );
    let stranger = GatewayKey::derive(KeyType::Ed25519, b"nobody registered this one");
    let (status, said) = hand_in(&world, submission(&stranger, proof.encode())).await?;
    ensure!(status == 403, "{status} {said}");
    let forged = Submission {
        evidence: proof.encode(),
        public_key: key.public().to_vec(),
        signature: key.sign(b"something else"),
    };
    let (status, said) = hand_in(&world, forged.encode()).await?;
    ensure!(status == 401, "{status} {said}");

    let honest = submission(&key, proof.encode());
    ensure!(hand_in(&world, honest.clone()).await?.1["accepted"] == true);
    ensure!(hand_in(&world, honest.clone()).await?.1["duplicate"] == true);
    let (first, lane, evidence) = settled(&mut world).await?;
    let output = CheckOutput::decode(&evidence.leaves[0].output)?;
    ensure!(output.verdict == Verdict::Pass, "{:?}", output.outcomes.last());
    ensure!(evidence.leaves[0].bundle == proof.encode());
    let root = B256::from(lane.commitment.reward_root);
    let rewards =
        RewardLeaves::open(&get(&world, &format!("rewards/{}", hex::encode(root))).await?, root)?;
    let [leaf] = rewards.leaves() else { bail!("{} reward leaves", rewards.leaves().len()) };
    ensure!(leaf.score_ppm == 1_000_000 && leaf.account != world.deployment.owner(), "{leaf:?}");
    let said = proven_offline(&world, &lane).await?;
    ensure!(said.contains("leaf 0: pass"), "{said}");
    println!("{said}");

    // another device hands the same proof in, and the gateway was killed in between
    world.gateway.take().context("gateway")?.kill()?;
    world.start_gateway().await?;
    let others = world.fleet.gateways.iter().find(|g| g.key.public() != key.public());
    let other = others.context("another device")?.key.clone();
    ensure!(hand_in(&world, submission(&other, proof.encode())).await?.1["accepted"] == true);
    let epoch = world.settle().await?;
    let manifest = EpochManifest::decode(&get(&world, &format!("epochs/{epoch}/manifest")).await?)?;
    ensure!(manifest.lanes.is_empty(), "it was counted twice");
    let left_out =
        get(&world, &format!("epochs/{epoch}/lanes/{}/left-out.json", lane.lane)).await?;
    let left_out: Value = serde_json::from_slice(&left_out)?;
    ensure!(left_out[0]["epoch"] == first.epoch, "{left_out}");
    ensure!(left_out[0]["counts"] == hex::encode(sha256(&proof.encode())), "{left_out}");
    let status = world.status().await?;
    ensure!(status["settlement"]["left_out"] == 1, "{status}");
    Ok(())
}

const PAYER: &[u8] = b"a payer";
const DAY: u64 = 20_718;
const BURNED_SLOT: u64 = 3;

/// A contract whose storage says what the payer burned: there is nothing else in it.
async fn burned(deployment: &Deployment, chain: &DevChain, credits: u64) -> Result<Address> {
    const PUSH32: u8 = 0x7f;
    const SSTORE: u8 = 0x55;
    // returns one byte of code, STOP
    const RETURN_STOP: [u8; 5] = [0x60, 0x01, 0x5f, 0xf3, 0x00];
    let epochs = mapping(registry::device_id(payer().public()).into(), BURNED_SLOT);
    let slot = alloy_primitives::keccak256([U256::from(DAY).to_be_bytes(), epochs.0].concat());
    let value = U256::from(credits).to_be_bytes::<32>();
    let code =
        [&[PUSH32][..], &value, &[PUSH32], slot.as_slice(), &[SSTORE], &RETURN_STOP].concat();
    let create = TransactionRequest::default().with_deploy_code(code);
    send(deployment, chain, create).await?.context("no address")
}

fn payer() -> GatewayKey {
    GatewayKey::derive(KeyType::Ed25519, PAYER)
}

fn carrier() -> GatewayKey {
    GatewayKey::derive(KeyType::Ed25519, b"a carrier's routing service")
}

/// A session that hotspot and carrier signed.
fn session(hotspot: &GatewayKey, id: u64) -> Received {
    let mut event = DataTransferEvent {
        pub_key: hotspot.public().to_vec(),
        upload_bytes: 1_000_000,
        download_bytes: 9_000_000,
        radio_access_technology: radio_access_technology::WLAN,
        event_id: format!("event {id}"),
        payer: payer().public().to_vec(),
        timestamp: DAY * EPOCH_S + 60 + id,
        signature: Vec::new(),
    };
    event.signature = hotspot.sign(&event.signed_bytes());
    let mut request = DataTransferSessionReqV1 {
        data_transfer_usage: Some(event),
        pub_key: carrier().public().to_vec(),
        rewardable_bytes: 10_000_000,
        carrier_id: 3,
        ..DataTransferSessionReqV1::default()
    };
    request.signature = carrier().sign(&request.signed_bytes());
    Received { received_ms: (DAY * EPOCH_S + 120 + id) * 1000, report: request.encode_to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_data_transfer_are_settled_and_proven() -> Result<()> {
    let Some(config) = config("kinds-data")? else { return Ok(()) };
    let checks = world::built(&workspace_root())?;
    let params = async |deployment: &Deployment, chain: &DevChain| {
        let credits = burned(deployment, chain, 2 * 10_000_000_u64.div_ceil(BYTES_PER_DC)).await?;
        let params = DataTransferParams {
            profile: PROFILE_TWO_SIDED_1.into(),
            device_registry: deployment.contracts.device_registry.into_array(),
            credits: credits.into_array(),
            burned_slot: BURNED_SLOT,
            chain_id: CHAIN_ID,
            network: 0,
            routing_keys: vec![carrier().public().to_vec()],
            epoch_s: EPOCH_S,
            bytes_per_dc: BYTES_PER_DC,
        };
        Ok(params.encode())
    };
    let mut world =
        World::start_with(config, checks, "data-transfer", SLOTS_OF_HISTORY, params).await?;
    let hotspot = a_device(&world)?.key.clone();
    let sessions = vec![session(&hotspot, 0), session(&hotspot, 1)];
    let bundle = DataTransferBundle { payer: payer().public().to_vec(), epoch: DAY, sessions };
    let mut forged = bundle.clone();
    let last = forged.sessions[1].report.last_mut().context("session")?;
    *last ^= 1;
    let (status, said) = hand_in(&world, submission(&hotspot, forged.encode())).await?;
    ensure!(status == 401, "{status} {said}");
    // a part of the sessions comes first: the whole of them counts, and only that
    let part = DataTransferBundle { sessions: bundle.sessions[..1].to_vec(), ..bundle.clone() };
    for evidence in [&part, &bundle] {
        let (status, said) = hand_in(&world, submission(&hotspot, evidence.encode())).await?;
        ensure!(status == 200 && said["accepted"] == true, "{status} {said}");
    }
    // evidence that the pinned module is not for
    let other = submission(
        &hotspot,
        CommpSample {
            piece_cid: PieceTree::new(&[7; 200])?.cid().encode(),
            content: Content::Payload(vec![7; 200]),
        }
        .encode(),
    );
    ensure!(hand_in(&world, other).await?.0 == 200);

    let (_, lane, evidence) = settled(&mut world).await?;
    let output = CheckOutput::decode(&evidence.leaves[0].output)?;
    ensure!(output.verdict == Verdict::Pass, "{:?}", output.outcomes);
    ensure!(evidence.leaves.len() == 1, "{} leaves", evidence.leaves.len());
    ensure!(evidence.leaves[0].bundle == bundle.encode(), "a part took the place of the whole");
    ensure!(lane.commitment.reward_root == [0; 32], "nobody earns by what many devices did");
    let said = proven_offline(&world, &lane).await?;
    ensure!(said.contains("leaf 0: pass"), "{said}");
    println!("{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_that_was_settled_does_not_count_again_as_a_bundle() -> Result<()> {
    let Some(config) = config("kinds-radio")? else { return Ok(()) };
    let config = WorldConfig { gateways: 40, ..config };
    let mut world = World::start(config, world::built(&workspace_root())?).await?;
    world.send_reports().await?;
    let first = world.settle().await?;
    let manifest = EpochManifest::decode(&get(&world, &format!("epochs/{first}/manifest")).await?)?;
    let mut passed = None;
    for lane in &manifest.lanes {
        for area in lane.areas() {
            let path = format!("epochs/{first}/lanes/{}/evidence/{area:x}", lane.lane);
            for leaf in ShardEvidence::decode(&get(&world, &path).await?)?.leaves {
                if CheckOutput::decode(&leaf.output)?.verdict == Verdict::Pass {
                    passed = Some((lane.lane, leaf));
                }
            }
        }
    }
    let (lane, leaf) = passed.context("a beacon that passes")?;
    // version 2 of the bundle: other bytes, and the same beacon
    let bundle = EvidenceBundle::decode(&leaf.bundle)?;
    let again = EvidenceBundleV2 { bundle, ..EvidenceBundleV2::default() }.encode();
    ensure!(again != leaf.bundle);
    let (status, said) = hand_in(&world, again.clone()).await?;
    ensure!(status == 200 && said["accepted"] == true, "{status} {said}");
    let second = world.settle().await?;
    let manifest =
        EpochManifest::decode(&get(&world, &format!("epochs/{second}/manifest")).await?)?;
    ensure!(manifest.lanes.is_empty(), "a beacon was counted in two epochs");
    let left_out = get(&world, &format!("epochs/{second}/lanes/{lane}/left-out.json")).await?;
    let left_out: Value = serde_json::from_slice(&left_out)?;
    ensure!(left_out[0]["bundle"] == hex::encode(sha256(&again)), "{left_out}");
    ensure!(left_out[0]["counts"] == hex::encode(sha256(&leaf.bundle)), "{left_out}");
    ensure!(left_out[0]["epoch"] == first && left_out[0]["lane"] == lane, "{left_out}");
    Ok(())
}

/// No contract of ours keeps what the rules of history need, so `strict-1` says of every beacon that it cannot tell: the
/// registry's facts are proven and hold (R1, R2), and R3 is the first rule that lacks something. It never passes by
/// default.
#[tokio::test(flavor = "multi_thread")]
async fn strict_1_cannot_tell_without_a_contract_that_keeps_standings() -> Result<()> {
    let Some(config) = config("kinds-strict")? else { return Ok(()) };
    let config = WorldConfig { gateways: 40, ..config };
    let params = async |deployment: &Deployment, _: &DevChain| {
        let registry = deployment.contracts.device_registry.into_array();
        let sources =
            RadioSources { blockhashes: Some(BlockHashes::ethereum()), ..RadioSources::default() };
        Ok(RadioParams::strict_1(registry, CHAIN_ID, region_params(), sources).encode())
    };
    let checks = world::built(&workspace_root())?;
    let mut world =
        World::start_with(config, checks, "coverage-radio", SLOTS_OF_HISTORY, params).await?;
    world.send_reports().await?;
    let epoch = world.settle().await?;
    let manifest = EpochManifest::decode(&get(&world, &format!("epochs/{epoch}/manifest")).await?)?;
    let mut judged = 0;
    for lane in &manifest.lanes {
        ensure!(lane.commitment.reward_root == [0; 32], "nobody earns by what is not told");
        for area in lane.areas() {
            let path = format!("epochs/{epoch}/lanes/{}/evidence/{area:x}", lane.lane);
            for leaf in ShardEvidence::decode(&get(&world, &path).await?)?.leaves {
                let output = CheckOutput::decode(&leaf.output)?;
                let said: Vec<_> = output.outcomes.iter().map(|o| (o.rule_id, o.verdict)).collect();
                let expected = [
                    (rules::R1.id, Verdict::Pass),
                    (rules::R2.id, Verdict::Pass),
                    (rules::R3.id, Verdict::Indeterminate),
                ];
                ensure!(output.verdict == Verdict::Indeterminate && said == expected, "{said:?}");
                ensure!(!output.facts_read.is_empty(), "the registry's word was not read");
                judged += 1;
            }
        }
    }
    ensure!(judged > 0, "nothing was judged");
    Ok(())
}
