//! The map widget: bindings to `js/map.js` and the tile callback.

use gloo::timers::callback::Timeout;
use js_sys::Uint8Array;
use leptos::prelude::{Effect, Get, GetUntracked, Set, StoredValue, UpdateValue, WithValue};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use crate::{geo, model::Model, tiles, verifier::Verifier};

#[wasm_bindgen(module = "/js/map.js")]
extern "C" {
    /// Where the built files lie, with a slash at the end.
    pub(crate) fn assets() -> String;
    #[wasm_bindgen(js_name = createMap, catch)]
    async fn create_map(
        container: &HtmlElement,
        tile: &JsValue,
        on_click: &JsValue,
        on_move: &JsValue,
    ) -> Result<JsValue, JsValue>;
    fn refresh();
    #[wasm_bindgen(js_name = flyTo)]
    fn fly_to_js(lng: f64, lat: f64, zoom: f64);
    fn select(ring: &[f64]);
}

/// Below this zoom a click means "go closer".
const CLICK_HEX_ZOOM: f64 = 7.0;
const CLOSER_ZOOM: f64 = 10.5;
/// New tiles at most this often.
const REFRESH_MS: u32 = 700;

/// Brings a hex into view.
pub(crate) fn fly_to(cell: u64) {
    if let Some(shape) = geo::shape(cell) {
        fly_to_js(shape.lng, shape.lat, 12.0);
    }
}

/// Draws the map into `container` and keeps it up to date.
pub(crate) fn mount(container: HtmlElement, model: Model, verifier: Verifier) {
    let shared = model.cells.get_untracked();
    let tile_cells = shared.clone();
    let tile = Closure::<dyn Fn(f64, f64, f64) -> Uint8Array>::new(move |z, x, y| {
        Uint8Array::from(tiles::encode(&tile_cells.lock(), small(z), whole(x), whole(y)).as_slice())
    });
    let click_cells = shared;
    let on_click = Closure::<dyn Fn(f64, f64, f64)>::new(move |lng, lat, zoom| {
        if zoom < CLICK_HEX_ZOOM {
            fly_to_js(lng, lat, CLOSER_ZOOM);
            return;
        }
        let Some(cell) = geo::cell_at(lat, lng) else { return };
        if click_cells.lock().get(cell).is_some() {
            model.selected.set(Some(format!("{cell:x}")));
        }
    });
    let on_move = Closure::<dyn Fn(f64, f64, f64)>::new(move |lng, lat, zoom| {
        if zoom >= CLICK_HEX_ZOOM {
            let parents = geo::parents_near(lat, lng).iter().map(|p| format!("{p:x}")).collect();
            verifier.set_view(parents);
        }
    });
    spawn_local(async move {
        let result = create_map(
            &container,
            tile.as_ref().unchecked_ref(),
            on_click.as_ref().unchecked_ref(),
            on_move.as_ref().unchecked_ref(),
        )
        .await;
        // The map calls them for as long as the page lives.
        tile.forget();
        on_click.forget();
        on_move.forget();
        match result {
            Ok(_) => follow(model),
            Err(error) => model.map_error.set(Some(format!("{error:?}"))),
        }
    });
}

/// Redraws tiles and the outline when the model changes.
fn follow(model: Model) {
    let waiting: StoredValue<Option<Timeout>, leptos::prelude::LocalStorage> =
        StoredValue::new_local(None);
    let owner = leptos::prelude::Owner::new();
    owner.with(|| {
        Effect::new(move |_| {
            let _changed = model.revision.get();
            if waiting.with_value(Option::is_none) {
                let timer = Timeout::new(REFRESH_MS, move || {
                    waiting.update_value(|timer| *timer = None);
                    refresh();
                });
                waiting.update_value(|slot| *slot = Some(timer));
            }
        });
        Effect::new(move |_| {
            let ring = model
                .selected
                .get()
                .and_then(|cell| u64::from_str_radix(&cell, 16).ok())
                .map(geo::ring_degrees)
                .unwrap_or_default();
            select(&ring);
        });
        if let Some(cell) =
            model.selected.get_untracked().and_then(|cell| u64::from_str_radix(&cell, 16).ok())
        {
            fly_to(cell);
        }
    });
    // The effects live as long as the page.
    std::mem::forget(owner);
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tile numbers are small whole numbers; the cast saturates"
)]
fn whole(value: f64) -> u32 {
    value as u32
}

fn small(value: f64) -> u8 {
    u8::try_from(whole(value)).unwrap_or(u8::MAX)
}
