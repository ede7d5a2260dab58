//! Links 5 and 4: which chain is meant, and what it has finalized. Before them, what is only claimed.

use std::{collections::BTreeMap, rc::Rc, str::FromStr as _};

use alloy_primitives::B256;
use heliotrope_device_proofs::{coverage::Shard, epoch::EpochManifest, h3, sha256};
use heliotrope_light_client::{
    LightClient, Settings, SyncError,
    checkpoint::{self, CheckpointAnswer, CheckpointError, Statement},
    execution::ProvenBlock,
    network::{DeployedNetwork, Network},
    platform::{FetchRequest, FetchResponse, Platform as _},
};
use heliotrope_verifier::chains::ethereum::ChainSpec;

use crate::{
    call::Head,
    emit::emit,
    platform::{WebPlatform, clock_ms},
    protocol::{EpochInfo, FromWorker, HeadInfo, HexState, LinkName, NetworkInfo, Outcome},
    report::{Broken, Halt, Link, no_answer},
    session::{Session, ShardEntry},
};

/// Where the network's description is kept; as little trusted as the gateway's.
const KEPT_NETWORK: &str = "network";

impl Session {
    /// GET of a file of the gateway; a 404 is `None`.
    pub(crate) async fn get(&self, what: &str, path: &str) -> Result<Option<Vec<u8>>, Halt> {
        let url = format!("{}/{path}", self.base);
        let request = FetchRequest { url, accept: "*/*", body: None };
        let FetchResponse { status, body, .. } =
            self.platform.fetch(request).await.map_err(|error| no_answer(what, &error))?;
        match status {
            200 => Ok(Some(body)),
            404 => Ok(None),
            other => Err(Halt::unavailable(what, format!("HTTP {other}"))),
        }
    }

    /// The same, for a file that must be there.
    pub(crate) async fn need(&self, what: &str, path: &str) -> Result<Vec<u8>, Halt> {
        self.get(what, path).await?.ok_or_else(|| Halt::unavailable(what, "HTTP 404"))
    }

    /// What the network says about itself.
    pub(crate) async fn read_network(&self) -> Result<Rc<DeployedNetwork>, Halt> {
        let what = "the network's description";
        let bytes = match self.need(what, "v1/network.json").await {
            Ok(bytes) => {
                // that it cannot be kept matters only to a later visit without a network
                let _kept = self.platform.store(KEPT_NETWORK, bytes.clone()).await;
                bytes
            }
            Err(halt) => self.platform.load(KEPT_NETWORK).await.ok().flatten().ok_or(halt)?,
        };
        let deployed =
            DeployedNetwork::from_json(&bytes).map_err(|error| Halt::unavailable(what, error))?;
        let network = &deployed.network;
        emit(&FromWorker::Network {
            network: NetworkInfo {
                name: network.name.clone(),
                chain_id: network.chain_id,
                dev: network.dev,
                checkpoint_sources: network.checkpoint_sources.clone(),
                settlement_ledger: deployed.contracts.settlement_ledger.to_string(),
            },
        });
        let deployed = Rc::new(deployed);
        let mut state = self.state.borrow_mut();
        state.deployed = Some(Rc::clone(&deployed));
        state.network = bytes.into();
        drop(state);
        Ok(deployed)
    }

    /// Number of the latest epoch, if there is one.
    pub(crate) async fn latest_epoch(&self) -> Result<Option<u64>, Halt> {
        let what = "the latest epoch";
        let Some(latest) = self.get(what, "v1/epochs/latest").await? else { return Ok(None) };
        serde_json::from_slice::<serde_json::Value>(&latest)
            .ok()
            .and_then(|value| value.get("epoch").and_then(serde_json::Value::as_u64))
            .map(Some)
            .ok_or_else(|| Halt::unavailable(what, "the answer names no epoch"))
    }

