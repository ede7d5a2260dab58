//! Compact sync, made of what the beacon node behind this gateway has.
//!
//! ```text
//! GET /v1/light_client/compact/bootstrap/{root}                   one bootstrap
//! GET /v1/light_client/compact/updates?start_period=P&count=N     a batch
//! GET /v1/light_client/compact/finality_update | optimistic_update
//! ```
//!
//! The gateway only leaves things out; readers check what is left as they would check the whole. The
//! format is `heliotrope_verifier::chains::ethereum::compact`.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use anyhow::{Context as _, Result, bail};
use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use heliotrope_light_client::{
    decode,
    platform::{FetchRequest, FetchResponse, Platform as _},
};
use heliotrope_verifier::chains::ethereum::{
    ChainSpec, LightClientUpdate, SyncCommittee,
    compact::{CompactBootstrap, CompactUpdate, MAX_UPDATES, encode_batch},
};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::server::{Served, refuse};

/// Committees kept, 24.6 kB each: more than a client needs that starts from an allowed checkpoint.
const MAX_COMMITTEES: usize = 64;

/// Committees by period. The beacon node's word for them is all there is; a wrong one makes answers
/// that no client accepts, so it is forgotten when the node sends another.
#[derive(Debug, Default)]
pub(crate) struct Committees(Mutex<BTreeMap<u64, Arc<SyncCommittee>>>);

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Range {
    start_period: u64,
    count: u64,
}

/// The nodes behind this gateway, as far as compact sync is concerned.
struct Source<'a> {
    served: &'a Served,
    spec: &'a ChainSpec,
}

pub(crate) async fn bootstrap(
    State(served): State<Arc<Served>>,
    Path(root): Path<B256>,
) -> Response {
    answer(Source::of(&served).bootstrap(root).await)
}

pub(crate) async fn updates(
    State(served): State<Arc<Served>>,
    Query(range): Query<Range>,
) -> Response {
    answer(Source::of(&served).updates(range).await)
}

pub(crate) async fn finality_update(State(served): State<Arc<Served>>) -> Response {
    let source = Source::of(&served);
    let update = source.get("finality_update").await;
    let update = update.and_then(|bytes| Ok(decode::finality_update(&bytes, source.spec)?));
    answer(source.newest(update.map(Into::into)).await)
}

pub(crate) async fn optimistic_update(State(served): State<Arc<Served>>) -> Response {
    let source = Source::of(&served);
    let update = source.get("optimistic_update").await;
    let update = update.and_then(|bytes| Ok(decode::optimistic_update(&bytes, source.spec)?));
    answer(source.newest(update.map(Into::into)).await)
}

fn answer(made: Result<Vec<u8>>) -> Response {
    match made {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        Err(error) => refuse(StatusCode::BAD_GATEWAY, &format!("{error:#}")),
    }
}

impl<'a> Source<'a> {
    fn of(served: &'a Served) -> Self {
        Self { served, spec: &served.chain.spec }
    }

    /// An answer of the first beacon node that has it.
    async fn get(&self, resource: &str) -> Result<FetchResponse> {
        let mut said = Vec::new();
        for source in &self.served.beacons {
            let source = source.trim_end_matches('/');
            let url = format!("{source}/eth/v1/beacon/light_client/{resource}");
            match self.served.chain.platform.fetch(FetchRequest::ssz(url)).await {
                Ok(response) if response.status == 200 => return Ok(response),
                Ok(response) => said.push(format!("{source}: HTTP {}", response.status)),
                Err(error) => said.push(format!("{source}: {error}")),
            }
        }
        bail!("no beacon node has {resource}: {}", said.join("; "))
    }

    async fn bootstrap(&self, root: B256) -> Result<Vec<u8>> {
        let response = self.get(&format!("bootstrap/{root}")).await?;
        let full = decode::bootstrap(&response, self.spec)?;
        let bytes = CompactBootstrap::from_full(&full, self.spec).encode(self.spec)?;
        let period = self.period(full.header.beacon.slot);
        self.remember(period, full.current_sync_committee).await;
        Ok(bytes)
    }

    async fn updates(&self, range: Range) -> Result<Vec<u8>> {
        let mut compact = Vec::new();
        for update in self.full_updates(range).await? {
            compact.push(self.reduce(&update, false).await?);
            if let Some(committee) = update.next_sync_committee {
                let period = self.period(update.attested_header.beacon.slot);
                self.remember(period.saturating_add(1), committee).await;
            }
        }
        Ok(encode_batch(&compact, self.spec)?)
    }

    async fn newest(&self, update: Result<LightClientUpdate>) -> Result<Vec<u8>> {
        Ok(self.reduce(&update?, true).await?.encode(self.spec)?)
    }

    async fn full_updates(&self, range: Range) -> Result<Vec<LightClientUpdate>> {
        let most = u64::try_from(MAX_UPDATES).unwrap_or(u64::MAX);
        let (start, count) = (range.start_period, range.count.clamp(1, most));
        let response = self.get(&format!("updates?start_period={start}&count={count}")).await?;
        Ok(decode::updates(&response, self.spec)?)
    }

    async fn reduce(
        &self,
        update: &LightClientUpdate,
        keep_execution: bool,
    ) -> Result<CompactUpdate> {
        let signers = self.committee(self.period(update.signature_slot)).await?;
        Ok(CompactUpdate::from_full(update, &signers, keep_execution, self.spec)?)
    }

    /// The committee that signs in `period`: known from before, or from the update of the period before.
    async fn committee(&self, period: u64) -> Result<Arc<SyncCommittee>> {
        if let Some(known) = self.served.committees.0.lock().await.get(&period) {
            return Ok(Arc::clone(known));
        }
        let before = Range { start_period: period.saturating_sub(1), count: 1 };
        let update = self.full_updates(before).await?.pop();
        let found = update
            .filter(|u| self.period(u.attested_header.beacon.slot).saturating_add(1) == period)
            .and_then(|update| update.next_sync_committee);
        let committee = found.with_context(|| {
            format!("the committee of period {period} is not known: ask for a bootstrap first")
        })?;
        Ok(self.remember(period, committee).await)
    }

    async fn remember(&self, period: u64, committee: SyncCommittee) -> Arc<SyncCommittee> {
        let committee = Arc::new(committee);
        let mut known = self.served.committees.0.lock().await;
        known.insert(period, Arc::clone(&committee));
        while known.len() > MAX_COMMITTEES {
            known.pop_first();
        }
        committee
    }

    const fn period(&self, slot: u64) -> u64 {
        self.spec.compute_sync_committee_period_at_slot(slot)
    }
}
