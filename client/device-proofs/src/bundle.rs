//! The evidence bundle: one beacon, everyone who says to have heard it, and the entropy it answers.
//!
//! It holds the original report bytes untouched, so it stays verifiable when the gateway that
//! collected it is gone. Holding [`Authenticated`] proves that every report in the bundle was signed
//! by the key it names. It proves neither that the keys are registered nor the receive times.

use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending};
use crate::report::{self, MAX_REPORT_LEN, ReportError};
use crate::wire::{LoraBeaconReportReqV1, LoraWitnessReportReqV1};
use crate::{Bytes32, registry, sha256};

/// Version of the format.
pub const BUNDLE_VERSION: u64 = 1;
/// Kind of the bundle: a beacon of the Helium proof of coverage with its witnesses.
pub const KIND_HELIUM_POC: u64 = 1;
/// Most witnesses in a bundle.
pub const MAX_WITNESSES: usize = 256;
/// Largest bundle in bytes.
pub const MAX_BUNDLE_LEN: usize = 256 * 1024;
/// Largest entropy in bytes.
pub const MAX_ENTROPY_LEN: usize = 64;

/// The network's entropy of a minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entropy {
    /// The entropy.
    pub data: Vec<u8>,
    /// When it starts to be valid, in seconds since 1970.
    pub timestamp_s: u64,
    /// Version of the payload derivation.
    pub version: u32,
}

/// A report as it came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Receive time in milliseconds since 1970, asserted by the receiver.
    pub received_ms: u64,
    /// The report as the device sent it.
    pub report: Vec<u8>,
}

/// The evidence bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceBundle {
    /// What the beacon had to answer.
    pub entropy: Entropy,
    /// The beacon report.
    pub beacon: Received,
    /// The witness reports, ascending by receive time, then by SHA-256 of the report.
    pub witnesses: Vec<Received>,
}

/// Which report of a bundle an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The beacon report.
    Beacon,
    /// A witness report, counted from 0.
    Witness(usize),
}

impl core::fmt::Display for Subject {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Beacon => f.write_str("beacon"),
            Self::Witness(index) => write!(f, "witness {index}"),
        }
    }
}

/// Why a bundle does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The bytes are not a bundle.
    #[error("not an evidence bundle: {0}")]
    Format(#[from] CborError),
    /// A report in it does not hold.
    #[error("{subject} report: {error}")]
    Report {
        /// Which report.
        subject: Subject,
        /// What is wrong with it.
        error: ReportError,
    },
}

/// The reports of a bundle, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reports {
    /// The beacon report.
    pub beacon: LoraBeaconReportReqV1,
    /// The witness reports, in the bundle's order.
    pub witnesses: Vec<LoraWitnessReportReqV1>,
}

/// The reports of a bundle, each signed by the key it names.
#[cfg(feature = "verify")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    reports: Reports,
    bundle_id: Bytes32,
}

#[cfg(feature = "verify")]
impl Authenticated {
    /// The reports.
    #[must_use]
    pub const fn reports(&self) -> &Reports {
        &self.reports
    }

    /// The id of the bundle they came from.
    #[must_use]
    pub const fn bundle_id(&self) -> &Bytes32 {
        &self.bundle_id
    }
}

canonical!(EvidenceBundle);

impl EvidenceBundle {
    /// Puts the witnesses in the bundle's order and drops exact repetitions.
    pub fn sort_witnesses(&mut self) {
        Received::sort(&mut self.witnesses);
    }

    /// The id of the bundle: SHA-256 of its encoding.
    #[must_use]
    pub fn id(&self) -> Bytes32 {
        sha256(&self.encode())
    }

    /// Decodes every report.
    ///
    /// # Errors
    /// [`BundleError::Report`] naming the first report that is not canonical.
    pub fn reports(&self) -> Result<Reports, BundleError> {
        let of = |subject| move |error| BundleError::Report { subject, error };
        let beacon = report::decode_beacon(&self.beacon.report).map_err(of(Subject::Beacon))?;
        let mut witnesses = Vec::with_capacity(self.witnesses.len());
        for (index, witness) in self.witnesses.iter().enumerate() {
            let report = report::decode_witness(&witness.report);
            witnesses.push(report.map_err(of(Subject::Witness(index)))?);
        }
        Ok(Reports { beacon, witnesses })
    }

