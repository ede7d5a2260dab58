//! Which version of the check judges, which is announced and from when on: what was proven of the registry in this tab,
//! and beside it, labelled, what the gateway says.

use heliotrope_wasm::protocol::{JudgeInfo, SaidOfNext, VersionInfo, Versions};
use js_sys::Date;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::{
    app::{Ctx, ctx},
    compare::Compare,
    words,
};

/// The section of the panel.
#[component]
pub(crate) fn Change() -> impl IntoView {
    let Ctx { model, .. } = ctx();
    view! {
        <section class="change" aria-label="Versions of the check">
            <h2>"The check"</h2>
            {move || match model.versions.get() {
                None => view! {
                    <p class="progress" data-versions="loading">{if model.stopped() {
                        "The check registry was not read."
                    } else {
                        "Reading which versions the check registry has…"
                    }}</p>
                }.into_any(),
                Some(Err(why)) => view! {
                    <p class="unknown" data-versions="error">
                        <strong>"Which version comes next is not known: "</strong>{why}". Nothing is shown as announced."
                    </p>
                }.into_any(),
                Some(Ok(versions)) => view! { <Proven versions/> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn Proven(versions: Versions) -> impl IntoView {
    let Ctx { model, .. } = ctx();
    let Versions { active, announced, block, said } = versions;
    let state = if announced.is_empty() { "none" } else { "announced" };
    let judges = move || {
        let epoch = model.epoch.get()?;
        let by: Vec<String> = epoch.judges.iter().map(judge).collect();
        (!by.is_empty())
            .then(|| format!("Epoch {} was judged by {}.", epoch.epoch, by.join(" and ")))
    };
    // each comes instead of the one before it
    let before: Vec<_> =
        std::iter::once(active.clone()).chain(announced.iter().cloned().map(Some)).collect();
    view! {
        <div data-versions=state>
            <p>{match &active {
                Some(version) => format!("{} judges now.", words::sentence(&name(version))),
                None => "No version judges now.".to_owned(),
            }}" "<span class="proven">{format!("✓ proven in this tab at finalized block {}", words::grouped(block))}</span></p>
            {move || judges().map(|text| view! { <p data-judged-by="">{text}</p> })}
            {announced.is_empty().then(|| view! { <p>"No change is announced."</p> })}
            {announced.into_iter().zip(before).enumerate().map(|(place, (next, old))| {
                let said = said.clone().filter(|_| place == 0);
                view! { <Pending old next said/> }
            }).collect_view()}
        </div>
    }
}

#[component]
fn Pending(old: Option<VersionInfo>, next: VersionInfo, said: Option<SaidOfNext>) -> impl IntoView {
    let Ctx { now_s, .. } = ctx();
    let at = next.active_from;
    let when = move || {
        let now = now_s.get();
        let final_or_not = if now < at { "" } else { ", as soon as that is final" };
        format!("({}{final_or_not})", words::from_now(at, now))
    };
    let version = next.version;
    view! {
        <article class="pending" data-version=version aria-label=format!("Announced version {version}")>
            <h3>{format!("Version {version} is announced")}<span class="proven">"✓ proven in this tab"</span></h3>
            <dl>
                <div><dt>"Judges from"</dt><dd><strong>{local_time(at)}</strong>" "<span class="when">{when}</span></dd></div>
                {old.map(|old| view! {
                    <div><dt>"Instead of"</dt><dd>{name(&old)}<Hashes version=old/></dd></div>
                })}
                <div><dt>"Comes"</dt><dd>{name(&next)}<Hashes version=next/></dd></div>
            </dl>
            {said.map(|said| view! { <p class="said"><span class="asserted">"asserted"</span>{says(&said)}</p> })}
            <Compare version/>
        </article>
    }
}

#[component]
fn Hashes(version: VersionInfo) -> impl IntoView {
    let VersionInfo { module_hash, params_hash, .. } = version;
    let (short_module, short_params) =
        (words::short_hash(&module_hash), words::short_hash(&params_hash));
    view! {
        <span class="hashes">"module "<code title=module_hash>{short_module}</code>
            ", parameters "<code title=params_hash>{short_params}</code></span>
    }
}

fn name(version: &VersionInfo) -> String {
    named(version.version, &version.profile)
}

fn named(version: u64, profile: &str) -> String {
    match profile {
        "" => format!("version {version}"),
        profile => format!("version {version} (profile {profile})"),
    }
}

fn judge(judge: &JudgeInfo) -> String {
    format!(
        "{}, module {}",
        named(judge.version, &judge.profile),
        words::short_hash(&judge.module_hash)
    )
}

/// The gateway's word, in a sentence.
fn says(said: &SaidOfNext) -> String {
    let ready = match (&said.error, said.ready) {
        (Some(error), _) => format!("The gateway says that it cannot run it: {error}."),
        (None, true) => "The gateway says that it has fetched and compiled it.".to_owned(),
        (None, false) => "The gateway says that it does not have it yet.".to_owned(),
    };
    let Some(beside) = &said.beside else { return ready };
    let silent = match beside.no_verdict {
        0 => String::new(),
        n => format!(", and {n} would have no verdict"),
    };
    format!(
        "{ready} It says that it judged epoch {} by both: {} of {} would come to something else{silent}.",
        beside.epoch,
        words::grouped(beside.changed),
        words::counted(beside.leaves, "beacon", "beacons"),
    )
}

/// Date and time where the reader is, to the second: `2026-11-25 18:04:09`.
#[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
fn local_time(unix_s: u64) -> String {
    let date = Date::new(&JsValue::from_f64(unix_s as f64 * 1_000.0));
    format!(
        "{}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.get_full_year(),
        date.get_month().saturating_add(1),
        date.get_date(),
        date.get_hours(),
        date.get_minutes(),
        date.get_seconds()
    )
}
