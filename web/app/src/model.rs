//! Everything the page knows, as signals; the verifier's messages are the only way in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use heliotrope_wasm::protocol::{
    EpochInfo, FromWorker, HeadInfo, HexState, LeafResult, LinkName, LinkReport, NetworkInfo,
    Outcome, Versions,
};
use leptos::prelude::{Get, GetUntracked, RwSignal, Set, Update};

use crate::{
    cells::{Cells, Counts},
    compare::Comparison,
    save::{self, Saving},
};

/// What a broken link means for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Break {
    pub(crate) link: LinkName,
    pub(crate) message: String,
    /// The hex; nothing when everything depends on the link.
    pub(crate) cell: Option<String>,
    /// A hex whose proof bundle shows the break.
    pub(crate) shown_by: Option<String>,
}

/// Why the verifier ended before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Crash {
    /// It stopped by itself, or stood still.
    Died(String),
    /// A check module came to no end, and was ended with it.
    NoVerdict(String),
}

impl Crash {
    /// In words.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Died(message) | Self::NoVerdict(message) => message,
        }
    }
}

/// The chain of the opened hex.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chain {
    pub(crate) cell: String,
    pub(crate) state: HexState,
    pub(crate) links: Vec<LinkReport>,
    pub(crate) leaves: Vec<LeafResult>,
    /// What was committed is wrong, and its proof bundle shows that.
    pub(crate) challengeable: bool,
}

/// What the verifier is doing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Progress {
    pub(crate) text: String,
    pub(crate) done: u32,
    pub(crate) total: u32,
}

/// A state in which nothing goes on by itself, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// The page's state. Copies of it are handles to the same signals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    pub(crate) network: RwSignal<Option<NetworkInfo>>,
    pub(crate) head: RwSignal<Option<HeadInfo>>,
    pub(crate) epoch: RwSignal<Option<EpochInfo>>,
    pub(crate) links: RwSignal<Vec<LinkReport>>,
    pub(crate) counts: RwSignal<Counts>,
    /// Grows when hexes change.
    pub(crate) revision: RwSignal<u32>,
    pub(crate) cells: RwSignal<Shared>,
    pub(crate) broken: RwSignal<Option<Break>>,
    pub(crate) failed: RwSignal<Option<Stopped>>,
    pub(crate) empty: RwSignal<Option<String>>,
    /// A later epoch than the one on the map.
    pub(crate) newer: RwSignal<Option<u64>>,
    pub(crate) crashed: RwSignal<Option<Crash>>,
    /// What the check registry says, or why that is not known; nothing while it is being read.
    pub(crate) versions: RwSignal<Option<Result<Versions, String>>>,
    /// The comparison that was asked for last, with the announced version it is about.
    pub(crate) comparison: RwSignal<Option<(u64, Comparison)>>,
    /// The hex whose proof bundle was asked for last.
    pub(crate) saving: RwSignal<Option<(String, Saving)>>,
    /// The verifier is about to call a check module.
    pub(crate) judging: RwSignal<bool>,
    pub(crate) map_error: RwSignal<Option<String>>,
    pub(crate) progress: RwSignal<Progress>,
    pub(crate) done: RwSignal<Option<(u64, f64)>>,
    pub(crate) selected: RwSignal<Option<String>>,
    pub(crate) chain: RwSignal<Option<Chain>>,
    /// Milliseconds of the page clock at the last sign of life of the verifier.
    pub(crate) heard: RwSignal<f64>,
}

/// The hexes, shared with the map's tile encoder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Cells>>);

impl Shared {
    /// The hexes. One thread: the lock is never waited for.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Cells> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pending_links() -> Vec<LinkReport> {
    LinkName::ALL
        .into_iter()
        .map(|link| LinkReport {
            link,
            outcome: Outcome::Pending,
            summary: String::new(),
            checked: Vec::new(),
            bytes: 0,
            ms: 0.0,
            exhibits: Vec::new(),
        })
        .collect()
}

impl Model {
    /// The state before the verifier has said anything.
    pub(crate) fn new() -> Self {
        Self {
            network: RwSignal::new(None),
            head: RwSignal::new(None),
            epoch: RwSignal::new(None),
            links: RwSignal::new(pending_links()),
            counts: RwSignal::new(Counts::default()),
            revision: RwSignal::new(0),
            cells: RwSignal::new(Shared::default()),
            broken: RwSignal::new(None),
            failed: RwSignal::new(None),
            empty: RwSignal::new(None),
            newer: RwSignal::new(None),
            crashed: RwSignal::new(None),
            versions: RwSignal::new(None),
            comparison: RwSignal::new(None),
            saving: RwSignal::new(None),
            judging: RwSignal::new(false),
            map_error: RwSignal::new(None),
            progress: RwSignal::new(Progress {
                text: "starting the verifier".to_owned(),
                ..Progress::default()
            }),
            done: RwSignal::new(None),
            selected: RwSignal::new(None),
            chain: RwSignal::new(None),
            heard: RwSignal::new(0.0),
        }
    }

