//! The proof bundle: all five links of some leaves in one file, checkable after every server is gone.
//!
//! ```text
//!  1 device      evidence.leaves[].bundle     reports as the devices signed them
//!  2 check       module, params, evidence     the pinned module, and every fact it reads with its trie nodes
//!  3 commitment  lane, ledger                 the roots, and trie nodes that prove the ledger's two words
//!  4 header      journal                      from the checkpoint to the finalized header
//!  5 checkpoint  (in the journal)             for the reader to recognise
//! ```
//!
//! Holding it proves nothing: every part is bytes from a stranger until it is verified.

use crate::cbor::{CborError, Decoder, Encoder, canonical};
use crate::epoch::{LaneManifest, ShardEvidence};
use crate::{Bytes32, abi::MAX_PARAMS_LEN};

/// Version of the format. Version 1 held the roots of version 1 of [`crate::epoch`].
pub const PROOF_VERSION: u64 = 2;
/// First bytes of a file.
pub const MAGIC: &[u8; 8] = b"heliopf1";
/// Largest proof bundle in bytes.
pub const MAX_PROOF_LEN: usize = 32 << 20;

const MAX_NETWORK_LEN: usize = 64 << 10;
const MAX_JOURNAL_LEN: usize = 16 << 20;
const MAX_MODULE_LEN: usize = 1 << 20;
const MAX_LEDGER_NODES: usize = 256;
const MAX_NODE_LEN: usize = 4096;
const MAX_EVIDENCE_LEN: usize = 16 << 20;

/// Five links in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProofBundle {
    /// The network and its contracts, `network.json`.
    pub network: Vec<u8>,
    /// What the light client followed from the checkpoint to the finalized header.
    pub journal: Vec<u8>,
    /// Trie nodes that prove the ledger's entry under the finalized state root, each once.
    pub ledger: Vec<Vec<u8>>,
    /// The check.
    pub check_id: Bytes32,
    /// Number of the epoch.
    pub epoch: u64,
    /// The lane, without its shards.
    pub lane: LaneManifest,
    /// Anchor, facts and leaves; no node or leaf that is not needed.
    pub evidence: ShardEvidence,
    /// Parameters of the check.
    pub params: Vec<u8>,
    /// The check module.
    pub module: Vec<u8>,
}

canonical!(ProofBundle);

impl ProofBundle {
    /// The bundle as a file: [`MAGIC`], then the one encoding.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        [MAGIC.as_slice(), &self.encode()].concat()
    }

    /// Whether bytes say that they are such a file.
    #[must_use]
    pub fn is_file(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If the bytes are not a file of this version, or too many.
    pub fn from_file(bytes: &[u8]) -> Result<Self, CborError> {
        let (got, expected) = (bytes.len() as u64, MAX_PROOF_LEN as u64);
        if got > expected {
            return Err(CborError::Range { what: "proof bundle bytes", got, expected });
        }
        let missing = CborError::Truncated { at: 0, missing: MAGIC.len() as u64 };
        Self::decode(bytes.strip_prefix(MAGIC.as_slice()).ok_or(missing)?)
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.map(10).uint(0).uint(PROOF_VERSION).uint(1).bytes(&self.network);
        e.uint(2).bytes(&self.journal).uint(3).array(self.ledger.len());
        for node in &self.ledger {
            e.bytes(node);
        }
        e.uint(4).bytes(&self.check_id).uint(5).uint(self.epoch);
        e.uint(6).bytes(&self.lane.encode()).uint(7).bytes(&self.evidence.encode());
        e.uint(8).bytes(&self.params).uint(9).bytes(&self.module);
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.map("proof fields", 10)?;
        d.key(0)?;
        d.exactly("proof version", PROOF_VERSION)?;
        d.key(1)?;
        let network = d.bytes("network bytes", MAX_NETWORK_LEN)?.to_vec();
        d.key(2)?;
        let journal = d.bytes("journal bytes", MAX_JOURNAL_LEN)?.to_vec();
        d.key(3)?;
        let count = d.array("ledger nodes", MAX_LEDGER_NODES)?;
        let node = |d: &mut Decoder<'_>| d.bytes("node bytes", MAX_NODE_LEN).map(<[u8]>::to_vec);
        let ledger = (0..count).map(|_| node(d)).collect::<Result<_, _>>()?;
        d.key(4)?;
        let check_id = d.fixed("check id bytes")?;
        d.key(5)?;
        let epoch = d.uint()?;
        d.key(6)?;
        let lane = LaneManifest::decode(d.bytes("lane bytes", MAX_NODE_LEN)?)?;
        if !lane.shards.is_empty() {
            let got = lane.shards.len() as u64;
            return Err(CborError::Range { what: "shards in a proof bundle", got, expected: 0 });
        }
        d.key(7)?;
        let evidence = ShardEvidence::decode(d.bytes("evidence bytes", MAX_EVIDENCE_LEN)?)?;
        d.key(8)?;
        let params = d.bytes("params bytes", MAX_PARAMS_LEN)?.to_vec();
        d.key(9)?;
        let module = d.bytes("module bytes", MAX_MODULE_LEN)?.to_vec();
        Ok(Self { network, journal, ledger, check_id, epoch, lane, evidence, params, module })
    }
}
