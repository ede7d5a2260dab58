//! Merkle Patricia trie proofs (Yellow Paper, appendix D), for tries whose keys are 32-byte hashes.
//!
//! ```text
//! root ─hash─▶ branch ─hash─▶ extension ─hash─▶ branch ─inline─▶ leaf: value
//! ```
//!
//! Two forms: a set of nodes shared by many keys ([`TrieNodes`]) and the ordered list of one key ([`verify_proof`]).
//! Both accept exactly the nodes that are needed: no duplicates, none unused, every node in canonical RLP, and absence
//! only where the trie itself shows it. Nodes shorter than 32 bytes sit inline in their parent, never by hash.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::Header;
use std::collections::BTreeMap;

/// Root of the trie with no entries.
pub const EMPTY_ROOT_HASH: B256 =
    alloy_primitives::b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
/// Largest node accepted, in bytes. A full branch has 532; values in state tries are at most 110 bytes long.
pub const MAX_NODE_BYTES: usize = 1024;
/// Most nodes accepted in one set.
pub const MAX_NODES: usize = 1 << 17;
/// Nibbles of a 32-byte key: no path is longer.
const KEY_NIBBLES: usize = 64;

/// Why a proof is not one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MptError {
    /// The same node came twice.
    #[error("node {0} came twice")]
    DuplicateNode(B256),
    /// Nodes that no key needed.
    #[error("{count} unused nodes, the first is {first}")]
    UnusedNodes {
        /// How many.
        count: usize,
        /// The smallest of their hashes.
        first: B256,
    },
    /// A node on the path did not come.
    #[error("node {hash} at depth {depth} is missing")]
    MissingNode {
        /// Its hash.
        hash: B256,
        /// Nibbles above it.
        depth: usize,
    },
    /// In an ordered proof, a node is not the one that its parent names.
    #[error("node {index} has hash {got}, expected {expected}")]
    WrongNode {
        /// Its position.
        index: usize,
        /// Its hash.
        got: B256,
        /// The hash its parent names.
        expected: B256,
    },
    /// A node is not canonical RLP of a trie node.
    #[error("node at depth {depth} is malformed: {what}")]
    MalformedNode {
        /// Nibbles above it.
        depth: usize,
        /// Which rule it breaks.
        what: &'static str,
    },
    /// A node is too large.
    #[error("node of {got} bytes, at most {max} allowed")]
    NodeTooLarge {
        /// Its length in bytes.
        got: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// Too many nodes.
    #[error("{got} nodes, at most {max} allowed")]
    TooManyNodes {
        /// How many came.
        got: usize,
        /// The limit.
        max: usize,
    },
}

/// A node of a trie, borrowed from its RLP.
enum Node<'a> {
    Empty,
    Branch(Vec<Child<'a>>),
    Extension { path: Vec<u8>, child: Child<'a> },
    Leaf { path: Vec<u8>, value: &'a [u8] },
}

#[derive(Clone, Copy)]
enum Child<'a> {
    Empty,
    Hash(B256),
    Inline(&'a [u8]),
}

/// Takes one RLP item off `buf`: whether it is a list, its whole encoding and its payload.
fn take_item<'a>(buf: &mut &'a [u8]) -> Option<(bool, &'a [u8], &'a [u8])> {
    let start = *buf;
    let header = Header::decode(buf).ok()?;
    let (payload, rest) = buf.split_at_checked(header.payload_length)?;
    *buf = rest;
    let encoding = start.get(..start.len().checked_sub(rest.len())?)?;
    Some((header.list, encoding, payload))
}

fn decode_child<'a>(item: (bool, &'a [u8], &'a [u8])) -> Result<Child<'a>, &'static str> {
    match item {
        (false, _, []) => Ok(Child::Empty),
        (false, _, hash) => {
            B256::try_from(hash).map(Child::Hash).map_err(|_| "child is not a hash of 32 bytes")
        }
        (true, encoding, _) if encoding.len() < 32 => Ok(Child::Inline(encoding)),
        (true, ..) => Err("inline child of 32 bytes or more"),
    }
}

/// Hex-prefix decoding: whether the node is a leaf, and its path.
fn decode_path(bytes: &[u8]) -> Result<(bool, Vec<u8>), &'static str> {
    let (first, rest) = bytes.split_first().ok_or("path is empty")?;
    let flag = first >> 4;
    let mut path = Vec::with_capacity(rest.len().saturating_mul(2).saturating_add(1));
    match flag {
        1 | 3 => path.push(first & 0x0f),
        0 | 2 if first & 0x0f == 0 => {}
        0 | 2 => return Err("path padding is not zero"),
        _ => return Err("path flag is not 0 to 3"),
    }
    path.extend(rest.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]));
    if path.len() > KEY_NIBBLES {
        return Err("path is longer than the key");
    }
    Ok((flag >= 2, path))
}

