//! The verifier's thread as the page sees it: start, messages, watchdog, restart.

use std::{cell::RefCell, rc::Rc};

use gloo::timers::callback::Interval;
use heliotrope_wasm::protocol::{CallRequest, FromWorker, ToWorker};
use leptos::prelude::{GetUntracked, Set};
use serde::Serialize;
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::{
    calls, deep_link, map,
    model::{Crash, Model},
};

/// A verifier that is silent for so long is taken for hung.
const SILENCE_MS: f64 = 45_000.0;
/// The same while check modules run, which take milliseconds: one may loop for ever.
const JUDGING_MS: f64 = 10_000.0;
const WATCH_EVERY_MS: u32 = 2_000;

/// A running worker with the closures it calls.
#[derive(Debug)]
struct Running {
    worker: Worker,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _error: Closure<dyn FnMut(ErrorEvent)>,
}

/// Handle to the verifier; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Verifier {
    model: Model,
    running: Rc<RefCell<Option<Running>>>,
}

impl Verifier {
    /// Starts the worker and the watchdog.
    pub(crate) fn start(model: Model) -> Self {
        let verifier = Self { model, running: Rc::new(RefCell::new(None)) };
        verifier.spawn();
        let watched = verifier.clone();
        Interval::new(WATCH_EVERY_MS, move || watched.watch()).forget();
        verifier
    }

    /// Ends the worker, whatever it does, and begins again with nothing verified.
    pub(crate) fn restart(&self) {
        self.kill();
        self.model.reset();
        self.spawn();
    }

    /// Asks for the chain of a hex.
    pub(crate) fn open(&self, cell: &str) {
        self.send(&ToWorker::OpenHex { cell: cell.to_owned() });
    }

    /// Says which res-4 parents are in view.
    pub(crate) fn set_view(&self, parents: Vec<String>) {
        self.send(&ToWorker::SetView { parents });
    }

    /// Asks for a call; [`calls::settle`] gets the answer.
    pub(crate) fn call(&self, id: u32, call: CallRequest) {
        self.send(&ToWorker::Call { id, call });
    }

    /// Asks for the proof bundle of a hex.
    pub(crate) fn bundle(&self, cell: &str) {
        self.send(&ToWorker::Bundle { cell: cell.to_owned() });
    }

    /// Asks what an announced version would change; until the answer comes the verifier is watched.
    pub(crate) fn compare(&self, version: u64) {
        self.model.heard.set(now_ms());
        self.model.judging.set(false);
        self.send(&ToWorker::Compare { version });
    }

    fn send(&self, message: &ToWorker) {
        let running = self.running.borrow();
        let Some(running) = running.as_ref() else { return };
        let serializer = serde_wasm_bindgen::Serializer::json_compatible();
        if let Ok(value) = message.serialize(&serializer) {
            // Posting fails only for values that cannot be cloned; these are plain objects.
            drop(running.worker.post_message(&value));
        }
    }

    fn kill(&self) {
        if let Some(running) = self.running.borrow_mut().take() {
            running.worker.set_onmessage(None);
            running.worker.set_onerror(None);
            running.worker.terminate();
        }
    }

    fn spawn(&self) {
        let model = self.model;
        model.heard.set(now_ms());
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let url = format!("{}worker.js", map::assets());
        let worker = match Worker::new_with_options(&url, &options) {
            Ok(worker) => worker,
            Err(error) => {
                model
                    .crashed
                    .set(Some(Crash::Died(format!("the verifier could not start: {error:?}"))));
                return;
            }
        };
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            model.heard.set(now_ms());
            match serde_wasm_bindgen::from_value::<FromWorker>(event.data()) {
                Ok(FromWorker::Called { id, answer, error }) => {
                    calls::settle(id, answer, error.as_deref());
                }
                Ok(message) => model.take(message),
                Err(error) => {
                    let message = format!("the verifier said something unreadable: {error}");
                    model.crashed.set(Some(Crash::Died(message)));
                }
            }
        });
        let crashed = self.clone();
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            let message = format!("the verifier stopped: {}", event.message());
            model.crashed.set(Some(Crash::Died(message)));
            crashed.silence();
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        *self.running.borrow_mut() =
            Some(Running { worker, _message: on_message, _error: on_error });
        let link = deep_link::read();
        self.send(&ToWorker::Start { base_url: deep_link::origin(), checkpoint: link.checkpoint });
        if let Some(cell) = model.selected.get_untracked().or(link.cell) {
            self.open(&cell);
        }
    }

    /// Ends the worker but keeps its closures, one of which is running now.
    fn silence(&self) {
        if let Some(running) = self.running.borrow().as_ref() {
            running.worker.terminate();
        }
    }

    fn watch(&self) {
        let model = self.model;
        let over = model.done.get_untracked().is_some()
            || model.crashed.get_untracked().is_some()
            || model.failed.get_untracked().is_some()
            || model.empty.get_untracked().is_some()
            || model.broken.get_untracked().is_some_and(|broken| broken.cell.is_none());
        let watched = !over || (model.compares() && model.crashed.get_untracked().is_none());
        let silent_ms = now_ms() - model.heard.get_untracked();
        if watched && model.judging.get_untracked() && silent_ms > JUDGING_MS {
            model.take_no_verdict(
                "a check module did not come to an end within 10 seconds in this browser, and was ended"
                    .to_owned(),
            );
            self.kill();
        } else if watched && silent_ms > SILENCE_MS {
            let message = "the verifier has not answered for 45 seconds and was ended".to_owned();
            model.crashed.set(Some(Crash::Died(message)));
            self.kill();
        }
    }
}

/// The page's clock in milliseconds.
pub(crate) fn now_ms() -> f64 {
    js_sys::Date::now()
}
