//! Compiled code on disk: whatever is done to it, wrong code never runs.

use crate::{Case, compiler::process, guest::Guest};
use heliotrope_device_proofs::sha256;
use heliotrope_host::{CacheConfig, Compiler, Host, HostConfig, HostError, Origin};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

pub(crate) const CASES: &[Case] = &[
    ("code is kept, and loaded again", kept),
    ("code with one bit flipped, 512 times", flipped),
    ("code that was cut off, or is longer", cut),
    ("the code of another module in its place", swapped),
    ("code of other engine settings", settings),
    ("the secret is gone", secret_gone),
    ("a secret that others can read", secret_open),
    ("no room on the disk", disk_full),
    ("two daemons compile the same module", two_daemons),
];

const DAEMON: &str = "second-daemon";

/// A folder of its own; gone with the case.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heliotrope-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn config(&self) -> HostConfig {
        let cache = CacheConfig { folder: self.0.join("code"), secret: self.0.join("secret") };
        HostConfig { cache: Some(cache), ..HostConfig::default() }
    }

    pub(crate) fn host(&self) -> Host {
        Host::new(self.config()).unwrap()
    }

    pub(crate) fn codes(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.join("code")).unwrap().map(|entry| entry.unwrap().path());
        let mut codes: Vec<_> =
            entries.filter(|p| p.extension().is_some_and(|e| e == "code")).collect();
        codes.sort();
        codes
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

pub(crate) fn origin(host: &Host, wasm: &[u8]) -> Origin {
    let module = host.load(wasm, &sha256(wasm)).unwrap();
    assert!(matches!(module.check(b""), Err(HostError::Refused)));
    module.origin().clone()
}

fn kept() -> String {
    let (folder, wasm) = (Folder::new("kept"), Guest::default().wasm());
    let host = folder.host();
    assert_eq!(origin(&host, &wasm), Origin::Compiled);
    assert_eq!(origin(&host, &wasm), Origin::Kept);
    assert_eq!(origin(&folder.host(), &wasm), Origin::Kept);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder.0.join("secret")), mode(&folder.codes()[0])), (0o600, 0o600));
    "by the same host and by another".into()
}

fn flipped() -> String {
    let (folder, wasm) = (Folder::new("flipped"), Guest::default().wasm());
    let host = folder.host();
    assert_eq!(origin(&host, &wasm), Origin::Compiled);
    let [path] = folder.codes().try_into().unwrap();
    let good = fs::read(&path).unwrap();
    let step = good.len() * 8 / 512;
    let mut accepted = 0;
    for flip in 0..512 {
        let mut bytes = good.clone();
        // every bit of MAC and magic, then spread over the code
        let bit = if flip < 320 { good.len() * 8 - 1 - flip } else { flip * step + flip % 8 };
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        accepted += u32::from(origin(&host, &wasm) == Origin::Kept);
    }
    assert_eq!(accepted, 0);
    assert_eq!(fs::read(&path).unwrap().len(), good.len());
    format!("0 of 512 accepted ({} bytes); compiled again each time", good.len())
}

fn cut() -> String {
    let (folder, wasm) = (Folder::new("cut"), Guest::default().wasm());
    let host = folder.host();
    origin(&host, &wasm);
    let [path] = folder.codes().try_into().unwrap();
    let good = fs::read(&path).unwrap();
    for len in [0, 1, 8, 39, 40, 41, good.len() / 2, good.len() - 40, good.len() - 1] {
        fs::write(&path, &good[..len]).unwrap();
        assert_eq!(origin(&host, &wasm), Origin::Compiled, "{len} bytes");
    }
    fs::write(&path, [good.as_slice(), &[0]].concat()).unwrap();
    assert_eq!(origin(&host, &wasm), Origin::Compiled);
    "compiled again".into()
}

/// The code of two modules, each kept in its file.
pub(crate) struct TwoKept {
    pub(crate) host: Host,
    pub(crate) wasm: [Vec<u8>; 2],
    pub(crate) codes: [PathBuf; 2],
    _folder: Folder,
}

impl TwoKept {
    pub(crate) fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let (host, wasm) = (folder.host(), [Guest::default().wasm(), Guest::tail("(func)").wasm()]);
        origin(&host, &wasm[0]);
        let [first] = folder.codes().try_into().unwrap();
        origin(&host, &wasm[1]);
        let second = folder.codes().into_iter().find(|path| *path != first).unwrap();
        Self { host, wasm, codes: [first, second], _folder: folder }
    }
}

