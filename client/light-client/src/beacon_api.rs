//! Beacon API JSON of the light client endpoints to the verifier's types.
//!
//! Shape only: every rule is the verifier's. Hex strings must have `0x` and exactly the length of the field, integers
//! must be decimal strings without leading zeros, and branches must have the length of the fork. The fork comes from
//! `version`; where a server leaves that out, from the slot of the (attested) header. Members that the specification of
//! the API does not name are ignored.

use alloy_primitives::{Address, B256, U256};
use heliotrope_verifier::chains::ethereum::{
    BeaconBlockHeader, ChainSpec, ExecutionPayloadHeader, ExecutionProof, Fork,
    LightClientBootstrap, LightClientFinalityUpdate, LightClientHeader,
    LightClientOptimisticUpdate, LightClientSsz, LightClientUpdate, SszError, SyncAggregate,
    SyncCommittee,
};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `MAX_REQUEST_LIGHT_CLIENT_UPDATES`.
pub const MAX_REQUEST_LIGHT_CLIENT_UPDATES: usize = 128;

/// Why an answer is not light client data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeaconApiError {
    /// Not JSON of this shape.
    #[error("beacon api answer: {0}")]
    Json(#[from] serde_json::Error),
    /// The fork is not known.
    #[error("unknown fork {got:?}")]
    UnknownFork {
        /// The `version` of the answer.
        got: String,
    },
    /// The value does not exist in the fork that it claims.
    #[error("as of {fork}: {source}")]
    Shape {
        /// Name of the fork.
        fork: &'static str,
        /// What is wrong.
        source: SszError,
    },
    /// A branch has another length than the fork's.
    #[error("branch lengths are not those of {fork}")]
    BranchLength {
        /// Name of the fork.
        fork: &'static str,
    },
    /// More updates than a server may send.
    #[error("{got} updates, at most {max} allowed")]
    TooManyUpdates {
        /// How many came.
        got: usize,
        /// The limit.
        max: usize,
    },
}

/// Reads the answer of `/eth/v1/beacon/light_client/bootstrap/{block_root}`.
///
/// # Errors
///
/// When the answer is not a bootstrap of its fork.
pub fn bootstrap(json: &[u8], spec: &ChainSpec) -> Result<LightClientBootstrap, BeaconApiError> {
    one::<BootstrapJson, _>(serde_json::from_slice(json)?, spec)
}

/// Reads the answer of `/eth/v1/beacon/light_client/finality_update`.
///
/// # Errors
///
/// When the answer is not a finality update of its fork.
pub fn finality_update(
    json: &[u8],
    spec: &ChainSpec,
) -> Result<LightClientFinalityUpdate, BeaconApiError> {
    one::<FinalityJson, _>(serde_json::from_slice(json)?, spec)
}

/// Reads the answer of `/eth/v1/beacon/light_client/optimistic_update`.
///
/// # Errors
///
/// When the answer is not an optimistic update of its fork.
pub fn optimistic_update(
    json: &[u8],
    spec: &ChainSpec,
) -> Result<LightClientOptimisticUpdate, BeaconApiError> {
    one::<OptimisticJson, _>(serde_json::from_slice(json)?, spec)
}

/// Reads the answer of `/eth/v1/beacon/light_client/updates`: a list, a list under `data`, or a single update.
///
/// # Errors
///
/// When the answer holds anything that is not an update of its fork, or more than
/// [`MAX_REQUEST_LIGHT_CLIENT_UPDATES`].
pub fn updates(json: &[u8], spec: &ChainSpec) -> Result<Vec<LightClientUpdate>, BeaconApiError> {
    let list = match serde_json::from_slice(json)? {
        Value::Array(list) => list,
        Value::Object(mut object) => match object.remove("data") {
            Some(Value::Array(list)) => list,
            Some(data) => {
                object.insert("data".to_owned(), data);
                vec![Value::Object(object)]
            }
            None => vec![Value::Object(object)],
        },
        other => vec![other],
    };
    if list.len() > MAX_REQUEST_LIGHT_CLIENT_UPDATES {
        let (got, max) = (list.len(), MAX_REQUEST_LIGHT_CLIENT_UPDATES);
        return Err(BeaconApiError::TooManyUpdates { got, max });
    }
    list.into_iter().map(|value| one::<UpdateJson, _>(value, spec)).collect()
}

/// Reads one `{"version": …, "data": …}`, or `data` by itself.
fn one<J, T>(value: Value, spec: &ChainSpec) -> Result<T, BeaconApiError>
where
    J: DeserializeOwned + Into<T>,
    T: LightClientSsz + PartialEq + HeaderSlot,
{
    let (version, data) = match value {
        Value::Object(mut object) if object.contains_key("data") => {
            let version = object.remove("version").filter(|version| !version.is_null());
            (version, object.remove("data").unwrap_or(Value::Null))
        }
        data => (None, data),
    };
    let value: T = serde_json::from_value::<J>(data)?.into();
    let fork = match version {
        Some(version) => {
            let name: String = serde_json::from_value(version)?;
            Fork::from_name(&name).ok_or(BeaconApiError::UnknownFork { got: name })?
        }
        None => spec.fork_at_slot(value.header_slot()),
    };
    let shape = |source| BeaconApiError::Shape { fork: fork.name(), source };
    let ssz = value.encode(fork, spec.preset()).map_err(shape)?;
    if T::decode(fork, spec.preset(), &ssz).map_err(shape)? != value {
        return Err(BeaconApiError::BranchLength { fork: fork.name() });
    }
    Ok(value)
}

