//! What a radio check is told by others than the devices: its parameters, and each device's standing.
//!
//! ```text
//!  RadioParams ─ pinned by hash ─ profile, limits, regions, and where to look:
//!     standing     contract with one word per device (below), one bit per denied pair
//!     receivers    who is believed about receive times
//!     blockhashes  contract that keeps the chain's recent block hashes (EIP-2935)
//! ```
//! A source that the parameters do not name is not looked at; what that means for a rule is the check's to
//! say. A contract's word is proven, not true: who writes the standing is the contract's business.
//!
//! # Layout of the standing contract
//! `mapping(bytes32 deviceId => Standing)` at slot 0 and `mapping(bytes32 pairId => bool) denied` at slot 1,
//! with `pairId = keccak256(lower deviceId ‖ higher deviceId)`. `Standing` is one word, first member lowest:
//! `uint40 lastBeacon, uint40 lastValidBeacon, uint40 lastValidWitness, uint40 lastReceived, uint32 lastTmst,
//! uint16 hexScale, bool full, bool denied`.

use crate::abi::ABI_VERSION;
use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending};
use crate::registry::keccak256;
use crate::{Address, Bytes32, sha256};

/// Version of parameters that name sources; without any they have version 1.
const VERSION_WITH_SOURCES: u64 = 2;
/// Most receivers that parameters name.
const MAX_RECEIVERS: usize = 256;

/// The profile of the last production rules of the Helium network.
pub const PROFILE_HELIUM_2025_12: &str = "helium-2025-12";
/// The profile that closes what those rules leave open.
pub const PROFILE_STRICT_1: &str = "strict-1";

/// Where the chain keeps the hashes of its last blocks (EIP-2935, `HISTORY_STORAGE_ADDRESS`).
pub const HISTORY_STORAGE_ADDRESS: Address = [
    0x00, 0x00, 0xf9, 0x08, 0x27, 0xf1, 0xc5, 0x3a, 0x10, 0xcb, 0x7a, 0x02, 0x33, 0x5b, 0x17, 0x53,
    0x20, 0x00, 0x29, 0x35,
];
/// How many it keeps (EIP-2935, `HISTORY_SERVE_WINDOW`).
pub const HISTORY_SERVE_WINDOW: u32 = 8191;

/// Parameters of the check `coverage-radio`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadioParams {
    /// Name of the rule profile.
    pub profile: String,
    /// Address of the device registry.
    pub device_registry: Address,
    /// Chain of the device registry and of every other contract named here.
    pub chain_id: u64,
    /// Region number and its `blockchain_region_params_v1` bytes, ascending by number.
    pub regions: Vec<(u8, Vec<u8>)>,
    /// Longest distance, in whole kilometres after truncation.
    pub max_distance_km: u32,
    /// Shortest distance, in H3 cells of resolution 11.
    pub min_cells: u32,
    /// Longest delay of the first witness after the beacon, in milliseconds.
    pub max_lag_first_ms: u32,
    /// Longest delay of a witness after the first one, in milliseconds.
    pub max_lag_other_ms: u32,
    /// Most witnesses that count.
    pub max_selected: u32,
    /// How long entropy is valid, in seconds.
    pub entropy_window_s: u32,
    /// Largest difference of frequencies, in Hz.
    pub frequency_tolerance_hz: u32,
    /// Where else to look; `None` is version 1 of the parameters.
    pub sources: Option<RadioSources>,
}

/// Sources beyond the device registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RadioSources {
    /// Address of the contract that keeps the devices' standing.
    pub standing: Option<Address>,
    /// Ids of the keys that are believed about receive times, strictly ascending.
    pub receivers: Vec<Bytes32>,
    /// Where the blocks are kept that entropy is made of.
    pub blockhashes: Option<BlockHashes>,
}

/// A contract that keeps the hash of block `n` in the word `n mod ring`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHashes {
    /// Its address.
    pub address: Address,
    /// How many hashes it keeps.
    pub ring: u32,
    /// Shortest time between two blocks, in milliseconds.
    pub block_time_ms: u32,
    /// Longest time between a block and entropy made of it, in seconds.
    pub max_age_s: u32,
}

impl BlockHashes {
    /// Ethereum's own history: a slot of twelve seconds, entropy of every minute.
    #[must_use]
    pub const fn ethereum() -> Self {
        Self {
            address: HISTORY_STORAGE_ADDRESS,
            ring: HISTORY_SERVE_WINDOW,
            block_time_ms: 12_000,
            max_age_s: 120,
        }
    }

    /// The storage key of a block's hash; the first one if nothing is kept.
    #[must_use]
    pub fn slot(&self, block: u64) -> Bytes32 {
        word_of(block.checked_rem(u64::from(self.ring)).unwrap_or_default())
    }
}

