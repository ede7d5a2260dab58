//! Every committed vector, run natively: the files alone, without the tests that made them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use heliotrope_checks::CHECKS;
use heliotrope_device_proofs::abi::{CheckInput, CheckOutput};
use std::fs;
use std::path::{Path, PathBuf};

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths
}

fn bytes(case: &serde_json::Value, field: &str) -> Option<Vec<u8>> {
    match &case[field] {
        serde_json::Value::Null => None,
        text => Some(hex::decode(text.as_str().expect("hex or null")).expect("hex")),
    }
}

#[test]
fn check_vectors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let folders = entries(&root).into_iter().filter(|path| path.is_dir()).count();
    assert_eq!(folders, CHECKS.len(), "a folder for every check");
    for check in CHECKS {
        let folder = root.join(check.name);
        let mut verdicts = Vec::new();
        for path in entries(&folder) {
            let name = path.display();
            let case: serde_json::Value =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let input = bytes(&case, "input").expect("an input");
            let output = (check.check)(&input);
            assert_eq!(output, bytes(&case, "output"), "{name}");
            let plan = CheckInput::decode(&input).ok();
            let plan = plan.and_then(|i| (check.plan)(&i.evidence, &i.params));
            assert_eq!(plan, bytes(&case, "plan"), "{name}");
            let verdict = match &output {
                None => "refused",
                Some(output) => CheckOutput::decode(output).unwrap().verdict.as_str(),
            };
            assert_eq!(case["verdict"], verdict, "{name}");
            verdicts.push(verdict);
        }
        // a set of vectors that only shows one side shows nothing
        for verdict in ["pass", "fail", "refused"] {
            assert!(verdicts.contains(&verdict), "{}: no case is {verdict}", check.name);
        }
    }
}
