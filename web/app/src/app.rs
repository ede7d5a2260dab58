//! The page: header line, notices, map and panel.

use gloo::timers::callback::Interval;
use heliotrope_wasm::protocol::HexState;
use leptos::{html, prelude::*};

use crate::{
    calls, deep_link,
    drawer::Drawer,
    expose, map,
    model::{Crash, Model},
    overview::Overview,
    verifier,
    verifier::Verifier,
    words,
};

const PHONE_PX: f64 = 760.0;
const CLOCK_MS: u32 = 5_000;

/// What every part of the page needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ctx {
    pub(crate) model: Model,
    pub(crate) verifier: StoredValue<Verifier, LocalStorage>,
    /// The page's clock in unix seconds, renewed every five seconds.
    pub(crate) now_s: RwSignal<u64>,
}

/// The context; the root provides it before anything is drawn.
pub(crate) fn ctx() -> Ctx {
    expect_context::<Ctx>()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a clock before 1970 saturates to 0"
)]
fn now_s() -> u64 {
    (verifier::now_ms() / 1_000.0) as u64
}

/// The root of the page.
#[component]
pub(crate) fn App() -> impl IntoView {
    let model = Model::new();
    let link = deep_link::read();
    model.selected.set(link.cell);
    let verifier = Verifier::start(model);
    let clock = RwSignal::new(now_s());
    Interval::new(CLOCK_MS, move || clock.set(now_s())).forget();
    provide_context(Ctx {
        model,
        verifier: StoredValue::new_local(verifier.clone()),
        now_s: clock,
    });
    expose::follow(model);
    calls::offer(verifier.clone());
    follow_selection(model, verifier.clone());
    follow_first_epoch(model, verifier.clone());

    let map_ref = NodeRef::<html::Div>::new();
    Effect::new(move |mounted: Option<bool>| match (mounted, map_ref.get()) {
        (Some(true), _) => true,
        (_, Some(element)) => {
            map::mount(element.into(), model, verifier.clone());
            true
        }
        _ => false,
    });

    view! {
        <header class="bar">
            <h1><span class="sun" aria-hidden="true"></span>"Heliotrope"</h1>
            <Status/>
        </header>
        <Notices/>
        <main class="body" class:has-hex=move || model.selected.get().is_some()>
            <section class="map-wrap" aria-label="Coverage map">
                <div class="map" node_ref=map_ref></div>
                <Legend/>
                {move || model.map_error.get().map(|error| view! {
                    <p class="map-error">"The map cannot be drawn here ("{error}"). The list has the same data."</p>
                })}
            </section>
            <section class="panel" aria-label="Proofs">
                {move || if model.selected.get().is_some() {
                    view! { <Drawer/> }.into_any()
                } else {
                    view! { <Overview/> }.into_any()
                }}
            </section>
        </main>
    }
}

/// The opened hex goes into the address and to the verifier.
fn follow_selection(model: Model, verifier: Verifier) {
    Effect::new(move |_| {
        let selected = model.selected.get();
        deep_link::write_cell(selected.as_deref());
        let known = model.chain.get_untracked().map(|chain| chain.cell);
        if known != selected {
            model.chain.set(None);
        }
        if let Some(cell) = selected {
            verifier.open(&cell);
        }
    });
}

/// The first epoch of a network is shown as soon as it is there; a later one waits for a click,
/// because it would take away what somebody is reading.
fn follow_first_epoch(model: Model, verifier: Verifier) {
    Effect::new(move |_| {
        if model.newer.get().is_some() && model.empty.get_untracked().is_some() {
            verifier.restart();
        }
    });
}

/// One line: what is proved, how new, and how much of it.
#[component]
fn Status() -> impl IntoView {
    let Ctx { model, now_s, .. } = ctx();
    let network = move || {
        model
            .network
            .get()
            .map(|n| format!("{} · chain {}", n.name, n.chain_id))
            .unwrap_or_default()
    };
    let block = move || {
        model.head.get().map_or_else(
            || "no finalized block yet".to_owned(),
            |head| {
                format!(
                    "block {} finalized, {} old",
                    words::grouped(head.finalized_block),
                    words::age(now_s.get().saturating_sub(head.finalized_time))
                )
            },
        )
    };
    let checkpoint = move || {
        model.head.get().map(|head| {
            format!(
                "checkpoint {} old",
                words::age(now_s.get().saturating_sub(head.checkpoint_time))
            )
        })
    };
    let hexes = move || {
        let counts = model.counts.get();
        format!(
            "{} of {} hexes proved",
            words::grouped(u64::from(counts.proven())),
            words::grouped(u64::from(counts.total()))
        )
    };
    view! {
        <ul class="status">
            <li class="status-net">{network}</li>
            <li>{move || model.epoch.get().map_or_else(|| "no epoch yet".to_owned(), |e| format!("epoch {}", e.epoch))}</li>
            <li>{block}</li>
            {move || checkpoint().map(|text| view! { <li>{text}</li> })}
            {move || (model.counts.get().total() > 0).then(|| view! {
                <li class="status-count"><strong>{hexes}</strong></li>
            })}
        </ul>
    }
}

