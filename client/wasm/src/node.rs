//! The light client over recorded files instead of a network: for Node, and to compare native with
//! wasm32 on the same bytes.

use std::str::FromStr as _;

use alloy_primitives::B256;
use heliotrope_light_client::recording::Recording;
use heliotrope_verifier::chains::ethereum::ChainSpec;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast as _, JsError, prelude::wasm_bindgen};

/// Verifies recorded mainnet files and says in one line how far they lead.
///
/// `files` is a list of `[name, Uint8Array]`; names say what each one is, as
/// `heliotrope_light_client::recording` describes. Without a `checkpoint` the bootstrap's own root is
/// taken: then the line proves only that the rest descends from it.
///
/// # Errors
///
/// When a file does not decode or breaks a rule; the message is the rule's.
#[wasm_bindgen]
#[allow(clippy::needless_pass_by_value, reason = "JavaScript hands strings over by value")]
pub fn sync_recorded(files: &Array, checkpoint: Option<String>) -> Result<String, JsError> {
    let spec = ChainSpec::mainnet();
    let named = files.iter().map(named_file).collect::<Result<Vec<_>, _>>()?;
    let given = named.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let recording = Recording::decode(given, &spec)?;
    let checkpoint = checkpoint.as_deref().map(B256::from_str).transpose()?;
    let root = checkpoint.unwrap_or_else(|| recording.own_root());
    Ok(recording.replay(root, &spec)?.to_string())
}

fn named_file(pair: wasm_bindgen::JsValue) -> Result<(String, Vec<u8>), JsError> {
    let expected = || JsError::new("expected a list of [name, Uint8Array]");
    let pair: Array = pair.dyn_into().map_err(|_| expected())?;
    let name = pair.get(0).as_string().ok_or_else(expected)?;
    let bytes: Uint8Array = pair.get(1).dyn_into().map_err(|_| expected())?;
    Ok((name, bytes.to_vec()))
}
