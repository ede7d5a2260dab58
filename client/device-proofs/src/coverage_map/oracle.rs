//! What oracles say of an area: data sets about hexes, and the network's records about radios.
//!
//! None of it follows from what radios send, and nobody here can check it. It counts only if its hash stands on
//! a chain, where whoever is in charge of it wrote it; a verdict that rests on it is no better than that.

use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending};
use crate::{Bytes32, sha256};

/// Most hexes: those of resolution 12 in a cell of resolution 8.
const MAX_HEXES: usize = 2401;
/// Largest boost of a hex.
pub const MAX_BOOST: u32 = 1000;
const UUID_LEN: usize = 16;

/// `oracle_boosting_hex_assignment`: where a hex stands in a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the schema's")]
pub enum Assignment {
    A = 0,
    B = 1,
    C = 2,
}

/// What the data sets say of one hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HexAssignments {
    /// H3 cell, resolution 12.
    pub cell: u64,
    /// How many people pass.
    pub footfall: Assignment,
    /// How the land is used.
    pub landtype: Assignment,
    /// Whether it is in a town; C is outside of the country.
    pub urbanized: Assignment,
    /// Whether a service provider asks for coverage there, whatever the data sets say.
    pub service_provider_override: bool,
    /// What a service provider multiplies the points there with; 0 for nothing.
    pub boost: u32,
}

/// `device_type` of a gateway in the network's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DeviceType {
    /// CBRS radios: nothing is paid for them any more.
    Cbrs = 0,
    /// Wi-Fi, indoors.
    WifiIndoor = 1,
    /// Wi-Fi, outdoors.
    WifiOutdoor = 2,
    /// Wi-Fi that carries data and covers nothing.
    WifiDataOnly = 3,
}

/// `seniority_update_reason`: why a radio has the seniority it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SeniorityReason {
    /// No heartbeat was seen for 72 hours.
    HeartbeatNotSeen = 0,
    /// A new coverage object.
    NewCoverageClaimTime = 1,
    /// A service provider banned the radio.
    ServiceProviderBan = 2,
}

/// The seniority of a radio when the epoch began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seniority {
    /// The coverage object it was for.
    pub uuid: [u8; UUID_LEN],
    /// Since when it counts, in seconds since 1970.
    pub since_s: u64,
    /// When the radio was last seen, in seconds since 1970.
    pub last_heartbeat_s: u64,
    /// Why it is so.
    pub reason: SeniorityReason,
}

/// What the network's records say of one radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadioStatement {
    /// The registry's id of the radio.
    pub device_id: Bytes32,
    /// What it is.
    pub device_type: DeviceType,
    /// Its seniority; `None` if it had none.
    pub seniority: Option<Seniority>,
    /// How many subscribers it served, rolling over seven days.
    pub unique_connections: u32,
    /// Whether it is banned.
    pub banned: bool,
}

/// What oracles say of an area in an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OracleData {
    /// The hexes, strictly ascending by cell.
    pub hexes: Vec<HexAssignments>,
    /// The radios, strictly ascending by id.
    pub radios: Vec<RadioStatement>,
}

canonical!(OracleData);

impl OracleData {
    /// What a chain commits to: SHA-256 of the encoding.
    #[must_use]
    pub fn digest(&self) -> Bytes32 {
        sha256(&self.encode())
    }

    /// What is said of a hex.
    #[must_use]
    pub fn hex(&self, cell: u64) -> Option<&HexAssignments> {
        let place = self.hexes.binary_search_by_key(&cell, |hex| hex.cell).ok()?;
        self.hexes.get(place)
    }

    /// What is said of a radio.
    #[must_use]
    pub fn radio(&self, device_id: &Bytes32) -> Option<&RadioStatement> {
        self.radios.iter().find(|radio| radio.device_id == *device_id)
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.array(2).array(self.hexes.len());
        for hex in &self.hexes {
            e.array(2).uint(hex.cell).uint(hex.bits());
        }
        e.array(self.radios.len());
        self.radios.iter().for_each(|radio| radio.encode_to(e));
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("oracle fields", 2)?;
        let mut hexes = Vec::new();
        for _ in 0..d.array("hexes", MAX_HEXES)? {
            d.tuple("hex fields", 2)?;
            let (cell, got) = (d.uint()?, d.uint()?);
            let range = CborError::Range { what: "hex bits", got, expected: MAX_HEX_BITS };
            hexes.push(HexAssignments::from_bits(cell, got).ok_or(range)?);
        }
        strictly_ascending("hex", &hexes, |hex| hex.cell)?;
        let mut radios = Vec::new();
        for _ in 0..d.array("radios", super::MAX_RADIOS)? {
            radios.push(RadioStatement::decode_from(d)?);
        }
        strictly_ascending("radio", &radios, |radio| radio.device_id)?;
        Ok(Self { hexes, radios })
    }
}

