//! The gateway's settings: a TOML file, then `HELIOTROPE_*` from the environment on top.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context as _, Result};
use figment::{
    Figment,
    providers::{Env, Format as _, Toml},
};
use serde::Deserialize;

/// Settings of `heliotrope run`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where to serve. Default 127.0.0.1:8787: put a TLS proxy in front for the world outside.
    #[serde(default = "default_listen")]
    pub(crate) listen: SocketAddr,
    /// Folder for the receipt log and the epochs.
    pub(crate) data_dir: PathBuf,
    /// The network's description; what is wrong in it makes proofs fail.
    pub(crate) network_file: PathBuf,
    /// Base addresses of Beacon APIs, asked in order.
    pub(crate) beacon_sources: Vec<String>,
    /// Execution JSON-RPC with `eth_getProof`; untrusted for reads.
    pub(crate) execution_rpc: String,
    /// Folder with `<sha256>.wasm` and `<sha256>.params`, addressed by content.
    pub(crate) modules_dir: PathBuf,
    /// Base addresses of gateways, or of anything that serves `v1/modules/<sha256>` and `v1/params/<sha256>`: asked for
    /// a version that was announced; and for what another gateway settled in a lane (`v1/rewards/<root>`). They are held
    /// to the hashes.
    #[serde(default)]
    pub(crate) module_mirrors: Vec<String>,
    /// The web app, if it is to be served.
    #[serde(default)]
    pub(crate) web_dir: Option<PathBuf>,
    /// Key that proposes settlements, 32 bytes of hex. Without one the gateway settles nothing.
    #[serde(default)]
    pub(crate) proposer_key: Option<String>,
    /// Whether receive times may come from an ingestor in front of this gateway
    /// (`*_ingest_report_v1`). Off, every report is stamped on arrival.
    #[serde(default)]
    pub(crate) accept_upstream_receipts: bool,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8787))
}

impl Config {
    /// Where reward trees are kept and served from.
    pub(crate) fn rewards_dir(&self) -> PathBuf {
        self.data_dir.join("rewards")
    }

    /// Reads the settings.
    pub(crate) fn read(file: &std::path::Path) -> Result<Self> {
        Figment::new()
            .merge(Toml::file_exact(file))
            .merge(Env::prefixed("HELIOTROPE_"))
            .extract()
            .with_context(|| format!("settings in {}", file.display()))
    }
}