    /// Back to the beginning, for another try. What was verified before is forgotten.
    pub(crate) fn reset(self) {
        self.head.set(None);
        self.epoch.set(None);
        self.links.set(pending_links());
        self.broken.set(None);
        self.failed.set(None);
        self.empty.set(None);
        self.newer.set(None);
        self.crashed.set(None);
        self.versions.set(None);
        self.comparison.set(None);
        self.saving.set(None);
        self.judging.set(false);
        self.done.set(None);
        self.chain.set(None);
        self.cells.get_untracked().lock().clear();
        self.hexes_changed();
    }

    fn hexes_changed(self) {
        self.counts.set(self.cells.get_untracked().lock().counts());
        self.revision.update(|revision| *revision = revision.wrapping_add(1));
    }

    /// True once a link is broken on which every hex depends.
    fn page_is_broken(self) -> bool {
        self.broken.get_untracked().is_some_and(|broken| broken.cell.is_none())
    }

    /// Takes over one message of the verifier.
    pub(crate) fn take(self, message: FromWorker) {
        match message {
            FromWorker::Hello { .. } => {}
            FromWorker::Network { network } => self.network.set(Some(network)),
            FromWorker::Alive { judging } => self.judging.set(judging),
            FromWorker::Progress { text, done, total } => {
                self.judging.set(false);
                self.progress.set(Progress { text, done, total });
            }
            FromWorker::Head { head } => self.head.set(Some(head)),
            FromWorker::Epoch { epoch } => self.epoch.set(Some(epoch)),
            FromWorker::Link { report } => self.links.update(|links| {
                if let Some(link) = links.iter_mut().find(|link| link.link == report.link) {
                    *link = report;
                }
            }),
            FromWorker::Hexes { hexes } => {
                let cells = self.cells.get_untracked();
                cells.lock().upsert(hexes);
                if self.page_is_broken() {
                    cells.lock().break_all();
                }
                self.hexes_changed();
            }
            FromWorker::Chain { cell, state, links, leaves, challengeable } => {
                // A chain that arrives after the page broke must not look better than the page.
                let state = if self.page_is_broken() { HexState::Broken } else { state };
                self.chain.set(Some(Chain { cell, state, links, leaves, challengeable }));
            }
            FromWorker::Broken { link, message, cell, shown_by } => {
                self.take_break(Break { link, message, cell, shown_by });
            }
            FromWorker::Versions { versions, error } => {
                let unknown = || error.unwrap_or_default();
                self.versions.set(Some(versions.ok_or_else(unknown)));
            }
            FromWorker::Comparing { version, done, total } => {
                self.comparison.set(Some((version, Comparison::Running(done, total))));
            }
            FromWorker::Compared { version, json, error } => {
                self.judging.set(false);
                self.comparison.set(Some((version, Comparison::of(json, error))));
            }
            FromWorker::Bundle { cell, url, error } => {
                let failed = || Saving::Failed(error.unwrap_or_default());
                let state = url.map_or_else(failed, |url| save::hand_out_proof(&cell, &url));
                self.saving.set(Some((cell, state)));
            }
            FromWorker::Failed { message, hint } => {
                self.failed.set(Some(Stopped { message, hint }));
            }
            FromWorker::Empty { hint } => self.empty.set(Some(hint)),
            // a call belongs to whoever made it: see `calls`
            FromWorker::Called { .. } => {}
            FromWorker::Newer { epoch } => self.newer.set(Some(epoch)),
            FromWorker::Done { bytes, ms } => self.done.set(Some((bytes, ms))),
        }
    }

    /// Nothing goes on by itself any more.
    pub(crate) fn stopped(self) -> bool {
        self.failed.get().is_some()
            || self.crashed.get().is_some()
            || self.broken.get().is_some_and(|broken| broken.cell.is_none())
    }

    /// A comparison runs: the verifier has to be watched.
    pub(crate) fn compares(self) -> bool {
        let running = |(_, state): (u64, Comparison)| matches!(state, Comparison::Running(..));
        self.comparison.get_untracked().is_some_and(running)
    }

    /// A check module came to no end.
    pub(crate) fn take_no_verdict(self, message: String) {
        self.comparison.update(|comparison| {
            if let Some((_, state @ Comparison::Running(..))) = comparison {
                *state = Comparison::NoVerdict(message.clone());
            }
        });
        self.crashed.set(Some(Crash::NoVerdict(message)));
    }

    fn take_break(self, broken: Break) {
        let page_wide = broken.cell.is_none();
        if page_wide {
            self.cells.get_untracked().lock().break_all();
            self.hexes_changed();
            self.chain.update(|chain| {
                if let Some(chain) = chain {
                    chain.state = HexState::Broken;
                }
            });
        }
        // The banner keeps the first page-wide break; one hex's break never covers it.
        if page_wide || self.broken.get_untracked().is_none() {
            self.broken.set(Some(broken));
        }
    }
}
