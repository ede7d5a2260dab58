//! Which checkpoint to start from: independent sources must confirm it, or the user names one.
//!
//! A light client proves that headers descend from a checkpoint; it cannot prove the checkpoint.
//! So independent beacon nodes are asked whether that block is in their finalized chain (standard
//! Beacon API, `/eth/v1/beacon/headers/{root}`), and one that denies it stops the sync: a hostile
//! page must not be able to move a visitor to another chain by changing one file. Where nobody names a
//! block, the sources are asked for theirs.

use alloy_primitives::B256;
use heliotrope_verifier::chains::ethereum::ChainSpec;
use serde::Deserialize;

use crate::{
    journal,
    platform::{FetchRequest, Platform, PlatformError},
};

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
    /// Nobody said which block to start from.
    #[error(
        "none of {asked} sources says what it has finalized ({reason}); name the checkpoint that \
         you trust yourself"
    )]
    Silent {
        /// Sources that were asked.
        asked: usize,
        /// What the last one said.
        reason: String,
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
    /// Older nodes do not say.
    finalized: Option<bool>,
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

/// The checkpoint to start from: the one that is `named` if the sources confirm it; else the one that was kept
/// from an earlier start if they still do; else the newest on which they agree.
///
/// A named one needs more than half of the sources. One that the sources themselves choose needs two at least.
///
/// # Errors
///
/// When a source denies it, or too few confirm it.
pub async fn find<P: Platform>(
    platform: &P,
    spec: &ChainSpec,
    named: Option<B256>,
    sources: &[String],
) -> Result<(B256, Vec<CheckpointAnswer>), CheckpointError> {
    let sources = independent(sources);
    let majority = sources.len().div_euclid(2).saturating_add(1);
    if let Some(root) = named {
        let answers = ask(platform, &sources, root).await;
        return agree(root, &answers, majority).map(|()| (root, answers));
    }
    let quorum = majority.max(2);
    if let Some(root) = journal::kept_checkpoint(platform, spec).await {
        let answers = ask(platform, &sources, root).await;
        if agree(root, &answers, quorum).is_ok() {
            return Ok((root, answers));
        }
    }
    choose(platform, &sources, quorum).await
}

/// Asks every source whether `root` is in its finalized chain.
async fn ask<P: Platform>(platform: &P, sources: &[String], root: B256) -> Vec<CheckpointAnswer> {
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
    let Some(answer) = header(platform, source, &root.to_string()).await? else {
        return Ok(Statement::Denies);
    };
    let slot = answer.slot()?;
    let is_final = match answer.finalized {
        Some(is_final) => is_final,
        None => slot <= finalized_of(platform, source).await?.slot,
    };
    let confirms = answer.data.root == root && answer.data.canonical && is_final;
    Ok(if confirms { Statement::Confirms { slot } } else { Statement::Denies })
}

/// A header as a source has it; `None` when it has none of that name.
async fn header<P: Platform>(
    platform: &P,
    source: &str,
    block_id: &str,
) -> Result<Option<HeaderAnswer>, PlatformError> {
    let url = format!("{}/eth/v1/beacon/headers/{block_id}", source.trim_end_matches('/'));
    let response = platform.fetch(FetchRequest::json(url)).await?;
    match response.status {
        200 => {}
        404 => return Ok(None),
        other => return Err(PlatformError(format!("HTTP {other}"))),
    }
    serde_json::from_slice(&response.body).map(Some).map_err(unusable)
}

#[allow(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn unusable(error: impl core::fmt::Display) -> PlatformError {
    PlatformError(format!("unusable answer: {error}"))
}

impl HeaderAnswer {
    fn slot(&self) -> Result<u64, PlatformError> {
        self.data.header.message.slot.parse().map_err(unusable)
    }
}

