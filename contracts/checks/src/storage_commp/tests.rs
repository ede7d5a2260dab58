use super::*;
use heliotrope_device_proofs::abi::{CheckInput, Fact};
use heliotrope_device_proofs::commp::SeedSource;

const LEN: usize = 900;

fn payload() -> Vec<u8> {
    (0..LEN).map(|n| (n * 31 % 251) as u8).collect()
}

fn leaves(payload: &[u8]) -> Vec<Bytes32> {
    let (mut padding, mut leaves) = (fr32::Fr32::default(), Vec::new());
    padding.update(payload, |leaf| leaves.push(leaf));
    padding.finish(|leaf| leaves.push(leaf));
    leaves
}

fn opening(leaves: &[Bytes32], height: u8, index: u64) -> Opening {
    let mut level = leaves.to_vec();
    level.resize(1 << height, Bytes32::default());
    let (leaf, mut at, mut path) = (level[index as usize], index as usize, Vec::new());
    while level.len() > 1 {
        path.push(level[at ^ 1]);
        level = level.chunks(2).map(|pair| sha254::node_hash(&pair[0], &pair[1])).collect();
        at /= 2;
    }
    Opening { index, leaf, path }
}

fn run(sample: &CommpSample, params: &CommpParams, facts: Vec<Fact>) -> CheckOutput {
    let input = CheckInput {
        module_hash: [1; 32],
        evidence: sample.encode(),
        facts,
        params: params.encode(),
        now_s: 1,
    };
    check(&input.encode()).unwrap()
}

fn unseeded(min_openings: u32) -> CommpParams {
    CommpParams { chain_id: 1, min_openings, seed: None }
}

fn broken(output: &CheckOutput) -> Vec<(u32, u16)> {
    let broken = output.outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Pass);
    broken.map(|outcome| (outcome.subject, outcome.rule_id)).collect()
}

fn whole(payload: Vec<u8>) -> CommpSample {
    let piece_cid = PieceCid::of(&payload).unwrap().encode();
    CommpSample { piece_cid, content: Content::Payload(payload) }
}

fn opened(indices: &[u64]) -> CommpSample {
    let piece = PieceCid::of(&payload()).unwrap();
    let leaves = leaves(&payload());
    let openings = indices.iter().map(|index| opening(&leaves, piece.height, *index)).collect();
    CommpSample { piece_cid: piece.encode(), content: Content::Openings(openings) }
}

#[test]
fn a_payload_is_its_piece() {
    let output = run(&whole(payload()), &unseeded(0), Vec::new());
    assert_eq!((output.verdict, output.score_ppm), (Verdict::Pass, 1_000_000));
}

#[test]
fn c1_another_cid_is_no_name() {
    let mut sample = whole(payload());
    sample.piece_cid[2] ^= 1;
    assert_eq!(broken(&run(&sample, &unseeded(0), Vec::new())), [(0, 1)]);
}

#[test]
fn c2_a_payload_of_another_length_is_not_the_piece() {
    let mut sample = whole(payload());
    sample.content = Content::Payload([payload(), vec![0]].concat());
    assert_eq!(broken(&run(&sample, &unseeded(0), Vec::new())), [(0, 2)]);
}

#[test]
fn c3_every_flipped_bit_of_a_payload_is_seen() {
    for bit in 0..LEN * 8 {
        let mut other = payload();
        other[bit / 8] ^= 1 << (bit % 8);
        let sample = CommpSample { content: Content::Payload(other), ..whole(payload()) };
        assert_eq!(broken(&run(&sample, &unseeded(0), Vec::new())), [(0, 3)], "bit {bit}");
    }
}

#[test]
fn openings_are_in_the_piece_padding_included() {
    let output = run(&opened(&[0, 7, 27, 28, 29, 31]), &unseeded(6), Vec::new());
    assert_eq!(output.verdict, Verdict::Pass);
}

