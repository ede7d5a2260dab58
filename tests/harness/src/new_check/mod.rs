//! `new-check NAME`: lays out a check that works, to be changed rule by rule.
//!
//! ```text
//!  contracts/checks/src/<name>/{mod,tests}.rs   rules, and tests that make the vectors
//!  contracts/checks/src/bin/<name>.rs           the module
//!  contracts/checks/src/lib.rs, Cargo.toml, manifest.toml   one entry each
//!  contracts/checks/vectors/<name>/*.json       written by the tests
//! ```
//! Nothing outside `contracts/checks` changes. Every text is made before the first file is written, so a
//! name that does not do leaves nothing behind. `docs/writing-a-check.md` says how to go on.

use crate::{checks_build, command::quietly};
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const CHECKS: &str = "contracts/checks";
const MOD: &str = include_str!("template/mod.txt");
const TESTS: &str = include_str!("template/tests.txt");
const BIN: &str = include_str!("template/bin.txt");
/// Longest name that a description takes.
const MAX_NAME_LEN: usize = 64;

/// Lays the check out, and has its tests write its vectors.
///
/// # Errors
/// If the name does not do, the check exists, or its tests fail.
pub fn new_check(root: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let written = lay_out(root, name)?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["test", "--release", "--quiet", "-p", "heliotrope-checks"]);
    cargo.arg(name.replace('-', "_")).env("HELIOTROPE_WRITE_VECTORS", "1");
    quietly("new check: its tests", &mut cargo)?;
    Ok(written)
}

/// Writes the files of a check; the files written, below `root`.
fn lay_out(root: &Path, name: &str) -> Result<Vec<PathBuf>> {
    check_name(name)?;
    let module = name.replace('-', "_");
    let checks = root.join(CHECKS);
    let fill = |text: &str| text.replace("@NAME@", name).replace("@MODULE@", &module);
    let read = |file: &str| {
        fs::read_to_string(checks.join(file)).with_context(|| format!("{CHECKS}/{file}"))
    };
    let new = [
        (format!("src/{module}/mod.rs"), fill(MOD)),
        (format!("src/{module}/tests.rs"), fill(TESTS)),
        (format!("src/bin/{name}.rs"), fill(BIN)),
    ];
    for (file, _) in &new {
        ensure!(!checks.join(file).exists(), "{CHECKS}/{file} exists: there is such a check");
    }
    let source = format!("{CHECKS}/src/{module}");
    let changed = [
        ("src/lib.rs".to_owned(), with_module(&read("src/lib.rs")?, &module)?),
        ("Cargo.toml".to_owned(), with_bin(&read("Cargo.toml")?, name)?),
        (
            "manifest.toml".to_owned(),
            checks_build::with_check(&read("manifest.toml")?, name, &source)?,
        ),
    ];
    let mut written = Vec::new();
    for (file, text) in new.into_iter().chain(changed) {
        let path = checks.join(&file);
        fs::create_dir_all(path.parent().context("a file in a folder")?)?;
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        written.push(Path::new(CHECKS).join(file));
    }
    Ok(written)
}

/// A name is a Rust module with dashes for underscores: `air-quality`.
fn check_name(name: &str) -> Result<()> {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let starts = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    ensure!(
        name.len() <= MAX_NAME_LEN && starts && name.split('-').all(word),
        "name {name:?}, expected at most {MAX_NAME_LEN} small letters and digits in words joined by \
         dashes, as air-quality"
    );
    Ok(())
}

/// `lib.rs` with one more module and one more entry in its list of checks.
fn with_module(lib: &str, module: &str) -> Result<String> {
    let mut lines: Vec<String> = lib.lines().map(str::to_owned).collect();
    let declared = |line: &str| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    let listed = |line: &str| {
        let (name, _) = line.strip_prefix("    ")?.strip_suffix("\",")?.split_once(" = \"")?;
        Some(name.to_owned())
    };
    let feature = module.replace('_', "-");
    let declaration =
        format!("#[cfg(any(feature = \"all\", feature = \"{feature}\"))]\npub mod {module};");
    insert_sorted(&mut lines, module, &declaration, declared)?;
    insert_sorted(&mut lines, module, &format!("    {module} = \"{feature}\","), listed)?;
    Ok(lines.join("\n") + "\n")
}

