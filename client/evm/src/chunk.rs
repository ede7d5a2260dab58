//! The JavaScript face: one [`ProvenCalls`] per block. What is inserted must have been proven by the verifier, which
//! lives in another wasm of the same worker; code alone is checked here once more, because its hash is at hand.

use core::str::FromStr as _;

use alloy_primitives::{Address, B256, Bytes, U256};
use heliotrope_verifier::proofs::eip1186::Account;
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::{JsError, JsValue, prelude::wasm_bindgen};

use crate::{
    BlockContext, Call, CallOutcome, EvmError, Missing, ProvenState, SpecId, call, estimate_gas,
};

/// Calls on the proven state of one block.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ProvenCalls {
    chain_id: u64,
    spec: SpecId,
    block: BlockContext,
    state: ProvenState,
}

/// A message to execute.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Message(Call);

#[wasm_bindgen]
impl Message {
    /// Sender, receiver (none creates a contract), wei (32 bytes, big-endian), calldata, gas limit (none is the
    /// block's).
    ///
    /// # Errors
    ///
    /// When a byte array is not as long as its type.
    #[wasm_bindgen(constructor)]
    pub fn new(
        from: &[u8],
        to: Option<Vec<u8>>,
        value: &[u8],
        data: &[u8],
        gas: Option<u64>,
    ) -> Result<Self, JsError> {
        let to = to.map(|to| fixed("to", &to).map(Address::new)).transpose()?;
        Ok(Self(Call {
            from: Address::new(fixed("from", from)?),
            to,
            value: U256::from_be_bytes::<32>(fixed("value", value)?),
            data: Bytes::copy_from_slice(data),
            gas,
        }))
    }
}

fn fixed<const N: usize>(what: &str, bytes: &[u8]) -> Result<[u8; N], JsError> {
    let got = bytes.len();
    bytes.try_into().map_err(|_| JsError::new(&format!("{what}: {got} bytes, expected {N}")))
}

#[wasm_bindgen]
impl ProvenCalls {
    /// Rules by their name, such as `Prague`; header fields as in `eth_getBlockByNumber`. `excess_blob_gas` is absent
    /// before Cancun, `blob_base_fee_update_fraction` where it is the fork's own.
    ///
    /// # Errors
    ///
    /// When nobody knows the rules, or a byte array is not as long as its type.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::too_many_arguments, reason = "the fields of a header")]
    pub fn new(
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
    ) -> Result<Self, JsError> {
        let unknown = |_| JsError::new(&format!("rules {spec:?}: got no such fork"));
        let block = BlockContext {
            number,
            timestamp,
            coinbase: Address::new(fixed("coinbase", coinbase)?),
            prev_randao: B256::new(fixed("prevRandao", prev_randao)?),
            base_fee,
            gas_limit,
            excess_blob_gas,
            blob_base_fee_update_fraction,
        };
        let spec = SpecId::from_str(spec).map_err(unknown)?;
        Ok(Self { chain_id, spec, block, state: ProvenState::new() })
    }

    /// A proven account: balance, storage root and code hash are 32 bytes, numbers big-endian.
    ///
    /// # Errors
    ///
    /// When a byte array is not as long as its type.
    pub fn insert_account(
        &mut self,
        address: &[u8],
        nonce: u64,
        balance: &[u8],
        storage_root: &[u8],
        code_hash: &[u8],
    ) -> Result<(), JsError> {
        let account = Account {
            nonce,
            balance: U256::from_be_bytes::<32>(fixed("balance", balance)?),
            storage_root: B256::new(fixed("storageRoot", storage_root)?),
            code_hash: B256::new(fixed("codeHash", code_hash)?),
        };
        self.state.insert_account(Address::new(fixed("address", address)?), Some(account));
        Ok(())
    }