#[test]
fn c4_a_sample_below_the_least_or_of_nothing_is_none() {
    assert_eq!(broken(&run(&opened(&[3]), &unseeded(2), Vec::new())), [(0, 4)]);
    assert_eq!(broken(&run(&opened(&[]), &unseeded(0), Vec::new())), [(0, 4)]);
}

#[test]
fn c5_a_leaf_counts_once_and_is_in_the_tree() {
    assert_eq!(broken(&run(&opened(&[3, 3]), &unseeded(1), Vec::new())), [(2, 5)]);
    let mut sample = opened(&[3]);
    if let Content::Openings(openings) = &mut sample.content {
        // the same path leads there again, one tree further on
        openings[0].index += 32;
    }
    assert_eq!(broken(&run(&sample, &unseeded(1), Vec::new())), [(1, 5)]);
}

#[test]
fn c5_the_seed_on_chain_draws_the_leaves() {
    let source = SeedSource { address: [4; 20], key: [5; 32] };
    let params = CommpParams { chain_id: 1, min_openings: 4, seed: Some(source.clone()) };
    let piece = PieceCid::of(&payload()).unwrap();
    let seed = [6; 32];
    let drawn = |n| sampled_leaf(&seed, &piece.root, n, piece.leaf_count()).unwrap();
    let sample = opened(&[drawn(0), drawn(1), drawn(2), drawn(3)]);
    let plan = plan(&sample.encode(), &params.encode()).unwrap();
    assert_eq!(plan.0, [PlanQuery { address: source.address, key: source.key }]);
    let fact = |value| Fact { chain_id: 1, block: 9, address: [4; 20], key: [5; 32], value };
    let output = run(&sample, &params, vec![fact(seed)]);
    assert_eq!((output.verdict, output.facts_read), (Verdict::Pass, vec![0]));
    assert_eq!(run(&sample, &params, Vec::new()).verdict, Verdict::Indeterminate);
    assert_eq!(run(&sample, &params, vec![fact([7; 32])]).verdict, Verdict::Fail);
}

/// SECURITY: else a piece would count twice under a seed, once whole and once by its leaves.
#[test]
fn a_piece_counts_once_per_seed_whole_or_by_its_leaves() {
    let source = SeedSource { address: [4; 20], key: [5; 32] };
    let params = CommpParams { chain_id: 1, min_openings: 1, seed: Some(source.clone()) };
    let (whole, piece) = (whole(payload()), PieceCid::of(&payload()).unwrap());
    let plan = plan(&whole.encode(), &params.encode()).unwrap();
    assert_eq!(plan.0, [PlanQuery { address: source.address, key: source.key }]);
    let key_of = |seed: Bytes32| {
        let fact = Fact { chain_id: 1, block: 9, address: [4; 20], key: [5; 32], value: seed };
        let leaf = sampled_leaf(&seed, &piece.root, 0, piece.leaf_count()).unwrap();
        let forms = [whole.clone(), opened(&[leaf])].map(|sample| {
            let output = run(&sample, &params, vec![fact.clone()]);
            assert_eq!((output.verdict, output.facts_read), (Verdict::Pass, vec![0]));
            output.replay_key
        });
        assert_eq!(forms[0], forms[1]);
        forms[0]
    };
    assert_ne!(key_of([6; 32]), key_of([7; 32]));
    let output = run(&whole, &params, Vec::new());
    assert_eq!(output.verdict, Verdict::Indeterminate);
    assert_eq!(broken(&output), [(0, 5)]);
}

/// SECURITY: without C6 an inner node with a shorter path would pass as a leaf.
#[test]
fn c6_an_inner_node_is_no_leaf() {
    let mut sample = opened(&[8]);
    if let Content::Openings(openings) = &mut sample.content {
        let Opening { index, leaf, path } = &mut openings[0];
        *leaf = sha254::node_hash(leaf, &path.remove(0));
        *index /= 2;
        assert_eq!(sha254::fold(leaf, *index, path), PieceCid::of(&payload()).unwrap().root);
    }
    assert_eq!(broken(&run(&sample, &unseeded(1), Vec::new())), [(1, 6)]);
}

