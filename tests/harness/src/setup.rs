//! What the machine must have. Installed where we may; where we may not, the exact command is said.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::command::{on_path, quietly};

/// Where Debian's package puts the browser.
const CHROMIUM: &str = "/usr/bin/chromium";

/// What `cargo demo` needs.
pub fn for_demo(root: &Path) -> Result<()> {
    wasm_target()?;
    debian(&[("clang", on_path("clang")), ("llvm", on_path("llvm-ar"))])?;
    programs(&[("node", "nodejs 20 or later"), ("npm", "npm")])?;
    npm(root, "contracts")?;
    npm(root, "web")
}

/// What `cargo test-all` needs besides.
pub fn for_tests(root: &Path) -> Result<()> {
    for_demo(root)?;
    rust_components()?;
    let venv = works(Command::new("python3").args(["-c", "import ensurepip, venv"]));
    debian(&[("chromium", Path::new(CHROMIUM).is_file()), ("python3-venv", venv)])?;
    npm(root, "tests/e2e")?;
    npm(root, "tests/conformance")
}

fn programs(needed: &[(&str, &str)]) -> Result<()> {
    for (program, package) in needed {
        if !on_path(program) {
            bail!("{program} is not on the PATH: install {package}");
        }
    }
    Ok(())
}

fn wasm_target() -> Result<()> {
    let target = "wasm32-unknown-unknown";
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output()?;
    let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
    if Path::new(&sysroot).join("lib/rustlib").join(target).is_dir() {
        return Ok(());
    }
    quietly(
        &format!("setup: rustup target add {target}"),
        Command::new("rustup").args(["target", "add", target]),
    )?;
    Ok(())
}

fn rust_components() -> Result<()> {
    for (component, command) in [("clippy", "clippy"), ("rustfmt", "fmt")] {
        if !works(Command::new("cargo").args([command, "--version"])) {
            quietly(
                &format!("setup: rustup component add {component}"),
                Command::new("rustup").args(["component", "add", component]),
            )?;
        }
    }
    Ok(())
}

/// Whether a command ends well.
fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Installs Debian packages that are missing, as root; else says how.
fn debian(packages: &[(&str, bool)]) -> Result<()> {
    let missing: Vec<&str> = packages.iter().filter(|p| !p.1).map(|p| p.0).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !is_root() || !on_path("apt-get") {
        bail!("missing: {list}. Type: sudo apt-get install -y --no-install-recommends {list}");
    }
    quietly("setup: apt-get update", Command::new("apt-get").args(["update", "-q"]))?;
    quietly(
        &format!("setup: apt-get install {list}"),
        Command::new("apt-get")
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    Ok(())
}

fn is_root() -> bool {
    works(Command::new("sh").args(["-c", "[ \"$(id -u)\" = 0 ]"]))
}

/// `npm ci` where the lock file has changed since the last one.
pub fn npm(root: &Path, folder: &str) -> Result<()> {
    let folder = root.join(folder);
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.heliotrope-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    quietly(
        &format!("setup: npm ci in {}", folder.display()),
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder),
    )?;
    std::fs::write(stamp, lock)?;
    Ok(())
}
