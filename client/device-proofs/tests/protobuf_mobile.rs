//! The messages of the mobile network against the reference: what `prost` decodes and encodes to the same bytes
//! again is exactly what decodes here.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use heliotrope_device_proofs::protobuf::{Double, Message};
use heliotrope_device_proofs::wire::mobile::{
    CoverageObjectReqV1, DataTransferEvent, DataTransferSessionReqV1, RadioHexSignalLevel,
    WifiHeartbeatReqV1,
};

#[derive(Clone, PartialEq, prost::Message)]
struct Heartbeat {
    #[prost(bytes = "vec", tag = "1")]
    pub_key: Vec<u8>,
    #[prost(uint64, tag = "2")]
    timestamp: u64,
    #[prost(double, tag = "3")]
    lat: f64,
    #[prost(double, tag = "4")]
    lon: f64,
    #[prost(uint64, tag = "5")]
    location_validation_timestamp: u64,
    #[prost(bool, tag = "6")]
    operation_mode: bool,
    #[prost(bytes = "vec", tag = "7")]
    coverage_object: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    signature: Vec<u8>,
    #[prost(int32, tag = "9")]
    location_source: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Hex {
    #[prost(string, tag = "1")]
    location: String,
    #[prost(int32, tag = "2")]
    signal_level: i32,
    #[prost(sint32, tag = "3")]
    signal_power: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Coverage {
    #[prost(bytes = "vec", tag = "1")]
    pub_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    uuid: Vec<u8>,
    #[prost(string, tag = "3")]
    cbsd_id: String,
    #[prost(bytes = "vec", tag = "4")]
    hotspot_key: Vec<u8>,
    #[prost(uint64, tag = "5")]
    coverage_claim_time: u64,
    #[prost(message, repeated, tag = "6")]
    coverage: Vec<Hex>,
    #[prost(bool, tag = "7")]
    indoor: bool,
    #[prost(uint32, tag = "8")]
    trust_score: u32,
    #[prost(bytes = "vec", tag = "9")]
    signature: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Event {
    #[prost(bytes = "vec", tag = "1")]
    pub_key: Vec<u8>,
    #[prost(uint64, tag = "2")]
    upload_bytes: u64,
    #[prost(uint64, tag = "3")]
    download_bytes: u64,
    #[prost(int32, tag = "4")]
    radio_access_technology: i32,
    #[prost(string, tag = "5")]
    event_id: String,
    #[prost(bytes = "vec", tag = "6")]
    payer: Vec<u8>,
    #[prost(uint64, tag = "7")]
    timestamp: u64,
    #[prost(bytes = "vec", tag = "8")]
    signature: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Session {
    #[prost(message, optional, tag = "1")]
    data_transfer_usage: Option<Event>,
    #[prost(bool, tag = "2")]
    reward_cancelled: bool,
    #[prost(bytes = "vec", tag = "3")]
    pub_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    signature: Vec<u8>,
    #[prost(uint64, tag = "5")]
    rewardable_bytes: u64,
    #[prost(int32, tag = "6")]
    carrier_id: i32,
    #[prost(bool, tag = "7")]
    sampling: bool,
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

    fn flag(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }

    fn signed(&mut self) -> i32 {
        (self.number() as u32).cast_signed()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = [0, 1, 16, 33, 127, 128][self.next() as usize % 6];
        (0..len).map(|_| self.next() as u8).collect()
    }

    fn text(&mut self) -> String {
        ["", "8c2681a3064d9ff", "ö", "f8e7d6c5-0001"][self.next() as usize % 4].into()
    }

    fn degrees(&mut self) -> Double {
        let whole = self.next() % 3_600_000;
        Double::from(f64::from(whole as u32) / 10_000.0 - 180.0)
    }

    fn heartbeat(&mut self) -> WifiHeartbeatReqV1 {
        WifiHeartbeatReqV1 {
            pub_key: self.bytes(),
            timestamp: self.number(),
            lat: self.degrees(),
            lon: if self.flag() { self.degrees() } else { Double::default() },
            location_validation_timestamp: self.number(),
            operation_mode: self.flag(),
            coverage_object: self.bytes(),
            signature: self.bytes(),
            location_source: self.signed(),
        }
    }

    fn coverage(&mut self) -> CoverageObjectReqV1 {
        let hex = |numbers: &mut Self| RadioHexSignalLevel {
            location: numbers.text(),
            signal_level: numbers.signed(),
            signal_power: numbers.signed(),
        };
        CoverageObjectReqV1 {
            pub_key: self.bytes(),
            uuid: self.bytes(),
            cbsd_id: String::new(),
            hotspot_key: self.bytes(),
            coverage_claim_time: self.number(),
            coverage: (0..self.next() % 4).map(|_| hex(self)).collect(),
            indoor: self.flag(),
            trust_score: self.number() as u32,
            signature: self.bytes(),
        }
    }

    fn session(&mut self) -> DataTransferSessionReqV1 {
        let event = DataTransferEvent {
            pub_key: self.bytes(),
            upload_bytes: self.number(),
            download_bytes: self.number(),
            radio_access_technology: self.signed(),
            event_id: self.text(),
            payer: self.bytes(),
            timestamp: self.number(),
            signature: self.bytes(),
        };
        DataTransferSessionReqV1 {
            data_transfer_usage: self.flag().then_some(event),
            reward_cancelled: self.flag(),
            pub_key: self.bytes(),
            signature: self.bytes(),
            rewardable_bytes: self.number(),
            carrier_id: self.signed(),
            sampling: self.flag(),
        }
    }
}

/// Whether both take the bytes; they must both, or neither.
fn agree<Ours: Message, Theirs: prost::Message + Default>(bytes: &[u8]) -> bool {
    let ours = Ours::decode(bytes).ok();
    if let Some(message) = &ours {
        assert_eq!(message.encode_to_vec(), bytes, "{}", hex::encode(bytes));
    }
    let theirs = Theirs::decode(bytes).ok();
    let theirs = theirs.filter(|message| prost::Message::encode_to_vec(message) == bytes);
    assert_eq!(ours.is_some(), theirs.is_some(), "{}", hex::encode(bytes));
    ours.is_some()
}

fn prost_agrees<Ours: Message, Theirs: prost::Message + Default>(
    message: impl Fn(&mut Numbers) -> Ours,
) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = message(&mut numbers).encode_to_vec();
        assert!(agree::<Ours, Theirs>(&bytes));
        if bytes.is_empty() {
            continue;
        }
        let at = numbers.next() as usize % bytes.len();
        match numbers.next() % 4 {
            0 => bytes[at] ^= 1 << (numbers.next() % 8),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, numbers.next() as u8),
            _ => bytes.truncate(at),
        }
        *(if agree::<Ours, Theirs>(&bytes) { &mut good } else { &mut bad }) += 1;
    }
    assert!(good > 1000 && bad > 1000, "{good} mutated messages decode, {bad} do not");
}

#[test]
fn prost_agrees_on_heartbeats() {
    prost_agrees::<_, Heartbeat>(Numbers::heartbeat);
}

#[test]
fn prost_agrees_on_coverage_objects() {
    prost_agrees::<_, Coverage>(Numbers::coverage);
}

#[test]
fn prost_agrees_on_sessions() {
    prost_agrees::<_, Session>(Numbers::session);
}

#[test]
fn a_double_is_its_bits() {
    let of = |lat: f64| WifiHeartbeatReqV1 { lat: lat.into(), ..Default::default() };
    for lat in [0.0, -0.0, 1.5, -89.9, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY] {
        let bytes = of(lat).encode_to_vec();
        assert_eq!(bytes.is_empty(), lat.to_bits() == 0);
        let decoded = WifiHeartbeatReqV1::decode(&bytes).unwrap();
        assert_eq!(decoded.lat.value().to_bits(), lat.to_bits());
        assert!(lat.to_bits() == 1 << 63 || agree::<WifiHeartbeatReqV1, Heartbeat>(&bytes));
    }
    // a zero written out, and a number cut off
    assert!(WifiHeartbeatReqV1::decode(&[0x19, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
    assert!(WifiHeartbeatReqV1::decode(&[0x19, 1, 0, 0, 0, 0, 0, 0]).is_err());
}
