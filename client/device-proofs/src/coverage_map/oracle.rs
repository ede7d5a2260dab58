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
    /// Key of the radio, Helium binary form.
    pub hotspot_key: Vec<u8>,
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
    /// The radios, strictly ascending by key.
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
    pub fn radio(&self, hotspot_key: &[u8]) -> Option<&RadioStatement> {
        self.radios.iter().find(|radio| radio.hotspot_key == hotspot_key)
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.array(2).array(self.hexes.len());
        for hex in &self.hexes {
            e.array(6).uint(hex.cell).uint(hex.footfall as u64).uint(hex.landtype as u64);
            e.uint(hex.urbanized as u64).uint(hex.service_provider_override.into());
            e.uint(hex.boost.into());
        }
        e.array(self.radios.len());
        self.radios.iter().for_each(|radio| radio.encode_to(e));
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("oracle data fields", 2)?;
        let mut hexes = Vec::new();
        for _ in 0..d.array("hexes", MAX_HEXES)? {
            d.tuple("hex fields", 6)?;
            hexes.push(HexAssignments {
                cell: d.uint()?,
                footfall: decode_assignment(d)?,
                landtype: decode_assignment(d)?,
                urbanized: decode_assignment(d)?,
                service_provider_override: decode_flag(d)?,
                boost: u32::try_from(at_most(d, "boost", MAX_BOOST.into())?).unwrap_or_default(),
            });
        }
        strictly_ascending("hex", &hexes, |hex| hex.cell)?;
        let mut radios = Vec::new();
        for _ in 0..d.array("radios", super::MAX_RADIOS)? {
            radios.push(RadioStatement::decode_from(d)?);
        }
        strictly_ascending("radio", &radios, |radio| radio.hotspot_key.clone())?;
        Ok(Self { hexes, radios })
    }
}

impl RadioStatement {
    fn encode_to(&self, e: &mut Encoder) {
        e.array(5).bytes(&self.hotspot_key).uint(self.device_type as u64);
        match &self.seniority {
            Some(seniority) => {
                e.array(4).bytes(&seniority.uuid).uint(seniority.since_s);
                e.uint(seniority.last_heartbeat_s).uint(seniority.reason as u64);
            }
            None => {
                e.array(0);
            }
        }
        e.uint(self.unique_connections.into()).uint(self.banned.into());
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("radio statement fields", 5)?;
        let hotspot_key = d.bytes("key bytes", super::MAX_KEY_LEN)?.to_vec();
        let device_type = match at_most(d, "device type", 3)? {
            0 => DeviceType::Cbrs,
            1 => DeviceType::WifiIndoor,
            2 => DeviceType::WifiOutdoor,
            _ => DeviceType::WifiDataOnly,
        };
        let seniority = match d.array("seniority fields", 4)? {
            0 => None,
            4 => Some(Seniority {
                uuid: d.fixed("uuid bytes")?,
                since_s: d.uint()?,
                last_heartbeat_s: d.uint()?,
                reason: match at_most(d, "seniority reason", 2)? {
                    0 => SeniorityReason::HeartbeatNotSeen,
                    1 => SeniorityReason::NewCoverageClaimTime,
                    _ => SeniorityReason::ServiceProviderBan,
                },
            }),
            got => {
                let got = got as u64;
                return Err(CborError::Range { what: "seniority fields", got, expected: 4 });
            }
        };
        let unique_connections = d.small("unique connections")?;
        let banned = decode_flag(d)?;
        Ok(Self { hotspot_key, device_type, seniority, unique_connections, banned })
    }
}

fn at_most(d: &mut Decoder<'_>, what: &'static str, expected: u64) -> Result<u64, CborError> {
    let got = d.uint()?;
    if got > expected { Err(CborError::Range { what, got, expected }) } else { Ok(got) }
}

fn decode_flag(d: &mut Decoder<'_>) -> Result<bool, CborError> {
    Ok(at_most(d, "flag", 1)? == 1)
}

fn decode_assignment(d: &mut Decoder<'_>) -> Result<Assignment, CborError> {
    Ok(match at_most(d, "assignment", 2)? {
        0 => Assignment::A,
        1 => Assignment::B,
        _ => Assignment::C,
    })
}
