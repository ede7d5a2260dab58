//! Who is asked, in which order, and what became of it: honesty, latency and lag of every source.
//!
//! A record is never a reason to believe a source, only a reason to ask another one first.

use serde::Serialize;

/// Longest pause of a source that fails, in milliseconds.
const MAX_PAUSE_MS: u64 = 32_000;

/// What one source did so far.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct SourceRecord {
    /// Base address.
    pub url: String,
    /// Requests that it answered with data that held.
    pub held: u64,
    /// Requests that it did not answer, or refused.
    pub failed: u64,
    /// Answers that do not decode or break a rule.
    pub invalid: u64,
    /// Milliseconds of its answers, an average in which a new one weighs an eighth.
    pub latency_ms: Option<u64>,
    /// Slots that its newest head was behind the clock.
    pub lag_slots: Option<u64>,
    /// What went wrong the last time.
    pub last_error: Option<String>,
    #[serde(skip)]
    failures_in_a_row: u32,
    #[serde(skip)]
    paused_until_ms: u64,
}

/// What became of one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The data held.
    Held,
    /// There was no data.
    Failed,
    /// The data did not hold.
    Invalid,
}

/// All sources of one kind.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    records: Vec<SourceRecord>,
}

impl Sources {
    /// Sources of which nothing is known, by their base addresses.
    #[must_use]
    pub fn new(urls: &[String]) -> Self {
        let record = |url: &String| SourceRecord {
            url: url.trim_end_matches('/').to_owned(),
            ..SourceRecord::default()
        };
        Self { records: urls.iter().map(record).collect() }
    }

    /// What is known of each.
    #[must_use]
    pub fn records(&self) -> &[SourceRecord] {
        &self.records
    }

    /// The order in which to ask: those that do not pause, then those that never sent anything
    /// invalid, then as the user wrote them.
    pub(crate) fn order(&self, now_ms: u64) -> Vec<(usize, String)> {
        let mut order: Vec<_> = self.records.iter().enumerate().collect();
        order.sort_by_key(|(index, r)| (r.paused_until_ms > now_ms, r.invalid.min(1), *index));
        order.into_iter().map(|(index, r)| (index, r.url.clone())).collect()
    }

    /// Takes note of an answer that took from `began_ms` to `now_ms`.
    pub(crate) fn note(
        &mut self,
        index: usize,
        outcome: Outcome,
        why: Option<String>,
        (began_ms, now_ms): (u64, u64),
    ) {
        let Some(record) = self.records.get_mut(index) else { return };
        let count = match outcome {
            Outcome::Held => &mut record.held,
            Outcome::Failed => &mut record.failed,
            Outcome::Invalid => &mut record.invalid,
        };
        *count = count.saturating_add(1);
        if outcome == Outcome::Held {
            let took = now_ms.saturating_sub(began_ms);
            let mean = record.latency_ms.unwrap_or(took);
            record.latency_ms = Some(mean.saturating_mul(7).saturating_add(took).div_euclid(8));
            record.failures_in_a_row = 0;
            record.paused_until_ms = 0;
            return;
        }
        record.last_error = why;
        record.failures_in_a_row = record.failures_in_a_row.saturating_add(1);
        let pause = 500u64.checked_shl(record.failures_in_a_row).unwrap_or(MAX_PAUSE_MS);
        record.paused_until_ms = now_ms.saturating_add(pause.min(MAX_PAUSE_MS));
    }

    /// Takes note of how far a source's head was behind the clock.
    pub(crate) fn note_lag(&mut self, index: usize, slots: u64) {
        if let Some(record) = self.records.get_mut(index) {
            record.lag_slots = Some(slots);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(sources: &Sources, now_ms: u64) -> usize {
        sources.order(now_ms)[0].0
    }

    #[test]
    fn who_fails_pauses_and_is_asked_again() {
        let mut sources = Sources::new(&["a/".into(), "b".into()]);
        assert_eq!(sources.records()[0].url, "a");
        assert_eq!(first(&sources, 0), 0);
        sources.note(0, Outcome::Failed, Some("down".into()), (0, 10));
        assert_eq!(first(&sources, 20), 1);
        assert_eq!(first(&sources, 1_010), 0, "the pause is over");
        sources.note(0, Outcome::Failed, None, (0, 2_000));
        assert_eq!(first(&sources, 3_500), 1, "the second pause is longer");
        sources.note(0, Outcome::Held, None, (4_000, 4_080));
        assert_eq!(first(&sources, 4_080), 0);
        assert_eq!(sources.records()[0].latency_ms, Some(80));
    }

    #[test]
    fn who_sent_something_invalid_is_asked_last() {
        let mut sources = Sources::new(&["a".into(), "b".into()]);
        sources.note(0, Outcome::Invalid, None, (0, 0));
        sources.note(0, Outcome::Held, None, (0, 0));
        assert_eq!(first(&sources, 0), 1);
    }

    #[test]
    fn pauses_have_a_longest() {
        let mut sources = Sources::new(&["a".into(), "b".into()]);
        for _ in 0..100 {
            sources.note(0, Outcome::Failed, None, (0, 0));
        }
        assert_eq!(first(&sources, MAX_PAUSE_MS), 0);
    }
}
