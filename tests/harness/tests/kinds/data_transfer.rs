//! Sessions of data transfer: many devices' word, by which nobody earns.

use alloy_primitives::{Address, U256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::mapping;
use heliotrope_device_proofs::{
    abi::Verdict,
    bundle::Received,
    commp::{CommpSample, Content},
    data_transfer::{
        BYTES_PER_DC, DataTransferBundle, DataTransferParams, EPOCH_S, PROFILE_TWO_SIDED_1,
    },
    protobuf::Message as _,
    registry,
    report::SignedReport as _,
    wire::mobile::{DataTransferEvent, DataTransferSessionReqV1, radio_access_technology},
};
use heliotrope_harness::{
    deploy::Deployment,
    devchain::DevChain,
    fleet::{GatewayKey, KeyType},
    pdp::PieceTree,
    world::CHAIN_ID,
};

use crate::stage::{
    a_device, accepted, another_device, counts_once, create, proven_offline, refused, settled,
    start, submission,
};

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
    create(deployment, chain, code).await
}

fn payer() -> GatewayKey {
    GatewayKey::derive(KeyType::Ed25519, b"a payer")
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
    let Some(mut world) = start(("kinds-data", 8), "data-transfer", params).await? else {
        return Ok(());
    };
    let hotspot = a_device(&world)?.key.clone();
    let sessions = vec![session(&hotspot, 0), session(&hotspot, 1)];
    let bundle = DataTransferBundle { payer: payer().public().to_vec(), epoch: DAY, sessions };
    let mut forged = bundle.clone();
    let last = forged.sessions[1].report.last_mut().context("session")?;
    *last ^= 1;
    refused(&world, submission(&hotspot, forged.encode()), (401, "session 1")).await?;
    // a part of the sessions comes first: the whole of them counts, and only that
    let part = DataTransferBundle { sessions: bundle.sessions[..1].to_vec(), ..bundle.clone() };
    for evidence in [&part, &bundle] {
        accepted(&world, submission(&hotspot, evidence.encode())).await?;
    }
    // evidence that the pinned module is not for
    let piece_cid = PieceTree::new(&[7; 200])?.cid().encode();
    let other = CommpSample { piece_cid, content: Content::Payload(vec![7; 200]) };
    accepted(&world, submission(&hotspot, other.encode())).await?;

    let first = settled(&mut world).await?;
    ensure!(first.all()?.len() == 1, "a part took the place of the whole, or counts beside it");
    let whole = bundle.encode();
    let judged = first.of(&whole)?;
    ensure!(judged.output.verdict == Verdict::Pass, "{:?}", judged.broken());
    let reward_root = judged.lane.commitment.reward_root;
    ensure!(reward_root == [0; 32], "nobody earns by what many devices did");
    let said = proven_offline(&world, &judged.name()).await?;
    ensure!(said.contains("leaf 0: pass"), "{said}");

    for evidence in [&part, &bundle] {
        let again = submission(&another_device(&world, &hotspot)?.key, evidence.encode());
        accepted(&world, again).await?;
    }
    counts_once(&mut world, &first, &[(&whole, &whole), (&part.encode(), &whole)]).await
}
