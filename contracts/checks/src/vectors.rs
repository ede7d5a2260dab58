//! The committed vectors of a check, made from its own tests: `vectors/<check>/<case>.json`, see the README
//! there. A case that the rules judge otherwise than its file says fails; `HELIOTROPE_WRITE_VECTORS=1` writes
//! the files anew, and the difference is there to be read before it is committed.

use crate::{CHECKS, Check};
use heliotrope_device_proofs::abi::{CheckInput, CheckOutput};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A case: name of the file, what it shows, and the input.
pub(crate) type Case = (&'static str, &'static str, Vec<u8>);

fn text(check: &Check, about: &str, input: &[u8]) -> String {
    let plan = CheckInput::decode(input).ok().and_then(|i| (check.plan)(&i.evidence, &i.params));
    let output = (check.check)(input);
    let verdict = output.as_ref().map_or("refused", |output| {
        CheckOutput::decode(output).expect("a check writes what decodes").verdict.as_str()
    });
    let value = serde_json::json!({
        "about": about,
        "input": hex::encode(input),
        "output": output.map(hex::encode),
        "plan": plan.map(hex::encode),
        "verdict": verdict,
    });
    serde_json::to_string_pretty(&value).expect("text is JSON") + "\n"
}

/// Holds the files of the check of this name against its cases.
pub(crate) fn hold(name: &str, cases: Vec<Case>) {
    let check = CHECKS.iter().find(|check| check.name == name).expect("the check is listed");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(check.name);
    let expected: BTreeMap<String, String> = cases
        .into_iter()
        .map(|(name, about, input)| (format!("{name}.json"), text(check, about, &input)))
        .collect();
    if std::env::var_os("HELIOTROPE_WRITE_VECTORS").is_some() {
        drop(fs::remove_dir_all(&dir));
        fs::create_dir_all(&dir).expect("the folder of the vectors");
        for (name, text) in &expected {
            fs::write(dir.join(name), text).expect("a vector");
        }
    }
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(&dir).expect("the check has vectors").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        found.insert(name, fs::read_to_string(entry.path()).expect("a vector"));
    }
    for (name, text) in &expected {
        assert_eq!(
            found.get(name),
            Some(text),
            "{name}: if the rules changed on purpose, write it"
        );
    }
    assert_eq!(found.len(), expected.len(), "files that no test makes: {:?}", found.keys());
}
