//! Calldata of `PDPVerifier.provePossession(uint256 setId, (bytes32 leaf, bytes32[] proof)[] proofs)`.
//!
//! Only the encoding that Solidity's own encoder writes is taken: parts in order, without gaps,
//! nothing after them. The ABI allows others; evidence has one form.

use crate::Bytes32;
use crate::pdp::{MAX_CHALLENGES, MAX_PATH, PROVE_POSSESSION_SELECTOR};

/// A leaf and its path to the root of its piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The challenged leaf.
    pub leaf: Bytes32,
    /// Its siblings, lowest first.
    pub proof: Vec<Bytes32>,
}

/// The arguments of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvePossession {
    /// The data set.
    pub set_id: u64,
    /// One proof per challenge.
    pub proofs: Vec<Proof>,
}

/// Why bytes are not the calldata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalldataError {
    /// It is another function's.
    #[error("selector {}, expected {}", crate::merkle::Hex(got), crate::merkle::Hex(expected))]
    Selector {
        /// First four bytes.
        got: Vec<u8>,
        /// Those of the function.
        expected: [u8; 4],
    },
    /// The bytes end inside a word.
    #[error("calldata ends in word {word}")]
    Truncated {
        /// Which word after the selector.
        word: usize,
    },
    /// Bytes follow the arguments.
    #[error("{got} bytes after the arguments")]
    Trailing {
        /// How many.
        got: usize,
    },
    /// A number does not fit, or is over its limit.
    #[error("word {word} is not a number up to {expected}")]
    Number {
        /// Which word after the selector.
        word: usize,
        /// Limit.
        expected: u64,
    },
    /// An offset points elsewhere than an encoder puts the part.
    #[error("offset in word {word} is {got}, expected {expected}")]
    Offset {
        /// Which word after the selector.
        word: usize,
        /// The offset.
        got: u64,
        /// Where the part is.
        expected: u64,
    },
}

struct Words<'a> {
    rest: &'a [u8],
    at: usize,
}

impl Words<'_> {
    fn word(&mut self) -> Result<Bytes32, CalldataError> {
        let error = CalldataError::Truncated { word: self.at };
        let (word, rest) = self.rest.split_first_chunk().ok_or(error)?;
        self.rest = rest;
        self.at = self.at.saturating_add(1);
        Ok(*word)
    }

    fn number(&mut self, expected: u64) -> Result<u64, CalldataError> {
        let word = self.at;
        let error = CalldataError::Number { word, expected };
        let bytes = self.word()?;
        let (high, low) = bytes.split_last_chunk::<8>().ok_or_else(|| error.clone())?;
        let number = u64::from_be_bytes(*low);
        let fits = high.iter().all(|byte| *byte == 0) && number <= expected;
        if fits { Ok(number) } else { Err(error) }
    }

    fn offset(&mut self, expected: u64) -> Result<(), CalldataError> {
        let word = self.at;
        let got = self.number(u64::MAX)?;
        if got == expected { Ok(()) } else { Err(CalldataError::Offset { word, got, expected }) }
    }

    fn count(&mut self, limit: usize) -> Result<usize, CalldataError> {
        let expected = u64::try_from(limit).unwrap_or(u64::MAX);
        self.number(expected).map(|count| usize::try_from(count).unwrap_or(limit))
    }
}

impl ProvePossession {
    /// Reads the arguments.
    ///
    /// # Errors
    /// If the bytes are anything else than their one encoding.
    pub fn decode(calldata: &[u8]) -> Result<Self, CalldataError> {
        let expected = PROVE_POSSESSION_SELECTOR;
        let rest = calldata.strip_prefix(&expected).ok_or_else(|| CalldataError::Selector {
            got: calldata.iter().take(4).copied().collect(),
            expected,
        })?;
        let mut words = Words { rest, at: 0 };
        let set_id = words.number(u64::MAX)?;
        words.offset(64)?;
        let count = words.count(MAX_CHALLENGES)?;
        let mut offsets = Vec::with_capacity(count);
        for _ in 0..count {
            offsets.push((words.at, words.number(u64::MAX)?));
        }
        let first = words.at.saturating_sub(count);
        let mut proofs = Vec::with_capacity(count);
        for (word, got) in offsets {
            // counted from the first offset
            let expected = bytes_of(words.at.saturating_sub(first));
            if got != expected {
                return Err(CalldataError::Offset { word, got, expected });
            }
            let leaf = words.word()?;
            words.offset(64)?;
            let len = words.count(MAX_PATH)?;
            let proof = (0..len).map(|_| words.word()).collect::<Result<_, _>>()?;
            proofs.push(Proof { leaf, proof });
        }
        match words.rest.len() {
            0 => Ok(Self { set_id, proofs }),
            got => Err(CalldataError::Trailing { got }),
        }
    }

    /// Writes the arguments, as Solidity's encoder does.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = PROVE_POSSESSION_SELECTOR.to_vec();
        let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        push(&mut out, self.set_id);
        push(&mut out, 64);
        push(&mut out, count(self.proofs.len()));
        let mut offset = bytes_of(self.proofs.len());
        for proof in &self.proofs {
            push(&mut out, offset);
            offset = offset.saturating_add(bytes_of(proof.proof.len().saturating_add(3)));
        }
        for proof in &self.proofs {
            out.extend_from_slice(&proof.leaf);
            push(&mut out, 64);
            push(&mut out, count(proof.proof.len()));
            proof.proof.iter().for_each(|sibling| out.extend_from_slice(sibling));
        }
        out
    }
}

fn bytes_of(words: usize) -> u64 {
    u64::try_from(words).unwrap_or(u64::MAX).saturating_mul(32)
}

fn push(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&[0; 24]);
    out.extend_from_slice(&number.to_be_bytes());
}
