//! A network's parameters from the files beside test vectors: the specification's `config.yaml`, and the Beacon API's
//! `/eth/v1/config/spec` and `/eth/v1/beacon/genesis` answers.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use anyhow::{Context as _, Result};
use heliotrope_verifier::chains::ethereum::{
    BlobParameters, ChainSpec, FAR_FUTURE_EPOCH, Fork, ForkActivation, Preset,
};
use heliotrope_verifier::consensus::UnixSeconds;

/// `SECONDS_PER_SLOT` where a configuration does not say.
const DEFAULT_SLOT_DURATION_MS: u64 = 12_000;

/// Names and values of a configuration.
#[derive(Debug, Default)]
pub(super) struct Config {
    values: BTreeMap<String, String>,
    blob_schedule: Vec<BlobParameters>,
}

impl Config {
    /// Reads the specification's `config.yaml`: flat, but for `BLOB_SCHEDULE`.
    pub(super) fn from_yaml(text: &str) -> Result<Self> {
        let mut config = Self::default();
        let mut epoch = None;
        for line in text.lines() {
            let line = line.split(" #").next().unwrap_or_default();
            let Some((name, value)) = line.split_once(':') else { continue };
            let is_nested = line.starts_with([' ', '-']);
            let (name, value) =
                (name.trim_matches([' ', '-']), value.trim().trim_matches(['\'', '"']));
            match (is_nested, name) {
                (false, _) => {
                    config.values.insert(name.to_owned(), value.to_owned());
                }
                (true, "EPOCH") => epoch = Some(value.parse()?),
                (true, "MAX_BLOBS_PER_BLOCK") => config.blob_schedule.push(BlobParameters {
                    epoch: epoch.take().context("blob schedule entry without an epoch")?,
                    max_blobs_per_block: value.parse()?,
                }),
                (true, _) => {}
            }
        }
        Ok(config)
    }

    /// Reads the Beacon API's answer to `/eth/v1/config/spec`.
    pub(super) fn from_spec_json(bytes: &[u8]) -> Result<Self> {
        let json: serde_json::Value = serde_json::from_slice(bytes)?;
        let object = json["data"].as_object().context("no data in the spec answer")?;
        let mut config = Self::default();
        for (name, value) in object {
            if let Some(text) = value.as_str() {
                config.values.insert(name.clone(), text.to_owned());
            }
        }
        for entry in object.get("BLOB_SCHEDULE").and_then(|v| v.as_array()).into_iter().flatten() {
            let number = |name: &str| -> Result<u64> {
                Ok(entry[name].as_str().context("blob schedule entry")?.parse()?)
            };
            let (epoch, max_blobs_per_block) = (number("EPOCH")?, number("MAX_BLOBS_PER_BLOCK")?);
            config.blob_schedule.push(BlobParameters { epoch, max_blobs_per_block });
        }
        Ok(config)
    }

    fn number(&self, name: &str) -> Result<Option<u64>> {
        let value = self.values.get(name);
        value.map(|text| text.parse().with_context(|| format!("{name}: {text}"))).transpose()
    }

    fn version(&self, name: &str) -> Result<Option<[u8; 4]>> {
        self.values.get(name).map(|text| super::hex_array(text)).transpose()
    }

    /// `PRESET_BASE`.
    pub(super) fn preset(&self) -> Option<Preset> {
        self.values.get("PRESET_BASE").and_then(|name| Preset::from_name(name))
    }

    fn activation(&self, fork: Fork) -> Result<ForkActivation> {
        if fork == Fork::Phase0 {
            let version = self.version("GENESIS_FORK_VERSION")?.unwrap_or_default();
            return Ok(ForkActivation { fork, version, epoch: 0 });
        }
        // Deneb had the name of its EIP before it had one of its own
        let names: &[&str] = if fork == Fork::Deneb { &["DENEB", "EIP4844"] } else { &[] };
        let upper = fork.name().to_uppercase();
        let mut version = None;
        let mut epoch = None;
        for name in names.iter().copied().chain([upper.as_str()]) {
            version = version.or(self.version(&format!("{name}_FORK_VERSION"))?);
            epoch = epoch.or(self.number(&format!("{name}_FORK_EPOCH"))?);
        }
        let unscheduled = [0xff, 0xff, 0xff, fork as u8];
        Ok(ForkActivation {
            fork,
            version: version.unwrap_or(unscheduled),
            epoch: epoch.filter(|_| version.is_some()).unwrap_or(FAR_FUTURE_EPOCH),
        })
    }

    /// The network that this is the configuration of.
    pub(super) fn chain_spec(
        &self,
        preset: Preset,
        genesis_time: u64,
        genesis_validators_root: B256,
    ) -> Result<ChainSpec> {
        let forks =
            Fork::ALL.into_iter().map(|fork| self.activation(fork)).collect::<Result<_>>()?;
        let seconds = self.number("SECONDS_PER_SLOT")?.map(|seconds| seconds.saturating_mul(1000));
        let duration = self.number("SLOT_DURATION_MS")?.or(seconds);
        Ok(ChainSpec::from_parts(
            preset,
            UnixSeconds(genesis_time),
            genesis_validators_root,
            duration.unwrap_or(DEFAULT_SLOT_DURATION_MS),
            forks,
            self.blob_schedule.clone(),
        )?)
    }
}

/// The Beacon API's answer to `/eth/v1/beacon/genesis`: time and validators root.
pub(super) fn genesis_from_json(bytes: &[u8]) -> Result<(u64, B256)> {
    let json: serde_json::Value = serde_json::from_slice(bytes)?;
    let text = |name: &str| json["data"][name].as_str().with_context(|| format!("no {name}"));
    let root = B256::new(super::hex_array(text("genesis_validators_root")?)?);
    Ok((text("genesis_time")?.parse()?, root))
}
