//! Compiled code kept on disk.
//!
//! ```text
//!  KEY.code = code ‖ MAC(secret, KEY ‖ code) ‖ magic      MAC: keyed BLAKE3
//!  KEY      = SHA-256(module hash ‖ engine version, settings and processor ‖ limits of the gate)
//!  secret   = 32 random bytes in a file that only its owner reads
//! ```
//! It trusts the secret and nobody who can only write to the folder: what lies there counts only with
//! the MAC, under the very key that is looked for, so code of another module, engine, setting or
//! processor is not taken for it. Where the folder fails, modules are compiled again: slower, never
//! wrong. It does not hide anything, and does not protect from who can read the secret.

use crate::{native::OwnCode, secret};
use blake3::Hash;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    hash::{Hash as _, Hasher},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};
use wasmtime::Engine;

const MAGIC: &[u8; 8] = b"hccode2\n";
/// Largest file that is read.
const MAX_FILE: u64 = 32 << 20;

/// Where compiled code is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheConfig {
    /// Folder of the code.
    pub folder: PathBuf,
    /// File of the secret; made if it is not there.
    pub secret: PathBuf,
}

/// How a module came to be ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Its code was kept, and carried the MAC.
    Kept,
    /// It was compiled, and its code is kept now.
    Compiled,
    /// It was compiled, and its code is not kept.
    Unkept {
        /// Why not.
        reason: String,
    },
}

/// Names compiled code by all that it depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn new(module: &[u8; 32], engine: &Engine, limits: &impl std::fmt::Debug) -> Self {
        let mut hasher = Digest(Sha256::new());
        hasher.write(b"heliotrope compiled check 1");
        hasher.write(module);
        // the engine's version, target, compiler flags, processor features and tunables
        engine.precompile_compatibility_hash().hash(&mut hasher);
        // kept code was validated once; under other limits it is another entry
        hasher.write(format!("{limits:?}").as_bytes());
        Self(hasher.0.finalize().into())
    }
}

/// A [`Hasher`] whose every byte goes to SHA-256.
struct Digest(Sha256);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// The folder, with the secret.
#[derive(Debug)]
pub(crate) struct Cache {
    config: CacheConfig,
}

/// Held while a module is compiled, so that others wait for its code instead of making it again.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "the lock ends with the file")] Option<File>);

impl Cache {
    pub(crate) const fn new(config: CacheConfig) -> Self {
        Self { config }
    }

    /// Waits until nobody else compiles this module, in this process or another. Where the folder
    /// gives no lock there is no waiting.
    pub(crate) fn turn(&self, key: Key) -> Turn {
        let file = self.path(key).with_extension("lock");
        let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&file);
        let locked = fs::create_dir_all(&self.config.folder).and_then(|()| open());
        Turn(locked.ok().filter(|file| file.lock().is_ok()))
    }

    /// The code, if it is there and ours. What is not ours is removed.
    pub(crate) fn get(&self, key: Key) -> Option<OwnCode> {
        let path = self.path(key);
        let bytes = read(&path).ok()?;
        let code = secret::read(&self.config.secret).ok().and_then(|s| open(&s, key, bytes));
        if code.is_none() {
            self.remove(key);
        }
        code
    }

    /// Takes away what is not to be loaded again. Where that fails, the module is compiled each time.
    pub(crate) fn remove(&self, key: Key) {
        drop(fs::remove_file(self.path(key)));
    }

    /// Keeps code: whole or not at all, also when the power goes.
    pub(crate) fn put(&self, key: Key, code: &OwnCode) -> io::Result<()> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(&self.config.folder)?;
        let secret = secret::read_or_make(&self.config.secret)?;
        let path = self.path(key);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_extension(format!("new-{}-{number}", std::process::id()));
        let mac = keyed(&secret, key, code.bytes());
        let written = write(&beside, code.bytes(), &mac)
            .and_then(|()| fs::rename(&beside, &path))
            .and_then(|()| File::open(&self.config.folder)?.sync_all());
        if written.is_err() {
            drop(fs::remove_file(&beside));
        }
        written
    }

    fn path(&self, Key(key): Key) -> PathBuf {
        self.config.folder.join(format!("{}.code", crate::error::hex(&key)))
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_FILE {
        return Err(io::Error::other(format!("{size} bytes, expected at most {MAX_FILE}")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Checks the MAC over the bytes in this buffer, and gives this buffer on: what is not code stands at the end, so that
/// nothing moves.
fn open(secret: &[u8; 32], key: Key, mut bytes: Vec<u8>) -> Option<OwnCode> {
    let (rest, magic) = bytes.split_last_chunk::<8>()?;
    let (code, mac) = rest.split_last_chunk()?;
    let len = code.len();
    // the comparison of hashes takes the same time wherever they differ
    if magic != MAGIC || keyed(secret, key, code) != Hash::from_bytes(*mac) {
        return None;
    }
    bytes.truncate(len);
    Some(OwnCode::vouch(bytes))
}

fn keyed(secret: &[u8; 32], Key(key): Key, code: &[u8]) -> Hash {
    blake3::Hasher::new_keyed(secret).update(&key).update(code).finalize()
}

fn write(path: &Path, code: &[u8], mac: &Hash) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(code)?;
    file.write_all(mac.as_bytes())?;
    file.write_all(MAGIC)?;
    file.sync_all()
}
