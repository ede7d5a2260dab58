//! Evidence that a source stated something false: two statements about one block, kept for anybody to judge.
//!
//! ```text
//! 1 the sync committee's:  checkpoint ─▶ journal ─▶ finalized header ─▶ parents ─▶ the block
//! 2 the source's:          request that names the block by hash, and the answer, as it came
//! ```
//!
//! The first is proven again from its bytes, offline. The second contradicts it or does not. Nobody signs an
//! answer of JSON-RPC, so evidence shows *that* an answer is false, and whoever keeps it says from whom it came.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::Decodable as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    execution::ProvenBlock,
    following::{Following, Moment},
    journal::Journal,
    network::{Network, NetworkError},
    reads::{judge_block, judge_proof, judge_receipts},
};

/// Version of the file.
const VERSION: u32 = 1;

/// An answer about a block that the block refutes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Statement {
    /// Who answered.
    pub source: String,
    /// JSON-RPC method.
    pub method: String,
    /// Its parameters; they name the block by its hash.
    pub params: Value,
    /// The result, as it came.
    pub answer: Value,
}

/// An evidence file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Evidence {
    /// Version of the file, 1.
    pub version: u32,
    /// The network's parameters.
    pub network: Network,
    /// What the light client followed, from the checkpoint on; see [`crate::LightClient::proof`].
    pub journal: Bytes,
    /// Headers in RLP, from the finalized one down to that of the block, each the parent of the one before.
    pub headers: Vec<Bytes>,
    /// The false statement.
    pub statement: Statement,
}

/// What the two statements come to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Judgement {
    /// They contradict each other.
    Contradicts {
        /// The checkpoint on which the first stands.
        checkpoint: B256,
        /// The block.
        block: ProvenBlock,
        /// What the second gets wrong.
        reason: String,
    },
    /// The answer is true.
    Holds {
        /// The block.
        block: ProvenBlock,
    },
}

/// The file is no evidence.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not of this format.
    #[error("evidence: {0}")]
    Format(String),
    /// The network's parameters are no network's.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The chain does not follow from the checkpoint.
    #[error("the chain in the evidence does not hold: {0}")]
    Chain(String),
    /// The answer is not about a block that the chain proves.
    #[error("the answer is about {0}, which the evidence does not prove")]
    AnotherBlock(String),
}

impl Evidence {
    /// Evidence of `statement`, with what proves its block.
    #[must_use]
    pub fn new(
        network: Network,
        journal: Vec<u8>,
        headers: &[Header],
        statement: Statement,
    ) -> Self {
        let headers = headers.iter().map(|header| alloy_rlp::encode(header).into()).collect();
        Self { version: VERSION, network, journal: journal.into(), headers, statement }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it is not JSON of this shape and version.
    pub fn from_json(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let evidence: Self =
            serde_json::from_slice(bytes).map_err(|e| EvidenceError::Format(e.to_string()))?;
        if evidence.version != VERSION {
            let reason = format!("version {}, expected {VERSION}", evidence.version);
            return Err(EvidenceError::Format(reason));
        }
        Ok(evidence)
    }

    /// Judges the two statements, from the bytes alone. `seed` is 32 random bytes. The clock is the evidence's
    /// own: it may be old. Whether the checkpoint is one to trust, the reader has to say.
    ///
    /// # Errors
    ///
    /// When the first statement is not proven, or the second is not about its block, or is not one at all.
    pub fn judge(&self, seed: [u8; 32]) -> Result<Judgement, EvidenceError> {
        let spec = self.network.chain_spec()?;
        let journal = Journal::decode(&self.journal)
            .map_err(|reason| EvidenceError::Format(reason.to_owned()))?;
        let checkpoint = journal.checkpoint;
        let moment = Moment { slot: u64::MAX, seed };
        let following = Following::replay(journal, &moment, &spec)
            .map_err(|refusal| EvidenceError::Chain(refusal.reason()))?;
        let header = self.descend(&following)?;
        let hash = header.hash_slow();
        let block = ProvenBlock {
            number: header.number,
            hash,
            state_root: header.state_root,
            timestamp: header.timestamp,
        };
        Ok(match self.statement.judge(&header, hash)? {
            Ok(()) => Judgement::Holds { block },
            Err(reason) => Judgement::Contradicts { checkpoint, block, reason },
        })
    }

    /// From the finalized header down to the last one.
    fn descend(&self, following: &Following) -> Result<Header, EvidenceError> {
        let chain = |reason: &str| EvidenceError::Chain(reason.to_owned());
        let mut expected = following
            .finalized()
            .execution_block_hash()
            .ok_or_else(|| chain("the finalized header names no execution block"))?;
        let mut last = None;
        for rlp in &self.headers {
            let header = Header::decode(&mut rlp.as_ref())
                .map_err(|e| EvidenceError::Format(e.to_string()))?;
            if header.hash_slow() != expected {
                return Err(chain("a header is not the one that the block above it names"));
            }
            expected = header.parent_hash;
            last = Some(header);
        }
        last.ok_or_else(|| chain("no header"))
    }
}

impl Statement {
    /// The block that the request names, if it names one by its hash.
    #[must_use]
    pub fn block_hash(&self) -> Option<B256> {
        let index = match self.method.as_str() {
            "eth_getProof" => 2,
            "eth_getBlockByHash" | "eth_getBlockReceipts" => 0,
            _ => return None,
        };
        let named = self.params.get(index)?;
        serde_json::from_value(named.get("blockHash").unwrap_or(named).clone()).ok()
    }

    fn judge(&self, header: &Header, hash: B256) -> Result<Result<(), String>, EvidenceError> {
        let about = self.block_hash();
        if about != Some(hash) {
            let named =
                about.map_or_else(|| "no block by its hash".into(), |hash| hash.to_string());
            return Err(EvidenceError::AnotherBlock(named));
        }
        let answer = self.answer.clone();
        match self.method.as_str() {
            "eth_getProof" => {
                let param = |index: usize| self.params.get(index).cloned().unwrap_or_default();
                let format = |e: serde_json::Error| EvidenceError::Format(e.to_string());
                let address: Address = serde_json::from_value(param(0)).map_err(format)?;
                let keys: Vec<B256> = serde_json::from_value(param(1)).map_err(format)?;
                Ok(judge_proof(answer, header.state_root, address, &keys))
            }
            "eth_getBlockReceipts" => Ok(judge_receipts(answer, header)),
            _ => Ok(judge_block(answer, hash)),
        }
    }
}
