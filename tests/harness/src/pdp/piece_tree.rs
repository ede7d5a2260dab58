//! The tree of a piece, kept whole so that paths cost no hashing. Zeros beyond the payload are not stored.

use anyhow::{Context as _, Result, ensure};
use heliotrope_device_proofs::Bytes32;
use heliotrope_device_proofs::commp::Opening;
use heliotrope_device_proofs::fr32::Fr32;
use heliotrope_device_proofs::piece::PieceCid;
use heliotrope_device_proofs::sha254::{node_hash, zero_root};

/// A piece with its tree.
#[derive(Clone, Debug)]
pub struct PieceTree {
    cid: PieceCid,
    levels: Vec<Vec<Bytes32>>,
}

impl PieceTree {
    /// The tree of a payload.
    pub fn new(payload: &[u8]) -> Result<Self> {
        let cid = PieceCid::of(payload).context("the payload is too long for a piece")?;
        let (mut fr32, mut level) = (Fr32::default(), Vec::new());
        fr32.update(payload, |leaf| level.push(leaf));
        fr32.finish(|leaf| level.push(leaf));
        let mut levels = vec![level];
        for height in 0..cid.height {
            let zero = zero_root(height);
            let below = &levels[levels.len() - 1];
            let node = |pair: &[Bytes32]| node_hash(&pair[0], pair.get(1).unwrap_or(&zero));
            let above = below.chunks(2).map(node).collect();
            levels.push(above);
        }
        let tree = Self { cid, levels };
        let root = tree.node(tree.cid.height, 0);
        ensure!(root == tree.cid.root, "tree root {}", hex::encode(root));
        Ok(tree)
    }

    /// Its name.
    #[must_use]
    pub const fn cid(&self) -> &PieceCid {
        &self.cid
    }

    fn node(&self, height: u8, index: u64) -> Bytes32 {
        let level = self.levels.get(usize::from(height));
        let node = level.and_then(|level| level.get(usize::try_from(index).ok()?));
        node.copied().unwrap_or_else(|| zero_root(height))
    }

    /// A leaf with its path; `None` beyond the tree.
    #[must_use]
    pub fn open(&self, index: u64) -> Option<Opening> {
        if index >> self.cid.height != 0 {
            return None;
        }
        let sibling = |height: u8| self.node(height, (index >> height) ^ 1);
        let path = (0..self.cid.height).map(sibling).collect();
        Some(Opening { index, leaf: self.node(0, index), path })
    }
}
