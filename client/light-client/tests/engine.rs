//! The engine over recorded mainnet: honest, dead, lying and stale sources, and what is kept of them.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test"
)]

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs,
    path::PathBuf,
    rc::Rc,
    time::Duration,
};

use alloy_primitives::B256;
use heliotrope_light_client::{
    Form, LightClient, Settings, SyncError,
    platform::{FetchRequest, FetchResponse, Platform, PlatformError, Progress},
    recording::{CompactRecording, Recording},
};
use heliotrope_verifier::{
    chains::ethereum::{ChainSpec, compact::encode_batch},
    consensus::UnixSeconds,
};
use serde_json::Value;

const RECORDING: &str = "../../../shared/vectors/ethereum/mainnet_capella_periods_862_867";
const SLOTS_PER_PERIOD: u64 = 8192;
const FINALIZED_SLOT: u64 = 7_109_344;

/// What a source does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    /// A gateway: both forms.
    Gateway,
    /// A beacon node: the standard API.
    Beacon,
    /// Does not answer.
    Dead,
    /// A gateway that changes a byte in the middle of every newest update.
    Liar,
    /// A beacon node that has the committees and no newer head.
    Stale,
}

#[derive(Debug)]
struct Recorded {
    full: BTreeMap<&'static str, Value>,
    compact: CompactRecording,
    root: B256,
}

/// A machine whose network is the recording.
#[derive(Clone, Debug)]
struct Machine {
    recorded: Rc<Recorded>,
    sources: Rc<RefCell<BTreeMap<String, Source>>>,
    kept: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    heard: Rc<RefCell<Vec<Progress>>>,
    asked: Rc<RefCell<Vec<String>>>,
    slot: Rc<Cell<u64>>,
    ms: Rc<Cell<u64>>,
}

fn spec() -> ChainSpec {
    ChainSpec::mainnet()
}

fn recorded() -> Option<Recorded> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(RECORDING);
    if !folder.exists() {
        println!("skipped: no {}", folder.display());
        return None;
    }
    let names = ["bootstrap", "updates", "finality", "optimistic"];
    let files: Vec<(String, Vec<u8>)> = names
        .iter()
        .map(|name| format!("{name}.json"))
        .map(|name| (name.clone(), fs::read(folder.join(name)).unwrap()))
        .collect();
    let given = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let recording = Recording::decode(given, &spec()).unwrap();
    let full = names
        .iter()
        .zip(&files)
        .map(|(name, (_, bytes))| (*name, serde_json::from_slice(bytes).unwrap()))
        .collect();
    Some(Recorded {
        full,
        compact: recording.compact(&spec()).unwrap(),
        root: recording.own_root(),
    })
}

impl Machine {
    fn new(sources: &[(&str, Source)]) -> Option<(Self, Settings)> {
        let recorded = Rc::new(recorded()?);
        let urls: Vec<String> = sources.iter().map(|(url, _)| (*url).to_owned()).collect();
        let settings = Settings::new(urls, recorded.root);
        let sources = sources.iter().map(|(url, source)| ((*url).to_owned(), *source)).collect();
        let machine = Self {
            recorded,
            sources: Rc::new(RefCell::new(sources)),
            kept: Rc::default(),
            heard: Rc::default(),
            asked: Rc::default(),
            slot: Rc::new(Cell::new(FINALIZED_SLOT + 96)),
            ms: Rc::default(),
        };
        Some((machine, settings))
    }

    fn set(&self, url: &str, source: Source) {
        self.sources.borrow_mut().insert(url.to_owned(), source);
    }

    /// The body of an answer in the standard form.
    fn standard(&self, resource: &str) -> Option<Vec<u8>> {
        let full = &self.recorded.full;
        let body = match resource.split(['?', '/']).next()? {
            "updates" => {
                let (start, count) = range(resource)?;
                let period = |update: &Value| -> u64 {
                    let slot = &update["data"]["attested_header"]["beacon"]["slot"];
                    slot.as_str().unwrap().parse::<u64>().unwrap() / SLOTS_PER_PERIOD
                };
                let list = full["updates"].as_array()?.iter();
                list.filter(|u| (start..start + count).contains(&period(u))).cloned().collect()
            }
            "bootstrap" => full["bootstrap"].clone(),
            "finality_update" => full["finality"].clone(),
            "optimistic_update" => full["optimistic"].clone(),
            _ => return None,
        };
        Some(serde_json::to_vec(&body).unwrap())
    }

    fn compact(&self, resource: &str) -> Option<Vec<u8>> {
        let compact = &self.recorded.compact;
        match resource.split(['?', '/']).next()? {
            "bootstrap" => Some(compact.bootstrap.clone()),
            "updates" => {
                let (start, count) = range(resource)?;
                let wanted = start..start + count;
                let period = |slot: u64| slot / SLOTS_PER_PERIOD;
                let updates = compact.updates.iter();
                let updates: Vec<_> = updates
                    .filter(|u| wanted.contains(&period(u.attested_slot())))
                    .cloned()
                    .collect();
                Some(encode_batch(&updates, &spec()).unwrap())
            }
            "finality_update" => Some(compact.finality.clone()),
            _ => None,
        }
    }
}