impl RadioParams {
    /// The values of the last production rules, for a registry and its regions.
    #[must_use]
    pub fn helium_2025_12(
        device_registry: Address,
        chain_id: u64,
        regions: Vec<(u8, Vec<u8>)>,
    ) -> Self {
        Self {
            profile: PROFILE_HELIUM_2025_12.into(),
            device_registry,
            chain_id,
            regions,
            max_distance_km: 100,
            min_cells: 8,
            max_lag_first_ms: 4000,
            max_lag_other_ms: 1500,
            max_selected: 14,
            entropy_window_s: 180,
            frequency_tolerance_hz: 100_000,
            sources: None,
        }
    }

    /// The same values under the strict rules, which need their sources.
    #[must_use]
    pub fn strict_1(
        device_registry: Address,
        chain_id: u64,
        regions: Vec<(u8, Vec<u8>)>,
        sources: RadioSources,
    ) -> Self {
        Self {
            profile: PROFILE_STRICT_1.into(),
            sources: Some(sources),
            ..Self::helium_2025_12(device_registry, chain_id, regions)
        }
    }

    /// The pinned hash of the parameters: SHA-256 of their encoding.
    #[must_use]
    pub fn hash(&self) -> Bytes32 {
        sha256(&self.encode())
    }
}

canonical!(RadioParams);

impl RadioParams {
    fn encode_to(&self, e: &mut Encoder) {
        let (fields, version) = match self.sources {
            None => (12, ABI_VERSION),
            Some(_) => (15, VERSION_WITH_SOURCES),
        };
        e.map(fields).uint(0).uint(version).uint(1).text(&self.profile);
        e.uint(2).bytes(&self.device_registry).uint(3).uint(self.chain_id);
        e.uint(4).array(self.regions.len());
        for (region, params) in &self.regions {
            e.array(2).uint(u64::from(*region)).bytes(params);
        }
        for (key, value) in (5..).zip([
            self.max_distance_km,
            self.min_cells,
            self.max_lag_first_ms,
            self.max_lag_other_ms,
            self.max_selected,
            self.entropy_window_s,
            self.frequency_tolerance_hz,
        ]) {
            e.uint(key).uint(u64::from(value));
        }
        if let Some(sources) = &self.sources {
            sources.encode_to(e);
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        // 12 fields are 0xac, 15 are 0xaf
        let with_sources = d.peek() == Some(0xaf);
        let (fields, version) =
            if with_sources { (15, VERSION_WITH_SOURCES) } else { (12, ABI_VERSION) };
        d.map("params fields", fields)?;
        d.key(0)?;
        d.exactly("params version", version)?;
        d.key(1)?;
        let profile = d.text("profile bytes", 64)?.into();
        d.key(2)?;
        let device_registry = d.fixed("address bytes")?;
        d.key(3)?;
        let chain_id = d.uint()?;
        d.key(4)?;
        let regions = decode_regions(d)?;
        let mut number = |key| d.key(key).and_then(|()| d.small("parameter"));
        Ok(Self {
            profile,
            device_registry,
            chain_id,
            regions,
            max_distance_km: number(5)?,
            min_cells: number(6)?,
            max_lag_first_ms: number(7)?,
            max_lag_other_ms: number(8)?,
            max_selected: number(9)?,
            entropy_window_s: number(10)?,
            frequency_tolerance_hz: number(11)?,
            sources: with_sources.then(|| RadioSources::decode_from(d)).transpose()?,
        })
    }
}

fn decode_regions(d: &mut Decoder<'_>) -> Result<Vec<(u8, Vec<u8>)>, CborError> {
    let count = d.array("regions", 128)?;
    let mut regions = Vec::with_capacity(count);
    for _ in 0..count {
        d.tuple("region fields", 2)?;
        let region: u8 = d.small("region")?;
        regions.push((region, d.bytes("region params bytes", 16 * 1024)?.to_vec()));
    }
    strictly_ascending("region", &regions, |(region, _)| *region)?;
    Ok(regions)
}

impl RadioSources {
    fn encode_to(&self, e: &mut Encoder) {
        e.uint(12).array(usize::from(self.standing.is_some()));
        if let Some(address) = &self.standing {
            e.bytes(address);
        }
        e.uint(13).array(self.receivers.len());
        for receiver in &self.receivers {
            e.bytes(receiver);
        }
        e.uint(14).array(usize::from(self.blockhashes.is_some()));
        if let Some(b) = &self.blockhashes {
            e.array(4).bytes(&b.address).uint(b.ring.into());
            e.uint(b.block_time_ms.into()).uint(b.max_age_s.into());
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.key(12)?;
        let standing = match d.array("standing contracts", 1)? {
            0 => None,
            _ => Some(d.fixed("address bytes")?),
        };
        d.key(13)?;
        let mut receivers = Vec::new();
        for _ in 0..d.array("receivers", MAX_RECEIVERS)? {
            receivers.push(d.fixed("receiver id bytes")?);
        }
        strictly_ascending("receiver", &receivers, |id: &Bytes32| *id)?;
        d.key(14)?;
        let blockhashes = match d.array("block hash contracts", 1)? {
            0 => None,
            _ => {
                d.tuple("block hash contract fields", 4)?;
                Some(BlockHashes {
                    address: d.fixed("address bytes")?,
                    ring: d.small("ring")?,
                    block_time_ms: d.small("block time")?,
                    max_age_s: d.small("age")?,
                })
            }
        };
        Ok(Self { standing, receivers, blockhashes })
    }
}

/// What the network knows of a device from before. Zero is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When its last beacon was received, in seconds since 1970.
    pub last_beacon_s: u64,
    /// When its last beacon that counted was received, in seconds since 1970.
    pub last_valid_beacon_s: u64,
    /// When its last witness report that counted was received, in seconds since 1970.
    pub last_valid_witness_s: u64,
    /// When its last report of any kind was received, in seconds since 1970.
    pub last_received_s: u64,
    /// Concentrator counter of that report, in microseconds.
    pub last_tmst: u32,
    /// HIP-17 scale of its place, in ten-thousandths; 0 is none.
    pub hex_scale: u16,
    /// Whether it is a full hotspot, which may take part in proof of coverage.
    pub full: bool,
    /// Whether it is on the deny list.
    pub denied: bool,
}

impl Standing {
    /// Reads the word as it stands in storage (big endian); a `bool` is any byte but 0.
    #[must_use]
    pub fn from_word(word: &Bytes32) -> Self {
        let mut low = word.iter().rev();
        let mut number = |bytes: u32| {
            (0..bytes).fold(0_u64, |value, at| {
                let byte = low.next().copied().unwrap_or_default();
                value | (u64::from(byte) << at.saturating_mul(8))
            })
        };
        Self {
            last_beacon_s: number(5),
            last_valid_beacon_s: number(5),
            last_valid_witness_s: number(5),
            last_received_s: number(5),
            last_tmst: u32::try_from(number(4)).unwrap_or_default(),
            hex_scale: u16::try_from(number(2)).unwrap_or_default(),
            full: number(1) != 0,
            denied: number(1) != 0,
        }
    }

