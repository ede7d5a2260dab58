//! A proof of possession: whoever hands it in earns by it.

use alloy::providers::Provider as _;
use alloy_primitives::U256;
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_checks::storage_pdp;
use heliotrope_device_proofs::{
    abi::Verdict,
    pdp::{Layout, PdpParams, PossessionProof},
    submission::Submission,
};
use heliotrope_harness::{
    deploy::Deployment,
    devchain::DevChain,
    fleet::{GatewayKey, KeyType},
    pdp::{DataSet, IPossessionVerifier, OwnDrand, PieceTree},
    world::CHAIN_ID,
};

use crate::stage::{
    a_device, accepted, another_device, counts_once, deploy, hand_in, proven_offline, refused,
    rewards, send, settled, start, submission,
};

const PIECES: u64 = 5;
const CHALLENGES: u64 = 5;
/// Blocks until the challenge is due.
const BLOCKS_TO_CHALLENGE: u64 = 6;

/// A contract with the layout of `PDPVerifier`, a data set in it, a challenge that is due, and its answer.
async fn possession(
    deployment: &Deployment,
    chain: &DevChain,
) -> Result<(PdpParams, PossessionProof)> {
    let verifier = deploy(deployment, chain, "PossessionVerifier").await?;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_possession_proof_is_settled_proven_and_counts_once() -> Result<()> {
    let mut made = None;
    let params = async |deployment: &Deployment, chain: &DevChain| {
        let (params, proof) = possession(deployment, chain).await?;
        made = Some(proof);
        Ok(params.encode())
    };
    let Some(mut world) = start(("kinds-pdp", 8), "storage-pdp", params).await? else {
        return Ok(());
    };
    let proof = made.context("a possession proof")?.encode();
    let key = a_device(&world)?.key.clone();

    // nobody's, a stranger's, and one that the key did not sign
    refused(&world, proof.clone(), (400, "submission")).await?;
    let stranger = GatewayKey::derive(KeyType::Ed25519, b"nobody registered this one");
    refused(&world, submission(&stranger, proof.clone()), (403, "not registered")).await?;
    let forged = Submission {
        evidence: proof.clone(),
        public_key: key.public().to_vec(),
        signature: key.sign(b"something else"),
    };
    refused(&world, forged.encode(), (401, "the key it names")).await?;

    let honest = submission(&key, proof.clone());
    accepted(&world, honest.clone()).await?;
    ensure!(hand_in(&world, honest).await?.1["duplicate"] == true);
    let first = settled(&mut world).await?;
    let judged = first.of(&proof)?;
    ensure!(first.lanes.len() == 1 && judged.lane.shards.is_empty(), "it has no place on the map");
    ensure!(judged.output.verdict == Verdict::Pass, "{:?}", judged.broken());
    let rewards = rewards(&world, judged.lane).await?;
    let [leaf] = rewards.as_slice() else { bail!("{} reward leaves", rewards.len()) };
    ensure!(leaf.score_ppm == 1_000_000 && leaf.account != world.deployment.owner(), "{leaf:?}");
    let said = proven_offline(&world, &judged.name()).await?;
    ensure!(said.contains("leaf 0: pass"), "{said}");

    // another device hands the same proof in, and the gateway was killed in between
    world.gateway.take().context("gateway")?.kill()?;
    world.start_gateway().await?;
    let other = another_device(&world, &key)?.key.clone();
    accepted(&world, submission(&other, proof.clone())).await?;
    counts_once(&mut world, &first, &[(&proof, &proof)]).await
}