fn range(resource: &str) -> Option<(u64, u64)> {
    let (start, count) = resource.split_once("start_period=")?.1.split_once("&count=")?;
    Some((start.parse().ok()?, count.parse().ok()?))
}

impl Platform for Machine {
    async fn fetch(&self, request: FetchRequest) -> Result<FetchResponse, PlatformError> {
        self.ms.set(self.ms.get() + 7);
        self.asked.borrow_mut().push(request.url.clone());
        let (url, path) = request.url.split_once("/").unwrap();
        let source = self.sources.borrow()[url];
        let (is_json, body) = match (source, path.split_once("light_client/").unwrap()) {
            (Source::Dead, _) => return Err(PlatformError("connection refused".into())),
            (Source::Gateway | Source::Liar, ("v1/", rest)) => {
                (false, self.compact(rest.strip_prefix("compact/").unwrap()))
            }
            (Source::Stale, (_, rest)) if rest.ends_with("_update") => (true, None),
            (_, ("v1/", _)) => (true, None),
            (_, (_, resource)) => (true, self.standard(resource)),
        };
        let status = if body.is_some() { 200 } else { 404 };
        let mut body = body.unwrap_or_default();
        if source == Source::Liar && path.ends_with("finality_update") {
            // in both forms a digit or a bit of the attested header
            let at = body.iter().position(|byte| *byte == b'7').unwrap();
            body[at] = b'6';
        }
        Ok(FetchResponse { status, is_json, consensus_version: None, body })
    }

    async fn load(&self, key: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        Ok(self.kept.borrow().get(key).cloned())
    }

    async fn store(&self, key: &str, value: Vec<u8>) -> Result<(), PlatformError> {
        self.kept.borrow_mut().insert(key.to_owned(), value);
        Ok(())
    }

    fn now(&self) -> UnixSeconds {
        spec().slot_start(self.slot.get())
    }

    async fn sleep(&self, duration: Duration) {
        self.ms.set(self.ms.get() + u64::try_from(duration.as_millis()).unwrap());
        tokio::task::yield_now().await;
    }

    fn random(&self) -> Result<[u8; 32], PlatformError> {
        Ok([9; 32])
    }

    fn monotonic_ms(&self) -> u64 {
        self.ms.get()
    }

    fn progress(&self, progress: Progress) {
        self.heard.borrow_mut().push(progress);
    }
}

async fn synced(machine: &Machine, settings: &Settings) -> Result<LightClient<Machine>, SyncError> {
    let mut client = LightClient::start(machine.clone(), spec(), settings.clone()).await?;
    client.sync().await?;
    Ok(client)
}

#[tokio::test]
async fn both_forms_end_at_the_same_block() {
    let Some((machine, gateway)) = Machine::new(&[("gateway", Source::Gateway)]) else { return };
    let compact = synced(&machine, &gateway).await.unwrap();
    let Some((machine, beacon)) = Machine::new(&[("beacon", Source::Beacon)]) else { return };
    let standard = synced(&machine, &beacon).await.unwrap();
    assert_eq!((compact.form(), standard.form()), (Form::Compact, Form::Standard));
    assert_eq!(compact.finalized(), standard.finalized());
    assert_eq!(compact.cost().updates, standard.cost().updates);
    assert!(compact.cost().bytes * 20 < standard.cost().bytes);
}

#[tokio::test]
async fn a_dead_and_a_lying_source_do_not_stop_an_honest_one() {
    let sources = [("dead", Source::Dead), ("liar", Source::Liar), ("honest", Source::Gateway)];
    let Some((machine, settings)) = Machine::new(&sources) else { return };
    let client = synced(&machine, &settings).await.unwrap();
    assert_eq!(client.form(), Form::Compact);
    let [dead, liar, honest] = client.sources() else { panic!() };
    assert!(dead.failed > 0 && dead.held == 0, "{dead:?}");
    assert_eq!(dead.last_error.as_deref(), Some("connection refused"));
    assert_eq!(liar.invalid, 1, "{liar:?}");
    assert!(honest.held > 0 && honest.invalid == 0 && honest.lag_slots.is_some(), "{honest:?}");
    assert!(honest.latency_ms.is_some_and(|ms| ms >= 7));
}

#[tokio::test]
async fn a_lie_of_the_only_source_is_named() {
    let Some((machine, settings)) = Machine::new(&[("liar", Source::Liar)]) else { return };
    let error = synced(&machine, &settings).await.unwrap_err();
    let judged = matches!(error, SyncError::Invalid { .. } | SyncError::Decode { .. });
    assert!(judged && error.to_string().contains("finality update from liar"), "{error}");
}

