//! The rules by number, name and reason: n for V, the heartbeat; 100 + n for T, trust in a place; 200 + n for C,
//! the coverage object; 300 + n for Q, the backhaul; 400 + n for P, points; 500 + n for B, the bundle. Reasons are the network's where it has one: `heartbeat_validity` for V,
//! `coverage_object_validity` for C1, `speedtest_avg_validity` for Q3 to Q6. Otherwise the reason is 1000 and the
//! number; rules that decide how much, and are no fault, have reason 0.

use crate::judge::Rule;
use heliotrope_device_proofs::wire::mobile::{
    HeartbeatValidity as Validity, SpeedtestAvgValidity as Average,
};

/// `coverage_object_validity_invalid_pub_key`.
const INVALID_PUB_KEY: u16 = 1;

macro_rules! rules {
    ($($name:ident = $id:literal, $text:literal, $reason:expr;)+) => {
        $(
            #[doc = $text]
            pub const $name: Rule = Rule { id: $id, name: $text, reason: $reason };
        )+
        /// Every rule, ascending by number.
        pub const ALL: &[Rule] = &[$($name),+];
    };
}

rules! {
    V1 = 1, "V1 names a coverage object (bytes)", Validity::BadCoverageObject.code();
    V2 = 2, "V2 it is the radio's (bytes that differ)", Validity::NoSuchCoverageObject.code();
    V3 = 3, "V3 radio works (operation mode)", Validity::NotOperational.code();
    V4 = 4, "V4 came in the epoch (s)", Validity::HeartbeatOutsideRange.code();
    V5 = 5, "V5 has a place (H3 resolution)", Validity::InvalidLatLon.code();
    V6 = 6, "V6 is where radios count (cells)", Validity::UnsupportedLocation.code();
    V7 = 7, "V7 covers by Wi-Fi (device type)", Validity::InvalidDeviceType.code();
    V8 = 8, "V8 radio is known (status)", Validity::GatewayNotFound.code();
    V9 = 9, "V9 radio has asserted its place (H3 resolution)", Validity::GatewayNotAsserted.code();
    T1 = 101, "T1 was located by others (s)", 0;
    T2 = 102, "T2 farthest hex is near enough (m)", 0;
    T3 = 103, "T3 asserted place is near (m)", 0;
    C1 = 201, "C1 is modelled by who may (keys)", INVALID_PUB_KEY;
    C2 = 202, "C2 hexes are cells of resolution 12 (others)", 1202;
    C3 = 203, "C3 signal levels are of its kind (others)", 1203;
    C4 = 204, "C4 was there long enough (h)", 1204;
    Q1 = 301, "Q1 speed is possible (B/s)", 1301;
    Q2 = 302, "Q2 test is recent (s)", 1302;
    Q3 = 303, "Q3 there are enough tests", Average::TooFewSamples.code();
    Q4 = 304, "Q4 download is fast enough (B/s)", Average::SlowDownloadSpeed.code();
    Q5 = 305, "Q5 upload is fast enough (B/s)", Average::SlowUploadSpeed.code();
    Q6 = 306, "Q6 latency is low enough (ms)", Average::HighLatency.code();
    P1 = 401, "P1 is ranked (hexes)", 0;
    P2 = 402, "P2 boosts count (connections)", 0;
    P3 = 403, "P3 has a share (millionths of a point)", 0;
    B1 = 501, "B1 area is a cell of the map (H3 resolution)", 1501;
    B2 = 502, "B2 oracle data are the chain's (bytes)", 1502;
    B3 = 503, "B3 somebody covers the area (radios)", 1503;
}
