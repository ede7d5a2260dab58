//! Why a sync stopped.

use alloy_primitives::B256;

use crate::{following::Refusal, platform::PlatformError};

/// The sync stopped.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// No source could be reached or had the data.
    #[error("{what}: no source answered; the last, {source_url}, said: {reason}")]
    Unavailable {
        /// What was asked for.
        what: &'static str,
        /// Who was asked last.
        source_url: String,
        /// What it said.
        reason: String,
    },
    /// A source's bytes do not decode.
    #[error("{what} from {source_url} does not decode: {reason}")]
    Decode {
        /// What was asked for.
        what: &'static str,
        /// Who sent it.
        source_url: String,
        /// Which field.
        reason: String,
    },
    /// A source's bytes break a rule of the specification.
    #[error("{what} from {source_url} is not valid: {reason}")]
    Invalid {
        /// What was asked for.
        what: &'static str,
        /// Who sent it.
        source_url: String,
        /// Which rule.
        reason: String,
    },
    /// The newest header is of a period whose committee no source proves.
    #[error(
        "sync stopped in period {got}, the newest header is of period {expected}: sources lack the updates between"
    )]
    Gap {
        /// Last period whose committee is known.
        got: u64,
        /// Period of the newest header.
        expected: u64,
    },
    /// The checkpoint is older than the validators' signatures can be relied on.
    #[error(
        "checkpoint {root} is {} days old, expected at most {}: whoever has left the validator set since \
         can sign another history. Name a newer checkpoint that you trust, or let several sources \
         agree on one, or accept its age explicitly",
        days(*age_s), days(*limit_s)
    )]
    CheckpointTooOld {
        /// The checkpoint.
        root: B256,
        /// Its age in seconds.
        age_s: u64,
        /// The oldest that is accepted, in seconds.
        limit_s: u64,
    },
    /// The machine failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

/// Days, with one decimal.
fn days(seconds: u64) -> String {
    let tenths = seconds.saturating_mul(10).div_euclid(24 * 3600);
    format!("{}.{}", tenths.div_euclid(10), tenths.rem_euclid(10))
}

impl SyncError {
    pub(crate) fn nobody(what: &'static str) -> Self {
        Self::unavailable(what, "none", "no source is set".into())
    }

    pub(crate) fn unavailable(what: &'static str, source: &str, reason: String) -> Self {
        Self::Unavailable { what, source_url: source.into(), reason }
    }

    pub(crate) fn refused(refusal: Refusal, what: &'static str, source: &str) -> Self {
        let source_url = source.to_owned();
        match refusal {
            Refusal::Decode(reason) => Self::Decode { what, source_url, reason },
            Refusal::Invalid(reason) => Self::Invalid { what, source_url, reason },
            Refusal::Gap { got, expected } => Self::Gap { got, expected },
        }
    }

    /// Of two errors the one that says more: that data did not hold says more than that none came.
    pub(crate) fn or(self, other: Self) -> Self {
        let judged = |error: &Self| matches!(error, Self::Decode { .. } | Self::Invalid { .. });
        if judged(&self) && !judged(&other) { self } else { other }
    }
}

impl Refusal {
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Decode(reason) | Self::Invalid(reason) => reason,
            Self::Gap { got, expected } => {
                format!("an update of period {expected}, committees are known to {got}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_in_days() {
        assert_eq!(days(14 * 24 * 3600), "14.0");
        assert_eq!(days(36 * 3600), "1.5");
    }

    #[test]
    fn what_was_judged_outweighs_what_was_not_sent() {
        let silent = || SyncError::nobody("updates");
        let invalid = || SyncError::refused(Refusal::Invalid("x".into()), "updates", "a");
        assert_eq!(invalid().or(silent()), invalid());
        assert_eq!(silent().or(invalid()), invalid());
    }
}
