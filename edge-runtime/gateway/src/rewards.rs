//! What a lane's passing verdicts are worth: the reward tree that its settlement commits to.
//!
//! ```text
//! verdicts ─ device ─ owner (DeviceRegistry) ─▶ scores ─┐
//! RewardSchedule ─ the epoch's rate ────────────────────┼─▶ RewardLeaves ─▶ root, committed; leaves, served by root
//! RewardDistributor, SettlementLedger ─ tree before ────┘
//! ```
//! Everything on the left is proven at the lane's anchor. The leaves of the tree before come from this gateway's folder or
//! from any mirror: they have the root that the chain keeps, or are refused.
//!
//! The tree before is that of the newest earlier settlement of the lane that stands: a final one, or this gateway's own
//! that is still in its window. Building on the last final one alone would leave out what was proposed since, and once
//! that is final, `RewardVerifier` (`BROKEN_CHAIN`) would take this proposal's bond. Another's proposal that is not
//! final may yet be struck out, so the lane waits for it.

use std::{collections::BTreeMap, path::PathBuf};

use alloy_primitives::{Address, B256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::{
    STATUS_FINAL, STATUS_PROPOSED, Settlement,
    reward::{Rate, tree::RewardLeaves},
    settlement_slots,
};
use heliotrope_device_proofs::{Bytes32, abi::Verdict, epoch::LaneManifest};
use heliotrope_light_client::execution::ProvenBlock;

use crate::{
    chain::Chain,
    config::Config,
    files::{EpochFiles, write},
    lane::{Judged, roots},
    mirrors,
};

/// Most epochs that a lane may have been proposed in since its last accepted root. Beyond that somebody has to hand a root
/// to the distributor, which anybody can.
const MAX_EPOCHS_BACK: u64 = 1_024;

/// Where reward trees are kept and found.
#[derive(Clone, Debug)]
pub(crate) struct Rewards {
    chain: Chain,
    files: EpochFiles,
    /// Trees by root, served.
    folder: PathBuf,
    mirrors: Vec<String>,
}

/// What an epoch pays, by contracts that the network has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    epoch: u64,
    distributor: Address,
    /// `None` before the schedule's first rate.
    rate: Option<Rate>,
}

impl Rewards {
    pub(crate) fn new(chain: Chain, files: EpochFiles, config: &Config) -> Self {
        Self { chain, files, folder: config.rewards_dir(), mirrors: config.module_mirrors.clone() }
    }

    /// What the epoch pays, proven at a block; `None` on a network that pays nothing.
    pub(crate) async fn terms(&self, block: &ProvenBlock, epoch: u64) -> Result<Option<Terms>> {
        let contracts = &self.chain.deployed.contracts;
        let (Some(schedule), Some(distributor)) =
            (contracts.reward_schedule, contracts.reward_distributor)
        else {
            return Ok(None);
        };
        let rate = self.chain.at(block).rate(schedule, self.chain.deployed.check_id, epoch).await?;
        Ok(Some(Terms { epoch, distributor, rate }))
    }

    /// The tree that a lane's verdicts lead to.
    pub(crate) async fn tree(
        &self,
        block: &ProvenBlock,
        terms: &Terms,
        lane: u32,
        judged: &[Judged],
    ) -> Result<RewardLeaves> {
        let before = self.before(block, terms, lane).await.context("rewards before")?;
        let Some(rate) = terms.rate else {
            return Ok(before.next(&BTreeMap::new(), &Rate::default())?);
        };
        let scores = self.scores(block, judged).await?;
        Ok(before.next(&scores, &rate)?)
    }

    /// Scores of the passing verdicts, by the account that owns the device at the block.
    async fn scores(
        &self,
        block: &ProvenBlock,
        judged: &[Judged],
    ) -> Result<BTreeMap<Address, u64>> {
        let mut by_device: BTreeMap<Bytes32, u64> = BTreeMap::new();
        for judged in judged.iter().filter(|judged| judged.verdict.verdict == Verdict::Pass) {
            let Some(device) = judged.earns else { continue };
            let sum = by_device.entry(device).or_default();
            *sum = sum.saturating_add(judged.verdict.score_ppm.into());
        }
        let devices: Vec<Bytes32> = by_device.keys().copied().collect();
        let registry = self.chain.deployed.contracts.device_registry;
        let owners = self.chain.at(block).owners(registry, &devices).await?;
        let mut scores: BTreeMap<Address, u64> = BTreeMap::new();
        for (owner, score) in owners.into_iter().zip(by_device.into_values()) {
            if owner != Address::ZERO && score != 0 {
                let sum = scores.entry(owner).or_default();
                *sum = sum.saturating_add(score);
            }
        }
        Ok(scores)
    }

