//! One run of the verifier: from the checkpoint down to every device signature, in short steps.
//!
//! ```text
//!  network ─► claimed map ─► checkpoint ─► header ─► commitment ─► evidence, shard by shard
//!  (asserted)  (grey)         link 5        link 4    link 3 (blue)  links 1 and 2 (green)
//! ```
//!
//! Between steps the worker's event loop runs, so the page can stop it, or ask for a hex first.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use alloy_primitives::B256;
use heliotrope_device_proofs::{
    coverage::{CellRecord, Shard},
    epoch::{EpochManifest, ShardEvidence},
    h3,
};
use heliotrope_light_client::{
    LightClient, execution::ProvenBlock, network::DeployedNetwork, platform::Platform as _,
};

use crate::{
    bundle::ProvenEpoch,
    call::{self, Evm, Head},
    emit::emit,
    leaf::Judge,
    platform::{WebPlatform, clock_ms},
    protocol::{
        CallAnswer, CallRequest, FromWorker, Hex, HexState, JudgeInfo, LinkName, LinkReport,
        Outcome, Versions,
    },
    report::{Broken, Halt, Link},
};

/// The event loop runs at least so often.
const STEP_MS: f64 = 40.0;

/// While modules run the watchdog hears so often that others ended.
const ALIVE_MS: f64 = 1_000.0;

const WATCH_EVERY: Duration = Duration::from_secs(6);
const LEDGER_RETRIES: u32 = 5;

/// A shard of the epoch on the map.
#[derive(Debug)]
pub(crate) struct ShardEntry {
    /// Index of its lane in the manifest.
    pub(crate) lane: usize,
    pub(crate) shard: Shard,
    pub(crate) done: bool,
}

/// What a session has learned.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) deployed: Option<Rc<DeployedNetwork>>,
    /// The same as it was served, for proof bundles.
    pub(crate) network: Rc<[u8]>,
    /// The header that proves the commitments.
    pub(crate) proven: Option<Rc<ProvenEpoch>>,
    /// What the check registry says.
    pub(crate) versions: Option<Versions>,
    /// Rule profiles by the hash of the parameters that name them.
    pub(crate) profiles: BTreeMap<B256, String>,
    /// The versions that judged the epoch, as far as it is looked at.
    pub(crate) judged_by: Vec<JudgeInfo>,
    /// Lanes of the manifest, by index, whose settlement was struck out.
    pub(crate) refuted: BTreeSet<usize>,
    /// The proven head, for calls.
    pub(crate) head: Option<Head>,
    pub(crate) manifest: Option<Rc<EpochManifest>>,
    /// By res-4 parent.
    pub(crate) shards: BTreeMap<u64, ShardEntry>,
    /// A shard that is not what the manifest names; said when link 3 is due.
    pub(crate) bad_shard: Option<Broken>,
    /// Links of the page as a whole.
    pub(crate) links: BTreeMap<LinkName, LinkReport>,
    pub(crate) hexes: BTreeMap<u64, HexState>,
    /// Judges by module and parameter hash.
    pub(crate) judges: BTreeMap<(B256, B256), Rc<Judge>>,
    pub(crate) evidence: BTreeMap<u64, Rc<ShardEvidence>>,
    pub(crate) committed: bool,
    pub(crate) broken: bool,
    /// The hex whose proof bundle shows what is broken.
    pub(crate) shown_by: Option<u64>,
    pub(crate) wanted: Option<u64>,
    pub(crate) view: Vec<u64>,
    pub(crate) tally: Tally,
}

/// What links 1 and 2 of the page add up to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) leaves: u32,
    pub(crate) reports: u64,
    pub(crate) bundle_bytes: usize,
    pub(crate) output_bytes: usize,
    pub(crate) device_ms: f64,
    pub(crate) check_ms: f64,
    pub(crate) broken_devices: u32,
    /// Leaves whose device link holds and whose verdict the module gave again.
    pub(crate) judged: u32,
}

/// One run.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) platform: WebPlatform,
    pub(crate) base: String,
    /// The checkpoint the user names.
    pub(crate) named: Option<String>,
    pub(crate) state: RefCell<State>,
    /// How often a proof that a node cannot give any more is asked for at a newer block.
    pub(crate) retries: Cell<u32>,
    stopped: Cell<bool>,
    last_step: Cell<f64>,
    /// When the watchdog was last told that a module is about to run; 0 where it has to be told again.
    last_judging: Cell<f64>,
}

impl Session {
    /// A session that has not begun.
    pub(crate) fn new(base: String, named: Option<String>) -> Self {
        Self {
            platform: WebPlatform::default(),
            base,
            named,
            state: RefCell::new(State::default()),
            retries: Cell::new(LEDGER_RETRIES),
            stopped: Cell::new(false),
            last_step: Cell::new(clock_ms()),
            last_judging: Cell::new(0.0),
        }
    }

