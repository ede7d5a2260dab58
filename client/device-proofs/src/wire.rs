//! The reports as `LoRa` gateways of the Helium network send and store them (protobuf, proto3).
//!
//! Field numbers and enum values are those of `helium/proto` (`poc_lora.proto`,
//! `blockchain_region_param_v1.proto`, `region.proto`, `data_rate.proto`), Apache-2.0; re-stated.
//! Structs carry the spec's names in Rust spelling: `lora_beacon_report_req_v1` is
//! [`LoraBeaconReportReqV1`]. Unknown fields are dropped by the decoder, which is why
//! [`crate::report`] compares the re-encoding.

pub mod mobile;

use prost::Message;

/// `lora_beacon_report_req_v1`: a gateway says that it sent a beacon.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LoraBeaconReportReqV1 {
    /// Public key of the sender, Helium binary form.
    #[prost(bytes = "vec", tag = "2")]
    pub pub_key: Vec<u8>,
    /// Entropy of the gateway, 4 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub local_entropy: Vec<u8>,
    /// Entropy of the network, 32 bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub remote_entropy: Vec<u8>,
    /// Payload sent over the air, 51 bytes.
    #[prost(bytes = "vec", tag = "5")]
    pub data: Vec<u8>,
    /// Frequency in Hz.
    #[prost(uint64, tag = "6")]
    pub frequency: u64,
    /// Channel index.
    #[prost(int32, tag = "7")]
    pub channel: i32,
    /// Data rate, number of the `data_rate` table.
    #[prost(int32, tag = "8")]
    pub datarate: i32,
    /// Conducted power in dBm (the schema's comment says ddBm; the network used dBm).
    #[prost(int32, tag = "9")]
    pub tx_power: i32,
    /// Time of sending in nanoseconds since 1970.
    #[prost(uint64, tag = "10")]
    pub timestamp: u64,
    /// Signature of the sender over this message with `signature` empty.
    #[prost(bytes = "vec", tag = "11")]
    pub signature: Vec<u8>,
    /// Concentrator counter.
    #[prost(uint32, tag = "12")]
    pub tmst: u32,
}

/// `lora_witness_report_req_v1`: a gateway says that it heard a beacon.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LoraWitnessReportReqV1 {
    /// Public key of the hearer, Helium binary form.
    #[prost(bytes = "vec", tag = "2")]
    pub pub_key: Vec<u8>,
    /// Payload heard.
    #[prost(bytes = "vec", tag = "3")]
    pub data: Vec<u8>,
    /// Time of hearing in nanoseconds since 1970.
    #[prost(uint64, tag = "4")]
    pub timestamp: u64,
    /// Concentrator counter.
    #[prost(uint32, tag = "5")]
    pub tmst: u32,
    /// Signal strength in tenths of dBm.
    #[prost(sint32, tag = "6")]
    pub signal: i32,
    /// Signal-to-noise ratio in tenths of dB.
    #[prost(int32, tag = "7")]
    pub snr: i32,
    /// Frequency in Hz.
    #[prost(uint64, tag = "8")]
    pub frequency: u64,
    /// Data rate, number of the `data_rate` table.
    #[prost(int32, tag = "10")]
    pub datarate: i32,
    /// Signature of the hearer over this message with `signature` empty.
    #[prost(bytes = "vec", tag = "11")]
    pub signature: Vec<u8>,
}

/// `lora_beacon_ingest_report_v1`: a beacon report with its receive time.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LoraBeaconIngestReportV1 {
    /// Receive time in milliseconds since 1970; asserted by the receiver.
    #[prost(uint64, tag = "1")]
    pub received_timestamp: u64,
    /// The report.
    #[prost(message, optional, tag = "2")]
    pub report: Option<LoraBeaconReportReqV1>,
}

/// `lora_witness_ingest_report_v1`: a witness report with its receive time.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LoraWitnessIngestReportV1 {
    /// Receive time in milliseconds since 1970; asserted by the receiver.
    #[prost(uint64, tag = "1")]
    pub received_timestamp: u64,
    /// The report.
    #[prost(message, optional, tag = "2")]
    pub report: Option<LoraWitnessReportReqV1>,
}

