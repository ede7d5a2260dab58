//! The messages as Wi-Fi and CBRS radios of the Helium Mobile network, and its carriers, send them
//! (protobuf, proto3).
//!
//! Field numbers and enum values are those of `helium/proto` (`service/poc_mobile.proto`), Apache-2.0;
//! re-stated. As in the parent, structs carry the spec's names in Rust spelling and unknown fields are
//! dropped by the decoder, which is why [`crate::report`] compares the re-encoding.

use prost::{Message, Oneof};

/// `data_transfer_event`: a hotspot says what it carried for somebody.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DataTransferEvent {
    /// Public key of the hotspot, Helium binary form.
    #[prost(bytes = "vec", tag = "1")]
    pub pub_key: Vec<u8>,
    /// Bytes carried up.
    #[prost(uint64, tag = "2")]
    pub upload_bytes: u64,
    /// Bytes carried down.
    #[prost(uint64, tag = "3")]
    pub download_bytes: u64,
    /// `data_transfer_radio_access_technology`, see [`radio_access_technology`].
    #[prost(int32, tag = "4")]
    pub radio_access_technology: i32,
    /// Name of the event, unique.
    #[prost(string, tag = "5")]
    pub event_id: String,
    /// Key of who pays, Helium binary form.
    #[prost(bytes = "vec", tag = "6")]
    pub payer: Vec<u8>,
    /// Time of the event in seconds since 1970.
    #[prost(uint64, tag = "7")]
    pub timestamp: u64,
    /// Signature of the hotspot over this message with `signature` empty; may be absent.
    #[prost(bytes = "vec", tag = "8")]
    pub signature: Vec<u8>,
}

/// `data_transfer_session_req_v1`: a carrier says what of an event it will pay for.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DataTransferSessionReqV1 {
    /// What the hotspot says.
    #[prost(message, optional, tag = "1")]
    pub data_transfer_usage: Option<DataTransferEvent>,
    /// Whether the carrier takes the reward back.
    #[prost(bool, tag = "2")]
    pub reward_cancelled: bool,
    /// Public key of the carrier's routing service, Helium binary form.
    #[prost(bytes = "vec", tag = "3")]
    pub pub_key: Vec<u8>,
    /// Signature of the carrier over this message with this field empty and the event's own signature in it.
    #[prost(bytes = "vec", tag = "4")]
    pub signature: Vec<u8>,
    /// Bytes that the carrier pays for.
    #[prost(uint64, tag = "5")]
    pub rewardable_bytes: u64,
    /// `carrier_id_v2`: which carrier.
    #[prost(int32, tag = "6")]
    pub carrier_id: i32,
    /// Whether the session was carried to try the hotspot out.
    #[prost(bool, tag = "7")]
    pub sampling: bool,
}

/// `data_transfer_radio_access_technology` numbers used here.
pub mod radio_access_technology {
    /// Wi-Fi.
    pub const WLAN: i32 = 2;
    /// LTE: a CBRS radio.
    pub const EUTRAN: i32 = 5;
}

/// `data_transfer_ingest_report_status`: why a session does not count. The numbers are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
#[allow(missing_docs, reason = "the names are the schema's and say it")]
pub enum ReportStatus {
    Valid = 0,
    Cancelled = 1,
    InvalidGatewayKey = 2,
    InvalidRoutingKey = 3,
    Duplicate = 4,
}

impl ReportStatus {
    /// The network's number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}

/// `wifi_heartbeat_req_v1`: a Wi-Fi radio says that it is there.
#[derive(Clone, PartialEq, Message)]
pub struct WifiHeartbeatReqV1 {
    /// Public key of the radio, Helium binary form.
    #[prost(bytes = "vec", tag = "1")]
    pub pub_key: Vec<u8>,
    /// Time of sending in seconds since 1970.
    #[prost(uint64, tag = "2")]
    pub timestamp: u64,
    /// Latitude in degrees.
    #[prost(double, tag = "3")]
    pub lat: f64,
    /// Longitude in degrees.
    #[prost(double, tag = "4")]
    pub lon: f64,
    /// When somebody else last located the radio, in seconds since 1970; 0 for never.
    #[prost(uint64, tag = "5")]
    pub location_validation_timestamp: u64,
    /// Whether the radio works.
    #[prost(bool, tag = "6")]
    pub operation_mode: bool,
    /// UUID of the coverage object it stands for, 16 bytes.
    #[prost(bytes = "vec", tag = "7")]
    pub coverage_object: Vec<u8>,
    /// Signature of the radio over this message with `signature` empty.
    #[prost(bytes = "vec", tag = "8")]
    pub signature: Vec<u8>,
    /// Who located it, number of the `location_source` table.
    #[prost(int32, tag = "9")]
    pub location_source: i32,
}

/// `cell_heartbeat_req_v1`: a CBRS radio says that it is there. The network pays for none of them any more.
#[derive(Clone, PartialEq, Message)]
pub struct CellHeartbeatReqV1 {
    /// Public key of the hotspot, Helium binary form.
    #[prost(bytes = "vec", tag = "1")]
    pub pub_key: Vec<u8>,
    /// Kind of hotspot.
    #[prost(string, tag = "2")]
    pub hotspot_type: String,
    /// Cell number.
    #[prost(uint32, tag = "3")]
    pub cell_id: u32,
    /// Time of sending in seconds since 1970.
    #[prost(uint64, tag = "4")]
    pub timestamp: u64,
    /// Latitude in degrees.
    #[prost(double, tag = "5")]
    pub lat: f64,
    /// Longitude in degrees.
    #[prost(double, tag = "6")]
    pub lon: f64,
    /// Whether the radio works.
    #[prost(bool, tag = "7")]
    pub operation_mode: bool,
    /// Category of the radio.
    #[prost(string, tag = "8")]
    pub cbsd_category: String,
    /// Serial number of the radio.
    #[prost(string, tag = "9")]
    pub cbsd_id: String,
    /// Signature of the hotspot over this message with `signature` empty.
    #[prost(bytes = "vec", tag = "10")]
    pub signature: Vec<u8>,
    /// UUID of the coverage object it stands for, 16 bytes.
    #[prost(bytes = "vec", tag = "11")]
    pub coverage_object: Vec<u8>,
}

/// `speedtest_req_v1`: a radio says how fast its backhaul is.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SpeedtestReqV1 {
    /// Public key of the radio, Helium binary form.
    #[prost(bytes = "vec", tag = "1")]
    pub pub_key: Vec<u8>,
    /// Serial number.
    #[prost(string, tag = "2")]
    pub serial: String,
    /// Time of the test in seconds since 1970.
    #[prost(uint64, tag = "3")]
    pub timestamp: u64,
    /// Bytes per second up.
    #[prost(uint64, tag = "4")]
    pub upload_speed: u64,
    /// Bytes per second down.
    #[prost(uint64, tag = "5")]
    pub download_speed: u64,
    /// Milliseconds there and back.
    #[prost(uint32, tag = "6")]
    pub latency: u32,
    /// Signature of the radio over this message with `signature` empty.
    #[prost(bytes = "vec", tag = "7")]
    pub signature: Vec<u8>,
}

