//! `cargo test-all`: everything that can say no to a change.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{
    bench, browser_tests,
    checks_build::build_checks,
    command::{quietly, vectors},
    contracts_build::{self, tool},
    setup,
    tally::{Format, Tally},
    web_build::build_web,
    world,
};

/// Crates that run in the browser too.
const WASM_CRATES: [&str; 9] = [
    "heliotrope-verifier",
    "heliotrope-device-proofs",
    "heliotrope-light-client",
    "heliotrope-evm",
    "heliotrope-bls-field",
    "heliotrope-sync-core",
    "heliotrope-contracts",
    "heliotrope-wasm",
    "heliotrope-web",
];
/// Conformance suites and the folders of `../shared/vectors` that they walk.
const CONFORMANCE: [(&str, &str); 11] = [
    ("ethereum-spec-sync", "ethereum/spec"),
    ("ethereum-spec-update-ranking", "ethereum/spec"),
    ("ethereum-spec-merkle-proof", "ethereum/spec"),
    ("ethereum-bls", "ethereum/spec"),
    ("ethereum-api", "ethereum"),
    ("eip1186", "evm"),
    ("eip1186", "ethereum/devnet_capella_minimal"),
    ("eip1186", "ethereum/execution_rpc"),
    ("helium-poc", "device/helium"),
    ("commp", "device/commp"),
    ("pdp", "device/commp"),
];

/// Recordings of mainnet, below `../shared/vectors`.
const MAINNET: [&str; 3] = [
    "ethereum/mainnet_capella_periods_862_867",
    "ethereum/mainnet_capella_periods_800_820",
    "ethereum/mainnet_deneb_periods_1347_1392",
];

/// Runs everything; whether all of it passed.
pub fn test_all(root: &Path) -> Result<bool> {
    setup::for_tests(root)?;
    let tools = python_tools(root)?;
    let mut tally = Tally::default();
    style(&mut tally, root, &tools);
    contracts(&mut tally, root);
    rust(&mut tally, root);
    conformance(&mut tally, root);
    if let Err(error) = end_to_end(&mut tally, root) {
        tally.fail("end to end", &error);
    }
    Ok(tally.close())
}

/// Runs the tests in the browser alone; whether all of them passed.
pub fn test_browser(root: &Path) -> Result<bool> {
    setup::for_tests(root)?;
    let mut tally = Tally::default();
    if let Err(error) = end_to_end(&mut tally, root) {
        tally.fail("end to end", &error);
    }
    Ok(tally.close())
}

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(arguments);
    command
}