/// `entropy_report_v1`: the network's entropy of one minute.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct EntropyReportV1 {
    /// The entropy, 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub data: Vec<u8>,
    /// When it starts to be valid, in seconds since 1970.
    #[prost(uint64, tag = "2")]
    pub timestamp: u64,
    /// Version of the payload derivation.
    #[prost(uint32, tag = "3")]
    pub version: u32,
}

/// `lora_stream_session_init_v1`: a gateway hands the signing of a stream to a session key.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LoraStreamSessionInitV1 {
    /// Public key of the gateway, Helium binary form.
    #[prost(bytes = "vec", tag = "1")]
    pub pub_key: Vec<u8>,
    /// What the server offered for this stream.
    #[prost(bytes = "vec", tag = "2")]
    pub nonce: Vec<u8>,
    /// Key that signs the reports of the stream, Helium binary form.
    #[prost(bytes = "vec", tag = "3")]
    pub session_key: Vec<u8>,
    /// Signature of the gateway over this message with `signature` empty.
    #[prost(bytes = "vec", tag = "4")]
    pub signature: Vec<u8>,
}

/// `tagged_spreading`: a spreading factor and the largest packet allowed with it.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TaggedSpreading {
    /// Number of the `region_spreading` table: 1 = SF7 … 6 = SF12.
    #[prost(int32, tag = "1")]
    pub region_spreading: i32,
    /// Largest packet in bytes.
    #[prost(uint32, tag = "2")]
    pub max_packet_size: u32,
}

/// `blockchain_region_spreading_v1`: the spreading factors of a channel.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BlockchainRegionSpreadingV1 {
    /// In order of preference.
    #[prost(message, repeated, tag = "1")]
    pub tagged_spreading: Vec<TaggedSpreading>,
}

/// `blockchain_region_param_v1`: one channel of a region.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BlockchainRegionParamV1 {
    /// Centre frequency in Hz.
    #[prost(uint64, tag = "1")]
    pub channel_frequency: u64,
    /// Bandwidth in Hz.
    #[prost(uint32, tag = "2")]
    pub bandwidth: u32,
    /// Largest radiated power in tenths of dBm.
    #[prost(uint32, tag = "3")]
    pub max_eirp: u32,
    /// Spreading factors allowed.
    #[prost(message, optional, tag = "4")]
    pub spreading: Option<BlockchainRegionSpreadingV1>,
}

/// `blockchain_region_params_v1`: the channels of a region.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BlockchainRegionParamsV1 {
    /// Channels in the order that payload derivation indexes.
    #[prost(message, repeated, tag = "1")]
    pub region_params: Vec<BlockchainRegionParamV1>,
}

/// `invalid_reason`: why a report does not count. The numbers are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
#[allow(missing_docs, reason = "the names are the schema's and say it")]
pub enum InvalidReason {
    None = 0,
    BadSignature = 1,
    NotAsserted = 2,
    EntropyExpired = 3,
    BadEntropy = 4,
    InvalidCapability = 5,
    InvalidPubkey = 6,
    IrregularInterval = 7,
    GatewayNotFound = 8,
    Denied = 9,
    InvalidPacket = 10,
    BadRssi = 11,
    InvalidRegion = 12,
    MaxDistanceExceeded = 13,
    InvalidFrequency = 14,
    SelfWitness = 15,
    Stale = 16,
    ScalingFactorNotFound = 17,
    UnknownError = 18,
    BelowMinDistance = 19,
    Duplicate = 20,
    DeniedEdge = 21,
    TooLate = 22,
    GatewayNoValidBeacons = 23,
    GatewayNoValidWitnesses = 24,
}

impl InvalidReason {
    /// The network's number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}

/// `region` numbers used here.
pub mod region {
    /// United States, 902–928 MHz.
    pub const US915: u8 = 0;
    /// Europe, 863–870 MHz.
    pub const EU868: u8 = 1;
    /// Australia and much of South America, 915–928 MHz.
    pub const AU915: u8 = 5;
    /// Asia, group 1, 915–928 MHz.
    pub const AS923_1: u8 = 6;
    /// Korea, 920–923 MHz.
    pub const KR920: u8 = 7;
    /// India, 865–867 MHz.
    pub const IN865: u8 = 8;
}
