use super::*;
use heliotrope_device_proofs::abi::{CheckInput, Fact};
use heliotrope_device_proofs::pdp::{Beacon, DrandChain, QUICKNET};
use heliotrope_device_proofs::piece::PieceCid;
use std::collections::BTreeMap;

const SET: u64 = 7;
const CHALLENGES: u64 = 5;
const EPOCH: u64 = 6_000_000;

/// Rounds of drand quicknet as the network published them (`/public/{round}`).
const PUBLISHED: [(u64, &str); 3] = [
    (
        1000,
        "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
    ),
    (
        657_413,
        "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b",
    ),
    (
        5_928_395,
        "a5d07c0071b4e386b3ae09206522253c68fefe8490ad59ecc44a7dd0d0745be91da5779e2247a82403fbc0cb9a34cb61",
    ),
];

fn published(round: u64) -> Beacon {
    let (_, signature) = PUBLISHED.iter().find(|(number, _)| *number == round).unwrap();
    Beacon { round, signature: hex::decode(signature).unwrap().try_into().unwrap() }
}

/// A drand network of our own, signed with another implementation than the one that verifies.
fn own_network(round: u64) -> (DrandChain, Beacon) {
    let key = blst::min_sig::SecretKey::key_gen(&[42; 32], &[]).unwrap();
    let dst = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
    let signature = key.sign(&sha256(&round.to_be_bytes()), dst, &[]).compress();
    let chain = DrandChain { public_key: key.sk_to_pk().compress(), ..QUICKNET };
    (chain, Beacon { round, signature })
}

/// The contract's words for a data set, as its rules of addition leave them.
struct Contract {
    words: BTreeMap<Bytes32, Bytes32>,
    pieces: Vec<(PieceCid, Vec<Vec<Bytes32>>)>,
    layout: Layout,
}

fn levels(piece: &PieceCid, payload: &[u8]) -> Vec<Vec<Bytes32>> {
    let (mut padding, mut level) = (heliotrope_device_proofs::fr32::Fr32::default(), Vec::new());
    padding.update(payload, |leaf| level.push(leaf));
    padding.finish(|leaf| level.push(leaf));
    level.resize(1 << piece.height, Bytes32::default());
    let mut levels = vec![level];
    while levels[levels.len() - 1].len() > 1 {
        let below = &levels[levels.len() - 1];
        levels.push(below.chunks(2).map(|pair| sha254::node_hash(&pair[0], &pair[1])).collect());
    }
    assert_eq!(levels[levels.len() - 1][0], piece.root);
    levels
}

impl Contract {
    fn new(layout: Layout) -> Self {
        let mut contract = Self { words: BTreeMap::new(), pieces: Vec::new(), layout };
        let mut sums: Vec<u64> = Vec::new();
        let mut total = 0;
        for id in 0..11_u64 {
            let payload: Vec<u8> = (0..100 + 333 * id).map(|n| (n * 7 + id) as u8).collect();
            let piece = PieceCid::of(&payload).unwrap();
            let height = (id + 1).trailing_zeros();
            let below = (0..height).map(|h| sums[(id - (1 << h)) as usize]);
            sums.push(piece.leaf_count() + below.sum::<u64>());
            total += piece.leaf_count();
            contract.store(id, &piece, sums[id as usize]);
            contract.pieces.push((piece.clone(), levels(&piece, &payload)));
        }
        let count = contract.pieces.len() as u64;
        match layout {
            Layout::Legacy => contract.set(slots::next_piece_id(SET), count),
            Layout::Compact => contract.set(slots::compact_piece_count(SET), count),
        }
        contract.set(
            slots::legacy_piece_storage_id_limit(),
            if layout == Layout::Legacy { 8 } else { 7 },
        );
        contract.set(slots::data_set_leaf_count(SET), total);
        contract.set(slots::challenge_range(SET), total);
        contract.set(slots::next_challenge_epoch(SET), EPOCH);
        contract.set(slots::storage_provider(SET), 0xabc);
        contract
    }

    fn set(&mut self, key: Bytes32, number: u64) {
        self.words.insert(key, slots::word(number));
    }