/// A piece whose name calls bytes padding that are not zero.
#[test]
fn c7_padding_is_zero() {
    let honest = PieceCid::of(&payload()).unwrap();
    let name = PieceCid { padding: honest.padding + 40, ..honest };
    let last = (LEN as u64 * 8 - 1) / 254;
    let sample = CommpSample { piece_cid: name.encode(), ..opened(&[last]) };
    assert_eq!(broken(&run(&sample, &unseeded(1), Vec::new())), [(1, 7)]);
}

#[test]
fn every_flipped_bit_of_an_opening_is_seen() {
    let honest = opened(&[5]);
    let Content::Openings(openings) = &honest.content else { panic!("openings") };
    for bit in 0..openings[0].path.len() * 256 + 256 {
        let mut flipped = openings.clone();
        let (word, bit) = (bit / 256, bit % 256);
        let bytes = match word.checked_sub(1) {
            None => &mut flipped[0].leaf,
            Some(sibling) => &mut flipped[0].path[sibling],
        };
        bytes[bit / 8] ^= 1 << (bit % 8);
        let sample = CommpSample { content: Content::Openings(flipped), ..honest.clone() };
        assert_eq!(run(&sample, &unseeded(1), Vec::new()).verdict, Verdict::Fail, "{word} {bit}");
    }
}

#[test]
fn malformed_input_is_refused() {
    assert!(check(&[]).is_err());
    assert!(plan(&[], &[]).is_err());
    assert_eq!(Description::decode(&describe().encode()).unwrap(), describe());
}

#[test]
fn the_vectors_are_those_of_these_tests() {
    let input = |sample: &CommpSample, params: &CommpParams, facts| {
        let (evidence, params) = (sample.encode(), params.encode());
        CheckInput { module_hash: [1; 32], evidence, facts, params, now_s: 1 }.encode()
    };
    let source = SeedSource { address: [7; 20], key: [8; 32] };
    let drawn = CommpParams { chain_id: 1, min_openings: 2, seed: Some(source) };
    let seed = [3; 32];
    let fact = Fact { chain_id: 1, block: 2, address: [7; 20], key: [8; 32], value: seed };
    let piece = PieceCid::of(&payload()).unwrap();
    let turn = |turn| sampled_leaf(&seed, &piece.root, turn, piece.leaf_count()).unwrap();
    let turns = [turn(0), turn(1)];
    let mut other = whole(payload());
    if let Content::Payload(payload) = &mut other.content {
        payload[7] ^= 1;
    }
    let mut moved = opened(&[0, 5]);
    if let Content::Openings(openings) = &mut moved.content {
        openings[1].path[0][0] ^= 1;
    }
    let cases = vec![
        ("payload", "a payload and its name", input(&whole(payload()), &unseeded(1), vec![])),
        ("c3-payload", "C3: one bit of the payload", input(&other, &unseeded(1), vec![])),
        (
            "openings",
            "leaves that whoever sampled chose",
            input(&opened(&[0, 5]), &unseeded(2), vec![]),
        ),
        ("c4-few", "C4: fewer openings than asked", input(&opened(&[0]), &unseeded(2), vec![])),
        ("c8-path", "C8: one bit of a path", input(&moved, &unseeded(2), vec![])),
        (
            "drawn",
            "leaves that a proven seed drew",
            input(&opened(&turns), &drawn, vec![fact.clone()]),
        ),
        (
            "c5-turn",
            "C5: leaves that the seed did not draw",
            input(&opened(&[0, 1]), &drawn, vec![fact]),
        ),
        ("drawn-missing", "the seed is not proven", input(&opened(&turns), &drawn, vec![])),
        ("cut", "an input that is cut short is refused", vec![0xa6]),
    ];
    crate::vectors::hold(NAME, cases);
}