/// Whether at least `quorum` sources confirmed `root` and none denied it.
///
/// # Errors
///
/// When one denies it, or fewer than `quorum` confirm it.
fn agree(root: B256, answers: &[CheckpointAnswer], quorum: usize) -> Result<(), CheckpointError> {
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

/// The newest finalized block on which the sources agree: `quorum` of them have it, and nobody who has
/// finalized as much denies it.
///
/// ```text
/// a ──●────────●  finalized        newest first: is a's block in the finalized chain of b and c?
/// b ──●────●   finalized           b and c are behind it: they have no say in it
/// c ──●────●   finalized           b's block: a and c confirm it
/// ```
///
/// # Errors
///
/// When nobody says what it has finalized, one denies what another has, or too few agree.
async fn choose<P: Platform>(
    platform: &P,
    sources: &[String],
    quorum: usize,
) -> Result<(B256, Vec<CheckpointAnswer>), CheckpointError> {
    let mut heads = Vec::with_capacity(sources.len());
    for source in sources {
        heads.push(finalized_of(platform, source).await);
    }
    let mut candidates: Vec<Finalized> =
        heads.iter().filter_map(|head| head.clone().ok()).collect();
    candidates.sort_by_key(|head| core::cmp::Reverse(head.slot));
    candidates.dedup();
    let reason = heads.iter().filter_map(|head| head.as_ref().err()).next_back();
    let reason = reason.map_or_else(|| "no source is set".to_owned(), ToString::to_string);
    let mut outcome = Err(CheckpointError::Silent { asked: sources.len(), reason });
    for candidate in candidates {
        let mut answers = Vec::with_capacity(sources.len());
        for (source, head) in sources.iter().zip(&heads) {
            let statement = stand(platform, source, head, &candidate).await;
            answers.push(CheckpointAnswer { source: source.clone(), statement });
        }
        match agree(candidate.root, &answers, quorum) {
            Ok(()) => return Ok((candidate.root, answers)),
            Err(error @ CheckpointError::Denied { .. }) => return Err(error),
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// The same place twice is one source.
fn independent(sources: &[String]) -> Vec<String> {
    let mut places: Vec<String> = Vec::with_capacity(sources.len());
    for source in sources.iter().map(|source| source.trim_end_matches('/')) {
        if !places.iter().any(|place| place == source) {
            places.push(source.to_owned());
        }
    }
    places
}

/// What a source has finalized.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Finalized {
    slot: u64,
    root: B256,
}

/// What a source that has finalized `head` says of another's finalized block.
async fn stand<P: Platform>(
    platform: &P,
    source: &str,
    head: &Result<Finalized, PlatformError>,
    candidate: &Finalized,
) -> Statement {
    match head {
        Err(error) => Statement::Silent(error.clone()),
        Ok(head) if head.root == candidate.root => Statement::Confirms { slot: head.slot },
        Ok(head) if head.slot < candidate.slot => {
            let (here, there) = (head.slot, candidate.slot);
            Statement::Silent(PlatformError(format!(
                "finalized slot {here} only, asked for {there}"
            )))
        }
        Ok(_) => {
            let said = ask_one(platform, source, candidate.root).await;
            said.unwrap_or_else(Statement::Silent)
        }
    }
}

async fn finalized_of<P: Platform>(platform: &P, source: &str) -> Result<Finalized, PlatformError> {
    let answer = header(platform, source, "finalized").await?;
    let answer = answer.ok_or_else(|| PlatformError("HTTP 404".to_owned()))?;
    Ok(Finalized { slot: answer.slot()?, root: answer.data.root })
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use heliotrope_verifier::consensus::UnixSeconds;

    use super::*;
    use crate::platform::FetchResponse;

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

    /// Beacon nodes by their base address: blocks by slot, and how far they have finalized.
    struct Nodes(Vec<(&'static str, u64, Vec<u64>)>);

    fn root(slot: u64) -> B256 {
        B256::with_last_byte(u8::try_from(slot).unwrap())
    }

    impl Platform for Nodes {
        async fn fetch(&self, request: FetchRequest) -> Result<FetchResponse, PlatformError> {
            let (base, id) = request.url.split_once("/eth/v1/beacon/headers/").unwrap();
            let node = self.0.iter().find(|node| node.0 == base);
            let (_, finalized, blocks) = node.ok_or_else(|| PlatformError("down".into()))?;
            let wanted = |slot: &&u64| root(**slot).to_string() == id;
            let slot = if id == "finalized" { Some(finalized) } else { blocks.iter().find(wanted) };
            // a node of before that member was in the API
            let says = (base != "old").then_some(slot <= Some(finalized));
            let body = slot.map(|slot| {
                serde_json::json!({ "finalized": says, "data": {
                    "root": root(*slot), "canonical": true,
                    "header": { "message": { "slot": slot.to_string() } },
                }})
            });
            let status = if body.is_some() { 200 } else { 404 };
            let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
            Ok(FetchResponse { status, is_json: true, consensus_version: None, body })
        }

        async fn load(&self, _: &str) -> Result<Option<Vec<u8>>, PlatformError> {
            Ok(None)
        }

        async fn store(&self, _: &str, _: Vec<u8>) -> Result<(), PlatformError> {
            Ok(())
        }

        fn now(&self) -> UnixSeconds {
            UnixSeconds(0)
        }

        fn monotonic_ms(&self) -> u64 {
            0
        }

        async fn sleep(&self, _: Duration) {}

        fn random(&self) -> Result<[u8; 32], PlatformError> {
            Ok([0; 32])
        }
    }

    async fn found(
        nodes: Vec<(&'static str, u64, Vec<u64>)>,
        sources: &[&str],
    ) -> Result<B256, CheckpointError> {
        let sources: Vec<String> = sources.iter().map(|s| (*s).to_owned()).collect();
        find(&Nodes(nodes), &ChainSpec::mainnet(), None, &sources).await.map(|(root, _)| root)
    }

    #[tokio::test]
    async fn the_newest_that_enough_have_is_chosen() {
        let ahead = ("a", 24, vec![8, 16, 24]);
        let behind = ("b", 16, vec![8, 16]);
        assert_eq!(found(vec![ahead, behind], &["a", "b/"]).await, Ok(root(16)));
    }

    #[tokio::test]
    async fn a_node_that_does_not_say_what_is_final_is_asked_how_far_it_is() {
        let nodes = vec![("a", 8, vec![8]), ("old", 16, vec![8, 16])];
        assert_eq!(found(nodes, &["a", "old"]).await, Ok(root(8)));
        let early = Nodes(vec![("old", 8, vec![8, 16])]);
        let said = ask_one(&early, "old", root(16)).await;
        assert_eq!(said, Ok(Statement::Denies), "its head is not final");
    }

    #[tokio::test]
    async fn who_has_another_chain_stops_it() {
        let nodes = vec![("a", 16, vec![8, 16]), ("b", 16, vec![8, 16]), ("c", 15, vec![7, 15])];
        let denied = CheckpointError::Denied { root: root(15), source_url: "a".into() };
        // c has no say in a block that is newer than what it has finalized; a has one in c's
        assert_eq!(found(nodes, &["c", "a"]).await, Err(denied));
    }

    #[tokio::test]
    async fn one_source_is_no_agreement() {
        let nodes = || vec![("a", 16, vec![8, 16])];
        let too_few =
            |asked| CheckpointError::TooFew { root: root(16), got: 1, asked, expected: 2 };
        assert_eq!(found(nodes(), &["a"]).await, Err(too_few(1)));
        assert_eq!(found(nodes(), &["a", "a/"]).await, Err(too_few(1)), "the same one twice");
        assert_eq!(found(nodes(), &["a", "dead"]).await, Err(too_few(2)));
        let silent = CheckpointError::Silent { asked: 1, reason: "down".into() };
        assert_eq!(found(nodes(), &["dead"]).await, Err(silent));
    }
}
