//! The panel when no hex is open: the five links of the page as a whole, and the list of hexes.

use heliotrope_wasm::protocol::{LinkReport, Outcome};
use leptos::prelude::*;

use crate::{
    app::{Ctx, ctx},
    change::Change,
    list::List,
    save::Challenge,
    words,
};

/// Chain of the page and list of the hexes.
#[component]
pub(crate) fn Overview() -> impl IntoView {
    let Ctx { model, .. } = ctx();
    let progress = move || {
        let progress = model.progress.get();
        if model.broken.get().is_some_and(|broken| broken.cell.is_none()) {
            return "Stopped at the broken link; nothing after it was believed.".to_owned();
        }
        if model.failed.get().is_some() || model.crashed.get().is_some() {
            return "Stopped before everything was checked.".to_owned();
        }
        if let Some((bytes, ms)) = model.done.get() {
            let broken = model.counts.get().broken;
            if broken > 0 {
                return format!(
                    "All checked in this tab, {} in {}: the proof of {broken} hexes is broken.",
                    words::size(bytes),
                    words::millis(ms)
                );
            }
            return format!(
                "All checked in this tab: {} in {}.",
                words::size(bytes),
                words::millis(ms)
            );
        }
        if progress.total > 0 {
            format!("{} ({} of {})", progress.text, progress.done, progress.total)
        } else {
            progress.text
        }
    };
    view! {
        {move || model.broken.get().and_then(|broken| broken.shown_by).map(|cell| view! { <Challenge cell/> })}
        <h2>"The chain of proof"</h2>
        <p class="progress" role="status">{progress}</p>
        {move || {
            let progress = model.progress.get();
            (progress.total > 0 && model.done.get().is_none() && !model.stopped()).then(|| view! {
                <progress max=progress.total value=progress.done aria-label="Verification progress"></progress>
            })
        }}
        <ol class="links">
            {move || model.links.get().into_iter().map(|report| view! { <Link report/> }).collect_view()}
        </ol>
        <Change/>
        <List/>
    }
}

/// One link: sign, words, cost, and on demand what was checked and the bytes.
#[component]
pub(crate) fn Link(report: LinkReport) -> impl IntoView {
    let outcome = report.outcome;
    let class = format!("link o-{}", words::outcome(outcome));
    let cost = (report.bytes > 0 || report.ms > 0.0)
        .then(|| format!("{} · {}", words::size(report.bytes), words::millis(report.ms)));
    let summary = if report.summary.is_empty() {
        words::link_question(report.link).to_owned()
    } else {
        report.summary.clone()
    };
    let more = !report.checked.is_empty() || !report.exhibits.is_empty();
    view! {
        <li class=class data-link=report.link.as_str() data-outcome=words::outcome(outcome)>
            <span class="sign" aria-hidden="true">{words::outcome_sign(outcome)}</span>
            <div class="link-body">
                <h3>
                    <span class="link-no">{report.link.number()}</span>
                    {words::link(report.link)}
                    <span class="outcome">{words::outcome(outcome)}</span>
                </h3>
                <p>{summary}</p>
                {cost.map(|cost| view! { <p class="cost">{cost}</p> })}
                {more.then(|| view! {
                    <details open=outcome == Outcome::Broken>
                        <summary>"What was checked, and the bytes"</summary>
                        <ul class="checked">
                            {report.checked.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}
                        </ul>
                        {report.exhibits.into_iter().map(|exhibit| view! {
                            <details class="exhibit">
                                <summary>{exhibit.label}" · "{words::size(exhibit.total_bytes)}</summary>
                                <pre tabindex="0">{exhibit.text}</pre>
                            </details>
                        }).collect_view()}
                    </details>
                })}
            </div>
        </li>
    }
}
