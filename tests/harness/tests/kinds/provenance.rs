//! Version 2 of the radio bundle under `strict-1`, with every source named: standings in a contract, a receiver, and
//! block hashes where Ethereum keeps them (EIP-2935; the node writes them itself).

use alloy::sol;
use anyhow::{Result, bail, ensure};
use heliotrope_checks::coverage_radio::rules;
use heliotrope_device_proofs::{
    abi::Verdict,
    h3,
    provenance::{EntropySource, EvidenceBundleV2},
    radio::{BlockHashes, RadioParams, RadioSources},
    registry,
};
use heliotrope_harness::{
    deploy::Deployment,
    devchain::DevChain,
    fleet::{Gateway, GatewayKey, KeyType, region_params},
    world::{CHAIN_ID, World},
};

use crate::{
    on_air::{LAST_TMST, OnAir, Party, SILENT_S, party, session, session_key},
    stage::{
        Settled, accepted, counts_once, deploy, known, proven_offline, refused, rewards, send,
        settled, start, submission,
    },
};

sol! {
    #[sol(rpc)]
    interface IStandings {
        struct Standing {
            uint40 lastBeacon;
            uint40 lastValidBeacon;
            uint40 lastValidWitness;
            uint40 lastReceived;
            uint32 lastTmst;
            uint16 hexScale;
            bool full;
            bool denied;
        }
        function set(bytes32 deviceId, Standing calldata standing) external;
        function deny(bytes32 a, bytes32 b) external;
    }
}

const GATEWAYS: u32 = 40;
const HOUR_S: u64 = 3600;
/// Radio word and standing of four devices, three pairs, and the hash of a block.
const FACTS: usize = 4 + 4 + 3 + 1;

fn receiver() -> GatewayKey {
    GatewayKey::derive(KeyType::Ed25519, b"a receiver of reports")
}

/// Every source there is; blocks of this chain are a second apart.
fn params(deployment: &Deployment, standings: [u8; 20]) -> RadioParams {
    let sources = RadioSources {
        standing: Some(standings),
        receivers: vec![registry::device_id(receiver().public())],
        blockhashes: Some(BlockHashes { block_time_ms: 1000, ..BlockHashes::ethereum() }),
    };
    let registry = deployment.contracts.device_registry.into_array();
    RadioParams::strict_1(registry, CHAIN_ID, region_params(), sources)
}

/// The newest block as a source of entropy.
async fn newest_block(world: &World) -> Result<EntropySource> {
    let head = world.chain.head().await;
    let unix_s = world.chain_now_s().await?;
    Ok(EntropySource { slot: head.execution_number, blockhash: head.execution_hash.0, unix_s })
}

/// The network knows all of them well; only the last witness may not witness this beaconer.
async fn keep_standings(
    world: &World,
    contract: [u8; 20],
    party: &Party<'_>,
    now_s: u64,
) -> Result<()> {
    let contract = IStandings::new(contract.into(), world.deployment.provider());
    let at = |seconds_ago: u64| (now_s - seconds_ago).try_into();
    for device in std::iter::once(party.beaconer).chain(party.witnesses) {
        let standing = IStandings::Standing {
            lastBeacon: at(6 * HOUR_S)?,
            lastValidBeacon: at(6 * HOUR_S)?,
            lastValidWitness: at(2 * HOUR_S)?,
            lastReceived: at(SILENT_S)?,
            lastTmst: LAST_TMST,
            hexScale: 5000,
            full: true,
            denied: false,
        };
        let call = contract.set(device.device_id.into(), standing);
        send(&world.deployment, &world.chain, call.into_transaction_request()).await?;
    }
    let [.., last] = party.witnesses;
    let call = contract.deny(last.device_id.into(), party.beaconer.device_id.into());
    send(&world.deployment, &world.chain, call.into_transaction_request()).await?;
    Ok(())
}

