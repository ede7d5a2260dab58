//! Evidence that comes as a whole: what is signed in it is checked here, and somebody registered answers for it.
//!
//! A radio bundle, of either version, is its beaconer's. Everything else is handed in as a `Submission`, signed by a
//! registered device: storage evidence carries no key of its own, and what many devices signed is nobody's. A radio
//! bundle may be handed in so, too.
//!
//! Who earns by it: the beaconer by a radio bundle, whoever hands it in; who hands it in, by storage evidence. The
//! mobile kinds are about many devices and have one score, so nobody earns by them.

use heliotrope_device_proofs::{
    Bytes32,
    bundle::MAX_BUNDLE_LEN,
    evidence::{Evidence, EvidenceError, Ground},
    h3,
    keys::KeyError,
    registry,
    submission::{self, Submission},
};

use crate::gather::is_cell;

/// Largest evidence with who hands it in, in bytes.
pub(crate) const MAX_HANDED_IN_LEN: usize =
    MAX_BUNDLE_LEN + submission::MAX_KEY_LEN + submission::MAX_SIGNATURE_LEN + 32;

/// Evidence whose signatures hold.
#[derive(Clone, Debug)]
pub(crate) struct HandedIn {
    /// The bundle, as a check takes it.
    pub(crate) bundle: Vec<u8>,
    /// Who answers for it: a device that has to be registered.
    pub(crate) by: Bytes32,
    /// What decides its lane.
    pub(crate) ground: Ground,
    /// The device that earns by it.
    pub(crate) earns: Option<Bytes32>,
}

/// Why evidence is not taken in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum HandedInError {
    #[error("neither evidence nor a submission of it: {0}")]
    Encoding(String),
    #[error("{0}")]
    Evidence(#[from] EvidenceError),
    #[error("the submission is not signed by the key it names: {0}")]
    Submission(#[from] KeyError),
    #[error("evidence of this kind is handed in as a submission, signed by a registered device")]
    Nobodys,
    #[error("area {got:x} is no cell of the map, expected an H3 cell of resolution {expected}")]
    Area { got: u64, expected: u8 },
}

impl HandedIn {
    /// Reads evidence, or a submission of it, and checks every signature.
    pub(crate) fn open(bytes: &[u8]) -> Result<Self, HandedInError> {
        let (evidence, submission) = decode(bytes)?;
        if let Some(submission) = &submission {
            submission.authenticate()?;
        }
        evidence.authenticate()?;
        Self::of(bytes, &evidence, submission)
    }

    /// Reads what was opened before: signatures are not checked again.
    pub(crate) fn known(bytes: &[u8]) -> Result<Self, HandedInError> {
        let (evidence, submission) = decode(bytes)?;
        Self::of(bytes, &evidence, submission)
    }

    fn of(
        bytes: &[u8],
        evidence: &Evidence,
        submission: Option<Submission>,
    ) -> Result<Self, HandedInError> {
        let ground = on_the_map(evidence.ground()?)?;
        let sender = submission.as_ref().map(|sent| registry::device_id(&sent.public_key));
        let (by, earns) = match (evidence, ground) {
            (Evidence::Radio(_), Ground::Device(beaconer)) => {
                (sender.unwrap_or(beaconer), Some(beaconer))
            }
            (Evidence::Possession(_) | Evidence::Commp(_), _) => {
                (sender.ok_or(HandedInError::Nobodys)?, sender)
            }
            _ => (sender.ok_or(HandedInError::Nobodys)?, None),
        };
        let bundle = submission.map_or_else(|| bytes.to_vec(), |sent| sent.evidence);
        Ok(Self { bundle, by, ground, earns })
    }
}

/// An area is a cell of the map. Where it is none there is nobody to tell later: nothing of it is judged.
fn on_the_map(ground: Ground) -> Result<Ground, HandedInError> {
    match ground {
        Ground::Cell(got) if !is_cell(got, h3::MAP_RESOLUTION) => {
            Err(HandedInError::Area { got, expected: h3::MAP_RESOLUTION })
        }
        ground => Ok(ground),
    }
}

fn decode(bytes: &[u8]) -> Result<(Evidence, Option<Submission>), HandedInError> {
    let error = match Evidence::decode(bytes) {
        Ok(evidence) => return Ok((evidence, None)),
        Err(error) => error,
    };
    let submission = Submission::decode(bytes)
        .map_err(|other| HandedInError::Encoding(format!("{error}; {other}")))?;
    let evidence = Evidence::decode(&submission.evidence).map_err(EvidenceError::from)?;
    Ok((evidence, Some(submission)))
}

#[cfg(test)]
mod tests {
    use heliotrope_device_proofs::{
        coverage_map::CoverageMapBundle, data_transfer::DataTransferBundle,
    };

    use super::*;

    #[test]
    fn what_is_nobody_s_is_refused_and_so_is_a_key_that_did_not_sign() {
        let payer = vec![1; 33];
        let bundle = DataTransferBundle { payer, epoch: 1, sessions: Vec::new() }.encode();
        assert_eq!(HandedIn::open(&bundle).unwrap_err(), HandedInError::Nobodys);
        let (public_key, signature) = (vec![1; 33], vec![0; 64]);
        let submission = Submission { evidence: bundle, public_key, signature }.encode();
        let error = HandedIn::open(&submission).unwrap_err();
        assert!(matches!(error, HandedInError::Submission(_)), "{error}");
        assert!(matches!(HandedIn::open(b""), Err(HandedInError::Encoding(_))));
    }

    #[test]
    fn an_area_is_a_cell_of_the_map() {
        let cell = 0x0882_8308_281f_ffff_u64;
        assert_eq!(on_the_map(Ground::Cell(cell)), Ok(Ground::Cell(cell)));
        // no cell of H3, resolutions beside the map's, a base cell that there is not
        for other in [
            0,
            u64::MAX,
            cell | 1 << 63,
            cell ^ 1 << 59,
            cell | 1 << 56,
            h3::parent(cell, 7).unwrap_or_default(),
            0x0892_8308_2803_ffff,
            cell | 0x7f << 45,
        ] {
            let bundle = CoverageMapBundle { area: other, ..CoverageMapBundle::default() };
            let evidence = Evidence::CoverageMap(bundle);
            let expected = HandedInError::Area { got: other, expected: 8 };
            assert_eq!(HandedIn::of(&[], &evidence, None).unwrap_err(), expected);
        }
    }
}
