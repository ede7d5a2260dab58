//! Which version of a check judges, and which is announced, read from the check registry at a proven block.
//!
//! Trusts: the block. Does not say what is voted on and not yet pinned.

use alloy_primitives::{Address, B256, U256};
use heliotrope_contracts::{Version, check_count_slot, check_version_slots};

use super::anchor::MAX_VERSIONS;
use crate::{
    execution::{ProvenBlock, ReadError, prove_storage},
    platform::Platform,
};

/// The versions that matter at a block.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProvenVersions {
    /// Number of the version that judges, and what the registry says of it; `None` if none is active.
    pub active: Option<(u64, Version)>,
    /// Those that are announced, the first to come first.
    pub announced: Vec<(u64, Version)>,
    /// The trie nodes that prove both, each once: those that [`super::Anchor::pin`] reads.
    pub nodes: Vec<Vec<u8>>,
}

/// Reads the count, then every version from the newest down to the first that is active.
///
/// # Errors
/// When the carrier does not answer, or with what is not proven under the block.
pub async fn prove_versions<P: Platform>(
    platform: &P,
    rpc: &str,
    block: &ProvenBlock,
    registry: Address,
    check_id: B256,
) -> Result<ProvenVersions, ReadError> {
    let mut found = ProvenVersions::default();
    let count = prove_count(platform, rpc, block, registry, check_id).await?;
    found.keep(count.nodes);
    let count = count.count;
    let not_proven =
        |reason: String| ReadError::NotProven { address: registry, block: block.number, reason };
    for number in (1..=count).rev() {
        let slots = check_version_slots(check_id, number);
        let proven = prove_storage(platform, rpc, block, registry, &slots).await?;
        found.keep(proven.nodes);
        let words: [U256; 3] = proven
            .values
            .try_into()
            .map_err(|words: Vec<U256>| not_proven(format!("{} words, expected 3", words.len())))?;
        let version = Version::from_words(words);
        if version.active_from_s <= block.timestamp {
            found.active = Some((number, version));
            break;
        }
        found.announced.push((number, version));
    }
    // times only ascend: the last one that was met is the first to come
    found.announced.reverse();
    Ok(found)
}

/// The first version that pins a module, as `SettlementLedger.finalize` asks for it; `None` if none does.
///
/// # Errors
/// As [`prove_versions`].
pub async fn prove_version_of<P: Platform>(
    platform: &P,
    rpc: &str,
    block: &ProvenBlock,
    registry: Address,
    check_id: B256,
    module_hash: B256,
) -> Result<Option<u64>, ReadError> {
    let count = prove_count(platform, rpc, block, registry, check_id).await?.count;
    for number in 1..=count {
        let [slot, ..] = check_version_slots(check_id, number);
        let proven = prove_storage(platform, rpc, block, registry, &[slot]).await?;
        if proven.values.first().is_some_and(|word| B256::from(*word) == module_hash) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

struct Count {
    count: u64,
    nodes: Vec<Vec<u8>>,
}

async fn prove_count<P: Platform>(
    platform: &P,
    rpc: &str,
    block: &ProvenBlock,
    registry: Address,
    check_id: B256,
) -> Result<Count, ReadError> {
    let slot = check_count_slot(check_id);
    let proven = prove_storage(platform, rpc, block, registry, &[slot]).await?;
    let count = proven.values.first().copied().unwrap_or_default();
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    if count > MAX_VERSIONS {
        let reason = format!("{count} versions, at most {MAX_VERSIONS}");
        return Err(ReadError::NotProven { address: registry, block: block.number, reason });
    }
    Ok(Count { count, nodes: proven.nodes })
}

impl ProvenVersions {
    /// The next one to be active, if one is announced.
    #[must_use]
    pub fn next(&self) -> Option<(u64, Version)> {
        self.announced.first().copied()
    }

    fn keep(&mut self, nodes: Vec<Vec<u8>>) {
        for node in nodes {
            if !self.nodes.contains(&node) {
                self.nodes.push(node);
            }
        }
    }
}