trait HeaderSlot {
    fn header_slot(&self) -> u64;
}

impl HeaderSlot for LightClientBootstrap {
    fn header_slot(&self) -> u64 {
        self.header.beacon.slot
    }
}

impl HeaderSlot for LightClientUpdate {
    fn header_slot(&self) -> u64 {
        self.attested_header.beacon.slot
    }
}

impl HeaderSlot for LightClientFinalityUpdate {
    fn header_slot(&self) -> u64 {
        self.attested_header.beacon.slot
    }
}

impl HeaderSlot for LightClientOptimisticUpdate {
    fn header_slot(&self) -> u64 {
        self.attested_header.beacon.slot
    }
}

/// `0x` and exactly `N` bytes in hexadecimal.
struct Hex<const N: usize>([u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let HexBytes(bytes) = HexBytes::deserialize(deserializer)?;
        let got = bytes.len();
        let bytes =
            bytes.try_into().map_err(|_| D::Error::custom(format!("{got} bytes, expected {N}")))?;
        Ok(Self(bytes))
    }
}

/// `0x` and any number of bytes; the SSZ encoder bounds it.
struct HexBytes(Vec<u8>);

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").ok_or_else(|| D::Error::custom("no 0x in front"))?;
        hex::decode(digits).map(Self).map_err(D::Error::custom)
    }
}

/// A decimal integer in a string.
struct Decimal(U256);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let canonical = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        if !canonical {
            return Err(D::Error::custom(format!("{text:?} is not a decimal integer")));
        }
        U256::from_str_radix(&text, 10).map(Self).map_err(D::Error::custom)
    }
}

struct Uint64(u64);

impl<'de> Deserialize<'de> for Uint64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Decimal(value) = Decimal::deserialize(deserializer)?;
        u64::try_from(value).map(Self).map_err(D::Error::custom)
    }
}

type Root = Hex<32>;

impl From<Root> for B256 {
    fn from(root: Root) -> Self {
        Self::new(root.0)
    }
}

fn roots(branch: Vec<Root>) -> Vec<B256> {
    branch.into_iter().map(B256::from).collect()
}

#[derive(Deserialize)]
struct BeaconJson {
    slot: Uint64,
    proposer_index: Uint64,
    parent_root: Root,
    state_root: Root,
    body_root: Root,
}

#[derive(Deserialize)]
struct ExecutionJson {
    parent_hash: Root,
    fee_recipient: Hex<20>,
    state_root: Root,
    receipts_root: Root,
    logs_bloom: Hex<256>,
    prev_randao: Root,
    block_number: Uint64,
    gas_limit: Uint64,
    gas_used: Uint64,
    timestamp: Uint64,
    extra_data: HexBytes,
    base_fee_per_gas: Decimal,
    block_hash: Root,
    transactions_root: Root,
    withdrawals_root: Root,
    blob_gas_used: Option<Uint64>,
    excess_blob_gas: Option<Uint64>,
}

#[derive(Deserialize)]
struct HeaderJson {
    beacon: BeaconJson,
    execution: Option<ExecutionJson>,
    execution_block_hash: Option<Root>,
    execution_branch: Option<Vec<Root>>,
}

#[derive(Deserialize)]
struct CommitteeJson {
    pubkeys: Vec<Hex<48>>,
    aggregate_pubkey: Hex<48>,
}

#[derive(Deserialize)]
struct AggregateJson {
    sync_committee_bits: HexBytes,
    sync_committee_signature: Hex<96>,
}

#[derive(Deserialize)]
struct BootstrapJson {
    header: HeaderJson,
    current_sync_committee: CommitteeJson,
    current_sync_committee_branch: Vec<Root>,
}

#[derive(Deserialize)]
struct UpdateJson {
    attested_header: HeaderJson,
    next_sync_committee: CommitteeJson,
    next_sync_committee_branch: Vec<Root>,
    finalized_header: HeaderJson,
    finality_branch: Vec<Root>,
    sync_aggregate: AggregateJson,
    signature_slot: Uint64,
}

#[derive(Deserialize)]
struct FinalityJson {
    attested_header: HeaderJson,
    finalized_header: HeaderJson,
    finality_branch: Vec<Root>,
    sync_aggregate: AggregateJson,
    signature_slot: Uint64,
}

#[derive(Deserialize)]
struct OptimisticJson {
    attested_header: HeaderJson,
    sync_aggregate: AggregateJson,
    signature_slot: Uint64,
}

