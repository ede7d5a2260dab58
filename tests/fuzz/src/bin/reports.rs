//! Device reports on the wire, device keys, and the network's description.
#![no_main]

use heliotrope_device_proofs::{
    keys::PublicKey,
    report::{decode_beacon, decode_witness},
};
use heliotrope_fuzz::choice;
use heliotrope_light_client::network::Network;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = choice(data) else { return };
    match kind {
        0 => drop(decode_beacon(rest)),
        1 => drop(decode_witness(rest)),
        2 => drop(PublicKey::from_bytes(rest).map(|key| key.verify(b"message", rest))),
        3 => drop(std::str::from_utf8(rest).map(PublicKey::from_b58)),
        4 => drop(Network::from_json(rest)),
        _ => {}
    }
});
