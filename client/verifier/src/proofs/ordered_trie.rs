//! The trie of a list: transactions, receipts and withdrawals stand in a block's header by the root of one
//! (Yellow Paper, appendix D). Whoever has the whole list needs no proof: the root is computed again, so that nothing
//! can be altered, added or left out.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::{BufMut, Encodable as _, Header};

use super::mpt::EMPTY_ROOT_HASH;

/// A value and what is left of its key, in nibbles.
type Entry<'a> = (&'a [u8], &'a [u8]);

/// Root of the trie with `values` under the RLP of their indices.
#[must_use]
pub fn ordered_trie_root(values: &[impl AsRef<[u8]>]) -> B256 {
    if values.is_empty() {
        return EMPTY_ROOT_HASH;
    }
    let mut keyed: Vec<(Vec<u8>, &[u8])> =
        values.iter().enumerate().map(|(index, value)| (key(index), value.as_ref())).collect();
    keyed.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    let entries: Vec<Entry<'_>> = keyed.iter().map(|(key, value)| (&key[..], *value)).collect();
    keccak256(node(&entries))
}

fn key(index: usize) -> Vec<u8> {
    let mut rlp = Vec::new();
    index.encode(&mut rlp);
    rlp.into_iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

/// RLP of the node above sorted entries. No key is the beginning of another, so no branch has a value.
fn node(entries: &[Entry<'_>]) -> Vec<u8> {
    let shared = shared_nibbles(entries);
    match entries {
        [(path, value)] => list(|out| {
            hex_prefix(path, true).as_slice().encode(out);
            value.encode(out);
        }),
        [(path, _), ..] if shared > 0 => {
            let (above, _) = path.split_at(shared);
            let below: Vec<Entry<'_>> = entries.iter().map(|entry| cut(entry, shared)).collect();
            list(|out| {
                hex_prefix(above, false).as_slice().encode(out);
                reference(&node(&below), out);
            })
        }
        _ => list(|out| {
            for nibble in 0..16 {
                let of_nibble = |(path, _): &&Entry<'_>| path.first() == Some(&nibble);
                let below: Vec<Entry<'_>> =
                    entries.iter().filter(of_nibble).map(|entry| cut(entry, 1)).collect();
                if below.is_empty() { out.put_u8(EMPTY) } else { reference(&node(&below), out) }
            }
            out.put_u8(EMPTY);
        }),
    }
}

/// RLP of the empty string.
const EMPTY: u8 = 0x80;

fn cut<'a>((path, value): &Entry<'a>, nibbles: usize) -> Entry<'a> {
    (path.get(nibbles..).unwrap_or_default(), value)
}

fn shared_nibbles(entries: &[Entry<'_>]) -> usize {
    // sorted: what the first and the last share, all share
    let (Some((first, _)), Some((last, _))) = (entries.first(), entries.last()) else { return 0 };
    first.iter().zip(*last).take_while(|(left, right)| left == right).count()
}

/// Nibbles as bytes, with a first byte that says whether it is a leaf and whether their number is odd.
fn hex_prefix(nibbles: &[u8], is_leaf: bool) -> Vec<u8> {
    let flag = if is_leaf { 0x20 } else { 0 };
    let (first, rest) = match nibbles.split_first() {
        Some((nibble, rest)) if nibbles.len() % 2 == 1 => (flag | 0x10 | nibble, rest),
        _ => (flag, nibbles),
    };
    let mut out = vec![first];
    out.extend(
        rest.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble)),
    );
    out
}

fn list(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut payload = Vec::new();
    write(&mut payload);
    let mut out = Vec::new();
    Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend_from_slice(&payload);
    out
}

/// How a node stands in the one above: itself if it is short, else its hash.
fn reference(node: &[u8], out: &mut Vec<u8>) {
    if node.len() < 32 { out.extend_from_slice(node) } else { keccak256(node).encode(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_none_and_of_one() {
        assert_eq!(ordered_trie_root(&[[]; 0]), EMPTY_ROOT_HASH);
        // a leaf with the path 8, 0, which is the RLP of 0
        let leaf = [0xc4, 0x82, 0x20, 0x80, b'a'];
        assert_eq!(ordered_trie_root(&[b"a"]), keccak256(leaf));
    }

    #[test]
    fn every_value_and_its_place_count() {
        for length in [1_usize, 2, 16, 127, 128, 129, 300] {
            let values: Vec<Vec<u8>> = (0..length).map(|i| vec![7; i % 40 + 1]).collect();
            let root = ordered_trie_root(&values);
            assert_ne!(root, ordered_trie_root(&values[1..]), "{length}: one left out");
            let mut altered = values.clone();
            altered[length / 2].push(0);
            assert_ne!(root, ordered_trie_root(&altered), "{length}: one altered");
            let mut swapped = values.clone();
            swapped.swap(0, length - 1);
            assert_eq!(root == ordered_trie_root(&swapped), swapped == values, "{length}: swapped");
        }
    }
}