    /// Executes a call on the state of the proven head.
    pub(crate) async fn call(
        &self,
        evm: &Evm,
        request: &CallRequest,
    ) -> Result<CallAnswer, String> {
        let head = self.state.borrow().head.clone();
        let head = head.ok_or("no header is proven yet: wait for link 4")?;
        let rpc = format!("{}/rpc", self.base);
        call::run(&self.platform, &rpc, evm, &head, request).await
    }

    /// Ends the run at its next step.
    pub(crate) fn stop(&self) {
        self.stopped.set(true);
    }

    /// Lets the event loop run when it is time to.
    pub(crate) async fn step(&self) -> Result<(), Halt> {
        if clock_ms() - self.last_step.get() > STEP_MS {
            self.platform.sleep(Duration::ZERO).await;
            self.last_step.set(clock_ms());
        }
        if self.stopped.get() { Err(Halt::Stopped) } else { Ok(()) }
    }

    /// Says what is being done; also the sign of life.
    pub(crate) fn progress(&self, text: impl Into<String>, done: usize, total: usize) {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.last_judging.set(0.0);
        emit(&FromWorker::Progress { text: text.into(), done: small(done), total: small(total) });
    }

    /// Tells the watchdog that a check module is about to run.
    pub(crate) fn judging(&self) {
        if self.last_judging.get() == 0.0 || clock_ms() - self.last_judging.get() > ALIVE_MS {
            self.last_judging.set(clock_ms());
            emit(&FromWorker::Alive { judging: true });
        }
    }

    /// Tells the watchdog that something else goes on.
    pub(crate) fn alive(&self) {
        self.last_judging.set(0.0);
        emit(&FromWorker::Alive { judging: false });
    }

    /// Keeps and sends a link of the page.
    pub(crate) fn link(&self, report: LinkReport) {
        self.state.borrow_mut().links.insert(report.link, report.clone());
        emit(&FromWorker::Link { report });
    }

    /// Keeps and sends the state of hexes. Nothing is sent once the page is broken.
    pub(crate) fn hexes(&self, records: &[(CellRecord, HexState)]) {
        let mut state = self.state.borrow_mut();
        if state.broken {
            return;
        }
        for (record, hex_state) in records {
            state.hexes.insert(record.cell, *hex_state);
        }
        let hexes = records.iter().map(|(record, state)| hex(record, *state)).collect();
        emit(&FromWorker::Hexes { hexes });
    }

    /// Runs to the end, says how it ended, and then watches for a later epoch.
    pub(crate) async fn run(self: Rc<Self>) {
        let begin = clock_ms();
        let mut client = None;
        match Rc::clone(&self).run_links(&mut client).await {
            Ok(()) => {
                emit(&FromWorker::Done { bytes: self.platform.bytes(), ms: clock_ms() - begin });
                self.watch(client).await;
            }
            Err(Halt::Broken(broken)) => self.broke(&broken),
            Err(Halt::Unavailable { message, hint }) => emit(&FromWorker::Failed { message, hint }),
            Err(Halt::Empty) => {
                emit(&FromWorker::Empty {
                    hint: "The gateway has not closed an epoch. Feed it reports and close one; \
                           this page looks again by itself."
                        .to_owned(),
                });
                self.watch(client).await;
            }
            Err(Halt::Stopped) => {}
        }
    }

    /// Says when there is a later epoch, when a version is announced or becomes active, and when a dispute strikes out
    /// what is on the map. A carrier that does not answer is asked again.
    async fn watch(&self, mut client: Option<LightClient<WebPlatform>>) {
        let mut shown = self.state.borrow().manifest.as_ref().map(|manifest| manifest.epoch);
        while !self.stopped.get() {
            self.platform.sleep(WATCH_EVERY).await;
            if let Ok(Some(epoch)) = self.latest_epoch().await
                && Some(epoch) > shown
            {
                shown = Some(epoch);
                emit(&FromWorker::Newer { epoch });
            }
            if let Some(client) = &mut client {
                self.follow(client).await;
            }
        }
    }

    async fn follow(&self, client: &mut LightClient<WebPlatform>) {
        let before = ProvenBlock::of(client.finalized()).map(|block| block.number);
        if client.sync().await.is_err() {
            return;
        }
        let Some(block) = ProvenBlock::of(client.finalized()) else { return };
        let deployed = self.state.borrow().deployed.clone();
        if let Some(deployed) = deployed.filter(|_| before < Some(block.number)) {
            self.announce(&deployed, &block).await;
            self.look_for_struck_out(&deployed, &block).await;
        }
    }

