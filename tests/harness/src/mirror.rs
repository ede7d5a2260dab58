//! A host that serves check modules and their parameters by hash, and is believed by nobody.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use axum::{
    Router,
    extract::{Path as Named, State},
    http::StatusCode,
    routing::get,
};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

/// The kinds of what is served.
const KINDS: [&str; 2] = ["modules", "params"];

/// A mirror, served until dropped.
#[derive(Debug)]
pub struct Mirror {
    /// Its base address.
    pub url: String,
    folder: PathBuf,
    task: JoinHandle<()>,
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Mirror {
    /// Serves a folder, which is empty at first.
    pub async fn serve(folder: PathBuf) -> Result<Self> {
        for kind in KINDS {
            fs::create_dir_all(folder.join(kind))?;
        }
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router =
            Router::new().route("/v1/{kind}/{hash}", get(content)).with_state(folder.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("mirror stopped: {error}");
            }
        });
        Ok(Self { url, folder, task })
    }

    /// Serves a module from now on.
    pub fn module(&self, file: &Path) -> Result<[u8; 32]> {
        self.add("modules", &fs::read(file)?)
    }

    /// Serves parameters from now on.
    pub fn params(&self, bytes: &[u8]) -> Result<[u8; 32]> {
        self.add("params", bytes)
    }

    fn add(&self, kind: &str, bytes: &[u8]) -> Result<[u8; 32]> {
        let hash = Sha256::digest(bytes).into();
        fs::write(self.folder.join(kind).join(hex::encode(hash)), bytes)?;
        Ok(hash)
    }
}

async fn content(
    State(folder): State<PathBuf>,
    Named((kind, hash)): Named<(String, String)>,
) -> Result<Vec<u8>, StatusCode> {
    let name = KINDS.contains(&kind.as_str()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let found = name.then(|| fs::read(folder.join(kind).join(hash)).ok()).flatten();
    found.ok_or(StatusCode::NOT_FOUND)
}
