//! `#hex=<cell>&checkpoint=0x…`: what a link to this page may ask for.

use web_sys::UrlSearchParams;

/// The parts of the address after `#`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeepLink {
    /// The hex to open.
    pub(crate) cell: Option<String>,
    /// A checkpoint the user names; it overrides the network's.
    pub(crate) checkpoint: Option<String>,
}

/// Reads the address.
pub(crate) fn read() -> DeepLink {
    let hash = gloo::utils::window().location().hash().unwrap_or_default();
    let Ok(params) = UrlSearchParams::new_with_str(hash.trim_start_matches('#')) else {
        return DeepLink::default();
    };
    let cell = params.get("hex").map(|cell| cell.trim_start_matches("0x").to_lowercase());
    DeepLink { cell: cell.filter(|cell| !cell.is_empty()), checkpoint: params.get("checkpoint") }
}

/// Writes the opened hex into the address, so that the page can be shared.
pub(crate) fn write_cell(cell: Option<&str>) {
    let mut parts = Vec::new();
    if let Some(cell) = cell {
        parts.push(format!("hex={cell}"));
    }
    if let Some(checkpoint) = read().checkpoint {
        parts.push(format!("checkpoint={checkpoint}"));
    }
    let location = gloo::utils::window().location();
    let path = location.pathname().unwrap_or_default();
    let query = location.search().unwrap_or_default();
    let url = format!("{path}{query}#{}", parts.join("&"));
    if let Ok(history) = gloo::utils::window().history() {
        // A refused address change costs only the shareable link.
        drop(history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&url)));
    }
}

/// The origin of this page: the gateway, unless `?gateway=` names another carrier of the same files.
pub(crate) fn origin() -> String {
    let location = gloo::utils::window().location();
    let other = location
        .search()
        .ok()
        .and_then(|query| UrlSearchParams::new_with_str(&query).ok())
        .and_then(|params| params.get("gateway"));
    other.or_else(|| location.origin().ok()).unwrap_or_default().trim_end_matches('/').to_owned()
}
