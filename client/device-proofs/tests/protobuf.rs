//! Differential test against the reference: what `prost` decodes and encodes to the same bytes again is
//! exactly what decodes here, and both see the same message.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::wire::{
    BlockchainRegionParamV1, BlockchainRegionParamsV1, BlockchainRegionSpreadingV1,
    LoraWitnessReportReqV1, TaggedSpreading,
};

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Witness {
    #[prost(bytes = "vec", tag = "2")]
    pub_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    data: Vec<u8>,
    #[prost(uint64, tag = "4")]
    timestamp: u64,
    #[prost(uint32, tag = "5")]
    tmst: u32,
    #[prost(sint32, tag = "6")]
    signal: i32,
    #[prost(int32, tag = "7")]
    snr: i32,
    #[prost(uint64, tag = "8")]
    frequency: u64,
    #[prost(int32, tag = "10")]
    datarate: i32,
    #[prost(bytes = "vec", tag = "11")]
    signature: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Tagged {
    #[prost(int32, tag = "1")]
    region_spreading: i32,
    #[prost(uint32, tag = "2")]
    max_packet_size: u32,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Spreading {
    #[prost(message, repeated, tag = "1")]
    tagged_spreading: Vec<Tagged>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Channel {
    #[prost(uint64, tag = "1")]
    channel_frequency: u64,
    #[prost(uint32, tag = "2")]
    bandwidth: u32,
    #[prost(uint32, tag = "3")]
    max_eirp: u32,
    #[prost(message, optional, tag = "4")]
    spreading: Option<Spreading>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Channels {
    #[prost(message, repeated, tag = "1")]
    region_params: Vec<Channel>,
}

/// Xorshift64: the same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Small, large, zero, and everything between.
    fn number(&mut self) -> u64 {
        match self.next() % 4 {
            0 => 0,
            _ => self.next() >> (self.next() % 64),
        }
    }

    fn signed(&mut self) -> i32 {
        (self.number() as u32).cast_signed()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = [0, 1, 33, 127, 128, 300][self.next() as usize % 6];
        (0..len).map(|_| self.next() as u8).collect()
    }

    fn witness(&mut self) -> LoraWitnessReportReqV1 {
        LoraWitnessReportReqV1 {
            pub_key: self.bytes(),
            data: self.bytes(),
            timestamp: self.number(),
            tmst: self.number() as u32,
            signal: self.signed(),
            snr: self.signed(),
            frequency: self.number(),
            datarate: self.signed(),
            signature: self.bytes(),
        }
    }

    fn channels(&mut self) -> BlockchainRegionParamsV1 {
        let channel = |numbers: &mut Self| {
            let tagged = |numbers: &mut Self| TaggedSpreading {
                region_spreading: numbers.signed(),
                max_packet_size: numbers.number() as u32,
            };
            let spreading = BlockchainRegionSpreadingV1 {
                tagged_spreading: (0..numbers.next() % 4).map(|_| tagged(numbers)).collect(),
            };
            BlockchainRegionParamV1 {
                channel_frequency: numbers.number(),
                bandwidth: numbers.number() as u32,
                max_eirp: numbers.number() as u32,
                spreading: (!numbers.next().is_multiple_of(3)).then_some(spreading),
            }
        };
        let count = self.next() % 4;
        BlockchainRegionParamsV1 { region_params: (0..count).map(|_| channel(self)).collect() }
    }
}

/// The reference's encoding of the message, if these bytes are that.
fn canonical<M: prost::Message + Default>(bytes: &[u8]) -> Option<M> {
    M::decode(bytes).ok().filter(|message| prost::Message::encode_to_vec(message) == bytes)
}

fn twin(w: LoraWitnessReportReqV1) -> Witness {
    Witness {
        pub_key: w.pub_key,
        data: w.data,
        timestamp: w.timestamp,
        tmst: w.tmst,
        signal: w.signal,
        snr: w.snr,
        frequency: w.frequency,
        datarate: w.datarate,
        signature: w.signature,
    }
}

fn agrees_on_witness(bytes: &[u8]) -> bool {
    let ours = LoraWitnessReportReqV1::decode(bytes).ok();
    if let Some(message) = &ours {
        assert_eq!(message.encode_to_vec(), bytes, "{}", hex::encode(bytes));
    }
    assert_eq!(ours.clone().map(twin), canonical::<Witness>(bytes), "{}", hex::encode(bytes));
    ours.is_some()
}

fn agrees_on_channels(bytes: &[u8]) -> bool {
    let ours = BlockchainRegionParamsV1::decode(bytes).ok();
    if let Some(message) = &ours {
        assert_eq!(message.encode_to_vec(), bytes, "{}", hex::encode(bytes));
    }
    let theirs = canonical::<Channels>(bytes);
    assert_eq!(ours.is_some(), theirs.is_some(), "{}", hex::encode(bytes));
    ours.is_some()
}

/// The bytes, with one thing done to them that senders and attackers do.
fn mutated(numbers: &mut Numbers, mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.is_empty() {
        return vec![numbers.next() as u8];
    }
    let at = numbers.next() as usize % bytes.len();
    match numbers.next() % 5 {
        0 => bytes[at] ^= 1 << (numbers.next() % 8),
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, numbers.next() as u8),
        3 => bytes.truncate(at),
        _ => bytes.extend_from_slice(&[[0x38, 1], [0x20, 0x80], [0x22, 0]][at % 3]),
    }
    bytes
}

#[test]
fn prost_agrees_on_the_reports() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let message = numbers.witness();
        let bytes = message.encode_to_vec();
        assert_eq!(bytes, prost::Message::encode_to_vec(&twin(message)));
        assert!(agrees_on_witness(&bytes));
        let other = mutated(&mut numbers, bytes);
        *(if agrees_on_witness(&other) { &mut good } else { &mut bad }) += 1;
    }
    assert!(good > 1000 && bad > 1000, "{good} mutated messages decode, {bad} do not");
}

#[test]
fn prost_agrees_on_nested_messages() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let bytes = numbers.channels().encode_to_vec();
        assert!(agrees_on_channels(&bytes));
        let other = mutated(&mut numbers, bytes);
        *(if agrees_on_channels(&other) { &mut good } else { &mut bad }) += 1;
    }
    assert!(good > 1000 && bad > 1000, "{good} mutated messages decode, {bad} do not");
}
