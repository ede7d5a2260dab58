//! Builds the contracts and holds the committed `contracts/layout/*.json` to what the compiler says of
//! their storage. The Rust constants in `contracts/bindings` are held to those files by its own tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::command::quietly;

/// Contracts whose storage is read by light clients.
const PROVEN: [&str; 12] = [
    "CheckRegistry",
    "DeviceRegistry",
    "DisputeGame",
    "GatewayQuorum",
    "HexEscrow",
    "PriceFeed",
    "RewardDistributor",
    "RewardReserve",
    "RewardSchedule",
    "ServiceCredits",
    "ServiceLevel",
    "SettlementLedger",
];
/// Lines of `contracts/src` that the tests must reach, in hundredths.
const LEAST_COVERAGE: f64 = 95.0;

/// A program of the contracts' npm packages: the binary itself, since the script that usually stands
/// before it would not pass a signal on.
#[must_use]
pub fn tool(root: &Path, name: &str) -> PathBuf {
    root.join(format!("contracts/node_modules/@foundry-rs/{name}-linux-amd64/bin/{name}"))
}

/// Whether those packages are installed; what is skipped for want of them says so.
#[must_use]
pub fn packages_are_there(root: &Path) -> bool {
    let there = tool(root, "anvil").is_file();
    if !there {
        println!("skipped: contracts/node_modules is not there, run cargo test-all");
    }
    there
}

/// Compiles the contracts; their artefacts are then in `contracts/out`.
pub fn build(root: &Path) -> Result<()> {
    quietly("contracts: forge build", forge(root).args(["build", "--offline"]))?;
    Ok(())
}

/// Creation code of a compiled contract.
pub fn bytecode(root: &Path, contract: &str) -> Result<Vec<u8>> {
    let path = root.join(format!("contracts/out/{contract}.sol/{contract}.json"));
    let artefact: Value = serde_json::from_slice(
        &fs::read(&path).with_context(|| format!("{}: run forge build", path.display()))?,
    )?;
    let code = artefact["bytecode"]["object"].as_str().context("artefact without bytecode")?;
    Ok(hex::decode(code.trim_start_matches("0x"))?)
}

/// Compares the compiler's storage layouts with the committed ones, or writes them. What is written
/// extends what was there: light clients read the old slots.
pub fn layouts(root: &Path, update: bool) -> Result<()> {
    for contract in PROVEN {
        let printed = quietly(
            &format!("contracts: storage layout of {contract}"),
            forge(root).args(["inspect", contract, "storageLayout", "--json"]),
        )?;
        let layout = canonical(contract, &serde_json::from_str(&printed)?)?;
        let path = root.join(format!("contracts/layout/{contract}.json"));
        if let Some(committed) = read_layout(&path)? {
            extends(&committed, &layout).with_context(|| path.display().to_string())?;
        }
        settle(&path, &(serde_json::to_string_pretty(&layout)? + "\n"), update)?;
    }
    Ok(())
}

/// The share of the lines of `contracts/src` that the tests reach is large enough. The gas tests stay
/// away: instrumented code costs more.
pub fn coverage(root: &Path) -> Result<()> {
    let mut command = forge(root);
    // its artefacts have no bytecode and no layout, and must not stand where others look
    command.env("FOUNDRY_OUT", "cache/coverage/out").env("FOUNDRY_CACHE_PATH", "cache/coverage");
    command.args(["coverage", "--offline", "--ir-minimum", "--report", "summary"]);
    command.args(["--no-match-contract", "Gas"]);
    command.args(["--no-match-coverage", "(test|script|node_modules)"]);
    let printed = quietly("contracts: forge coverage", &mut command)?;
    let total = printed.lines().find(|line| line.starts_with("| Total")).context("no total")?;
    let percent = total.split('|').nth(2).and_then(|cell| cell.trim().split('%').next());
    let percent: f64 = percent.context("no share of lines")?.parse()?;
    ensure!(percent >= LEAST_COVERAGE, "{percent} % of lines, expected {LEAST_COVERAGE} %");
    Ok(())
}

fn read_layout(path: &Path) -> Result<Option<Value>> {
    Ok(fs::read(path).ok().map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
}

/// Everything that stood somewhere stands there still, under its name and with its type. What libraries
/// keep for themselves (`_name`) is not read by anybody here.
fn extends(old: &Value, new: &Value) -> Result<()> {
    let rows = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let kept = |what: &str, old: &Value, new: &Value| -> Result<()> {
        let new = rows(new);
        for row in rows(old) {
            let library = row["label"].as_str().is_some_and(|label| label.starts_with('_'));
            ensure!(
                library || new.contains(&row),
                "{what} lost {row}: a layout is only ever extended"
            );
        }
        Ok(())
    };
    kept("the contract", &old["storage"], &new["storage"])?;
    for (id, entry) in old["types"].as_object().context("layout without types")? {
        kept(id, &entry["members"], &new["types"][id]["members"])?;
    }
    Ok(())
}

fn forge(root: &Path) -> Command {
    let mut command = Command::new(tool(root, "forge"));
    command.current_dir(root.join("contracts"));
    command
}

fn settle(path: &Path, text: &str, update: bool) -> Result<()> {
    if update {
        return fs::write(path, text).with_context(|| path.display().to_string());
    }
    if fs::read_to_string(path).unwrap_or_default() == text {
        return Ok(());
    }
    bail!(
        "{} differs from what the compiler says; write it with: cargo run --release -p \
         heliotrope-harness -- layout --update, and the constants after it with: cargo test \
         --release -p heliotrope-contracts --test layout -- --ignored",
        path.display()
    )
}

/// The layout without what changes from build to build.
fn canonical(contract: &str, printed: &Value) -> Result<Value> {
    let row = |entry: &Value| {
        json!({
            "label": entry["label"],
            "slot": entry["slot"],
            "offset": entry["offset"],
            "type": plain(entry["type"].as_str().unwrap_or_default()),
        })
    };
    let rows = |list: &Value| list.as_array().map(|l| l.iter().map(row).collect::<Vec<_>>());
    let mut types = serde_json::Map::new();
    for (id, entry) in printed["types"].as_object().context("layout without types")? {
        let mut kept = json!({ "label": entry["label"], "numberOfBytes": entry["numberOfBytes"] });
        if let Some(members) = rows(&entry["members"]) {
            kept["members"] = json!(members);
        }
        types.insert(plain(id), kept);
    }
    let storage = rows(&printed["storage"]).context("layout without storage")?;
    Ok(json!({ "contract": contract, "storage": storage, "types": types }))
}

/// A type's name without the compiler's running number: `t_struct(Device)7748_storage`.
fn plain(id: &str) -> String {
    let mut out = String::new();
    let mut after_parenthesis = false;
    for c in id.chars() {
        if after_parenthesis && c.is_ascii_digit() {
            continue;
        }
        after_parenthesis = c == ')';
        out.push(c);
    }
    out
}
