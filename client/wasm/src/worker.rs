//! The worker's entry: takes the page's messages and runs one session at a time.

use std::{cell::RefCell, rc::Rc};

use js_sys::Function;
use wasm_bindgen::{JsCast as _, JsValue, prelude::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use crate::{
    call::Evm,
    emit::emit,
    protocol::{FromWorker, PROTOCOL_VERSION, ToWorker},
    session::Session,
};

/// Starts the worker; `evm` loads the chunk for calls. The answer is the function that takes the page's messages.
#[wasm_bindgen]
#[must_use]
pub fn start_worker(evm: Evm) -> Function {
    console_error_panic_hook::set_once();
    emit(&FromWorker::Hello { version: PROTOCOL_VERSION });
    let running: Rc<RefCell<Option<Rc<Session>>>> = Rc::default();
    let handle =
        Closure::<dyn Fn(JsValue)>::new(move |value| {
            match serde_wasm_bindgen::from_value::<ToWorker>(value) {
                Ok(message) => take(&running, &evm, message),
                Err(error) => emit(&FromWorker::Failed {
                    message: format!("the page said something unreadable: {error}"),
                    hint: "Reload the page.".to_owned(),
                }),
            }
        });
    // Called for as long as the worker lives.
    handle.into_js_value().unchecked_into()
}

fn take(running: &RefCell<Option<Rc<Session>>>, evm: &Evm, message: ToWorker) {
    match message {
        ToWorker::Start { base_url, checkpoint } => {
            let session = Rc::new(Session::new(base_url, checkpoint));
            if let Some(old) = running.replace(Some(Rc::clone(&session))) {
                old.stop();
            }
            spawn_local(session.run());
        }
        ToWorker::OpenHex { cell } => {
            if let (Some(session), Some(cell)) = (running.borrow().clone(), index(&cell)) {
                session.open(cell);
            }
        }
        ToWorker::SetView { parents } => {
            if let Some(session) = running.borrow().as_ref() {
                session.set_view(parents.iter().filter_map(|cell| index(cell)).collect());
            }
        }
        ToWorker::Call { id, call } => {
            let (session, evm) = (running.borrow().clone(), evm.clone());
            spawn_local(async move {
                let outcome = match session {
                    Some(session) => session.call(&evm, &call).await,
                    None => Err("nothing was started".to_owned()),
                };
                let (answer, error) = match outcome {
                    Ok(answer) => (Some(answer), None),
                    Err(error) => (None, Some(error)),
                };
                emit(&FromWorker::Called { id, answer, error });
            });
        }
        ToWorker::Bundle { cell } => {
            let (session, cell) = (running.borrow().clone(), index(&cell));
            if let (Some(session), Some(cell)) = (session, cell) {
                spawn_local(async move { session.send_bundle(cell).await });
            }
        }
        ToWorker::Compare { version } => {
            if let Some(session) = running.borrow().clone() {
                spawn_local(async move { session.compare(version).await });
            }
        }
        ToWorker::Stop => {
            if let Some(session) = running.take() {
                session.stop();
            }
        }
    }
}

fn index(cell: &str) -> Option<u64> {
    u64::from_str_radix(cell.trim_start_matches("0x"), 16).ok()
}
