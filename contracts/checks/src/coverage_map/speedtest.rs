//! How fast the backhaul of a radio is (HIP-74, HIP-98).
//!
//! ```text
//!  share   download    upload      latency          the least of the three counts
//!  100 %   100 Mbit/s  10 Mbit/s   below  50 ms
//!   75 %    75          8                 60
//!   50 %    50          5                 75
//!   25 %    30          2                100
//! ```
//! (`helium/oracles`, `coverage_point_calculator/src/speedtest.rs`; re-stated.) Of the tests that hold, the newest
//! six are averaged, in whole numbers; two at least. Tests of the same second count in the order of their receipt.

use super::{Case, RadioCase, rules};
use crate::judge::{Finding, Log, RuleOf, difference};
use heliotrope_device_proofs::abi::Verdict;
use heliotrope_device_proofs::wire::mobile::SpeedtestReqV1;

/// `MIN_REQUIRED_SPEEDTEST_SAMPLES`.
const MIN_SAMPLES: usize = 2;
/// `MAX_ALLOWED_SPEEDTEST_SAMPLES`.
const MAX_SAMPLES: usize = 6;
/// `BYTES_PER_MEGABYTE`: bytes per second of one Mbit/s.
const MBIT: u64 = 125_000;
/// Subjects of a radio's speed tests begin here.
const FIRST_SUBJECT: u32 = 128;

/// Hundredths, least download and upload in bytes per second, and latency in milliseconds that is too much.
const TIERS: [(u32, u64, u64, u64); 4] = [
    (100, 100 * MBIT, 10 * MBIT, 50),
    (75, 75 * MBIT, 8 * MBIT, 60),
    (50, 50 * MBIT, 5 * MBIT, 75),
    (25, 30 * MBIT, 2 * MBIT, 100),
];
/// The lowest tier that counts.
const LOWEST: (u32, u64, u64, u64) = TIERS[3];

/// The average of some tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Average {
    /// How many tests.
    pub samples: usize,
    /// Bytes per second down.
    pub download: u64,
    /// Bytes per second up.
    pub upload: u64,
    /// Milliseconds.
    pub latency: u64,
}

impl Average {
    /// The average of tests.
    #[must_use]
    pub fn of(tests: &[&SpeedtestReqV1]) -> Self {
        let count = tests.len() as u64;
        let mean = |of: fn(&SpeedtestReqV1) -> u64| {
            let sum = tests.iter().fold(0_u64, |sum, test| sum.saturating_add(of(test)));
            sum.checked_div(count).unwrap_or_default()
        };
        Self {
            samples: tests.len(),
            download: mean(|test| test.download_speed),
            upload: mean(|test| test.upload_speed),
            latency: mean(|test| test.latency.into()),
        }
    }

    /// The share of points that such a backhaul gets, in hundredths.
    #[must_use]
    pub fn percent(&self) -> u32 {
        if self.samples < MIN_SAMPLES {
            return 0;
        }
        let tier = TIERS.iter().find(|(_, download, upload, latency)| {
            self.download >= *download && self.upload >= *upload && self.latency < *latency
        });
        tier.map_or(0, |(percent, ..)| *percent)
    }
}

/// A test, and the end of the epoch it is judged in.
struct TestCase<'a> {
    test: &'a SpeedtestReqV1,
    case: &'a Case<'a>,
}

impl<'a> TestCase<'a> {
    const RULES: &'a [RuleOf<Self>] = &[(rules::Q1, is_possible), (rules::Q2, is_recent)];
}

impl Average {
    const RULES: &'static [RuleOf<Self>] = &[
        (rules::Q3, |a| Finding::holds_if(a.samples >= MIN_SAMPLES, a.samples, MIN_SAMPLES)),
        (rules::Q4, is_fast_down),
        (rules::Q5, is_fast_up),
        (rules::Q6, answers_soon),
    ];
}

/// The share of points that a radio's backhaul gets, in hundredths; `None` if something that a rule needs is
/// missing.
pub(super) fn judge(radio: &RadioCase<'_>, log: &mut Log) -> Option<u32> {
    let mut newest: Vec<&SpeedtestReqV1> = Vec::new();
    let mut missing = false;
    for (index, test) in (FIRST_SUBJECT..).zip(&radio.messages.speedtests) {
        let subject = radio.subject.saturating_add(index);
        match log.judge(subject, TestCase::RULES, &TestCase { test, case: radio.case }) {
            Verdict::Pass => {
                let place = newest.partition_point(|other| other.timestamp >= test.timestamp);
                newest.insert(place, test);
            }
            Verdict::Indeterminate => missing = true,
            Verdict::Fail => {}
        }
    }
    newest.truncate(MAX_SAMPLES);
    let average = Average::of(&newest);
    log.judge(radio.subject, Average::RULES, &average);
    (!missing).then(|| average.percent())
}

/// Q1: neither speed is beyond what a radio can do (upstream: values over 300 Mbit/s are rejected).
fn is_possible(t: &TestCase<'_>) -> Finding {
    let (speed, limit) =
        (t.test.download_speed.max(t.test.upload_speed), t.case.params.max_speed_bytes_s);
    Finding::holds_if(speed <= limit, speed, limit)
}

/// Q2: the test's own time is in the window that ends with the epoch (upstream: 48 hours).
fn is_recent(t: &TestCase<'_>) -> Finding {
    let Some((_, end_s)) = t.case.epoch else {
        return Finding::missing();
    };
    let before_s = difference(end_s, t.test.timestamp);
    let window_s = i64::try_from(t.case.params.speedtest_window_s).unwrap_or(i64::MAX);
    Finding::holds_if((0..=window_s).contains(&before_s), before_s, window_s)
}

/// Q4 (HIP-98).
fn is_fast_down(average: &Average) -> Finding {
    let limit = LOWEST.1;
    Finding::holds_if(average.download >= limit, average.download, limit)
}

/// Q5 (HIP-98).
fn is_fast_up(average: &Average) -> Finding {
    let limit = LOWEST.2;
    Finding::holds_if(average.upload >= limit, average.upload, limit)
}

/// Q6: below 100 ms (HIP-98).
fn answers_soon(average: &Average) -> Finding {
    Finding::holds_if(average.latency < LOWEST.3, average.latency, LOWEST.3.saturating_sub(1))
}