// two bits for each of three data sets, one for the override, and the boost above them
const LANDTYPE_SHIFT: u32 = 2;
const URBANIZED_SHIFT: u32 = 4;
const OVERRIDE_SHIFT: u32 = 6;
const BOOST_SHIFT: u32 = 7;
const MAX_HEX_BITS: u64 = (MAX_BOOST as u64) << BOOST_SHIFT | 0b110_1010;

impl HexAssignments {
    fn bits(&self) -> u64 {
        self.footfall as u64
            | (self.landtype as u64) << LANDTYPE_SHIFT
            | (self.urbanized as u64) << URBANIZED_SHIFT
            | u64::from(self.service_provider_override) << OVERRIDE_SHIFT
            | u64::from(self.boost) << BOOST_SHIFT
    }

    fn from_bits(cell: u64, bits: u64) -> Option<Self> {
        let assignment = |shift: u32| match (bits >> shift) & 3 {
            0 => Some(Assignment::A),
            1 => Some(Assignment::B),
            2 => Some(Assignment::C),
            _ => None,
        };
        Some(Self {
            cell,
            footfall: assignment(0)?,
            landtype: assignment(LANDTYPE_SHIFT)?,
            urbanized: assignment(URBANIZED_SHIFT)?,
            service_provider_override: (bits >> OVERRIDE_SHIFT) & 1 == 1,
            boost: u32::try_from(bits >> BOOST_SHIFT).ok().filter(|boost| *boost <= MAX_BOOST)?,
        })
    }
}

// two bits for the device type, one for the ban, and the connections above them
const BANNED_SHIFT: u32 = 2;
const CONNECTIONS_SHIFT: u32 = 3;

impl RadioStatement {
    fn encode_to(&self, e: &mut Encoder) {
        let bits = self.device_type as u64
            | u64::from(self.banned) << BANNED_SHIFT
            | u64::from(self.unique_connections) << CONNECTIONS_SHIFT;
        e.array(3).bytes(&self.device_id).uint(bits);
        match &self.seniority {
            Some(seniority) => {
                e.array(4).bytes(&seniority.uuid).uint(seniority.since_s);
                e.uint(seniority.last_heartbeat_s).uint(seniority.reason as u64);
            }
            None => {
                e.array(0);
            }
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("statement fields", 3)?;
        let device_id = d.fixed("device id bytes")?;
        let bits = d.uint()?;
        let seniority = match d.array("seniority fields", 4)? {
            0 => None,
            4 => Some(Seniority {
                uuid: d.fixed("uuid bytes")?,
                since_s: d.uint()?,
                last_heartbeat_s: d.uint()?,
                reason: match d.uint()? {
                    0 => SeniorityReason::HeartbeatNotSeen,
                    1 => SeniorityReason::NewCoverageClaimTime,
                    2 => SeniorityReason::ServiceProviderBan,
                    got => {
                        return Err(CborError::Range {
                            what: "seniority reason",
                            got,
                            expected: 2,
                        });
                    }
                },
            }),
            got => {
                let got = got as u64;
                return Err(CborError::Range { what: "seniority fields", got, expected: 4 });
            }
        };
        let (got, expected) = (bits >> CONNECTIONS_SHIFT, u32::MAX.into());
        let range = CborError::Range { what: "connections", got, expected };
        Ok(Self {
            device_id,
            device_type: match bits & 3 {
                0 => DeviceType::Cbrs,
                1 => DeviceType::WifiIndoor,
                2 => DeviceType::WifiOutdoor,
                _ => DeviceType::WifiDataOnly,
            },
            seniority,
            unique_connections: u32::try_from(got).map_err(|_| range)?,
            banned: (bits >> BANNED_SHIFT) & 1 == 1,
        })
    }
}
