//! The standard Beacon API of a development chain, as far as a light client needs it: JSON, and SSZ on request.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::B256;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use heliotrope_verifier::chains::ethereum::LightClientSsz;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tower_http::cors::CorsLayer;

use super::beacon::{BeaconChain, FORK, PRESET};
use super::json::{ToJson, beacon};

/// `MAX_REQUEST_LIGHT_CLIENT_UPDATES`.
const MAX_UPDATES: u64 = 128;
const NOTICE: &str = "DEVELOPMENT ONLY: the sync committee's secret keys are public";
const CONSENSUS_VERSION: &str = "eth-consensus-version";
const OCTET_STREAM: &str = "application/octet-stream";

type Chain = State<Arc<Mutex<BeaconChain>>>;

/// All endpoints.
pub(super) fn router(chain: Arc<Mutex<BeaconChain>>) -> Router {
    let light_client = Router::new()
        .route("/bootstrap/{block_root}", get(bootstrap))
        .route("/updates", get(updates))
        .route("/finality_update", get(finality_update))
        .route("/optimistic_update", get(optimistic_update));
    Router::new()
        .nest("/eth/v1/beacon/light_client", light_client)
        .route("/eth/v1/beacon/genesis", get(genesis))
        .route("/eth/v1/beacon/headers/{block_id}", get(headers))
        .route("/eth/v1/config/spec", get(spec))
        .route("/eth/v1/node/version", get(version))
        .route("/checkpointz/v1/checkpoint", get(checkpoint))
        .fallback(|| async { ApiError(StatusCode::NOT_FOUND, "no such endpoint".to_owned()) })
        .layer(
            CorsLayer::permissive()
                .expose_headers([header::HeaderName::from_static(CONSENSUS_VERSION)]),
        )
        .with_state(chain)
}

/// The Beacon API's error body.
struct ApiError(StatusCode, String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({"code": self.0.as_u16(), "message": self.1});
        (self.0, Json(body)).into_response()
    }
}

fn not_found(what: &str) -> ApiError {
    ApiError(StatusCode::NOT_FOUND, what.to_owned())
}

fn bad_request(what: &str) -> ApiError {
    ApiError(StatusCode::BAD_REQUEST, what.to_owned())
}

/// Whether the caller prefers SSZ: the first of the two kinds that its `Accept` names.
fn wants_ssz(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let position = |kind: &str| accept.find(kind).unwrap_or(usize::MAX);
    position(OCTET_STREAM) < position("application/json")
}

fn encode(value: &impl LightClientSsz) -> Result<Vec<u8>, ApiError> {
    let failed = |error| ApiError(StatusCode::INTERNAL_SERVER_ERROR, format!("encoding: {error}"));
    value.encode(FORK, PRESET).map_err(failed)
}

fn as_ssz(body: Vec<u8>) -> Response {
    let headers = [(header::CONTENT_TYPE.as_str(), OCTET_STREAM), (CONSENSUS_VERSION, FORK.name())];
    (headers, body).into_response()
}

fn as_json(body: Value) -> Response {
    ([(CONSENSUS_VERSION, FORK.name())], Json(body)).into_response()
}

fn answer<T: LightClientSsz + ToJson>(
    headers: &HeaderMap,
    value: &T,
) -> Result<Response, ApiError> {
    if wants_ssz(headers) {
        return Ok(as_ssz(encode(value)?));
    }
    Ok(as_json(json!({"version": FORK.name(), "data": value.to_json(PRESET)})))
}

fn parse_root(text: &str) -> Result<B256, ApiError> {
    let mut root = [0; 32];
    text.strip_prefix("0x")
        .filter(|digits| hex::decode_to_slice(digits, &mut root).is_ok())
        .ok_or_else(|| bad_request("not a root: 0x and 32 bytes in hexadecimal"))?;
    Ok(B256::new(root))
}

async fn bootstrap(
    State(chain): Chain,
    Path(root): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let bootstrap = chain.lock().await.bootstrap(parse_root(&root)?);
    answer(&headers, &bootstrap.ok_or_else(|| not_found("no bootstrap for this root"))?)
}

async fn finality_update(State(chain): Chain, headers: HeaderMap) -> Result<Response, ApiError> {
    let update = chain.lock().await.finality_update();
    answer(&headers, &update.ok_or_else(|| not_found("nothing is final yet"))?)
}

async fn optimistic_update(State(chain): Chain, headers: HeaderMap) -> Result<Response, ApiError> {
    let update = chain.lock().await.optimistic_update();
    answer(&headers, &update.ok_or_else(|| not_found("nothing is signed yet"))?)
}

