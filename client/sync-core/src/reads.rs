//! Reads under a header that the core has proven: accounts, slots, blocks, receipts, logs.
//!
//! ```text
//! account(at)   address, nodes, slots with nodes ─▶ nonce, balance, roots, a word a slot
//! block(at)     RLP of the head's block, or of the parent of the block read last ─▶ that block is now the one read
//! receipts()    all receipts of the block read ─▶ kept, if they hash to its receipts root
//! logs()        a filter ─▶ the logs of the block read that match: none is left out
//! ```
//!
//! Lists are a count (u16) and that many byte strings, each a length (u32) and bytes; integers are little-endian.

use heliotrope_verifier::proofs::{
    eip1186::{verify_account, verify_storage},
    header::ExecutionHeader,
    mpt::EMPTY_ROOT_HASH,
    ordered_trie::ordered_trie_root,
    receipts::{Log, LogFilter, logs},
};

use crate::Refusal;

/// Bytes of an account in an answer; zero where its absence is proven.
const ACCOUNT_BYTES: usize = 1 + 8 + 3 * 32;

/// The state of which block is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum At {
    /// The finalized header's block.
    Finalized,
    /// The optimistic header's block.
    Optimistic,
    /// The block that was read last.
    Block,
}

impl At {
    /// By its number in calls: 0, 1 and 2.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Finalized),
            1 => Some(Self::Optimistic),
            2 => Some(Self::Block),
            _ => None,
        }
    }
}

/// The block that was read last, and its receipts if they were given.
#[derive(Debug)]
pub struct Reading {
    header: ExecutionHeader,
    receipts: Option<Vec<Vec<u8>>>,
}

/// Proves an account and slots of it under a state root. The answer is: exists (u8), nonce (u64), balance (32 bytes,
/// big-endian), storage root, code hash, and 32 bytes for each slot, zero where its absence is proven.
///
/// # Errors
///
/// [`Refusal::Encoding`] for input that is cut short, [`Refusal::Proof`] for nodes that do not prove it.
pub fn account(input: &[u8], state_root: [u8; 32]) -> Result<Vec<u8>, Refusal> {
    let mut rest = input;
    let address = take_array::<20>(&mut rest)?.into();
    let nodes = take_list(&mut rest)?;
    let account = verify_account(state_root.into(), address, &nodes).map_err(|_| Refusal::Proof)?;
    let storage_root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
    let mut answer = vec![u8::from(account.is_some())];
    if let Some(account) = account {
        answer.extend_from_slice(&account.nonce.to_le_bytes());
        answer.extend_from_slice(&account.balance.to_be_bytes::<32>());
        answer.extend_from_slice(account.storage_root.as_slice());
        answer.extend_from_slice(account.code_hash.as_slice());
    }
    answer.resize(ACCOUNT_BYTES, 0);
    for _ in 0..u16::from_le_bytes(take_array(&mut rest)?) {
        let key = take_array::<32>(&mut rest)?.into();
        let nodes = take_list(&mut rest)?;
        let value = verify_storage(storage_root, key, &nodes).map_err(|_| Refusal::Proof)?;
        answer.extend_from_slice(&value.to_be_bytes::<32>());
    }
    all_taken(rest)?;
    Ok(answer)
}

impl Reading {
    /// Reads the block of this hash.
    ///
    /// # Errors
    ///
    /// [`Refusal::Encoding`] when it is no header, [`Refusal::Proof`] when it is another block's.
    pub fn block(rlp: &[u8], hash: [u8; 32]) -> Result<Self, Refusal> {
        let header = ExecutionHeader::decode(rlp).map_err(|_| Refusal::Encoding)?;
        if header.hash == hash { Ok(Self { header, receipts: None }) } else { Err(Refusal::Proof) }
    }

    /// Hash of the parent.
    #[must_use]
    pub const fn parent_hash(&self) -> [u8; 32] {
        self.header.parent_hash.0
    }

    /// Root of the state after the block.
    #[must_use]
    pub const fn state_root(&self) -> [u8; 32] {
        self.header.state_root.0
    }

