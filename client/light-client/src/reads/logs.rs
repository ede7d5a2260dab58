//! Logs with completeness: every block of the range is accounted for, by its bloom filter where that excludes
//! the filter, by all of its receipts where it does not. A log that a source leaves out is a root that does not
//! come out.

use alloy_rpc_types_eth::{BlockNumberOrTag, Filter, FilterBlockOption, Log};

use super::{Heads, ReadFailure, Reads};
use crate::{execution::ProvenBlock, platform::Platform};

/// Longest range: each block costs at least one header.
pub const MAX_LOG_BLOCKS: u64 = 1024;

impl<P: Platform> Reads<P> {
    /// All logs that match, and none that does not, in their order.
    ///
    /// # Errors
    ///
    /// When a block of the range cannot be proven, or the range is longer than [`MAX_LOG_BLOCKS`].
    pub async fn logs(&self, heads: &Heads, filter: &Filter) -> Result<Vec<Log>, ReadFailure> {
        let (first, mut block) = match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => match self.resolve_hash(heads, hash).await? {
                Some(block) => (block.number, block),
                None => return Ok(Vec::new()),
            },
            FilterBlockOption::Range { from_block, to_block } => {
                let latest = BlockNumberOrTag::Latest;
                let last = self.resolve(heads, to_block.unwrap_or(latest)).await?;
                let first = match from_block.unwrap_or(latest) {
                    BlockNumberOrTag::Number(number) => number,
                    tag => self.resolve(heads, tag).await?.number,
                };
                (first, last)
            }
        };
        let got = block.number.saturating_sub(first).saturating_add(1);
        if got > MAX_LOG_BLOCKS {
            return Err(ReadFailure::RangeTooLong { got, max: MAX_LOG_BLOCKS });
        }
        let mut newest_first = Vec::new();
        while block.number >= first {
            let header = self.header(block.hash).await?;
            if filter.matches_bloom(header.logs_bloom) {
                newest_first.push(self.logs_of(&block, filter).await?);
            }
            let Some(number) = block.number.checked_sub(1) else { break };
            block = ProvenBlock { number, hash: header.parent_hash, ..block };
        }
        Ok(newest_first.into_iter().rev().flatten().collect())
    }

    async fn logs_of(&self, block: &ProvenBlock, filter: &Filter) -> Result<Vec<Log>, ReadFailure> {
        let receipts = self.receipts(block).await?;
        let matches = |log: &&Log| {
            filter.matches_address(log.address()) && filter.matches_topics(log.topics())
        };
        Ok(receipts.iter().flat_map(|r| r.logs()).filter(matches).cloned().collect())
    }
}
