//! Reads of the sync core: what a node answers, under the root or the hash that fits it. Receipts that another
//! implementation reads have the same root and the same logs here.
#![no_main]

use alloy_consensus::{Header, ReceiptEnvelope, proofs::ordered_trie_root_with_encoder};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{Bloom, keccak256};
use heliotrope_fuzz::{choice, parts};
use heliotrope_sync_core::{
    Refusal,
    reads::{Reading, account},
};
use heliotrope_verifier::proofs::{ordered_trie::ordered_trie_root, receipts::logs};
use libfuzzer_sys::fuzz_target;

/// Address, count of nodes, length of the first.
const BEFORE_FIRST_NODE: usize = 20 + 2 + 4;
/// A filter that takes any log.
const ANY: [u8; 5] = [0; 5];

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    match kind {
        0 => proven_account(rest),
        1 => block(rest),
        2 => receipts(rest),
        _ => {}
    }
});

/// An answer has a word for each slot asked for.
fn proven_account(input: &[u8]) {
    let length = input.get(22..26).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    let node = length
        .and_then(|length| input.get(BEFORE_FIRST_NODE..)?.get(..usize::try_from(length).ok()?));
    let root = node.map_or([0; 32], |node| keccak256(node).0);
    if let Ok(answer) = account(input, root) {
        assert!(answer.len() >= 105 && (answer.len() - 105).is_multiple_of(32), "{answer:?}");
        assert!(answer[0] == 1 || answer.iter().all(|byte| *byte == 0), "{answer:?}");
    }
}

/// A header is the block that it hashes to.
fn block(rlp: &[u8]) {
    let hash = keccak256(rlp);
    let Ok(reading) = Reading::block(rlp, hash.0) else { return };
    assert_eq!(reading.answer()[16..48], hash[..]);
    assert_eq!(reading.answer()[48..80], reading.parent_hash());
    assert_eq!(reading.answer()[80..112], reading.state_root());
    assert_eq!(Reading::block(rlp, [0; 32]).err(), Some(Refusal::Proof));
}

fn receipts(input: &[u8]) {
    let receipts = parts(input);
    let root = ordered_trie_root(&receipts);
    let theirs = ordered_trie_root_with_encoder(&receipts, |item, out| out.extend_from_slice(item));
    assert_eq!(root, theirs, "root of receipts");
    let header =
        Header { receipts_root: root, logs_bloom: Bloom::repeat_byte(0xff), ..Default::default() };
    let rlp = alloy_rlp::encode(&header);
    let mut reading = Reading::block(&rlp, keccak256(&rlp).0).expect("a header");
    assert_eq!(reading.logs(&ANY), Err(Refusal::Receipts));
    reading.receipts(&list(&receipts)).expect("the receipts of the block");
    let all = receipts.iter().map(|receipt| logs(receipt).map(|logs| logs.len()));
    let count: Result<usize, _> = all.sum();
    match (count, reading.logs(&ANY)) {
        (Ok(count), Ok(answer)) => {
            assert_eq!(answer[..4], u32::try_from(count).expect("few").to_le_bytes());
        }
        (Err(_), Err(Refusal::Encoding)) => {}
        (count, answer) => panic!("{count:?} logs in the receipts, the core says {answer:?}"),
    }
    receipts.iter().for_each(|receipt| same_logs(receipt));
}

/// What `alloy` reads is read here, as the same.
fn same_logs(receipt: &[u8]) {
    let mut rest = receipt;
    let Ok(theirs) = ReceiptEnvelope::decode_2718(&mut rest) else { return };
    let few = theirs.logs().iter().all(|log| log.data.topics().len() <= 4);
    if !rest.is_empty() || !few {
        return;
    }
    let ours = logs(receipt).expect("another implementation reads it");
    assert_eq!(ours.len(), theirs.logs().len());
    for (ours, theirs) in ours.iter().zip(theirs.logs()) {
        assert_eq!(ours.address, theirs.address);
        assert_eq!(&ours.topics[..ours.topic_count], theirs.data.topics());
        assert_eq!(ours.data, &theirs.data.data[..]);
    }
}

/// As the core takes a list.
fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = u16::try_from(items.len()).expect("64 KiB of input").to_le_bytes().to_vec();
    for item in items {
        out.extend_from_slice(&u32::try_from(item.len()).expect("64 KiB").to_le_bytes());
        out.extend_from_slice(item);
    }
    out
}
