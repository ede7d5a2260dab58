//! Closes epochs: judges every lane, proposes its roots, and publishes only when the ledger's own
//! storage, proven under a finalized header, says what was computed here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use alloy::{
    consensus::Header,
    network::EthereumWallet,
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{B256, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::{
    STATUS_REFUTED, Settlement,
    abi::ISettlementLedger::{self, ISettlementLedgerInstance},
    settlement_slots,
};
use heliotrope_device_proofs::{
    Bytes32,
    epoch::{EpochManifest, LaneManifest},
    evidence::Ground,
};
use heliotrope_host::ModuleSet;
use heliotrope_light_client::execution::ProvenBlock;
use tokio::sync::{Notify, watch};

use crate::{
    chain::{Chain, Head},
    devices::Devices,
    files::EpochFiles,
    gather::{Gathered, gather, place},
    lane::{Bench, LaneResult, roots, settle_lane},
    payout::Payout,
    pinned::{self, PinnedCheck, prove_pins},
    receipt_log::ReceiptLog,
    rewards::Rewards,
    upcoming::{self, Beside, Upcoming},
};

/// Longest pause after failures.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// How long a proposal may take to be mined.
pub(crate) const INCLUSION_TIMEOUT: Duration = Duration::from_secs(120);

/// What the settler is doing, for `/v1/status`.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(crate) struct Settling {
    /// Epoch in work.
    pub(crate) epoch: Option<u64>,
    /// What is being done.
    pub(crate) phase: &'static str,
    /// Check module that judges, sha256.
    pub(crate) module: Option<String>,
    /// Bundles judged in the epoch in work or the last one.
    pub(crate) bundles: usize,
    /// Those of them that pass and have counted already; `left-out.json` of their lanes names them.
    pub(crate) left_out: usize,
    /// What the announced version would have said of it.
    pub(crate) next_version: Option<Beside>,
    /// What stopped the last attempt.
    pub(crate) error: Option<String>,
}

/// The settler's parts.
#[derive(Debug)]
pub(crate) struct Settler {
    pub(crate) chain: Chain,
    pub(crate) devices: Arc<Devices>,
    pub(crate) log: Arc<ReceiptLog>,
    pub(crate) files: EpochFiles,
    pub(crate) rewards: Rewards,
    pub(crate) payout: Payout,
    pub(crate) modules: Arc<ModuleSet>,
    pub(crate) modules_dir: PathBuf,
    pub(crate) upcoming: watch::Receiver<Option<Upcoming>>,
    pub(crate) rpc: String,
    pub(crate) key: PrivateKeySigner,
    pub(crate) wake: Arc<Notify>,
    pub(crate) status: watch::Sender<Settling>,
}

type Lanes = BTreeMap<u32, BTreeMap<u64, Vec<Gathered>>>;

impl Settler {
    /// Works through closed epochs for ever; an epoch that fails is tried again.
    pub(crate) async fn run(mut self) {
        let mut backoff = Duration::from_secs(1);
        loop {
            match self.settle_pending().await {
                Ok(()) => {
                    backoff = Duration::from_secs(1);
                    self.rest().await;
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(%error, "settlement");
                    self.status.send_modify(|s| s.error = Some(error));
                    tokio::time::sleep(backoff).await;
                    backoff = backoff.saturating_mul(2).min(MAX_BACKOFF);
                }
            }
        }
    }

    /// Until an epoch is closed; meanwhile what was settled is made final and paid out, from the same account and
    /// therefore by the same hand.
    async fn rest(&mut self) {
        let ledger = match self.ledger().await {
            Ok(ledger) => ledger,
            Err(error) => {
                tracing::warn!(%error, "the ledger");
                return self.wake.notified().await;
            }
        };
        let wake = Arc::clone(&self.wake);
        tokio::select! {
            () = wake.notified() => {}
            () = self.payout.run(&ledger) => {}
        }
    }

    async fn settle_pending(&self) -> Result<()> {
        for epoch in self.log.pending_epochs()? {
            self.settle(epoch).await.with_context(|| format!("epoch {epoch}"))?;
        }
        Ok(())
    }

    fn phase(&self, phase: &'static str) {
        tracing::info!(phase, "settlement");
        self.status.send_modify(|s| s.phase = phase);
    }

