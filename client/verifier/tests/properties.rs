//! What must hold of every update and proof: a changed bit is refused, a refusal changes nothing, one encoding each.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: a panic is a failure"
)]

mod common;

use alloy_primitives::{B256, keccak256};
use common::chain;
use heliotrope_verifier::chains::ethereum::{
    Ethereum, EthereumCheckpoint, Fork, LightClientBootstrap, LightClientError,
    LightClientFinalityUpdate, LightClientSsz as _, LightClientUpdate, Preset,
    fast_aggregate_verify, initialize_light_client_store, process_light_client_finality_update,
    process_light_client_store_force_update, process_light_client_update, upgrade_lc_store,
    upgrade_lc_update, validate_light_client_update, verify_sync_committee_signature,
};
use heliotrope_verifier::chains::{AnyStore, ChainKind};
use heliotrope_verifier::consensus::{ConsensusVerifier as _, TrustStatus, UnixSeconds};
use heliotrope_verifier::proofs::mpt::{EMPTY_ROOT_HASH, MptError, TrieNodes, verify_proof};
use heliotrope_verifier::proofs::ordered_trie::ordered_trie_root;

/// `bytes`, as often as it has bits, each time with another one flipped.
fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit, flipped)
    })
}

#[test]
fn valid_update_advances_finality_and_learns_the_next_committee() {
    for absent in [0, 1, 10] {
        let c = chain(absent);
        let mut store =
            initialize_light_client_store(c.trusted_root, &c.bootstrap, &c.spec).unwrap();
        process_light_client_update(&mut store, &c.update, c.current_slot, &c.spec).unwrap();
        assert_eq!(store.finalized_header(), &c.update.finalized_header);
        assert_eq!(store.optimistic_header(), &c.update.attested_header);
        assert_eq!(store.next_sync_committee(), c.update.next_sync_committee.as_ref());
    }
}

#[test]
fn any_flipped_bit_of_an_update_is_refused_and_leaves_the_store_unchanged() {
    let c = chain(1);
    let before = initialize_light_client_store(c.trusted_root, &c.bootstrap, &c.spec).unwrap();
    let mut advanced = before.clone();
    process_light_client_update(&mut advanced, &c.update, c.current_slot, &c.spec).unwrap();
    let ssz = c.update.encode(Fork::Electra, Preset::Minimal).unwrap();
    let mut store = before.clone();
    for (bit, tampered) in flips(&ssz) {
        let Ok(update) = LightClientUpdate::decode(Fork::Electra, Preset::Minimal, &tampered)
        else {
            continue;
        };
        if process_light_client_update(&mut store, &update, c.current_slot, &c.spec).is_err() {
            assert_eq!(store, before, "changed by a refused update, bit {bit}");
            continue;
        }
        // Nobody signs `signature_slot`: the specification takes any that names the same committee and fork.
        let unsigned = LightClientUpdate { signature_slot: c.update.signature_slot, ..update };
        assert_eq!(unsigned, c.update, "accepted with bit {bit} flipped");
        assert_eq!(store, advanced);
        store = before.clone();
    }
}

#[test]
fn any_flipped_bit_of_a_bootstrap_is_refused() {
    let c = chain(0);
    let ssz = c.bootstrap.encode(Fork::Electra, Preset::Minimal).unwrap();
    for (bit, tampered) in flips(&ssz) {
        if let Ok(b) = LightClientBootstrap::decode(Fork::Electra, Preset::Minimal, &tampered) {
            let refused = initialize_light_client_store(c.trusted_root, &b, &c.spec);
            assert!(refused.is_err(), "accepted with bit {bit} flipped");
        }
    }
}

#[test]
fn any_flipped_bit_of_a_receipt_is_refused() {
    // sizes that stand in a node, in their own node, and in two blocks of the hash
    for lengths in [&[1_usize][..], &[20, 31, 32], &[300, 5, 140, 33, 64]] {
        let receipts: Vec<Vec<u8>> = lengths.iter().map(|length| vec![0x5a; *length]).collect();
        let root = ordered_trie_root(&receipts);
        for place in 0..receipts.len() {
            for (bit, tampered) in flips(&receipts[place]) {
                let mut list = receipts.clone();
                list[place] = tampered;
                assert_ne!(ordered_trie_root(&list), root, "receipt {place}, bit {bit}");
            }
        }
    }
}

