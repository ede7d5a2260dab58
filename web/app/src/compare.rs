//! What an announced version would change of the epoch on the map: the two are run side by side in the verifier's thread.

use leptos::prelude::*;
use serde::Deserialize;

use crate::{
    app::{Ctx, ctx},
    save, words,
};

/// Changes shown at once.
const PAGE_ROWS: usize = 20;

/// How far a comparison has come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Comparison {
    /// Areas done, and in all.
    Running(u32, u32),
    /// What would change, and the bytes that say so.
    Found(Box<Diff>, String),
    /// One of the versions came to no end and was ended.
    NoVerdict(String),
    /// Why nothing can be said.
    Failed(String),
}

impl Comparison {
    /// Reads the verifier's answer.
    pub(crate) fn of(json: Option<String>, error: Option<String>) -> Self {
        let Some(json) = json else { return Self::Failed(error.unwrap_or_default()) };
        let parsed = js_sys::JSON::parse(&json).ok();
        match parsed.and_then(|value| serde_wasm_bindgen::from_value(value).ok()) {
            Some(diff) => Self::Found(Box::new(diff), json),
            None => Self::Failed("the verifier's answer cannot be read".to_owned()),
        }
    }

    /// Its name for tests and styles.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Running(..) => "running",
            Self::Found(..) => "found",
            Self::NoVerdict(_) => "no-verdict",
            Self::Failed(_) => "failed",
        }
    }
}

