//! `window.heliotrope.call({ to, data })`: `eth_call` for whoever writes scripts on this page. It runs in the verifier's
//! thread, on state that is proven there, or is refused.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use heliotrope_wasm::protocol::{CallAnswer, CallRequest};
use js_sys::{Function, Object, Promise, Reflect};
use serde::Serialize as _;
use wasm_bindgen::{JsCast as _, JsValue, prelude::Closure};

use crate::verifier::Verifier;

thread_local! {
    static NEXT: Cell<u32> = const { Cell::new(0) };
    /// Resolve and reject of the promises that wait.
    static WAITING: RefCell<BTreeMap<u32, (Function, Function)>> = RefCell::default();
}

/// Puts the function on the window.
pub(crate) fn offer(verifier: Verifier) {
    let call = Closure::<dyn Fn(JsValue) -> Promise>::new(move |request: JsValue| {
        Promise::new(&mut |resolve, reject| match serde_wasm_bindgen::from_value::<CallRequest>(
            request.clone(),
        ) {
            Ok(request) => {
                let id = NEXT.replace(NEXT.get().wrapping_add(1));
                WAITING.with_borrow_mut(|waiting| waiting.insert(id, (resolve, reject)));
                verifier.call(id, request);
            }
            Err(error) => refuse(&reject, &format!("expected {{ to, data }}: {error}")),
        })
    });
    let object = Object::new();
    // Setting a property of the window fails only if someone froze it: then there is no such function.
    drop(Reflect::set(&object, &"call".into(), &call.into_js_value()));
    drop(Reflect::set(&gloo::utils::window(), &"heliotrope".into(), &object));
}

/// Ends the promise of a call.
pub(crate) fn settle(id: u32, answer: Option<CallAnswer>, error: Option<&str>) {
    let waiting = WAITING.with_borrow_mut(|waiting| waiting.remove(&id));
    let Some((resolve, reject)) = waiting else { return };
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    match answer.map(|answer| answer.serialize(&serializer)) {
        Some(Ok(value)) => drop(resolve.call1(&JsValue::UNDEFINED, &value)),
        _ => refuse(&reject, error.unwrap_or("no answer")),
    }
}

fn refuse(reject: &Function, why: &str) {
    let error: JsValue = js_sys::Error::new(why).unchecked_into();
    // A reject function does not throw.
    drop(reject.call1(&JsValue::UNDEFINED, &error));
}
