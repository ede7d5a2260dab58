//! Builds the contracts and keeps three things the same: what the compiler says of their storage,
//! the committed `contracts/layout/*.json`, and the Rust constants in `contracts/bindings`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::command::quietly;

/// Contracts whose storage is read by light clients.
const PROVEN: [&str; 3] = ["CheckRegistry", "DeviceRegistry", "SettlementLedger"];

/// A program of the contracts' npm packages: the binary itself, since the script that usually stands
/// before it would not pass a signal on.
#[must_use]
pub fn tool(root: &Path, name: &str) -> PathBuf {
    root.join(format!("contracts/node_modules/@foundry-rs/{name}-linux-amd64/bin/{name}"))
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

/// Compares the compiler's storage layouts with the committed ones, or writes them.
pub fn layouts(root: &Path, update: bool) -> Result<()> {
    let mut constants = String::from(HEADER);
    for contract in PROVEN {
        let printed = quietly(
            &format!("contracts: storage layout of {contract}"),
            forge(root).args(["inspect", contract, "storageLayout", "--json"]),
        )?;
        let layout = canonical(contract, &serde_json::from_str(&printed)?)?;
        constants_of(contract, &layout, &mut constants)?;
        let text = serde_json::to_string_pretty(&layout)? + "\n";
        settle(&root.join(format!("contracts/layout/{contract}.json")), &text, update)?;
    }
    settle(&root.join("contracts/bindings/src/layout.rs"), &constants, update)
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
        "{} differs from what the compiler says; a layout is only ever extended. If this change \
         is one, write it with: cargo run --release -p heliotrope-harness -- layout --update",
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

const HEADER: &str = "//! Slots and bit ranges of the proven storage. Generated from the compiler's \
storage layout by\n//! `cargo run --release -p heliotrope-harness -- layout --update`; do not edit.\n\n\
use alloy_primitives::U256;\n\n\
/// A struct member inside a storage word.\n\
#[derive(Clone, Copy, Debug, Eq, PartialEq)]\n\
pub struct Field {\n    \
/// Word of the struct, counted from its first.\n    pub word: u64,\n    \
/// Lowest bit in that word.\n    pub offset_bits: usize,\n    \
/// Width, at most 64.\n    pub bits: usize,\n}\n\n\
impl Field {\n    \
/// The member's bits in `word`, as an unsigned number.\n    \
#[must_use]\n    \
pub fn read(self, word: U256) -> u64 {\n        \
let [low, ..] = word.wrapping_shr(self.offset_bits).into_limbs();\n        \
if self.bits >= 64 { low } else { low & !(u64::MAX << self.bits) }\n    }\n}\n";

fn constants_of(contract: &str, layout: &Value, out: &mut String) -> Result<()> {
    for entry in layout["storage"].as_array().context("storage")? {
        let (label, slot) = (entry["label"].as_str().unwrap_or(""), entry["slot"].as_str());
        let slot = slot.context("slot")?;
        // what libraries keep for themselves is not ours to read
        if !label.starts_with('_') {
            let name = constant(&format!("{contract}_{label}"));
            writeln!(out, "\n/// Slot of `{contract}.{label}`.\npub const {name}: u64 = {slot};")?;
        }
    }
    for entry in layout["types"].as_object().context("types")?.values() {
        let Some(members) = entry["members"].as_array() else { continue };
        let name = entry["label"].as_str().unwrap_or("").rsplit('.').next().unwrap_or("");
        for member in members {
            field(name, member, layout, out)?;
        }
    }
    Ok(())
}

fn field(name: &str, member: &Value, layout: &Value, out: &mut String) -> Result<()> {
    let label = member["label"].as_str().context("member without label")?;
    let kind = member["type"].as_str().context("member without type")?;
    let bytes: usize = layout["types"][kind]["numberOfBytes"].as_str().context("size")?.parse()?;
    if bytes > 8 {
        return Ok(());
    }
    let (word, offset) = (member["slot"].as_str().context("slot")?, &member["offset"]);
    let offset_bits = offset.as_u64().context("offset")? * 8;
    let constant = constant(&format!("{name}_{label}"));
    writeln!(
        out,
        "\n/// `{name}.{label}`.\npub const {constant}: Field = Field {{ word: {word}, \
         offset_bits: {offset_bits}, bits: {} }};",
        bytes * 8
    )?;
    Ok(())
}

/// `DeviceRegistry_gainDdbi` → `DEVICE_REGISTRY_GAIN_DDBI`.
fn constant(name: &str) -> String {
    let mut out = String::new();
    let mut previous = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && previous != '_' && !previous.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
        previous = c;
    }
    out
}
