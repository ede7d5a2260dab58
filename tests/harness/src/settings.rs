//! What a gateway of this world is told: its network, its sources, and where it keeps things.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use heliotrope_contracts::check_id;
use heliotrope_light_client::network::DeployedNetwork;

use crate::{
    deploy::{DEVELOPMENT_KEY, Deployment},
    devchain::{BeaconServer, DevChain},
    mirror::Mirror,
    world::{CHAIN_ID, WorldConfig},
};

/// What a gateway is told.
pub(crate) struct Settings<'a> {
    pub(crate) config: &'a WorldConfig,
    pub(crate) chain: &'a DevChain,
    pub(crate) beacon: &'a BeaconServer,
    pub(crate) deployment: &'a Deployment,
    pub(crate) check: &'a str,
    pub(crate) mirror: &'a Mirror,
    pub(crate) rpc: &'a str,
    pub(crate) port: u16,
}

impl Settings<'_> {
    pub(crate) async fn write(&self) -> Result<PathBuf> {
        let state = &self.config.state;
        let mut network = self.chain.network_json_parts().await;
        network["name"] = "heliotrope-devnet".into();
        network["chain_id"] = CHAIN_ID.into();
        network["check_id"] = check_id(self.check).to_string().into();
        network["contracts"] = serde_json::to_value(self.deployment.contracts)?;
        network["checkpoint_sources"] = vec![self.beacon.url.clone()].into();
        let network: DeployedNetwork = serde_json::from_value(network)?;
        let network_file = state.join("network.json");
        fs::write(&network_file, serde_json::to_vec_pretty(&network)?)?;
        let text = |path: &Path| format!("{:?}", path.display().to_string());
        let mut settings = format!(
            "listen = \"127.0.0.1:{}\"\ndata_dir = {}\nnetwork_file = {}\nbeacon_sources = [\"{}\"]\n\
             execution_rpc = \"{}\"\nmodules_dir = {}\nmodule_mirrors = [\"{}\"]\n\
             proposer_key = \"{DEVELOPMENT_KEY}\"\naccept_upstream_receipts = true\n",
            self.port,
            text(&state.join("gateway")),
            text(&network_file),
            self.beacon.url,
            self.rpc,
            text(&state.join("modules")),
            self.mirror.url,
        );
        if let Some(web) = &self.config.web_dir {
            settings.push_str(&format!("web_dir = {}\n", text(web)));
        }
        let path = state.join("heliotrope.toml");
        fs::write(&path, settings)?;
        Ok(path)
    }
}
