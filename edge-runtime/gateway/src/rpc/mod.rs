//! `heliotrope serve-rpc`: Ethereum's JSON-RPC on this machine, in which every answer was proven here.
//!
//! ```text
//! wallet, script ──HTTP, WebSocket──▶ Rpc ──▶ Reads ──▶ untrusted execution nodes
//!                                      ▲
//!                  heads ◀── LightClient ──▶ untrusted beacon nodes and gateways
//! ```
//!
//! Beside `result` stands `heliotrope_proof`: `committee` with the block that it was proven at, `own` for what
//! the operator configured, `asserted` for what nothing proves (a transaction that nobody knows).

mod answer;
mod filters;
mod keeper;
mod methods;
mod subscriptions;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Result;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, WebSocketUpgrade},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use heliotrope_light_client::{
    LightClient,
    execution::ProvenBlock,
    native::NativePlatform,
    platform::Platform as _,
    reads::{Heads, Reads},
    sources::SourceRecord,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::sync::Live;
use answer::{Answer, RpcError, hex, response};
use filters::Filters;
use keeper::Keeper;
use methods::{Params, dispatch};

/// Longest request, bytes.
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// Most requests in a batch.
const MAX_BATCH: usize = 100;

/// What to serve, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeRpc {
    #[command(flatten)]
    live: Live,
    /// JSON-RPC of an execution node with `eth_getProof`; give several, the next is asked when one fails.
    #[arg(long, required = true)]
    execution: Vec<String>,
    /// Folder for evidence of false answers; see `heliotrope verify`.
    #[arg(long)]
    evidence_dir: Option<PathBuf>,
    /// Where to serve.
    #[arg(long, default_value = "127.0.0.1:8545")]
    listen: SocketAddr,
}

/// What the light client has proven, for all requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proven {
    heads: Option<Heads>,
    checkpoint: Value,
    behind_slots: Option<u64>,
    sources: Vec<SourceRecord>,
}

/// Everything that a request needs.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) reads: Reads<NativePlatform>,
    pub(crate) heads: watch::Receiver<Proven>,
    pub(crate) filters: Filters,
}

impl Rpc {
    pub(crate) fn heads(&self) -> Result<Heads, RpcError> {
        let none = || RpcError::server("no header is proven yet: the light client is syncing");
        self.heads.borrow().heads.ok_or_else(none)
    }

    /// False, or by how many slots the head stands still.
    pub(crate) fn syncing(&self) -> Answer {
        let behind = self.heads.borrow().behind_slots;
        Answer::own(behind.map_or(json!(false), |slots| json!({ "behindSlots": hex(slots) })))
    }

    pub(crate) fn checkpoint(&self) -> Value {
        self.heads.borrow().checkpoint.clone()
    }

    pub(crate) fn sources(&self) -> Value {
        json!({ "consensus": self.heads.borrow().sources, "execution": self.reads.sources() })
    }
}

/// Serves until stopped.
pub(crate) async fn serve(settings: &ServeRpc) -> Result<()> {
    let (network, client) = settings.live.start(true).await?;
    let (sender, heads) = watch::channel(Proven::default());
    let platform = client.platform().clone();
    let (spec, sources) = (client.spec().clone(), &settings.execution);
    let reads = Reads::new(platform, spec, network.chain_id, sources);
    let rpc = Arc::new(Rpc { reads, heads, filters: Filters::default() });
    let folder = settings.evidence_dir.clone();
    let keeper = Keeper { folder, network, waiting: Vec::new() };
    tokio::spawn(follow(client, sender, Arc::clone(&rpc), keeper));
    let router = Router::new()
        .route("/", get(websocket).post(http))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(rpc);
    let listener = tokio::net::TcpListener::bind(settings.listen).await?;
    tracing::info!(address = %listener.local_addr()?, "JSON-RPC, each answer proven here");
    axum::serve(listener, router).with_graceful_shutdown(crate::run::stopped()).await?;
    Ok(())
}

async fn follow(
    mut client: LightClient<NativePlatform>,
    sender: watch::Sender<Proven>,
    rpc: Arc<Rpc>,
    mut keeper: Keeper,
) {
    let slot = Duration::from_millis(client.spec().slot_duration_ms().max(500));
    loop {
        if let Err(error) = client.sync().await {
            tracing::warn!(%error, "light client");
        }
        let proven = |header| ProvenBlock::of(header);
        let finalized = proven(client.finalized());
        // the newest may have come without its execution data, or be the finalized one
        let optimistic = proven(client.optimistic()).or(finalized);
        let heads = optimistic.zip(finalized);
        let heads = heads.map(|(optimistic, finalized)| Heads { optimistic, finalized });
        sender.send_replace(Proven {
            heads,
            checkpoint: json!({ "root": client.checkpoint(), "slot": client.checkpoint_slot() }),
            behind_slots: client.is_stalled().then(|| client.behind()),
            sources: client.sources().to_vec(),
        });
        keeper.step(&rpc.reads, &client).await;
        client.platform().sleep(slot).await;
    }
}

async fn websocket(State(rpc): State<Arc<Rpc>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .max_message_size(MAX_REQUEST_BYTES)
        .on_upgrade(move |socket| subscriptions::serve(rpc, socket))
}

async fn http(State(rpc): State<Arc<Rpc>>, body: Bytes) -> Response {
    match handle_text(&rpc, &String::from_utf8_lossy(&body)).await {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// A request, or a batch; `None` when none of it wants an answer.
pub(crate) async fn handle_text(rpc: &Rpc, text: &str) -> Option<Value> {
    match serde_json::from_str(text) {
        Err(error) => Some(response(&Value::Null, Err(RpcError::parse(error)))),
        Ok(Value::Array(batch)) if batch.is_empty() || batch.len() > MAX_BATCH => {
            let reason = format!("{} requests in a batch, expected 1 to {MAX_BATCH}", batch.len());
            Some(response(&Value::Null, Err(RpcError::request(reason))))
        }
        Ok(Value::Array(batch)) => {
            let mut answers = Vec::new();
            for request in &batch {
                answers.extend(handle(rpc, request).await);
            }
            (!answers.is_empty()).then_some(Value::Array(answers))
        }
        Ok(request) => handle(rpc, &request).await,
    }
}

async fn handle(rpc: &Rpc, request: &Value) -> Option<Value> {
    let Some(method) = request.get("method").and_then(Value::as_str) else {
        let error = RpcError::request("expected an object with a method");
        return Some(response(request.get("id").unwrap_or(&Value::Null), Err(error)));
    };
    let params = request.get("params").cloned().unwrap_or_default();
    let outcome = dispatch(rpc, method, Params(&params)).await;
    Some(response(request.get("id")?, outcome))
}