#[test]
fn there_is_one_encoding() {
    let c = chain(0);
    for fork in [Fork::Deneb, Fork::Electra] {
        let ssz = c.update.encode(Fork::Electra, Preset::Minimal).unwrap();
        let same = LightClientUpdate::decode(fork, Preset::Minimal, &ssz);
        assert_eq!(same.is_ok_and(|update| update == c.update), fork == Fork::Electra);
        let mut longer = ssz.clone();
        longer.extend([0; 33]);
        assert!(LightClientUpdate::decode(fork, Preset::Minimal, &longer).is_err());
        for length in 0..ssz.len() {
            // a shorter one may be another value (the last bytes are `extra_data`), but never this one
            if let Ok(other) = LightClientUpdate::decode(fork, Preset::Minimal, &ssz[..length]) {
                assert_ne!(other, c.update);
                assert_eq!(other.encode(fork, Preset::Minimal).unwrap(), &ssz[..length]);
            }
        }
    }
    assert!(LightClientUpdate::decode(Fork::Phase0, Preset::Minimal, &[]).is_err());
}

#[test]
fn rules_name_what_is_wrong() {
    let c = chain(0);
    let store = initialize_light_client_store(c.trusted_root, &c.bootstrap, &c.spec).unwrap();
    let refused = |change: &dyn Fn(&mut LightClientUpdate), slot| {
        let mut update = c.update.clone();
        change(&mut update);
        validate_light_client_update(&store, update, slot, &c.spec).unwrap_err()
    };
    assert!(matches!(
        refused(&|_| {}, 32),
        LightClientError::SignatureSlotInFuture { got: 33, expected: 32 }
    ));
    assert!(matches!(
        refused(&|u| u.sync_aggregate.sync_committee_bits = vec![0; 4], 40),
        LightClientError::InsufficientParticipants { got: 0, expected: 1 }
    ));
    assert!(matches!(refused(&|u| u.signature_slot = 32, 40), LightClientError::SlotOrder { .. }));
    assert!(matches!(
        refused(&|u| u.signature_slot = 64, 80),
        LightClientError::SyncCommitteePeriod { got: 1, expected: 0, next_known: false }
    ));
    assert!(matches!(
        refused(&|u| u.next_sync_committee = None, 40),
        LightClientError::NextSyncCommitteeBranch { .. }
    ));
    assert!(matches!(
        refused(&|u| u.next_sync_committee_branch = vec![B256::ZERO; 6], 40),
        LightClientError::NextSyncCommitteeNotEmpty
    ));
    assert!(matches!(
        refused(&|u| u.finality_branch = vec![B256::ZERO; 7], 40),
        LightClientError::FinalizedHeaderNotEmpty { slot: 16 }
    ));
    let wrong_root = initialize_light_client_store(B256::ZERO, &c.bootstrap, &c.spec);
    assert!(matches!(wrong_root, Err(LightClientError::TrustedBlockRoot(_))));
}

#[test]
fn aggregate_minus_absent_agrees_with_the_sum_of_those_present() {
    for absent in [0, 1, 15, 16, 17, 31] {
        let c = chain(absent);
        let committee = &c.bootstrap.current_sync_committee;
        let bits: Vec<bool> = c.update.sync_aggregate.participation().collect();
        let signature = &c.update.sync_aggregate.sync_committee_signature;
        let present =
            committee.pubkeys.iter().zip(&bits).filter(|(_, bit)| **bit).map(|(key, _)| key);
        for message in [B256::ZERO, signing_root(&c)] {
            let slow = fast_aggregate_verify(present.clone(), &message.0, signature);
            let fast = verify_sync_committee_signature(committee, &bits, &message.0, signature);
            assert_eq!(slow.is_ok(), fast.is_ok(), "{absent} absent");
            assert_eq!(fast.is_ok(), message != B256::ZERO);
        }
    }
}

fn signing_root(c: &common::Chain) -> B256 {
    use heliotrope_verifier::chains::ethereum::{DOMAIN_SYNC_COMMITTEE, compute_signing_root};
    let domain = c.spec.compute_domain(DOMAIN_SYNC_COMMITTEE, c.spec.compute_fork_version(4));
    compute_signing_root(&c.update.attested_header.beacon, domain)
}