fn decode_node(bytes: &[u8]) -> Result<Node<'_>, &'static str> {
    if bytes == [alloy_rlp::EMPTY_STRING_CODE] {
        return Ok(Node::Empty);
    }
    let mut outer = bytes;
    let (is_list, _, mut payload) = take_item(&mut outer).ok_or("not canonical RLP")?;
    if !is_list || !outer.is_empty() {
        return Err("not exactly one list");
    }
    let mut items = Vec::with_capacity(17);
    while !payload.is_empty() {
        if items.len() == 17 {
            return Err("more than 17 items");
        }
        items.push(take_item(&mut payload).ok_or("item is not canonical RLP")?);
    }
    if let [path, value] = items.as_slice() {
        return decode_short_node(*path, *value);
    }
    let Some((value, children)) = items.split_last().filter(|(_, children)| children.len() == 16)
    else {
        return Err("neither 2 nor 17 items");
    };
    if !matches!(value, (false, _, [])) {
        return Err("branch value in a trie of keys of one length");
    }
    let branch = children.iter().copied().map(decode_child).collect::<Result<Vec<_>, _>>()?;
    if branch.iter().filter(|child| !matches!(child, Child::Empty)).count() < 2 {
        return Err("branch with fewer than two children");
    }
    Ok(Node::Branch(branch))
}

fn decode_short_node<'a>(
    path: (bool, &'a [u8], &'a [u8]),
    value: (bool, &'a [u8], &'a [u8]),
) -> Result<Node<'a>, &'static str> {
    let (false, _, path) = path else {
        return Err("path is a list");
    };
    let (is_leaf, path) = decode_path(path)?;
    if is_leaf {
        return match value {
            (false, _, value @ [_, ..]) => Ok(Node::Leaf { path, value }),
            _ => Err("leaf without a value"),
        };
    }
    match decode_child(value)? {
        Child::Empty => Err("extension without a child"),
        _ if path.is_empty() => Err("extension without a path"),
        child => Ok(Node::Extension { path, child }),
    }
}

/// Walks from `root` along `key`; `fetch` gives the node of a hash.
fn walk<'a>(
    root: B256,
    key: B256,
    mut fetch: impl FnMut(B256, usize) -> Result<&'a [u8], MptError>,
) -> Result<Option<&'a [u8]>, MptError> {
    let nibbles: Vec<u8> = key.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect();
    let mut rest = nibbles.as_slice();
    let mut next = Child::Hash(root);
    let mut below_extension = false;
    loop {
        let depth = nibbles.len().saturating_sub(rest.len());
        let malformed = |what| MptError::MalformedNode { depth, what };
        let bytes = match next {
            Child::Empty => return Ok(None),
            Child::Inline(bytes) => bytes,
            Child::Hash(hash) => {
                let bytes = fetch(hash, depth)?;
                if depth > 0 && bytes.len() < 32 {
                    return Err(malformed("node shorter than 32 bytes by hash"));
                }
                bytes
            }
        };
        match decode_node(bytes).map_err(malformed)? {
            Node::Empty if depth == 0 => return Ok(None),
            Node::Empty => return Err(malformed("empty node below the root")),
            Node::Leaf { .. } | Node::Extension { .. } if below_extension => {
                return Err(malformed("extension above a node that is not a branch"));
            }
            Node::Leaf { path, value } => {
                if path.len() != rest.len() {
                    return Err(malformed("leaf path does not complete the key"));
                }
                return Ok((path == rest).then_some(value));
            }
            Node::Extension { path, child } => {
                if path.len() >= rest.len() {
                    return Err(malformed("extension path is longer than the key"));
                }
                let Some(after) = rest.strip_prefix(path.as_slice()) else {
                    return Ok(None);
                };
                (rest, next, below_extension) = (after, child, true);
            }
            Node::Branch(children) => {
                let (nibble, after) =
                    rest.split_first().ok_or_else(|| malformed("branch below the last nibble"))?;
                let child = children.get(usize::from(*nibble)).copied().unwrap_or(Child::Empty);
                (rest, next, below_extension) = (after, child, false);
            }
        }
    }
}

fn check_size(node: &[u8]) -> Result<(), MptError> {
    if node.len() > MAX_NODE_BYTES {
        return Err(MptError::NodeTooLarge { got: node.len(), max: MAX_NODE_BYTES });
    }
    Ok(())
}