    async fn settle(&self, epoch: u64) -> Result<()> {
        self.status.send_modify(|s| *s = Settling { epoch: Some(epoch), ..Settling::default() });
        self.phase("gathering");
        let gathering = gather(self.log.receipts_of(epoch)?);
        let (bundles, orphans) = (gathering.bundles.len(), gathering.orphans);
        tracing::info!(epoch, bundles, orphans, gathering.without_entropy, "gathered");
        self.status.send_modify(|s| s.bundles = bundles);
        // one block for the places and for the facts: a device that moves in between would be in two lanes at once
        let anchor = self.chain.wait_for(|_| true).await?.block;
        let lanes = self.by_lane(&anchor, gathering.bundles).await?;
        let (mut manifests, check) = self.settle_lanes(epoch, &anchor, lanes).await?;
        manifests.sort_by_key(|m| m.lane);
        self.beside(epoch, &check, &manifests).await;
        self.phase("waiting for finality");
        let head = self.prove_settled(epoch, &manifests).await?;
        let manifest = EpochManifest {
            epoch,
            check_id: self.chain.deployed.check_id.into(),
            chain_id: self.chain.deployed.network.chain_id,
            lanes: manifests,
        };
        self.files.write_manifest(&manifest)?;
        self.log.publish(epoch)?;
        self.phase("published");
        tracing::info!(epoch, block = head.block.number, "settlement is final and proven");
        Ok(())
    }

    /// Sorts bundles into lanes and areas by what they are about; a device's, by where it is registered at the anchor.
    async fn by_lane(&self, anchor: &ProvenBlock, bundles: Vec<Gathered>) -> Result<Lanes> {
        let ids: BTreeSet<Bytes32> = bundles
            .iter()
            .filter_map(|gathered| match gathered.ground {
                Ground::Device(id) => Some(id),
                Ground::Cell(_) | Ground::Nowhere(_) => None,
            })
            .collect();
        let devices = self.devices.active_at(anchor, &ids).await?;
        let mut lanes = Lanes::new();
        for gathered in bundles {
            let cell_of = |id: &Bytes32| devices.get(id).map(|radio| radio.cell);
            if let Some((lane, area)) = place(&gathered.ground, cell_of) {
                lanes.entry(lane).or_default().entry(area).or_default().push(gathered);
            }
        }
        Ok(lanes)
    }

    /// The announced version judges the epoch too. It is already proposed: nothing of this counts, or holds it up.
    async fn beside(&self, epoch: u64, check: &PinnedCheck, manifests: &[LaneManifest]) {
        let Some(next) = self.upcoming.borrow().as_ref().and_then(Upcoming::ready) else { return };
        self.phase("judging by the next version");
        let modules = (&*self.modules, self.modules_dir.as_path());
        match upcoming::beside(&self.chain, modules, &self.files, check, next, (epoch, manifests))
            .await
        {
            Ok(beside) => self.status.send_modify(|s| s.next_version = Some(beside)),
            Err(error) => tracing::warn!(epoch, error = format!("{error:#}"), "next version"),
        }
    }

    async fn settle_lanes(
        &self,
        epoch: u64,
        anchor: &ProvenBlock,
        lanes: Lanes,
    ) -> Result<(Vec<LaneManifest>, PinnedCheck)> {
        let anchor_header = self.header(anchor).await?;
        let pins = prove_pins(&self.chain, anchor).await?;
        let pin = pins.active;
        // compiling takes a while: not on the reactor's thread
        let load = || pinned::load(&self.modules, &self.modules_dir, pin);
        let check = tokio::task::block_in_place(load)?;
        self.status.send_modify(|s| s.module = Some(hex::encode(pin.version.module_hash)));
        self.phase("judging");
        let bench = Bench {
            chain: &self.chain,
            check: &check,
            log: &self.log,
            rewards: &self.rewards,
            terms: self.rewards.terms(anchor, epoch).await?,
            anchor: *anchor,
            anchor_header: &anchor_header,
            pin_nodes: &pins.nodes,
        };
        let mut results = Vec::with_capacity(lanes.len());
        // a lane that cannot go on holds up no other: those are proposed, and found so at the next attempt
        let mut waiting = None;
        for (lane, by_shard) in lanes {
            if let Some(kept) = self.already_proposed(epoch, lane).await? {
                results.push(LaneState::Proposed(Box::new(kept)));
                continue;
            }
            let result = match settle_lane(&bench, (epoch, lane), by_shard).await {
                Ok(result) => result,
                Err(error) => {
                    waiting.get_or_insert(error);
                    continue;
                }
            };
            self.keep(epoch, &result)?;
            if result.manifest.leaf_count != 0 {
                results.push(LaneState::Computed(Box::new(result)));
            }
        }
        tracing::info!(epoch, lanes = results.len(), "judged");
        self.phase("proposing");
        let manifests = self.propose_all(epoch, anchor, results).await?;
        waiting.map_or(Ok((manifests, check)), Err)
    }

    /// On disk before it is proposed: the files, and what is used up by it.
    fn keep(&self, epoch: u64, result: &LaneResult) -> Result<()> {
        let left_out = result.left_out.len();
        self.status.send_modify(|s| s.left_out = s.left_out.saturating_add(left_out));
        self.log.count_lane(epoch, result.manifest.lane, &result.counts)?;
        self.rewards.keep(&result.rewards)?;
        self.files.write_lane(epoch, result)
    }

