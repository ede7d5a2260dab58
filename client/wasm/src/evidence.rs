//! Links 1 and 2, shard by shard, and the full chain of one hex.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use alloy_primitives::B256;
use heliotrope_device_proofs::{
    coverage::{CellRecord, fold},
    epoch::{EpochManifest, LaneManifest, ShardEvidence},
    h3, sha256,
};
use heliotrope_light_client::{
    platform::Platform as _,
    proof_chain::{Anchor, Pin},
};

use crate::{
    chain_view,
    emit::emit,
    leaf::{self, Judge, LeafProof},
    ledger::struck_out,
    module::CheckModule,
    protocol::{EpochInfo, FromWorker, HexState, JudgeInfo, LinkName, Outcome},
    report::{Broken, Halt, Link, hex0x},
    session::Session,
    versions::profile_name,
};

/// A proven cell whose anchor block is older is shown as stale.
const STALE_AFTER_S: u64 = 86_400;
/// Evidence files kept for hexes that may be opened.
const KEPT_FILES: usize = 200;

/// What the evidence of a shard came to.
type Judged = BTreeMap<u32, LeafProof>;

impl Session {
    /// Everything that is not proven yet, what the page looks at first.
    pub(crate) async fn prove_evidence(&self) -> Result<(), Halt> {
        self.link(Link::new(LinkName::Device, Outcome::Checking, "").done());
        self.link(Link::new(LinkName::Check, Outcome::Checking, "").done());
        let total = self.state.borrow().shards.len();
        let mut done: usize = 0;
        while let Some(parent) = self.next_shard() {
            self.progress(format!("checking the evidence of area {parent:x}"), done, total);
            self.prove_shard(parent).await?;
            done = done.saturating_add(1);
            self.report_tally(done >= total);
        }
        self.report_tally(true);
        Ok(())
    }

    fn next_shard(&self) -> Option<u64> {
        let state = self.state.borrow();
        let open = |parent: &u64| state.shards.get(parent).is_some_and(|entry| !entry.done);
        let wanted = state.wanted.and_then(|cell| h3::parent(cell, h3::SHARD_RESOLUTION));
        wanted
            .filter(open)
            .or_else(|| state.view.iter().copied().find(open))
            .or_else(|| state.shards.iter().find(|(_, entry)| !entry.done).map(|(p, _)| *p))
    }

    pub(crate) async fn evidence(
        &self,
        parent: u64,
        lane: u32,
        epoch: u64,
    ) -> Result<Rc<ShardEvidence>, Halt> {
        if let Some(kept) = self.state.borrow().evidence.get(&parent) {
            return Ok(Rc::clone(kept));
        }
        let path = format!("v1/epochs/{epoch}/lanes/{lane}/evidence/{parent:x}");
        let bytes = self.need("an evidence file", &path).await?;
        let evidence = ShardEvidence::decode(&bytes).map_err(|error| {
            Broken::new(
                LinkName::Commitment,
                format!("the evidence file of area {parent:x} does not decode: {error}"),
            )
        })?;
        let evidence = Rc::new(evidence);
        let mut state = self.state.borrow_mut();
        if state.evidence.len() >= KEPT_FILES {
            state.evidence.pop_first();
        }
        state.evidence.insert(parent, Rc::clone(&evidence));
        Ok(evidence)
    }

    /// The anchor of a shard's evidence and the judge that its block's state pins.
    pub(crate) async fn bench(
        &self,
        evidence: &ShardEvidence,
        manifest: &EpochManifest,
        lane: &LaneManifest,
    ) -> Result<(Anchor, Rc<Judge>), Halt> {
        let deployed = self.state.borrow().deployed.clone().ok_or(Halt::Empty)?;
        let mut anchor = Anchor::open(evidence, lane, deployed.network.chain_id)?;
        let pin = anchor.pin(deployed.contracts.check_registry, manifest.check_id.into())?;
        if pin.module_hash.0 != lane.commitment.module_hash {
            return Err(Broken::new(
                LinkName::Check,
                format!(
                    "lane {} was judged by module {}, the check registry pins {} at block {}",
                    lane.lane,
                    hex0x(&lane.commitment.module_hash),
                    pin.module_hash,
                    anchor.number()
                ),
            )
            .into());
        }
        let judge = self.judge(pin).await?;
        Ok((anchor, judge))
    }