async fn updates(
    State(chain): Chain,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let number = |name: &str| -> Result<u64, ApiError> {
        let value = query.get(name).and_then(|text| text.parse().ok());
        value.ok_or_else(|| bad_request(&format!("{name} must be a number")))
    };
    let (start_period, count) = (number("start_period")?, number("count")?.min(MAX_UPDATES));
    let chain = chain.lock().await;
    let updates = chain.updates(start_period, count);
    if !wants_ssz(&headers) {
        let data =
            |update: &&_| json!({"version": FORK.name(), "data": ToJson::to_json(*update, PRESET)});
        return Ok(as_json(Value::Array(updates.iter().map(data).collect())));
    }
    let mut body = Vec::new();
    for update in updates {
        let ssz = encode(update)?;
        let digest = chain.spec().compute_fork_digest(update.attested_header.beacon.slot);
        let length = (digest.len() + ssz.len()) as u64;
        body.extend_from_slice(&length.to_le_bytes());
        body.extend_from_slice(&digest);
        body.extend(ssz);
    }
    Ok(as_ssz(body))
}

async fn genesis(State(chain): Chain) -> Json<Value> {
    let chain = chain.lock().await;
    let genesis_fork_version = chain.spec().forks().first().map(|fork| fork.version);
    Json(json!({"data": {
        "genesis_time": chain.spec().genesis_time().0.to_string(),
        "genesis_validators_root": chain.spec().genesis_validators_root().to_string(),
        "genesis_fork_version": format!("0x{}", hex::encode(genesis_fork_version.unwrap_or_default())),
    }}))
}

async fn headers(State(chain): Chain, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let chain = chain.lock().await;
    let root = match id.as_str() {
        "head" => Some(chain.head().root),
        "finalized" => Some(chain.checkpoint().root),
        "genesis" => chain.root_at(0),
        id if id.starts_with("0x") => Some(parse_root(id)?),
        id => chain.root_at(id.parse().map_err(|_| bad_request("not a block id"))?),
    };
    let found = root.and_then(|root| chain.header(root).map(|header| (root, header)));
    let (root, header) = found.ok_or_else(|| not_found("no such block"))?;
    Ok(Json(json!({
        "execution_optimistic": false,
        "finalized": header.slot <= chain.checkpoint().slot,
        "data": {
            "root": root.to_string(),
            "canonical": true,
            // this chain has no proposers: the signature is the point at infinity
            "header": {"message": beacon(header), "signature": format!("0xc0{}", "00".repeat(95))},
        },
    })))
}

async fn spec(State(chain): Chain) -> Json<Value> {
    let chain = chain.lock().await;
    let mut data = json!({
        "PRESET_BASE": "minimal",
        "CONFIG_NAME": "heliotrope-development-public-keys",
        "HELIOTROPE_NOTICE": NOTICE,
        "SECONDS_PER_SLOT": (chain.spec().slot_duration_ms() / 1000).to_string(),
        "SLOT_DURATION_MS": chain.spec().slot_duration_ms().to_string(),
        "SLOTS_PER_EPOCH": PRESET.slots_per_epoch().to_string(),
        "EPOCHS_PER_SYNC_COMMITTEE_PERIOD": PRESET.epochs_per_sync_committee_period().to_string(),
        "SYNC_COMMITTEE_SIZE": PRESET.sync_committee_size().to_string(),
        "UPDATE_TIMEOUT": PRESET.update_timeout().to_string(),
        "MIN_SYNC_COMMITTEE_PARTICIPANTS": "1",
    });
    for fork in chain.fork_schedule() {
        let name = fork.fork.name().to_uppercase();
        let name = if name == "PHASE0" { "GENESIS".to_owned() } else { name };
        data[format!("{name}_FORK_VERSION")] = format!("0x{}", hex::encode(fork.version)).into();
        if name != "GENESIS" {
            data[format!("{name}_FORK_EPOCH")] = fork.epoch.to_string().into();
        }
    }
    Json(json!({"data": data}))
}

async fn version() -> Json<Value> {
    let version = format!("Heliotrope-devchain/{} ({NOTICE})", env!("CARGO_PKG_VERSION"));
    Json(json!({"data": {"version": version}}))
}

async fn checkpoint(State(chain): Chain) -> Json<Value> {
    let checkpoint = chain.lock().await.checkpoint();
    Json(json!({"root": checkpoint.root.to_string(), "slot": checkpoint.slot}))
}