    fn store(&mut self, id: u64, piece: &PieceCid, sum: u64) {
        if self.layout == Layout::Legacy {
            let cid = piece.encode();
            let [head, first, second] = slots::piece_cid(SET, id);
            let mut data = cid.clone();
            data.resize(64, 0);
            self.set(head, cid.len() as u64 * 2 + 1);
            self.words.insert(first, data[..32].try_into().unwrap());
            self.words.insert(second, data[32..].try_into().unwrap());
            self.set(slots::piece_leaf_count(SET, id), piece.leaf_count());
            self.set(slots::sum_tree_count(SET, id), sum);
            return;
        }
        let [root, metadata] = slots::compact_piece(SET, id);
        self.words.insert(root, piece.root);
        let low = u128::from(piece.padding)
            | u128::from(piece.height) << 55
            | u128::from(piece.leaf_count()) << 61
            | u128::from(sum) << 112;
        // the sum goes on in the upper half; its highest bit there says "scheduled for removal"
        let high = (u128::from(sum) >> 16) | 1 << 127;
        let word = [high.to_be_bytes(), low.to_be_bytes()].concat();
        self.words.insert(metadata, word.try_into().unwrap());
    }

    fn params() -> PdpParams {
        let drand = own_network(1).0;
        PdpParams { verifier: [9; 20], drand, ..PdpParams::filecoin_mainnet() }
    }

    /// What an honest provider sends.
    fn prove(&self) -> PossessionProof {
        let beacon = own_network(Self::params().round_of(EPOCH).unwrap()).1;
        let seed = seed(&beacon.signature);
        let range = number(&self.words[&slots::challenge_range(SET)]).unwrap();
        let (mut proofs, mut piece_ids) = (Vec::new(), Vec::new());
        for challenge in 0..CHALLENGES {
            let mut offset = challenged_leaf(&seed, SET, challenge, range).unwrap();
            let mut id = 0;
            while offset >= self.pieces[id].0.leaf_count() {
                offset -= self.pieces[id].0.leaf_count();
                id += 1;
            }
            let levels = &self.pieces[id].1;
            let mut at = offset as usize;
            let leaf = levels[0][at];
            let mut proof = Vec::new();
            for level in &levels[..levels.len() - 1] {
                proof.push(level[at ^ 1]);
                at /= 2;
            }
            proofs.push(Proof { leaf, proof });
            piece_ids.push(id as u64);
        }
        PossessionProof {
            calldata: ProvePossession { set_id: SET, proofs }.encode(),
            challenge_epoch: EPOCH,
            beacon,
            layout: self.layout,
            piece_count: self.pieces.len() as u64,
            piece_ids,
        }
    }

    fn input(&self, evidence: &PossessionProof) -> CheckInput {
        let (evidence, params) = (evidence.encode(), Self::params().encode());
        let facts = plan(&evidence, &params).unwrap().0.into_iter().map(|query| {
            let value = self.words.get(&query.key).copied().unwrap_or_default();
            Fact { chain_id: 314, block: EPOCH + 3, address: [9; 20], key: query.key, value }
        });
        let facts = facts.collect();
        CheckInput { module_hash: [1; 32], evidence, facts, params, now_s: 1 }
    }

    fn judge(&self, evidence: &PossessionProof) -> CheckOutput {
        check(&self.input(evidence).encode()).unwrap()
    }
}

const LAYOUTS: [Layout; 2] = [Layout::Legacy, Layout::Compact];

fn broken(output: &CheckOutput) -> Vec<(u32, u16)> {
    let broken = output.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fail);
    broken.map(|outcome| (outcome.subject, outcome.rule_id)).collect()
}

fn rejected(change: impl Fn(&mut Contract, &mut PossessionProof), expected: &[(u32, u16)]) {
    for layout in LAYOUTS {
        let mut contract = Contract::new(layout);
        let mut evidence = contract.prove();
        change(&mut contract, &mut evidence);
        let output = contract.judge(&evidence);
        assert_eq!((output.verdict, output.score_ppm), (Verdict::Fail, 0), "{layout:?}");
        assert_eq!(broken(&output), expected, "{layout:?}");
    }
}