    /// The pinned module and its parameters, fetched from anywhere, compared with the pin.
    pub(crate) async fn judge(&self, pin: Pin) -> Result<Rc<Judge>, Halt> {
        let key = (pin.module_hash, pin.params_hash);
        if let Some(judge) = self.state.borrow().judges.get(&key) {
            return Ok(Rc::clone(judge));
        }
        let module = self.pinned("module", pin.module_hash).await?;
        let params = self.pinned("params", pin.params_hash).await?;
        let compiled =
            CheckModule::compile(&module).map_err(|error| Halt::no_verdict(&error.to_string()))?;
        let judge = Rc::new(Judge { pin, module: compiled, params, bytes: module });
        self.state.borrow_mut().judges.insert(key, Rc::clone(&judge));
        Ok(judge)
    }

    async fn pinned(&self, kind: &str, hash: B256) -> Result<Vec<u8>, Halt> {
        let folder = if kind == "module" { "modules" } else { kind };
        let path = format!("v1/{folder}/{}", hex::encode(hash));
        let bytes = self.need(&format!("the pinned {kind}"), &path).await?;
        let got = sha256(&bytes);
        if got != hash.0 {
            return Err(Broken::new(
                LinkName::Check,
                format!(
                    "the {kind} served hashes to {}, the check registry pins {hash}",
                    hex0x(&got)
                ),
            )
            .into());
        }
        Ok(bytes)
    }

    async fn prove_shard(&self, parent: u64) -> Result<(), Halt> {
        let (manifest, index) = self.lane_of(parent).ok_or(Halt::Empty)?;
        let Some(lane) = manifest.lanes.get(index) else { return Err(Halt::Empty) };
        let evidence = self.evidence(parent, lane.lane, manifest.epoch).await?;
        let (mut anchor, judge) = self.bench(&evidence, &manifest, lane).await?;
        self.say_epoch(&manifest, &anchor, &judge);
        let mut judged = Judged::new();
        for leaf in &evidence.leaves {
            self.judging();
            let proof = leaf::prove(leaf, lane, &mut anchor, &judge)?;
            self.count(&proof, leaf.bundle.len(), leaf.output.len());
            // A device's break concerns its hex; what the gateway itself broke concerns everything.
            if let Some(broken) = proof.broken().filter(|broken| broken.link != LinkName::Device) {
                let records = self.records(parent);
                let cell = records.iter().find(|record| record.leaves.contains(&leaf.index));
                let shown_by = cell.filter(|_| proof.commitment.is_ok()).map(|record| record.cell);
                return Err(Broken { shown_by, ..broken.clone() }.into());
            }
            judged.insert(leaf.index, proof);
            self.step().await?;
        }
        let now_s = self.platform.now().0;
        let stale = now_s.saturating_sub(anchor.timestamp()) > STALE_AFTER_S;
        let any_device_broken = judged.values().any(|proof| proof.device.is_err());
        if !any_device_broken {
            anchor.finish()?;
        }
        let records = self.records(parent);
        let broken_cells = cell_breaks(&records, &judged)?;
        let states: Vec<(CellRecord, HexState)> = records
            .into_iter()
            .map(|record| {
                let state = match record {
                    _ if broken_cells.contains_key(&record.cell) => HexState::Broken,
                    _ if record.passed == 0 => HexState::Failed,
                    _ if stale => HexState::Stale,
                    _ => HexState::Verified,
                };
                (record, state)
            })
            .collect();
        self.hexes(&states);
        for (cell, broken) in broken_cells {
            emit(&FromWorker::Broken {
                link: broken.link,
                message: broken.message,
                cell: Some(format!("{cell:x}")),
                shown_by: broken.shown_by.map(|cell| format!("{cell:x}")),
            });
        }
        if let Some(entry) = self.state.borrow_mut().shards.get_mut(&parent) {
            entry.done = true;
        }
        Ok(())
    }

