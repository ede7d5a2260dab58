//! The execution block header as RLP. Its Keccak-256 is the block hash that consensus proves.
//!
//! Checks the encoding and computes the hash; whether that hash is trusted is for the caller to compare.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::{Decodable, Header};

/// Longest header accepted, in bytes.
pub const MAX_HEADER_BYTES: usize = 2048;
/// Fields of the oldest headers, and the most that are accepted.
const FIELDS: core::ops::RangeInclusive<usize> = 15..=32;

/// Why bytes are not an execution header.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Longer than [`MAX_HEADER_BYTES`].
    #[error("header of {got} bytes, at most {max} allowed")]
    TooLong {
        /// Its length in bytes.
        got: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// Not exactly one canonical RLP list.
    #[error("header is not exactly one canonical list")]
    NotAList,
    /// A field is missing or malformed.
    #[error("field {field} is missing or malformed")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// Too few or too many fields.
    #[error("header of {got} fields")]
    FieldCount {
        /// How many there are.
        got: usize,
    },
}

/// The fields that a light client uses. All others are bound by the hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExecutionHeader {
    /// Keccak-256 of the RLP.
    pub hash: B256,
    /// Hash of the parent block.
    pub parent_hash: B256,
    /// Receiver of the fees.
    pub beneficiary: Address,
    /// Root of the state after the block.
    pub state_root: B256,
    /// Root of the transactions trie.
    pub transactions_root: B256,
    /// Root of the receipts trie.
    pub receipts_root: B256,
    /// Bloom filter over the logs.
    pub logs_bloom: Box<[u8; 256]>,
    /// Block number.
    pub number: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// At most 32 bytes after the merge.
    pub extra_data: Vec<u8>,
    /// `prev_randao` after the merge.
    pub mix_hash: B256,
    /// Base fee, in wei per gas (London and later).
    pub base_fee_per_gas: Option<U256>,
    /// Root of the withdrawals trie (Shanghai and later).
    pub withdrawals_root: Option<B256>,
    /// Blob gas used (Cancun and later).
    pub blob_gas_used: Option<u64>,
    /// Excess blob gas (Cancun and later).
    pub excess_blob_gas: Option<u64>,
    /// Root of the parent beacon block (Cancun and later).
    pub parent_beacon_block_root: Option<B256>,
}

fn field<T: Decodable>(buf: &mut &[u8], field: &'static str) -> Result<T, HeaderError> {
    T::decode(buf).map_err(|_| HeaderError::Field { field })
}

fn optional<T: Decodable>(buf: &mut &[u8], name: &'static str) -> Result<Option<T>, HeaderError> {
    if buf.is_empty() { Ok(None) } else { field(buf, name).map(Some) }
}

fn bytes<'a>(buf: &mut &'a [u8], field: &'static str) -> Result<&'a [u8], HeaderError> {
    Header::decode_bytes(buf, false).map_err(|_| HeaderError::Field { field })
}

fn count_fields(mut buf: &[u8]) -> Result<usize, HeaderError> {
    let mut count = 0usize;
    while !buf.is_empty() {
        bytes(&mut buf, "unknown")?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

impl ExecutionHeader {
    /// Decodes a header of any fork.
    ///
    /// # Errors
    ///
    /// When `rlp` is not exactly one canonical header. Fields after `parent_beacon_block_root` are only counted.
    pub fn decode(rlp: &[u8]) -> Result<Self, HeaderError> {
        if rlp.len() > MAX_HEADER_BYTES {
            return Err(HeaderError::TooLong { got: rlp.len(), max: MAX_HEADER_BYTES });
        }
        let mut buf = rlp;
        let list = Header::decode(&mut buf).map_err(|_| HeaderError::NotAList)?;
        if !list.list || list.payload_length != buf.len() {
            return Err(HeaderError::NotAList);
        }
        let got = count_fields(buf)?;
        if !FIELDS.contains(&got) {
            return Err(HeaderError::FieldCount { got });
        }
        let parent_hash = field(&mut buf, "parent_hash")?;
        let _ommers_hash: B256 = field(&mut buf, "ommers_hash")?;
        let beneficiary = field(&mut buf, "beneficiary")?;
        let state_root = field(&mut buf, "state_root")?;
        let transactions_root = field(&mut buf, "transactions_root")?;
        let receipts_root = field(&mut buf, "receipts_root")?;
        let bloom = bytes(&mut buf, "logs_bloom")?;
        let logs_bloom: [u8; 256] =
            bloom.try_into().map_err(|_| HeaderError::Field { field: "logs_bloom" })?;
        let _difficulty: U256 = field(&mut buf, "difficulty")?;
        let number = field(&mut buf, "number")?;
        let gas_limit = field(&mut buf, "gas_limit")?;
        let gas_used = field(&mut buf, "gas_used")?;
        let timestamp = field(&mut buf, "timestamp")?;
        let extra_data = bytes(&mut buf, "extra_data")?.to_vec();
        let mix_hash = field(&mut buf, "mix_hash")?;
        let nonce = bytes(&mut buf, "nonce")?;
        if nonce.len() != 8 {
            return Err(HeaderError::Field { field: "nonce" });
        }
        Ok(Self {
            hash: keccak256(rlp),
            parent_hash,
            beneficiary,
            state_root,
            transactions_root,
            receipts_root,
            logs_bloom: Box::new(logs_bloom),
            number,
            gas_limit,
            gas_used,
            timestamp,
            extra_data,
            mix_hash,
            base_fee_per_gas: optional(&mut buf, "base_fee_per_gas")?,
            withdrawals_root: optional(&mut buf, "withdrawals_root")?,
            blob_gas_used: optional(&mut buf, "blob_gas_used")?,
            excess_blob_gas: optional(&mut buf, "excess_blob_gas")?,
            parent_beacon_block_root: optional(&mut buf, "parent_beacon_block_root")?,
        })
    }
}