#[test]
fn an_honest_proof_passes_in_both_layouts_and_reads_every_fact_of_the_plan() {
    for layout in LAYOUTS {
        let contract = Contract::new(layout);
        let input = contract.input(&contract.prove());
        let output = check(&input.encode()).unwrap();
        assert_eq!(broken(&output), []);
        assert_eq!((output.verdict, output.score_ppm), (Verdict::Pass, 1_000_000), "{layout:?}");
        assert_eq!(output.facts_read.len(), input.facts.len());
    }
}

#[test]
fn a_missing_fact_is_never_a_pass() {
    for layout in LAYOUTS {
        let contract = Contract::new(layout);
        let input = contract.input(&contract.prove());
        for index in 0..input.facts.len() {
            let mut without = input.clone();
            without.facts.remove(index);
            let output = check(&without.encode()).unwrap();
            assert_eq!(output.verdict, Verdict::Indeterminate, "{layout:?} fact {index}");
        }
    }
}

#[test]
fn every_flipped_bit_of_the_calldata_is_refused_or_fails() {
    let contract = Contract::new(Layout::Compact);
    let honest = contract.prove();
    let input = contract.input(&honest);
    for bit in 0..honest.calldata.len() * 8 {
        let mut evidence = honest.clone();
        evidence.calldata[bit / 8] ^= 1 << (bit % 8);
        let input = CheckInput { evidence: evidence.encode(), ..input.clone() };
        if let Ok(output) = check(&input.encode()) {
            assert_ne!(output.verdict, Verdict::Pass, "bit {bit}");
        }
    }
}

#[test]
fn p1_no_proof_is_none() {
    let none = |_: &mut Contract, evidence: &mut PossessionProof| {
        evidence.calldata = ProvePossession { set_id: SET, proofs: Vec::new() }.encode();
        evidence.piece_ids.clear();
    };
    rejected(none, &[(0, 1)]);
}

#[test]
fn s1_fewer_proofs_than_the_service_asks_are_too_few() {
    let four = |_: &mut Contract, evidence: &mut PossessionProof| {
        let mut call = ProvePossession::decode(&evidence.calldata).unwrap();
        call.proofs.pop();
        evidence.piece_ids.pop();
        evidence.calldata = call.encode();
    };
    rejected(four, &[(0, 201)]);
}

#[test]
fn p2_no_challenge_another_challenge_or_one_of_the_future_is_not_due() {
    for epoch in [0, EPOCH - 1, EPOCH + 4, u64::MAX] {
        rejected(|contract, _| contract.set(slots::next_challenge_epoch(SET), epoch), &[(0, 2)]);
    }
    // cleanup mode
    rejected(
        |contract, _| {
            contract.words.insert(slots::next_challenge_epoch(SET), [0xff; 32]);
        },
        &[(0, 2)],
    );
}

#[test]
fn p3_another_round_or_another_signature_is_not_the_seed() {
    let of_another_round = |_: &mut Contract, evidence: &mut PossessionProof| {
        evidence.beacon = own_network(evidence.beacon.round + 1).1;
    };
    rejected(of_another_round, &[(0, 3)]);
    rejected(|_, evidence| evidence.beacon.round += 1, &[(0, 3)]);
    rejected(|_, evidence| evidence.beacon.signature[20] ^= 1, &[(0, 3)]);
    rejected(|_, evidence| evidence.beacon.signature = published(1000).signature, &[(0, 3)]);
}

#[test]
fn p4_a_leaf_beyond_the_data_set_is_not_challenged() {
    let all = [(1, 4), (2, 4), (3, 4), (4, 4), (5, 4)];
    rejected(|contract, _| contract.set(slots::data_set_leaf_count(SET), 0), &all);
    rejected(|contract, _| contract.set(slots::challenge_range(SET), 0), &all);
}

