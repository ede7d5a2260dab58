//! The JavaScript face: one [`ProvenCalls`] per block. What is inserted must have been proven by the verifier, which
//! lives in another wasm of the same worker; code alone is checked here once more, because its hash is at hand.

use alloy_primitives::{Address, B256, Bytes, U256};
use heliotrope_verifier::{chains::ethereum::ChainSpec, proofs::eip1186::Account};
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::{JsError, JsValue, prelude::wasm_bindgen};

use crate::{
    BlockContext, Call, CallOutcome, EvmError, Missing, ProvenState, blob_base_fee_update_fraction,
    call, estimate_gas, spec_at,
};

/// Calls on the proven state of one block of mainnet.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ProvenCalls {
    chain: ChainSpec,
    block: BlockContext,
    state: ProvenState,
}

fn fixed<const N: usize>(what: &str, bytes: &[u8]) -> Result<[u8; N], JsError> {
    let got = bytes.len();
    bytes.try_into().map_err(|_| JsError::new(&format!("{what}: {got} bytes, expected {N}")))
}

#[wasm_bindgen]
impl ProvenCalls {
    /// Header fields as in `eth_getBlockByNumber`; `excess_blob_gas` is absent before Cancun.
    ///
    /// # Errors
    ///
    /// When a byte array is not as long as its type.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::too_many_arguments, reason = "the fields of a header")]
    pub fn new(
        number: u64,
        timestamp: u64,
        coinbase: &[u8],
        prev_randao: &[u8],
        base_fee: u64,
        gas_limit: u64,
        excess_blob_gas: Option<u64>,
    ) -> Result<Self, JsError> {
        let chain = ChainSpec::mainnet();
        let block = BlockContext {
            number,
            timestamp,
            coinbase: Address::new(fixed("coinbase", coinbase)?),
            prev_randao: B256::new(fixed("prevRandao", prev_randao)?),
            base_fee,
            gas_limit,
            excess_blob_gas,
            blob_base_fee_update_fraction: blob_base_fee_update_fraction(&chain, timestamp),
        };
        Ok(Self { chain, block, state: ProvenState::new() })
    }

    /// A proven account: the RLP of its leaf, empty for one proven absent.
    ///
    /// # Errors
    ///
    /// When the address or the leaf is malformed.
    pub fn insert_account(&mut self, address: &[u8], leaf: &[u8]) -> Result<(), JsError> {
        let account = if leaf.is_empty() { None } else { Some(Account::decode(leaf)?) };
        self.state.insert_account(Address::new(fixed("address", address)?), account);
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
    /// When an argument is malformed or the message cannot be executed at all.
    pub fn call(
        &self,
        from: &[u8],
        to: Option<Vec<u8>>,
        value: &[u8],
        data: &[u8],
        gas: Option<u64>,
    ) -> Result<JsValue, JsError> {
        let message = message(from, to, value, data, gas)?;
        let spec = spec_at(&self.chain, self.block.timestamp);
        match call(1, spec, &self.block, &message, &self.state) {
            Ok(outcome) => Ok(outcome_to_js(outcome)),
            Err(EvmError::Missing(missing)) => Ok(missing_to_js(missing)),
            Err(error) => Err(error.into()),
        }
    }

    /// `eth_estimateGas`: `status` is `success` with `gas`, or `missing`.
    ///
    /// # Errors
    ///
    /// When an argument is malformed or the call fails with all the gas there is.
    pub fn estimate_gas(
        &self,
        from: &[u8],
        to: Option<Vec<u8>>,
        value: &[u8],
        data: &[u8],
        gas: Option<u64>,
    ) -> Result<JsValue, JsError> {
        let message = message(from, to, value, data, gas)?;
        let spec = spec_at(&self.chain, self.block.timestamp);
        match estimate_gas(1, spec, &self.block, &message, &self.state) {
            Ok(gas) => Ok(object(&[("status", "success".into()), ("gas", gas.into())])),
            Err(EvmError::Missing(missing)) => Ok(missing_to_js(missing)),
            Err(error) => Err(error.into()),
        }
    }
}

fn message(
    from: &[u8],
    to: Option<Vec<u8>>,
    value: &[u8],
    data: &[u8],
    gas: Option<u64>,
) -> Result<Call, JsError> {
    let to = to.map(|to| fixed("to", &to).map(Address::new)).transpose()?;
    Ok(Call {
        from: Address::new(fixed("from", from)?),
        to,
        value: U256::from_be_bytes::<32>(fixed("value", value)?),
        data: Bytes::copy_from_slice(data),
        gas,
    })
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