#[tokio::test]
async fn a_second_start_needs_no_source() {
    let Some((machine, settings)) = Machine::new(&[("only", Source::Gateway)]) else { return };
    let first = synced(&machine, &settings).await.unwrap();
    machine.set("only", Source::Dead);
    machine.asked.borrow_mut().clear();
    let second = LightClient::start(machine.clone(), spec(), settings.clone()).await.unwrap();
    assert_eq!(second.finalized(), first.finalized());
    assert_eq!(second.finalized().beacon.slot, FINALIZED_SLOT);
    assert!(machine.asked.borrow().is_empty());
    assert_eq!(second.cost().bytes, 0);
}

#[tokio::test]
async fn what_was_kept_is_not_believed() {
    let Some((machine, settings)) = Machine::new(&[("only", Source::Gateway)]) else { return };
    synced(&machine, &settings).await.unwrap();
    let (key, honest) = machine.kept.borrow().clone().into_iter().next().unwrap();
    machine.set("only", Source::Dead);
    // every 97th byte, so that each kind of field is met
    for at in (0..honest.len()).step_by(97) {
        let mut altered = honest.clone();
        altered[at] ^= 1;
        machine.kept.borrow_mut().insert(key.clone(), altered);
        let start = LightClient::start(machine.clone(), spec(), settings.clone()).await;
        // one field of an update is signed by nobody: see the compact format
        if let Ok(client) = start {
            assert_eq!(client.finalized().beacon.slot, FINALIZED_SLOT, "byte {at}");
        }
    }
    let refused = |p: &Progress| matches!(p, Progress::KeptDataRefused { .. });
    assert!(machine.heard.borrow().iter().filter(|p| refused(p)).count() > 50);
    // and it is no obstacle either: with a source the client starts anew
    machine.kept.borrow_mut().insert(key, vec![0; 9]);
    machine.set("only", Source::Gateway);
    synced(&machine, &settings).await.unwrap();
}

#[tokio::test]
async fn another_checkpoint_does_not_use_what_was_kept() {
    let Some((machine, mut settings)) = Machine::new(&[("only", Source::Gateway)]) else { return };
    synced(&machine, &settings).await.unwrap();
    settings.checkpoint = B256::repeat_byte(1);
    let error = synced(&machine, &settings).await.unwrap_err();
    assert!(matches!(error, SyncError::Invalid { what: "bootstrap", .. }), "{error}");
}

#[tokio::test]
async fn an_old_checkpoint_is_refused_with_its_age_and_the_remedy() {
    let Some((machine, mut settings)) = Machine::new(&[("only", Source::Gateway)]) else { return };
    machine.slot.set(FINALIZED_SLOT + 15 * 7200);
    let error = synced(&machine, &settings).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, SyncError::CheckpointTooOld { .. }), "{text}");
    assert!(text.contains("days old, expected at most 14.0") && text.contains("Name a newer"));
    settings.max_checkpoint_age = None;
    synced(&machine, &settings).await.unwrap();
}

#[tokio::test]
async fn a_head_that_stands_still_is_said() {
    let Some((machine, settings)) = Machine::new(&[("only", Source::Gateway)]) else { return };
    let mut client = synced(&machine, &settings).await.unwrap();
    assert!(!client.is_stalled());
    machine.slot.set(machine.slot.get() + 200);
    client.sync().await.unwrap();
    assert!(client.is_stalled());
    let heard = machine.heard.borrow();
    assert!(
        heard
            .iter()
            .any(|p| matches!(p, Progress::Stalled { behind_slots } if *behind_slots > 200))
    );
}

#[tokio::test]
async fn a_stale_source_is_passed_over_for_a_fresh_one() {
    let sources = [("stale", Source::Stale), ("fresh", Source::Beacon)];
    let Some((machine, mut settings)) = Machine::new(&sources) else { return };
    settings.optimistic = true;
    let client = synced(&machine, &settings).await.unwrap();
    assert_eq!(client.finalized().beacon.slot, FINALIZED_SLOT);
    assert!(client.optimistic().beacon.slot > FINALIZED_SLOT);
    assert_eq!(client.sources()[0].lag_slots, None);
    assert!(client.sources()[1].lag_slots.is_some());
}

#[tokio::test]
async fn waiting_ends_when_the_source_comes_back_and_can_be_cancelled() {
    let Some((machine, settings)) = Machine::new(&[("only", Source::Gateway)]) else { return };
    let mut client = LightClient::start(machine.clone(), spec(), settings).await.unwrap();
    let before = client.finalized().clone();
    machine.set("only", Source::Dead);
    let waited = tokio::time::timeout(Duration::from_millis(20), client.wait_synced()).await;
    assert!(waited.is_err(), "a source that is dead is waited for");
    assert_eq!(*client.finalized(), before, "cancelled in the middle, nothing is half done");
    machine.set("only", Source::Gateway);
    client.wait_synced().await.unwrap();
    assert_eq!(client.finalized().beacon.slot, FINALIZED_SLOT);
}