#[test]
fn p5_another_piece_with_the_same_way_down_is_seen() {
    // 10 of 11 pieces: its neighbour 8 is reached over the same nodes as 9
    for layout in LAYOUTS {
        let contract = Contract::new(layout);
        let honest = contract.prove();
        for place in 0..honest.piece_ids.len() {
            for other in 0..contract.pieces.len() as u64 {
                let mut evidence = honest.clone();
                evidence.piece_ids[place] = other;
                let verdict = contract.judge(&evidence).verdict;
                let right = other == honest.piece_ids[place];
                assert_eq!(verdict == Verdict::Pass, right, "{layout:?} {place} {other}");
            }
        }
    }
}

#[test]
fn l1_l2_l3_the_state_is_the_one_that_is_named() {
    rejected(|contract, _| contract.set(slots::storage_provider(SET), 0), &[(0, 101)]);
    let other = |contract: &mut Contract, _: &mut PossessionProof| {
        let limit = if contract.layout == Layout::Legacy { SET } else { 0 };
        contract.set(slots::legacy_piece_storage_id_limit(), limit);
    };
    rejected(other, &[(0, 102)]);
    rejected(|_, evidence| evidence.piece_count += 1, &[(0, 103)]);
}

#[test]
fn published_rounds_of_quicknet_verify_with_the_published_key() {
    for (round, _) in PUBLISHED {
        let beacon = published(round);
        assert!(drand::is_signed(&beacon, &QUICKNET.public_key), "round {round}");
        let other = Beacon { round: round + 1, ..beacon };
        assert!(!drand::is_signed(&other, &QUICKNET.public_key));
    }
}

#[test]
fn every_flipped_bit_of_a_beacon_or_key_is_seen() {
    let beacon = published(1000);
    for bit in 0..48 * 8 {
        let mut flipped = beacon.clone();
        flipped.signature[bit / 8] ^= 1 << (bit % 8);
        assert!(!drand::is_signed(&flipped, &QUICKNET.public_key), "signature bit {bit}");
    }
    for bit in 0..96 * 8 {
        let mut key = QUICKNET.public_key;
        key[bit / 8] ^= 1 << (bit % 8);
        assert!(!drand::is_signed(&beacon, &key), "key bit {bit}");
    }
}

/// SECURITY: infinity for key and signature solves the pairing equation for every message.
#[test]
fn infinity_signs_nothing() {
    let (mut signature, mut key) = ([0; 48], [0; 96]);
    (signature[0], key[0]) = (0xc0, 0xc0);
    assert!(!drand::is_signed(&Beacon { round: 5, signature }, &key));
}

#[test]
fn malformed_input_is_refused() {
    assert!(check(&[]).is_err());
    assert!(plan(&[], &[]).is_err());
    assert_eq!(Description::decode(&describe().encode()).unwrap(), describe());
}

#[test]
fn the_vectors_are_those_of_these_tests() {
    let of = |layout, change: fn(&mut Contract, &mut PossessionProof)| {
        let mut contract = Contract::new(layout);
        let mut evidence = contract.prove();
        change(&mut contract, &mut evidence);
        contract.input(&evidence)
    };
    let on = |change| of(Layout::Compact, change).encode();
    let mut missing = of(Layout::Compact, |_, _| {});
    missing.facts.pop();
    let cases = vec![
        ("compact", "an honest proof in the compact layout", on(|_, _| {})),
        ("legacy", "an honest proof in the legacy layout", of(Layout::Legacy, |_, _| {}).encode()),
        ("p2-future", "P2: a challenge of the future", {
            on(|c, _| c.set(slots::next_challenge_epoch(SET), EPOCH + 9))
        }),
        ("p3-round", "P3: another round", on(|_, e| e.beacon.round += 1)),
        (
            "p3-signature",
            "P3: a signature that is no point",
            on(|_, e| e.beacon.signature[0] ^= 0x40),
        ),
        ("l1-dead", "L1: a data set without provider", {
            on(|c, _| c.set(slots::storage_provider(SET), 0))
        }),
        ("l2-layout", "L2: the other layout is named", on(|_, e| e.layout = Layout::Legacy)),
        ("missing", "a fact is missing", missing.encode()),
        ("cut", "an input that is cut short is refused", vec![0xa6]),
    ];
    crate::vectors::hold(NAME, cases);
}
