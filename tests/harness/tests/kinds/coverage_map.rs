//! The radios that cover a map cell in a day: heartbeats, coverage objects, speed tests, and oracle data whose hash a
//! contract keeps.

use alloy::sol;
use alloy_primitives::{B256, U256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_checks::coverage_map::rules;
use heliotrope_device_proofs::{
    abi::{CheckOutput, Verdict},
    coverage_map::{CoverageMapBundle, CoverageMapParams, DeviceType, OracleData},
    h3, sha256,
};
use heliotrope_harness::{
    deploy::Deployment,
    devchain::DevChain,
    fleet::{Fleet, FleetConfig, GatewayKey, KeyType},
    world::{CHAIN_ID, World},
};

use crate::{
    mobile::{DAY_S, Radio, area, bundle, modeller, neighbours, oracle},
    stage::{
        SEED, Settled, accepted, another_device, counts_once, deploy, known, left_out,
        proven_offline, refused, send, settled, start, submission,
    },
};

sol! {
    #[sol(rpc)]
    interface IOracleDigests {
        function publish(uint256 area, uint256 epoch, bytes32 digest) external;
    }
}

const GATEWAYS: u32 = 40;
const DAY: u64 = 20_718;
/// A heartbeat is so much above its radio's subject, and radios are so far apart.
const FIRST_HEARTBEAT: u32 = 1;
const STRIDE: u32 = 256;

/// The evidence of one area: an honest day, and days on which something does not hold.
struct Days {
    honest: CoverageMapBundle,
    /// One radio of the honest day: less than all that there is.
    part: CoverageMapBundle,
    /// Its oracle data are not those that the chain commits to.
    other_oracle: CoverageMapBundle,
    /// The chain commits to nothing.
    no_oracle: CoverageMapBundle,
    /// Its radios carry data and cover nothing.
    data_only: CoverageMapBundle,
}

/// Two neighbours share a hex; a third one's coverage was modelled by a stranger.
fn days(fleet: &Fleet) -> Result<Days> {
    let [first, second] = neighbours(&fleet.gateways)?;
    let third = fleet.gateways.last().context("a fleet")?;
    let (area, hexes) = area(first)?;
    let radio = |device, powers: &[(usize, i32)]| Radio {
        device,
        modeller: modeller(),
        hexes: powers.iter().map(|(at, power)| (hexes[*at], *power)).collect(),
        located_from: 0,
        upload_mbit: 15,
    };
    let radios = [
        Radio { upload_mbit: 8, ..radio(first, &[(0, -700), (1, -700), (2, -700)]) },
        Radio { located_from: 3, ..radio(second, &[(0, -650), (3, -700)]) },
        Radio {
            modeller: GatewayKey::derive(KeyType::Ed25519, b"no planner"),
            ..radio(third, &[(1, -600)])
        },
    ];
    let covering = oracle(&hexes, &radios, DeviceType::WifiOutdoor);
    let on = |day, radios, oracle: &OracleData| bundle((area, day), radios, oracle);
    Ok(Days {
        honest: on(DAY, &radios, &covering)?,
        part: on(DAY, &radios[..1], &covering)?,
        other_oracle: on(DAY + 1, &radios, &oracle(&hexes[1..], &radios, DeviceType::WifiOutdoor))?,
        no_oracle: on(DAY + 2, &radios, &covering)?,
        data_only: on(DAY + 3, &radios[..2], &oracle(&hexes, &radios, DeviceType::WifiDataOnly))?,
    })
}

fn params(deployment: &Deployment, oracle: [u8; 20], fleet: &Fleet) -> Result<CoverageMapParams> {
    let registry = deployment.contracts.device_registry.into_array();
    let region = |cell| h3::parent(cell, 3).context("a region");
    let places = neighbours(&fleet.gateways)?.map(|device| device.cell);
    let mut geofence = places.into_iter().map(region).collect::<Result<Vec<_>>>()?;
    geofence.sort_unstable();
    geofence.dedup();
    Ok(CoverageMapParams {
        coverage_keys: vec![modeller().public().to_vec()],
        geofence,
        epoch_s: DAY_S,
        ..CoverageMapParams::helium_2026_01(registry, oracle, CHAIN_ID)
    })
}

/// Whoever is in charge of oracle data commits to those of three days.
async fn publish(world: &World, contract: [u8; 20], days: &Days) -> Result<()> {
    let contract = IOracleDigests::new(contract.into(), world.deployment.provider());
    for (day, oracle) in [
        (DAY, &days.honest.oracle),
        (DAY + 1, &days.honest.oracle),
        (DAY + 3, &days.data_only.oracle),
    ] {
        let (area, day) = (U256::from(days.honest.area), U256::from(day));
        let call = contract.publish(area, day, B256::from(sha256(oracle)));
        send(&world.deployment, &world.chain, call.into_transaction_request()).await?;
    }
    known(world).await
}

/// The subject of a device's radio in a bundle.
fn subject(bundle: &CoverageMapBundle, key: &GatewayKey) -> Result<u32> {
    let mut radios = bundle.radios.iter();
    let place = radios.position(|radio| radio.hotspot_key == key.public()).context("a radio")?;
    Ok((place as u32 + 1) * STRIDE)
}

fn observed(output: &CheckOutput, subject: u32, rule: u16) -> Option<i64> {
    let mut outcomes = output.outcomes.iter();
    outcomes.find(|o| (o.subject, o.rule_id) == (subject, rule)).map(|o| o.observed)
}

/// Of the honest day: who is due what, and every rule that is not kept.
fn honest_day_holds(settled: &Settled, days: &Days, fleet: &Fleet) -> Result<()> {
    let judged = settled.of(&days.honest.encode())?;
    let output = &judged.output;
    let [first, second] = neighbours(&fleet.gateways)?;
    let third = fleet.gateways.last().context("a fleet")?;
    let [first, second, third] =
        [first, second, third].map(|device| subject(&days.honest, &device.key));
    let (first, second, third) = (first?, second?, third?);
    // half of the shared hex and two of its own; three quarters of it, for 8 Mbit/s up
    let share = observed(output, first, rules::P3.id);
    ensure!(share == Some(300_000_000 / 4 * 3), "{share:?}");
    // the shared hex, for the stronger signal, and one of its own; nine trusted hours of twelve
    let share = observed(output, second, rules::P3.id);
    ensure!(share == Some(240_000_000 / 12 * 9), "{share:?}");
    let mut expected: Vec<_> = [first, second].map(|radio| (radio, rules::P2.id)).to_vec();
    expected.extend((0..3).map(|hour| (second + FIRST_HEARTBEAT + hour, rules::T1.id)));
    expected.push((third, rules::C1.id));
    expected.sort_unstable();
    let mut broken: Vec<_> =
        judged.broken().into_iter().map(|(subject, rule, _)| (subject, rule)).collect();
    broken.sort_unstable();
    ensure!(broken == expected, "{broken:?}, expected {expected:?}");
    let mut due = [first, second].map(|subject| subject / STRIDE - 1);
    due.sort_unstable();
    ensure!(output.verdict == Verdict::Pass && output.selected == due, "{:?}", output.selected);
    ensure!(output.score_ppm == 4 * 1_000_000 / 2401, "{} ppm", output.score_ppm);
    // the word of each radio, and the digest
    ensure!(output.facts_read.len() == 4, "{} facts", output.facts_read.len());
    ensure!(output.subject_cell == days.honest.area);
    let reward_root = judged.lane.commitment.reward_root;
    ensure!(reward_root == [0; 32], "nobody earns by what many devices did");
    Ok(())
}

/// Of the other days: the rule that decides.
fn other_days_do_not(settled: &Settled, days: &Days) -> Result<()> {
    for (bundle, rule, verdict) in [
        (&days.other_oracle, rules::B2, Verdict::Fail),
        (&days.no_oracle, rules::B2, Verdict::Indeterminate),
        (&days.data_only, rules::B3, Verdict::Fail),
    ] {
        let judged = settled.of(&bundle.encode())?;
        let last = judged.broken().last().copied();
        ensure!(last == Some((0, rule.id, verdict)), "{last:?}, expected {}", rule.name);
        let output = &judged.output;
        ensure!((output.verdict, output.score_ppm) == (verdict, 0) && output.selected.is_empty());
    }
    let judged = settled.of(&days.data_only.encode())?;
    let kinds = judged.broken().iter().filter(|(_, rule, _)| *rule == rules::V7.id).count();
    ensure!(kinds == 24, "{kinds} heartbeats are of a radio that covers nothing");
    Ok(())
}

/// What does not get past the door: nobody's, a message that its radio did not sign, and an area that is none.
async fn door_holds(world: &World, key: &GatewayKey, honest: &CoverageMapBundle) -> Result<()> {
    refused(world, honest.encode(), (400, "submission")).await?;
    let mut forged = honest.clone();
    let last = forged.radios[1].heartbeats[3].report.last_mut().context("a heartbeat")?;
    *last ^= 1;
    let forged = submission(key, forged.encode());
    refused(world, forged, (401, "heartbeat 3 of radio 1")).await?;
    // coarser than the map, in a lane that there is not, and no cell at all
    let beyond = honest.area | 0x7f << 45;
    for area in [h3::parent(honest.area, 7).context("a parent")?, beyond, honest.area | 1 << 63] {
        let elsewhere = submission(key, CoverageMapBundle { area, ..honest.clone() }.encode());
        refused(world, elsewhere, (400, &format!("area {area:x}"))).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_radios_of_a_map_cell_are_settled_proven_and_count_once() -> Result<()> {
    let config = FleetConfig { seed: SEED, gateways: GATEWAYS, ..FleetConfig::default() };
    let fleet = Fleet::generate(config);
    let mut contract = [0; 20];
    let pinned = async |deployment: &Deployment, chain: &DevChain| {
        contract = deploy(deployment, chain, "OracleDigests").await?.into_array();
        Ok(params(deployment, contract, &fleet)?.encode())
    };
    let world = start(("kinds-coverage", GATEWAYS), "coverage-map", pinned).await?;
    let Some(mut world) = world else { return Ok(()) };
    let days = days(&fleet)?;
    publish(&world, contract, &days).await?;
    let key = fleet.gateways.first().context("a device")?.key.clone();
    door_holds(&world, &key, &days.honest).await?;
    for bundle in [&days.part, &days.honest, &days.other_oracle, &days.no_oracle, &days.data_only] {
        accepted(&world, submission(&key, bundle.encode())).await?;
    }
    let first = settled(&mut world).await?;
    ensure!(first.all()?.len() == 4, "one radio counts beside, or instead of, all of them");
    honest_day_holds(&first, &days, &fleet)?;
    other_days_do_not(&first, &days)?;
    let (honest, part) = (days.honest.encode(), days.part.encode());
    let judged = first.of(&honest)?;
    let beside = left_out(&world, first.epoch, judged.lane.lane).await?;
    ensure!(beside.len() == 1 && beside[0]["bundle"] == hex::encode(sha256(&part)), "{beside:?}");

    let said = proven_offline(&world, &format!("{:x}", days.honest.area)).await?;
    for judged in first.all()? {
        let CheckOutput { verdict, score_ppm, .. } = judged.output;
        let line =
            format!("leaf {}: {}, score {score_ppm} ppm", judged.leaf.index, verdict.as_str());
        ensure!(said.contains(&line), "{said}, expected {line}");
    }

    let other = another_device(&world, &key)?.key.clone();
    for bundle in [&honest, &part] {
        accepted(&world, submission(&other, bundle.clone())).await?;
    }
    counts_once(&mut world, &first, &[(&honest, &honest), (&part, &honest)]).await
}
