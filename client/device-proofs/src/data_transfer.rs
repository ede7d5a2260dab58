//! Evidence of data transfer sessions (Helium Mobile): bundle kind 5.
//!
//! ```text
//!  data_transfer_session_req_v1                       signed by the carrier: what it pays for
//!    └── data_transfer_event                          signed by the hotspot: what it carried
//! ```
//! A bundle holds the sessions of one payer in one epoch, as they were sent. Whoever reads it needs no
//! history: an event is in one epoch by its own time, and a bundle counts once per payer and epoch.
//!
//! [`DataTransferBundle::authenticate`] shows that every carrier signed its session, and that every event
//! that carries a signature was signed by the hotspot it names. Hotspots need not sign (the network verifies
//! the carrier alone): an event without a signature is the carrier's word, and a check must say so. That the
//! event is signed over its own encoding with `signature` empty follows the network's other messages; no
//! published record confirms it.
//!
//! Not known here: whether hotspot and carrier are registered, and what was burned on chain.

use crate::bundle::{BUNDLE_VERSION, Received, within_bundle};
use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending_by};
use crate::report::{self, MAX_MOBILE_REPORT_LEN, ReportError};
use crate::wire::mobile::{DataTransferEvent, DataTransferSessionReqV1};
use crate::{Address, Bytes32, sha256};

/// Kind of the bundle: data transfer sessions of one payer in one epoch.
pub const KIND_DATA_TRANSFER: u64 = 5;
/// Most sessions in a bundle.
pub const MAX_SESSIONS: usize = 512;
/// Longest key of a payer or a carrier, in bytes.
pub const MAX_KEY_LEN: usize = 1024;
/// Most keys of carriers in the parameters.
pub const MAX_ROUTING_KEYS: usize = 64;

/// Sessions of one payer in one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataTransferBundle {
    /// Key of the payer, Helium binary form.
    pub payer: Vec<u8>,
    /// Number of the epoch, see [`DataTransferParams::epoch_s`].
    pub epoch: u64,
    /// `data_transfer_session_req_v1` messages, ascending by receive time, then by SHA-256 of the message.
    pub sessions: Vec<Received>,
}

/// A session, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What the carrier signed.
    pub request: DataTransferSessionReqV1,
    /// What the hotspot says, out of the request.
    pub event: DataTransferEvent,
}

impl Session {
    /// Whether the hotspot signed: in an authenticated bundle, a signature that is there holds.
    #[must_use]
    pub const fn is_two_sided(&self) -> bool {
        !self.event.signature.is_empty()
    }
}

/// Sessions of a bundle, each signed by its carrier, and by its hotspot if it says so.
#[cfg(feature = "verify")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatedSessions {
    sessions: Vec<Session>,
    bundle_id: Bytes32,
}

#[cfg(feature = "verify")]
impl AuthenticatedSessions {
    /// The sessions, in the bundle's order.
    #[must_use]
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// The id of the bundle they came from.
    #[must_use]
    pub const fn bundle_id(&self) -> &Bytes32 {
        &self.bundle_id
    }
}

/// Why a bundle does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataTransferError {
    /// A session is not canonical, or not signed by the carrier it names.
    #[error("session {index}: {error}")]
    Session {
        /// Which one.
        index: usize,
        /// What is wrong with it.
        error: ReportError,
    },
    /// A session has no event in it.
    #[error("session {index} has no data transfer event, expected one")]
    NoEvent {
        /// Which one.
        index: usize,
    },
    /// The event carries a signature that is not of the hotspot it names.
    #[error("event of session {index}: {error}")]
    Event {
        /// Which one.
        index: usize,
        /// What is wrong with it.
        error: ReportError,
    },
}

/// Parameters of the check `data-transfer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataTransferParams {
    /// Name of the rule profile.
    pub profile: String,
    /// Address of the device registry.
    pub device_registry: Address,
    /// Contract that keeps what was burned.
    pub credits: Address,
    /// Slot of its `mapping(bytes32 payer => mapping(uint256 epoch => uint256 credits))`.
    pub burned_slot: u64,
    /// Chain of both.
    pub chain_id: u64,
    /// Network of the keys: high half of their first byte, 0x00 main or 0x10 test.
    pub network: u8,
    /// Keys of the carriers' routing services, strictly ascending.
    pub routing_keys: Vec<Vec<u8>>,
    /// Length of an epoch in seconds; epoch 0 starts in 1970.
    pub epoch_s: u64,
    /// Bytes that one data credit pays for.
    pub bytes_per_dc: u64,
}

/// The rules by which Helium Mobile pays since June 2026: the carrier's signature decides.
pub const PROFILE_HELIUM_2026_06: &str = "helium-2026-06";
/// The same, and the hotspot must have signed what it carried.
pub const PROFILE_TWO_SIDED_1: &str = "two-sided-1";
/// `BYTES_PER_DC` of `mobile_packet_verifier` in 2026.
pub const BYTES_PER_DC: u64 = 100_000;
/// The network's epoch: a day.
pub const EPOCH_S: u64 = 86_400;