    /// The epoch as the server tells it: grey on the map. False when there is none yet.
    pub(crate) async fn read_claims(&self, deployed: &DeployedNetwork) -> Result<bool, Halt> {
        let Some(epoch) = self.latest_epoch().await? else { return Ok(false) };
        let what = "the epoch's manifest";
        let bytes = self.need(what, &format!("v1/epochs/{epoch}/manifest")).await?;
        let manifest =
            EpochManifest::decode(&bytes).map_err(|error| Halt::unavailable(what, error))?;
        let names_us = manifest.epoch == epoch
            && manifest.chain_id == deployed.network.chain_id
            && B256::from(manifest.check_id) == deployed.check_id;
        if !names_us {
            return Err(Halt::unavailable(what, "it is of another epoch, chain or check"));
        }
        let total =
            manifest.lanes.iter().fold(0, |sum: usize, l| sum.saturating_add(l.shards.len()));
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        emit(&FromWorker::Epoch {
            epoch: EpochInfo {
                epoch,
                lanes: small(manifest.lanes.len()),
                shards: small(total),
                judges: Vec::new(),
                anchor_time: 0,
            },
        });
        let mut shards = BTreeMap::new();
        for (lane, entry) in manifest.lanes.iter().enumerate() {
            for (parent, digest) in &entry.shards {
                self.progress("reading what the server claims", shards.len(), total);
                let path = format!("v1/epochs/{epoch}/shards/{}", hex::encode(digest));
                let bytes = self.need("a coverage shard", &path).await?;
                match read_shard(&bytes, digest, *parent, entry.lane) {
                    Ok(shard) => {
                        let claimed: Vec<_> = shard
                            .cells
                            .iter()
                            .map(|record| (record.clone(), HexState::Claimed))
                            .collect();
                        self.hexes(&claimed);
                        shards.insert(*parent, ShardEntry { lane, shard, done: false });
                    }
                    Err(broken) => self.state.borrow_mut().bad_shard = Some(broken),
                }
                self.step().await?;
            }
        }
        let mut state = self.state.borrow_mut();
        state.shards = shards;
        state.manifest = Some(Rc::new(manifest));
        Ok(true)
    }

    /// Link 5, and the light client that stands on it.
    pub(crate) async fn prove_checkpoint(
        &self,
        network: &Network,
    ) -> Result<LightClient<WebPlatform>, Halt> {
        let (begin, bytes) = (clock_ms() - self.platform.waited_ms(), self.platform.bytes());
        self.progress("comparing the checkpoint with independent sources", 0, 0);
        self.link(Link::new(LinkName::Checkpoint, Outcome::Checking, "").done());
        let spec = network
            .chain_spec()
            .map_err(|error| Halt::unavailable("the network's description", error))?;
        let (root, lines, json) = match &self.named {
            Some(named) => {
                let root = B256::from_str(named.trim()).map_err(|_| Halt::Unavailable {
                    message: format!("{named} is not a beacon block root"),
                    hint: "A checkpoint is 0x and 64 hex digits. Correct the address of this page."
                        .to_owned(),
                })?;
                let line = "you named this checkpoint yourself; no source was asked".to_owned();
                (root, vec![line], serde_json::json!({ "named_by_user": root }))
            }
            None => self.ask_sources(network, &spec).await?,
        };
        let settings = Settings::new(vec![self.base.clone()], root);
        let client = LightClient::start(self.platform.clone(), spec, settings)
            .await
            .map_err(|error| sync_halt(LinkName::Checkpoint, &error))?;
        let summary = if self.named.is_some() {
            format!("The chain starts from the checkpoint you named, {root}.")
        } else {
            match lines.len() {
                1 => format!("One source besides this server confirms the checkpoint {root}."),
                n => format!("{n} independent sources confirm the checkpoint {root}."),
            }
        };
        let received = self.platform.bytes().saturating_sub(bytes);
        let mut link = Link::new(LinkName::Checkpoint, Outcome::Verified, summary)
            .cost(
                usize::try_from(received).unwrap_or(usize::MAX),
                clock_ms() - self.platform.waited_ms() - begin,
            )
            .json("what the sources said", &json)
            .checked("the bootstrap's header hashes to the checkpoint");
        for line in lines {
            link = link.checked(line);
        }
        self.link(link.done());
        Ok(client)
    }