    /// The cells of a shard.
    pub(crate) fn records(&self, parent: u64) -> Vec<CellRecord> {
        let state = self.state.borrow();
        state.shards.get(&parent).map(|entry| entry.shard.cells.clone()).unwrap_or_default()
    }

    fn count(&self, proof: &LeafProof, bundle: usize, output: usize) {
        let mut state = self.state.borrow_mut();
        let tally = &mut state.tally;
        tally.leaves = tally.leaves.saturating_add(1);
        tally.bundle_bytes = tally.bundle_bytes.saturating_add(bundle);
        tally.output_bytes = tally.output_bytes.saturating_add(output);
        let [device_ms, check_ms, _] = proof.ms;
        tally.device_ms += device_ms;
        tally.check_ms += check_ms;
        if proof.device.is_ok() && proof.check.is_ok() {
            tally.judged = tally.judged.saturating_add(1);
        }
        match &proof.device {
            Ok(signed) => {
                let signed = u64::try_from(*signed).unwrap_or(u64::MAX);
                tally.reports = tally.reports.saturating_add(signed);
            }
            Err(_) => tally.broken_devices = tally.broken_devices.saturating_add(1),
        }
    }

    /// Links 1 and 2 of the page as a whole.
    fn report_tally(&self, over: bool) {
        let (tally, judge) = {
            let state = self.state.borrow();
            // a version that is only compared is no judge
            let judged = |judge: &&Rc<Judge>| {
                state.judged_by.iter().any(|by| by.version == judge.pin.version)
            };
            (state.tally, state.judges.values().find(judged).cloned())
        };
        let outcome = match tally.broken_devices {
            0 if over => Outcome::Verified,
            0 => Outcome::Checking,
            _ => Outcome::Broken,
        };
        let summary = if tally.broken_devices > 0 {
            format!(
                "{} of {} evidence bundles hold a report that its device did not sign.",
                tally.broken_devices, tally.leaves
            )
        } else {
            format!(
                "{} reports in {} bundles are signed by their devices.",
                tally.reports, tally.leaves
            )
        };
        self.link(
            Link::new(LinkName::Device, outcome, summary)
                .checked("every report decodes to exactly the same bytes")
                .checked("every signature is the named key's, over the report without it")
                .cost(tally.bundle_bytes, tally.device_ms)
                .done(),
        );
        let Some(judge) = judge else { return };
        let outcome = match tally.judged {
            0 if over => Outcome::Pending,
            _ if over => Outcome::Verified,
            _ => Outcome::Checking,
        };
        self.link(
            Link::new(
                LinkName::Check,
                outcome,
                format!(
                    "The pinned module gave {} of {} committed verdicts again, byte for byte.",
                    tally.judged, tally.leaves
                ),
            )
            .checked(format!(
                "module {} is what the check registry pins (version {}, {} bytes)",
                judge.pin.module_hash,
                judge.pin.version,
                judge.bytes.len()
            ))
            .checked(judge.parameters())
            .checked("every chain fact it reads is proven under the anchor block's state root")
            .cost(tally.output_bytes.saturating_add(judge.bytes.len()), tally.check_ms)
            .done(),
        );
    }

    fn say_epoch(&self, manifest: &EpochManifest, anchor: &Anchor, judge: &Judge) {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let info = JudgeInfo {
            version: judge.pin.version,
            module_hash: judge.pin.module_hash.to_string(),
            profile: profile_name(&judge.params),
        };
        let judges = {
            let mut state = self.state.borrow_mut();
            if !state.judged_by.contains(&info) {
                state.judged_by.push(info);
            }
            state.judged_by.clone()
        };
        emit(&FromWorker::Epoch {
            epoch: EpochInfo {
                epoch: manifest.epoch,
                lanes: small(manifest.lanes.len()),
                shards: small(self.state.borrow().shards.len()),
                judges,
                anchor_time: anchor.timestamp(),
            },
        });
    }

