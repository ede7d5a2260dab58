//! Others at work in the folder of the compiled code.

use crate::{
    Case,
    cache::{Folder, TwoKept, daemon, origin},
    guest::Guest,
};
use heliotrope_host::Origin;
use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

pub(crate) const CASES: &[Case] = &[
    ("code of another engine version, with our MAC", other_version),
    ("the file changes while it is loaded", replaced),
    ("a link to the code of another module", linked),
    ("a file system that is really full", full),
];

/// What stands after the code in its file: MAC and magic.
const TAIL: usize = 40;

/// Puts our MAC on code, as only who can read the secret does.
fn sign(folder: &Folder, path: &Path, code: &[u8]) {
    let secret = fs::read(folder.0.join("secret")).unwrap().try_into().unwrap();
    let name = path.file_stem().unwrap().to_str().unwrap();
    let key: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&name[at..at + 2], 16).unwrap()).collect();
    let mac = blake3::Hasher::new_keyed(&secret).update(&key).update(code).finalize();
    fs::write(path, [code, mac.as_bytes(), b"hccode2\n"].concat()).unwrap();
}

/// The engine's version is in its key; if it were not, the engine itself refuses, and the module is compiled.
fn other_version() -> String {
    let (folder, wasm) = (Folder::new("version"), Guest::default().wasm());
    let host = folder.host();
    origin(&host, &wasm);
    let [path] = folder.codes().try_into().unwrap();
    let mut code = fs::read(&path).unwrap();
    code.truncate(code.len() - TAIL);
    sign(&folder, &path, &code);
    assert_eq!(origin(&host, &wasm), Origin::Kept, "the test signs as the host does");
    // the version stands as text in the code's own head
    let at = code
        .windows(3)
        .position(|three| three == b"48.")
        .or_else(|| code.windows(2).position(|two| two == b"48"));
    let mut other = code;
    other[at.unwrap()] = b'9';
    sign(&folder, &path, &other);
    assert_eq!(origin(&host, &wasm), Origin::Compiled);
    assert_eq!(origin(&host, &wasm), Origin::Kept);
    "refused by the engine, and compiled again".into()
}

/// What is checked and what is loaded are one buffer, so a change in between changes nothing.
fn replaced() -> String {
    let (folder, wasm) = (Folder::new("replaced"), Guest::default().wasm());
    let host = folder.host();
    origin(&host, &wasm);
    let [path] = folder.codes().try_into().unwrap();
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    for byte in bad.iter_mut().rev().skip(TAIL) {
        *byte ^= 0x5a;
    }
    let stop = AtomicBool::new(false);
    let (mut kept, mut compiled) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let beside = path.with_extension("beside");
            while !stop.load(Ordering::Relaxed) {
                for bytes in [&bad, &good] {
                    fs::write(&beside, bytes).unwrap();
                    fs::rename(&beside, &path).unwrap();
                    // and in place, while it may be open
                    fs::write(&path, bytes).unwrap();
                }
            }
        });
        for _ in 0..400 {
            match origin(&host, &wasm) {
                Origin::Kept => kept += 1,
                _ => compiled += 1,
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    format!("400 loads ran right: {kept} from kept code, {compiled} compiled")
}

fn linked() -> String {
    let two = TwoKept::new("linked");
    let ([one, other], [first, second]) = (&two.wasm, &two.codes);
    let of_one = fs::read(first).unwrap();
    fs::remove_file(second).unwrap();
    symlink(first, second).unwrap();
    assert_eq!(origin(&two.host, other), Origin::Compiled);
    assert_eq!(fs::read(first).unwrap(), of_one, "what it led to was changed");
    assert_eq!(origin(&two.host, one), Origin::Kept);
    "compiled again; what it led to is as it was".into()
}

/// A file system of 8 KiB, in a name space of its own.
fn full() -> String {
    let (folder, wasm) = (Folder::new("enospc"), Guest::default().wasm());
    fs::write(folder.0.join("module.wasm"), &wasm).unwrap();
    let code = folder.0.join("code");
    fs::create_dir_all(&code).unwrap();
    let mount = format!("mount -t tmpfs -o size=8k none {}", code.display());
    let inside =
        |rest: &str| format!(r#"unshare -rm sh -c '{mount} && {rest}' "$0" "$@"; exit $?;"#);
    let may = std::process::Command::new("sh").arg("-c").arg(inside("true")).output().unwrap();
    if !may.status.success() {
        let why = String::from_utf8_lossy(&may.stderr).trim().to_owned();
        return format!("NOT RUN, no file system may be mounted here: {why}");
    }
    let said = daemon(&folder.0, &inside(r#"exec "$0" "$@""#)).wait_with_output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.starts_with("unkept: ") && said.contains("space"), "{said}");
    format!("runs, and says: {}", said.trim())
}
