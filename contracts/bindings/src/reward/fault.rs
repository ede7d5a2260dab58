//! What is wrong in a reward tree, as `RewardVerifier` takes it: `abi.encode(form, bytes)`.
//!
//! Whether the scores are the sums of an account's verdicts, or an account was left out, no form shows.

use alloy::{
    primitives::{Bytes, U256},
    sol,
    sol_types::SolValue as _,
};

use super::{
    Rate, RewardLeaf,
    tree::{PlacedLeaf, placed},
};
use crate::{Roots, abi::ISettlementLedger};

/// Kind of `RewardVerifier` in the dispute game.
pub const KIND_REWARD: u8 = 3;
const ARITHMETIC: u8 = 0;
const BROKEN_CHAIN: u8 = 1;
const TWICE: u8 = 2;

sol! {
    /// `RewardLeaf.Leaf`.
    #[derive(Debug)]
    struct AbiLeaf {
        address account;
        uint128 previous;
        uint64 scorePpm;
        uint128 cumulative;
    }
    /// `RewardVerifier.Placed`.
    #[derive(Debug)]
    struct AbiPlaced {
        AbiLeaf leaf;
        uint256 index;
        uint256 count;
        bytes32[] path;
    }
}

/// A fault, and the proof of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RewardFault {
    /// In words.
    pub what: String,
    /// What the verifier takes.
    pub proof: Vec<u8>,
}

/// The first thing that one transaction can show of these leaves; `None` when there is no such thing. `rate` is what the
/// schedule pays in the epoch, `before` the final roots of the epoch before, and its leaves.
#[must_use]
pub fn find(
    leaves: &[RewardLeaf],
    rate: &Rate,
    before: Option<(&Roots, &[RewardLeaf])>,
) -> Option<RewardFault> {
    wrong_sum(leaves, rate).or_else(|| twice(leaves)).or_else(|| {
        let (roots, before) = before?;
        broken_chain(leaves, roots, before)
    })
}

fn wrong_sum(leaves: &[RewardLeaf], rate: &Rate) -> Option<RewardFault> {
    let adds_up = |l: &RewardLeaf| {
        RewardLeaf::next(l.account, l.previous, l.score_ppm, rate).as_ref() == Some(l)
    };
    let place = leaves.iter().position(|leaf| !adds_up(leaf))?;
    let shown = placed(leaves, place)?;
    let leaf = shown.leaf;
    let what = format!(
        "account {}: {} and a score of {} ppm do not come to {}",
        leaf.account, leaf.previous, leaf.score_ppm, leaf.cumulative
    );
    Some(fault(what, ARITHMETIC, abi(&shown).abi_encode()))
}

fn twice(leaves: &[RewardLeaf]) -> Option<RewardFault> {
    let mut places: Vec<usize> = (0..leaves.len()).collect();
    places.sort_by_key(|place| leaves.get(*place).map(|leaf| leaf.account));
    let (a, b) = places.iter().zip(places.iter().skip(1)).find(|(a, b)| {
        leaves.get(**a).map(|leaf| leaf.account) == leaves.get(**b).map(|leaf| leaf.account)
    })?;
    let (a, b) = (placed(leaves, *a)?, placed(leaves, *b)?);
    let what = format!("account {} has leaves {} and {}", a.leaf.account, a.index, b.index);
    Some(fault(what, TWICE, (abi(&a), abi(&b)).abi_encode_params()))
}

fn broken_chain(
    leaves: &[RewardLeaf],
    roots: &Roots,
    before: &[RewardLeaf],
) -> Option<RewardFault> {
    let (place, then) = leaves.iter().enumerate().find_map(|(place, leaf)| {
        let then = before.iter().position(|then| then.account == leaf.account)?;
        (before.get(then)?.cumulative != leaf.previous).then_some((place, then))
    })?;
    let (now, then) = (placed(leaves, place)?, placed(before, then)?);
    let what = format!(
        "account {}: goes on from {}, the epoch before ended with {}",
        now.leaf.account, now.leaf.previous, then.leaf.cumulative
    );
    let named = ISettlementLedger::Roots::from(*roots);
    Some(fault(what, BROKEN_CHAIN, (abi(&now), named, abi(&then)).abi_encode_params()))
}

fn fault(what: String, form: u8, shown: Vec<u8>) -> RewardFault {
    let proof = (U256::from(form), Bytes::from(shown)).abi_encode_params();
    RewardFault { what, proof }
}

fn abi(placed: &PlacedLeaf) -> AbiPlaced {
    let leaf = placed.leaf;
    AbiPlaced {
        leaf: AbiLeaf {
            account: leaf.account,
            previous: leaf.previous,
            scorePpm: leaf.score_ppm,
            cumulative: leaf.cumulative,
        },
        index: U256::from(placed.index),
        count: U256::from(placed.count),
        path: placed.path.clone(),
    }
}
