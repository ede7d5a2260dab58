//! The panel of one hex: its state, its five links, and what the check said of each report.

use heliotrope_wasm::protocol::{
    Hex, HexState, LeafResult, LinkName, LinkReport, Outcome, RuleRow,
};
use leptos::prelude::*;

use crate::{
    app::{Ctx, ctx},
    geo, map,
    model::Chain,
    overview::Link,
    save::{Challenge, SaveProof},
    words,
};

/// The drawer of the selected hex.
#[component]
pub(crate) fn Drawer() -> impl IntoView {
    let Ctx { model, .. } = ctx();
    let hex = Memo::new(move |_| {
        let _changed = model.revision.get();
        let cell = u64::from_str_radix(&model.selected.get()?, 16).ok()?;
        let shared = model.cells.get();
        let cells = shared.lock();
        cells.get(cell).map(|entry| {
            (cell, geo::place_name(entry.shape.lat, entry.shape.lng), entry.hex.clone())
        })
    });
    let chain = move || {
        model.chain.get().filter(|chain| Some(&chain.cell) == model.selected.get().as_ref())
    };
    view! {
        <div class="drawer" data-cell=move || model.selected.get()>
            <button type="button" class="back" on:click=move |_| model.selected.set(None)>"← All hexes"</button>
            {move || hex.get().map_or_else(
                || view! {
                    <h2>"Hex"</h2>
                    <p>"The epoch on the map holds no such cell: "<code>{model.selected.get()}</code></p>
                }.into_any(),
                |(cell, place, hex)| view! { <Head cell place hex/> }.into_any(),
            )}
            {move || chain().map_or_else(
                || view! { <p class="progress" role="status">"Waiting for the proof of this hex: "{move || model.progress.get().text}</p> }.into_any(),
                |chain| view! { <ChainView chain/> }.into_any(),
            )}
        </div>
    }
}

#[component]
fn Head(cell: u64, place: String, hex: Hex) -> impl IntoView {
    let state = hex.state;
    view! {
        <h2>{place}</h2>
        <p class="cell-id"><code>{hex.cell.clone()}</code>
            <button type="button" class="plain" on:click=move |_| map::fly_to(cell)>"Show on the map"</button></p>
        <p class=format!("chip c-{}", state.as_str())>
            <span class=format!("swatch s-{}", state.as_str()) aria-hidden="true"></span>
            <strong>{words::state(state)}</strong>" – "{words::state_meaning(state)}
        </p>
        <dl class="counts">
            <div><dt>"Beacons"</dt><dd>{hex.beacons}</dd></div>
            <div><dt>"Passed"</dt><dd>{hex.passed}</dd></div>
            <div><dt>"Failed"</dt><dd>{hex.failed}</dd></div>
            <div><dt>"Undecided"</dt><dd>{hex.indeterminate}</dd></div>
            <div><dt>"Witnesses counted"</dt><dd>{hex.witnesses_selected}</dd></div>
            <div><dt>"Witnesses refused"</dt><dd>{hex.witnesses_rejected}</dd></div>
        </dl>
    }
}

#[component]
fn ChainView(chain: Chain) -> impl IntoView {
    let none_green = matches!(chain.state, HexState::Broken | HexState::Refuted);
    let Chain { cell, links, leaves, state, challengeable } = chain;
    let proven = |report: &LinkReport| {
        report.link == LinkName::Commitment && report.outcome == Outcome::Verified
    };
    let committed = links.iter().any(proven) || state == HexState::Refuted;
    view! {
        {if challengeable {
            Some(view! { <Challenge cell/> }.into_any())
        } else {
            committed.then(|| view! { <SaveProof cell/> }.into_any())
        }}
        <h3 class="section">"Proof, link by link"</h3>
        <ol class="links" class:hex-broken=none_green>
            {links.into_iter().map(|report| view! { <Link report/> }).collect_view()}
        </ol>
        {(!leaves.is_empty()).then(|| view! { <h3 class="section">"What the check said"</h3> })}
        {leaves.into_iter().map(|leaf| view! { <Leaf leaf/> }).collect_view()}
    }
}

#[component]
fn Leaf(leaf: LeafResult) -> impl IntoView {
    let refused = leaf.rows.iter().filter(|row| row.verdict == "fail").count();
    let title = format!(
        "Beacon {}: {}, {} witnesses, rules broken: {}",
        words::short_hash(&leaf.beaconer),
        leaf.verdict,
        leaf.witnesses,
        refused
    );
    view! {
        <details class=format!("leaf v-{}", leaf.verdict)>
            <summary>{title}</summary>
            <p class="cost">"Leaf "{leaf.leaf}" · score "{leaf.score_ppm}" ppm · bundle "<code>{words::short_hash(&leaf.bundle_id)}</code></p>
            <div class="scroll" tabindex="0" role="region" aria-label="Rules of this beacon">
            <table class="rules">
                <thead><tr><th scope="col">"Who"</th><th scope="col">"Rule"</th><th scope="col">"Verdict"</th>
                    <th scope="col" class="num">"Observed"</th><th scope="col" class="num">"Limit"</th></tr></thead>
                <tbody>{leaf.rows.into_iter().map(|row| view! { <Rule row/> }).collect_view()}</tbody>
            </table>
            </div>
        </details>
    }
}

#[component]
fn Rule(row: RuleRow) -> impl IntoView {
    // an indeterminate outcome without a reason is a rule whose source the parameters do not name
    let unjudged = row.verdict == "indeterminate" && row.reason == 0;
    let reason = (row.reason != 0).then(|| format!("reason {} {}", row.reason, row.reason_name));
    let class = format!("v-{}", row.verdict);
    view! {
        <tr class=class>
            <td>{row.subject}</td>
            <td>{row.name}{reason.map(|reason| view! { <span class="reason">{reason}</span> })}</td>
            {if unjudged {
                view! { <td colspan="3">"not judged: no source named"</td> }.into_any()
            } else {
                view! {
                    <td>{row.verdict}</td>
                    <td class="num">{row.observed}</td><td class="num">{row.limit}</td>
                }.into_any()
            }}
        </tr>
    }
}