    /// Checks the signature of every report.
    ///
    /// # Errors
    /// [`BundleError::Report`] naming the first report, and the key, that fails.
    #[cfg(feature = "verify")]
    pub fn authenticate(&self) -> Result<Authenticated, BundleError> {
        use crate::report::SignedReport as _;
        let reports = self.reports()?;
        let of = |subject| move |error| BundleError::Report { subject, error };
        reports.beacon.authenticate().map_err(of(Subject::Beacon))?;
        for (index, witness) in reports.witnesses.iter().enumerate() {
            witness.authenticate().map_err(of(Subject::Witness(index)))?;
        }
        Ok(Authenticated { reports, bundle_id: self.id() })
    }

    /// The ids of all devices in the bundle, ascending, each once.
    ///
    /// # Errors
    /// [`BundleError::Report`] if a report does not decode.
    pub fn device_ids(&self) -> Result<Vec<Bytes32>, BundleError> {
        Ok(self.device_keys()?.iter().map(|key| registry::device_id(key)).collect())
    }

    /// The keys of all devices in the bundle, binary form, ascending, each once.
    ///
    /// # Errors
    /// [`BundleError::Report`] if a report does not decode.
    pub fn device_keys(&self) -> Result<Vec<Vec<u8>>, BundleError> {
        let reports = self.reports()?;
        let mut keys = vec![reports.beacon.pub_key];
        for witness in reports.witnesses {
            // one by one: the sorts and the sets of the library are much code in a check module
            if let Err(place) = keys.binary_search(&witness.pub_key) {
                keys.insert(place, witness.pub_key);
            }
        }
        Ok(keys)
    }

    /// Writes the bundle.
    pub fn encode_to(&self, e: &mut Encoder) {
        e.map(5).uint(0).uint(BUNDLE_VERSION);
        self.encode_fields(e);
    }

    /// Everything after the version: what both versions share.
    pub(crate) fn encode_fields(&self, e: &mut Encoder) {
        e.uint(1).uint(KIND_HELIUM_POC);
        e.uint(2).array(3).bytes(&self.entropy.data);
        e.uint(self.entropy.timestamp_s).uint(u64::from(self.entropy.version));
        self.beacon.encode_to(e.uint(3));
        e.uint(4).array(self.witnesses.len());
        self.witnesses.iter().for_each(|witness| witness.encode_to(e));
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// If the bytes are not the one encoding of a bundle within its limits.
    pub fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        within_bundle(d)?;
        d.map("bundle fields", 5)?;
        d.key(0)?;
        d.exactly("bundle version", BUNDLE_VERSION)?;
        Self::decode_fields(d)
    }

    pub(crate) fn decode_fields(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.key(1)?;
        d.exactly("bundle kind", KIND_HELIUM_POC)?;
        d.key(2)?;
        d.tuple("entropy fields", 3)?;
        let entropy = Entropy {
            data: d.bytes("entropy bytes", MAX_ENTROPY_LEN)?.to_vec(),
            timestamp_s: d.uint()?,
            version: d.small("entropy version")?,
        };
        d.key(3)?;
        let beacon = Received::decode_from(d, MAX_REPORT_LEN)?;
        d.key(4)?;
        let witnesses = Received::decode_all(d, "witnesses", MAX_WITNESSES, MAX_REPORT_LEN)?;
        Ok(Self { entropy, beacon, witnesses })
    }
}

impl Received {
    /// By receive time, then by SHA-256 of the report.
    fn order(&self) -> (u64, Bytes32) {
        (self.received_ms, sha256(&self.report))
    }

    pub(crate) fn encode_to(&self, e: &mut Encoder) {
        e.array(2).uint(self.received_ms).bytes(&self.report);
    }

    fn decode_from(d: &mut Decoder<'_>, max_len: usize) -> Result<Self, CborError> {
        d.tuple("received report fields", 2)?;
        let received_ms = d.uint()?;
        Ok(Self { received_ms, report: d.bytes("report bytes", max_len)?.to_vec() })
    }

    /// At most `max` of them, strictly ascending.
    pub(crate) fn decode_all(
        d: &mut Decoder<'_>,
        what: &'static str,
        max: usize,
        max_len: usize,
    ) -> Result<Vec<Self>, CborError> {
        let count = d.array(what, max)?;
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(Self::decode_from(d, max_len)?);
        }
        strictly_ascending(what, &all, Self::order)?;
        Ok(all)
    }

    /// Puts reports into the order of a bundle and drops exact repetitions.
    pub(crate) fn sort(all: &mut Vec<Self>) {
        all.sort_by_cached_key(Self::order);
        all.dedup();
    }
}

/// Fails if a bundle is longer than any may be.
pub(crate) fn within_bundle(d: &Decoder<'_>) -> Result<(), CborError> {
    let (got, expected) = (d.remaining() as u64, MAX_BUNDLE_LEN as u64);
    if got > expected {
        return Err(CborError::Range { what: "bundle bytes", got, expected });
    }
    Ok(())
}