impl From<ExecutionJson> for ExecutionPayloadHeader {
    fn from(json: ExecutionJson) -> Self {
        Self {
            parent_hash: json.parent_hash.into(),
            fee_recipient: Address::new(json.fee_recipient.0),
            state_root: json.state_root.into(),
            receipts_root: json.receipts_root.into(),
            logs_bloom: Box::new(json.logs_bloom.0),
            prev_randao: json.prev_randao.into(),
            block_number: json.block_number.0,
            gas_limit: json.gas_limit.0,
            gas_used: json.gas_used.0,
            timestamp: json.timestamp.0,
            extra_data: json.extra_data.0,
            base_fee_per_gas: json.base_fee_per_gas.0,
            block_hash: json.block_hash.into(),
            transactions_root: json.transactions_root.into(),
            withdrawals_root: json.withdrawals_root.into(),
            blob_gas_used: json.blob_gas_used.map_or(0, |gas| gas.0),
            excess_blob_gas: json.excess_blob_gas.map_or(0, |gas| gas.0),
        }
    }
}

impl From<HeaderJson> for LightClientHeader {
    fn from(json: HeaderJson) -> Self {
        let beacon = BeaconBlockHeader {
            slot: json.beacon.slot.0,
            proposer_index: json.beacon.proposer_index.0,
            parent_root: json.beacon.parent_root.into(),
            state_root: json.beacon.state_root.into(),
            body_root: json.beacon.body_root.into(),
        };
        let execution_branch = roots(json.execution_branch.unwrap_or_default());
        let execution = match (json.execution, json.execution_block_hash) {
            (Some(execution), _) => {
                ExecutionProof::Payload { execution: Box::new(execution.into()), execution_branch }
            }
            (None, Some(hash)) => {
                ExecutionProof::BlockHash { execution_block_hash: hash.into(), execution_branch }
            }
            (None, None) => ExecutionProof::None,
        };
        Self { beacon, execution: execution.or_none() }
    }
}

impl From<CommitteeJson> for SyncCommittee {
    fn from(json: CommitteeJson) -> Self {
        Self {
            pubkeys: json.pubkeys.into_iter().map(|key| key.0).collect(),
            aggregate_pubkey: json.aggregate_pubkey.0,
        }
    }
}

impl From<AggregateJson> for SyncAggregate {
    fn from(json: AggregateJson) -> Self {
        Self {
            sync_committee_bits: json.sync_committee_bits.0,
            sync_committee_signature: json.sync_committee_signature.0,
        }
    }
}

impl From<BootstrapJson> for LightClientBootstrap {
    fn from(json: BootstrapJson) -> Self {
        Self {
            header: json.header.into(),
            current_sync_committee: json.current_sync_committee.into(),
            current_sync_committee_branch: roots(json.current_sync_committee_branch),
        }
    }
}

impl From<UpdateJson> for LightClientUpdate {
    fn from(json: UpdateJson) -> Self {
        let committee = SyncCommittee::from(json.next_sync_committee);
        Self {
            attested_header: json.attested_header.into(),
            next_sync_committee: (!committee.is_empty()).then_some(committee),
            next_sync_committee_branch: roots(json.next_sync_committee_branch),
            finalized_header: json.finalized_header.into(),
            finality_branch: roots(json.finality_branch),
            sync_aggregate: json.sync_aggregate.into(),
            signature_slot: json.signature_slot.0,
        }
    }
}

impl From<FinalityJson> for LightClientFinalityUpdate {
    fn from(json: FinalityJson) -> Self {
        Self {
            attested_header: json.attested_header.into(),
            finalized_header: json.finalized_header.into(),
            finality_branch: roots(json.finality_branch),
            sync_aggregate: json.sync_aggregate.into(),
            signature_slot: json.signature_slot.0,
        }
    }
}

impl From<OptimisticJson> for LightClientOptimisticUpdate {
    fn from(json: OptimisticJson) -> Self {
        Self {
            attested_header: json.attested_header.into(),
            sync_aggregate: json.sync_aggregate.into(),
            signature_slot: json.signature_slot.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_decimal_strings_of_one_form() {
        let uint = |text: &str| serde_json::from_str::<Uint64>(text).map(|value| value.0).ok();
        assert_eq!(uint("\"0\""), Some(0));
        assert_eq!(uint("\"18446744073709551615\""), Some(u64::MAX));
        for wrong in ["\"\"", "\"01\"", "\"+1\"", "\"0x1\"", "1", "\"18446744073709551616\""] {
            assert_eq!(uint(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hex_has_a_prefix_and_exactly_its_length() {
        let hex = |text: &str| serde_json::from_str::<Hex<2>>(text).map(|value| value.0).ok();
        assert_eq!(hex("\"0x01ff\""), Some([1, 255]));
        for wrong in ["\"01ff\"", "\"0x01\"", "\"0x01ff00\"", "\"0x01f\"", "\"0x01fg\""] {
            assert_eq!(hex(wrong), None, "{wrong}");
        }
    }
}
