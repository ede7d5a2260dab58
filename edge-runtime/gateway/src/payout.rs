//! After the window: makes this gateway's settlements final, and hands their reward roots to the distributor.
//!
//! ```text
//! proposed ─ window over ─▶ finalize ─ final, proven ─▶ accept ─ the stream has it, proven ─▶ done
//! ```
//! Anyone may do both, so a step is done when the finalized chain shows it, whoever took it. A transaction is not waited
//! for: a step that the chain does not show some blocks later is taken again.

use std::{collections::BTreeMap, sync::Arc};

use alloy::providers::DynProvider;
use alloy_primitives::{B256, U256};
use anyhow::{Context as _, Result};
use heliotrope_contracts::{
    STATUS_FINAL, STATUS_PROPOSED, STATUS_REFUTED, Settlement,
    abi::{IRewardDistributor, ISettlementLedger::ISettlementLedgerInstance},
    settlement_slots,
};
use heliotrope_device_proofs::epoch::LaneManifest;

use crate::{
    chain::{Chain, Head},
    files::EpochFiles,
    lane::roots,
    receipt_log::ReceiptLog,
};

/// Blocks after which a step that the finalized chain does not show is taken again: four epochs, so that it had the time
/// to become final.
const RETRY_BLOCKS: u64 = 128;

/// A step towards payment.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Step {
    Finalize,
    Accept,
}

/// Whatever of the settled epochs is not yet paid out of.
#[derive(Debug)]
pub(crate) struct Payout {
    chain: Chain,
    log: Arc<ReceiptLog>,
    files: EpochFiles,
    /// Epoch, lane and step → block at which it was taken.
    taken: BTreeMap<(u64, u32, Step), u64>,
}

impl Payout {
    pub(crate) const fn new(chain: Chain, log: Arc<ReceiptLog>, files: EpochFiles) -> Self {
        Self { chain, log, files, taken: BTreeMap::new() }
    }

    /// Looks at every finalized head; ends only with the chain's follower.
    pub(crate) async fn run(&mut self, ledger: &ISettlementLedgerInstance<DynProvider>) {
        let mut after = 0;
        while let Ok(head) = self.chain.wait_for(|head| head.block.number > after).await {
            after = head.block.number;
            if let Err(error) = self.look(&head, ledger).await {
                tracing::warn!(error = format!("{error:#}"), "payout");
            }
        }
    }

    async fn look(
        &mut self,
        head: &Head,
        ledger: &ISettlementLedgerInstance<DynProvider>,
    ) -> Result<()> {
        for epoch in self.log.unpaid_epochs()? {
            let manifest = self.files.read_manifest(epoch)?;
            if self.epoch(head, ledger, epoch, &manifest.lanes).await? {
                self.log.pay(epoch)?;
                self.taken.retain(|(of, ..), _| *of != epoch);
                tracing::info!(epoch, "nothing is left to pay out");
            }
        }
        Ok(())
    }

    /// Takes what steps can be taken; whether none is left.
    async fn epoch(
        &mut self,
        head: &Head,
        ledger: &ISettlementLedgerInstance<DynProvider>,
        epoch: u64,
        lanes: &[LaneManifest],
    ) -> Result<bool> {
        let deployed = Arc::clone(&self.chain.deployed);
        let (check_id, contracts) = (deployed.check_id, deployed.contracts);
        let slots = |lane: &LaneManifest| settlement_slots(check_id, lane.lane.into(), epoch);
        let slots: Vec<B256> = lanes.iter().flat_map(slots).collect();
        let block = &head.block;
        let words = self.chain.prove(block, contracts.settlement_ledger, &slots).await?.values;
        let numbers: Vec<u32> = lanes.iter().map(|lane| lane.lane).collect();
        let streams = match contracts.reward_distributor {
            Some(distributor) => {
                self.chain.at(block).streams(distributor, check_id, &numbers).await?
            }
            None => Vec::new(),
        };
        let mut streams = streams.into_iter();
        let mut done = true;
        for (lane, words) in lanes.iter().zip(words.as_chunks::<2>().0) {
            let (entry, stream) = (Settlement::from_words(*words), streams.next());
            let step = match entry.status {
                STATUS_PROPOSED => {
                    done = false;
                    let over = block.timestamp > entry.deadline_s && entry.open_disputes == 0;
                    over.then_some(Step::Finalize)
                }
                STATUS_FINAL => {
                    let pays = lane.commitment.reward_root != [0; 32];
                    let due = stream.is_some_and(|stream| pays && stream.next_epoch <= epoch);
                    done &= !due;
                    due.then_some(Step::Accept)
                }
                STATUS_REFUTED => {
                    tracing::warn!(epoch, lane = lane.lane, "what was settled is refuted");
                    None
                }
                _ => None,
            };
            if let Some(step) = step {
                self.take(head, ledger, epoch, lane, step).await?;
            }
        }
        Ok(done)
    }

    async fn take(
        &mut self,
        head: &Head,
        ledger: &ISettlementLedgerInstance<DynProvider>,
        epoch: u64,
        lane: &LaneManifest,
        step: Step,
    ) -> Result<()> {
        let (key, now) = ((epoch, lane.lane, step), head.block.number);
        if self.taken.get(&key).is_some_and(|at| now < at.saturating_add(RETRY_BLOCKS)) {
            return Ok(());
        }
        let check_id = self.chain.deployed.check_id;
        let (number, roots) = (U256::from(lane.lane), roots(lane));
        let sent = match step {
            Step::Finalize => {
                let module = roots.module_hash;
                let version = self.chain.version_of(&head.block, module).await?;
                let version =
                    version.with_context(|| format!("no version pins module {module}"))?;
                let (epoch, version) = (U256::from(epoch), U256::from(version));
                ledger.finalize(check_id, number, epoch, version, roots.into()).send().await
            }
            Step::Accept => {
                let distributor = self.chain.deployed.contracts.reward_distributor;
                let distributor = distributor.context("no distributor is deployed")?;
                let distributor = IRewardDistributor::new(distributor, ledger.provider());
                distributor.accept(check_id, number, epoch, roots.into()).send().await
            }
        };
        let sent =
            sent.with_context(|| format!("{step:?} of lane {} of epoch {epoch}", lane.lane))?;
        tracing::info!(epoch, lane = lane.lane, ?step, transaction = %sent.tx_hash(), "payout");
        self.taken.insert(key, now);
        Ok(())
    }
}
