//! The files that an epoch is served as. They are static and addressed by what the chain commits
//! to, so any host or CDN can carry them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use heliotrope_device_proofs::epoch::{EpochManifest, LaneManifest, ShardEvidence};
use heliotrope_light_client::proof_chain::diff::Diff;

use crate::lane::LaneResult;

/// The folder of epochs.
#[derive(Clone, Debug)]
pub(crate) struct EpochFiles {
    root: PathBuf,
}

impl EpochFiles {
    pub(crate) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder, to be served.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a lane's shards and evidence, its manifest last. Of a lane in which nothing counts, only what was left out.
    pub(crate) fn write_lane(&self, epoch: u64, result: &LaneResult) -> Result<()> {
        self.write_left_out(epoch, result)?;
        if result.manifest.leaf_count == 0 {
            return Ok(());
        }
        let folder = self.root.join(epoch.to_string());
        for shard in &result.shards {
            write(&folder.join("shards").join(hex::encode(shard.digest())), &shard.encode())?;
        }
        let lane = self.lane_folder(epoch, result.manifest.lane);
        for (parent, bytes) in &result.evidence {
            write(&lane.join("evidence").join(format!("{parent:x}")), bytes)?;
        }
        write(&lane.join("manifest"), &result.manifest.encode())
    }

    /// For those who sent it.
    fn write_left_out(&self, epoch: u64, result: &LaneResult) -> Result<()> {
        if result.left_out.is_empty() {
            return Ok(());
        }
        let path = self.lane_folder(epoch, result.manifest.lane).join("left-out.json");
        write(&path, &serde_json::to_vec_pretty(&result.left_out)?)
    }

    /// The evidence of a lane's shard.
    pub(crate) fn read_evidence(
        &self,
        epoch: u64,
        lane: u32,
        parent: u64,
    ) -> Result<ShardEvidence> {
        let path = self.lane_folder(epoch, lane).join("evidence").join(format!("{parent:x}"));
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        ShardEvidence::decode(&bytes).with_context(|| path.display().to_string())
    }

    /// Writes what the announced version would have changed in an epoch.
    pub(crate) fn write_diff(&self, epoch: u64, diff: &Diff) -> Result<()> {
        let path = self.root.join(epoch.to_string()).join("next-version.json");
        write(&path, diff.to_json().as_bytes())
    }

    /// A lane's manifest, if it was written.
    pub(crate) fn read_lane(&self, epoch: u64, lane: u32) -> Result<Option<LaneManifest>> {
        let path = self.lane_folder(epoch, lane).join("manifest");
        match fs::read(&path) {
            Ok(bytes) => Ok(LaneManifest::decode(&bytes).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Writes an epoch's manifest: from now on it can be read.
    pub(crate) fn write_manifest(&self, manifest: &EpochManifest) -> Result<()> {
        let folder = self.root.join(manifest.epoch.to_string());
        write(&folder.join("manifest"), &manifest.encode())
    }

    /// An epoch's manifest.
    pub(crate) fn read_manifest(&self, epoch: u64) -> Result<EpochManifest> {
        let path = self.root.join(epoch.to_string()).join("manifest");
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        EpochManifest::decode(&bytes).with_context(|| path.display().to_string())
    }

    fn lane_folder(&self, epoch: u64, lane: u32) -> PathBuf {
        self.root.join(epoch.to_string()).join("lanes").join(lane.to_string())
    }
}

/// Writes beside and renames, so that a reader or a power cut never sees half a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let explain = || path.display().to_string();
    let folder = path.parent().with_context(explain)?;
    fs::create_dir_all(folder).with_context(explain)?;
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).with_context(explain)?;
    fs::rename(&beside, path).with_context(explain)
}