/// Puts text into the run of lines that `name_of` knows, by name, and before attributes of its successor.
fn insert_sorted(
    lines: &mut Vec<String>,
    name: &str,
    text: &str,
    name_of: impl Fn(&str) -> Option<String>,
) -> Result<()> {
    let named: Vec<(usize, String)> =
        lines.iter().enumerate().filter_map(|(at, line)| Some((at, name_of(line)?))).collect();
    ensure!(named.iter().all(|(_, there)| there != name), "lib.rs already names {name}");
    let (last, _) = named.last().context("lib.rs lists no checks")?;
    let mut place = named.iter().find(|(_, there)| there.as_str() > name).map_or(last + 1, |x| x.0);
    while place > 0 && lines[place - 1].starts_with("#[") {
        place -= 1;
    }
    lines.insert(place, text.to_owned());
    Ok(())
}

/// `Cargo.toml` with one more program, and the feature that builds it alone.
fn with_bin(cargo: &str, name: &str) -> Result<String> {
    let feature = format!("all = []\n{name} = []\n");
    ensure!(cargo.contains("all = []\n"), "Cargo.toml has no feature of all checks");
    let cargo = cargo.replacen("all = []\n", &feature, 1);
    let (before, after) =
        cargo.split_once("[dependencies]\n").context("Cargo.toml has no dependencies")?;
    let bin = format!(
        "[[bin]]\nname = \"{name}\"\npath = \"src/bin/{name}.rs\"\ntest = false\nbench = false\n\n"
    );
    Ok(format!("{before}{bin}[dependencies]\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_and_names_that_do_not() {
        for name in ["a", "air-quality", "co2", "x-1-y"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for name in ["", "-a", "a-", "a--b", "1a", "Air", "a_b", "a.b", "../a", "ä", &long] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_module_stands_in_its_place_and_leaves_attributes_with_their_own() {
        let lib = "pub mod bee;\nmod cow;\n#[cfg(test)]\nmod vectors;\n\nchecks! {\n    bee = \"bee\",\n}\n";
        let with = |name| with_module(lib, name).unwrap();
        assert!(with("ant").contains("feature = \"ant\"))]\npub mod ant;\npub mod bee;\n"));
        assert!(with("ant").contains("checks! {\n    ant = \"ant\",\n    bee = \"bee\",\n}"));
        assert!(
            with("dog")
                .contains("feature = \"dog\"))]\npub mod dog;\n#[cfg(test)]\nmod vectors;\n")
        );
        assert!(with("yak").contains("feature = \"yak\"))]\npub mod yak;\n"));
        assert!(with("yak").contains("checks! {\n    bee = \"bee\",\n    yak = \"yak\",\n}"));
        assert!(with_module(lib, "bee").is_err());
    }

    /// A copy of the three files that change, in a folder of its own.
    fn checkout(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("heliotrope-{name}-{}", std::process::id()));
        let here = crate::command::workspace_root().join(CHECKS);
        fs::create_dir_all(root.join(CHECKS).join("src")).unwrap();
        for file in ["src/lib.rs", "Cargo.toml", "manifest.toml"] {
            fs::copy(here.join(file), root.join(CHECKS).join(file)).unwrap();
        }
        root
    }

    #[test]
    fn a_check_is_laid_out_once_and_nowhere_else() {
        let root = checkout("new-check");
        let written = lay_out(&root, "air-quality").unwrap();
        assert_eq!(written.len(), 6);
        assert!(written.iter().all(|file| file.starts_with(CHECKS)));
        let text = |file: &str| fs::read_to_string(root.join(CHECKS).join(file)).unwrap();
        assert!(text("src/air_quality/mod.rs").contains("pub const NAME: &str = \"air-quality\";"));
        assert!(text("src/bin/air-quality.rs").contains("export_check!(air_quality);"));
        assert!(text("manifest.toml").contains("name = \"air-quality\""));
        assert!(text("Cargo.toml").contains("path = \"src/bin/air-quality.rs\""));
        for file in &written {
            assert!(!fs::read_to_string(root.join(file)).unwrap().contains("@NAME@"));
        }
        let before = text("src/lib.rs");
        assert!(lay_out(&root, "air-quality").is_err());
        assert!(lay_out(&root, "Air").is_err());
        assert_eq!(text("src/lib.rs"), before);
        fs::remove_dir_all(&root).unwrap();
    }
}