    /// The tree of the newest earlier settlement of the lane that stands.
    async fn before(&self, block: &ProvenBlock, terms: &Terms, lane: u32) -> Result<RewardLeaves> {
        let check_id = self.chain.deployed.check_id;
        let at = self.chain.at(block);
        let streams = at.streams(terms.distributor, check_id, &[lane]).await?;
        let stream = streams.first().copied().unwrap_or_default();
        // the accepted epoch itself too: a guardian who stops a stream takes its root away
        let from = stream.next_epoch.saturating_sub(1);
        let back = terms.epoch.saturating_sub(from);
        ensure!(
            back <= MAX_EPOCHS_BACK,
            "lane {lane}: {back} epochs since the distributor took a root, at most {MAX_EPOCHS_BACK}"
        );
        let epochs: Vec<u64> = (from..terms.epoch).collect();
        let slots = |epoch: &u64| settlement_slots(check_id, lane.into(), *epoch);
        let slots: Vec<B256> = epochs.iter().flat_map(slots).collect();
        let ledger = self.chain.deployed.contracts.settlement_ledger;
        let words = self.chain.prove(block, ledger, &slots).await?.values;
        for (epoch, words) in epochs.iter().zip(words.as_chunks::<2>().0).rev() {
            let entry = Settlement::from_words(*words);
            let root = match entry.status {
                STATUS_FINAL
                    if epoch.checked_add(1) == Some(stream.next_epoch)
                        && !stream.root.is_zero() =>
                {
                    stream.root
                }
                STATUS_FINAL | STATUS_PROPOSED => self.root_of(*epoch, lane, &entry).await?,
                _ => continue,
            };
            if !root.is_zero() {
                return self.open(root).await;
            }
        }
        Ok(RewardLeaves::default())
    }

    /// The reward root behind a commitment: by this gateway's own manifest, or for what is final by anybody's.
    async fn root_of(&self, epoch: u64, lane: u32, entry: &Settlement) -> Result<B256> {
        let behind = |manifest: &LaneManifest| roots(manifest).commitment() == entry.commitment;
        let own = self.files.read_lane(epoch, lane)?;
        if let Some(own) = own.filter(behind) {
            return Ok(roots(&own).reward);
        }
        if entry.status != STATUS_FINAL {
            bail!(
                "lane {lane} of epoch {epoch} was proposed by {} and is not final: its sums may not stand; waiting",
                entry.proposer
            );
        }
        let path = format!("v1/epochs/{epoch}/lanes/{lane}/manifest");
        let found = mirrors::fetch(&self.mirrors, &path, |bytes| {
            let manifest = LaneManifest::decode(&bytes)?;
            let (got, expected) = (roots(&manifest).commitment(), entry.commitment);
            ensure!(got == expected, "roots hash to {got}, the ledger has {expected}");
            Ok(roots(&manifest).reward)
        });
        found.await
    }

    /// A tree by its root.
    async fn open(&self, root: B256) -> Result<RewardLeaves> {
        let path = self.folder.join(hex::encode(root));
        match std::fs::read(&path) {
            Ok(bytes) => {
                return RewardLeaves::open(&bytes, root)
                    .with_context(|| path.display().to_string());
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        }
        let name = format!("v1/rewards/{}", hex::encode(root));
        let open = |bytes: Vec<u8>| Ok(RewardLeaves::open(&bytes, root)?);
        let tree = mirrors::fetch(&self.mirrors, &name, open).await?;
        self.keep(&tree)?;
        Ok(tree)
    }

    /// Writes a tree under its root, to be served.
    pub(crate) fn keep(&self, tree: &RewardLeaves) -> Result<()> {
        if tree.leaves().is_empty() {
            return Ok(());
        }
        write(&self.folder.join(hex::encode(tree.root())), &tree.encode())
    }
}
