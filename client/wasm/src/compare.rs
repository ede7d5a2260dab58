//! `govern diff` in the browser: the epoch on the map, judged by the version that judged it and by an announced one. The
//! result is the text that the native command prints, byte for byte.
//!
//! Trusts what the command trusts; the lanes were compared with the ledger before. A version that gives no answer here
//! has no verdict; one that does not end is ended by the page's watchdog.

use std::rc::Rc;

use alloy_primitives::B256;
use heliotrope_contracts::reward::Rate;
use heliotrope_device_proofs::epoch::{EpochManifest, EvidenceLeaf, LaneManifest, ShardEvidence};
use heliotrope_light_client::{
    execution::prove_storage,
    network::DeployedNetwork,
    proof_chain::{
        Anchor, Pin, Unproven,
        diff::{self, Compared, Diff, Version},
        rewards::At,
    },
};

use crate::{
    emit::emit,
    leaf::{self, Judge},
    module::CheckModule,
    protocol::{FromWorker, LinkName, VersionInfo},
    report::{Broken, Halt},
    session::Session,
};

impl Judge {
    const fn version(&self) -> Version<'_, CheckModule> {
        Version {
            module_hash: self.pin.module_hash,
            params_hash: self.pin.params_hash,
            params: self.params.as_slice(),
            module: &self.module,
        }
    }
}

/// What is compared.
struct Bench<'a> {
    deployed: &'a DeployedNetwork,
    manifest: &'a EpochManifest,
    a: &'a Judge,
    b: &'a Judge,
}

impl Session {
    /// Compares and says what came of it.
    pub(crate) async fn compare(&self, version: u64) {
        let (json, error) = match self.compare_by(version).await {
            Ok(found) => (Some(found.to_json()), None),
            Err(Halt::Stopped) => return,
            Err(halt) => (None, Some(halt.to_string())),
        };
        emit(&FromWorker::Compared { version, json, error });
    }

    async fn compare_by(&self, version: u64) -> Result<Diff, Halt> {
        let wait = |what: &str| Halt::Unavailable { message: what.to_owned(), hint: String::new() };
        let (deployed, manifest, proven, announced) = {
            let state = self.state.borrow();
            let announced = state.versions.as_ref().and_then(|versions| {
                versions.announced.iter().find(|info| info.version == version).cloned()
            });
            (state.deployed.clone(), state.manifest.clone(), state.proven.clone(), announced)
        };
        let unknown = || wait(&format!("version {version} is not announced at the proven block"));
        let announced = announced.ok_or_else(unknown)?;
        let (Some(deployed), Some(manifest), Some(proven)) = (deployed, manifest, proven) else {
            return Err(wait("the epoch's commitments are not proven yet"));
        };
        let struck_out = self.state.borrow().refuted.first().and_then(|at| manifest.lanes.get(*at));
        if let Some(lane) = struck_out.map(|lane| lane.lane) {
            let epoch = manifest.epoch;
            return Err(wait(&format!(
                "lane {lane} of epoch {epoch} was struck out: nothing of it counts"
            )));
        }
        let (a, b) = (self.first_judge(&manifest).await?, self.announced_judge(&announced).await?);
        let rpc = format!("{}/rpc", self.base);
        let at = At { platform: &self.platform, rpc: &rpc, block: &proven.block };
        let rate = match deployed.contracts.reward_schedule {
            None => None,
            Some(schedule) => at
                .rate(schedule, deployed.check_id, manifest.epoch)
                .await
                .map_err(|error| Halt::unavailable("the rate of pay", error))?,
        };
        let bench = Bench { deployed: &deployed, manifest: &manifest, a: &a, b: &b };
        self.compare_lanes(&bench, version, rate).await
    }

    /// What judged the epoch: its first lane, at that lane's anchor.
    async fn first_judge(&self, manifest: &EpochManifest) -> Result<Rc<Judge>, Halt> {
        let lane = manifest.lanes.first().ok_or(Halt::Empty)?;
        let (parent, _) = lane.shards.first().ok_or(Halt::Empty)?;
        let evidence = self.evidence(*parent, lane.lane, manifest.epoch).await?;
        Ok(self.bench(&evidence, manifest, lane).await?.1)
    }

    async fn announced_judge(&self, announced: &VersionInfo) -> Result<Rc<Judge>, Halt> {
        let hash = |text: &str| {
            text.parse::<B256>().map_err(|error| Halt::unavailable("the announced version", error))
        };
        self.judge(Pin {
            version: announced.version,
            module_hash: hash(&announced.module_hash)?,
            params_hash: hash(&announced.params_hash)?,
        })
        .await
    }

    async fn compare_lanes(
        &self,
        bench: &Bench<'_>,
        version: u64,
        rate: Option<Rate>,
    ) -> Result<Diff, Halt> {
        let manifest = bench.manifest;
        let (a, b) = (bench.a.version(), bench.b.version());
        let mut found = Diff::new(manifest.epoch, &a, &b, rate);
        let total =
            manifest.lanes.iter().fold(0, |sum: usize, l| sum.saturating_add(l.shards.len()));
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut done: usize = 0;
        for lane in &manifest.lanes {
            let mut leaves = Vec::new();
            for (parent, _) in &lane.shards {
                self.alive();
                emit(&FromWorker::Comparing { version, done: small(done), total: small(total) });
                let evidence = self.evidence(*parent, lane.lane, manifest.epoch).await?;
                leaves.extend(self.compare_shard(bench, lane, (*evidence).clone()).await?);
                done = done.saturating_add(1);
            }
            found.add_lane(lane, leaves);
        }
        Ok(found)
    }

    /// Links 1 to 3 of every leaf in a file, and both versions over it.
    async fn compare_shard(
        &self,
        bench: &Bench<'_>,
        lane: &LaneManifest,
        mut evidence: ShardEvidence,
    ) -> Result<Vec<(EvidenceLeaf, Compared)>, Halt> {
        for leaf in &evidence.leaves {
            leaf::committed(leaf, lane)?;
            leaf::device(leaf)?;
        }
        let (a, b) = (bench.a.version(), bench.b.version());
        let chain_id = bench.deployed.network.chain_id;
        self.judging();
        let mut anchor = Anchor::open(&evidence, lane, chain_id)?;
        for (address, keys) in diff::missing(&evidence, &mut anchor, [&a, &b]) {
            let rpc = format!("{}/rpc", self.base);
            // a fact that nobody proves leaves its leaf without a verdict
            let proven = prove_storage(&self.platform, &rpc, &anchor.block(), address, &keys).await;
            if let Ok(proven) = proven {
                diff::add_nodes(&mut evidence, proven.nodes);
            }
        }
        let (mut anchor, judge) = self.bench(&evidence, bench.manifest, lane).await?;
        let mut both = Vec::with_capacity(evidence.leaves.len());
        for leaf in evidence.leaves {
            self.judging();
            let compared = diff::compare(&leaf, &mut anchor, &judge.pin, &a, &b);
            both.push((leaf, compared.map_err(unproven)?));
            self.step().await?;
        }
        Ok(both)
    }
}

fn unproven(unproven: Unproven) -> Halt {
    match unproven {
        Unproven::Broken(what) => Broken::new(LinkName::Check, what).into(),
        Unproven::NoVerdict(why) => Halt::no_verdict(&why),
    }
}
