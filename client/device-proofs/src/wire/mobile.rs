//! The messages as Wi-Fi and CBRS radios of the Helium Mobile network, and its carriers, send them
//! (protobuf, proto3).
//!
//! Field numbers and enum values are those of `helium/proto` (`service/poc_mobile.proto`), Apache-2.0;
//! re-stated. As in the parent, structs carry the spec's names in Rust spelling, and each has one encoding.

use crate::protobuf::{Double, message};

message! {
    /// `data_transfer_event`: a hotspot says what it carried for somebody.
    DataTransferEvent {
        /// Public key of the hotspot, Helium binary form.
        pub_key: Vec<u8> = bytes(1),
        /// Bytes carried up.
        upload_bytes: u64 = uint64(2),
        /// Bytes carried down.
        download_bytes: u64 = uint64(3),
        /// `data_transfer_radio_access_technology`, see [`radio_access_technology`].
        radio_access_technology: i32 = int32(4),
        /// Name of the event, unique.
        event_id: String = string(5),
        /// Key of who pays, Helium binary form.
        payer: Vec<u8> = bytes(6),
        /// Time of the event in seconds since 1970.
        timestamp: u64 = uint64(7),
        /// Signature of the hotspot over this message with `signature` empty; may be absent.
        signature: Vec<u8> = bytes(8),
    }
}

message! {
    /// `data_transfer_session_req_v1`: a carrier says what of an event it will pay for.
    DataTransferSessionReqV1 {
        /// What the hotspot says.
        data_transfer_usage: Option<DataTransferEvent> = message(1),
        /// Whether the carrier takes the reward back.
        reward_cancelled: bool = boolean(2),
        /// Public key of the carrier's routing service, Helium binary form.
        pub_key: Vec<u8> = bytes(3),
        /// Signature of the carrier over this message with this field empty and the event's own signature in it.
        signature: Vec<u8> = bytes(4),
        /// Bytes that the carrier pays for.
        rewardable_bytes: u64 = uint64(5),
        /// `carrier_id_v2`: which carrier.
        carrier_id: i32 = int32(6),
        /// Whether the session was carried to try the hotspot out.
        sampling: bool = boolean(7),
    }
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

message! {
    /// `wifi_heartbeat_req_v1`: a Wi-Fi radio says that it is there.
    WifiHeartbeatReqV1 {
        /// Public key of the radio, Helium binary form.
        pub_key: Vec<u8> = bytes(1),
        /// Time of sending in seconds since 1970.
        timestamp: u64 = uint64(2),
        /// Latitude in degrees.
        lat: Double = double(3),
        /// Longitude in degrees.
        lon: Double = double(4),
        /// When somebody else last located the radio, in seconds since 1970; 0 for never.
        location_validation_timestamp: u64 = uint64(5),
        /// Whether the radio works.
        operation_mode: bool = boolean(6),
        /// UUID of the coverage object it stands for, 16 bytes.
        coverage_object: Vec<u8> = bytes(7),
        /// Signature of the radio over this message with `signature` empty.
        signature: Vec<u8> = bytes(8),
        /// Who located it, number of the `location_source` table.
        location_source: i32 = int32(9),
    }
}

message! {
    /// `cell_heartbeat_req_v1`: a CBRS radio says that it is there. The network pays for none of them any more.
    CellHeartbeatReqV1 {
        /// Public key of the hotspot, Helium binary form.
        pub_key: Vec<u8> = bytes(1),
        /// Kind of hotspot.
        hotspot_type: String = string(2),
        /// Cell number.
        cell_id: u32 = uint32(3),
        /// Time of sending in seconds since 1970.
        timestamp: u64 = uint64(4),
        /// Latitude in degrees.
        lat: Double = double(5),
        /// Longitude in degrees.
        lon: Double = double(6),
        /// Whether the radio works.
        operation_mode: bool = boolean(7),
        /// Category of the radio.
        cbsd_category: String = string(8),
        /// Serial number of the radio.
        cbsd_id: String = string(9),
        /// Signature of the hotspot over this message with `signature` empty.
        signature: Vec<u8> = bytes(10),
        /// UUID of the coverage object it stands for, 16 bytes.
        coverage_object: Vec<u8> = bytes(11),
    }
}

message! {
    /// `speedtest_req_v1`: a radio says how fast its backhaul is.
    SpeedtestReqV1 {
        /// Public key of the radio, Helium binary form.
        pub_key: Vec<u8> = bytes(1),
        /// Serial number.
        serial: String = string(2),
        /// Time of the test in seconds since 1970.
        timestamp: u64 = uint64(3),
        /// Bytes per second up.
        upload_speed: u64 = uint64(4),
        /// Bytes per second down.
        download_speed: u64 = uint64(5),
        /// Milliseconds there and back.
        latency: u32 = uint32(6),
        /// Signature of the radio over this message with `signature` empty.
        signature: Vec<u8> = bytes(7),
    }
}

message! {
    /// `radio_hex_signal_level`: what a radio says to reach one hex with.
    RadioHexSignalLevel {
        /// H3 index of resolution 12, in hexadecimal.
        location: String = string(1),
        /// `signal_level`, see [`signal_level`].
        signal_level: i32 = int32(2),
        /// Signal power in tenths of dBm.
        signal_power: i32 = sint32(3),
    }
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

message! {
    /// `coverage_object_req_v1`: which hexes a radio says to cover.
    CoverageObjectReqV1 {
        /// Public key of who signs, Helium binary form.
        pub_key: Vec<u8> = bytes(1),
        /// UUID of the coverage object, 16 bytes.
        uuid: Vec<u8> = bytes(2),
        /// `key_type`: serial number of the CBRS radio that covers, or …
        cbsd_id: String = string(3),
        /// … the public key of the Wi-Fi radio that covers, Helium binary form. One of the two.
        hotspot_key: Vec<u8> = bytes(4),
        /// When coverage started, in seconds since 1970.
        coverage_claim_time: u64 = uint64(5),
        /// The hexes.
        coverage: Vec<RadioHexSignalLevel> = messages(6),
        /// Whether the radio is indoors.
        indoor: bool = boolean(7),
        /// Trust score in thousandths.
        trust_score: u32 = uint32(8),
        /// Signature of `pub_key` over this message with `signature` empty.
        signature: Vec<u8> = bytes(9),
    }
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