/// Broken links, crashes, empty and failed states, and the development notice.
#[component]
fn Notices() -> impl IntoView {
    let Ctx { model, verifier, now_s } = ctx();
    let restart = move || verifier.with_value(Verifier::restart);
    view! {
        <section class="notices" aria-label="Notices">
            <div role="alert">
                {move || model.broken.get().map(|broken| view! {
                    <div class="banner banner-broken" data-link=broken.link.as_str()>
                        <strong>{format!("✕ Broken link {}: {}", broken.link.number(), broken.link.as_str().to_uppercase())}</strong>
                        <span>{words::sentence(&broken.message)}"."</span>
                        <span>{if broken.cell.is_some() {
                            "The hexes that depend on it are marked broken."
                        } else {
                            "Every hex depends on it, so none is shown as verified."
                        }}</span>
                        <button type="button" on:click=move |_| restart()>"Check again"</button>
                    </div>
                })}
                {move || model.crashed.get().map(|crash| view! {
                    <div class="banner banner-warn" data-state="crashed">
                        <strong>{match crash { Crash::Died(_) => "The verifier stopped", Crash::NoVerdict(_) => "No verdict" }}</strong>
                        <span>{words::sentence(crash.message())}". Nothing more is checked until the verifier runs again."</span>
                        <button type="button" on:click=move |_| restart()>"Restart the verifier"</button>
                    </div>
                })}
                {move || model.failed.get().map(|stopped| view! {
                    <div class="banner banner-warn" data-state="failed">
                        <strong>{words::sentence(&stopped.message)}</strong>
                        <span>{stopped.hint}</span>
                        <button type="button" on:click=move |_| restart()>"Try again"</button>
                    </div>
                })}
            </div>
            {move || model.empty.get().map(|hint| view! {
                <div class="banner banner-calm" data-state="empty">
                    <strong>"No epoch has been closed yet"</strong>
                    <span>{hint}</span>
                    <button type="button" on:click=move |_| restart()>"Look again"</button>
                </div>
            })}
            {move || model.newer.get().map(|epoch| view! {
                <div class="banner banner-calm" data-state="newer">
                    <strong>{format!("Epoch {epoch} is out")}</strong>
                    <span>"The map shows the one before."</span>
                    <button type="button" on:click=move |_| restart()>"Check the new epoch"</button>
                </div>
            })}
            {move || model.versions.get().and_then(Result::ok).and_then(|versions| versions.announced.into_iter().next()).map(|next| view! {
                <p class="change-note" data-state="announced">{format!(
                    "The check changes {}: version {} judges from then on. Proven in this tab.",
                    words::from_now(next.active_from, now_s.get()), next.version
                )}</p>
            })}
            {move || model.network.get().filter(|network| network.dev).map(|_| view! {
                <p class="dev-note">"Development chain: its keys are public, so anybody can sign anything on it. The proofs are real, the chain is a rehearsal."</p>
            })}
        </section>
    }
}

/// What the colours and patterns mean, with counts.
#[component]
fn Legend() -> impl IntoView {
    let Ctx { model, .. } = ctx();
    // On a phone the legend would cover the map: it waits to be opened.
    let wide = gloo::utils::window().inner_width().ok().and_then(|width| width.as_f64());
    view! {
        <details class="legend" open=wide.is_none_or(|width| width > PHONE_PX)>
            <summary>"Legend"</summary>
            <ul>
                {HexState::ALL.into_iter().map(|state| view! {
                    <li title=words::state_meaning(state)>
                        <span class=format!("swatch s-{}", state.as_str()) aria-hidden="true"></span>
                        <span>{words::state(state)}</span>
                        <span class="num">{move || words::grouped(u64::from(model.counts.get().of(state)))}</span>
                    </li>
                }).collect_view()}
            </ul>
            <p>"A circle stands for several hexes and shows the least proven of them."</p>
        </details>
    }
}