    async fn run_links(
        self: Rc<Self>,
        client: &mut Option<LightClient<WebPlatform>>,
    ) -> Result<(), Halt> {
        self.progress("reading the network's description", 0, 0);
        let deployed = self.read_network().await?;
        let claims = self.read_claims(&deployed).await;
        let client = client.insert(self.prove_checkpoint(&deployed.network).await?);
        let mut block = self.prove_header(client).await?;
        self.announce(&deployed, &block).await;
        // without the server's claims the chain is proven all the same, from what was kept
        if !claims? {
            return Err(Halt::Empty);
        }
        while !self.prove_commitment(&deployed, &block, client.proof()).await? {
            self.progress("waiting until the block that stores this epoch is finalized", 0, 0);
            self.platform.sleep(Duration::from_secs(4)).await;
            self.step().await?;
            block = self.prove_header(client).await?;
        }
        self.state.borrow_mut().committed = true;
        Rc::clone(&self).open_wanted();
        self.prove_evidence().await
    }

    /// A link on which everything depends is broken: nothing may stay green.
    fn broke(&self, broken: &Broken) {
        let records: Vec<(CellRecord, HexState)> = {
            let state = self.state.borrow();
            let cells = state.shards.values().flat_map(|entry| &entry.shard.cells);
            cells.map(|record| (record.clone(), HexState::Broken)).collect()
        };
        self.hexes(&records);
        // what was going on has stopped
        let going_on = |report: &&LinkReport| report.outcome == Outcome::Checking;
        let stopped: Vec<LinkReport> =
            self.state.borrow().links.values().filter(going_on).cloned().collect();
        for report in stopped {
            self.link(LinkReport { outcome: Outcome::Pending, ..report });
        }
        self.link(Link::new(broken.link, Outcome::Broken, broken.message.clone()).done());
        {
            let mut state = self.state.borrow_mut();
            state.broken = true;
            state.shown_by = broken.shown_by;
        }
        emit(&FromWorker::Broken {
            link: broken.link,
            message: broken.message.clone(),
            cell: None,
            shown_by: broken.shown_by.map(|cell| format!("{cell:x}")),
        });
        let wanted = self.state.borrow().wanted;
        if let Some(cell) = wanted {
            self.send_bare_chain(cell);
        }
    }

    /// The page opens a hex: its chain is proven now, or as soon as that is possible.
    pub(crate) fn open(self: Rc<Self>, cell: u64) {
        self.state.borrow_mut().wanted = Some(cell);
        self.send_bare_chain(cell);
        self.open_wanted();
    }

    fn open_wanted(self: Rc<Self>) {
        let (wanted, ready) = {
            let state = self.state.borrow();
            (state.wanted, state.committed && !state.broken)
        };
        if let Some(cell) = wanted.filter(|_| ready) {
            wasm_bindgen_futures::spawn_local(async move { self.prove_cell(cell).await });
        }
    }

    /// The page shows these res-4 parents.
    pub(crate) fn set_view(&self, parents: Vec<u64>) {
        self.state.borrow_mut().view = parents;
    }

    /// What is known of a hex without having looked at its evidence.
    fn send_bare_chain(&self, cell: u64) {
        let state = self.state.borrow();
        let known = h3::parent(cell, h3::SHARD_RESOLUTION)
            .and_then(|parent| state.shards.get(&parent))
            .is_some_and(|entry| entry.shard.cells.iter().any(|record| record.cell == cell));
        if !known {
            return;
        }
        let links = LinkName::ALL
            .into_iter()
            .map(|name| {
                let page = state.links.get(&name);
                let own = matches!(name, LinkName::Device | LinkName::Check);
                page.filter(|report| !own || report.outcome == Outcome::Broken)
                    .cloned()
                    .unwrap_or_else(|| Link::new(name, Outcome::Pending, "").done())
            })
            .collect();
        let hex_state = match state.hexes.get(&cell) {
            Some(worst @ (HexState::Broken | HexState::Refuted)) => *worst,
            _ if state.committed => HexState::Committed,
            _ => HexState::Claimed,
        };
        emit(&FromWorker::Chain {
            cell: format!("{cell:x}"),
            state: hex_state,
            links,
            leaves: Vec::new(),
            challengeable: state.shown_by == Some(cell),
        });
    }
}

/// A hex as the page wants it.
fn hex(record: &CellRecord, state: HexState) -> Hex {
    Hex {
        cell: format!("{:x}", record.cell),
        state,
        beacons: record.beacons,
        passed: record.passed,
        failed: record.failed,
        indeterminate: record.indeterminate,
        witnesses_selected: record.witnesses_selected,
        witnesses_rejected: record.witnesses_rejected,
    }
}