    /// An account whose absence is proven.
    ///
    /// # Errors
    ///
    /// When the address is not 20 bytes.
    pub fn insert_absent(&mut self, address: &[u8]) -> Result<(), JsError> {
        self.state.insert_account(Address::new(fixed("address", address)?), None);
        Ok(())
    }

    /// A proven slot; zero for one proven absent.
    ///
    /// # Errors
    ///
    /// When a byte array is not as long as its type.
    pub fn insert_storage(
        &mut self,
        address: &[u8],
        slot: &[u8],
        value: &[u8],
    ) -> Result<(), JsError> {
        self.state.insert_storage(
            Address::new(fixed("address", address)?),
            U256::from_be_bytes::<32>(fixed("slot", slot)?),
            U256::from_be_bytes::<32>(fixed("value", value)?),
        );
        Ok(())
    }

    /// Code of a proven code hash.
    ///
    /// # Errors
    ///
    /// When it hashes to something else.
    pub fn insert_code(&mut self, code_hash: &[u8], code: &[u8]) -> Result<(), JsError> {
        let expected = B256::new(fixed("codeHash", code_hash)?);
        Ok(self.state.insert_code(expected, Bytes::copy_from_slice(code))?)
    }

    /// The proven hash of an earlier block.
    ///
    /// # Errors
    ///
    /// When the hash is not 32 bytes.
    pub fn insert_block_hash(&mut self, number: u64, hash: &[u8]) -> Result<(), JsError> {
        self.state.insert_block_hash(number, B256::new(fixed("hash", hash)?));
        Ok(())
    }

    /// `eth_call`. The answer's `status` is `success`, `revert` or `halt`, or `missing` with what has to be proven
    /// first.
    ///
    /// # Errors
    ///
    /// When the message cannot be executed at all.
    pub fn call(&self, message: &Message) -> Result<JsValue, JsError> {
        match call(self.chain_id, self.spec, &self.block, &message.0, &self.state) {
            Ok(outcome) => Ok(outcome_to_js(outcome)),
            Err(EvmError::Missing(missing)) => Ok(missing_to_js(missing)),
            Err(error) => Err(error.into()),
        }
    }

    /// `eth_estimateGas`: `status` is `success` with `gasUsed`, or `missing`.
    ///
    /// # Errors
    ///
    /// When the call fails with all the gas there is.
    pub fn estimate_gas(&self, message: &Message) -> Result<JsValue, JsError> {
        match estimate_gas(self.chain_id, self.spec, &self.block, &message.0, &self.state) {
            Ok(gas) => {
                Ok(outcome_to_js(CallOutcome::Success { output: Bytes::new(), gas_used: gas }))
            }
            Err(EvmError::Missing(missing)) => Ok(missing_to_js(missing)),
            Err(error) => Err(error.into()),
        }
    }
}

fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // Setting a field of a fresh object cannot fail.
        let _set = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

fn outcome_to_js(outcome: CallOutcome) -> JsValue {
    let (status, gas_used, detail) = match outcome {
        CallOutcome::Success { output, gas_used } => {
            ("success", gas_used, ("output", bytes(&output)))
        }
        CallOutcome::Revert { output, gas_used } => {
            ("revert", gas_used, ("output", bytes(&output)))
        }
        CallOutcome::Halt { reason, gas_used } => ("halt", gas_used, ("reason", reason.into())),
    };
    object(&[("status", status.into()), ("gasUsed", gas_used.into()), detail])
}

fn missing_to_js(missing: Missing) -> JsValue {
    let what = match missing {
        Missing::Account(address) => ("address", bytes(address.as_slice())),
        Missing::Storage(address, slot) => {
            return object(&[
                ("status", "missing".into()),
                ("address", bytes(address.as_slice())),
                ("slot", bytes(&slot.to_be_bytes::<32>())),
            ]);
        }
        Missing::Code(hash) => ("codeHash", bytes(hash.as_slice())),
        Missing::BlockHash(number) => ("blockNumber", number.into()),
    };
    object(&[("status", "missing".into()), what])
}
