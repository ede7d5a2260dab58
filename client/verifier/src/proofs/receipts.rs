//! Receipts as they stand under a header's receipts root (EIP-2718), and the logs in them.
//!
//! Logs are complete or refused: a block is out of the question where its bloom filter excludes the filter, and else
//! all of its receipts are there, because they hash to the root.

use alloy_primitives::{Address, B256, Bloom, BloomInput};
use alloy_rlp::{Decodable as _, Header};

/// Topics that a log can have.
pub const MAX_TOPICS: usize = 4;
/// First byte that begins an RLP list and no transaction type.
const FIRST_LIST: u8 = 0xc0;

/// A log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Log<'a> {
    /// The contract that wrote it.
    pub address: Address,
    /// Its topics; those after the last are zero.
    pub topics: [B256; MAX_TOPICS],
    /// How many topics it has.
    pub topic_count: usize,
    /// What else it says.
    pub data: &'a [u8],
}

/// Bytes are no receipt.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("receipt: {0}")]
pub struct ReceiptError(&'static str);

/// Which logs are wanted, as `eth_getLogs` has it: an empty list takes any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LogFilter {
    /// Contracts.
    pub addresses: Vec<Address>,
    /// For each place, the topics that may stand there.
    pub topics: [Vec<B256>; MAX_TOPICS],
}

impl LogFilter {
    /// False when no log in a block of this bloom filter can match.
    #[must_use]
    pub fn may_be_in(&self, bloom: &[u8; 256]) -> bool {
        let bloom = Bloom::from(bloom);
        let has = |raw: &[u8]| bloom.contains_input(BloomInput::Raw(raw));
        let any = |mut raws: std::slice::Iter<'_, B256>| raws.any(|raw| has(raw.as_slice()));
        (self.addresses.is_empty() || self.addresses.iter().any(|a| has(a.as_slice())))
            && self.topics.iter().all(|wanted| wanted.is_empty() || any(wanted.iter()))
    }

    /// Whether a log is wanted.
    #[must_use]
    pub fn matches(&self, log: &Log<'_>) -> bool {
        let present = log.topics.get(..log.topic_count).unwrap_or_default();
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.iter().enumerate().all(|(place, wanted)| {
                wanted.is_empty() || present.get(place).is_some_and(|topic| wanted.contains(topic))
            })
    }
}

/// The logs of a receipt, in their order.
///
/// # Errors
///
/// When the bytes are not a receipt of any known shape.
pub fn logs(receipt: &[u8]) -> Result<Vec<Log<'_>>, ReceiptError> {
    let mut rest = match receipt.first() {
        Some(first) if *first < FIRST_LIST => receipt.get(1..).unwrap_or_default(),
        _ => receipt,
    };
    let mut fields = take(&mut rest, true)?;
    if !rest.is_empty() {
        return Err(ReceiptError("bytes left over"));
    }
    // status or state root, cumulative gas used, bloom filter
    for _ in 0..3 {
        take(&mut fields, false)?;
    }
    let mut list = take(&mut fields, true)?;
    let mut logs = Vec::new();
    while !list.is_empty() {
        logs.push(log(take(&mut list, true)?)?);
    }
    if fields.is_empty() { Ok(logs) } else { Err(ReceiptError("more than four fields")) }
}

fn log(mut fields: &[u8]) -> Result<Log<'_>, ReceiptError> {
    let address = Address::decode(&mut fields).map_err(|_| ReceiptError("address of a log"))?;
    let mut list = take(&mut fields, true)?;
    let (mut topics, mut topic_count) = ([B256::ZERO; MAX_TOPICS], 0_usize);
    while !list.is_empty() {
        let place = topics.get_mut(topic_count).ok_or(ReceiptError("more than four topics"))?;
        *place = B256::decode(&mut list).map_err(|_| ReceiptError("topic of a log"))?;
        topic_count = topic_count.saturating_add(1);
    }
    let data = take(&mut fields, false)?;
    if fields.is_empty() {
        Ok(Log { address, topics, topic_count, data })
    } else {
        Err(ReceiptError("more than three fields in a log"))
    }
}

/// Payload of the next item.
fn take<'a>(rest: &mut &'a [u8], list: bool) -> Result<&'a [u8], ReceiptError> {
    Header::decode_bytes(rest, list).map_err(|_| ReceiptError("not canonical RLP"))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    const TOPIC: B256 = B256::repeat_byte(5);
    const CONTRACT: Address = Address::repeat_byte(9);

    /// A receipt with one log: one topic, two bytes of data.
    fn receipt() -> Vec<u8> {
        let log = [
            &hex!("f83a94")[..],
            CONTRACT.as_slice(),
            &hex!("e1a0"),
            TOPIC.as_slice(),
            &hex!("820102"),
        ];
        let log = log.concat();
        let bloom = [&hex!("b90100")[..], &[0; 256]].concat();
        let fields = [&hex!("01825208")[..], &bloom, &hex!("f83c"), &log].concat();
        let length = u16::try_from(fields.len()).unwrap().to_be_bytes();
        [&[2, 0xf9], &length[..], &fields].concat()
    }

    #[test]
    fn a_log_is_read_and_found() {
        let bytes = receipt();
        let found = logs(&bytes).unwrap();
        assert_eq!(found.len(), 1);
        let log = found[0];
        assert_eq!((log.address, log.topic_count, log.data), (CONTRACT, 1, &[1, 2][..]));
        let filter = |addresses: &[Address], topics: [Vec<B256>; 4]| LogFilter {
            addresses: addresses.to_vec(),
            topics,
        };
        let none = || [const { Vec::new() }; 4];
        assert!(LogFilter::default().matches(&log));
        assert!(filter(&[Address::ZERO, CONTRACT], none()).matches(&log));
        assert!(!filter(&[Address::ZERO], none()).matches(&log));
        assert!(filter(&[], [vec![TOPIC], vec![], vec![], vec![]]).matches(&log));
        assert!(!filter(&[], [vec![], vec![TOPIC], vec![], vec![]]).matches(&log), "no such topic");
    }

    #[test]
    fn a_bloom_filter_excludes_what_is_not_in_it() {
        let mut bloom = Bloom::ZERO;
        let wanted = LogFilter { addresses: vec![CONTRACT], ..LogFilter::default() };
        assert!(!wanted.may_be_in(&bloom.0.0));
        bloom.accrue(BloomInput::Raw(CONTRACT.as_slice()));
        assert!(wanted.may_be_in(&bloom.0.0));
        let topics = [vec![], vec![TOPIC], vec![], vec![]];
        let wanted = LogFilter { topics, ..wanted };
        assert!(!wanted.may_be_in(&bloom.0.0));
        assert!(LogFilter::default().may_be_in(&[0; 256]));
    }

    #[test]
    fn no_byte_string_but_a_receipt_is_one() {
        let bytes = receipt();
        for length in 0..bytes.len() {
            assert!(logs(&bytes[..length]).is_err(), "{length}");
        }
        assert!(logs(&[&bytes[..], &[0]].concat()).is_err());
    }
}