/// The value of `key` (already hashed) in the trie of `root`, by the nodes from the root downwards; `None` is proven
/// absence. For the empty trie the proof may be empty or the single empty node.
///
/// # Errors
///
/// When a node is missing, left over, out of order or malformed.
pub fn verify_proof(
    root: B256,
    key: B256,
    proof: &[impl AsRef<[u8]>],
) -> Result<Option<Vec<u8>>, MptError> {
    if root == EMPTY_ROOT_HASH && proof.is_empty() {
        return Ok(None);
    }
    let mut index = 0usize;
    let value = walk(root, key, |expected, depth| {
        let missing = MptError::MissingNode { hash: expected, depth };
        let node = proof.get(index).ok_or(missing)?.as_ref();
        check_size(node)?;
        let got = keccak256(node);
        if got != expected {
            return Err(MptError::WrongNode { index, got, expected });
        }
        index = index.saturating_add(1);
        Ok(node)
    })?
    .map(<[u8]>::to_vec);
    match proof.get(index) {
        None => Ok(value),
        Some(first) => {
            let count = proof.len().saturating_sub(index);
            Err(MptError::UnusedNodes { count, first: keccak256(first.as_ref()) })
        }
    }
}

/// A set of nodes that proves many keys, of one trie or of several.
///
/// ```
/// use alloy_primitives::{B256, keccak256};
/// use heliotrope_verifier::proofs::mpt::TrieNodes;
/// // a trie with one leaf: path 0x20 ‖ key, value 0x2a
/// let key = B256::repeat_byte(7);
/// let mut leaf = vec![0xe3, 0xa1, 0x20];
/// leaf.extend_from_slice(key.as_slice());
/// leaf.push(0x2a);
/// let root = keccak256(&leaf);
/// let mut nodes = TrieNodes::new(vec![leaf]).unwrap();
/// assert_eq!(nodes.get(root, key).unwrap(), Some(vec![0x2a]));
/// assert_eq!(nodes.get(root, B256::ZERO).unwrap(), None);
/// nodes.finish().unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrieNodes {
    nodes: BTreeMap<B256, (Vec<u8>, bool)>,
}

impl TrieNodes {
    /// Takes the nodes, in any order.
    ///
    /// # Errors
    ///
    /// When a node came twice or is too large, or there are too many.
    pub fn new(nodes: Vec<Vec<u8>>) -> Result<Self, MptError> {
        if nodes.len() > MAX_NODES {
            return Err(MptError::TooManyNodes { got: nodes.len(), max: MAX_NODES });
        }
        let mut by_hash = BTreeMap::new();
        for node in nodes {
            check_size(&node)?;
            let hash = keccak256(&node);
            if by_hash.insert(hash, (node, false)).is_some() {
                return Err(MptError::DuplicateNode(hash));
            }
        }
        Ok(Self { nodes: by_hash })
    }

    /// The value of `key` (already hashed) in the trie of `root`; `None` is proven absence. Marks the nodes as used.
    ///
    /// # Errors
    ///
    /// When a node is missing or malformed.
    pub fn get(&mut self, root: B256, key: B256) -> Result<Option<Vec<u8>>, MptError> {
        if root == EMPTY_ROOT_HASH && !self.nodes.contains_key(&root) {
            return Ok(None);
        }
        let mut used = Vec::new();
        let value = walk(root, key, |hash, depth| {
            let (node, _) = self.nodes.get(&hash).ok_or(MptError::MissingNode { hash, depth })?;
            used.push(hash);
            Ok(node.as_slice())
        })?
        .map(<[u8]>::to_vec);
        for hash in used {
            if let Some((_, is_used)) = self.nodes.get_mut(&hash) {
                *is_used = true;
            }
        }
        Ok(value)
    }

    /// The nodes that were used so far, by their hashes.
    pub fn used(&self) -> impl Iterator<Item = &[u8]> {
        self.nodes.values().filter(|(_, is_used)| *is_used).map(|(node, _)| node.as_slice())
    }

    /// Checks that every node was used.
    ///
    /// # Errors
    ///
    /// When nodes are left over.
    pub fn finish(self) -> Result<(), MptError> {
        let mut unused = self.nodes.iter().filter(|(_, (_, is_used))| !is_used);
        match unused.next() {
            None => Ok(()),
            Some((first, _)) => {
                let count = unused.count().saturating_add(1);
                Err(MptError::UnusedNodes { count, first: *first })
            }
        }
    }
}
