//! `heliotrope serve-rpc` as a process, and those who ask it: a bare request, and Foundry's `cast`.

use std::{process::Command, time::Duration};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::{
    command::workspace_root,
    contracts_build::tool,
    process::{Process, free_port},
};

/// A served endpoint, and the process behind it.
#[derive(Debug)]
pub struct Endpoint {
    /// Where it listens.
    pub url: String,
    _process: Process,
}

impl Endpoint {
    /// Starts it with these words of the command line, and waits for a proven head.
    pub async fn start(name: &str, words: &[String]) -> Result<Self> {
        let root = workspace_root();
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = Command::new(root.join("target/release/heliotrope"));
        command.args(["serve-rpc", "--listen", &address]).args(words);
        let logs = root.join("target/heliotrope/tests/rpc-logs");
        let mut process = Process::start(name, &mut command, &logs)?;
        let url = format!("http://{address}");
        for _ in 0..200 {
            let answer = ask(&url, "eth_blockNumber", json!([])).await;
            if answer.is_ok_and(|answer| answer["result"].is_string()) {
                return Ok(Self { url, _process: process });
            }
            process.check()?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("{name} does not get ready:\n{}", process.log_tail())
    }
}

/// One request.
pub async fn ask(url: &str, method: &str, params: Value) -> Result<Value> {
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    Ok(reqwest::Client::new().post(url).json(&body).send().await?.json().await?)
}

/// What `cast` prints, or its error.
pub fn cast(url: &str, words: &[&str]) -> Result<String> {
    let output = Command::new(tool(&workspace_root(), "cast"))
        .args(&words[..1])
        .args(["--rpc-url", url])
        .args(&words[1..])
        .env("NO_COLOR", "1")
        .output()?;
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "cast {words:?}: {err}");
    Ok(out.trim().to_owned())
}

/// Fails unless `cast` prints of `ours` what it prints of `theirs`.
pub fn says_the_same(words: &[&str], ours: &str, theirs: &str) -> Result<()> {
    let (ours, theirs) = (cast(ours, words)?, cast(theirs, words)?);
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (json(&ours), json(&theirs)) {
        (Some(ours), Some(theirs)) => agree(&ours, &theirs, &format!("{words:?}")),
        _ => same(&ours, &theirs, &format!("{words:?}")),
    }
}

/// Every member that both have is the same. What the node adds (`size`, `totalDifficulty`) nothing proves; what it
/// leaves out (`blockTimestamp`, in older nodes) is proven all the same.
fn agree(ours: &Value, theirs: &Value, what: &str) -> Result<()> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let both = |name: &String| theirs.get(name).filter(|other| !other.is_null());
            ours.iter().try_for_each(|(name, value)| {
                both(name).map_or(Ok(()), |other| agree(value, other, &format!("{what}.{name}")))
            })
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            same(&ours.len(), &theirs.len(), what)?;
            ours.iter().zip(theirs).try_for_each(|(ours, theirs)| agree(ours, theirs, what))
        }
        _ => same(ours, theirs, what),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(ours: &T, theirs: &T, what: &str) -> Result<()> {
    ensure!(ours == theirs, "{what}: got {ours:?}, the node says {theirs:?}");
    Ok(())
}
