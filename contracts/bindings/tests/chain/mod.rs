//! An anvil that a test has for itself, driven by `cast`; every word that it is asked for is proven.
#![allow(dead_code, reason = "each test uses some of it")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use alloy_primitives::{Address, B256, U256, hex};
use heliotrope_contracts::offset;
use heliotrope_verifier::proofs::eip1186::{verify_account, verify_storage};
use serde_json::Value;

/// anvil's first account, whose key is in its documentation.
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
pub(crate) const OWNER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

/// An anvil of its own, and what drives it.
pub(crate) struct Chain {
    node: Child,
    pub(crate) rpc: String,
    pub(crate) root: PathBuf,
}

impl Drop for Chain {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

impl Chain {
    pub(crate) fn start(hardfork: &str) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let anvil = tool(&root, "anvil");
        if !anvil.is_file() || !root.join("out/HexEscrow.sol/HexEscrow.json").is_file() {
            return None;
        }
        let mut node = Command::new(anvil)
            .args(["--host", "127.0.0.1", "--port", "0", "--hardfork", hardfork])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(node.stdout.take().unwrap()).lines();
        let at = lines.map(Result::unwrap).find_map(|line| {
            line.strip_prefix("Listening on ").map(|address| format!("http://{address}"))
        });
        Some(Self { node, rpc: at.unwrap(), root })
    }

    pub(crate) fn cast(&self, arguments: &[&str]) -> String {
        let (command, rest) = arguments.split_first().unwrap();
        let mut cast = Command::new(tool(&self.root, "cast"));
        let output = cast.args([command, "--rpc-url", &self.rpc]).args(rest).output().unwrap();
        let (out, err) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
        assert!(output.status.success(), "{arguments:?}: {err}");
        String::from_utf8(out).unwrap().trim().to_owned()
    }

    pub(crate) fn deploy(&self, contract: &str, signature: &str, arguments: &[&str]) -> Address {
        let artefact = fs::read(self.root.join(format!("out/{contract}.sol/{contract}.json")));
        let artefact: Value = serde_json::from_slice(&artefact.unwrap()).unwrap();
        let code = artefact["bytecode"]["object"].as_str().unwrap();
        let mut call = vec!["send", "--private-key", KEY, "--json", "--create", code, signature];
        call.extend_from_slice(arguments);
        let receipt: Value = serde_json::from_str(&self.cast(&call)).unwrap();
        receipt["contractAddress"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn send(&self, to: Address, value: &str, signature: &str, arguments: &[&str]) {
        let to = to.to_string();
        let mut call =
            vec!["send", "--private-key", KEY, "--json", "--value", value, &to, signature];
        call.extend_from_slice(arguments);
        let receipt: Value = serde_json::from_str(&self.cast(&call)).unwrap();
        assert_eq!(receipt["status"], "0x1", "{signature}");
    }

    /// What a getter returns, one number per value of its tuple.
    pub(crate) fn get(&self, of: Address, signature: &str, arguments: &[&str]) -> Vec<U256> {
        let of = of.to_string();
        let mut call = vec!["call", &of, signature];
        call.extend_from_slice(arguments);
        let printed = self.cast(&call);
        let values = printed.trim_matches(['(', ')']).split([',', '\n']);
        values.map(|value| number(value.split_whitespace().next().unwrap())).collect()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.cast(arguments)).unwrap()
    }

    /// Writes a word where only a long history would.
    pub(crate) fn put(&self, of: Address, slot: B256, word: U256) {
        let (of, slot, word) = (of.to_string(), slot.to_string(), B256::from(word).to_string());
        self.cast(&["rpc", "anvil_setStorageAt", &of, &slot, &word]);
        self.cast(&["rpc", "evm_mine"]);
    }

    /// The word at a slot, proven under the state root of the newest block by the client's own verifier.
    pub(crate) fn word(&self, of: Address, slot: B256) -> U256 {
        let block = self.json(&["rpc", "eth_getBlockByNumber", "latest", "false"]);
        let state_root = block["stateRoot"].as_str().unwrap().parse().unwrap();
        let (name, slots) = (of.to_string(), format!("[\"{slot}\"]"));
        let number = block["number"].as_str().unwrap();
        let proof = self.json(&["rpc", "eth_getProof", &name, &slots, number]);
        let nodes = |proof: &Value| -> Vec<Vec<u8>> {
            let nodes = proof.as_array().unwrap().iter();
            nodes.map(|node| hex::decode(node.as_str().unwrap()).unwrap()).collect()
        };
        let account = verify_account(state_root, of, &nodes(&proof["accountProof"])).unwrap();
        let entry = &proof["storageProof"][0];
        let root = account.unwrap().storage_root;
        let word = verify_storage(root, slot, &nodes(&entry["proof"])).unwrap();
        assert_eq!(word, entry["value"].as_str().unwrap().parse::<U256>().unwrap());
        word
    }

    pub(crate) fn pass(&self, seconds: &str) {
        self.cast(&["rpc", "evm_increaseTime", seconds]);
        self.cast(&["rpc", "evm_mine"]);
    }

    /// Every member of a struct at its slot is what the getter returns in its place.
    pub(crate) fn same(&self, contract: &str, of: Address, name: &str, first: B256, got: &[U256]) {
        let layout = fs::read(self.root.join(format!("layout/{contract}.json"))).unwrap();
        let layout: Value = serde_json::from_slice(&layout).unwrap();
        let members = layout["types"][format!("t_struct({name})_storage")]["members"].clone();
        let members = members.as_array().unwrap();
        assert_eq!(members.len(), got.len(), "{contract}.{name}");
        let mut any = false;
        for (member, got) in members.iter().zip(got) {
            let text = |key: &str| member[key].as_str().unwrap();
            let bytes = layout["types"][text("type")]["numberOfBytes"].as_str().unwrap();
            let word = self.word(of, offset(first, text("slot").parse().unwrap()));
            let value = word >> (8 * member["offset"].as_u64().unwrap());
            let mask = U256::MAX >> (256 - 8 * bytes.parse::<usize>().unwrap());
            assert_eq!(value & mask, *got & mask, "{contract}.{name}.{}", text("label"));
            any |= !got.is_zero();
        }
        assert!(any, "{contract}.{name} is all zero");
    }
}

pub(crate) fn tool(root: &Path, name: &str) -> PathBuf {
    root.join(format!("node_modules/@foundry-rs/{name}-linux-amd64/bin/{name}"))
}

fn number(text: &str) -> U256 {
    match (text, text.strip_prefix('-')) {
        ("true", _) => U256::ONE,
        ("false", _) => U256::ZERO,
        (_, Some(positive)) => U256::ZERO.wrapping_sub(positive.parse().unwrap()),
        _ => text.parse().unwrap(),
    }
}
