//! Merkle-Patricia proofs: nodes of a stranger, under the root that fits the first.
#![no_main]

use alloy_primitives::{B256, keccak256};
use heliotrope_fuzz::parts;
use heliotrope_verifier::proofs::{
    eip1186::{Account, get_account, get_storage},
    mpt::{TrieNodes, verify_proof},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    drop(Account::decode(data));
    let Some((key, rest)) = data.split_first_chunk::<32>() else { return };
    let key = B256::from(*key);
    let nodes = parts(rest);
    let root = nodes.first().map_or(B256::ZERO, keccak256);
    drop(verify_proof(root, key, &nodes));
    if let Ok(mut trie) = TrieNodes::new(nodes) {
        drop(get_account(&mut trie, root, alloy_primitives::Address::from_word(key)));
        drop(get_storage(&mut trie, root, key));
        drop(trie.finish());
    }
});