/// What does not get past the door: each error names what does not hold.
async fn door_holds(world: &World, party: &Party<'_>, honest: &EvidenceBundleV2) -> Result<()> {
    type Change<'a> = &'a dyn Fn(&mut EvidenceBundleV2);
    let stranger = GatewayKey::derive(KeyType::Ed25519, b"a stranger");
    let [first, second, _] = party.witnesses;
    let sessions = |gateways: [(&Gateway, &GatewayKey); 2]| {
        let mut sessions = gateways.map(|(gateway, signer)| session(gateway, signer)).to_vec();
        sessions.sort_unstable();
        sessions
    };
    let forged = sessions([(party.beaconer, &stranger), (first, &first.key)]);
    let place = forged.iter().position(|init| !honest.sessions.contains(init)).unwrap_or_default();
    let others = sessions([(party.beaconer, &party.beaconer.key), (second, &second.key)]);
    let changes: [(Change<'_>, &str); 6] = [
        (&|e| e.receipts[2].signature[5] ^= 1, "receipt 2: "),
        (&|e| e.receipts[1].receiver_key = stranger.public().to_vec(), "receipt 1: "),
        (&|e| e.sessions.clone_from(&forged), &format!("session {place}: ")),
        (&|e| e.sessions.clone_from(&others), "witness 0 report: "),
        (&|e| e.sessions.clear(), "beacon report: "),
        (
            &|e| e.entropy_source = Some(EntropySource { unix_s: 1, ..EntropySource::default() }),
            "entropy source gives",
        ),
    ];
    for (change, names) in changes {
        let mut evidence = honest.clone();
        change(&mut evidence);
        refused(world, evidence.encode(), (401, names)).await?;
    }
    Ok(())
}

/// Everything of the honest beacon holds, but that of the witness that may not be one.
fn honest_one_holds(settled: &Settled, honest: &EvidenceBundleV2) -> Result<()> {
    let judged = settled.of(&honest.encode())?;
    let output = &judged.output;
    ensure!(judged.broken() == [(3, rules::W4.id, Verdict::Fail)], "{:?}", judged.broken());
    ensure!(output.verdict == Verdict::Pass && output.selected == [0, 1], "{:?}", output.selected);
    ensure!(output.score_ppm == 2 * 1_000_000 / 14, "{} ppm", output.score_ppm);
    let judged_by =
        |subject, rule| output.outcomes.iter().any(|o| (o.subject, o.rule_id) == (subject, rule));
    let of_all = [rules::S1.id, rules::S2.id, rules::S7.id];
    ensure!((0..3).all(|subject| of_all.iter().all(|rule| judged_by(subject, *rule))));
    ensure!(
        judged_by(0, rules::S3.id) && judged_by(0, rules::R8.id) && judged_by(2, rules::W15.id)
    );
    ensure!(output.facts_read.len() == FACTS, "{} facts", output.facts_read.len());
    Ok(())
}

/// A beacon that breaks one rule, and no other.
fn breaks(settled: &Settled, evidence: &EvidenceBundleV2, rule: u16) -> Result<()> {
    let judged = settled.of(&evidence.encode())?;
    ensure!(judged.broken() == [(0, rule, Verdict::Fail)], "{:?}", judged.broken());
    ensure!(judged.output.verdict == Verdict::Fail && judged.output.score_ppm == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_1_passes_a_beacon_whose_keys_times_and_entropy_have_a_source() -> Result<()> {
    let mut contract = [0; 20];
    let pinned = async |deployment: &Deployment, chain: &DevChain| {
        contract = deploy(deployment, chain, "Standings").await?.into_array();
        Ok(params(deployment, contract).encode())
    };
    let world = start(("kinds-provenance", GATEWAYS), "coverage-radio", pinned).await?;
    let Some(mut world) = world else { return Ok(()) };
    let gateways = world.fleet.gateways.clone();
    let party = party(&gateways)?;
    let source = newest_block(&world).await?;
    keep_standings(&world, contract, &party, source.unix_s).await?;
    known(&world).await?;
    let on_air = |local, source, receiver| party.evidence(&OnAir { source, local, receiver });
    let honest = on_air([1; 4], source, receiver())?;
    // a hash that the block has not, of which entropy follows all the same; and a receiver whom nobody named
    let other_hash = EntropySource { blockhash: [5; 32], ..source };
    let other_hash = on_air([2; 4], other_hash, receiver())?;
    let stranger = session_key(party.witnesses[2]);
    let other_receiver = on_air([3; 4], source, stranger)?;
    door_holds(&world, &party, &honest).await?;
    for evidence in [&honest, &other_hash, &other_receiver] {
        accepted(&world, evidence.encode()).await?;
    }
    let first = settled(&mut world).await?;
    honest_one_holds(&first, &honest)?;
    breaks(&first, &other_hash, rules::S3.id)?;
    breaks(&first, &other_receiver, rules::S2.id)?;
    let judged = first.of(&honest.encode())?;
    let rewards = rewards(&world, judged.lane).await?;
    let [leaf] = rewards.as_slice() else { bail!("{} reward leaves", rewards.len()) };
    ensure!(leaf.score_ppm == 142_857, "{leaf:?}");
    let hex = h3::parent(party.beaconer.cell, h3::MAP_RESOLUTION).unwrap_or_default();
    let said = proven_offline(&world, &format!("{hex:x}")).await?;
    let line = format!("leaf {}: pass, score 142857 ppm", judged.leaf.index);
    ensure!(said.contains(&line), "{said}");
    ensure!(said.matches(": fail, score 0 ppm").count() == 2, "{said}");

    // by itself, and without what version 2 adds, which strict-1 would not pass
    accepted(&world, submission(&party.witnesses[0].key, honest.encode())).await?;
    counts_once(&mut world, &first, &[(&honest.encode(), &honest.encode())]).await
}
