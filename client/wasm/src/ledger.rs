//! Link 3 for whole lanes: the roots that the server names are what `SettlementLedger` stores.

use std::{collections::BTreeMap, rc::Rc};

use alloy_primitives::{B256, U256};
use heliotrope_contracts::{Settlement, settlement_slots};
use heliotrope_device_proofs::{
    coverage::CellRecord,
    epoch::{EpochManifest, LaneManifest},
    merkle,
};
use heliotrope_light_client::{
    execution::{ProvenBlock, ProvenStorage, ReadError, prove_storage},
    network::DeployedNetwork,
    proof_chain::roots,
};

use crate::{
    platform::clock_ms,
    protocol::{HexState, LinkName, Outcome},
    report::{Broken, Halt, Link, hex0x},
    session::Session,
};

/// `Settlement.status`: nobody can dispute it any more.
const STATUS_FINAL: u8 = 2;

/// What was read of the ledger, and what it was compared with.
#[derive(Clone, Copy)]
struct Ledger<'a> {
    manifest: &'a EpochManifest,
    settlements: &'a [Settlement],
    proven: &'a ProvenStorage,
    ms: f64,
}

fn broken(message: String) -> Broken {
    Broken::new(LinkName::Commitment, message)
}

impl Session {
    /// Proves the commitments of all lanes at `block`; false while some are not in it yet.
    pub(crate) async fn prove_commitment(
        &self,
        deployed: &DeployedNetwork,
        block: &ProvenBlock,
    ) -> Result<bool, Halt> {
        let Some(manifest) = self.state.borrow().manifest.clone() else { return Err(Halt::Empty) };
        self.progress("proving what the settlement ledger stores", 0, 0);
        self.link(Link::new(LinkName::Commitment, Outcome::Checking, "").done());
        let begin = clock_ms() - self.platform.waited_ms();
        let Some(proven) = self.read_ledger(deployed, block, &manifest).await? else {
            return Ok(false);
        };
        let settlements = settlements(&proven.values);
        let missing = settlements.iter().filter(|entry| entry.commitment == B256::ZERO).count();
        if missing > 0 {
            self.link(
                Link::new(
                    LinkName::Commitment,
                    Outcome::Checking,
                    format!(
                        "{missing} of {} lanes are not in finalized block {} yet.",
                        manifest.lanes.len(),
                        block.number
                    ),
                )
                .done(),
            );
            return Ok(false);
        }
        if let Some(bad) = self.state.borrow_mut().bad_shard.take() {
            return Err(bad.into());
        }
        for (lane, entry) in manifest.lanes.iter().zip(&settlements) {
            check_lane(lane, entry, manifest.epoch)?;
        }
        self.check_coverage(&manifest)?;
        let ms = clock_ms() - self.platform.waited_ms() - begin;
        self.report_commitment(
            deployed,
            block,
            &Ledger { manifest: &manifest, settlements: &settlements, proven: &proven, ms },
        );
        self.mark_committed();
        Ok(true)
    }

    async fn read_ledger(
        &self,
        deployed: &DeployedNetwork,
        block: &ProvenBlock,
        manifest: &EpochManifest,
    ) -> Result<Option<ProvenStorage>, Halt> {
        let keys: Vec<B256> = manifest
            .lanes
            .iter()
            .flat_map(|lane| {
                settlement_slots(manifest.check_id.into(), u64::from(lane.lane), manifest.epoch)
            })
            .collect();
        let rpc = format!("{}/rpc", self.base);
        let ledger = deployed.contracts.settlement_ledger;
        match prove_storage(&self.platform, &rpc, block, ledger, &keys).await {
            Ok(proven) => Ok(Some(proven)),
            // A node may have dropped this block's state while newer blocks were finalized.
            Err(ReadError::Unavailable { .. }) if self.retries.get() > 0 => {
                self.retries.set(self.retries.get().saturating_sub(1));
                Ok(None)
            }
            Err(ReadError::Unavailable { block, reason, .. }) => {
                Err(Halt::unavailable(&format!("the proof of the ledger at block {block}"), reason))
            }
            // A proven absence of the contract: the settlement may be in a later block.
            Err(ReadError::NoAccount { .. }) => Ok(None),
            Err(error) => Err(broken(error.to_string()).into()),
        }
    }

