//! What the gateway serves. All of it is data that readers check for themselves; nothing here is
//! believed by our own page either.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Request, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use heliotrope_device_proofs::report::MAX_REPORT_LEN;
use heliotrope_light_client::platform::MAX_BODY_BYTES;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tower_http::{
    cors::{Any, CorsLayer},
    services::ServeDir,
};

use crate::{
    chain::Chain,
    compact::{self, Committees},
    handed_in::MAX_HANDED_IN_LEN,
    ingest::{
        BatchOutcome, Incoming, Ingest, MAX_BATCH_BYTES, RejectedReport, Rejection,
        count_rejection, split_batch,
    },
    receipt_log::{Kind, ReceiptLog},
    settle::Settling,
    upcoming::Upcoming,
};

/// JSON-RPC reads that are passed on.
const PASSED_ON: [&str; 5] =
    ["eth_chainId", "eth_getBlockByHash", "eth_getBlockByNumber", "eth_getCode", "eth_getProof"];
/// Longest JSON-RPC request that is passed on, bytes.
const MAX_RPC_BYTES: usize = 64 << 10;
/// How long a node behind the gateway may take.
const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(30);
/// Scripts and wasm from our own origin, nothing else; the page may ask the beacon nodes that the
/// network names, which the settings know.
const CSP_START: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' \
     'unsafe-inline'; img-src 'self' data: blob:; worker-src 'self' blob:; font-src 'self'; \
     base-uri 'none'; form-action 'none'; connect-src 'self'";

/// Everything that handlers need.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) chain: Chain,
    pub(crate) log: Arc<ReceiptLog>,
    pub(crate) ingest: Ingest,
    pub(crate) settling: watch::Receiver<Settling>,
    pub(crate) upcoming: watch::Receiver<Option<Upcoming>>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) http: reqwest::Client,
    pub(crate) beacons: Vec<String>,
    pub(crate) committees: Committees,
    pub(crate) rpc: String,
    pub(crate) epochs_dir: PathBuf,
    pub(crate) rewards_dir: PathBuf,
    pub(crate) modules_dir: PathBuf,
    pub(crate) web_dir: Option<PathBuf>,
}

type Shared = State<Arc<Served>>;

/// All routes.
pub(crate) fn router(served: Arc<Served>) -> Router {
    let epochs = ServeDir::new(&served.epochs_dir);
    let csp = content_security_policy(&served);
    let mut router = Router::new()
        .route("/v1/network.json", get(network))
        .route("/v1/status", get(status))
        .route("/v1/epochs/latest", get(latest))
        .route("/v1/epochs/close", post(close))
        .nest_service("/v1/epochs", epochs)
        .nest_service("/v1/rewards", ServeDir::new(&served.rewards_dir))
        .route("/v1/modules/{hash}", get(module))
        .route("/v1/params/{hash}", get(params))
        .route("/v1/reports", post(batch).layer(DefaultBodyLimit::max(MAX_BATCH_BYTES)))
        .route("/v1/evidence", post(evidence).layer(DefaultBodyLimit::max(MAX_HANDED_IN_LEN)))
        .route("/v1/reports/{kind}", post(single).layer(DefaultBodyLimit::max(MAX_REPORT_LEN)))
        .nest("/v1/light_client/compact", compact_sync())
        .route("/eth/v1/{*path}", get(beacon))
        .route("/rpc", post(rpc).layer(DefaultBodyLimit::max(MAX_RPC_BYTES)))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics_text));
    if let Some(web) = &served.web_dir {
        router = router.fallback_service(ServeDir::new(web));
    }
    router
        .layer(middleware::from_fn(move |request, next| secure(csp.clone(), request, next)))
        .layer(CorsLayer::new().allow_origin(Any).allow_headers(Any).allow_methods(Any))
        .with_state(served)
}

fn compact_sync() -> Router<Arc<Served>> {
    Router::new()
        .route("/bootstrap/{root}", get(compact::bootstrap))
        .route("/updates", get(compact::updates))
        .route("/finality_update", get(compact::finality_update))
        .route("/optimistic_update", get(compact::optimistic_update))
}

