//! `eth_call` in the tab: the EVM is a wasm of its own, fetched with the first call, and runs on state that is proven
//! here, part by part, as it asks for it.
//!
//! ```text
//! page ── Call ──▶ worker: proven head ─▶ chunk executes ─▶ result
//!                              ▲               └─ missing: account, slot, code
//!                              └── eth_getProof, eth_getCode, checked against the head's state root
//! ```

use alloy_primitives::{Address, B256, U256};
use heliotrope_evm::{blob_base_fee_update_fraction, spec_at};
use heliotrope_light_client::{
    execution::{ProvenBlock, prove_account, prove_code},
    platform::Platform,
};
use heliotrope_verifier::chains::ethereum::{ChainSpec, ExecutionPayloadHeader};
use serde::Deserialize;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};

use crate::protocol::{CallAnswer, CallRequest};

/// Most parts of the state that one call may read.
const MAX_READS: usize = 1_024;

#[wasm_bindgen]
extern "C" {
    /// What `worker.js` gives: it fetches the chunk with the first call.
    #[derive(Clone, Debug)]
    pub type Evm;
    #[wasm_bindgen(method, catch)]
    async fn load(this: &Evm) -> Result<JsValue, JsValue>;

    type Chunk;
    #[wasm_bindgen(method, catch)]
    #[allow(clippy::too_many_arguments, reason = "the chunk's own")]
    fn block(
        this: &Chunk,
        chain_id: u64,
        spec: &str,
        number: u64,
        timestamp: u64,
        coinbase: &[u8],
        prev_randao: &[u8],
        base_fee: u64,
        gas_limit: u64,
        excess_blob_gas: Option<u64>,
        blob_base_fee_update_fraction: Option<u64>,
    ) -> Result<ProvenCalls, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn message(
        this: &Chunk,
        from: &[u8],
        to: Option<Vec<u8>>,
        value: &[u8],
        data: &[u8],
        gas: Option<u64>,
    ) -> Result<JsValue, JsValue>;

    type ProvenCalls;
    #[wasm_bindgen(method, catch)]
    fn insert_account(
        this: &ProvenCalls,
        address: &[u8],
        nonce: u64,
        balance: &[u8],
        storage_root: &[u8],
        code_hash: &[u8],
    ) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn insert_absent(this: &ProvenCalls, address: &[u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn insert_storage(
        this: &ProvenCalls,
        address: &[u8],
        slot: &[u8],
        value: &[u8],
    ) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn insert_code(this: &ProvenCalls, code_hash: &[u8], code: &[u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn insert_block_hash(this: &ProvenCalls, number: u64, hash: &[u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn call(this: &ProvenCalls, message: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn estimate_gas(this: &ProvenCalls, message: &JsValue) -> Result<JsValue, JsValue>;
}

/// What the chunk answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status: String,
    gas_used: Option<u64>,
    output: Option<Vec<u8>>,
    reason: Option<String>,
    address: Option<Vec<u8>>,
    slot: Option<Vec<u8>>,
    code_hash: Option<Vec<u8>>,
    block_number: Option<u64>,
}

/// The proven block on whose state calls run.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) chain_id: u64,
    pub(crate) spec: ChainSpec,
    pub(crate) block: ProvenBlock,
    pub(crate) execution: ExecutionPayloadHeader,
}

/// Executes one call and says in words why not.
pub(crate) async fn run<P: Platform>(
    platform: &P,
    rpc: &str,
    evm: &Evm,
    head: &Head,
    request: &CallRequest,
) -> Result<CallAnswer, String> {
    let chunk: Chunk = evm.load().await.map_err(|error| said(&error))?.unchecked_into();
    let calls = open(&chunk, head).map_err(|error| said(&error))?;
    let message = message(&chunk, request)?;
    let mut session =
        Session { platform, rpc, block: &head.block, head, calls: &calls, owners: Vec::new() };
    for _ in 0..MAX_READS {
        let run =
            if request.estimate { calls.estimate_gas(&message) } else { calls.call(&message) };
        let answer = run.map_err(|error| said(&error))?;
        let answer: Answer = serde_wasm_bindgen::from_value(answer).map_err(|e| e.to_string())?;
        if answer.status == "missing" {
            session.prove(&answer).await?;
            continue;
        }
        let output = answer.output.unwrap_or_default();
        return Ok(CallAnswer {
            status: answer.status,
            output: format!("0x{}", hex::encode(output)),
            gas_used: answer.gas_used.unwrap_or_default(),
            reason: answer.reason,
            block: head.block.number,
            block_hash: head.block.hash.to_string(),
        });
    }
    Err(format!("the call reads more than {MAX_READS} parts of the state"))
}

fn open(chunk: &Chunk, head: &Head) -> Result<ProvenCalls, JsValue> {
    let (execution, time) = (&head.execution, head.block.timestamp);
    let rules = spec_at(&head.spec, time);
    let has_blobs = rules >= heliotrope_evm::SpecId::CANCUN;
    chunk.block(
        head.chain_id,
        rules.into(),
        head.block.number,
        time,
        execution.fee_recipient.as_slice(),
        execution.prev_randao.as_slice(),
        execution.base_fee_per_gas.saturating_to(),
        execution.gas_limit,
        has_blobs.then_some(execution.excess_blob_gas),
        blob_base_fee_update_fraction(&head.spec, time),
    )
}

fn message(chunk: &Chunk, request: &CallRequest) -> Result<JsValue, String> {
    let address = |text: &str| text.parse::<Address>().map_err(|e| format!("address {text}: {e}"));
    let from = request.from.as_deref().map(address).transpose()?.unwrap_or_default();
    let to = request.to.as_deref().map(address).transpose()?;
    let digits = request.data.trim_start_matches("0x");
    let data = hex::decode(digits).map_err(|e| format!("data: {e}"))?;
    let to = to.map(|to| to.to_vec());
    chunk.message(from.as_slice(), to, &[0; 32], &data, None).map_err(|error| said(&error))
}

struct Session<'a, P> {
    platform: &'a P,
    rpc: &'a str,
    block: &'a ProvenBlock,
    head: &'a Head,
    calls: &'a ProvenCalls,
    /// Accounts by the hash of their code.
    owners: Vec<(B256, Address)>,
}

impl<P: Platform> Session<'_, P> {
    async fn prove(&mut self, missing: &Answer) -> Result<(), String> {
        if let Some(address) = &missing.address {
            let address = Address::new(fixed(address)?);
            let slot = missing.slot.as_deref().map(fixed).transpose()?.map(B256::new);
            return self.account(address, slot).await;
        }
        if let Some(hash) = &missing.code_hash {
            let hash = B256::new(fixed(hash)?);
            let owner = self.owners.iter().find(|(known, _)| *known == hash);
            let (_, owner) = owner.ok_or("code of an account that is not proven")?;
            let code = prove_code(self.platform, self.rpc, self.block, *owner, hash).await;
            let code = code.map_err(|e| e.to_string())?;
            return self.calls.insert_code(hash.as_slice(), &code).map_err(|e| said(&e));
        }
        match missing.block_number {
            Some(number) if number.checked_add(1) == Some(self.block.number) => {
                let parent = self.head.execution.parent_hash;
                self.calls.insert_block_hash(number, parent.as_slice()).map_err(|e| said(&e))
            }
            Some(number) => Err(format!(
                "the call reads the hash of block {number}, which is not proven in a page: use heliotrope serve-rpc"
            )),
            None => Err("the call reads something that has no name here".to_owned()),
        }
    }

    async fn account(&mut self, address: Address, slot: Option<B256>) -> Result<(), String> {
        let keys: Vec<B256> = slot.into_iter().collect();
        let proven = prove_account(self.platform, self.rpc, self.block, address, &keys).await;
        let (account, values) = proven.map_err(|error| error.to_string())?;
        let inserted = match account {
            Some(account) => {
                self.owners.push((account.code_hash, address));
                self.calls.insert_account(
                    address.as_slice(),
                    account.nonce,
                    &account.balance.to_be_bytes::<32>(),
                    account.storage_root.as_slice(),
                    account.code_hash.as_slice(),
                )
            }
            None => self.calls.insert_absent(address.as_slice()),
        };
        inserted.map_err(|e| said(&e))?;
        for (key, value) in keys.iter().zip(values) {
            let value = U256::to_be_bytes::<32>(&value);
            self.calls
                .insert_storage(address.as_slice(), key.as_slice(), &value)
                .map_err(|e| said(&e))?;
        }
        Ok(())
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| format!("{} bytes, expected {N}", bytes.len()))
}

/// An error of JavaScript in words.
fn said(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |error| error.message().into())
}
