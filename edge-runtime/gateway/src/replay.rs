//! What counts once: of the passing verdicts with one replay key, one stays in a lane and the others are left out.
//!
//! ```text
//! judged ─ pass? ─ key counted in another lane or epoch? ─▶ left out
//!                └ else the fullest, then the earliest, then the lower bundle id stays ─▶ the others left out
//! ```
//! Two passes with one key in a lane are what `ReceiptVerifier` takes the proposer's bond for (`DOUBLE_CLAIM`). It cannot
//! see other lanes or epochs; this gateway remembers its own. What another gateway settled is not known here. Only a
//! pass uses a key up: what failed or lacked something may come again, whole. The fullest (most subjects that count, then
//! the highest score) goes first so that nobody takes the place of whole evidence with an earlier part of it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, btree_map::Entry},
};

use anyhow::Result;
use heliotrope_device_proofs::{
    Bytes32,
    abi::{CheckOutput, Verdict},
    sha256,
};
use serde::Serialize;

use crate::{lane::Judged, receipt_log::Counted};

/// A bundle that passes and does not count.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct LeftOut {
    /// sha256 of the bundle.
    pub(crate) bundle: String,
    /// The replay key that its verdict names.
    pub(crate) replay_key: String,
    /// sha256 of the bundle that counts for the key.
    pub(crate) counts: String,
    /// The epoch in which it does.
    pub(crate) epoch: u64,
    /// The lane in which it does.
    pub(crate) lane: u32,
    /// The area that the bundle was judged in.
    #[serde(skip)]
    pub(crate) parent: u64,
}

/// Keeps, of the verdicts of a lane, what counts; says what does not. `elsewhere` says where a key counts outside of
/// this lane and epoch.
pub(crate) fn once(
    (epoch, lane): (u64, u32),
    mut judged: Vec<Judged>,
    elsewhere: impl Fn(&Bytes32) -> Result<Option<Counted>>,
) -> Result<(Vec<Judged>, Vec<LeftOut>)> {
    judged.sort_by_cached_key(preference);
    let mut counts: BTreeMap<Bytes32, Counted> = BTreeMap::new();
    let (mut stay, mut left_out) = (Vec::with_capacity(judged.len()), Vec::new());
    for verdict in judged {
        if verdict.verdict.verdict != Verdict::Pass {
            stay.push(verdict);
            continue;
        }
        let (key, bundle) = (verdict.verdict.replay_key, sha256(&verdict.bundle));
        let standing = match counts.entry(key) {
            Entry::Occupied(standing) => Some(*standing.get()),
            Entry::Vacant(free) => {
                let counted = elsewhere(&key)?;
                free.insert(counted.unwrap_or(Counted { epoch, lane, bundle }));
                counted
            }
        };
        match standing {
            Some(standing) => left_out.push(leave_out(&verdict, bundle, &standing)),
            None => stay.push(verdict),
        }
    }
    Ok((stay, left_out))
}

fn preference(judged: &Judged) -> (Reverse<usize>, Reverse<u32>, u64, Bytes32) {
    let CheckOutput { selected, score_ppm, .. } = &judged.verdict;
    (Reverse(selected.len()), Reverse(*score_ppm), judged.received_ms, sha256(&judged.bundle))
}

fn leave_out(judged: &Judged, bundle: Bytes32, standing: &Counted) -> LeftOut {
    let left_out = LeftOut {
        bundle: hex::encode(bundle),
        replay_key: hex::encode(judged.verdict.replay_key),
        counts: hex::encode(standing.bundle),
        epoch: standing.epoch,
        lane: standing.lane,
        parent: judged.parent,
    };
    let LeftOut { bundle, replay_key, counts, epoch, lane, .. } = &left_out;
    tracing::warn!(bundle, replay_key, counts, epoch, lane, "counted already, left out");
    metrics::counter!("heliotrope_left_out_total").increment(1);
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(bundle: u8, verdict: Verdict, key: u8, score_ppm: u32, received_ms: u64) -> Judged {
        let verdict = CheckOutput {
            verdict,
            outcomes: Vec::new(),
            score_ppm,
            replay_key: [key; 32],
            facts_read: Vec::new(),
            input_hash: [0; 32],
            selected: Vec::new(),
            subject_cell: 0,
        };
        let (bundle, output) = (vec![bundle], verdict.encode());
        Judged { bundle, output, verdict, received_ms, parent: 5, earns: None }
    }

    fn run(judged: Vec<Judged>, counted: Option<Counted>) -> (Vec<u8>, Vec<LeftOut>) {
        let known = |key: &Bytes32| Ok(counted.filter(|_| *key == [1; 32]));
        let (stay, left_out) = once((4, 20), judged, known).unwrap();
        let mut stay: Vec<u8> = stay.iter().map(|judged| judged.bundle[0]).collect();
        stay.sort_unstable();
        (stay, left_out)
    }

    #[test]
    fn of_two_passes_with_one_key_the_fuller_then_the_earlier_stays_in_any_order() {
        let all = || {
            vec![
                judged(1, Verdict::Pass, 1, 500_000, 10),
                judged(2, Verdict::Pass, 1, 900_000, 30),
                judged(3, Verdict::Pass, 1, 900_000, 20),
                judged(4, Verdict::Pass, 2, 1, 1),
            ]
        };
        let (stay, left_out) = run(all(), None);
        assert_eq!(stay, [3, 4]);
        assert!(left_out.iter().all(|l| l.counts == hex::encode(sha256(&[3]))));
        assert_eq!((left_out.len(), left_out[0].epoch, left_out[0].lane), (2, 4, 20));
        let reversed = run(all().into_iter().rev().collect(), None);
        assert_eq!(reversed, (stay, left_out));
    }

    #[test]
    fn what_does_not_pass_uses_no_key_up() {
        let all = vec![
            judged(1, Verdict::Fail, 1, 0, 1),
            judged(2, Verdict::Indeterminate, 1, 0, 2),
            judged(3, Verdict::Pass, 1, 7, 3),
        ];
        assert_eq!(run(all, None).0, [1, 2, 3]);
    }

    #[test]
    fn a_key_of_another_epoch_is_used_up() {
        let counted = Counted { epoch: 3, lane: 7, bundle: [9; 32] };
        let all = vec![
            judged(1, Verdict::Pass, 1, 7, 1),
            judged(2, Verdict::Pass, 1, 7, 2),
            judged(3, Verdict::Fail, 1, 0, 3),
        ];
        let (stay, left_out) = run(all, Some(counted));
        assert_eq!((stay.as_slice(), left_out.len()), ([3].as_slice(), 2));
        assert!(left_out.iter().all(|l| (l.epoch, l.lane) == (3, 7)));
        assert_eq!(left_out[0].counts, hex::encode([9; 32]));
    }
}