/// What `heliotrope govern diff --json` prints, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Diff {
    epoch: u64,
    pay_unit: String,
    leaves: u64,
    unserved: u64,
    old: Totals,
    new: Totals,
    changes: Vec<Change>,
    hexes: std::collections::BTreeMap<String, serde::de::IgnoredAny>,
    no_verdict: Vec<serde::de::IgnoredAny>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Totals {
    pass: u64,
    fail: u64,
    indeterminate: u64,
    refused: u64,
    score_ppm: u64,
    pay: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Change {
    lane: u32,
    leaf: u32,
    device: String,
    hex: String,
    old: Told,
    new: Told,
    witnesses: Vec<WitnessChange>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Told {
    verdict: String,
    score_ppm: u64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct WitnessChange {
    new: bool,
}

/// The question, and its answer.
#[component]
pub(crate) fn Compare(version: u64) -> impl IntoView {
    let Ctx { model, verifier, .. } = ctx();
    let ask = move |_| {
        model.comparison.set(Some((version, Comparison::Running(0, 0))));
        verifier.with_value(|verifier| verifier.compare(version));
    };
    let state = Memo::new(move |_| {
        model.comparison.get().filter(|(of, _)| *of == version).map(|(_, state)| state)
    });
    let running = move || matches!(state.get(), Some(Comparison::Running(..)));
    view! {
        <div class="compare" data-compare=move || state.get().map(|state| state.as_str())>
            <button type="button" class="plain" data-action="compare" disabled=running on:click=ask>"What would change?"</button>
            {move || match state.get() {
                None => view! { <p class="cost">"Judges this epoch's evidence by both versions, in this tab."</p> }.into_any(),
                Some(Comparison::Running(done, total)) => view! {
                    <p class="progress" role="status">{format!("Judging by both versions ({done} of {total} areas)")}</p>
                    <progress max=total.max(1) value=done aria-label="Comparison"></progress>
                }.into_any(),
                Some(Comparison::NoVerdict(why)) => view! {
                    <p class="unknown"><strong>"No verdict: "</strong>{why}"."</p>
                }.into_any(),
                Some(Comparison::Failed(why)) => view! {
                    <p class="unknown"><strong>"This cannot be said now: "</strong>{why}"."</p>
                }.into_any(),
                Some(Comparison::Found(diff, json)) => view! { <Found version diff=*diff json/> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Found(version: u64, diff: Diff, json: String) -> impl IntoView {
    let limit = RwSignal::new(PAGE_ROWS);
    let name = format!("epoch-{}-version-{version}.json", diff.epoch);
    let failed = RwSignal::new(None);
    let save = move |_| {
        failed.set(save::hand_out_text(&json, &name).err().map(|error| format!("{error:?}")));
    };
    let total = diff.changes.len();
    let summary = summary(&diff);
    let changes = StoredValue::new(diff.changes);
    let shown =
        move || changes.with_value(|all| all.iter().take(limit.get()).cloned().collect::<Vec<_>>());
    let unit = if diff.pay_unit == "token" { "Pay, tokens" } else { "Pay, as score" };
    let rows: [(&str, String, String); 6] = [
        ("Pass", words::grouped(diff.old.pass), words::grouped(diff.new.pass)),
        ("Fail", words::grouped(diff.old.fail), words::grouped(diff.new.fail)),
        (
            "Undecided",
            words::grouped(diff.old.indeterminate),
            words::grouped(diff.new.indeterminate),
        ),
        ("Refused", words::grouped(diff.old.refused), words::grouped(diff.new.refused)),
        ("Score", words::score(diff.old.score_ppm), words::score(diff.new.score_ppm)),
        (unit, pay(&diff.pay_unit, &diff.old), pay(&diff.pay_unit, &diff.new)),
    ];
    view! {
        <p class="found" role="status">{summary}</p>
        <table class="totals">
            <thead><tr><th scope="col">"Epoch "{diff.epoch}</th><th scope="col" class="num">"As judged"</th>
                <th scope="col" class="num">{format!("By version {version}")}</th></tr></thead>
            <tbody>{rows.into_iter().map(|(what, old, new)| (what, old != new, old, new)).map(|(what, differs, old, new)| view! {
                <tr class:differs=differs><th scope="row">{what}</th><td class="num">{old}</td><td class="num">{new}</td></tr>
            }).collect_view()}</tbody>
        </table>
        {(total > 0).then(|| view! {
            <table class="changes">
                <caption>{words::counted(total as u64, "change", "changes")}</caption>
                <thead><tr><th scope="col">"Device and hex"</th><th scope="col">"As judged"</th>
                    <th scope="col">{format!("By version {version}")}</th></tr></thead>
                <tbody>{move || shown().into_iter().map(|change| view! { <Row change/> }).collect_view()}</tbody>
            </table>
        })}
        {move || (total > limit.get()).then(|| view! {
            <button type="button" class="more" on:click=move |_| limit.update(|n| *n = n.saturating_add(PAGE_ROWS))>"Show more"</button>
        })}
        <p class="save"><button type="button" class="plain" data-action="save-json" on:click=save>"Save as JSON"</button>
            <span class="cost">"the bytes that heliotrope govern diff --json prints"</span>
            {move || failed.get()}</p>
    }
}

#[component]
fn Row(change: Change) -> impl IntoView {
    let Ctx { model, .. } = ctx();
    let cell = change.hex.clone();
    let begins = change.witnesses.iter().filter(|witness| witness.new).count() as u64;
    let ceases = (change.witnesses.len() as u64).saturating_sub(begins);
    let mut witnesses = Vec::new();
    if begins > 0 {
        witnesses.push(format!("{} more counted", words::counted(begins, "witness", "witnesses")));
    }
    if ceases > 0 {
        witnesses
            .push(format!("{} no longer counted", words::counted(ceases, "witness", "witnesses")));
    }
    let told = |told: &Told| format!("{}, score {}", told.verdict, words::score(told.score_ppm));
    view! {
        <tr>
            <th scope="row"><button type="button" class="cell" title=change.device.clone()
                on:click=move |_| model.selected.set(Some(cell.clone()))>
                {words::short_hash(&change.device)}<code>{change.hex}</code></button>
                <span class="cost">{format!("lane {}, leaf {}", change.lane, change.leaf)}</span></th>
            <td>{told(&change.old)}</td>
            <td>{told(&change.new)}<span class="cost">{witnesses.join(", ")}</span></td>
        </tr>
    }
}

fn summary(diff: &Diff) -> String {
    let silent = match diff.no_verdict.len() as u64 {
        0 => String::new(),
        n => format!(
            " {} no verdict in this browser.",
            if n == 1 { "1 beacon has".to_owned() } else { format!("{n} beacons have") }
        ),
    };
    let unserved = match diff.unserved {
        0 => String::new(),
        n => format!(
            " {} committed and not served.",
            if n == 1 { "1 beacon is".to_owned() } else { format!("{n} beacons are") }
        ),
    };
    match diff.changes.len() as u64 {
        0 => format!(
            "Nothing would change: {} come to the same.{silent}{unserved}",
            words::counted(diff.leaves, "beacon", "beacons")
        ),
        n => format!(
            "{} of {} in {} would come to something else.{silent}{unserved}",
            words::grouped(n),
            words::counted(diff.leaves, "beacon", "beacons"),
            words::counted(diff.hexes.len() as u64, "hex", "hexes"),
        ),
    }
}

fn pay(unit: &str, totals: &Totals) -> String {
    if unit == "token" { words::tokens(&totals.pay) } else { words::score(totals.score_ppm) }
}
