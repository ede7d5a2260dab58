//! Evidence that a payload is a piece, or that leaves are in one: bundle kind 3.
//!
//! Either the payload itself, if it fits into a bundle, or leaves of a large piece with their paths.
//! Nobody signs it and nobody needs to: it holds or it does not. Who handed it in is said by
//! [`crate::submission`].

use crate::bundle::{BUNDLE_VERSION, MAX_BUNDLE_LEN, within_bundle};
use crate::cbor::{CborError, Decoder, Encoder, canonical};
use crate::piece::{self, MAX_HEIGHT};
use crate::registry::keccak256;
use crate::{Address, Bytes32, sha256};

/// Kind of the bundle: a sample of a piece, or all of it.
pub const KIND_COMMP_SAMPLE: u64 = 3;
/// Most openings in a bundle.
pub const MAX_OPENINGS: usize = 128;
/// Largest payload in a bundle, in bytes.
pub const MAX_PAYLOAD_LEN: usize = MAX_BUNDLE_LEN - 1024;

/// The payload is there, whole.
const FORM_PAYLOAD: u64 = 0;
/// Leaves with their paths are there.
const FORM_OPENINGS: u64 = 1;

/// A leaf of a piece with its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Which leaf, from 0.
    pub index: u64,
    /// The leaf.
    pub leaf: Bytes32,
    /// Its siblings up to the root, lowest first.
    pub path: Vec<Bytes32>,
}

/// What is shown of the piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of the payload.
    Payload(Vec<u8>),
    /// Some leaves, in the order of their challenges.
    Openings(Vec<Opening>),
}

/// The evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommpSample {
    /// `PieceCIDv2` of the piece, as bytes; see [`piece::PieceCid`].
    pub piece_cid: Vec<u8>,
    /// What is shown of it.
    pub content: Content,
}

/// Where the seed of the sample stands on a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedSource {
    /// Contract.
    pub address: Address,
    /// Storage key of the word.
    pub key: Bytes32,
}

/// Parameters of the check `storage-commp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommpParams {
    /// Chain of the seed.
    pub chain_id: u64,
    /// Fewest openings that make a sample.
    pub min_openings: u32,
    /// A storage word that says which leaves are opened. Without one, whoever samples chooses: the
    /// verdict then says that these leaves are in the piece, and nothing about the others.
    pub seed: Option<SeedSource>,
}

impl CommpParams {
    /// The pinned hash of the parameters: SHA-256 of their encoding.
    #[must_use]
    pub fn hash(&self) -> Bytes32 {
        sha256(&self.encode())
    }
}

/// The leaf that challenge `challenge` of a seed opens, among the leaves that hold payload:
/// `keccak256(seed ‖ root ‖ u64be challenge) mod leaf_count`; `None` if there is no such leaf.
#[must_use]
pub fn sampled_leaf(
    seed: &Bytes32,
    root: &Bytes32,
    challenge: u64,
    leaf_count: u64,
) -> Option<u64> {
    piece::modulo(&keccak256(&[seed, root, &challenge.to_be_bytes()]), leaf_count)
}

canonical!(CommpSample, CommpParams);

impl CommpSample {
    /// The id of the evidence: SHA-256 of its encoding.
    #[must_use]
    pub fn id(&self) -> Bytes32 {
        sha256(&self.encode())
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.map(4).uint(0).uint(BUNDLE_VERSION).uint(1).uint(KIND_COMMP_SAMPLE);
        e.uint(2).bytes(&self.piece_cid).uint(3).array(2);
        match &self.content {
            Content::Payload(payload) => {
                e.uint(FORM_PAYLOAD).bytes(payload);
            }
            Content::Openings(openings) => {
                e.uint(FORM_OPENINGS).array(openings.len());
                for opening in openings {
                    e.array(3).uint(opening.index).bytes(&opening.leaf).array(opening.path.len());
                    for sibling in &opening.path {
                        e.bytes(sibling);
                    }
                }
            }
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        within_bundle(d)?;
        d.map("bundle fields", 4)?;
        d.key(0)?;
        d.exactly("bundle version", BUNDLE_VERSION)?;
        d.key(1)?;
        d.exactly("bundle kind", KIND_COMMP_SAMPLE)?;
        d.key(2)?;
        let piece_cid = piece::bounded(d)?;
        d.key(3)?;
        d.tuple("content fields", 2)?;
        let content = match d.uint()? {
            FORM_PAYLOAD => Content::Payload(d.bytes("payload bytes", MAX_PAYLOAD_LEN)?.to_vec()),
            FORM_OPENINGS => {
                let count = d.array("openings", MAX_OPENINGS)?;
                Content::Openings((0..count).map(|_| opening(d)).collect::<Result<_, _>>()?)
            }
            got => return Err(CborError::Range { what: "form", got, expected: FORM_OPENINGS }),
        };
        Ok(Self { piece_cid, content })
    }
}

fn opening(d: &mut Decoder<'_>) -> Result<Opening, CborError> {
    d.tuple("opening fields", 3)?;
    let index = d.uint()?;
    let leaf = d.fixed("leaf bytes")?;
    let count = d.array("siblings", usize::from(MAX_HEIGHT))?;
    let path = (0..count).map(|_| d.fixed("sibling bytes")).collect::<Result<_, _>>()?;
    Ok(Opening { index, leaf, path })
}

impl CommpParams {
    fn encode_to(&self, e: &mut Encoder) {
        e.map(4).uint(0).uint(crate::abi::ABI_VERSION).uint(1).uint(self.chain_id);
        e.uint(2).uint(u64::from(self.min_openings)).uint(3);
        match &self.seed {
            Some(seed) => e.array(2).bytes(&seed.address).bytes(&seed.key),
            None => e.array(0),
        };
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.map("params fields", 4)?;
        d.key(0)?;
        d.exactly("params version", crate::abi::ABI_VERSION)?;
        d.key(1)?;
        let chain_id = d.uint()?;
        d.key(2)?;
        let min_openings = d.small("fewest openings")?;
        d.key(3)?;
        let seed = match d.array("seed fields", 2)? {
            0 => None,
            2 => {
                Some(SeedSource { address: d.fixed("address bytes")?, key: d.fixed("key bytes")? })
            }
            got => {
                let got = u64::try_from(got).unwrap_or(u64::MAX);
                return Err(CborError::Range { what: "seed fields", got, expected: 2 });
            }
        };
        Ok(Self { chain_id, min_openings, seed })
    }
}
