//! Which check judges: proven from `CheckRegistry`, then loaded by hash. Other bytes never run.

use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_contracts::Version;
use heliotrope_device_proofs::sha256;
use heliotrope_host::{CheckModule, ModuleSet, Origin};
use heliotrope_light_client::execution::ProvenBlock;

use crate::{chain::Chain, mirrors};

/// A version of a check, proven at a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Pin {
    /// Its number in the registry.
    pub(crate) number: u64,
    /// What the registry says.
    pub(crate) version: Version,
}

/// A pinned check that is ready to run.
#[derive(Debug)]
pub(crate) struct PinnedCheck {
    pub(crate) pin: Pin,
    pub(crate) module: CheckModule,
    pub(crate) params: Vec<u8>,
}

/// Which versions the registry names at a block.
#[derive(Clone, Debug)]
pub(crate) struct Pins {
    /// The one that judges.
    pub(crate) active: Pin,
    /// The next to be active, if one is announced.
    pub(crate) next: Option<Pin>,
    /// The trie nodes that prove them. A reader needs just these.
    pub(crate) nodes: Vec<Vec<u8>>,
}

/// Proves which version of the network's check was active at `block`, and which was announced.
pub(crate) async fn prove_pins(chain: &Chain, block: &ProvenBlock) -> Result<Pins> {
    let (check_id, registry) = (chain.deployed.check_id, chain.deployed.contracts.check_registry);
    let proven = chain.prove_versions(block).await?;
    let pin = |(number, version)| Pin { number, version };
    let active = proven.active.map(pin).with_context(|| {
        let (number, time) = (block.number, block.timestamp);
        format!(
            "no version of check {check_id} is active at block {number} (time {time}); pin one in {registry}"
        )
    })?;
    Ok(Pins { active, next: proven.next().map(pin), nodes: proven.nodes })
}

/// Loads the pinned bytes from the content-addressed folder. Whoever holds the check finishes with it,
/// also when the registry pins another meanwhile.
pub(crate) fn load(modules: &ModuleSet, folder: &Path, pin: Pin) -> Result<PinnedCheck> {
    let hash = pin.version.module_hash;
    let module = modules.get(&hash.0, || read_pinned(&module_path(folder, hash)))?;
    match module.origin() {
        Origin::Unkept { reason } => {
            tracing::warn!(%hash, reason, "the compiled check module is not kept");
        }
        origin => tracing::debug!(%hash, ?origin, "check module"),
    }
    let path = params_path(folder, pin.version.params_hash);
    let params = read_pinned(&path)?;
    let (got, expected) = (B256::from(sha256(&params)), pin.version.params_hash);
    ensure!(got == expected, "{}: sha256 is {got}, the pin says {expected}", path.display());
    Ok(PinnedCheck { pin, module, params })
}

/// Fetches what of a version is not in the folder from the first mirror whose bytes have its hash.
pub(crate) async fn fetch(folder: &Path, mirrors: &[String], pin: Pin) -> Result<()> {
    let version = pin.version;
    let wanted = [
        ("modules", version.module_hash, module_path(folder, version.module_hash)),
        ("params", version.params_hash, params_path(folder, version.params_hash)),
    ];
    for (kind, hash, path) in wanted {
        if path.exists() {
            continue;
        }
        let name = format!("v1/{kind}/{}", hex::encode(hash));
        let bytes = mirrors::fetch(mirrors, &name, |bytes| {
            let got = B256::from(sha256(&bytes));
            ensure!(got == hash, "sha256 is {got}, expected {hash}");
            Ok(bytes)
        });
        let bytes = bytes.await?;
        // beside and renamed, so that nobody loads half a module
        let beside = path.with_extension("new");
        std::fs::write(&beside, bytes).with_context(|| beside.display().to_string())?;
        std::fs::rename(&beside, &path).with_context(|| path.display().to_string())?;
        tracing::info!(%hash, kind, "fetched an announced version");
    }
    Ok(())
}

fn read_pinned(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| {
        format!("{}: the chain pins these bytes; fetch them from any mirror", path.display())
    })
}

/// Where a module's bytes are kept.
pub(crate) fn module_path(folder: &Path, hash: B256) -> PathBuf {
    folder.join(format!("{}.wasm", hex::encode(hash)))
}

/// Where parameters are kept.
pub(crate) fn params_path(folder: &Path, hash: B256) -> PathBuf {
    folder.join(format!("{}.params", hex::encode(hash)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
        time::Duration,
    };

    const MODULE: &[u8] = b"the announced module";
    const PARAMS: &[u8] = b"its parameters";

    fn pin() -> Pin {
        let version = Version {
            module_hash: sha256(MODULE).into(),
            params_hash: sha256(PARAMS).into(),
            active_from_s: 0,
            abi_version: 1,
        };
        Pin { number: 2, version }
    }

    /// A server that treats every request in one way.
    fn mirror(answer: fn(&str, TcpStream)) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = stream;
                let mut request = [0; 4_096];
                let len = stream.read(&mut request).unwrap_or_default();
                let path = String::from_utf8_lossy(&request[..len]).into_owned();
                std::thread::spawn(move || answer(&path, stream));
            }
        });
        url
    }

    fn send(mut stream: TcpStream, body: &[u8], claimed: usize) {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {claimed}\r\n\r\n");
        drop(stream.write_all(&[head.as_bytes(), body].concat()));
    }

    fn right(path: &str) -> &'static [u8] {
        if path.contains("/modules/") { MODULE } else { PARAMS }
    }

    fn bad() -> [String; 4] {
        [
            mirror(|_, stream| send(stream, b"another module", 14)),
            mirror(|path, stream| send(stream, &right(path)[..5], right(path).len())),
            // more than was announced
            mirror(|path, stream| {
                let longer = [right(path), b"!"].concat();
                send(stream, &longer, longer.len());
            }),
            // a byte of the module now and then, for longer than a request may take
            mirror(|path, mut stream| {
                if right(path) == PARAMS {
                    return;
                }
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
                while stream.write_all(b"a").is_ok() {
                    std::thread::sleep(Duration::from_millis(500));
                }
            }),
        ]
    }

    /// Mirrors that differ, cut off, or never end cost time and nothing else.
    #[tokio::test]
    async fn the_bytes_of_the_pin_come_from_the_first_mirror_that_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let good = mirror(|path, stream| send(stream, right(path), right(path).len()));
        let mirrors = [bad().as_slice(), &[good]].concat();
        fetch(folder.path(), &mirrors, pin()).await.unwrap();
        let version = pin().version;
        let kept = |path: PathBuf| std::fs::read(path).unwrap();
        assert_eq!(kept(module_path(folder.path(), version.module_hash)), MODULE);
        assert_eq!(kept(params_path(folder.path(), version.params_hash)), PARAMS);
    }

    #[tokio::test]
    async fn where_no_mirror_has_them_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let error = fetch(folder.path(), &bad()[..3], pin()).await.unwrap_err().to_string();
        assert!(error.ends_with("none of 3 mirrors has it"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
