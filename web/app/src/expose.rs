//! `window.__heliotrope`: the page's state as a plain object, for tests and for curious people.
//!
//! It is written, never read: nobody can make the page believe anything through it.

use heliotrope_wasm::protocol::{HexState, JudgeInfo, LinkName, Versions};
use leptos::prelude::*;
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::{cells::Counts, model::Model, words};

/// Hexes listed with their place.
const SAMPLE: usize = 60;

#[derive(Debug, Serialize)]
struct View {
    ready: bool,
    progress: String,
    epoch: Option<u64>,
    judges: Vec<JudgeInfo>,
    finalized_block: Option<u64>,
    counts: Counts,
    total: u32,
    links: Vec<LinkView>,
    broken: Option<BrokenView>,
    error: Option<String>,
    crashed: Option<String>,
    versions: Option<Versions>,
    comparison: Option<ComparisonView>,
    empty: bool,
    selected: Option<SelectedView>,
    sample: Vec<HexView>,
}

#[derive(Debug, Serialize)]
struct LinkView {
    link: LinkName,
    outcome: &'static str,
}

#[derive(Debug, Serialize)]
struct BrokenView {
    link: LinkName,
    message: String,
    cell: Option<String>,
}

#[derive(Debug, Serialize)]
struct SelectedView {
    cell: String,
    state: Option<HexState>,
    links: Vec<LinkView>,
}

#[derive(Debug, Serialize)]
struct ComparisonView {
    version: u64,
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct HexView {
    cell: String,
    state: HexState,
    lat: f64,
    lng: f64,
}

/// Keeps the object up to date.
pub(crate) fn follow(model: Model) {
    Effect::new(move |_| {
        let view = view(model);
        let serializer = serde_wasm_bindgen::Serializer::json_compatible();
        if let Ok(value) = view.serialize(&serializer) {
            // Setting a property of the window fails only if someone froze it: then tests see nothing.
            drop(js_sys::Reflect::set(
                &gloo::utils::window(),
                &JsValue::from_str("__heliotrope"),
                &value,
            ));
        }
    });
}

fn view(model: Model) -> View {
    let _changed = model.revision.get();
    let shared = model.cells.get();
    let cells = shared.lock();
    // Verified hexes first: a test wants to click one.
    let mut entries: Vec<_> = cells.iter().map(|(_, entry)| entry).collect();
    entries.sort_by_key(|entry| entry.hex.state != HexState::Verified);
    let sample = entries
        .into_iter()
        .take(SAMPLE)
        .map(|entry| HexView {
            cell: entry.hex.cell.clone(),
            state: entry.hex.state,
            lat: entry.shape.lat,
            lng: entry.shape.lng,
        })
        .collect();
    let counts = model.counts.get();
    let chain = model.chain.get();
    View {
        ready: model.done.get().is_some(),
        progress: model.progress.get().text,
        epoch: model.epoch.get().map(|epoch| epoch.epoch),
        judges: model.epoch.get().map(|epoch| epoch.judges).unwrap_or_default(),
        finalized_block: model.head.get().map(|head| head.finalized_block),
        counts,
        total: counts.total(),
        links: model.links.get().iter().map(link_view).collect(),
        broken: model.broken.get().map(|broken| BrokenView {
            link: broken.link,
            message: broken.message,
            cell: broken.cell,
        }),
        error: model.failed.get().map(|stopped| stopped.message),
        crashed: model.crashed.get().map(|crash| crash.message().to_owned()),
        versions: model.versions.get().and_then(Result::ok),
        comparison: model
            .comparison
            .get()
            .map(|(version, state)| ComparisonView { version, state: state.as_str() }),
        empty: model.empty.get().is_some(),
        selected: model.selected.get().map(|cell| {
            let chain = chain.filter(|chain| chain.cell == cell);
            SelectedView {
                state: chain.as_ref().map(|chain| chain.state),
                links: chain
                    .map(|chain| chain.links.iter().map(link_view).collect())
                    .unwrap_or_default(),
                cell,
            }
        }),
        sample,
    }
}

fn link_view(report: &heliotrope_wasm::protocol::LinkReport) -> LinkView {
    LinkView { link: report.link, outcome: words::outcome(report.outcome) }
}
