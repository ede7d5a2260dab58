//! `src/layout.rs` says what `contracts/layout/*.json` say, which the compiler wrote.
//!
//! After a change of the layouts write it with
//! `HELIOTROPE_WRITE_LAYOUT=1 cargo test --release -p heliotrope-contracts --test layout`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// Widest value that `Field` reads, in bytes.
const MAX_FIELD_LEN: usize = 8;
/// Longest line of `rustfmt.toml`.
const LINE_LEN: usize = 100;

const HEADER: &str = "//! Slots and bit ranges of the proven storage. Generated from \
`contracts/layout/*.json`; do not edit.\n//! `tests/layout.rs` writes it and holds it to them.\n\n\
use alloy_primitives::U256;\n\n\
/// A value inside a storage word.\n\
#[derive(Clone, Copy, Debug, Eq, PartialEq)]\n\
pub struct Field {\n    \
/// Word of the struct, counted from its first; of the contract, where it is no struct's.\n    \
pub word: u64,\n    \
/// Lowest bit in that word.\n    pub offset_bits: usize,\n    \
/// Width, at most 64.\n    pub bits: usize,\n}\n\n\
impl Field {\n    \
/// The value's bits in `word`, as an unsigned number.\n    \
#[must_use]\n    \
pub fn read(self, word: U256) -> u64 {\n        \
let [low, ..] = word.wrapping_shr(self.offset_bits).into_limbs();\n        \
if self.bits >= 64 { low } else { low & !(u64::MAX << self.bits) }\n    }\n}\n";

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn layouts() -> Vec<PathBuf> {
    let folder = fs::read_dir(crate_dir().join("../layout")).unwrap();
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}"))
}

fn constants() -> String {
    let mut out = String::from(HEADER);
    for path in layouts() {
        let layout: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let contract = text(&layout, "contract");
        for entry in layout["storage"].as_array().unwrap() {
            // what libraries keep for themselves is not ours to read
            if !text(entry, "label").starts_with('_') {
                variable(contract, entry, &layout, &mut out);
            }
        }
        for entry in layout["types"].as_object().unwrap().values() {
            let name = text(entry, "label").rsplit('.').next().unwrap();
            for member in entry["members"].as_array().into_iter().flatten() {
                field(name, member, &layout, &mut out);
            }
        }
    }
    out
}

/// A variable of the contract: its slot, or its bits in a slot where it has not all of one.
fn variable(contract: &str, entry: &Value, layout: &Value, out: &mut String) {
    if size(entry, layout) <= MAX_FIELD_LEN {
        return field(contract, entry, layout, out);
    }
    let (label, slot) = (text(entry, "label"), text(entry, "slot"));
    let name = constant(&format!("{contract}_{label}"));
    writeln!(out, "\n/// Slot of `{contract}.{label}`.\npub const {name}: u64 = {slot};").unwrap();
}

fn field(name: &str, member: &Value, layout: &Value, out: &mut String) {
    let bytes = size(member, layout);
    if bytes > MAX_FIELD_LEN {
        return;
    }
    let (label, word) = (text(member, "label"), text(member, "slot"));
    let offset_bits = member["offset"].as_u64().unwrap() * 8;
    let constant = constant(&format!("{name}_{label}"));
    let head = format!("pub const {constant}: Field =");
    let bits = bytes * 8;
    let value = format!("Field {{ word: {word}, offset_bits: {offset_bits}, bits: {bits} }};");
    // as rustfmt breaks a line
    let space = if head.len() + 1 + value.len() > LINE_LEN { "\n    " } else { " " };
    writeln!(out, "\n/// `{name}.{label}`.\n{head}{space}{value}").unwrap();
}

fn size(entry: &Value, layout: &Value) -> usize {
    text(&layout["types"][text(entry, "type")], "numberOfBytes").parse().unwrap()
}

/// `DeviceRegistry_gainDdbi` → `DEVICE_REGISTRY_GAIN_DDBI`.
fn constant(name: &str) -> String {
    let mut out = String::new();
    let mut previous = '_';
    for c in name.trim_end_matches('_').chars() {
        if c.is_ascii_uppercase() && previous != '_' && !previous.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
        previous = c;
    }
    out
}

fn file() -> PathBuf {
    crate_dir().join("src/layout.rs")
}

#[test]
fn the_constants_are_those_of_the_layouts() {
    if std::env::var_os("HELIOTROPE_WRITE_LAYOUT").is_some() {
        fs::write(file(), constants()).unwrap();
    }
    assert!(fs::read_to_string(file()).unwrap() == constants(), "{}", file().display());
}