/// `typos` and `taplo`, in an environment of their own.
fn python_tools(root: &Path) -> Result<PathBuf> {
    let venv = root.join("target/heliotrope/venv");
    let bin = venv.join("bin");
    if !bin.join("taplo").is_file() || !bin.join("typos").is_file() {
        quietly("setup: python3 -m venv", Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        quietly(
            "setup: pip install typos taplo",
            Command::new(bin.join("pip")).args(["install", "-q", "typos==1.52.0", "taplo==0.9.3"]),
        )?;
    }
    Ok(bin)
}

fn style(tally: &mut Tally, root: &Path, tools: &Path) {
    let exit = Format::ExitStatus;
    tally.run("cargo fmt", exit, &mut cargo(root, &["fmt", "--all", "--check"]));
    tally.run("typos", exit, Command::new(tools.join("typos")).current_dir(root));
    let mut taplo = Command::new(tools.join("taplo"));
    tally.run("taplo", exit, taplo.args(["fmt", "--check"]).current_dir(root));
}

fn contracts(tally: &mut Tally, root: &Path) {
    let forge = |arguments: &[&str]| {
        let mut command = Command::new(tool(root, "forge"));
        command.current_dir(root.join("contracts")).args(arguments);
        command
    };
    tally.run("forge fmt", Format::ExitStatus, &mut forge(&["fmt", "--check"]));
    tally.run("forge lint", Format::ExitStatus, &mut forge(&["lint", "--deny", "warnings"]));
    let mut solhint = Command::new("node");
    solhint.current_dir(root.join("contracts"));
    solhint.args(["node_modules/solhint/solhint.js", "--disc", "--config", ".solhint.json"]);
    tally.run("solhint", Format::ExitStatus, solhint.args(["--max-warnings", "0", "src/**/*.sol"]));
    // gas is compared with contracts/snapshots, which foundry.toml asks for
    tally.run("forge test", Format::Forge, &mut forge(&["test", "--offline"]));
    tally.check("forge coverage", contracts_build::coverage(root));
    let layouts = contracts_build::build(root).and_then(|()| contracts_build::layouts(root, false));
    tally.check("storage layouts", layouts);
}

fn rust(tally: &mut Tally, root: &Path) {
    let exit = Format::ExitStatus;
    let deny = ["--", "-D", "warnings"];
    // one native profile: what is built here is what the demo runs
    let native = ["clippy", "--release", "--quiet", "--all-targets"];
    tally.run("clippy", exit, cargo(root, &native).args(deny));
    let mut wasm = cargo(root, &["clippy", "--quiet", "--target", "wasm32-unknown-unknown"]);
    wasm.args(["--profile", "wasm"]).args(WASM_CRATES.iter().flat_map(|c| ["-p", c]));
    wasm.args(["--features", "heliotrope-evm/chunk"]);
    tally.run("clippy, wasm32", exit, wasm.args(deny));
    let built = build_checks(root, &root.join("target/heliotrope/checks"));
    tally.check("check modules: digests", built.map(drop));
    tally.run("cargo test", Format::CargoTest, &mut cargo(root, &["test", "--release", "--quiet"]));
    // what of the page needs no browser
    let page = ["test", "--release", "--quiet", "-p", "heliotrope-wasm", "-p", "heliotrope-web"];
    tally.run("cargo test, page", Format::CargoTest, &mut cargo(root, &page));
    let mut doc = cargo(root, &["doc", "--release", "--quiet", "--no-deps"]);
    tally.run("cargo doc", exit, doc.env("RUSTDOCFLAGS", "-D warnings"));
}

fn conformance(tally: &mut Tally, root: &Path) {
    let suite = |suite: &str, folder: &Path| {
        let mut command = Command::new(root.join("target/release/heliotrope-harness"));
        command.current_dir(root).args(["conformance", suite]).arg(folder);
        command
    };
    let own = root.join("contracts/checks/vectors");
    for name in ["check-vectors", "helium-mobile"] {
        tally.run(&format!("conformance {name}"), Format::Plain, &mut suite(name, &own));
    }
    let Some(vectors) = vectors() else {
        for (suite, folder) in CONFORMANCE {
            tally.skip(&format!("conformance {suite} {folder}"), "../shared/vectors is not there");
        }
        return;
    };
    for (name, folder) in CONFORMANCE {
        let mut command = suite(name, &vectors.join(folder));
        tally.run(&format!("conformance {name} {folder}"), Format::Plain, &mut command);
    }
}

/// Real mainnet, verified natively and as wasm: the same bytes must lead to the same block.
fn native_is_wasm(tally: &mut Tally, root: &Path, node_package: &Path) -> Result<()> {
    let core = bench::sync_core(root)?;
    for folder in MAINNET {
        let name = format!("mainnet, native and wasm: {folder}");
        let Some(vectors) = vectors() else {
            tally.skip(&name, "../shared/vectors is not there");
            continue;
        };
        tally.check(&name, same_block(root, node_package, &core, &vectors.join(folder)));
    }
    Ok(())
}

fn same_block(root: &Path, node_package: &Path, core: &Path, folder: &Path) -> Result<()> {
    let mut native = Command::new(root.join("target/release/heliotrope"));
    let native = quietly("heliotrope sync", native.args(["sync", "--recorded"]).arg(folder))?;
    let mut wasm = Command::new("node");
    wasm.arg(root.join("tests/conformance/sync-in-wasm.mjs")).arg(node_package).arg(folder);
    let wasm = quietly("the same as wasm", &mut wasm)?;
    let (native, wasm) = (native.lines().last(), wasm.lines().last());
    anyhow::ensure!(native.is_some() && native == wasm, "native: {native:?}\nwasm: {wasm:?}");
    let compact = root.join("target/heliotrope/compact");
    bench::compact(folder, &compact)?;
    let mut core_in_wasm = Command::new("node");
    core_in_wasm.arg(root.join("tests/conformance/core-in-wasm.mjs")).arg(core).arg(compact);
    let slot = quietly("the same by the sync core, without the keys", &mut core_in_wasm)?;
    let reached = native.is_some_and(|native| native.contains(slot.trim()));
    anyhow::ensure!(reached, "native: {native:?}\nsync core: {slot}");
    eprintln!("  {}", native.unwrap_or_default());
    Ok(())
}

/// A real chain, a real gateway, a real browser; then the same with liars.
fn end_to_end(tally: &mut Tally, root: &Path) -> Result<()> {
    let checks = world::build(root)?;
    let web = build_web(root, &root.join("target/heliotrope/web"))?;
    native_is_wasm(tally, root, &web.node_dir)?;
    browser_tests::map(tally, root, &checks, &web)?;
    browser_tests::change_and_settlement(tally, root, &checks, &web)
}