    /// Number (u64), timestamp (u64), hash, parent's hash, state root, receipts root.
    #[must_use]
    pub fn answer(&self) -> Vec<u8> {
        let header = &self.header;
        let mut answer = header.number.to_le_bytes().to_vec();
        answer.extend_from_slice(&header.timestamp.to_le_bytes());
        for hash in [header.hash, header.parent_hash, header.state_root, header.receipts_root] {
            answer.extend_from_slice(hash.as_slice());
        }
        answer
    }

    /// Takes all receipts of the block, each as EIP-2718 encodes it.
    ///
    /// # Errors
    ///
    /// [`Refusal::Proof`] when they are not exactly the block's.
    pub fn receipts(&mut self, input: &[u8]) -> Result<(), Refusal> {
        let mut rest = input;
        let receipts = take_list(&mut rest)?;
        all_taken(rest)?;
        if ordered_trie_root(&receipts) != self.header.receipts_root {
            return Err(Refusal::Proof);
        }
        self.receipts = Some(receipts);
        Ok(())
    }

    /// The logs that match the filter: its addresses, then four lists of topics, each a count (u8) and that many. The
    /// answer is a count (u32) and for each log: index of its receipt (u32), of the log in the block (u32), address,
    /// count of topics (u8), topics, length of the data (u32), data.
    ///
    /// # Errors
    ///
    /// [`Refusal::Receipts`] while the block's bloom filter does not exclude the filter and the receipts were not given.
    pub fn logs(&self, input: &[u8]) -> Result<Vec<u8>, Refusal> {
        let filter = take_filter(input)?;
        let mut answer = vec![0; 4];
        if !filter.may_be_in(&self.header.logs_bloom) {
            return Ok(answer);
        }
        let receipts = self.receipts.as_ref().ok_or(Refusal::Receipts)?;
        let (mut count, mut index) = (0_u32, 0_u32);
        for (place, receipt) in receipts.iter().enumerate() {
            for log in logs(receipt).map_err(|_| Refusal::Encoding)? {
                if filter.matches(&log) {
                    write_log(&mut answer, place, index, &log)?;
                    count = count.saturating_add(1);
                }
                index = index.saturating_add(1);
            }
        }
        answer.splice(..4, count.to_le_bytes());
        Ok(answer)
    }
}

fn write_log(out: &mut Vec<u8>, receipt: usize, index: u32, log: &Log<'_>) -> Result<(), Refusal> {
    let small = |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(|_| Refusal::Encoding);
    out.extend_from_slice(&small(receipt)?);
    out.extend_from_slice(&index.to_le_bytes());
    out.extend_from_slice(log.address.as_slice());
    out.push(u8::try_from(log.topic_count).map_err(|_| Refusal::Encoding)?);
    for topic in log.topics.iter().take(log.topic_count) {
        out.extend_from_slice(topic.as_slice());
    }
    out.extend_from_slice(&small(log.data.len())?);
    out.extend_from_slice(log.data);
    Ok(())
}

fn take_filter(input: &[u8]) -> Result<LogFilter, Refusal> {
    let mut rest = input;
    let mut filter = LogFilter::default();
    for _ in 0..take_array::<1>(&mut rest)?[0] {
        filter.addresses.push(take_array::<20>(&mut rest)?.into());
    }
    for topics in &mut filter.topics {
        for _ in 0..take_array::<1>(&mut rest)?[0] {
            topics.push(take_array::<32>(&mut rest)?.into());
        }
    }
    all_taken(rest)?;
    Ok(filter)
}

fn take_list(rest: &mut &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut list = Vec::new();
    for _ in 0..u16::from_le_bytes(take_array(rest)?) {
        let length = u32::from_le_bytes(take_array(rest)?);
        let length = usize::try_from(length).map_err(|_| Refusal::Encoding)?;
        let (item, after) = rest.split_at_checked(length).ok_or(Refusal::Encoding)?;
        list.push(item.to_vec());
        *rest = after;
    }
    Ok(list)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Refusal> {
    let (array, after) = rest.split_first_chunk::<N>().ok_or(Refusal::Encoding)?;
    *rest = after;
    Ok(*array)
}

const fn all_taken(rest: &[u8]) -> Result<(), Refusal> {
    if rest.is_empty() { Ok(()) } else { Err(Refusal::Encoding) }
}