    /// The full chain of one hex, proven at this moment.
    pub(crate) async fn prove_cell(&self, cell: u64) {
        let result = self.prove_cell_links(cell).await;
        let still_wanted = self.state.borrow().wanted == Some(cell);
        match result {
            Ok(Some(message)) if still_wanted => emit(&message),
            // The run itself meets the same bytes and stops there, with the same words.
            Err(_) | Ok(_) => {}
        }
    }

    async fn prove_cell_links(&self, cell: u64) -> Result<Option<FromWorker>, Halt> {
        let Some(parent) = h3::parent(cell, h3::SHARD_RESOLUTION) else { return Ok(None) };
        let Some((manifest, index)) = self.lane_of(parent) else { return Ok(None) };
        let Some(lane) = manifest.lanes.get(index) else { return Ok(None) };
        let Some(record) = self.records(parent).into_iter().find(|record| record.cell == cell)
        else {
            return Ok(None);
        };
        let evidence = self.evidence(parent, lane.lane, manifest.epoch).await?;
        let (mut anchor, judge) = self.bench(&evidence, &manifest, lane).await?;
        let wanted: BTreeSet<u32> = record.leaves.iter().copied().collect();
        let mut judged = Judged::new();
        let leaves: Vec<_> =
            evidence.leaves.iter().filter(|leaf| wanted.contains(&leaf.index)).collect();
        for leaf in &leaves {
            self.judging();
            judged.insert(leaf.index, leaf::prove(leaf, lane, &mut anchor, &judge)?);
            self.step().await?;
        }
        let breaks = cell_breaks(std::slice::from_ref(&record), &judged);
        let mut broken = match breaks {
            Ok(mut cells) => cells.remove(&cell),
            Err(broken) => Some(broken),
        };
        let refuted = self.state.borrow().refuted.contains(&index);
        if refuted {
            broken = Some(struck_out(lane.lane, manifest.epoch));
        }
        let now_s = self.platform.now().0;
        let stale = now_s.saturating_sub(anchor.timestamp()) > STALE_AFTER_S;
        let state = match broken {
            _ if refuted => HexState::Refuted,
            Some(_) => HexState::Broken,
            None if record.passed == 0 => HexState::Failed,
            None if stale => HexState::Stale,
            None => HexState::Verified,
        };
        let page = self.state.borrow().links.clone();
        let about = chain_view::About { lane, anchor: &anchor, judge: &judge, record: &record };
        let links = chain_view::links(&about, &leaves, &judged, broken.as_ref(), &page);
        let results = chain_view::leaves(&about, &leaves, &judged);
        let wrong = |proof: &LeafProof| proof.commitment.is_ok() && proof.broken().is_some();
        let challengeable = !refuted && judged.values().any(wrong);
        let cell = format!("{cell:x}");
        Ok(Some(FromWorker::Chain { cell, state, links, leaves: results, challengeable }))
    }
}

/// Cells that a broken device leaves without proof. What the gateway itself broke is an error: the
/// numbers of a cell must be the fold of the leaves it names.
fn cell_breaks(records: &[CellRecord], judged: &Judged) -> Result<BTreeMap<u64, Broken>, Broken> {
    let sound = judged.iter().filter_map(|(index, proof)| {
        let output = proof.check.as_ref().ok()?;
        Some((*index, output.subject_cell, output))
    });
    let folded: BTreeMap<u64, CellRecord> = fold(sound)
        .into_iter()
        .flat_map(|shard| shard.cells)
        .map(|record| (record.cell, record))
        .collect();
    let mut breaks = BTreeMap::new();
    for record in records {
        let mut proofs = record.leaves.iter().filter_map(|index| judged.get(index));
        let broken = proofs.find_map(|proof| Some((proof, proof.broken()?.clone())));
        if let Some((proof, broken)) = broken {
            // what is not what was committed shows nothing against whoever committed
            let shown_by = proof.commitment.is_ok().then_some(record.cell);
            breaks.insert(record.cell, Broken { shown_by, ..broken });
        } else if folded.get(&record.cell) != Some(record) {
            return Err(Broken::new(
                LinkName::Commitment,
                format!(
                    "cell {:x}: its committed numbers are not the fold of its {} verdicts",
                    record.cell,
                    record.leaves.len()
                ),
            ));
        }
    }
    Ok(breaks)
}
