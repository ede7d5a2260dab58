//! The secret of the cache: 32 random bytes that only their owner reads.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

const LEN: usize = 32;
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// The secret, if it is whole and nobody else could have read or written it.
pub(crate) fn read(path: &Path) -> io::Result<[u8; LEN]> {
    let mut file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(io::Error::other(format!("mode {mode:o}, expected 600")));
    }
    let mut secret = [0; LEN];
    file.read_exact(&mut secret)?;
    if file.read(&mut [0])? != 0 {
        return Err(io::Error::other(format!("longer than {LEN} bytes")));
    }
    Ok(secret)
}

/// The secret; a new one if there is none, or none that can be relied on. Whatever was kept under the
/// old one is then compiled again.
pub(crate) fn read_or_make(path: &Path) -> io::Result<[u8; LEN]> {
    if let Ok(secret) = read(path) {
        return Ok(secret);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // one that is there is not whole or not secret
    drop(fs::remove_file(path));
    let mut secret = [0; LEN];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_extension(format!("new-{}-{number}", std::process::id()));
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    let written = file.write_all(&secret).and_then(|()| file.sync_all());
    // a link fails where a file is: of two hosts that make a secret, one wins and both use its
    let linked = written.and_then(|()| match fs::hard_link(&beside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    drop(fs::remove_file(&beside));
    linked?;
    read(path)
}
