//! The coverage map: a page that shows what was proved in this tab, and nothing more.
//!
//! ```text
//!   js/map.js  ◄── tiles (Rust) ◄── cells ◄── model ◄── FromWorker ──  verifier (its own wasm, its own thread)
//!      │ click ──► model.selected ──────────────────── ToWorker ──►
//! ```
//!
//! The page trusts the verifier's thread, which is served with it, and nothing else; it holds no rule
//! of its own. The one thing it adds is a one-way latch: once a link is broken on which all hexes
//! depend, no later message makes a hex green again.
#![allow(unreachable_pub, reason = "the component macro makes public builders of private parts")]

mod app;
mod calls;
mod cells;
mod change;
mod compare;
mod deep_link;
mod drawer;
mod expose;
mod geo;
mod list;
mod map;
mod model;
mod overview;
mod save;
mod tiles;
mod verifier;
mod words;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