fn swapped() -> String {
    let two = TwoKept::new("swapped");
    let [first, second] = &two.codes;
    fs::copy(first, second).unwrap();
    assert_eq!(origin(&two.host, &two.wasm[1]), Origin::Compiled);
    assert_eq!(origin(&two.host, &two.wasm[0]), Origin::Kept);
    "its MAC is under another key: compiled again".into()
}

fn settings() -> String {
    let (folder, wasm) = (Folder::new("settings"), Guest::default().wasm());
    origin(&folder.host(), &wasm);
    let [path] = folder.codes().try_into().unwrap();
    let canonical = Host::new(HostConfig { canonicalize_nan: true, ..folder.config() }).unwrap();
    assert_eq!(origin(&canonical, &wasm), Origin::Compiled);
    let other = folder.codes().into_iter().find(|code| *code != path).unwrap();
    fs::copy(&path, &other).unwrap();
    assert_eq!(origin(&canonical, &wasm), Origin::Compiled);
    "another entry; put in its place, compiled again".into()
}

fn secret_gone() -> String {
    let (folder, wasm) = (Folder::new("gone"), Guest::default().wasm());
    let host = folder.host();
    origin(&host, &wasm);
    let secret = folder.0.join("secret");
    let old = fs::read(&secret).unwrap();
    fs::remove_file(&secret).unwrap();
    assert_eq!(origin(&host, &wasm), Origin::Compiled);
    assert_ne!(fs::read(&secret).unwrap(), old);
    assert_eq!(origin(&host, &wasm), Origin::Kept);
    "compiled again under a new one".into()
}

fn secret_open() -> String {
    let (folder, wasm) = (Folder::new("open"), Guest::default().wasm());
    let host = folder.host();
    origin(&host, &wasm);
    let secret = folder.0.join("secret");
    let old = fs::read(&secret).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(origin(&host, &wasm), Origin::Compiled);
    assert_ne!(fs::read(&secret).unwrap(), old);
    "not relied on: compiled again under a new one".into()
}

/// A folder that takes no entry, and a file that takes no more than 4 KiB.
fn disk_full() -> String {
    let (folder, wasm) = (Folder::new("full"), Guest::default().wasm());
    fs::write(folder.0.join("code"), "a file").unwrap();
    let Origin::Unkept { reason } = origin(&folder.host(), &wasm) else { panic!("kept") };
    let place = folder.0.join("small");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("module.wasm"), &wasm).unwrap();
    let small = daemon(&place, "trap '' XFSZ; ulimit -f 8;");
    let said = small.wait_with_output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.starts_with("unkept"), "{said}");
    let left = fs::read_dir(folder.0.join("small/code")).unwrap();
    let left = left.filter(|entry| entry.as_ref().unwrap().path().extension().unwrap() != "lock");
    assert_eq!(left.count(), 0, "half a file is left");
    format!("runs, and says: {reason}; {}", said.trim())
}

/// Another process on this folder; `limit` is a line of shell before it begins.
pub(crate) fn daemon(folder: &Path, limit: &str) -> std::process::Child {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!(r#"{limit} exec "$0" "$@""#));
    command.arg(std::env::current_exe().unwrap()).arg(DAEMON).arg(folder);
    command.stdout(std::process::Stdio::piped()).spawn().unwrap()
}

/// What this program does when it is started as another daemon on the same folder.
pub(crate) fn second_daemon() -> Option<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [what, folder] = arguments.as_slice() else { return None };
    if what != DAEMON {
        return None;
    }
    let folder = Folder(PathBuf::from(folder));
    let config = HostConfig { compiler: Compiler::Process(process()), ..folder.config() };
    let wasm = fs::read(folder.0.join("module.wasm")).unwrap();
    let origin = origin(&Host::new(config).unwrap(), &wasm);
    std::mem::forget(folder);
    match origin {
        Origin::Unkept { reason } => println!("unkept: {reason}"),
        other => println!("{other:?}"),
    }
    Some(ExitCode::SUCCESS)
}

fn two_daemons() -> String {
    let folder = Folder::new("daemons");
    let body = "i64.const 3 i64.mul ".repeat(10_000);
    let wasm = Guest::tail(&format!("(func (result i64) i64.const 1 {body})")).wasm();
    fs::write(folder.0.join("module.wasm"), wasm).unwrap();
    let daemons: Vec<_> = (0..4).map(|_| daemon(&folder.0, "")).collect();
    let mut said: Vec<_> = daemons
        .into_iter()
        .map(|daemon| String::from_utf8(daemon.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    said.sort();
    assert_eq!(said, ["Compiled\n", "Kept\n", "Kept\n", "Kept\n"]);
    assert_eq!(folder.codes().len(), 1);
    "of four processes at once, one compiles and three load its code".into()
}
