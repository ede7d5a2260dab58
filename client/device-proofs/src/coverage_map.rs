//! Evidence of Wi-Fi coverage (Helium Mobile): bundle kind 4.
//!
//! ```text
//!  area, epoch
//!   └── radio ─┬─ coverage_object_req_v1    signed by whoever modelled it: the hexes
//!              ├─ wifi_heartbeat_req_v1 …   signed by the radio: it is there, and where
//!              └─ speedtest_req_v1 …        signed by the radio: its backhaul
//!  oracle data                              signed by nobody: a chain commits to its hash
//! ```
//! A bundle holds the radios that cover one map cell in one epoch, with their messages as they were sent;
//! hexes are ranked among them. Receive times are asserted by the gateway that took the messages in.
//!
//! [`CoverageMapBundle::authenticate`] shows that every message was signed by the key it names, and that all
//! messages of a radio are of that radio. It shows neither that the keys are known nor that no radio is left out.

use crate::bundle::{BUNDLE_VERSION, Received, within_bundle};
use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending_by};
use crate::report::{self, MAX_COVERAGE_OBJECT_LEN, MAX_MOBILE_REPORT_LEN, ReportError};
use crate::wire::mobile::{CoverageObjectReqV1, SpeedtestReqV1, WifiHeartbeatReqV1};
use crate::{Bytes32, sha256};

mod oracle;
mod params;

pub use oracle::{
    Assignment, DeviceType, HexAssignments, MAX_BOOST, OracleData, RadioStatement, Seniority,
    SeniorityReason,
};
pub use params::{CoverageMapParams, MAX_GEOFENCE, PROFILE_HELIUM_2026_01};

/// Kind of the bundle: the radios that cover a map cell.
pub const KIND_COVERAGE_MAP: u64 = 4;
/// Most radios in a bundle: with the two below, all that a check says of them fits into one output.
pub const MAX_RADIOS: usize = 25;
/// Most heartbeats of a radio: one per hour is all that counts.
pub const MAX_HEARTBEATS: usize = 24;
/// Most speed tests of a radio: the newest six count.
pub const MAX_SPEEDTESTS: usize = 12;
/// Longest key of a radio, in bytes.
const MAX_KEY_LEN: usize = 1024;
/// Largest oracle data, in bytes.
const MAX_ORACLE_LEN: usize = 96 * 1024;

/// The messages of one radio.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RadioEvidence {
    /// Key of the radio, Helium binary form.
    pub hotspot_key: Vec<u8>,
    /// Its `coverage_object_req_v1` as sent.
    pub coverage_object: Vec<u8>,
    /// Its `wifi_heartbeat_req_v1` messages, ascending by receive time, then by SHA-256 of the message.
    pub heartbeats: Vec<Received>,
    /// Its `speedtest_req_v1` messages, in the same order.
    pub speedtests: Vec<Received>,
}

/// The radios that cover a map cell in an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverageMapBundle {
    /// H3 cell of the map.
    pub area: u64,
    /// Number of the epoch, see [`CoverageMapParams::epoch_s`].
    pub epoch: u64,
    /// The radios, strictly ascending by key.
    pub radios: Vec<RadioEvidence>,
    /// What oracles say of the area, encoded; see [`OracleData`]. Empty for nothing.
    pub oracle: Vec<u8>,
}

/// The messages of one radio, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadioMessages {
    /// What it covers.
    pub coverage: CoverageObjectReqV1,
    /// Heartbeats, in the bundle's order.
    pub heartbeats: Vec<WifiHeartbeatReqV1>,
    /// Speed tests, in the bundle's order.
    pub speedtests: Vec<SpeedtestReqV1>,
}

/// The messages of a bundle, each signed by the key it names.
#[cfg(feature = "verify")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatedRadios {
    radios: Vec<RadioMessages>,
    bundle_id: Bytes32,
}

#[cfg(feature = "verify")]
impl AuthenticatedRadios {
    /// The radios, in the bundle's order.
    #[must_use]
    pub fn radios(&self) -> &[RadioMessages] {
        &self.radios
    }

    /// The id of the bundle they came from.
    #[must_use]
    pub const fn bundle_id(&self) -> &Bytes32 {
        &self.bundle_id
    }
}

/// Which message of a radio an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The coverage object.
    CoverageObject,
    /// A heartbeat, counted from 0.
    Heartbeat(usize),
    /// A speed test, counted from 0.
    Speedtest(usize),
}

impl core::fmt::Display for Message {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::CoverageObject => f.write_str("coverage object"),
            Self::Heartbeat(index) => write!(f, "heartbeat {index}"),
            Self::Speedtest(index) => write!(f, "speed test {index}"),
        }
    }
}

/// Why a bundle does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoverageMapError {
    /// A message is not canonical, or not signed by the key it names.
    #[error("{message} of radio {radio}: {error}")]
    Message {
        /// Which radio.
        radio: usize,
        /// Which of its messages.
        message: Message,
        /// What is wrong with it.
        error: ReportError,
    },
    /// A message of another radio.
    #[error("{message} of radio {radio} names another radio")]
    Foreign {
        /// Which radio.
        radio: usize,
        /// Which of its messages.
        message: Message,
    },
}

canonical!(CoverageMapBundle);

impl CoverageMapBundle {
    /// Puts radios and messages in the bundle's order and drops exact repetitions.
    pub fn sort(&mut self) {
        for radio in &mut self.radios {
            Received::sort(&mut radio.heartbeats);
            Received::sort(&mut radio.speedtests);
        }
        self.radios.sort_by(|a, b| a.hotspot_key.cmp(&b.hotspot_key));
    }