#[test]
fn finality_waits_for_two_thirds_and_force_update_for_the_timeout() {
    let c = chain(12);
    let mut store = initialize_light_client_store(c.trusted_root, &c.bootstrap, &c.spec).unwrap();
    process_light_client_update(&mut store, &c.update, c.current_slot, &c.spec).unwrap();
    assert_eq!(store.finalized_header(), &c.bootstrap.header);
    assert!(store.best_valid_update().is_some());
    assert!(!process_light_client_store_force_update(&mut store, 8 + 64, &c.spec));
    assert!(process_light_client_store_force_update(&mut store, 8 + 65, &c.spec));
    assert_eq!(store.finalized_header(), &c.update.finalized_header);
    assert!(store.best_valid_update().is_none());
}

#[test]
fn finality_update_and_gloas_store_follow_the_same_rules() {
    let c = chain(0);
    let store = initialize_light_client_store(c.trusted_root, &c.bootstrap, &c.spec).unwrap();
    let update = LightClientFinalityUpdate {
        attested_header: c.update.attested_header.clone(),
        finalized_header: c.update.finalized_header.clone(),
        finality_branch: c.update.finality_branch.clone(),
        sync_aggregate: c.update.sync_aggregate.clone(),
        signature_slot: c.update.signature_slot,
    };
    let mut plain = store.clone();
    process_light_client_finality_update(&mut plain, &update, c.current_slot, &c.spec).unwrap();
    assert_eq!(plain.finalized_header(), &c.update.finalized_header);

    let mut gloas = upgrade_lc_store(&store, Fork::Gloas, &c.spec);
    let upgraded = upgrade_lc_update(&c.update, Fork::Gloas, &c.spec);
    process_light_client_update(&mut gloas, &upgraded, c.current_slot, &c.spec).unwrap();
    let finalized = gloas.finalized_header();
    assert_eq!(finalized.beacon, c.update.finalized_header.beacon);
    assert_eq!(finalized.execution_block_hash(), c.update.finalized_header.execution_block_hash());
    assert_eq!(finalized.execution_state_root(), None);
}

#[test]
fn any_store_takes_a_fork_digest_and_an_update() {
    let c = chain(0);
    let checkpoint = EthereumCheckpoint { spec: c.spec.clone(), block_root: c.trusted_root };
    let store = Ethereum::bootstrap(&checkpoint, &c.bootstrap).unwrap();
    let now = c.spec.slot_start(c.current_slot);
    assert!(matches!(Ethereum::trust_status(&store, now), TrustStatus::Within { .. }));
    assert_eq!(Ethereum::trust_status(&store, UnixSeconds(u64::MAX)), TrustStatus::Expired);
    let mut bytes = c.spec.compute_fork_digest(32).to_vec();
    bytes.extend(c.update.encode(Fork::Electra, Preset::Minimal).unwrap());
    let mut any = AnyStore::Ethereum(Box::new(store));
    assert_eq!(any.process_update(&[0; 4], now).unwrap_err().chain, ChainKind::Ethereum);
    any.process_update(&bytes, now).unwrap();
    let AnyStore::Ethereum(store) = any else { unreachable!() };
    assert_eq!(store.store().finalized_header(), &c.update.finalized_header);
}

/// A trie of two leaves below an extension of nibbles 1 2 and a branch: nodes by depth, and the keys.
fn small_trie() -> (B256, Vec<Vec<u8>>, [B256; 2]) {
    let keys = [3u8, 7].map(|nibble| {
        let mut key = B256::repeat_byte(0xab);
        key.0[0] = 0x12;
        key.0[1] = (nibble << 4) | 0x0b;
        key
    });
    let leaf = |key: &B256, value: u8| {
        // 61 nibbles are left: odd, so 0x3 and the first nibble, then 30 bytes
        let mut node = vec![0xe1, 0x9f, 0x30 | (key.0[1] & 0x0f)];
        node.extend_from_slice(&key.0[2..]);
        node.push(value);
        assert_eq!(node.len(), 34);
        node
    };
    let leaves = [leaf(&keys[0], 1), leaf(&keys[1], 2)];
    let mut branch = vec![0xf8, 81];
    for nibble in 0..17 {
        match nibble {
            3 | 7 => {
                branch.push(0xa0);
                branch.extend_from_slice(keccak256(&leaves[usize::from(nibble == 7)]).as_slice());
            }
            _ => branch.push(0x80),
        }
    }
    let mut extension = vec![0xe4, 0x82, 0x00, 0x12, 0xa0];
    extension[0] = 0xc0 + 36;
    extension.extend_from_slice(keccak256(&branch).as_slice());
    let [first, second] = leaves;
    (keccak256(&extension), vec![extension, branch, first, second], keys)
}

