//! Numbers and states in words. Pure.

use heliotrope_wasm::protocol::{HexState, LinkName, Outcome};

/// The name of a state.
pub(crate) const fn state(state: HexState) -> &'static str {
    match state {
        HexState::Claimed => "Claimed",
        HexState::Committed => "Committed",
        HexState::Verified => "Verified",
        HexState::Failed => "Failed the check",
        HexState::Stale => "Stale",
        HexState::Broken => "Broken",
        HexState::Refuted => "Struck out",
    }
}

/// What a state means.
pub(crate) const fn state_meaning(state: HexState) -> &'static str {
    match state {
        HexState::Claimed => "only asserted by the server; nothing is proved",
        HexState::Committed => "links 3 to 5 proved here: the contract stores this cell",
        HexState::Verified => "all five links proved here, and beacons pass the check",
        HexState::Failed => "all five links proved here, and no beacon passes the check",
        HexState::Stale => "proved here, but the anchoring block is over a day old",
        HexState::Broken => "a link of the proof contradicts the bytes",
        HexState::Refuted => "a dispute about its settlement was won: nothing of it counts",
    }
}

/// The title of a link.
pub(crate) const fn link(link: LinkName) -> &'static str {
    match link {
        LinkName::Device => "Device",
        LinkName::Check => "Check",
        LinkName::Commitment => "Commitment",
        LinkName::Header => "Header",
        LinkName::Checkpoint => "Checkpoint",
    }
}

/// What a link says when it holds.
pub(crate) const fn link_question(link: LinkName) -> &'static str {
    match link {
        LinkName::Device => "Did the devices sign these reports?",
        LinkName::Check => "Does the pinned module give this verdict?",
        LinkName::Commitment => "Does the contract store it?",
        LinkName::Header => "Is that state finalized?",
        LinkName::Checkpoint => "Is it the chain you mean?",
    }
}

/// The outcome of a link.
pub(crate) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "waiting",
        Outcome::Checking => "checking",
        Outcome::Verified => "verified",
        Outcome::Broken => "broken",
    }
}

/// A sign for an outcome that does not need colour.
pub(crate) const fn outcome_sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "·",
        Outcome::Checking => "…",
        Outcome::Verified => "✓",
        Outcome::Broken => "✕",
    }
}

/// `12,345`.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && digits.len().saturating_sub(i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `512 B`, `2.4 KB`, `1.3 MB`.
#[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// `0.4 ms`, `120 ms`, `2.1 s`.
pub(crate) fn millis(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1_000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1_000.0)
    }
}

/// `40 seconds`, `5 minutes`, `3 hours`, `12 days`.
pub(crate) fn age(seconds: u64) -> String {
    let plural = |n: u64, unit: &str| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
    match seconds {
        0..120 => plural(seconds, "second"),
        120..7_200 => plural(seconds / 60, "minute"),
        7_200..172_800 => plural(seconds / 3_600, "hour"),
        _ => plural(seconds / 86_400, "day"),
    }
}

/// A message of the verifier, which begins in lower case, as the beginning of a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A point in time seen from now: `in 4 minutes`, `3 hours ago`.
pub(crate) fn from_now(at_s: u64, now_s: u64) -> String {
    if at_s > now_s {
        format!("in {}", age(at_s.saturating_sub(now_s)))
    } else {
        format!("{} ago", age(now_s.saturating_sub(at_s)))
    }
}

/// Millionths of a full check as `0.75`.
pub(crate) fn score(ppm: u64) -> String {
    format!("{}.{:02}", grouped(ppm / 1_000_000), ppm % 1_000_000 / 10_000)
}

/// Smallest units of a token with 18 decimals as `3.75`, rounded down; anything that is no number as it is.
pub(crate) fn tokens(units: &str) -> String {
    let Ok(units) = units.parse::<u128>() else { return units.to_owned() };
    /// Smallest units of a hundredth.
    const HUNDREDTH: u128 = 10_000_000_000_000_000;
    let hundredths = units / HUNDREDTH;
    let whole = u64::try_from(hundredths / 100).unwrap_or(u64::MAX);
    format!("{}.{:02}", grouped(whole), hundredths % 100)
}

/// `1 leaf`, `2 leaves`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// `0x12345678…9abc`.
pub(crate) fn short_hash(hash: &str) -> String {
    match (hash.get(..10), hash.get(hash.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if hash.len() > 16 => format!("{head}…{tail}"),
        _ => hash.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_282), "1,282");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(size(2_400), "2.4 KB");
        assert_eq!(millis(2_100.0), "2.1 s");
        assert_eq!(age(119), "119 seconds");
        assert_eq!(age(86_400 * 3), "3 days");
        assert_eq!(from_now(400, 100), "in 5 minutes");
        assert_eq!(from_now(100, 130), "30 seconds ago");
        assert_eq!(score(1_750_000), "1.75");
        assert_eq!(tokens("1250000000000000000000"), "1,250.00");
        assert_eq!(tokens("9999999999999999"), "0.00");
        assert_eq!(counted(1, "leaf", "leaves"), "1 leaf");
        assert_eq!(counted(1_200, "leaf", "leaves"), "1,200 leaves");
        assert_eq!(sentence("block 4 is old"), "Block 4 is old");
        assert_eq!(short_hash("0x1234567890abcdef1234"), "0x12345678…1234");
    }
}
