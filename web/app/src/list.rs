//! The list twin of the map: the same hexes and counts, for keyboards, screen readers and search.

use heliotrope_wasm::protocol::{Hex, HexState};
use leptos::prelude::*;

use crate::{
    app::{Ctx, ctx},
    geo, map, words,
};

/// Rows shown at once.
const PAGE_ROWS: usize = 40;

/// One row.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    cell: u64,
    place: String,
    hex: Hex,
}

/// The table with its filters.
#[component]
pub(crate) fn List() -> impl IntoView {
    let Ctx { model, .. } = ctx();
    let wanted = RwSignal::new(String::new());
    let search = RwSignal::new(String::new());
    let limit = RwSignal::new(PAGE_ROWS);
    let rows = Memo::new(move |_| {
        let _changed = model.revision.get();
        let (state, text) = (wanted.get(), search.get().trim().to_lowercase());
        let shared = model.cells.get();
        let cells = shared.lock();
        cells
            .iter()
            .filter(|(_, entry)| state.is_empty() || entry.hex.state.as_str() == state)
            .map(|(cell, entry)| Row {
                cell,
                place: geo::place_name(entry.shape.lat, entry.shape.lng),
                hex: entry.hex.clone(),
            })
            .filter(|row| {
                text.is_empty()
                    || row.hex.cell.contains(&text)
                    || row.place.to_lowercase().contains(&text)
            })
            .collect::<Vec<Row>>()
    });
    let shown =
        move || rows.with(|rows| rows.iter().take(limit.get()).cloned().collect::<Vec<_>>());
    let found = move || rows.with(Vec::len);
    view! {
        <h2>"Hexes"</h2>
        <div class="filters">
            <label>"Find a cell"
                <input type="search" placeholder="cell or degrees" prop:value=search
                    on:input=move |event| search.set(event_target_value(&event))/>
            </label>
            <label>"State"
                <select on:change=move |event| { wanted.set(event_target_value(&event)); limit.set(PAGE_ROWS); }>
                    <option value="">"All"</option>
                    {HexState::ALL.into_iter().map(|state| view! {
                        <option value=state.as_str()>{words::state(state)}</option>
                    }).collect_view()}
                </select>
            </label>
        </div>
        <table class="hexes">
            <caption>{move || format!("{} hexes", words::grouped(found() as u64))}</caption>
            <thead><tr>
                <th scope="col">"Place"</th><th scope="col">"State"</th>
                <th scope="col" class="num">"Beacons passed"</th><th scope="col" class="num">"Witnesses"</th>
            </tr></thead>
            <tbody>
                <For each=shown key=|row| (row.cell, row.hex.state, row.hex.beacons, row.hex.passed) let:row>
                    <HexRow row/>
                </For>
            </tbody>
        </table>
        {move || (found() > limit.get()).then(|| view! {
            <button type="button" class="more" on:click=move |_| limit.update(|n| *n = n.saturating_add(PAGE_ROWS))>
                "Show more"
            </button>
        })}
    }
}

#[component]
fn HexRow(row: Row) -> impl IntoView {
    let Ctx { model, .. } = ctx();
    let Row { cell, place, hex } = row;
    let id = hex.cell.clone();
    let open = move |_| {
        model.selected.set(Some(id.clone()));
        map::fly_to(cell);
    };
    view! {
        <tr>
            <th scope="row"><button type="button" class="cell" on:click=open>{place}<code>{hex.cell.clone()}</code></button></th>
            <td><span class=format!("swatch s-{}", hex.state.as_str()) aria-hidden="true"></span>{words::state(hex.state)}</td>
            <td class="num">{hex.passed}" of "{hex.beacons}</td>
            <td class="num">{hex.witnesses_selected}</td>
        </tr>
    }
}
