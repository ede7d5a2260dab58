//! Light client data as the Beacon API's JSON.

use alloy_primitives::B256;
use heliotrope_verifier::chains::ethereum::{
    BeaconBlockHeader, ExecutionPayloadHeader, ExecutionProof, LightClientBootstrap,
    LightClientFinalityUpdate, LightClientHeader, LightClientOptimisticUpdate, LightClientUpdate,
    Preset, SyncAggregate, SyncCommittee,
};
use serde_json::{Value, json};

fn hex0x(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn roots(branch: &[B256]) -> Vec<String> {
    branch.iter().map(hex0x).collect()
}

pub(super) fn beacon(header: &BeaconBlockHeader) -> Value {
    json!({
        "slot": header.slot.to_string(),
        "proposer_index": header.proposer_index.to_string(),
        "parent_root": hex0x(header.parent_root),
        "state_root": hex0x(header.state_root),
        "body_root": hex0x(header.body_root),
    })
}

fn execution(header: &ExecutionPayloadHeader) -> Value {
    json!({
        "parent_hash": hex0x(header.parent_hash),
        "fee_recipient": hex0x(header.fee_recipient),
        "state_root": hex0x(header.state_root),
        "receipts_root": hex0x(header.receipts_root),
        "logs_bloom": hex0x(header.logs_bloom.as_slice()),
        "prev_randao": hex0x(header.prev_randao),
        "block_number": header.block_number.to_string(),
        "gas_limit": header.gas_limit.to_string(),
        "gas_used": header.gas_used.to_string(),
        "timestamp": header.timestamp.to_string(),
        "extra_data": hex0x(&header.extra_data),
        "base_fee_per_gas": header.base_fee_per_gas.to_string(),
        "block_hash": hex0x(header.block_hash),
        "transactions_root": hex0x(header.transactions_root),
        "withdrawals_root": hex0x(header.withdrawals_root),
        "blob_gas_used": header.blob_gas_used.to_string(),
        "excess_blob_gas": header.excess_blob_gas.to_string(),
    })
}

fn header(header: &LightClientHeader) -> Value {
    let beacon = beacon(&header.beacon);
    match &header.execution {
        ExecutionProof::Payload { execution: payload, execution_branch } => json!({
            "beacon": beacon,
            "execution": execution(payload),
            "execution_branch": roots(execution_branch),
        }),
        ExecutionProof::BlockHash { execution_block_hash, execution_branch } => json!({
            "beacon": beacon,
            "execution_block_hash": hex0x(execution_block_hash),
            "execution_branch": roots(execution_branch),
        }),
        ExecutionProof::None => json!({
            "beacon": beacon,
            "execution": execution(&ExecutionPayloadHeader::default()),
            "execution_branch": roots(&[B256::ZERO; 4]),
        }),
    }
}

fn committee(committee: &SyncCommittee) -> Value {
    let pubkeys: Vec<String> = committee.pubkeys.iter().map(hex0x).collect();
    json!({"pubkeys": pubkeys, "aggregate_pubkey": hex0x(committee.aggregate_pubkey)})
}

fn aggregate(aggregate: &SyncAggregate) -> Value {
    json!({
        "sync_committee_bits": hex0x(&aggregate.sync_committee_bits),
        "sync_committee_signature": hex0x(aggregate.sync_committee_signature),
    })
}

/// A container that the Beacon API has a JSON form of.
pub(super) trait ToJson {
    fn to_json(&self, preset: Preset) -> Value;
}

impl ToJson for LightClientBootstrap {
    fn to_json(&self, _: Preset) -> Value {
        json!({
            "header": header(&self.header),
            "current_sync_committee": committee(&self.current_sync_committee),
            "current_sync_committee_branch": roots(&self.current_sync_committee_branch),
        })
    }
}

impl ToJson for LightClientUpdate {
    fn to_json(&self, preset: Preset) -> Value {
        let next = self.next_sync_committee.as_ref();
        json!({
            "attested_header": header(&self.attested_header),
            "next_sync_committee":
                next.map_or_else(|| committee(&SyncCommittee::empty(preset)), committee),
            "next_sync_committee_branch": roots(&self.next_sync_committee_branch),
            "finalized_header": header(&self.finalized_header),
            "finality_branch": roots(&self.finality_branch),
            "sync_aggregate": aggregate(&self.sync_aggregate),
            "signature_slot": self.signature_slot.to_string(),
        })
    }
}

impl ToJson for LightClientFinalityUpdate {
    fn to_json(&self, _: Preset) -> Value {
        json!({
            "attested_header": header(&self.attested_header),
            "finalized_header": header(&self.finalized_header),
            "finality_branch": roots(&self.finality_branch),
            "sync_aggregate": aggregate(&self.sync_aggregate),
            "signature_slot": self.signature_slot.to_string(),
        })
    }
}

impl ToJson for LightClientOptimisticUpdate {
    fn to_json(&self, _: Preset) -> Value {
        json!({
            "attested_header": header(&self.attested_header),
            "sync_aggregate": aggregate(&self.sync_aggregate),
            "signature_slot": self.signature_slot.to_string(),
        })
    }
}
