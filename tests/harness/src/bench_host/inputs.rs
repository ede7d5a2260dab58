//! Inputs to measure with.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use heliotrope_checks::{coverage_radio, storage_commp, storage_pdp};
use heliotrope_device_proofs::{
    abi::{CheckInput, CheckOutput, Fact, Verdict},
    calldata::{Proof, ProvePossession},
    commp::{CommpParams, CommpSample, Content, Opening},
    pdp::{Layout, PdpParams, PossessionProof},
    piece::PieceCid,
    registry,
    sha254::{fold, zero_root},
};
use sha2::{Digest as _, Sha256};

use crate::{
    fleet::{Fleet, FleetConfig, bundles},
    pdp::OwnDrand,
};

const HEIGHT: u8 = 30;

/// A module in whose memory the output for one input lies ready, and that input.
pub(crate) fn ready_output() -> Result<(Vec<u8>, Vec<u8>)> {
    let input = vec![0; 64];
    let output = CheckOutput {
        verdict: Verdict::Indeterminate,
        score_ppm: 0,
        outcomes: Vec::new(),
        replay_key: [0; 32],
        facts_read: Vec::new(),
        input_hash: Sha256::digest(&input).into(),
        selected: Vec::new(),
        subject_cell: 0,
    };
    let output = output.encode();
    let data: String = output.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let result = (1_024_u64 << 32) | u64::try_from(output.len())?;
    let wasm = wat::parse_str(format!(
        r#"(module (memory (export "memory") 1 4) (data (i32.const 1024) "{data}")
          (func (export "hc_abi_v1") (result i32) i32.const 1)
          (func (export "hc_alloc") (param i32) (result i32) i32.const 4096)
          (func (export "hc_describe") (result i64) i64.const 0)
          (func (export "hc_plan") (param i32 i32 i32 i32) (result i64) i64.const 0)
          (func (export "hc_check") (param i32 i32) (result i64) i64.const {result}))"#
    ))?;
    Ok((wasm, input))
}

/// An input for the module of parts.
pub(super) fn part(part: u8, times: u32) -> Vec<u8> {
    let [a, b, c, d] = times.to_be_bytes();
    let evidence = vec![part, a, b, c, d];
    let (facts, params) = (Vec::new(), Vec::new());
    CheckInput { module_hash: [0; 32], evidence, facts, params, now_s: 0 }.encode()
}

/// A fleet's bundles with what they need, and how many witnesses there are in them.
pub(super) fn radio() -> Result<(u32, Vec<Vec<u8>>)> {
    const REGISTRY: [u8; 20] = [7; 20];
    const CHAIN: u64 = 31_337;
    let fleet = Fleet::generate(FleetConfig { gateways: 112, ..FleetConfig::default() });
    let facts = fleet.gateways.iter().map(|gateway| {
        let key = registry::radio_slot(&gateway.device_id);
        let value = gateway.radio(1).to_word();
        (key, Fact { chain_id: CHAIN, block: 9, address: REGISTRY, key, value })
    });
    let facts: BTreeMap<_, _> = facts.collect();
    let params = Fleet::params(REGISTRY, CHAIN).encode();
    let (mut witnesses, mut inputs) = (0, Vec::new());
    for bundle in bundles(&fleet)?.bundles {
        let evidence = bundle.encode();
        witnesses += u32::try_from(bundle.witnesses.len())?;
        let plan = coverage_radio::plan(&evidence, &params)?;
        let facts = plan.0.iter().filter_map(|query| facts.get(&query.key).cloned()).collect();
        let params = params.clone();
        let input =
            CheckInput { module_hash: [1; 32], evidence, facts, params, now_s: 2_000_000_000 };
        inputs.push(input.encode());
    }
    Ok((witnesses, inputs))
}

/// The same leaf of an almost empty tree is opened again and again: paths cost the same whatever is in them. C5 is
/// satisfied by indices that ascend through zero leaves.
pub(super) fn opened(count: u64) -> Result<Vec<u8>> {
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
pub(super) fn challenge(due: bool) -> Result<Vec<u8>> {
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
        let key = registry::keccak256(&[&word(1), &word(slot)]);
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
