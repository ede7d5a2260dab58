//! Evidence of any kind that a check takes, told apart by the kind in its second field.
//!
//! What devices sign is checked here, before a module sees it. Storage evidence carries no signature: whoever hands it
//! in, the check judges the bytes alone.

use crate::bundle::KIND_HELIUM_POC;
use crate::cbor::CborError;
use crate::commp::{CommpSample, KIND_COMMP_SAMPLE};
use crate::coverage_map::{CoverageMapBundle, KIND_COVERAGE_MAP};
use crate::data_transfer::{DataTransferBundle, KIND_DATA_TRANSFER};
use crate::pdp::{KIND_POSSESSION_PROOF, PossessionProof};
use crate::provenance::EvidenceBundleV2;

/// Evidence, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// A beacon and its witnesses, of either version of the bundle.
    Radio(EvidenceBundleV2),
    /// A proof of possession.
    Possession(PossessionProof),
    /// A piece, or leaves of one.
    Commp(CommpSample),
    /// The radios that cover a map cell.
    CoverageMap(CoverageMapBundle),
    /// Sessions of data transfer.
    DataTransfer(DataTransferBundle),
}

/// Why evidence is not what devices signed.
#[cfg(feature = "verify")]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not the one encoding of evidence of a known kind.
    #[error(transparent)]
    Encoding(#[from] CborError),
    /// Of a beacon and its witnesses.
    #[error(transparent)]
    Radio(#[from] crate::provenance::ProvenanceError),
    /// Of the radios of a map cell.
    #[error(transparent)]
    CoverageMap(#[from] crate::coverage_map::CoverageMapError),
    /// Of sessions of data transfer.
    #[error(transparent)]
    DataTransfer(#[from] crate::data_transfer::DataTransferError),
}

impl Evidence {
    /// Reads evidence.
    ///
    /// # Errors
    /// If the bytes are not the one encoding of evidence of a known kind.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        Ok(match kind(bytes)? {
            KIND_HELIUM_POC => Self::Radio(EvidenceBundleV2::decode_any(bytes)?),
            KIND_POSSESSION_PROOF => Self::Possession(PossessionProof::decode(bytes)?),
            KIND_COMMP_SAMPLE => Self::Commp(CommpSample::decode(bytes)?),
            KIND_COVERAGE_MAP => Self::CoverageMap(CoverageMapBundle::decode(bytes)?),
            KIND_DATA_TRANSFER => Self::DataTransfer(DataTransferBundle::decode(bytes)?),
            got => {
                let (what, expected) = ("evidence kind", KIND_DATA_TRANSFER);
                return Err(CborError::Range { what, got, expected });
            }
        })
    }

    /// Checks every signature, and gives how many messages devices signed: none in storage evidence.
    ///
    /// # Errors
    /// Naming the first message that is not canonical or not signed by the key it names.
    #[cfg(feature = "verify")]
    pub fn authenticate(&self) -> Result<usize, EvidenceError> {
        Ok(match self {
            Self::Radio(bundle) => bundle.authenticate()?.witnesses.len().saturating_add(1),
            Self::CoverageMap(bundle) => {
                bundle.authenticate()?.radios().iter().fold(0, |sum: usize, radio| {
                    sum.saturating_add(1)
                        .saturating_add(radio.heartbeats.len())
                        .saturating_add(radio.speedtests.len())
                })
            }
            Self::DataTransfer(bundle) => bundle.authenticate()?.sessions().len(),
            Self::Possession(_) | Self::Commp(_) => 0,
        })
    }
}

/// Reads evidence and checks its signatures: how many messages devices signed.
///
/// # Errors
/// As [`Evidence::decode`] and [`Evidence::authenticate`].
#[cfg(feature = "verify")]
pub fn authenticate(bytes: &[u8]) -> Result<usize, EvidenceError> {
    Evidence::decode(bytes)?.authenticate()
}

/// The kind in `{0: version, 1: kind, …}`: both are less than 24, so each is one byte.
fn kind(bytes: &[u8]) -> Result<u64, CborError> {
    match bytes {
        [_, 0, _, 1, kind, ..] => Ok(u64::from(*kind)),
        [_, 0, _, got, ..] => Err(CborError::Key { at: 3, got: u64::from(*got), expected: 1 }),
        [_, got, ..] => Err(CborError::Key { at: 1, got: u64::from(*got), expected: 0 }),
        _ => Err(CborError::Truncated {
            at: bytes.len(),
            missing: 5_u64.saturating_sub(bytes.len() as u64),
        }),
    }
}
