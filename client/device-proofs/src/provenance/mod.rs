//! Version 2 of the evidence bundle: the bundle, and where its keys, times and entropy come from.
//!
//! ```text
//!  gateway key ─ signs ─ session key ─ signs ─ report ─ digest ─ receipt: receiver signs the time
//!  Solana blockhash ‖ second ─ BLAKE3 ─ entropy of the beacon
//! ```
//! All of it is optional, and version 1 stays what it is. What is there must be used and must hold: a
//! session that no report needs, or a receipt of no report in the bundle, is an error.
//!
//! Not checked here: whether the receiver is somebody to be believed about time, and whether the
//! blockhash is that of its slot. Both are facts about other systems.

mod entropy;
mod receipt;
mod session;

pub use entropy::EntropySource;
pub use receipt::Receipt;

use crate::bundle::{BundleError, EvidenceBundle, MAX_WITNESSES, within_bundle};
use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending};
use crate::report::{MAX_REPORT_LEN, ReportError, decode_session_init};
use crate::wire::LoraStreamSessionInitV1;

/// Version of the format.
pub const BUNDLE_VERSION_2: u64 = 2;
/// Fields of the encoding.
const FIELDS: usize = 8;
/// The first byte of the encoding: a map of so many fields.
const MAP_OF_FIELDS: u8 = 0xa8;
/// Most reports of a bundle, and so most sessions and most receipts.
const MAX_REPORTS: usize = MAX_WITNESSES + 1;

/// An evidence bundle with its provenance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceBundleV2 {
    /// What version 1 holds.
    pub bundle: EvidenceBundle,
    /// `lora_stream_session_init_v1` messages as sent, strictly ascending by bytes.
    pub sessions: Vec<Vec<u8>>,
    /// Receipts, strictly ascending by receive time, then digest.
    pub receipts: Vec<Receipt>,
    /// Where the entropy comes from.
    pub entropy_source: Option<EntropySource>,
}

/// Why provenance does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProvenanceError {
    /// The bundle inside does not hold.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A session init is not canonical, or not signed by the gateway it names.
    #[error("session {index}: {error}")]
    Session {
        /// Which one.
        index: usize,
        /// What is wrong with it.
        error: ReportError,
    },
    /// A second session of the same gateway.
    #[error("session {index} is a second one of its gateway, expected one")]
    SessionRepeated {
        /// Which one.
        index: usize,
    },
    /// No report in the bundle is of the gateway that a session names.
    #[error("session {index} is of a gateway without a report")]
    SessionUnused {
        /// Which one.
        index: usize,
    },
    /// A receipt is of no report in the bundle at that time.
    #[error("receipt {index} is of no report received at {got_ms} ms")]
    ReceiptUnused {
        /// Which one.
        index: usize,
        /// The time it names.
        got_ms: u64,
    },
    /// A receipt is not signed by the receiver it names.
    #[cfg(feature = "verify")]
    #[error("receipt {index}: {error}")]
    ReceiptSignature {
        /// Which one.
        index: usize,
        /// What is wrong with it.
        error: crate::keys::KeyError,
    },
    /// The blockhash and the second do not give the entropy.
    #[error(
        "entropy source gives {}, expected {}",
        crate::merkle::Hex(got),
        crate::merkle::Hex(expected)
    )]
    Entropy {
        /// What the source gives.
        got: Vec<u8>,
        /// Entropy of the bundle.
        expected: Vec<u8>,
    },
    /// The entropy was made after it started to be valid.
    #[error("entropy made at {got} s, expected at most {expected} s")]
    EntropyTime {
        /// When it was made.
        got: u64,
        /// When it starts to be valid.
        expected: u64,
    },
}

canonical!(EvidenceBundleV2);

impl EvidenceBundleV2 {
    /// Reads either version of the bundle; version 1 has no provenance.
    ///
    /// # Errors
    /// If the bytes are not the one encoding of a bundle within its limits.
    pub fn decode_any(bytes: &[u8]) -> Result<Self, CborError> {
        let mut d = Decoder::new(bytes);
        let has_provenance = d.peek() == Some(MAP_OF_FIELDS);
        let evidence = if has_provenance {
            Self::decode_from(&mut d)?
        } else {
            Self { bundle: EvidenceBundle::decode_from(&mut d)?, ..Self::default() }
        };
        d.finish()?;
        Ok(evidence)
    }

    /// Decodes every session init.
    ///
    /// # Errors
    /// [`ProvenanceError::Session`] naming the first that is not canonical.
    pub fn session_inits(&self) -> Result<Vec<LoraStreamSessionInitV1>, ProvenanceError> {
        let mut inits = Vec::new();
        for (index, bytes) in self.sessions.iter().enumerate() {
            let init = decode_session_init(bytes);
            inits.push(init.map_err(|error| ProvenanceError::Session { index, error })?);
        }
        Ok(inits)
    }

    /// Checks every signature of the bundle and its provenance.
    ///
    /// # Errors
    /// Naming the first report, session, receipt or source that does not hold.
    #[cfg(feature = "verify")]
    pub fn authenticate(&self) -> Result<crate::bundle::Reports, ProvenanceError> {
        let reports = self.bundle.reports()?;
        let sessions = session::authenticate(self.session_inits()?)?;
        session::authenticate_reports(&reports, &sessions)?;
        receipt::authenticate(&self.receipts, &self.bundle)?;
        if let Some(source) = &self.entropy_source {
            source.authenticate(&self.bundle.entropy)?;
        }
        Ok(reports)
    }

    /// Writes the bundle.
    pub fn encode_to(&self, e: &mut Encoder) {
        e.map(FIELDS).uint(0).uint(BUNDLE_VERSION_2);
        self.bundle.encode_fields(e);
        e.uint(5).array(self.sessions.len());
        for session in &self.sessions {
            e.bytes(session);
        }
        e.uint(6).array(self.receipts.len());
        self.receipts.iter().for_each(|receipt| receipt.encode_to(e));
        e.uint(7).array(usize::from(self.entropy_source.is_some()));
        if let Some(source) = &self.entropy_source {
            source.encode_to(e);
        }
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// If the bytes are not the one encoding of a bundle within its limits.
    pub fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        within_bundle(d)?;
        d.map("bundle fields", FIELDS)?;
        d.key(0)?;
        d.exactly("bundle version", BUNDLE_VERSION_2)?;
        let bundle = EvidenceBundle::decode_fields(d)?;
        d.key(5)?;
        let sessions = decode_sessions(d)?;
        d.key(6)?;
        let receipts = decode_receipts(d)?;
        d.key(7)?;
        let entropy_source = match d.array("entropy sources", 1)? {
            0 => None,
            _ => Some(EntropySource::decode_from(d)?),
        };
        Ok(Self { bundle, sessions, receipts, entropy_source })
    }
}

fn decode_sessions(d: &mut Decoder<'_>) -> Result<Vec<Vec<u8>>, CborError> {
    let mut sessions = Vec::new();
    for _ in 0..d.array("sessions", MAX_REPORTS)? {
        sessions.push(d.bytes("session bytes", MAX_REPORT_LEN)?.to_vec());
    }
    strictly_ascending("session", &sessions, Clone::clone)?;
    Ok(sessions)
}

fn decode_receipts(d: &mut Decoder<'_>) -> Result<Vec<Receipt>, CborError> {
    let mut receipts = Vec::new();
    for _ in 0..d.array("receipts", MAX_REPORTS)? {
        receipts.push(Receipt::decode_from(d)?);
    }
    strictly_ascending("receipt", &receipts, |r| (r.received_ms, r.digest))?;
    Ok(receipts)
}