fn content_security_policy(served: &Served) -> HeaderValue {
    let mut policy = CSP_START.to_owned();
    for source in &served.chain.deployed.network.checkpoint_sources {
        policy.push(' ');
        policy.push_str(source.trim_end_matches('/'));
    }
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

async fn secure(csp: HeaderValue, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, csp);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn network(State(served): Shared) -> impl IntoResponse {
    Json((*served.chain.deployed).clone())
}

async fn healthz(State(served): Shared) -> Response {
    match served.chain.head() {
        Some(_) => "ok".into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no finalized header yet").into_response(),
    }
}

async fn metrics_text(State(served): Shared) -> String {
    served.metrics.render()
}

async fn status(State(served): Shared) -> Json<Value> {
    let settling = served.settling.borrow().clone();
    let published = served.log.latest_published().ok().flatten();
    let upcoming = served.upcoming.borrow().clone();
    Json(json!({
        "chain": served.chain.status(),
        "settlement": settling,
        "published": published,
        "next_version": upcoming,
    }))
}

async fn latest(State(served): Shared) -> Response {
    match served.log.latest_published() {
        Ok(Some(epoch)) => Json(json!({ "epoch": epoch })).into_response(),
        Ok(None) => refuse(StatusCode::NOT_FOUND, "no epoch is settled yet"),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn close(State(served): Shared) -> Response {
    match served.log.close_epoch() {
        Ok(Some(epoch)) => {
            served.wake.notify_one();
            Json(json!({ "epoch": epoch })).into_response()
        }
        Ok(None) => refuse(StatusCode::CONFLICT, "nothing was received since the last epoch"),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn module(State(served): Shared, Path(hash): Path<String>) -> Response {
    content(&served, &hash, "wasm", "application/wasm").await
}

async fn params(State(served): Shared, Path(hash): Path<String>) -> Response {
    content(&served, &hash, "params", "application/cbor").await
}

/// A file named by its hash. The name is checked, so it cannot lead out of the folder.
async fn content(served: &Served, hash: &str, ending: &str, kind: &'static str) -> Response {
    if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return refuse(StatusCode::BAD_REQUEST, "expected a sha256 as 64 hex digits");
    }
    match tokio::fs::read(served.modules_dir.join(format!("{hash}.{ending}"))).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => refuse(StatusCode::NOT_FOUND, "not kept here"),
    }
}

async fn single(
    State(served): Shared,
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(_) => return refused_at_the_door(&headers, MAX_REPORT_LEN),
    };
    let kind = match kind.as_str() {
        "entropy" => 0,
        "beacon" => 1,
        "witness" => 2,
        _ => return refuse(StatusCode::NOT_FOUND, "expected entropy, beacon or witness"),
    };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let wrapped = content_type.is_some_and(|t| t.contains("proto=ingest"));
    take_one(&served, Incoming { kind, wrapped, bytes: body.to_vec() }).await
}

/// A whole bundle, or a submission of one.
async fn evidence(
    State(served): Shared,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(body) => {
            let (kind, wrapped) = (Kind::Evidence.byte(), false);
            take_one(&served, Incoming { kind, wrapped, bytes: body.to_vec() }).await
        }
        Err(_) => refused_at_the_door(&headers, MAX_HANDED_IN_LEN),
    }
}

async fn take_one(served: &Served, report: Incoming) -> Response {
    let outcome = served.ingest.take(vec![report]).await;
    match outcome.map(|mut outcomes| outcomes.pop()) {
        Ok(Some(Ok(fresh))) => {
            Json(json!({ "accepted": true, "duplicate": !fresh })).into_response()
        }
        Ok(Some(Err(rejection))) | Err(rejection) => rejected(&rejection),
        Ok(None) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "no outcome"),
    }
}

async fn batch(
    State(served): Shared,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(_) => return refused_at_the_door(&headers, MAX_BATCH_BYTES),
    };
    let reports = match split_batch(&body) {
        Ok(reports) => reports,
        Err(rejection) => {
            count_rejection(&rejection);
            return rejected(&rejection);
        }
    };
    let outcomes = match served.ingest.take(reports).await {
        Ok(outcomes) => outcomes,
        Err(rejection) => return rejected(&rejection),
    };
    let mut answer = BatchOutcome::default();
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(true) => answer.accepted = answer.accepted.saturating_add(1),
            Ok(false) => answer.duplicates = answer.duplicates.saturating_add(1),
            Err(rejection) => {
                let (reason, error) = (rejection.reason().code(), rejection.to_string());
                answer.rejected.push(RejectedReport { index, reason, error });
            }
        }
    }
    Json(answer).into_response()
}

/// A body that is longer than the limit, or was cut off: it was never read.
fn refused_at_the_door(headers: &HeaderMap, expected: usize) -> Response {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    let got = length.unwrap_or_else(|| expected.saturating_add(1));
    let rejection = Rejection::TooLarge { got, expected };
    count_rejection(&rejection);
    rejected(&rejection)
}

fn rejected(rejection: &Rejection) -> Response {
    let body = json!({ "reason": rejection.reason().code(), "error": rejection.to_string() });
    (rejection.status(), Json(body)).into_response()
}

pub(crate) fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

/// Carries a Beacon API read to the beacon node and back.
async fn beacon(State(served): Shared, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("", |p| p.as_str());
    let node = served.beacons.first().map_or("", |url| url.trim_end_matches('/'));
    let mut builder = served.http.get(format!("{node}{path}"));
    if let Some(accept) = request.headers().get(header::ACCEPT) {
        builder = builder.header(header::ACCEPT, accept);
    }
    carry(builder).await
}

/// Carries one JSON-RPC read to the execution node and back.
async fn rpc(State(served): Shared, Json(call): Json<Value>) -> Response {
    let method = call.get("method").and_then(Value::as_str).unwrap_or_default();
    if !PASSED_ON.contains(&method) {
        let error = format!("method {method:?} is not passed on, only {PASSED_ON:?}");
        return refuse(StatusCode::FORBIDDEN, &error);
    }
    carry(served.http.post(&served.rpc).json(&call)).await
}

async fn carry(builder: reqwest::RequestBuilder) -> Response {
    let mut answer = match builder.timeout(UPSTREAM_TIMEOUT).send().await {
        Ok(answer) => answer,
        Err(error) => return refuse(StatusCode::BAD_GATEWAY, &error.without_url().to_string()),
    };
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut headers = HeaderMap::new();
    for name in ["content-type", "eth-consensus-version"] {
        if let Some(value) = answer.headers().get(name) {
            headers.insert(name, value.clone());
        }
    }
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) <= MAX_BODY_BYTES => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return refuse(StatusCode::BAD_GATEWAY, "the node's answer is too long"),
            Ok(None) => return (status, headers, body).into_response(),
            Err(error) => return refuse(StatusCode::BAD_GATEWAY, &error.without_url().to_string()),
        }
    }
}
