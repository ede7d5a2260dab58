//! The reports as `LoRa` gateways of the Helium network send and store them (protobuf, proto3).
//!
//! Field numbers and enum values are those of `helium/proto` (`poc_lora.proto`,
//! `blockchain_region_param_v1.proto`, `region.proto`, `data_rate.proto`), Apache-2.0; re-stated.
//! Structs carry the spec's names in Rust spelling: `lora_beacon_report_req_v1` is
//! [`LoraBeaconReportReqV1`]. Each has one encoding, see [`crate::protobuf`].

pub mod mobile;

use crate::protobuf::message;

message! {
    /// `lora_beacon_report_req_v1`: a gateway says that it sent a beacon.
    LoraBeaconReportReqV1 {
        /// Public key of the sender, Helium binary form.
        pub_key: Vec<u8> = bytes(2),
        /// Entropy of the gateway, 4 bytes.
        local_entropy: Vec<u8> = bytes(3),
        /// Entropy of the network, 32 bytes.
        remote_entropy: Vec<u8> = bytes(4),
        /// Payload sent over the air, 51 bytes.
        data: Vec<u8> = bytes(5),
        /// Frequency in Hz.
        frequency: u64 = uint64(6),
        /// Channel index.
        channel: i32 = int32(7),
        /// Data rate, number of the `data_rate` table.
        datarate: i32 = int32(8),
        /// Conducted power in dBm (the schema's comment says ddBm; the network used dBm).
        tx_power: i32 = int32(9),
        /// Time of sending in nanoseconds since 1970.
        timestamp: u64 = uint64(10),
        /// Signature of the sender over this message with `signature` empty.
        signature: Vec<u8> = bytes(11),
        /// Concentrator counter.
        tmst: u32 = uint32(12),
    }
}

message! {
    /// `lora_witness_report_req_v1`: a gateway says that it heard a beacon.
    LoraWitnessReportReqV1 {
        /// Public key of the hearer, Helium binary form.
        pub_key: Vec<u8> = bytes(2),
        /// Payload heard.
        data: Vec<u8> = bytes(3),
        /// Time of hearing in nanoseconds since 1970.
        timestamp: u64 = uint64(4),
        /// Concentrator counter.
        tmst: u32 = uint32(5),
        /// Signal strength in tenths of dBm.
        signal: i32 = sint32(6),
        /// Signal-to-noise ratio in tenths of dB.
        snr: i32 = int32(7),
        /// Frequency in Hz.
        frequency: u64 = uint64(8),
        /// Data rate, number of the `data_rate` table.
        datarate: i32 = int32(10),
        /// Signature of the hearer over this message with `signature` empty.
        signature: Vec<u8> = bytes(11),
    }
}

message! {
    /// `lora_beacon_ingest_report_v1`: a beacon report with its receive time.
    LoraBeaconIngestReportV1 {
        /// Receive time in milliseconds since 1970; asserted by the receiver.
        received_timestamp: u64 = uint64(1),
        /// The report.
        report: Option<LoraBeaconReportReqV1> = message(2),
    }
}

message! {
    /// `lora_witness_ingest_report_v1`: a witness report with its receive time.
    LoraWitnessIngestReportV1 {
        /// Receive time in milliseconds since 1970; asserted by the receiver.
        received_timestamp: u64 = uint64(1),
        /// The report.
        report: Option<LoraWitnessReportReqV1> = message(2),
    }
}

message! {
    /// `entropy_report_v1`: the network's entropy of one minute.
    EntropyReportV1 {
        /// The entropy, 32 bytes.
        data: Vec<u8> = bytes(1),
        /// When it starts to be valid, in seconds since 1970.
        timestamp: u64 = uint64(2),
        /// Version of the payload derivation.
        version: u32 = uint32(3),
    }
}

message! {
    /// `lora_stream_session_init_v1`: a gateway hands the signing of a stream to a session key.
    LoraStreamSessionInitV1 {
        /// Public key of the gateway, Helium binary form.
        pub_key: Vec<u8> = bytes(1),
        /// What the server offered for this stream.
        nonce: Vec<u8> = bytes(2),
        /// Key that signs the reports of the stream, Helium binary form.
        session_key: Vec<u8> = bytes(3),
        /// Signature of the gateway over this message with `signature` empty.
        signature: Vec<u8> = bytes(4),
    }
}

message! {
    /// `tagged_spreading`: a spreading factor and the largest packet allowed with it.
    TaggedSpreading {
        /// Number of the `region_spreading` table: 1 = SF7 … 6 = SF12.
        region_spreading: i32 = int32(1),
        /// Largest packet in bytes.
        max_packet_size: u32 = uint32(2),
    }
}

message! {
    /// `blockchain_region_spreading_v1`: the spreading factors of a channel.
    BlockchainRegionSpreadingV1 {
        /// In order of preference.
        tagged_spreading: Vec<TaggedSpreading> = messages(1),
    }
}

message! {
    /// `blockchain_region_param_v1`: one channel of a region.
    BlockchainRegionParamV1 {
        /// Centre frequency in Hz.
        channel_frequency: u64 = uint64(1),
        /// Bandwidth in Hz.
        bandwidth: u32 = uint32(2),
        /// Largest radiated power in tenths of dBm.
        max_eirp: u32 = uint32(3),
        /// Spreading factors allowed.
        spreading: Option<BlockchainRegionSpreadingV1> = message(4),
    }
}

message! {
    /// `blockchain_region_params_v1`: the channels of a region.
    BlockchainRegionParamsV1 {
        /// Channels in the order that payload derivation indexes.
        region_params: Vec<BlockchainRegionParamV1> = messages(1),
    }
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
