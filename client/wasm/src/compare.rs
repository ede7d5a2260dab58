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
    bundle::ProvenEpoch,
    emit::emit,
    leaf::{self, Judge},
    module::CheckModule,
    protocol::{FromWorker, LinkName, VersionInfo},
    report::{Broken, Halt},
    session::{Session, State},
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

/// What a comparison is of.
#[derive(Debug)]
struct Subject {
    deployed: Rc<DeployedNetwork>,
    manifest: Rc<EpochManifest>,
    proven: Rc<ProvenEpoch>,
    announced: VersionInfo,
}

impl State {
    /// The epoch on the map and an announced version, once both are proven; none of an epoch of which a lane was struck
    /// out, for nothing of that lane counts.
    fn subject(&self, version: u64) -> Result<Subject, Halt> {
        let wait = |message: String| Halt::Unavailable { message, hint: String::new() };
        let mut versions = self.versions.iter().flat_map(|versions| &versions.announced);
        let announced = versions.find(|info| info.version == version).cloned();
        let unknown = || wait(format!("version {version} is not announced at the proven block"));
        let announced = announced.ok_or_else(unknown)?;
        let (Some(deployed), Some(manifest), Some(proven)) =
            (self.deployed.clone(), self.manifest.clone(), self.proven.clone())
        else {
            return Err(wait("the epoch's commitments are not proven yet".to_owned()));
        };
        let struck_out = self.refuted.first().and_then(|at| manifest.lanes.get(*at));
        if let Some(LaneManifest { lane, .. }) = struck_out {
            let epoch = manifest.epoch;
            return Err(wait(format!(
                "lane {lane} of epoch {epoch} was struck out: nothing of it counts"
            )));
        }
        Ok(Subject { deployed, manifest, proven, announced })
    }
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
        let Subject { deployed, manifest, proven, announced } =
            self.state.borrow().subject(version)?;
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

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use heliotrope_light_client::{
        execution::ProvenBlock,
        network::{Network, NetworkContracts},
    };

    use super::*;
    use crate::protocol::Versions;

    /// Two lanes, and version 2 announced.
    fn state() -> State {
        let lanes = [20, 41].map(|lane| LaneManifest { lane, ..LaneManifest::default() });
        let manifest = EpochManifest { epoch: 7, lanes: lanes.into(), ..EpochManifest::default() };
        let (hash, block) = (B256::ZERO, 9);
        let block_proven = ProvenBlock { number: block, hash, state_root: hash, timestamp: 0 };
        let version = VersionInfo {
            version: 2,
            module_hash: hash.to_string(),
            params_hash: hash.to_string(),
            active_from: 0,
            profile: String::new(),
        };
        let versions = Versions { active: None, announced: vec![version], block, said: None };
        let contracts = serde_json::json!({
            "device_registry": Address::ZERO, "check_registry": Address::ZERO,
            "settlement_ledger": Address::ZERO,
        });
        let network = Network::built_in("mainnet").unwrap();
        let contracts: NetworkContracts = serde_json::from_value(contracts).unwrap();
        State {
            deployed: Some(Rc::new(DeployedNetwork { network, contracts, check_id: hash })),
            manifest: Some(Rc::new(manifest)),
            proven: Some(Rc::new(ProvenEpoch {
                block: block_proven,
                journal: None,
                ledger: Vec::new(),
            })),
            versions: Some(versions),
            ..State::default()
        }
    }

    fn refusal(state: &State, version: u64) -> String {
        state.subject(version).unwrap_err().to_string()
    }

    #[test]
    fn nothing_is_compared_of_an_epoch_with_a_lane_that_was_struck_out() {
        let mut state = state();
        let subject = state.subject(2).unwrap();
        assert_eq!((subject.manifest.epoch, subject.announced.version), (7, 2));
        state.refuted.insert(1);
        assert_eq!(refusal(&state, 2), "lane 41 of epoch 7 was struck out: nothing of it counts");
    }

    #[test]
    fn nothing_is_compared_before_it_is_proven() {
        let mut state = state();
        assert_eq!(refusal(&state, 3), "version 3 is not announced at the proven block");
        state.proven = None;
        assert_eq!(refusal(&state, 2), "the epoch's commitments are not proven yet");
        state.versions = None;
        assert_eq!(refusal(&state, 2), "version 2 is not announced at the proven block");
    }
}
