//! Filters that are polled: `eth_newFilter` and its family.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::{BlockNumberOrTag, Filter, FilterBlockOption, Log};
use heliotrope_light_client::reads::{Heads, MAX_LOG_BLOCKS};

use super::{
    Rpc,
    answer::{Answer, RpcError},
};

/// Most filters at a time; the one that was not polled for longest makes room.
const MAX_FILTERS: usize = 256;

/// A filter and how far it was polled.
#[derive(Clone, Debug)]
struct Polled {
    /// Logs that match; `None` is a filter of blocks.
    filter: Option<Filter>,
    /// Number of the first block that was not told yet.
    next: u64,
    used: u64,
}

/// All filters.
#[derive(Debug, Default)]
pub(crate) struct Filters(Mutex<(u64, BTreeMap<u64, Polled>)>);

impl Filters {
    /// A new filter, from the block after `head` on; gives its id.
    pub(crate) fn add(&self, filter: Option<Filter>, head: u64) -> U64 {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (clock, filters) = &mut *guard;
        *clock = clock.saturating_add(1);
        if filters.len() >= MAX_FILTERS
            && let Some(idle) = filters.iter().min_by_key(|(_, f)| f.used).map(|(id, _)| *id)
        {
            filters.remove(&idle);
        }
        filters.insert(*clock, Polled { filter, next: head.saturating_add(1), used: *clock });
        U64::from(*clock)
    }

    pub(crate) fn remove(&self, id: U64) -> bool {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guard.1.remove(&id.to()).is_some()
    }

    fn get(&self, id: U64) -> Result<Polled, RpcError> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (clock, filters) = &mut *guard;
        *clock = clock.saturating_add(1);
        let missing = || RpcError::server(format!("filter {id:#x} not found: make it anew"));
        let polled = filters.get_mut(&id.to()).ok_or_else(missing)?;
        polled.used = *clock;
        Ok(polled.clone())
    }

    /// What is new since the last poll. Only a poll that succeeds counts: nothing is lost by an error.
    pub(crate) async fn changes(
        &self,
        rpc: &Rpc,
        heads: &Heads,
        id: U64,
    ) -> Result<Answer, RpcError> {
        let polled = self.get(id)?;
        let head = heads.optimistic;
        // a poll after a long pause is told in pieces
        let most = polled.next.saturating_add(MAX_LOG_BLOCKS).saturating_sub(1);
        let last = head.number.min(most);
        let answer = match &polled.filter {
            Some(filter) => {
                let logs = new_logs(rpc, heads, filter, polled.next, last).await?;
                Answer::at(heads, &head, logs)
            }
            None => Answer::at(heads, &head, new_blocks(rpc, heads, polled.next, last).await?),
        };
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(polled) = guard.1.get_mut(&id.to()) {
            polled.next = polled.next.max(last.saturating_add(1));
        }
        Ok(answer)
    }

    /// All logs of a filter's own range.
    pub(crate) async fn logs(&self, rpc: &Rpc, heads: &Heads, id: U64) -> Result<Answer, RpcError> {
        let of_blocks = || RpcError::params(format!("filter {id:#x} is of blocks, not of logs"));
        let filter = self.get(id)?.filter.ok_or_else(of_blocks)?;
        Ok(Answer::at(heads, &heads.optimistic, rpc.reads.logs(heads, &filter).await?))
    }
}

/// The logs of the blocks `first` to `last`.
pub(crate) async fn new_logs(
    rpc: &Rpc,
    heads: &Heads,
    filter: &Filter,
    first: u64,
    last: u64,
) -> Result<Vec<Log>, RpcError> {
    if first > last {
        return Ok(Vec::new());
    }
    let number = |number| Some(BlockNumberOrTag::Number(number));
    let mut filter = filter.clone();
    filter.block_option =
        FilterBlockOption::Range { from_block: number(first), to_block: number(last) };
    Ok(rpc.reads.logs(heads, &filter).await?)
}

/// The hashes of the blocks `first` to `last`.
pub(crate) async fn new_blocks(
    rpc: &Rpc,
    heads: &Heads,
    first: u64,
    last: u64,
) -> Result<Vec<B256>, RpcError> {
    let mut hashes = Vec::new();
    for number in first..=last {
        hashes.push(rpc.reads.resolve(heads, BlockNumberOrTag::Number(number)).await?.hash);
    }
    Ok(hashes)
}
