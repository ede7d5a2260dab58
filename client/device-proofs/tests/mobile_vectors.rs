//! Messages that radios really sent: `helium/oracles`, `msg_verify.rs` (Apache-2.0), whose tests hold them as
//! base64; the same bytes in hexadecimal. Keys are P-256 in compact form.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::flips;
use heliotrope_device_proofs::report::{
    ReportError, SignedReport, decode_cell_heartbeat, decode_speedtest,
};

const CELL_HEARTBEAT: &str = "\
    0a2100b9c61dd095a095cf9f7d36e1fb8b37c18e9a58fe0b4c6c656f1cae31025fbe2c1206656e6f64656218\
    f0d02620abc99f970629d8bb3fdeab7244403110768a55834c52c038014201414a195032372d534345343235\
    35573231313243573530303235333652473045022100cc5e44dce3dfb3a2ebcf4dc7f5e6e7eeb72415d38568\
    296de2a6a1649083313a0220580589a68e0c9cd5b3cf3c0c9c4e0e718df95dbb13df8f8aea29dea23e744b37";
const SPEEDTEST: &str = "\
    0a21003c6a1a9f7c09fbbccd891ddc22f70fa55488c69bcd51ca5ae62d16e3a4cd76e31210484c2d32313533\
    2d303030313236393418b683a1970620b0de0228a0e70230313a4730450221008f20928f824b31a40b827121\
    8d3e8351f02f8fe48a2e87124b4e9a809ab0457702204980aad150024510e4bc7c9a38feff0351e865d086c7\
    ddd3d9158e025c43ae28";

fn no_flipped_bit_authenticates<M: SignedReport>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<M, ReportError>,
) -> M {
    let message = decode(bytes).unwrap();
    message.authenticate().unwrap();
    for (bit, flipped) in flips(bytes) {
        assert!(decode(&flipped).and_then(|m| m.authenticate()).is_err(), "bit {bit}");
    }
    message
}

#[test]
fn verify_heartbeat() {
    let bytes = hex::decode(CELL_HEARTBEAT).unwrap();
    let heartbeat = no_flipped_bit_authenticates(&bytes, decode_cell_heartbeat);
    assert_eq!(heartbeat.hotspot_type, "enodeb");
    assert_eq!(heartbeat.cbsd_id, "P27-SCE4255W2112CW5002536");
    assert!(heartbeat.operation_mode);
}

#[test]
fn verify_speedtest() {
    let bytes = hex::decode(SPEEDTEST).unwrap();
    let speedtest = no_flipped_bit_authenticates(&bytes, decode_speedtest);
    assert_eq!(speedtest.serial, "HL-2153-00012694");
    assert_eq!((speedtest.upload_speed, speedtest.download_speed), (44_848, 45_984));
    assert_eq!(speedtest.latency, 49);
}