    /// The word as it stands in storage; times keep their low 40 bits.
    #[must_use]
    pub fn to_word(&self) -> Bytes32 {
        let numbers = [
            (self.last_beacon_s, 5),
            (self.last_valid_beacon_s, 5),
            (self.last_valid_witness_s, 5),
            (self.last_received_s, 5),
            (u64::from(self.last_tmst), 4),
            (u64::from(self.hex_scale), 2),
            (u64::from(self.full), 1),
            (u64::from(self.denied), 1),
        ];
        let low =
            numbers.into_iter().flat_map(|(value, len)| value.to_le_bytes().into_iter().take(len));
        let mut word = Bytes32::default();
        for (to, from) in word.iter_mut().rev().zip(low) {
            *to = from;
        }
        word
    }
}

/// The storage key of a device's standing.
#[must_use]
pub fn standing_slot(device_id: &Bytes32) -> Bytes32 {
    keccak256(&[device_id, &word_of(0)])
}

/// The storage key that says whether two devices may not witness each other, in either order.
#[must_use]
pub fn denied_pair_slot(a: &Bytes32, b: &Bytes32) -> Bytes32 {
    let pair = keccak256(&[a.min(b), a.max(b)]);
    keccak256(&[&pair, &word_of(1)])
}

fn word_of(number: u64) -> Bytes32 {
    let mut word = Bytes32::default();
    if let Some(low) = word.last_chunk_mut() {
        *low = number.to_be_bytes();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_survives_its_storage_form() {
        let standing = Standing {
            last_beacon_s: 1_790_000_000,
            last_valid_beacon_s: 1_790_000_001,
            last_valid_witness_s: (1 << 40) - 1,
            last_received_s: 3,
            last_tmst: u32::MAX - 1,
            hex_scale: 10_000,
            full: true,
            denied: false,
        };
        let word = standing.to_word();
        assert_eq!(word[..4], [0; 4]);
        assert_eq!(word[4..6], [0, 1]);
        assert_eq!(word[27..], 1_790_000_000_u64.to_be_bytes()[3..]);
        assert_eq!(Standing::from_word(&word), standing);
    }

    #[test]
    fn a_pair_has_no_order() {
        let (a, b) = ([1; 32], [2; 32]);
        assert_eq!(denied_pair_slot(&a, &b), denied_pair_slot(&b, &a));
        assert_ne!(denied_pair_slot(&a, &b), denied_pair_slot(&a, &a));
    }

    #[test]
    fn block_hashes_lie_in_a_ring() {
        let history = BlockHashes::ethereum();
        assert_eq!(history.slot(8191 + 5), word_of(5));
        assert_eq!(BlockHashes { ring: 0, ..history }.slot(7), word_of(0));
    }
}
