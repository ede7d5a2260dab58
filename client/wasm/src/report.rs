//! Building blocks of the reports that go to the page, and the two ways to stop.

use core::fmt;

use heliotrope_light_client::{platform::PlatformError, proof_chain::AnchorError};

use crate::protocol::{Exhibit, LinkName, LinkReport, Outcome};

/// Bytes shown of an exhibit.
const SHOWN_BYTES: usize = 1_536;
/// Characters shown of a JSON exhibit.
const SHOWN_CHARS: usize = 6_000;

/// A link contradicts the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) link: LinkName,
    pub(crate) message: String,
    /// A hex whose proof bundle shows it.
    pub(crate) shown_by: Option<u64>,
}

impl Broken {
    pub(crate) fn new(link: LinkName, message: impl Into<String>) -> Self {
        Self { link, message: message.into(), shown_by: None }
    }
}

impl From<AnchorError> for Broken {
    fn from(error: AnchorError) -> Self {
        let link = match error {
            AnchorError::Header(_) => LinkName::Commitment,
            _ => LinkName::Check,
        };
        Self::new(link, error.to_string())
    }
}

impl From<AnchorError> for Halt {
    fn from(error: AnchorError) -> Self {
        Self::Broken(error.into())
    }
}

/// Why the session ends before everything is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    /// A link is broken on which everything depends.
    Broken(Broken),
    /// Something could not be had: no statement about truth.
    Unavailable { message: String, hint: String },
    /// There is no epoch yet.
    Empty,
    /// The page asked to stop.
    Stopped,
}

impl From<Broken> for Halt {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(broken) => f.write_str(&broken.message),
            Self::Unavailable { message, .. } => f.write_str(message),
            Self::Empty => f.write_str("there is no epoch yet"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl Halt {
    /// The module trapped or met a limit here: no statement about what was committed.
    pub(crate) fn no_verdict(why: &str) -> Self {
        Self::Unavailable {
            message: format!("the check module gave no verdict in this browser: {why}"),
            hint: "Nothing was proved or disproved. Another browser, or a gateway, may run it."
                .to_owned(),
        }
    }

    /// A place that did not answer as it should.
    pub(crate) fn unavailable(what: &str, reason: impl fmt::Display) -> Self {
        Self::Unavailable {
            message: format!("{what} could not be fetched: {reason}"),
            hint: "Nothing was proved or disproved. Check that the gateway runs and try again."
                .to_owned(),
        }
    }
}

/// A platform error about something.
pub(crate) fn no_answer(what: &str, error: &PlatformError) -> Halt {
    Halt::unavailable(what, error)
}

/// A report in the making.
#[derive(Debug)]
pub(crate) struct Link {
    report: LinkReport,
}

impl Link {
    /// A link with nothing said yet.
    pub(crate) fn new(link: LinkName, outcome: Outcome, summary: impl Into<String>) -> Self {
        Self {
            report: LinkReport {
                link,
                outcome,
                summary: summary.into(),
                checked: Vec::new(),
                bytes: 0,
                ms: 0.0,
                exhibits: Vec::new(),
            },
        }
    }

    /// One statement that was checked.
    pub(crate) fn checked(mut self, line: impl Into<String>) -> Self {
        self.report.checked.push(line.into());
        self
    }

    /// What it cost.
    pub(crate) fn cost(mut self, bytes: usize, ms: f64) -> Self {
        self.report.bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.report.ms = ms.max(0.0);
        self
    }

    /// Bytes to look at.
    pub(crate) fn hex(mut self, label: impl Into<String>, bytes: &[u8]) -> Self {
        let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
        let more = if shown.len() < bytes.len() { "…" } else { "" };
        self.report.exhibits.push(Exhibit {
            label: label.into(),
            text: format!("{}{more}", hex::encode(shown)),
            total_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        });
        self
    }

    /// JSON to look at.
    pub(crate) fn json(mut self, label: impl Into<String>, value: &serde_json::Value) -> Self {
        let full = serde_json::to_string_pretty(value).unwrap_or_default();
        let text = full.chars().take(SHOWN_CHARS).collect();
        self.report.exhibits.push(Exhibit {
            label: label.into(),
            text,
            total_bytes: u64::try_from(full.len()).unwrap_or(u64::MAX),
        });
        self
    }

    /// The finished report.
    pub(crate) fn done(self) -> LinkReport {
        self.report
    }
}

/// `1 beacon`, `2 beacons`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// `0x…` of any bytes.
pub(crate) fn hex0x(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
