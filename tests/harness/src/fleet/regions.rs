//! The channels of each region, as `blockchain_region_params_v1`.
//!
//! Frequencies, bandwidths and powers are those of the LoRaWAN regional parameters as the Helium
//! network used them; facts, re-stated.

use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::wire::region::{AS923_1, AU915, EU868, IN865, KR920, US915};
use heliotrope_device_proofs::wire::{
    BlockchainRegionParamV1, BlockchainRegionParamsV1, BlockchainRegionSpreadingV1, TaggedSpreading,
};

const BANDWIDTH_HZ: u32 = 125_000;
/// (spreading factor number, largest packet) where air time is not limited.
const FREE: [(i32, u32); 3] = [(6, 65), (3, 129), (2, 238)];
/// … and where a packet may last 400 ms.
const DWELL: [(i32, u32); 4] = [(4, 25), (3, 67), (2, 139), (1, 128)];

/// Region number and parameters, ascending: the regions of the check's parameters.
#[must_use]
pub fn all() -> Vec<(u8, BlockchainRegionParamsV1)> {
    let step = |first: u64, count: u64| (0..count).map(|n| first + n * 200_000).collect::<Vec<_>>();
    vec![
        (US915, region(&step(903_900_000, 8), 360, &DWELL)),
        (EU868, region(&step(867_100_000, 8), 161, &FREE)),
        (AU915, region(&step(916_800_000, 8), 300, &DWELL)),
        (AS923_1, region(&step(922_000_000, 8), 160, &DWELL)),
        (KR920, region(&step(922_100_000, 7), 140, &FREE)),
        (IN865, region(&[865_062_500, 865_402_500, 865_985_000], 300, &FREE)),
    ]
}

/// The same as bytes.
#[must_use]
pub fn encoded() -> Vec<(u8, Vec<u8>)> {
    all().into_iter().map(|(number, params)| (number, params.encode_to_vec())).collect()
}

fn region(
    frequencies_hz: &[u64],
    max_eirp_ddbm: u32,
    sizes: &[(i32, u32)],
) -> BlockchainRegionParamsV1 {
    let tagged = sizes.iter().map(|&(region_spreading, max_packet_size)| TaggedSpreading {
        region_spreading,
        max_packet_size,
    });
    let spreading = BlockchainRegionSpreadingV1 { tagged_spreading: tagged.collect() };
    let channels = frequencies_hz.iter().map(|&channel_frequency| BlockchainRegionParamV1 {
        channel_frequency,
        bandwidth: BANDWIDTH_HZ,
        max_eirp: max_eirp_ddbm,
        spreading: Some(spreading.clone()),
    });
    BlockchainRegionParamsV1 { region_params: channels.collect() }
}
