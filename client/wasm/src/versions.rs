//! Which version of the check judges and which are announced, proven from the check registry under the finalized header;
//! and what the gateway says of the next one, which is only its word.

use alloy_primitives::B256;
use heliotrope_contracts::Version;
use heliotrope_device_proofs::{cbor::Decoder, sha256};
use heliotrope_light_client::{
    execution::{ProvenBlock, ReadError},
    network::DeployedNetwork,
    proof_chain::prove_versions,
};
use serde_json::Value;

use crate::{
    emit::emit,
    protocol::{FromWorker, SaidBeside, SaidOfNext, VersionInfo, Versions},
    session::Session,
};

/// Most bytes of a profile's name.
const MAX_PROFILE_LEN: usize = 64;

impl Session {
    /// Proves and says what the registry has at a block. That it cannot be read stops nothing else.
    pub(crate) async fn announce(&self, deployed: &DeployedNetwork, block: &ProvenBlock) {
        let (versions, error) = match self.read_versions(deployed, block).await {
            Ok(versions) => (Some(versions), None),
            Err(error @ ReadError::Unavailable { .. }) => (None, Some(error.to_string())),
            Err(error) => (None, Some(format!("the proof that was sent does not hold: {error}"))),
        };
        // what was proven at an earlier block stays proven while nobody answers
        let known = self.state.borrow().versions.is_some();
        if versions.is_none() && known {
            return;
        }
        self.state.borrow_mut().versions.clone_from(&versions);
        emit(&FromWorker::Versions { versions, error });
    }

    async fn read_versions(
        &self,
        deployed: &DeployedNetwork,
        block: &ProvenBlock,
    ) -> Result<Versions, ReadError> {
        let (rpc, registry) = (format!("{}/rpc", self.base), deployed.contracts.check_registry);
        let proven =
            prove_versions(&self.platform, &rpc, block, registry, deployed.check_id).await?;
        let active = match proven.active {
            Some((number, version)) => Some(self.version_info(number, &version).await),
            None => None,
        };
        let mut announced = Vec::new();
        for (number, version) in &proven.announced {
            announced.push(self.version_info(*number, version).await);
        }
        let said = match proven.announced.first() {
            Some((_, next)) => self.said_of(next.module_hash).await,
            None => None,
        };
        Ok(Versions { active, announced, block: block.number, said })
    }

    async fn version_info(&self, number: u64, version: &Version) -> VersionInfo {
        let Version { module_hash, params_hash, active_from_s, .. } = *version;
        VersionInfo {
            version: number,
            module_hash: module_hash.to_string(),
            params_hash: params_hash.to_string(),
            active_from: active_from_s,
            profile: self.profile(params_hash).await,
        }
    }

    /// The profile that parameters name; asked for once, and until somebody serves them.
    async fn profile(&self, params_hash: B256) -> String {
        if let Some(known) = self.state.borrow().profiles.get(&params_hash) {
            return known.clone();
        }
        let path = format!("v1/params/{}", hex::encode(params_hash));
        let served = self.get("parameters", &path).await.ok().flatten();
        let Some(params) = served.filter(|bytes| sha256(bytes) == params_hash.0) else {
            return String::new();
        };
        let name = profile_name(&params);
        self.state.borrow_mut().profiles.insert(params_hash, name.clone());
        name
    }

    /// What the gateway says of a version; a carrier that is no gateway says nothing.
    async fn said_of(&self, module: B256) -> Option<SaidOfNext> {
        let bytes = self.get("the gateway's status", "v1/status").await.ok().flatten()?;
        said(&serde_json::from_slice(&bytes).ok()?, &hex::encode(module))
    }
}

/// Picks what a status says of one module.
fn said(status: &Value, module: &str) -> Option<SaidOfNext> {
    let is_it = |part: &&Value| part.get("module").and_then(Value::as_str) == Some(module);
    let next = status.get("next_version").filter(is_it)?;
    let settling = status.get("settlement");
    let beside = settling.and_then(|settling| {
        let beside = settling.get("next_version").filter(is_it)?;
        let number = |name: &str| beside.get(name).and_then(Value::as_u64);
        Some(SaidBeside {
            epoch: settling.get("epoch").and_then(Value::as_u64)?,
            leaves: number("leaves")?,
            changed: number("changed")?,
            no_verdict: number("no_verdict")?,
        })
    });
    Some(SaidOfNext {
        ready: next.get("ready").and_then(Value::as_bool).unwrap_or_default(),
        error: next.get("error").and_then(Value::as_str).map(str::to_owned),
        beside,
    })
}

/// The profile's name: parameters are a map that begins with a version and, where there are profiles, a name.
pub(crate) fn profile_name(params: &[u8]) -> String {
    /// A map of at most 23 entries, and the bits that count them.
    const SHORT_MAP: u8 = 0xa0;
    const COUNT: u8 = 0x1f;
    let mut d = Decoder::new(params);
    let entries = d.peek().filter(|first| first & !COUNT == SHORT_MAP).map(|first| first & COUNT);
    let name = entries.and_then(|entries| {
        d.map("params fields", usize::from(entries)).ok()?;
        d.key(0).ok()?;
        d.uint().ok()?;
        d.key(1).ok()?;
        d.text("profile bytes", MAX_PROFILE_LEN).ok()
    });
    name.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use heliotrope_device_proofs::radio::RadioParams;

    use super::*;

    #[test]
    fn parameters_say_their_profile() {
        let params = RadioParams::helium_2025_12([1; 20], 1, Vec::new()).encode();
        assert_eq!(profile_name(&params), "helium-2025-12");
        assert_eq!(profile_name(&[]), "");
        assert_eq!(profile_name(&[0xa1, 0, 1]), "");
        assert_eq!(profile_name(&[0x83, 1, 2, 3]), "");
    }

    #[test]
    fn only_what_is_said_of_the_proven_module_is_taken() {
        let beside =
            serde_json::json!({"module": "aa", "leaves": 9, "changed": 4, "no_verdict": 0});
        let status = serde_json::json!({
            "next_version": {"module": "aa", "ready": true, "error": null},
            "settlement": {"epoch": 2, "next_version": beside},
        });
        let taken = said(&status, "aa").unwrap();
        assert!(taken.ready);
        assert_eq!(taken.beside.unwrap().changed, 4);
        assert_eq!(said(&status, "bb"), None);
    }
}
