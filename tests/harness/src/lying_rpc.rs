//! An execution node that lies: it stands before a true one and changes what `eth_getProof` answers.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// What it lies about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProofLie {
    /// The last node of a word's proof, and the value that it would prove.
    Word,
    /// There is nothing at these slots: the proof of another key, under which nothing is.
    Absence,
    /// The state of a block that is not the one asked for.
    Block,
}

/// A lie that is being told. It ends when this is dropped.
#[derive(Debug)]
pub struct LyingRpc {
    /// Where it listens.
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for LyingRpc {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Between {
    upstream: String,
    lie: ProofLie,
    client: reqwest::Client,
}

impl LyingRpc {
    /// Begins to lie.
    pub async fn serve(upstream: &str, lie: ProofLie) -> Result<Self> {
        let client = reqwest::Client::new();
        let between = Arc::new(Between { upstream: upstream.to_owned(), lie, client });
        let router = Router::new().route("/", post(answer)).with_state(between);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            // it ends with the test
            drop(axum::serve(listener, router).await);
        });
        Ok(Self { url, task })
    }
}

async fn answer(
    State(between): State<Arc<Between>>,
    Json(mut asked): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let proof = asked["method"] == "eth_getProof";
    if proof && between.lie == ProofLie::Absence {
        for key in asked["params"][1].as_array_mut().into_iter().flatten() {
            *key = json!(format!("0x{}", "5a".repeat(32)));
        }
    }
    if proof && between.lie == ProofLie::Block {
        asked["params"][2] = json!("latest");
    }
    let answered = between.ask(&asked).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(Json(if proof && between.lie == ProofLie::Word { altered(answered) } else { answered }))
}

impl Between {
    async fn ask(&self, asked: &Value) -> Result<Value> {
        let answer = self.client.post(&self.upstream).json(asked).send().await?;
        answer.json().await.context("the node's answer")
    }
}

/// The first word that is not zero is another one, in its value and in its leaf.
fn altered(mut answer: Value) -> Value {
    let entries = answer["result"]["storageProof"].as_array_mut().into_iter().flatten();
    for entry in entries.filter(|entry| entry["value"] != "0x0").take(1) {
        for place in ["value", "proof"] {
            let last = match &mut entry[place] {
                Value::Array(nodes) => nodes.last_mut(),
                value => Some(value),
            };
            if let Some(Value::String(text)) = last {
                let other = if text.ends_with('1') { '2' } else { '1' };
                text.pop();
                text.push(other);
            }
        }
    }
    answer
}
