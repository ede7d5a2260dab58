//! Kind 3: a reward leaf that does not add up, that forgets the epoch before, or an account that is paid twice.
//!
//! A proof bundle names the reward root and holds no leaf of it. The leaves are a file of their own, all of a lane's or
//! none: a gateway serves it as `v1/rewards/<root>`. Scores that are not the sums of an account's verdicts no transaction
//! shows.

use std::path::{Path, PathBuf};

use alloy::providers::{DynProvider, Provider as _};
use alloy_primitives::{B256, U256};
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::{
    Roots,
    reward::{
        Rate, RewardLeaf,
        fault::{self, KIND_REWARD},
        rate_count_slot, rate_slots,
        tree::{decode_leaves, merkle_tree},
    },
};
use heliotrope_device_proofs::proof::ProofBundle;
use heliotrope_light_client::proof_chain::roots;

use super::{Case, Fault, Proof};
use crate::dispute::read;

/// Rates that are looked through for the one of an epoch; governance sets a few a year.
const MAX_RATES: u64 = 1_000;

/// Reward leaves to look at.
#[derive(Debug, clap::Args)]
pub(in crate::dispute) struct RewardFiles {
    /// The lane's reward leaves, as `v1/rewards/<root>` serves them.
    #[arg(long, value_name = "FILE")]
    rewards: Option<PathBuf>,
    /// Proof bundle of the same lane one epoch before.
    #[arg(long, value_name = "BUNDLE", requires = "rewards_before")]
    before: Option<PathBuf>,
    /// Reward leaves of that.
    #[arg(long, value_name = "FILE", requires = "before", requires = "rewards")]
    rewards_before: Option<PathBuf>,
}

/// The first thing that one transaction can show of the leaves; `None` where none were named.
pub(in crate::dispute) async fn find(
    files: &RewardFiles,
    case: &Case,
    provider: &DynProvider,
) -> Result<Option<Fault>> {
    let Some(file) = &files.rewards else { return Ok(None) };
    let leaves = leaves(file, &case.bundle)?;
    let before = match files.before.as_ref().zip(files.rewards_before.as_ref()) {
        Some((bundle, file)) => Some(epoch_before(case, bundle, file)?),
        None => None,
    };
    let rate = rate(case, provider).await?;
    let before = before.as_ref().map(|(roots, leaves)| (roots, leaves.as_slice()));
    Ok(fault::find(&leaves, &rate, before).map(|found| Fault {
        what: found.what,
        leaf: None,
        proof: Ok(Proof { kind: KIND_REWARD, bytes: found.proof }),
    }))
}

/// The leaves under a bundle's reward root, and under no other.
fn leaves(file: &Path, bundle: &ProofBundle) -> Result<Vec<RewardLeaf>> {
    let name = file.display();
    let bytes = std::fs::read(file).with_context(|| name.to_string())?;
    let leaves = decode_leaves(&bytes).with_context(|| name.to_string())?;
    let got = B256::from(merkle_tree(&leaves).root());
    let expected = B256::from(bundle.lane.commitment.reward_root);
    ensure!(
        got == expected,
        "{name}: leaves of root {got}, the lane has {expected}; this says nothing of the proposer"
    );
    Ok(leaves)
}

/// Whether that epoch is final the verifier asks the ledger.
fn epoch_before(case: &Case, bundle: &Path, file: &Path) -> Result<(Roots, Vec<RewardLeaf>)> {
    let (before, now) = (read(bundle)?, &case.bundle);
    ensure!(
        (before.check_id, before.lane.lane, before.epoch.checked_add(1))
            == (now.check_id, now.lane.lane, Some(now.epoch)),
        "{}: not of the same lane one epoch before",
        bundle.display()
    );
    Ok((roots(&before.lane), leaves(file, &before)?))
}

/// What the schedule pays in the epoch, as the node says: the verifier looks again.
async fn rate(case: &Case, provider: &DynProvider) -> Result<Rate> {
    let schedule = case.deployed.contracts.reward_schedule;
    let schedule = schedule.context("the network has no reward schedule")?;
    let check_id = B256::from(case.bundle.check_id);
    let word = async |slot: B256| -> Result<U256> {
        Ok(provider.get_storage_at(schedule, slot.into()).await?)
    };
    let count = word(rate_count_slot(check_id)).await?;
    for version in (1..=count.saturating_to::<u64>().min(MAX_RATES)).rev() {
        let [first, second] = rate_slots(check_id, version);
        let rate = Rate::from_words([word(first).await?, word(second).await?]);
        if rate.from_epoch <= case.bundle.epoch {
            return Ok(rate);
        }
    }
    Ok(Rate::default())
}