    async fn ask_sources(
        &self,
        network: &Network,
        spec: &ChainSpec,
    ) -> Result<(B256, Vec<String>, serde_json::Value), Halt> {
        let (named, sources) = (network.checkpoint, &network.checkpoint_sources);
        match checkpoint::find(&self.platform, spec, named, sources).await {
            Ok((root, answers)) => {
                let lines: Vec<String> = answers.iter().filter_map(confirmation).collect();
                let json = answers.iter().map(answer_json).collect();
                Ok((root, lines, serde_json::Value::Array(json)))
            }
            Err(CheckpointError::Denied { root, source_url }) => {
                let theirs = self.finalized_of(&source_url).await;
                Err(Broken::new(
                    LinkName::Checkpoint,
                    format!(
                        "this server says to start from {root}, but {source_url} does not have that \
                         block in its finalized chain; it has {theirs}"
                    ),
                )
                .into())
            }
            Err(error) => Err(Halt::Unavailable {
                message: error.to_string(),
                hint: "Too few independent sources could be reached. Open this page with \
                       #checkpoint=0x… and a block root that you trust."
                    .to_owned(),
            }),
        }
    }

    /// What a source that disagrees has instead, in words.
    async fn finalized_of(&self, source: &str) -> String {
        let url = format!("{}/eth/v1/beacon/headers/finalized", source.trim_end_matches('/'));
        let answer = self.platform.fetch(FetchRequest::json(url)).await;
        answer
            .ok()
            .and_then(|response| serde_json::from_slice::<serde_json::Value>(&response.body).ok())
            .and_then(|value| value.pointer("/data/root")?.as_str().map(str::to_owned))
            .map_or_else(|| "another chain".to_owned(), |root| format!("finalized {root}"))
    }

    /// Link 4: the newest finalized execution block.
    pub(crate) async fn prove_header(
        &self,
        client: &mut LightClient<WebPlatform>,
    ) -> Result<ProvenBlock, Halt> {
        let (begin, bytes) = (clock_ms() - self.platform.waited_ms(), self.platform.bytes());
        self.progress("following the chain to its newest finalized block", 0, 0);
        if !self.state.borrow().links.contains_key(&LinkName::Header) {
            self.link(Link::new(LinkName::Header, Outcome::Checking, "").done());
        }
        let kept = match client.sync().await {
            Ok(()) => None,
            // what was proven on an earlier visit is proven again from kept bytes, and as true as then
            Err(SyncError::Unavailable { reason, .. })
                if ProvenBlock::of(client.finalized()).is_some() =>
            {
                Some(reason)
            }
            Err(error) => return Err(sync_halt(LinkName::Header, &error)),
        };
        let header = client.finalized();
        let slot = header.beacon.slot;
        let block = ProvenBlock::of(header).ok_or_else(|| Halt::Unavailable {
            message: format!("the finalized header of slot {slot} names no execution state"),
            hint: "The network must have the Capella fork. Wait for a later block.".to_owned(),
        })?;
        let spec = client.spec();
        let deployed = self.state.borrow().deployed.clone();
        if let (Some(deployed), Some(execution)) = (&deployed, header.execution_payload_header()) {
            let chain_id = deployed.network.chain_id;
            let (spec, execution) = (spec.clone(), execution.clone());
            self.state.borrow_mut().head = Some(Head { chain_id, spec, block, execution });
        }
        emit(&FromWorker::Head {
            head: HeadInfo {
                optimistic_slot: slot,
                finalized_slot: slot,
                finalized_block: block.number,
                finalized_hash: block.hash.to_string(),
                finalized_time: block.timestamp,
                checkpoint_root: client.checkpoint().to_string(),
                checkpoint_slot: client.checkpoint_slot(),
                checkpoint_time: spec.slot_start(client.checkpoint_slot()).0,
            },
        });
        let received = self.platform.bytes().saturating_sub(bytes);
        let json = serde_json::json!({
            "network": deployed.map(|deployed| deployed.network.name.clone()),
            "slot": slot,
            "beacon_state_root": header.beacon.state_root,
            "beacon_body_root": header.beacon.body_root,
            "execution_block": block.number,
            "execution_hash": block.hash,
            "execution_state_root": block.state_root,
            "timestamp": block.timestamp,
        });
        let link = Link::new(
            LinkName::Header,
            Outcome::Verified,
            header_summary(&block, slot, kept.as_deref()),
        )
        .checked(format!("{} committee updates since the checkpoint hold", client.cost().updates))
        .checked("the sync committee's aggregate signature over the attested header holds")
        .checked("the finalized header lies in the attested state")
        .checked("the execution block lies in the finalized beacon block")
        .cost(
            usize::try_from(received).unwrap_or(usize::MAX),
            clock_ms() - self.platform.waited_ms() - begin,
        )
        .json("finalized header", &json);
        self.link(link.done());
        Ok(block)
    }
}

