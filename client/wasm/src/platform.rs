//! The browser as a [`Platform`]: fetch, IndexedDB, clock, timers. All of it untrusted, but the clock.

use std::{cell::Cell, rc::Rc, time::Duration};

use heliotrope_light_client::platform::{
    FetchRequest, FetchResponse, MAX_BODY_BYTES, Platform, PlatformError,
};
use heliotrope_verifier::consensus::UnixSeconds;
use idb::{Database, DatabaseEvent as _, Factory, ObjectStoreParams, TransactionMode};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Request, RequestInit, Response, WorkerGlobalScope};

const DATABASE: &str = "heliotrope";
const STORE: &str = "kept";
/// No answer after so long is no answer.
const FETCH_TIMEOUT_MS: u32 = 20_000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// Milliseconds since the worker began.
pub(crate) fn clock_ms() -> f64 {
    performance_now()
}

/// Handle to the browser; clones share the counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct WebPlatform {
    bytes: Rc<Cell<u64>>,
    waited_ms: Rc<Cell<f64>>,
}

impl WebPlatform {
    /// Bytes received so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Time spent waiting for the network so far.
    pub(crate) fn waited_ms(&self) -> f64 {
        self.waited_ms.get()
    }

    async fn fetch_inner(&self, request: FetchRequest) -> Result<FetchResponse, JsValue> {
        let init = RequestInit::new();
        init.set_signal(Some(&AbortSignal::timeout_with_u32(FETCH_TIMEOUT_MS)));
        if let Some(body) = &request.body {
            init.set_method("POST");
            init.set_body(&JsValue::from_str(body));
        }
        let wire = Request::new_with_str_and_init(&request.url, &init)?;
        wire.headers().set("accept", request.accept)?;
        if request.body.is_some() {
            wire.headers().set("content-type", "application/json")?;
        }
        let scope: WorkerGlobalScope = js_sys::global().dyn_into().map_err(JsValue::from)?;
        let response: Response =
            JsFuture::from(scope.fetch_with_request(&wire)).await?.dyn_into()?;
        let headers = response.headers();
        let is_json = headers.get("content-type")?.is_some_and(|kind| kind.contains("json"));
        let consensus_version = headers.get("eth-consensus-version")?;
        let declared = headers.get("content-length")?.and_then(|text| text.parse::<usize>().ok());
        if declared.is_some_and(|length| length > MAX_BODY_BYTES) {
            return Err(JsValue::from_str("the answer is too long"));
        }
        let buffer = JsFuture::from(response.array_buffer()?).await?;
        let body = Uint8Array::new(&buffer).to_vec();
        if body.len() > MAX_BODY_BYTES {
            return Err(JsValue::from_str("the answer is too long"));
        }
        Ok(FetchResponse { status: response.status(), is_json, consensus_version, body })
    }
}

fn words(error: &JsValue) -> PlatformError {
    let text = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| format!("{error:?}"));
    PlatformError(text)
}

async fn open() -> Result<Database, idb::Error> {
    let mut request = Factory::new()?.open(DATABASE, Some(1))?;
    request.on_upgrade_needed(|event| {
        if let Ok(database) = event.database() {
            // A failed upgrade shows itself when the store is used.
            drop(database.create_object_store(STORE, ObjectStoreParams::new()));
        }
    });
    request.await
}

async fn load(key: &str) -> Result<Option<Vec<u8>>, idb::Error> {
    let database = open().await?;
    let transaction = database.transaction(&[STORE], TransactionMode::ReadOnly)?;
    let value = transaction.object_store(STORE)?.get(JsValue::from_str(key))?.await?;
    Ok(value.map(|value| Uint8Array::new(&value).to_vec()))
}

/// One short transaction: nothing else is awaited inside.
async fn store(key: &str, value: &[u8]) -> Result<(), idb::Error> {
    let database = open().await?;
    let transaction = database.transaction(&[STORE], TransactionMode::ReadWrite)?;
    let bytes = Uint8Array::from(value);
    transaction.object_store(STORE)?.put(&bytes, Some(&JsValue::from_str(key)))?.await?;
    transaction.commit()?.await?;
    Ok(())
}

impl Platform for WebPlatform {
    async fn fetch(&self, request: FetchRequest) -> Result<FetchResponse, PlatformError> {
        let begin = clock_ms();
        let answer = self.fetch_inner(request).await.map_err(|error| words(&error));
        self.waited_ms.set(self.waited_ms.get() + clock_ms() - begin);
        if let Ok(response) = &answer {
            let length = u64::try_from(response.body.len()).unwrap_or(u64::MAX);
            self.bytes.set(self.bytes.get().saturating_add(length));
        }
        answer
    }

    async fn load(&self, key: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        load(key).await.map_err(|error| PlatformError(error.to_string()))
    }

    async fn store(&self, key: &str, value: Vec<u8>) -> Result<(), PlatformError> {
        store(key, &value).await.map_err(|error| PlatformError(error.to_string()))
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a clock before 1970 saturates to 0"
    )]
    fn now(&self) -> UnixSeconds {
        UnixSeconds((js_sys::Date::now() / 1_000.0) as u64)
    }

    async fn sleep(&self, duration: Duration) {
        gloo::timers::future::sleep(duration).await;
    }

    fn random(&self) -> Result<[u8; 32], PlatformError> {
        let mut bytes = [0; 32];
        let scope: WorkerGlobalScope =
            js_sys::global().dyn_into().map_err(|scope| words(&scope.into()))?;
        let crypto = scope.crypto().map_err(|error| words(&error))?;
        crypto.get_random_values_with_u8_array(&mut bytes).map_err(|error| words(&error))?;
        Ok(bytes)
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a clock that never is negative"
    )]
    fn monotonic_ms(&self) -> u64 {
        clock_ms() as u64
    }
}
