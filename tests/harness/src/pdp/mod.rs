//! A storage provider: it keeps pieces, proves leaves of them, and has a drand network of its own.
//!
//! ```text
//!  payload ─ PieceTree ─┐
//!  drand round ─ seed ──┴─ challenges ─ DataSet::prove ─ PossessionProof ─┬─ contract
//!                                                                         └─ check module
//! ```
//! The network's key is here because there is no drand in a test. What verifies is not what signs: the check
//! module has another implementation of the curve.

pub mod contract;
mod piece_tree;

pub use contract::IPossessionVerifier;
pub use piece_tree::PieceTree;

use anyhow::{Context as _, Result, anyhow};
use heliotrope_checks::storage_pdp::{challenged_leaf, seed};
use heliotrope_device_proofs::calldata::{Proof, ProvePossession};
use heliotrope_device_proofs::pdp::{Beacon, DrandChain, Layout, PossessionProof, QUICKNET};
use heliotrope_device_proofs::sha256;

/// Domain separation tag of `bls-unchained-g1-rfc9380`.
const DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// A drand network with one member, us.
#[derive(Debug)]
pub struct OwnDrand(blst::min_sig::SecretKey);

impl OwnDrand {
    /// The network of a seed.
    pub fn new(seed: [u8; 32]) -> Result<Self> {
        let key = blst::min_sig::SecretKey::key_gen(&seed, &[]);
        Ok(Self(key.map_err(|error| anyhow!("drand key: {error:?}"))?))
    }

    /// Its chain info: quicknet's clock and our key.
    #[must_use]
    pub fn chain(&self) -> DrandChain {
        DrandChain { public_key: self.0.sk_to_pk().compress(), ..QUICKNET }
    }

    /// A round of it.
    #[must_use]
    pub fn beacon(&self, round: u64) -> Beacon {
        let signature = self.0.sign(&sha256(&round.to_be_bytes()), DST, &[]);
        Beacon { round, signature: signature.compress() }
    }
}

/// What a provider keeps of a data set: its pieces by id; `None` was removed.
#[derive(Debug)]
pub struct DataSet {
    /// Number of the data set.
    pub set_id: u64,
    /// How the contract keeps it.
    pub layout: Layout,
    /// Its pieces.
    pub pieces: Vec<Option<PieceTree>>,
}

impl DataSet {
    /// Leaves of all pieces.
    #[must_use]
    pub fn leaf_count(&self) -> u64 {
        self.pieces.iter().flatten().map(|piece| piece.cid().leaf_count()).sum()
    }

    /// Answers the challenges of an epoch's beacon.
    pub fn prove(&self, epoch: u64, beacon: Beacon, challenges: u64) -> Result<PossessionProof> {
        let seed = seed(&beacon.signature);
        let (mut proofs, mut piece_ids) = (Vec::new(), Vec::new());
        for challenge in 0..challenges {
            let leaf = challenged_leaf(&seed, self.set_id, challenge, self.leaf_count());
            let (id, proof) = self.open(leaf.context("an empty data set")?)?;
            piece_ids.push(id);
            proofs.push(proof);
        }
        Ok(PossessionProof {
            calldata: ProvePossession { set_id: self.set_id, proofs }.encode(),
            challenge_epoch: epoch,
            beacon,
            layout: self.layout,
            piece_count: self.pieces.len() as u64,
            piece_ids,
        })
    }

    fn open(&self, leaf: u64) -> Result<(u64, Proof)> {
        let mut rest = leaf;
        for (id, piece) in self.pieces.iter().enumerate() {
            let Some(piece) = piece else { continue };
            let count = piece.cid().leaf_count();
            if rest < count {
                let opening = piece.open(rest).context("a leaf of the piece")?;
                return Ok((id as u64, Proof { leaf: opening.leaf, proof: opening.path }));
            }
            rest -= count;
        }
        Err(anyhow!("leaf {leaf} is beyond the data set"))
    }
}
