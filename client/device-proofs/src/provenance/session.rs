//! Session binding: a gateway signs a session key, the session key signs reports.
//!
//! A gateway with a session in the bundle must have signed with it; one without signs for itself, as
//! in version 1. The nonce is the stream server's; nothing here knows it.
#![cfg(feature = "verify")]

use super::ProvenanceError;
use crate::bundle::{BundleError, Reports, Subject};
use crate::keys::PublicKey;
use crate::report::{ReportError, SignedReport};
use crate::wire::LoraStreamSessionInitV1;
use std::collections::BTreeMap;

/// The session key of each gateway, and its place in the bundle.
pub(super) type Sessions = BTreeMap<Vec<u8>, (usize, PublicKey)>;

/// Checks that every session key is signed by the gateway it is named with.
pub(super) fn authenticate(
    inits: Vec<LoraStreamSessionInitV1>,
) -> Result<Sessions, ProvenanceError> {
    let mut sessions = Sessions::new();
    for (index, init) in inits.into_iter().enumerate() {
        let of = |error| ProvenanceError::Session { index, error };
        init.authenticate().map_err(of)?;
        let key = PublicKey::from_bytes(&init.session_key);
        let key = key.map_err(|error| of(ReportError::Signature(error)))?;
        if sessions.insert(init.pub_key, (index, key)).is_some() {
            return Err(ProvenanceError::SessionRepeated { index });
        }
    }
    Ok(sessions)
}

/// Checks the signature of every report, and that every session was needed.
pub(super) fn authenticate_reports(
    reports: &Reports,
    sessions: &Sessions,
) -> Result<(), ProvenanceError> {
    let of = |subject| move |error| BundleError::Report { subject, error };
    report(&reports.beacon, sessions).map_err(of(Subject::Beacon))?;
    for (index, witness) in reports.witnesses.iter().enumerate() {
        report(witness, sessions).map_err(of(Subject::Witness(index)))?;
    }
    for (gateway, (index, _)) in sessions {
        let mut witnesses = reports.witnesses.iter();
        let heard = witnesses.any(|witness| witness.pub_key == *gateway);
        if !heard && reports.beacon.pub_key != *gateway {
            return Err(ProvenanceError::SessionUnused { index: *index });
        }
    }
    Ok(())
}

fn report(report: &impl SignedReport, sessions: &Sessions) -> Result<(), ReportError> {
    match sessions.get(report.public_key()) {
        Some((_, key)) => Ok(key.verify(&report.signed_bytes(), report.signature())?),
        None => report.authenticate().map(drop),
    }
}
