//! A payload that is a piece, and leaves of a piece that a block hash of the chain draws.

use alloy::providers::Provider as _;
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_device_proofs::{
    Bytes32,
    abi::Verdict,
    commp::{CommpParams, CommpSample, Content, Opening, SeedSource, sampled_leaf},
    radio::{BlockHashes, HISTORY_STORAGE_ADDRESS},
};
use heliotrope_harness::{
    deploy::Deployment,
    devchain::DevChain,
    pdp::PieceTree,
    world::{CHAIN_ID, World},
};

use crate::stage::{
    Settled, a_device, accepted, another_device, counts_once, known, proven_offline, refused,
    rewards, settled, start, submission,
};

const LEAST_OPENINGS: u32 = 4;
// rules of `storage-commp`, as its description numbers them
const C3_ROOT: u16 = 3;
const C4_ENOUGH: u16 = 4;
const C5_ITS_TURN: u16 = 5;
const C8_PATH: u16 = 8;

fn payload(len: u64) -> Vec<u8> {
    (0..len).map(|n| (n * 31 + n / 251) as u8).collect()
}

/// The openings that a seed draws.
fn drawn(piece: &PieceTree, seed: &Bytes32) -> Result<Vec<Opening>> {
    let opening = |challenge: u32| {
        let leaves = piece.cid().leaf_count();
        let index = sampled_leaf(seed, &piece.cid().root, challenge.into(), leaves);
        piece.open(index.context("an empty piece")?).context("a leaf of the piece")
    };
    (0..LEAST_OPENINGS).map(opening).collect()
}

/// The same evidence with its openings changed.
fn changed(sample: &CommpSample, change: impl Fn(&mut Vec<Opening>)) -> Result<CommpSample> {
    let Content::Openings(mut openings) = sample.content.clone() else { bail!("no openings") };
    change(&mut openings);
    Ok(CommpSample { content: Content::Openings(openings), ..sample.clone() })
}

/// What must be said of evidence: nothing is broken, or these rules are.
type Expected = (CommpSample, Vec<(u32, u16)>);

fn cases(seed: &Bytes32) -> Result<Vec<Expected>> {
    let (small, large) = (payload(3000), payload(100_000));
    let whole = CommpSample {
        piece_cid: PieceTree::new(&small)?.cid().encode(),
        content: Content::Payload(small),
    };
    let piece = PieceTree::new(&large)?;
    let content = Content::Openings(drawn(&piece, seed)?);
    let sample = CommpSample { piece_cid: piece.cid().encode(), content };
    let mut other = payload(3000);
    other[2999] ^= 1;
    let other = CommpSample { content: Content::Payload(other), ..whole.clone() };
    let spoilt = changed(&sample, |openings| openings[1].leaf[9] ^= 1)?;
    // as many, honest, and chosen by whoever sampled
    let mut own = drawn(&piece, &[1; 32])?;
    own[2..].clone_from_slice(&drawn(&piece, seed)?[2..]);
    let own = CommpSample { content: Content::Openings(own), ..sample.clone() };
    let few = changed(&sample, |openings| drop(openings.pop()))?;
    Ok(vec![
        (whole, vec![]),
        (sample, vec![]),
        (other, vec![(0, C3_ROOT)]),
        (spoilt, vec![(2, C8_PATH)]),
        (own, vec![(1, C5_ITS_TURN), (2, C5_ITS_TURN)]),
        (few, vec![(0, C4_ENOUGH)]),
    ])
}

fn holds(settled: &Settled, (sample, rules): &Expected) -> Result<()> {
    let judged = settled.of(&sample.encode())?;
    let broken: Vec<_> = judged.broken().into_iter().map(|(s, rule, _)| (s, rule)).collect();
    ensure!(broken == *rules, "{broken:?}, expected {rules:?}");
    let output = &judged.output;
    let (verdict, score) =
        if rules.is_empty() { (Verdict::Pass, 1_000_000) } else { (Verdict::Fail, 0) };
    ensure!((output.verdict, output.score_ppm) == (verdict, score), "{output:?}");
    // the word on the chain draws the openings, and says of a payload too which time it is
    ensure!(output.facts_read == [0], "read {:?}, expected the seed", output.facts_read);
    Ok(())
}

/// Each lane pays whoever handed its piece in, and that once.
async fn pays_once(world: &World, settled: &Settled) -> Result<()> {
    for (lane, _) in &settled.lanes {
        let rewards = rewards(world, lane).await?;
        let [leaf] = rewards.as_slice() else { bail!("{} reward leaves", rewards.len()) };
        let sender = leaf.account != world.deployment.owner();
        ensure!(leaf.score_ppm == 1_000_000 && sender, "{leaf:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_and_a_sample_of_a_piece_are_settled_proven_and_count_once() -> Result<()> {
    let mut block = 0;
    let params = async |deployment: &Deployment, _: &DevChain| {
        block = deployment.provider().get_block_number().await?;
        let key = BlockHashes::ethereum().slot(block);
        let seed = Some(SeedSource { address: HISTORY_STORAGE_ADDRESS, key });
        Ok(CommpParams { chain_id: CHAIN_ID, min_openings: LEAST_OPENINGS, seed }.encode())
    };
    let Some(mut world) = start(("kinds-commp", 8), "storage-commp", params).await? else {
        return Ok(());
    };
    // what the chain says the hash is, not what the history contract keeps: the fact is proven from the latter
    let seed = world.deployment.provider().get_block_by_number(block.into()).await?;
    let seed = seed.context("the seed's block")?.header.hash.0;
    known(&world).await?;
    let key = a_device(&world)?.key.clone();
    let cases = cases(&seed)?;
    refused(&world, cases[0].0.encode(), (400, "submission")).await?;
    for (sample, _) in &cases {
        accepted(&world, submission(&key, sample.encode())).await?;
    }
    let first = settled(&mut world).await?;
    ensure!(first.lanes.len() == 2 && first.all()?.len() == cases.len(), "a lane for each piece");
    cases.iter().try_for_each(|expected| holds(&first, expected))?;
    pays_once(&world, &first).await?;
    for (sample, rules) in &cases {
        let judged = first.of(&sample.encode())?;
        let said = proven_offline(&world, &judged.name()).await?;
        let verdict = if rules.is_empty() { "pass, score 1000000" } else { "fail, score 0" };
        ensure!(said.contains(&format!("leaf {}: {verdict} ppm", judged.leaf.index)), "{said}");
    }

    let other = another_device(&world, &key)?.key.clone();
    let passed: Vec<_> = cases[..2].iter().map(|(sample, _)| sample.encode()).collect();
    for evidence in &passed {
        accepted(&world, submission(&other, evidence.clone())).await?;
    }
    let again: Vec<_> = passed.iter().map(|b| (b.as_slice(), b.as_slice())).collect();
    counts_once(&mut world, &first, &again).await
}
