//! Answers that say on what they rest, and errors in JSON-RPC's numbers.

use alloy_primitives::Bytes;
use heliotrope_light_client::{
    execution::ProvenBlock,
    reads::{Heads, ReadFailure},
};
use serde::Serialize;
use serde_json::{Value, json};

/// A result with its proof class, which travels beside it as `heliotrope_proof`.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) result: Value,
    pub(crate) proof: Value,
}

/// A JSON-RPC error.
#[derive(Clone, Debug)]
pub(crate) struct RpcError {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Answer {
    /// Proven at a block of the sync committee's chain.
    pub(crate) fn at(heads: &Heads, block: &ProvenBlock, result: impl Serialize) -> Self {
        let head = if block.number <= heads.finalized.number { "finalized" } else { "optimistic" };
        let block = json!({ "number": hex(block.number), "hash": block.hash });
        let proof = json!({ "class": "committee", "head": head, "block": block });
        Self { result: json!(result), proof }
    }

    /// What the operator configured, or this program made.
    pub(crate) fn own(result: impl Serialize) -> Self {
        Self { result: json!(result), proof: json!({ "class": "own" }) }
    }

    /// Somebody's word: nothing proves it.
    pub(crate) fn asserted(result: impl Serialize) -> Self {
        Self { result: json!(result), proof: json!({ "class": "asserted" }) }
    }
}

impl RpcError {
    #[allow(clippy::needless_pass_by_value, reason = "what map_err hands over")]
    fn new(code: i64, message: impl ToString) -> Self {
        Self { code, message: message.to_string(), data: None }
    }

    pub(crate) fn parse(reason: impl ToString) -> Self {
        Self::new(-32_700, reason)
    }

    pub(crate) fn request(reason: impl ToString) -> Self {
        Self::new(-32_600, reason)
    }

    pub(crate) fn method(name: &str) -> Self {
        Self::new(-32_601, format!("method {name:?} is not offered"))
    }

    pub(crate) fn params(reason: impl ToString) -> Self {
        Self::new(-32_602, reason)
    }

    pub(crate) fn server(reason: impl ToString) -> Self {
        Self::new(-32_000, reason)
    }

    /// As execution clients say it: code 3, with the revert data.
    pub(crate) fn reverted(data: &Bytes) -> Self {
        Self { data: Some(json!(data)), ..Self::new(3, "execution reverted") }
    }

    fn to_json(&self) -> Value {
        let Self { code, message, data } = self;
        match data {
            Some(data) => json!({ "code": code, "message": message, "data": data }),
            None => json!({ "code": code, "message": message }),
        }
    }
}

impl From<ReadFailure> for RpcError {
    fn from(failure: ReadFailure) -> Self {
        Self::server(failure)
    }
}

/// The response to the request `id`.
pub(crate) fn response(id: &Value, outcome: Result<Answer, RpcError>) -> Value {
    match outcome {
        Ok(Answer { result, proof }) => {
            json!({ "jsonrpc": "2.0", "id": id, "result": result, "heliotrope_proof": proof })
        }
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() }),
    }
}

/// A quantity, as JSON-RPC writes it.
pub(crate) fn hex(number: impl core::fmt::LowerHex) -> String {
    format!("{number:#x}")
}
