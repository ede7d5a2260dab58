//! Which checkpoint to start from: independent sources must confirm it, or the user names one.
//!
//! A light client proves that headers descend from a checkpoint; it cannot prove the checkpoint.
//! So independent beacon nodes are asked whether that block is in their finalized chain (standard
//! Beacon API, `/eth/v1/beacon/headers/{root}`), and one that denies it stops the sync: a hostile
//! page must not be able to move a visitor to another chain by changing one file.

use alloy_primitives::B256;
use serde::Deserialize;

use crate::platform::{FetchRequest, Platform, PlatformError};

/// What one source said of a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Statement {
    /// The block is in its finalized chain, at this slot.
    Confirms {
        /// Slot of the block.
        slot: u64,
    },
    /// It does not know the block, or has another in its place.
    Denies,
    /// It gave no usable answer.
    Silent(PlatformError),
}

/// A source and what it said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckpointAnswer {
    /// Who was asked.
    pub source: String,
    /// What it said.
    pub statement: Statement,
}

/// The checkpoint cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A source has another chain.
    #[error(
        "checkpoint {root}: {source_url} does not have this block in its finalized chain; name \
         the checkpoint that you trust yourself"
    )]
    Denied {
        /// The checkpoint.
        root: B256,
        /// Who denies it.
        source_url: String,
    },
    /// Too few answered.
    #[error(
        "checkpoint {root}: {got} of {asked} sources confirm it, expected at least {expected}; \
         name the checkpoint that you trust yourself"
    )]
    TooFew {
        /// The checkpoint.
        root: B256,
        /// Sources that confirmed.
        got: usize,
        /// Sources that were asked.
        asked: usize,
        /// Sources that must confirm.
        expected: usize,
    },
}

#[derive(Deserialize)]
struct HeaderAnswer {
    finalized: bool,
    data: HeaderData,
}

#[derive(Deserialize)]
struct HeaderData {
    root: B256,
    canonical: bool,
    header: SignedHeader,
}

#[derive(Deserialize)]
struct SignedHeader {
    message: HeaderMessage,
}

#[derive(Deserialize)]
struct HeaderMessage {
    slot: String,
}

/// Asks every source whether `root` is in its finalized chain.
pub async fn ask<P: Platform>(
    platform: &P,
    sources: &[String],
    root: B256,
) -> Vec<CheckpointAnswer> {
    let mut answers = Vec::with_capacity(sources.len());
    for source in sources {
        let statement = ask_one(platform, source, root).await.unwrap_or_else(Statement::Silent);
        answers.push(CheckpointAnswer { source: source.clone(), statement });
    }
    answers
}

async fn ask_one<P: Platform>(
    platform: &P,
    source: &str,
    root: B256,
) -> Result<Statement, PlatformError> {
    let url = format!("{}/eth/v1/beacon/headers/{root}", source.trim_end_matches('/'));
    let response = platform.fetch(FetchRequest::json(url)).await?;
    match response.status {
        200 => {}
        404 => return Ok(Statement::Denies),
        other => return Err(PlatformError(format!("HTTP {other}"))),
    }
    let unusable = |e: String| PlatformError(format!("unusable answer: {e}"));
    let answer: HeaderAnswer =
        serde_json::from_slice(&response.body).map_err(|e| unusable(e.to_string()))?;
    let slot = answer.data.header.message.slot.parse().map_err(|_| unusable("slot".into()))?;
    let confirms = answer.data.root == root && answer.data.canonical && answer.finalized;
    Ok(if confirms { Statement::Confirms { slot } } else { Statement::Denies })
}

/// Whether at least `quorum` sources confirmed `root` and none denied it.
///
/// # Errors
///
/// When one denies it, or fewer than `quorum` confirm it.
pub fn agree(
    root: B256,
    answers: &[CheckpointAnswer],
    quorum: usize,
) -> Result<(), CheckpointError> {
    if let Some(answer) = answers.iter().find(|a| a.statement == Statement::Denies) {
        return Err(CheckpointError::Denied { root, source_url: answer.source.clone() });
    }
    let confirms = |a: &&CheckpointAnswer| matches!(a.statement, Statement::Confirms { .. });
    let got = answers.iter().filter(confirms).count();
    if got >= quorum {
        return Ok(());
    }
    Err(CheckpointError::TooFew { root, got, asked: answers.len(), expected: quorum })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(source: &str, statement: Statement) -> CheckpointAnswer {
        CheckpointAnswer { source: source.into(), statement }
    }

    fn silent() -> Statement {
        Statement::Silent(PlatformError("down".into()))
    }

    #[test]
    fn sources_that_confirm_are_enough() {
        let yes = Statement::Confirms { slot: 8 };
        let answers = [said("a", yes.clone()), said("b", silent()), said("c", yes)];
        assert_eq!(agree(B256::ZERO, &answers, 2), Ok(()));
    }

    #[test]
    fn one_that_denies_is_too_many() {
        let yes = Statement::Confirms { slot: 8 };
        let answers = [said("a", yes.clone()), said("b", yes), said("c", Statement::Denies)];
        let expected = CheckpointError::Denied { root: B256::ZERO, source_url: "c".into() };
        assert_eq!(agree(B256::ZERO, &answers, 2), Err(expected));
    }

    #[test]
    fn too_few_are_not_enough() {
        let answers = [said("a", Statement::Confirms { slot: 8 }), said("b", silent())];
        let expected = CheckpointError::TooFew { root: B256::ZERO, got: 1, asked: 2, expected: 2 };
        assert_eq!(agree(B256::ZERO, &answers, 2), Err(expected));
    }
}
