//! Evidence of any kind that a check takes, told apart by the kind in its second field.
//!
//! What devices sign is checked here, before a module sees it. Storage evidence carries no signature: whoever hands it
//! in, the check judges the bytes alone.
//!
//! # Where evidence is settled
//! | kind | ground |
//! |---|---|
//! | radio | where its beaconer is registered |
//! | coverage map | the area that it is about |
//! | possession, piece, data transfer | nowhere: a lane drawn from what it is about |
//!
//! Whatever can count only once is about one thing, so all of it meets in one lane, where the chain can see two of a
//! kind; and whoever is about many things has many lanes.

use crate::bundle::KIND_HELIUM_POC;
use crate::cbor::CborError;
use crate::commp::{CommpSample, KIND_COMMP_SAMPLE};
use crate::coverage_map::{CoverageMapBundle, KIND_COVERAGE_MAP};
use crate::data_transfer::{DataTransferBundle, KIND_DATA_TRANSFER};
use crate::pdp::{KIND_POSSESSION_PROOF, PossessionProof};
use crate::provenance::EvidenceBundleV2;
#[cfg(feature = "verify")]
use crate::{
    Bytes32,
    bundle::{BundleError, Subject},
    calldata::ProvePossession,
    epoch::MAX_LANES,
    h3,
    provenance::ProvenanceError,
    registry, report, sha256,
};

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

/// What decides the lane of a piece of evidence.
#[cfg(feature = "verify")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The place where the device with this id is registered.
    Device(Bytes32),
    /// An H3 cell.
    Cell(u64),
    /// No place: the lane is drawn from the name of what it is about.
    Nowhere(Bytes32),
}

#[cfg(feature = "verify")]
impl Ground {
    /// The lane, where it does not depend on a registry.
    #[must_use]
    pub fn lane(&self) -> Option<u32> {
        match self {
            Self::Device(_) => None,
            Self::Cell(cell) => Some(h3::lane(*cell)),
            Self::Nowhere(name) => {
                let drawn = name.first_chunk().copied().map(u64::from_be_bytes)?;
                u32::try_from(drawn.checked_rem(MAX_LANES as u64)?).ok()
            }
        }
    }
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
    Radio(#[from] ProvenanceError),
    /// Of a possession proof: calldata that names no data set.
    #[error(transparent)]
    Calldata(#[from] crate::calldata::CalldataError),
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

    /// What decides its lane.
    ///
    /// # Errors
    /// If a beacon or the calldata of a proof cannot be read.
    #[cfg(feature = "verify")]
    pub fn ground(&self) -> Result<Ground, EvidenceError> {
        let name =
            |kind: u64, what: &[u8]| Ground::Nowhere(sha256(&[&kind.to_be_bytes(), what].concat()));
        Ok(match self {
            Self::Radio(evidence) => {
                let beacon = report::decode_beacon(&evidence.bundle.beacon.report);
                let beacon =
                    beacon.map_err(|error| BundleError::Report { subject: Subject::Beacon, error });
                Ground::Device(registry::device_id(&beacon.map_err(ProvenanceError::from)?.pub_key))
            }
            Self::Possession(proof) => {
                let set_id = ProvePossession::decode(&proof.calldata)?.set_id;
                name(KIND_POSSESSION_PROOF, &set_id.to_be_bytes())
            }
            Self::Commp(sample) => name(KIND_COMMP_SAMPLE, &sample.piece_cid),
            Self::CoverageMap(bundle) => Ground::Cell(bundle.area),
            Self::DataTransfer(bundle) => name(KIND_DATA_TRANSFER, &bundle.payer),
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

#[cfg(all(test, feature = "verify"))]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_has_one_lane_of_all() {
        let lanes: std::collections::BTreeSet<u32> =
            (0..=u8::MAX).filter_map(|byte| Ground::Nowhere(sha256(&[byte])).lane()).collect();
        assert!(lanes.len() > 80 && lanes.iter().all(|lane| (*lane as usize) < MAX_LANES));
        assert_eq!(Ground::Nowhere([0xff; 32]).lane(), u32::try_from(u64::MAX % 122).ok());
        assert_eq!(Ground::Cell(0x0892_8308_2803_ffff).lane(), Some(20));
        assert_eq!(Ground::Device([0; 32]).lane(), None);
    }

    #[test]
    fn all_bundles_of_a_payer_meet_in_one_lane_whatever_is_in_them() {
        let bundle = |epoch| {
            let payer = vec![1; 33];
            Evidence::DataTransfer(DataTransferBundle { payer, epoch, sessions: Vec::new() })
        };
        assert_eq!(bundle(1).ground().unwrap(), bundle(2).ground().unwrap());
    }
}
