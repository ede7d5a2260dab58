//! Suite `commp`: payload → piece, against `web3-storage/data-segment` and rows on which three other
//! implementations agree.
//!
//! A payload that fits into a bundle goes through the pinned module as it is; of a larger one, leaves that a
//! seed draws are opened and judged there. Both kinds of payload are made here, so nothing large is kept.

use super::Report;
use crate::checks_build::build_checks;
use crate::command::workspace_root;
use crate::pdp::PieceTree;
use alloy_primitives::keccak256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_device_proofs::abi::{CheckInput, CheckOutput, Fact, Verdict};
use heliotrope_device_proofs::commp::{
    CommpParams, CommpSample, Content, MAX_PAYLOAD_LEN, SeedSource, sampled_leaf,
};
use heliotrope_host::{CheckModule, Host, HostConfig};
use serde_json::Value;
use sha2::{Digest as _, Sha512};
use std::path::Path;

/// Openings in a sample.
const OPENINGS: u64 = 16;
/// Where the seed of the samples stands.
const SEED: SeedSource = SeedSource { address: [4; 20], key: [5; 32] };

pub(super) fn run(dir: &Path, report: &mut Report) -> Result<()> {
    let module = load("storage-commp")?;
    let read = |name: &str| {
        let path = dir.join(name);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    for row in read("test_commp_vector.csv")?.lines().skip(1) {
        report.case(
            row.split(',').take(2).collect::<Vec<_>>().join(" ").as_str(),
            csv_row(&module, row),
        );
    }
    let rows: Value = serde_json::from_str(&read("generated_lcg_vectors.json")?)?;
    for row in rows.as_array().context("rows")? {
        report.case(&format!("generated {}", row["payloadSize"]), generated_row(&module, row));
    }
    Ok(())
}

/// A module as it is pinned.
pub(super) fn load(name: &str) -> Result<CheckModule> {
    let root = workspace_root();
    let built = build_checks(&root, &root.join("target/heliotrope/checks"))?;
    let check = built.iter().find(|check| check.name == name).context("module was not built")?;
    Ok(Host::new(HostConfig::default())?.load(&std::fs::read(&check.path)?, &check.sha256)?)
}

/// `contentSize,payload,paddedSize,pieceSize,commP`: the payload is named by its CID (raw, sha2-256), the piece
/// by the older form of its CID, which holds only the root.
fn csv_row(module: &CheckModule, row: &str) -> Result<String> {
    let [size, payload_cid, _, piece_size, comm_p] =
        row.split(',').collect::<Vec<_>>().try_into().ok().context("five columns")?;
    let payload = sha512_chain(size.parse()?);
    let digest = sha2::Sha256::digest(&payload);
    let named = base32(payload_cid)?;
    ensure!(named == [&[1, 0x55, 0x12, 0x20], digest.as_slice()].concat(), "another payload");
    let tree = PieceTree::new(&payload)?;
    let comm_p = base32(comm_p)?;
    ensure!(comm_p.ends_with(&tree.cid().root), "root {}", hex::encode(tree.cid().root));
    let piece_size: u64 = piece_size.parse()?;
    ensure!(32 << tree.cid().height == piece_size, "height {}", tree.cid().height);
    judge(module, &tree, &payload)
}

fn generated_row(module: &CheckModule, row: &Value) -> Result<String> {
    let number = |key: &str| row[key].as_u64().with_context(|| format!("number {key}"));
    let text = |key: &str| row[key].as_str().with_context(|| format!("text {key}"));
    let payload = lcg(usize::try_from(number("payloadSize")?)?);
    let tree = PieceTree::new(&payload)?;
    let cid = tree.cid();
    ensure!(u64::from(cid.height) == number("height")?, "height {}", cid.height);
    ensure!(cid.padding == number("padding")?, "padding {}", cid.padding);
    ensure!(hex::encode(cid.root) == text("root")?, "root {}", hex::encode(cid.root));
    ensure!(cid.encode() == base32(text("pieceCidV2")?)?, "cid {}", hex::encode(cid.encode()));
    judge(module, &tree, &payload)
}

/// The verdict of the pinned module: `pass`, and `fail` once a bit is another.
fn judge(module: &CheckModule, tree: &PieceTree, payload: &[u8]) -> Result<String> {
    let piece_cid = tree.cid().encode();
    if payload.len() <= MAX_PAYLOAD_LEN {
        let content = Content::Payload(payload.to_vec());
        expect(module, &CommpSample { piece_cid: piece_cid.clone(), content }, Verdict::Pass)?;
        let mut other = payload.to_vec();
        other[payload.len() / 2] ^= 1;
        let content = Content::Payload(other);
        expect(module, &CommpSample { piece_cid, content }, Verdict::Fail)?;
        return Ok(format!("payload of {} bytes", payload.len()));
    }
    let seed = keccak256(&piece_cid).0;
    let drawn = |n| sampled_leaf(&seed, &tree.cid().root, n, tree.cid().leaf_count());
    let open = |n| tree.open(drawn(n)?);
    let mut openings: Vec<_> = (0..OPENINGS).map(open).collect::<Option<_>>().context("leaf")?;
    let content = Content::Openings(openings.clone());
    expect(module, &CommpSample { piece_cid: piece_cid.clone(), content }, Verdict::Pass)?;
    openings[3].path[7][0] ^= 1;
    let content = Content::Openings(openings);
    expect(module, &CommpSample { piece_cid, content }, Verdict::Fail)?;
    Ok(format!("{OPENINGS} leaves of {} bytes", payload.len()))
}

fn expect(module: &CheckModule, sample: &CommpSample, expected: Verdict) -> Result<()> {
    let params =
        CommpParams { chain_id: 1, min_openings: u32::try_from(OPENINGS)?, seed: Some(SEED) };
    let value = keccak256(&sample.piece_cid).0;
    let fact = Fact { chain_id: 1, block: 1, address: SEED.address, key: SEED.key, value };
    let input = CheckInput {
        module_hash: [0; 32],
        evidence: sample.encode(),
        facts: vec![fact],
        params: params.encode(),
        now_s: 0,
    };
    let output = CheckOutput::decode(&module.check(&input.encode())?)?;
    ensure!(output.verdict == expected, "{:?}", output.outcomes.last());
    Ok(())
}

/// The payloads of the table: SHA-512 of nothing, of that, and so on.
fn sha512_chain(len: usize) -> Vec<u8> {
    let (mut out, mut last) = (Vec::with_capacity(len + 64), Vec::new());
    while out.len() < len {
        last = Sha512::digest(&last).to_vec();
        out.extend_from_slice(&last);
    }
    out.truncate(len);
    out
}

/// The generator that the other rows name.
fn lcg(len: usize) -> Vec<u8> {
    let mut x = 1337_u32;
    let next = |_| {
        x = x.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (x >> 16) as u8
    };
    (0..len).map(next).collect()
}

/// A CID in its text form: `b` and base32 in lower case without padding.
fn base32(text: &str) -> Result<Vec<u8>> {
    let (mut out, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in text.strip_prefix('b').context("multibase b")?.bytes() {
        let value = match digit {
            b'a'..=b'z' => digit - b'a',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => anyhow::bail!("digit {}", char::from(digit)),
        };
        bits = (bits << 5 | u32::from(value)) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Ok(out)
}
