//! Link 3 for whole lanes: the roots that the server names are what `SettlementLedger` stores.

use std::{collections::BTreeMap, rc::Rc};

use alloy_primitives::{B256, U256};
use heliotrope_contracts::{STATUS_REFUTED, Settlement, settlement_slots};
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
    bundle::ProvenEpoch,
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
    /// Proves the commitments of all lanes at `block`, to which the journal leads; false while some are not in it yet.
    pub(crate) async fn prove_commitment(
        &self,
        deployed: &DeployedNetwork,
        block: &ProvenBlock,
        journal: Option<Vec<u8>>,
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
        self.strike_out(&settlements);
        let proven = ProvenEpoch { block: *block, journal, ledger: proven.nodes };
        self.state.borrow_mut().proven = Some(Rc::new(proven));
        Ok(true)
    }

    /// Reads the ledger again at a later block: a dispute may have struck out what is on the map.
    pub(crate) async fn look_for_struck_out(
        &self,
        deployed: &DeployedNetwork,
        block: &ProvenBlock,
    ) {
        let Some(manifest) = self.state.borrow().manifest.clone() else { return };
        let begin = clock_ms() - self.platform.waited_ms();
        // a carrier that does not answer, or not rightly, is asked again at the next block
        let Ok(Some(proven)) = self.read_ledger(deployed, block, &manifest).await else { return };
        let settlements = settlements(&proven.values);
        if self.strike_out(&settlements) {
            let ms = clock_ms() - self.platform.waited_ms() - begin;
            let (settlements, proven) = (&settlements, &proven);
            let ledger = Ledger { manifest: &manifest, settlements, proven, ms };
            self.report_commitment(deployed, block, &ledger);
        }
    }

    /// Takes lanes off the map whose settlement was refuted; whether there are any that were on it.
    fn strike_out(&self, settlements: &[Settlement]) -> bool {
        let mut struck = Vec::new();
        {
            let mut state = self.state.borrow_mut();
            for (index, entry) in settlements.iter().enumerate() {
                if entry.is_refuted() && state.refuted.insert(index) {
                    struck.push(index);
                }
            }
        }
        let mut records = Vec::new();
        for entry in self.state.borrow_mut().shards.values_mut() {
            if struck.contains(&entry.lane) {
                entry.done = true;
                let cells = entry.shard.cells.iter().cloned();
                records.extend(cells.map(|record| (record, HexState::Refuted)));
            }
        }
        if !records.is_empty() {
            self.hexes(&records);
        }
        !struck.is_empty()
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
        let refuted = settlements.iter().filter(|entry| entry.is_refuted()).count();
        let disputed = settlements.iter().filter(|entry| entry.open_disputes > 0).count();
        let lanes = manifest.lanes.len().saturating_sub(refuted);
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
                    "status": status(entry),
                    "open_disputes": entry.open_disputes,
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
            match refuted {
                0 => format!(
                    "The settlement ledger stores epoch {} of all {lanes} lanes at block {}.",
                    manifest.epoch, block.number
                ),
                _ => format!(
                    "The settlement ledger stores epoch {} of {lanes} lanes at block {}; of {refuted} it is struck out.",
                    manifest.epoch, block.number
                ),
            },
        )
        .checked(format!(
            "storage of {} is proven under the finalized state root ({} trie nodes)",
            deployed.contracts.settlement_ledger,
            proven.nodes.len()
        ))
        .checked("the roots of every lane hash to the word that the ledger stores")
        .checked(format!("{shards} coverage shards give the coverage roots"))
        .checked(format!(
            "{finals} of {} entries are final, {refuted} were refuted, {disputed} are disputed; what is not final \
             can still be disputed",
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

const fn status(entry: &Settlement) -> &'static str {
    match entry.status {
        STATUS_FINAL => "final",
        STATUS_REFUTED => "refuted",
        _ => "proposed",
    }
}

fn settlements(values: &[U256]) -> Vec<Settlement> {
    values
        .chunks(2)
        .filter_map(|pair| <[U256; 2]>::try_from(pair).ok())
        .map(Settlement::from_words)
        .collect()
}

/// Why nothing of a lane counts that a dispute struck out.
pub(crate) fn struck_out(lane: u32, epoch: u64) -> Broken {
    broken(format!(
        "the settlement of lane {lane} of epoch {epoch} is struck out: a dispute about it was won, and the ledger says so"
    ))
}

/// What the lane names is what the ledger stores, also where that was struck out since.
fn check_lane(lane: &LaneManifest, entry: &Settlement, epoch: u64) -> Result<(), Broken> {
    let got = roots(lane).commitment();
    if got == entry.commitment {
        return Ok(());
    }
    Err(broken(format!(
        "lane {} of epoch {epoch}: the roots served hash to {got}, the ledger stores {}",
        lane.lane, entry.commitment
    )))
}