    /// The coverage root of every lane, from the shards themselves.
    fn check_coverage(&self, manifest: &EpochManifest) -> Result<(), Broken> {
        let state = self.state.borrow();
        let mut leaves: BTreeMap<usize, Vec<[u8; 32]>> = BTreeMap::new();
        for entry in state.shards.values() {
            leaves.entry(entry.lane).or_default().push(entry.shard.leaf());
        }
        for (index, lane) in manifest.lanes.iter().enumerate() {
            let got = merkle::root(leaves.get(&index).map_or(&[], Vec::as_slice));
            let expected = lane.commitment.coverage_root;
            if got != expected {
                return Err(broken(format!(
                    "coverage root of lane {}: the shards give {}, the ledger commits to {}",
                    lane.lane,
                    hex0x(&got),
                    hex0x(&expected)
                )));
            }
        }
        Ok(())
    }

    fn report_commitment(
        &self,
        deployed: &DeployedNetwork,
        block: &ProvenBlock,
        ledger: &Ledger<'_>,
    ) {
        let Ledger { manifest, settlements, proven, ms } = *ledger;
        let finals = settlements.iter().filter(|entry| entry.status == STATUS_FINAL).count();
        let shards = self.state.borrow().shards.len();
        let json: serde_json::Value = manifest
            .lanes
            .iter()
            .zip(settlements)
            .map(|(lane, entry)| {
                serde_json::json!({
                    "lane": lane.lane,
                    "commitment": entry.commitment,
                    "proposer": entry.proposer,
                    "status": if entry.status == STATUS_FINAL { "final" } else { "proposed" },
                    "deadline": entry.deadline_s,
                    "evidence_root": hex0x(&lane.commitment.evidence_root),
                    "verdict_root": hex0x(&lane.commitment.verdict_root),
                    "coverage_root": hex0x(&lane.commitment.coverage_root),
                    "module_hash": hex0x(&lane.commitment.module_hash),
                    "anchor_hash": hex0x(&lane.anchor_hash),
                })
            })
            .collect();
        let nodes: Vec<u8> = proven.nodes.iter().flatten().copied().collect();
        let link = Link::new(
            LinkName::Commitment,
            Outcome::Verified,
            format!(
                "The settlement ledger stores epoch {} of all {} lanes at block {}.",
                manifest.epoch,
                manifest.lanes.len(),
                block.number
            ),
        )
        .checked(format!(
            "storage of {} is proven under the finalized state root ({} trie nodes)",
            deployed.contracts.settlement_ledger,
            proven.nodes.len()
        ))
        .checked("the roots of every lane hash to the word that the ledger stores")
        .checked(format!("{shards} coverage shards give the coverage roots"))
        .checked(format!(
            "{finals} of {} entries are final; the others can still be disputed",
            settlements.len()
        ))
        .cost(proven.bytes, ms)
        .json("ledger entries and the roots behind them", &json)
        .hex("trie nodes of the storage proof", &nodes);
        self.link(link.done());
    }

    /// Links 3 to 5 hold for every cell: blue.
    fn mark_committed(&self) {
        let records: Vec<(CellRecord, HexState)> = {
            let state = self.state.borrow();
            let cells = state.shards.values().flat_map(|entry| &entry.shard.cells);
            cells.map(|record| (record.clone(), HexState::Committed)).collect()
        };
        self.hexes(&records);
    }

    /// The lane of a shard.
    pub(crate) fn lane_of(&self, parent: u64) -> Option<(Rc<EpochManifest>, usize)> {
        let state = self.state.borrow();
        let lane = state.shards.get(&parent)?.lane;
        Some((state.manifest.clone()?, lane))
    }
}

fn settlements(values: &[U256]) -> Vec<Settlement> {
    values
        .chunks(2)
        .filter_map(|pair| <[U256; 2]>::try_from(pair).ok())
        .map(Settlement::from_words)
        .collect()
}

fn check_lane(lane: &LaneManifest, entry: &Settlement, epoch: u64) -> Result<(), Broken> {
    let got = roots(lane).commitment();
    if entry.is_refuted() {
        return Err(broken(format!(
            "lane {} of epoch {epoch}: what {} proposed was refuted",
            lane.lane, entry.proposer
        )));
    }
    if got == entry.commitment {
        return Ok(());
    }
    Err(broken(format!(
        "lane {} of epoch {epoch}: the roots served hash to {got}, the ledger stores {}",
        lane.lane, entry.commitment
    )))
}
