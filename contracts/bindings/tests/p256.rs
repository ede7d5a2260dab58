//! A chain before Osaka: no precompile for P-256, and the registry does without.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

mod chain;

use std::process::Command;

use alloy_primitives::{Address, B256, hex, keccak256};
use heliotrope_contracts::{layout, mapping};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;

use chain::{Chain, OWNER, tool};

/// EIP-7951 came with Osaka. Before it the registry checks P-256 itself.
#[test]
fn a_p256_device_registers_where_there_is_no_precompile() {
    let Some(chain) = Chain::start("prague") else {
        eprintln!("skipped: no anvil or no artefacts, see contracts/README.md");
        return;
    };
    let manager = chain.deploy("AccessManager", "constructor(address)", &[OWNER]).to_string();
    let devices = chain.deploy("DeviceRegistry", "constructor(address)", &[&manager]);
    chain.send(devices, "0", "setTerms(uint40,uint32)", &["1000000000", "0"]);
    // the registry names the key with the smaller y
    let secret = |seed| p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
    let of = |key: &p256::ecdsa::SigningKey| key.verifying_key().to_sec1_point(false);
    let key = (1..9).map(secret).find(|key| of(key).y().unwrap()[0] < 0x7f).unwrap();
    let (x, y) = (of(&key).x().unwrap().to_vec(), of(&key).y().unwrap().to_vec());
    let public = hex::encode_prefixed([&[0][..], &x].concat());
    let meta = B256::repeat_byte(9);
    let with = |proof: &str| {
        let cell = 0x08c1_fb46_741a_e9ff_u64;
        format!("({public},{OWNER},{cell},-12,37,1,{meta},99999999999,{proof})")
    };
    let form = "(bytes,address,uint64,int16,int16,uint8,bytes32,uint256,bytes)";
    let (to, getter) = (devices.to_string(), format!("registrationDigest({form})(bytes32)"));
    let digest: B256 = chain.cast(&["call", &to, &getter, &with("0x")]).parse().unwrap();
    let signature: p256::ecdsa::Signature = key.sign_prehash(digest.as_slice()).unwrap();
    let low = signature.normalize_s();
    let proof = [low.to_bytes().to_vec(), y].concat();
    let other = [&[proof[0] ^ 1][..], &proof[1..]].concat();
    let register = format!("register({form})");

    let precompile = "0x0000000000000000000000000000000000000100";
    let asked =
        hex::encode_prefixed([digest.as_slice(), &low.to_bytes(), &x, &proof[64..]].concat());
    let answer = chain.cast(&["rpc", "eth_call", &call_of(precompile, &asked), "latest"]);
    assert_eq!(answer, "\"0x\"", "the precompile is there");
    let refused = Command::new(tool(&chain.root, "cast"))
        .args([
            "call",
            "--rpc-url",
            &chain.rpc,
            "--from",
            OWNER,
            "--value",
            "1ether",
            &to,
            &register,
        ])
        .arg(with(&hex::encode_prefixed(&other)))
        .output();
    assert!(!refused.unwrap().status.success(), "a forgery was taken");
    chain.send(devices, "1ether", &register, &[&with(&hex::encode_prefixed(&proof))]);
    let id = keccak256(hex::decode(&public).unwrap());
    let word = chain.word(devices, mapping(id, layout::DEVICE_REGISTRY_DEVICES));
    assert_eq!(Address::from_word(word.into()), OWNER.parse::<Address>().unwrap());
}

fn call_of(to: &str, data: &str) -> String {
    format!("{{\"to\":\"{to}\",\"data\":\"{data}\"}}")
}
