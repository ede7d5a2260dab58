//! Where evidence is settled: where its beaconer is registered at the epoch's anchor. A device that has moved since the
//! gateway first asked for it, and one at a place that there is not, hold nobody else up.

use alloy::sol;
use alloy_primitives::U256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_device_proofs::{abi::Verdict, h3, provenance::EntropySource, registry};
use heliotrope_harness::{
    deploy::{Deployment, NewDevice},
    devchain::DevChain,
    fleet::{Fleet, Gateway, GatewayKey, KeyType, Role},
    world::{CHAIN_ID, World},
};

use crate::{
    on_air::{OnAir, Party, party},
    stage::{accepted, known, send, settled, start},
};

sol! {
    #[sol(rpc)]
    interface IMoving {
        struct Relocation {
            bytes publicKey;
            uint64 cell;
            int16 gainDdbi;
            int16 elevationM;
            uint8 region;
            uint256 deadline;
            bytes proof;
        }
        function relocate(Relocation calldata r) external returns (bytes32 deviceId);
        function setTerms(uint40 bondGwei, uint32 cooldown) external;
    }
}

const GATEWAYS: u32 = 40;
/// H3 has base cells 0 to 121, and 7 bits for them.
const NO_BASE_CELL: u64 = 0x7f << 45;

async fn relocate(world: &World, device: &Gateway, to: &Gateway) -> Result<()> {
    let registry = world.deployment.contracts.device_registry;
    let registry = IMoving::new(registry, world.deployment.provider());
    let relocation = IMoving::Relocation {
        publicKey: device.key.public().to_vec().into(),
        cell: to.cell,
        gainDdbi: to.gain_ddbi,
        elevationM: to.elevation_m,
        region: to.region,
        deadline: U256::MAX,
        proof: Vec::new().into(),
    };
    let call = registry.relocate(relocation).into_transaction_request();
    send(&world.deployment, &world.chain, call).await.map(drop)
}

/// The device as the registry will have it: where no cell is.
async fn register_nowhere(world: &World, like: &Gateway) -> Result<Gateway> {
    let key = GatewayKey::derive(KeyType::Ed25519, b"a device at no place");
    let device_id = registry::device_id(key.public());
    let device = Gateway { key, device_id, cell: like.cell | NO_BASE_CELL, ..like.clone() };
    let new = NewDevice {
        public_key: device.key.public().to_vec(),
        cell: device.cell,
        gain_ddbi: device.gain_ddbi,
        elevation_m: device.elevation_m,
        region: device.region,
        owner: world.deployment.owner(),
    };
    world.deployment.register(&[new], |_, _| None, &world.chain).await?;
    Ok(device)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_moved_and_one_at_no_place_hold_nobody_up() -> Result<()> {
    let params = async |deployment: &Deployment, chain: &DevChain| {
        // devices may move at once; the deployer has the right until it hands over
        let registry = deployment.contracts.device_registry;
        let terms = IMoving::new(registry, deployment.provider());
        let terms = terms.setTerms(Default::default(), 0).into_transaction_request();
        send(deployment, chain, terms).await?;
        Ok(Fleet::params(registry.into_array(), CHAIN_ID).encode())
    };
    let Some(mut world) = start(("kinds-places", GATEWAYS), "coverage-radio", params).await? else {
        return Ok(());
    };
    let gateways = world.fleet.gateways.clone();
    let party = party(&gateways)?;
    let beaconer = party.beaconer;
    ensure!(beaconer.key.kind() == KeyType::Ed25519, "its owner's word is enough to move it");
    let away = gateways.iter().find(|g| g.city != beaconer.city && g.role == Role::Honest);
    let away = away.context("another city")?;
    let nowhere = register_nowhere(&world, beaconer).await?;
    let source = EntropySource { slot: 1, blockhash: [7; 32], unix_s: world.chain_now_s().await? };
    known(&world).await?;
    let receiver = || GatewayKey::derive(KeyType::Ed25519, b"a receiver");
    let on_air = |local| OnAir { source, local, receiver: receiver() };
    let lost =
        Party { beaconer: &nowhere, witnesses: party.witnesses }.evidence(&on_air([1; 4]))?;
    let [first, second, third] = party.witnesses;
    let turned = Party { beaconer: first, witnesses: [second, third, beaconer] };
    let others = turned.evidence(&on_air([2; 4]))?;
    let moved = party.evidence(&on_air([3; 4]))?;
    for evidence in [&lost, &others, &moved] {
        accepted(&world, evidence.encode()).await?;
    }
    relocate(&world, beaconer, away).await?;
    known(&world).await?;
    let settled = settled(&mut world).await?;
    ensure!(settled.all()?.len() == 2, "what is at no place is judged by nobody");
    let others = settled.of(&others.encode())?;
    ensure!(others.output.subject_cell == first.cell);
    let moved = settled.of(&moved.encode())?;
    ensure!(moved.output.subject_cell == away.cell, "{:x}", moved.output.subject_cell);
    ensure!(moved.lane.lane == h3::lane(away.cell), "lane {}", moved.lane.lane);
    ensure!(moved.output.verdict != Verdict::Pass, "{:?}", moved.output.outcomes);
    Ok(())
}
