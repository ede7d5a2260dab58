//! Messages to the page.

use serde::Serialize as _;
use wasm_bindgen::JsCast as _;
use web_sys::DedicatedWorkerGlobalScope;

use crate::protocol::FromWorker;

/// Posts one message. Outside of a worker there is nobody to hear it.
pub(crate) fn emit(message: &FromWorker) {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    if let Ok(value) = message.serialize(&serializer) {
        // Posting fails only for values that cannot be cloned; these are plain objects.
        drop(scope.post_message(&value));
    }
}
