//! What the storage checks cost, natively and in the host's wasm: one path of a tree of height 30, and one drand
//! signature. `cargo run --release -p heliotrope-harness --example storage_cost`
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement"
)]

use std::{hint::black_box, time::Instant};

use anyhow::{Context as _, Result, ensure};
use heliotrope_checks::{storage_commp, storage_pdp};
use heliotrope_device_proofs::abi::{CheckInput, CheckOutput, Fact, Verdict};
use heliotrope_device_proofs::calldata::{Proof, ProvePossession};
use heliotrope_device_proofs::commp::{CommpParams, CommpSample, Content, Opening};
use heliotrope_device_proofs::pdp::{Layout, PdpParams, PossessionProof};
use heliotrope_device_proofs::piece::PieceCid;
use heliotrope_device_proofs::sha254::{fold, zero_root};
use heliotrope_harness::{checks_build::build_checks, command::workspace_root, pdp::OwnDrand};
use heliotrope_host::{CheckModule, Host, HostConfig};

const HEIGHT: u8 = 30;
const RUNS: u32 = 200;

fn main() -> Result<()> {
    let root = workspace_root();
    let host = Host::new(HostConfig::default())?;
    let checks = build_checks(&root, &root.join("target/heliotrope/checks"))?;
    let load = |name: &str| -> Result<CheckModule> {
        let check = checks.iter().find(|check| check.name == name).context("module")?;
        println!("{name}: {} bytes", check.size);
        Ok(host.load(&std::fs::read(&check.path)?, &check.sha256)?)
    };
    let (commp, pdp) = (load("storage-commp")?, load("storage-pdp")?);
    // the difference of two inputs is what is in only one of them
    let (few, many) = (opened(1)?, opened(101)?);
    let path = |check: &dyn Fn(&[u8]) -> Result<()>| -> Result<f64> {
        Ok((micros(|| check(&many))? - micros(|| check(&few))?) / 100.0)
    };
    let native = path(&|input| {
        black_box(storage_commp::check(input)?);
        Ok(())
    })?;
    let wasm = path(&|input| {
        black_box(commp.check(input)?);
        Ok(())
    })?;
    println!("path of height {HEIGHT}: native {native:.1} µs, wasm {wasm:.1} µs");
    let (without, with) = (challenge(false)?, challenge(true)?);
    let signature = |check: &dyn Fn(&[u8]) -> Result<()>| -> Result<f64> {
        Ok((micros(|| check(&with))? - micros(|| check(&without))?) / 1000.0)
    };
    let native = signature(&|input| {
        black_box(storage_pdp::check(input)?);
        Ok(())
    })?;
    let wasm = signature(&|input| {
        black_box(pdp.check(input)?);
        Ok(())
    })?;
    println!("drand signature: native {native:.2} ms, wasm {wasm:.2} ms");
    Ok(())
}

/// Median of a run in microseconds.
fn micros(run: impl Fn() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        run()?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().context("no run")
}

/// The same leaf of an almost empty tree is opened again and again: paths cost the same whatever is in them. C5 is
/// satisfied by indices that ascend through zero leaves.
fn opened(count: u64) -> Result<Vec<u8>> {
    let path: Vec<_> = (0..HEIGHT).map(zero_root).collect();
    let root = fold(&[0; 32], 0, &path);
    let openings = (0..count).map(|index| Opening { index, leaf: [0; 32], path: path.clone() });
    let content = Content::Openings(openings.collect());
    let piece_cid = PieceCid { padding: 0, height: HEIGHT, root }.encode();
    let params = CommpParams { chain_id: 1, min_openings: 1, seed: None };
    let input = CheckInput {
        module_hash: [0; 32],
        evidence: CommpSample { piece_cid, content }.encode(),
        facts: Vec::new(),
        params: params.encode(),
        now_s: 0,
    };
    let output = storage_commp::check(&input.encode())?;
    ensure!(output.verdict == Verdict::Pass, "{:?}", output.outcomes.last());
    Ok(input.encode())
}

/// An input that comes as far as the seed (and no further, for want of facts about pieces), or not even there.
fn challenge(due: bool) -> Result<Vec<u8>> {
    let drand = OwnDrand::new([1; 32])?;
    let params = PdpParams { drand: drand.chain(), ..PdpParams::filecoin_mainnet() };
    let epoch = 6_000_000;
    let proofs = vec![Proof { leaf: [0; 32], proof: Vec::new() }; 5];
    let evidence = PossessionProof {
        calldata: ProvePossession { set_id: 1, proofs }.encode(),
        challenge_epoch: epoch,
        beacon: drand.beacon(params.round_of(epoch).context("round")?),
        layout: Layout::Legacy,
        piece_count: 1,
        piece_ids: vec![0; 5],
    };
    let (evidence, encoded) = (evidence.encode(), params.encode());
    let plan = storage_pdp::plan(&evidence, &encoded)?;
    let tail = |number: u64| number.to_be_bytes();
    let mut facts: Vec<Fact> = plan.0.iter().map(|query| zero_fact(query.key, &params)).collect();
    // provider, piece count and challenge epoch: slots 12, 5 and 7 of data set 1
    for (slot, value) in [(12, 1), (5, 1), (7, if due { epoch } else { epoch + 9 })] {
        let key = heliotrope_device_proofs::registry::keccak256(&[&word(1), &word(slot)]);
        let fact = facts.iter_mut().find(|fact| fact.key == key).context("a word of the plan")?;
        fact.value[24..].copy_from_slice(&tail(value));
    }
    let input = CheckInput { module_hash: [0; 32], evidence, facts, params: encoded, now_s: 0 };
    let output: CheckOutput = storage_pdp::check(&input.encode())?;
    let seen = output.outcomes.iter().any(|outcome| outcome.rule_id == 3 && outcome.reason == 0);
    ensure!(seen == due, "{:?}", output.outcomes);
    Ok(input.encode())
}

fn word(number: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&number.to_be_bytes());
    word
}

fn zero_fact(key: [u8; 32], params: &PdpParams) -> Fact {
    Fact { chain_id: 314, block: 6_000_001, address: params.verifier, key, value: [0; 32] }
}