    /// The id of the bundle: SHA-256 of its encoding.
    #[must_use]
    pub fn id(&self) -> Bytes32 {
        sha256(&self.encode())
    }

    /// Decodes every message.
    ///
    /// # Errors
    /// Naming the first message that is not canonical or of another radio.
    pub fn radios(&self) -> Result<Vec<RadioMessages>, CoverageMapError> {
        let mut radios = Vec::new();
        for (index, radio) in self.radios.iter().enumerate() {
            radios.push(radio.messages(index)?);
        }
        Ok(radios)
    }

    /// Checks the signature of every message.
    ///
    /// # Errors
    /// Naming the first message, and the key, that fails.
    #[cfg(feature = "verify")]
    pub fn authenticate(&self) -> Result<AuthenticatedRadios, CoverageMapError> {
        let radios = self.radios()?;
        for (radio, messages) in radios.iter().enumerate() {
            messages.authenticate(radio)?;
        }
        Ok(AuthenticatedRadios { radios, bundle_id: self.id() })
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.map(6).uint(0).uint(BUNDLE_VERSION).uint(1).uint(KIND_COVERAGE_MAP);
        e.uint(2).uint(self.area).uint(3).uint(self.epoch).uint(4).array(self.radios.len());
        self.radios.iter().for_each(|radio| radio.encode_to(e));
        e.uint(5).bytes(&self.oracle);
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        within_bundle(d)?;
        d.map("bundle fields", 6)?;
        d.key(0)?;
        d.exactly("bundle version", BUNDLE_VERSION)?;
        d.key(1)?;
        d.exactly("bundle kind", KIND_COVERAGE_MAP)?;
        d.key(2)?;
        let area = d.uint()?;
        d.key(3)?;
        let epoch = d.uint()?;
        d.key(4)?;
        let count = d.array("radios", MAX_RADIOS)?;
        let mut radios = Vec::new();
        for _ in 0..count {
            radios.push(RadioEvidence::decode_from(d)?);
        }
        strictly_ascending_by("radio", &radios, |a, b| a.hotspot_key < b.hotspot_key)?;
        d.key(5)?;
        let oracle = d.bytes("oracle data bytes", MAX_ORACLE_LEN)?.to_vec();
        Ok(Self { area, epoch, radios, oracle })
    }
}

impl RadioEvidence {
    fn messages(&self, radio: usize) -> Result<RadioMessages, CoverageMapError> {
        let mut message = Message::CoverageObject;
        let decoded = self.decode_messages(&mut message);
        decoded.map_err(|error| match error {
            Some(error) => CoverageMapError::Message { radio, message, error },
            None => CoverageMapError::Foreign { radio, message },
        })
    }

    /// `message` is left at the one that does not hold; without an error it is of another radio.
    fn decode_messages(&self, message: &mut Message) -> Result<RadioMessages, Option<ReportError>> {
        let is_its = |key: &[u8]| if key == self.hotspot_key { Ok(()) } else { Err(None) };
        let coverage = report::decode_coverage_object(&self.coverage_object)?;
        is_its(&coverage.hotspot_key)?;
        // a serial number as well would name a CBRS radio
        is_its(if coverage.cbsd_id.is_empty() { &self.hotspot_key } else { &[] })?;
        let (mut heartbeats, mut speedtests) = (Vec::new(), Vec::new());
        for (index, received) in self.heartbeats.iter().enumerate() {
            *message = Message::Heartbeat(index);
            let heartbeat = report::decode_wifi_heartbeat(&received.report)?;
            is_its(&heartbeat.pub_key)?;
            heartbeats.push(heartbeat);
        }
        for (index, received) in self.speedtests.iter().enumerate() {
            *message = Message::Speedtest(index);
            let speedtest = report::decode_speedtest(&received.report)?;
            is_its(&speedtest.pub_key)?;
            speedtests.push(speedtest);
        }
        Ok(RadioMessages { coverage, heartbeats, speedtests })
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.array(4).bytes(&self.hotspot_key).bytes(&self.coverage_object);
        for messages in [&self.heartbeats, &self.speedtests] {
            e.array(messages.len());
            messages.iter().for_each(|message| message.encode_to(e));
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("radio fields", 4)?;
        Ok(Self {
            hotspot_key: d.bytes("key bytes", MAX_KEY_LEN)?.to_vec(),
            coverage_object: d.bytes("coverage object bytes", MAX_COVERAGE_OBJECT_LEN)?.to_vec(),
            heartbeats: Received::decode_all(
                d,
                "heartbeats",
                MAX_HEARTBEATS,
                MAX_MOBILE_REPORT_LEN,
            )?,
            speedtests: Received::decode_all(
                d,
                "speed tests",
                MAX_SPEEDTESTS,
                MAX_MOBILE_REPORT_LEN,
            )?,
        })
    }
}

#[cfg(feature = "verify")]
impl RadioMessages {
    fn authenticate(&self, radio: usize) -> Result<(), CoverageMapError> {
        use crate::report::SignedReport as _;
        let of = |message| move |error| CoverageMapError::Message { radio, message, error };
        self.coverage.authenticate().map_err(of(Message::CoverageObject))?;
        for (index, heartbeat) in self.heartbeats.iter().enumerate() {
            heartbeat.authenticate().map_err(of(Message::Heartbeat(index)))?;
        }
        for (index, speedtest) in self.speedtests.iter().enumerate() {
            speedtest.authenticate().map_err(of(Message::Speedtest(index)))?;
        }
        Ok(())
    }
}
