//! Parameters of the check `coverage-map`.

use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending};
use crate::data_transfer::decode_keys;
use crate::{Address, Bytes32, sha256};

/// Most cells of the geofence.
pub const MAX_GEOFENCE: usize = 4096;
/// The last rules by which Helium Mobile paid for coverage.
pub const PROFILE_HELIUM_2026_01: &str = "helium-2026-01";

/// Parameters of the check `coverage-map`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageMapParams {
    /// Name of the rule profile.
    pub profile: String,
    /// Address of the device registry.
    pub device_registry: Address,
    /// Contract that commits to the oracle data.
    pub oracle: Address,
    /// Slot of its `mapping(uint256 area => mapping(uint256 epoch => bytes32 digest))`.
    pub oracle_slot: u64,
    /// Chain of both.
    pub chain_id: u64,
    /// Keys of those who may model coverage, strictly ascending.
    pub coverage_keys: Vec<Vec<u8>>,
    /// H3 cells of any resolution in which radios count, strictly ascending.
    pub geofence: Vec<u64>,
    /// Length of an epoch in seconds; epoch 0 starts in 1970.
    pub epoch_s: u64,
    /// Fewest hours of an epoch in which a radio must have been seen.
    pub min_heartbeats: u64,
    /// Distance from a radio to the farthest hex it says to cover at which it is not trusted, in metres.
    pub max_distance_to_coverage_m: u64,
    /// Longest distance from the asserted place with all trust, in metres.
    pub full_trust_m: u64,
    /// Longest distance from the asserted place with a quarter of it, in metres.
    pub quarter_trust_m: u64,
    /// Points of a hex covered from indoors, signal high and low.
    pub indoor_points: [u64; 2],
    /// Points of a hex covered from outdoors, signal high, medium and low.
    pub outdoor_points: [u64; 3],
    /// How long before the end of the epoch speed tests count, in seconds.
    pub speedtest_window_s: u64,
    /// Fastest speed that a test may show, in bytes per second.
    pub max_speed_bytes_s: u64,
}

impl CoverageMapParams {
    /// The values of the last production rules; contracts, chain, keys and places are the caller's.
    #[must_use]
    pub fn helium_2026_01(device_registry: Address, oracle: Address, chain_id: u64) -> Self {
        Self {
            profile: PROFILE_HELIUM_2026_01.into(),
            device_registry,
            oracle,
            oracle_slot: 0,
            chain_id,
            coverage_keys: Vec::new(),
            geofence: Vec::new(),
            epoch_s: 86_400,
            min_heartbeats: 12,
            max_distance_to_coverage_m: 3000,
            full_trust_m: 300,
            quarter_trust_m: 400,
            indoor_points: [400, 100],
            outdoor_points: [120, 60, 0],
            speedtest_window_s: 48 * 3600,
            // 300 Mbit/s
            max_speed_bytes_s: 37_500_000,
        }
    }

    /// The pinned hash of the parameters: SHA-256 of their encoding.
    #[must_use]
    pub fn hash(&self) -> Bytes32 {
        sha256(&self.encode())
    }
}

canonical!(CoverageMapParams);

/// How many numbers the parameters have.
const NUMBERS: usize = 12;

impl CoverageMapParams {
    fn encode_to(&self, e: &mut Encoder) {
        e.map(9).uint(0).uint(crate::abi::ABI_VERSION).uint(1).text(&self.profile);
        e.uint(2).bytes(&self.device_registry).uint(3).bytes(&self.oracle);
        e.uint(4).uint(self.oracle_slot).uint(5).uint(self.chain_id);
        e.uint(6).array(self.coverage_keys.len());
        for key in &self.coverage_keys {
            e.bytes(key);
        }
        e.uint(7).array(self.geofence.len());
        for cell in &self.geofence {
            e.uint(*cell);
        }
        let ([high, low], [strong, fair, weak]) = (self.indoor_points, self.outdoor_points);
        let numbers: [u64; NUMBERS] = [
            self.epoch_s,
            self.min_heartbeats,
            self.max_distance_to_coverage_m,
            self.full_trust_m,
            self.quarter_trust_m,
            high,
            low,
            strong,
            fair,
            weak,
            self.speedtest_window_s,
            self.max_speed_bytes_s,
        ];
        e.uint(8).array(NUMBERS);
        for number in numbers {
            e.uint(number);
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.map("params fields", 9)?;
        d.key(0)?;
        d.exactly("params version", crate::abi::ABI_VERSION)?;
        d.key(1)?;
        let profile = d.text("profile bytes", 64)?;
        d.key(2)?;
        let device_registry = d.fixed("address bytes")?;
        d.key(3)?;
        let oracle = d.fixed("address bytes")?;
        d.key(4)?;
        let oracle_slot = d.uint()?;
        d.key(5)?;
        let chain_id = d.uint()?;
        d.key(6)?;
        let coverage_keys = decode_keys(d, "coverage keys")?;
        d.key(7)?;
        let count = d.array("geofence cells", MAX_GEOFENCE)?;
        let mut geofence = Vec::new();
        for _ in 0..count {
            geofence.push(d.uint()?);
        }
        strictly_ascending("geofence cell", &geofence, |cell| *cell)?;
        d.key(8)?;
        d.tuple("numbers", NUMBERS)?;
        let mut numbers = [0; NUMBERS];
        for number in &mut numbers {
            *number = d.uint()?;
        }
        let [epoch_s, min_heartbeats, max_distance_to_coverage_m, full_trust_m, ..] = numbers;
        let [.., quarter_trust_m, high, low, strong, fair, weak, window_s, max_speed] = numbers;
        Ok(Self {
            profile: profile.into(),
            device_registry,
            oracle,
            oracle_slot,
            chain_id,
            coverage_keys,
            geofence,
            epoch_s,
            min_heartbeats,
            max_distance_to_coverage_m,
            full_trust_m,
            quarter_trust_m,
            indoor_points: [high, low],
            outdoor_points: [strong, fair, weak],
            speedtest_window_s: window_s,
            max_speed_bytes_s: max_speed,
        })
    }
}
