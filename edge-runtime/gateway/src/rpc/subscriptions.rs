//! `eth_subscribe` over WebSocket: new heads, and logs, each with its proof class.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::U64;
use alloy_rpc_types_eth::Filter;
use axum::extract::ws::{Message, WebSocket};
use heliotrope_light_client::reads::{Heads, MAX_LOG_BLOCKS};
use serde_json::{Value, json};

use super::{
    Rpc,
    answer::{Answer, RpcError, response},
    filters::{new_blocks, new_logs},
    handle_text,
    methods::Params,
};

/// Most subscriptions of one connection.
const MAX_SUBSCRIPTIONS: usize = 32;

/// One connection.
struct Connection {
    rpc: Arc<Rpc>,
    /// Logs that match; `None` is new heads.
    subscriptions: BTreeMap<u64, Option<Filter>>,
    last_id: u64,
    /// Number of the newest block that was told.
    told: u64,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(rpc: Arc<Rpc>, mut socket: WebSocket) {
    let mut heads = rpc.heads.clone();
    let told = rpc.heads().map_or(0, |heads| heads.optimistic.number);
    let mut connection = Connection { rpc, subscriptions: BTreeMap::new(), last_id: 0, told };
    loop {
        let out = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match connection.answer(text.as_str()).await {
                    Some(answer) => vec![answer],
                    None => Vec::new(),
                },
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => Vec::new(),
            },
            changed = heads.changed() => {
                if changed.is_err() {
                    return;
                }
                connection.news().await
            }
        };
        for message in out {
            if socket.send(Message::text(message.to_string())).await.is_err() {
                return;
            }
        }
    }
}

impl Connection {
    async fn answer(&mut self, text: &str) -> Option<Value> {
        let request: Value = serde_json::from_str(text).unwrap_or_default();
        let params = request.get("params").cloned().unwrap_or_default();
        let outcome = match request.get("method").and_then(Value::as_str) {
            Some("eth_subscribe") => self.subscribe(Params(&params)),
            Some("eth_unsubscribe") => self.unsubscribe(Params(&params)),
            _ => return handle_text(&self.rpc, text).await,
        };
        Some(response(request.get("id").unwrap_or(&Value::Null), outcome))
    }

    fn subscribe(&mut self, params: Params<'_>) -> Result<Answer, RpcError> {
        let filter = match params.need::<String>(0, "kind")?.as_str() {
            "newHeads" => None,
            "logs" => Some(params.opt(1, "filter")?.unwrap_or_default()),
            other => {
                let reason = format!("kind: got {other:?}, expected \"newHeads\" or \"logs\"");
                return Err(RpcError::params(reason));
            }
        };
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            let reason = format!("at most {MAX_SUBSCRIPTIONS} subscriptions in a connection");
            return Err(RpcError::server(reason));
        }
        if self.subscriptions.is_empty() {
            self.told = self.rpc.heads()?.optimistic.number;
        }
        self.last_id = self.last_id.saturating_add(1);
        self.subscriptions.insert(self.last_id, filter);
        Ok(Answer::own(U64::from(self.last_id)))
    }

    fn unsubscribe(&mut self, params: Params<'_>) -> Result<Answer, RpcError> {
        let id: U64 = params.need(0, "id")?;
        Ok(Answer::own(self.subscriptions.remove(&id.to()).is_some()))
    }

    /// What every subscription has to hear of the blocks since the last time. What cannot be proven now is told
    /// with the next head.
    async fn news(&mut self) -> Vec<Value> {
        let Ok(heads) = self.rpc.heads() else { return Vec::new() };
        let (first, head) = (self.told.saturating_add(1), heads.optimistic.number);
        if self.subscriptions.is_empty() || first > head {
            return Vec::new();
        }
        let last = head.min(self.told.saturating_add(MAX_LOG_BLOCKS));
        match self.between(&heads, first, last).await {
            Ok(news) => {
                self.told = last;
                news
            }
            Err(error) => {
                tracing::warn!(?error, first, last, "subscriptions wait for the next head");
                Vec::new()
            }
        }
    }

    async fn between(&self, heads: &Heads, first: u64, last: u64) -> Result<Vec<Value>, RpcError> {
        let (rpc, mut news) = (&self.rpc, Vec::new());
        for (id, filter) in &self.subscriptions {
            match filter {
                None => {
                    for hash in new_blocks(rpc, heads, first, last).await? {
                        let header = rpc.reads.block(hash).await?.header.clone();
                        news.push(notification(*id, Answer::at(heads, &heads.optimistic, header)));
                    }
                }
                Some(filter) => {
                    for log in new_logs(rpc, heads, filter, first, last).await? {
                        news.push(notification(*id, Answer::at(heads, &heads.optimistic, log)));
                    }
                }
            }
        }
        Ok(news)
    }
}

fn notification(id: u64, answer: Answer) -> Value {
    let Answer { result, proof } = answer;
    let params =
        json!({ "subscription": U64::from(id), "result": result, "heliotrope_proof": proof });
    json!({ "jsonrpc": "2.0", "method": "eth_subscription", "params": params })
}