fn header_summary(block: &ProvenBlock, slot: u64, unreachable: Option<&str>) -> String {
    let number = block.number;
    match unreachable {
        None => format!("Block {number} is finalized by the sync committee (slot {slot})."),
        Some(reason) => format!(
            "Block {number} was finalized by the sync committee (slot {slot}), proven again from what \
             this browser kept. Whether there is a newer one is not known: {reason}."
        ),
    }
}

fn read_shard(bytes: &[u8], digest: &[u8; 32], parent: u64, lane: u32) -> Result<Shard, Broken> {
    let broken = |what: String| {
        Broken::new(
            LinkName::Commitment,
            format!("coverage shard {parent:x} of lane {lane}: {what}"),
        )
    };
    let got = sha256(bytes);
    if got != *digest {
        return Err(broken(format!(
            "its bytes hash to {}, the manifest names {}",
            hex::encode(got),
            hex::encode(digest)
        )));
    }
    let shard = Shard::decode(bytes).map_err(|error| broken(error.to_string()))?;
    if shard.parent != parent || h3::lane(parent) != lane {
        return Err(broken(format!("it is the shard of {:x}", shard.parent)));
    }
    Ok(shard)
}

/// A sync error is a broken link when bytes were judged, and no statement when none came.
fn sync_halt(link: LinkName, error: &SyncError) -> Halt {
    match error {
        SyncError::Decode { .. } | SyncError::Invalid { .. } => {
            Broken::new(link, error.to_string()).into()
        }
        SyncError::CheckpointTooOld { .. } => Halt::Unavailable {
            message: error.to_string(),
            hint: "Open this page with #checkpoint=0x… and a newer block root that you trust."
                .to_owned(),
        },
        SyncError::Gap { .. } => Halt::Unavailable {
            message: error.to_string(),
            hint: "The beacon node behind this gateway is behind. Wait, or use another gateway."
                .to_owned(),
        },
        other => Halt::Unavailable {
            message: other.to_string(),
            hint:
                "Nothing was proved or disproved. Check that the gateway and its beacon node run, \
                   and try again."
                    .to_owned(),
        },
    }
}

fn confirmation(answer: &CheckpointAnswer) -> Option<String> {
    match &answer.statement {
        Statement::Confirms { slot } => {
            Some(format!("{} has it in its finalized chain, at slot {slot}", answer.source))
        }
        _ => None,
    }
}

fn answer_json(answer: &CheckpointAnswer) -> serde_json::Value {
    let said = match &answer.statement {
        Statement::Confirms { slot } => format!("confirms, slot {slot}"),
        Statement::Denies => "denies".to_owned(),
        Statement::Silent(error) => format!("silent: {error}"),
    };
    serde_json::json!({ "source": answer.source, "said": said })
}