impl DataTransferParams {
    /// The pinned hash of the parameters: SHA-256 of their encoding.
    #[must_use]
    pub fn hash(&self) -> Bytes32 {
        sha256(&self.encode())
    }
}

canonical!(DataTransferBundle, DataTransferParams);

impl DataTransferBundle {
    /// Puts the sessions in the bundle's order and drops exact repetitions.
    pub fn sort_sessions(&mut self) {
        Received::sort(&mut self.sessions);
    }

    /// The id of the bundle: SHA-256 of its encoding.
    #[must_use]
    pub fn id(&self) -> Bytes32 {
        sha256(&self.encode())
    }

    /// Decodes every session.
    ///
    /// # Errors
    /// Naming the first session that is not canonical or has no event.
    pub fn sessions(&self) -> Result<Vec<Session>, DataTransferError> {
        let decoded = self.sessions.iter().enumerate().map(|(index, received)| {
            let request = report::decode_data_transfer_session(&received.report);
            let request = request.map_err(|error| DataTransferError::Session { index, error })?;
            let event = request.data_transfer_usage.clone();
            Ok(Session { event: event.ok_or(DataTransferError::NoEvent { index })?, request })
        });
        decoded.collect()
    }

    /// Checks the signature of every carrier, and of every hotspot that signed.
    ///
    /// # Errors
    /// Naming the first session, and the key, that fails.
    #[cfg(feature = "verify")]
    pub fn authenticate(&self) -> Result<AuthenticatedSessions, DataTransferError> {
        use crate::report::SignedReport as _;
        let sessions = self.sessions()?;
        for (index, session) in sessions.iter().enumerate() {
            let request = session.request.authenticate();
            request.map_err(|error| DataTransferError::Session { index, error })?;
            if session.is_two_sided() {
                let event = session.event.authenticate();
                event.map_err(|error| DataTransferError::Event { index, error })?;
            }
        }
        Ok(AuthenticatedSessions { sessions, bundle_id: self.id() })
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.map(5).uint(0).uint(BUNDLE_VERSION).uint(1).uint(KIND_DATA_TRANSFER);
        e.uint(2).bytes(&self.payer).uint(3).uint(self.epoch);
        e.uint(4).array(self.sessions.len());
        self.sessions.iter().for_each(|session| session.encode_to(e));
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        within_bundle(d)?;
        d.map("bundle fields", 5)?;
        d.key(0)?;
        d.exactly("bundle version", BUNDLE_VERSION)?;
        d.key(1)?;
        d.exactly("bundle kind", KIND_DATA_TRANSFER)?;
        d.key(2)?;
        let payer = d.bytes("payer bytes", MAX_KEY_LEN)?.to_vec();
        d.key(3)?;
        let epoch = d.uint()?;
        d.key(4)?;
        let sessions = Received::decode_all(d, "sessions", MAX_SESSIONS, MAX_MOBILE_REPORT_LEN)?;
        Ok(Self { payer, epoch, sessions })
    }
}

impl DataTransferParams {
    fn encode_to(&self, e: &mut Encoder) {
        e.map(10).uint(0).uint(crate::abi::ABI_VERSION).uint(1).text(&self.profile);
        e.uint(2).bytes(&self.device_registry).uint(3).bytes(&self.credits);
        e.uint(4).uint(self.burned_slot).uint(5).uint(self.chain_id);
        e.uint(6).uint(u64::from(self.network)).uint(7).array(self.routing_keys.len());
        for key in &self.routing_keys {
            e.bytes(key);
        }
        e.uint(8).uint(self.epoch_s).uint(9).uint(self.bytes_per_dc);
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.map("params fields", 10)?;
        d.key(0)?;
        d.exactly("params version", crate::abi::ABI_VERSION)?;
        d.key(1)?;
        let profile = d.text("profile bytes", 64)?.into();
        d.key(2)?;
        let device_registry = d.fixed("address bytes")?;
        d.key(3)?;
        let credits = d.fixed("address bytes")?;
        d.key(4)?;
        let burned_slot = d.uint()?;
        d.key(5)?;
        let chain_id = d.uint()?;
        d.key(6)?;
        let network = d.small("network")?;
        d.key(7)?;
        let routing_keys = decode_keys(d, "routing keys")?;
        d.key(8)?;
        let epoch_s = d.uint()?;
        d.key(9)?;
        let bytes_per_dc = d.uint()?;
        Ok(Self {
            profile,
            device_registry,
            credits,
            burned_slot,
            chain_id,
            network,
            routing_keys,
            epoch_s,
            bytes_per_dc,
        })
    }
}

/// At most [`MAX_ROUTING_KEYS`] keys, strictly ascending.
pub(crate) fn decode_keys(
    d: &mut Decoder<'_>,
    what: &'static str,
) -> Result<Vec<Vec<u8>>, CborError> {
    let mut keys = Vec::new();
    for _ in 0..d.array(what, MAX_ROUTING_KEYS)? {
        keys.push(d.bytes("key bytes", MAX_KEY_LEN)?.to_vec());
    }
    strictly_ascending_by(what, &keys, |a, b| a < b)?;
    Ok(keys)
}