#[test]
fn trie_proofs_show_presence_and_absence() {
    let (root, nodes, keys) = small_trie();
    assert_eq!(verify_proof(root, keys[0], &nodes[..3]).unwrap(), Some(vec![1]));
    let second = [nodes[0].clone(), nodes[1].clone(), nodes[3].clone()];
    assert_eq!(verify_proof(root, keys[1], &second).unwrap(), Some(vec![2]));
    // absent: other extension, empty branch slot, other leaf path
    assert_eq!(verify_proof(root, B256::ZERO, &nodes[..1]).unwrap(), None);
    let mut key = keys[0];
    key.0[1] = 0x4b;
    assert_eq!(verify_proof(root, key, &nodes[..2]).unwrap(), None);
    let mut key = keys[0];
    key.0[31] ^= 1;
    assert_eq!(verify_proof(root, key, &nodes[..3]).unwrap(), None);
    assert_eq!(verify_proof(EMPTY_ROOT_HASH, key, &[] as &[Vec<u8>]).unwrap(), None);
    assert_eq!(verify_proof(EMPTY_ROOT_HASH, key, &[vec![0x80]]).unwrap(), None);
}

#[test]
fn any_flipped_bit_of_a_trie_proof_is_refused() {
    let (root, nodes, keys) = small_trie();
    for index in 0..3 {
        for (_, flipped) in flips(&nodes[index]) {
            let mut tampered = nodes[..3].to_vec();
            tampered[index] = flipped;
            assert!(verify_proof(root, keys[0], &tampered).is_err());
            let mut set = TrieNodes::new(tampered).unwrap();
            assert!(set.get(root, keys[0]).is_err());
        }
    }
}

#[test]
fn trie_proofs_have_no_unused_missing_or_duplicate_nodes() {
    let (root, nodes, keys) = small_trie();
    let unused = verify_proof(root, keys[0], &nodes);
    assert!(matches!(unused, Err(MptError::UnusedNodes { count: 1, .. })));
    let missing = verify_proof(root, keys[0], &nodes[..2]);
    assert!(matches!(missing, Err(MptError::MissingNode { depth: 3, .. })));
    let mut twice = nodes.clone();
    twice.push(nodes[0].clone());
    assert!(matches!(TrieNodes::new(twice), Err(MptError::DuplicateNode(_))));

    let mut set = TrieNodes::new(nodes).unwrap();
    assert_eq!(set.get(root, keys[0]).unwrap(), Some(vec![1]));
    let mut left_over = set.clone();
    assert!(set.finish().is_err());
    assert_eq!(left_over.get(root, keys[1]).unwrap(), Some(vec![2]));
    left_over.finish().unwrap();
}

#[test]
fn trie_nodes_have_one_form() {
    let key = B256::repeat_byte(0xab);
    let alone = |node: Vec<u8>| verify_proof(keccak256(&node), key, &[node]);
    let mut leaf = vec![0xe3, 0xa1, 0x20];
    leaf.extend_from_slice(key.as_slice());
    leaf.push(0x2a);
    assert_eq!(alone(leaf.clone()).unwrap(), Some(vec![0x2a]));
    let with = |at: usize, byte: u8| {
        let mut node = leaf.clone();
        node[at] = byte;
        node
    };
    let mut trailing = leaf.clone();
    trailing.push(0);
    // padding not zero, flag above 3, an extension with a one-byte child, no value, trailing byte, not RLP
    for wrong in [with(2, 0x21), with(2, 0x40), with(2, 0x00), with(35, 0x80), trailing, vec![0xc1]]
    {
        assert!(matches!(alone(wrong.clone()), Err(MptError::MalformedNode { .. })), "{wrong:x?}");
    }
}
