//! The proof bundle of a hex, built in the tab from what was fetched and checked: `heliotrope verify` judges it offline,
//! `heliotrope challenge` takes it to the dispute game. A hex whose links do not hold has one too: it is what a
//! challenger needs.

use std::{collections::BTreeSet, rc::Rc};

use heliotrope_contracts::settlement_slots;
use heliotrope_device_proofs::{
    epoch::{EpochManifest, EvidenceLeaf, LaneManifest, ShardEvidence},
    h3,
    proof::ProofBundle,
};
use heliotrope_light_client::{
    execution::ProvenBlock,
    network::DeployedNetwork,
    proof_chain::{Anchor, run_again},
};
use heliotrope_verifier::proofs::{
    eip1186::{get_account, get_storage},
    mpt::TrieNodes,
};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use web_sys::{Blob, Url};

use crate::{emit::emit, leaf::Judge, protocol::FromWorker, report::Halt, session::Session};

/// The finalized header under which the commitments were proven, with the bytes that prove both.
#[derive(Debug)]
pub(crate) struct ProvenEpoch {
    /// The block.
    pub(crate) block: ProvenBlock,
    /// From the checkpoint to the header; `None` where the chain since then is too long to keep.
    pub(crate) journal: Option<Vec<u8>>,
    /// Trie nodes of every lane's entry in the ledger.
    pub(crate) ledger: Vec<Vec<u8>>,
}

fn unavailable(what: impl Into<String>) -> Halt {
    Halt::Unavailable { message: what.into(), hint: String::new() }
}

impl Session {
    /// Builds the bundle and says where it is.
    pub(crate) async fn send_bundle(&self, cell: u64) {
        let built = self.bundle(cell).await.and_then(|bundle| {
            blob(&bundle.to_file()).map_err(|error| unavailable(format!("{error:?}")))
        });
        let (url, error) = match built {
            Ok(url) => (Some(url), None),
            Err(halt) => (None, Some(halt.to_string())),
        };
        emit(&FromWorker::Bundle { cell: format!("{cell:x}"), url, error });
    }

    async fn bundle(&self, cell: u64) -> Result<ProofBundle, Halt> {
        let (deployed, network, proven) = {
            let state = self.state.borrow();
            (state.deployed.clone(), Rc::clone(&state.network), state.proven.clone())
        };
        let (Some(deployed), Some(proven)) = (deployed, proven) else {
            return Err(unavailable("the epoch's commitments are not proven yet"));
        };
        let journal = proven.journal.clone();
        let journal = journal
            .ok_or_else(|| unavailable("the chain since the checkpoint is too long to keep"))?;
        let not_there = || unavailable(format!("the epoch has no hex {cell:x}"));
        let parent = h3::parent(cell, h3::SHARD_RESOLUTION).ok_or_else(not_there)?;
        let (manifest, index) = self.lane_of(parent).ok_or_else(not_there)?;
        let lane = manifest.lanes.get(index).ok_or_else(not_there)?;
        let record = self.records(parent).into_iter().find(|record| record.cell == cell);
        let leaves = record.ok_or_else(not_there)?.leaves.into_iter().collect();
        let evidence = self.evidence(parent, lane.lane, manifest.epoch).await?;
        let (evidence, module, params) =
            self.needed(&manifest, lane, (*evidence).clone(), &leaves).await?;
        Ok(ProofBundle {
            network: network.to_vec(),
            journal,
            ledger: ledger_of(&deployed, &proven, &manifest, lane).map_err(unavailable)?,
            check_id: manifest.check_id,
            epoch: manifest.epoch,
            lane: LaneManifest { shards: Vec::new(), ..lane.clone() },
            evidence,
            params,
            module,
        })
    }

    /// The evidence of these leaves alone, with the module and the parameters that judged it.
    async fn needed(
        &self,
        manifest: &EpochManifest,
        lane: &LaneManifest,
        mut evidence: ShardEvidence,
        leaves: &BTreeSet<u32>,
    ) -> Result<(ShardEvidence, Vec<u8>, Vec<u8>), Halt> {
        evidence.leaves.retain(|leaf| leaves.contains(&leaf.index));
        let (mut anchor, judge) = self.bench(&evidence, manifest, lane).await?;
        for leaf in &evidence.leaves {
            self.judging();
            take_facts(leaf, &mut anchor, &judge)?;
        }
        evidence.nodes = anchor.used();
        Ok((evidence, judge.bytes.clone(), judge.params.clone()))
    }
}

/// Marks the nodes that a leaf takes; what comes out is for the reader of the bundle to judge.
fn take_facts(leaf: &EvidenceLeaf, anchor: &mut Anchor, judge: &Judge) -> Result<(), Halt> {
    run_again(leaf, anchor, &judge.pin, &judge.params, &judge.module)
        .map(drop)
        .map_err(|error| unavailable(error.to_string()))
}

/// The trie nodes that prove one lane's entry, out of those of all lanes.
fn ledger_of(
    deployed: &DeployedNetwork,
    proven: &ProvenEpoch,
    manifest: &EpochManifest,
    lane: &LaneManifest,
) -> Result<Vec<Vec<u8>>, String> {
    let mut nodes = TrieNodes::new(proven.ledger.clone()).map_err(|error| error.to_string())?;
    let ledger = deployed.contracts.settlement_ledger;
    let account = get_account(&mut nodes, proven.block.state_root, ledger)
        .map_err(|error| error.to_string())?
        .ok_or("the ledger is not there")?;
    for slot in settlement_slots(manifest.check_id.into(), u64::from(lane.lane), manifest.epoch) {
        get_storage(&mut nodes, account.storage_root, slot).map_err(|error| error.to_string())?;
    }
    Ok(nodes.used().map(<[u8]>::to_vec).collect())
}

/// Keeps bytes as a file of this browser; its address lives as long as the worker.
fn blob(bytes: &[u8]) -> Result<String, JsValue> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    Url::create_object_url_with_blob(&Blob::new_with_u8_array_sequence(&parts)?)
}