    /// After a restart: a lane whose files match what the ledger already holds is done.
    async fn already_proposed(&self, epoch: u64, lane: u32) -> Result<Option<LaneManifest>> {
        let Some(manifest) = self.files.read_lane(epoch, lane)? else { return Ok(None) };
        let ledger = self.ledger().await?;
        let check_id = self.chain.deployed.check_id;
        let entry = ledger.settlement(check_id, U256::from(lane), U256::from(epoch)).call().await?;
        let same = entry.commitment == roots(&manifest).commitment();
        Ok((same && entry.status != STATUS_REFUTED).then_some(manifest))
    }

    async fn propose_all(
        &self,
        epoch: u64,
        anchor: &ProvenBlock,
        lanes: Vec<LaneState>,
    ) -> Result<Vec<LaneManifest>> {
        let ledger = self.ledger().await?;
        let bond = ledger.BOND().call().await?;
        let mut manifests = Vec::with_capacity(lanes.len());
        let mut sent = Vec::new();
        for lane in lanes {
            let result = match lane {
                LaneState::Proposed(manifest) => {
                    manifests.push(*manifest);
                    continue;
                }
                LaneState::Computed(result) => result,
            };
            let transaction = ledger
                .propose(
                    self.chain.deployed.check_id,
                    U256::from(result.manifest.lane),
                    U256::from(epoch),
                    U256::from(anchor.number),
                    result.roots().into(),
                )
                .value(bond)
                .send()
                .await
                .with_context(|| format!("proposing lane {}", result.manifest.lane))?;
            sent.push((result.manifest.lane, transaction));
            manifests.push(result.manifest);
        }
        for (lane, transaction) in sent {
            let receipt = transaction
                .with_timeout(Some(INCLUSION_TIMEOUT))
                .get_receipt()
                .await
                .with_context(|| format!("proposal of lane {lane}"))?;
            ensure!(receipt.status(), "proposal of lane {lane} was reverted");
        }
        Ok(manifests)
    }

    /// Waits until a finalized header proves every entry, word for word.
    async fn prove_settled(&self, epoch: u64, manifests: &[LaneManifest]) -> Result<Head> {
        let check_id = self.chain.deployed.check_id;
        let slots = |m: &LaneManifest| settlement_slots(check_id, u64::from(m.lane), epoch);
        let keys: Vec<B256> = manifests.iter().flat_map(slots).collect();
        let ledger = self.chain.deployed.contracts.settlement_ledger;
        let mut after = 0;
        loop {
            let head = self.chain.wait_for(|h| h.block.number > after).await?;
            let proven = self.chain.prove(&head.block, ledger, &keys).await?;
            let words: Vec<[U256; 2]> = proven.values.as_chunks::<2>().0.to_vec();
            let entries: Vec<_> = words.into_iter().map(Settlement::from_words).collect();
            for (manifest, entry) in manifests.iter().zip(&entries) {
                let expected = roots(manifest).commitment();
                if entry.status != 0 && entry.commitment != expected {
                    let got = entry.commitment;
                    bail!("lane {}: ledger has {got}, computed {expected}", manifest.lane);
                }
                if entry.is_refuted() {
                    bail!("lane {}: {expected} was refuted", manifest.lane);
                }
            }
            if entries.iter().all(|e| e.status != 0) {
                return Ok(head);
            }
            after = head.block.number;
        }
    }

    /// The anchor's header bytes; whatever carrier they come from, they must hash to the anchor.
    async fn header(&self, block: &ProvenBlock) -> Result<Vec<u8>> {
        let provider = ProviderBuilder::new().connect_http(self.rpc.parse()?);
        let found = provider.get_block_by_hash(block.hash).await?;
        let header: Header = found.context("anchor block")?.header.inner;
        let bytes = alloy_rlp::encode(&header);
        let got = alloy_primitives::keccak256(&bytes);
        ensure!(
            got == block.hash,
            "header of block {}: got {got}, expected {}",
            block.number,
            block.hash
        );
        Ok(bytes)
    }

    async fn ledger(&self) -> Result<ISettlementLedgerInstance<DynProvider>> {
        let wallet = EthereumWallet::from(self.key.clone());
        let provider =
            ProviderBuilder::new().wallet(wallet).connect_http(self.rpc.parse()?).erased();
        let address = self.chain.deployed.contracts.settlement_ledger;
        Ok(ISettlementLedger::new(address, provider))
    }
}

/// A lane on its way to the ledger.
#[derive(Debug)]
enum LaneState {
    Computed(Box<LaneResult>),
    Proposed(Box<LaneManifest>),
}