/// `radio_hex_signal_level`: what a radio says to reach one hex with.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct RadioHexSignalLevel {
    /// H3 index of resolution 12, in hexadecimal.
    #[prost(string, tag = "1")]
    pub location: String,
    /// `signal_level`, see [`signal_level`].
    #[prost(int32, tag = "2")]
    pub signal_level: i32,
    /// Signal power in tenths of dBm.
    #[prost(sint32, tag = "3")]
    pub signal_power: i32,
}

/// `signal_level` numbers.
pub mod signal_level {
    /// No signal.
    pub const NONE: i32 = 0;
    /// A weak one.
    pub const LOW: i32 = 1;
    /// A fair one.
    pub const MEDIUM: i32 = 2;
    /// A strong one.
    pub const HIGH: i32 = 3;
}

/// `coverage_object_req_v1`: which hexes a radio says to cover.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CoverageObjectReqV1 {
    /// Public key of who signs, Helium binary form.
    #[prost(bytes = "vec", tag = "1")]
    pub pub_key: Vec<u8>,
    /// UUID of the coverage object, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub uuid: Vec<u8>,
    /// The radio that covers.
    #[prost(oneof = "KeyType", tags = "3, 4")]
    pub key_type: Option<KeyType>,
    /// When coverage started, in seconds since 1970.
    #[prost(uint64, tag = "5")]
    pub coverage_claim_time: u64,
    /// The hexes.
    #[prost(message, repeated, tag = "6")]
    pub coverage: Vec<RadioHexSignalLevel>,
    /// Whether the radio is indoors.
    #[prost(bool, tag = "7")]
    pub indoor: bool,
    /// Trust score in thousandths.
    #[prost(uint32, tag = "8")]
    pub trust_score: u32,
    /// Signature of `pub_key` over this message with `signature` empty.
    #[prost(bytes = "vec", tag = "9")]
    pub signature: Vec<u8>,
}

/// `coverage_object_req_v1.key_type`: the radio that covers.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum KeyType {
    /// Serial number of a CBRS radio.
    #[prost(string, tag = "3")]
    CbsdId(String),
    /// Public key of a Wi-Fi radio, Helium binary form.
    #[prost(bytes, tag = "4")]
    HotspotKey(Vec<u8>),
}

/// `heartbeat_validity`: why a heartbeat does not count. The numbers are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
#[allow(missing_docs, reason = "the names are the schema's and say it")]
pub enum HeartbeatValidity {
    Valid = 0,
    HeartbeatOutsideRange = 2,
    BadCbsdId = 3,
    NotOperational = 4,
    GatewayNotFound = 5,
    NoSuchCoverageObject = 6,
    BadCoverageObject = 7,
    InvalidLatLon = 8,
    TooFarFromCoverage = 9,
    GatewayNotAsserted = 10,
    UnsupportedLocation = 11,
    InvalidDeviceType = 12,
}

impl HeartbeatValidity {
    /// The network's number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}

/// `speedtest_avg_validity`: why a backhaul is not fast enough. The numbers are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
#[allow(missing_docs, reason = "the names are the schema's and say it")]
pub enum SpeedtestAvgValidity {
    Valid = 0,
    TooFewSamples = 1,
    SlowDownloadSpeed = 2,
    SlowUploadSpeed = 3,
    HighLatency = 4,
}

impl SpeedtestAvgValidity {
    /// The network's number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}
