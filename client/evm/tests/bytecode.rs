//! Small programs, one per rule: what a call may see, what it is told when it sees more, and what it costs.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests: a panic is a failure"
)]

use alloy_primitives::{Address, B256, Bytes, U256, address, b256, hex, keccak256};
use heliotrope_evm::{
    BlockContext, Call, CallOutcome, EvmError, Missing, ProvenState, SpecId, StateError, call,
    estimate_gas,
};
use heliotrope_verifier::proofs::{eip1186::Account, mpt::EMPTY_ROOT_HASH};

const HERE: Address = address!("00000000000000000000000000000000000000aa");
const SOME_ROOT: B256 = b256!("11111111111111111111111111111111111111111111111111111111111111aa");
const BLOCK: BlockContext = BlockContext {
    number: 100,
    timestamp: 1_760_000_000,
    coinbase: Address::ZERO,
    prev_randao: SOME_ROOT,
    base_fee: 7,
    gas_limit: 30_000_000,
    excess_blob_gas: Some(0),
    blob_base_fee_update_fraction: None,
};

fn account(code: &[u8], storage_root: B256) -> Account {
    Account { nonce: 1, balance: U256::ZERO, storage_root, code_hash: keccak256(code) }
}

/// A state with `code` at [`HERE`] and nobody else.
fn state(code: &[u8], storage_root: B256) -> ProvenState {
    let mut state = ProvenState::new();
    state.insert_account(HERE, Some(account(code, storage_root)));
    state.insert_account(Address::ZERO, None);
    state.insert_code(keccak256(code), Bytes::copy_from_slice(code)).unwrap();
    state
}

fn run(state: &ProvenState, spec: SpecId, data: &[u8]) -> Result<CallOutcome, EvmError> {
    let message = Call { to: Some(HERE), data: Bytes::copy_from_slice(data), ..Call::default() };
    call(1, spec, &BLOCK, &message, state)
}

fn word(outcome: &CallOutcome) -> U256 {
    match outcome {
        CallOutcome::Success { output, .. } => U256::from_be_slice(output),
        other => panic!("{other:?}"),
    }
}

/// `sload(5)`, returned.
const READ_SLOT_5: [u8; 11] = hex!("60055460005260206000f3");

#[test]
fn an_unproven_slot_is_named_and_a_proven_one_is_read() {
    let mut state = state(&READ_SLOT_5, SOME_ROOT);
    let missing = Missing::Storage(HERE, U256::from(5));
    assert_eq!(run(&state, SpecId::PRAGUE, &[]), Err(EvmError::Missing(missing)));
    state.insert_storage(HERE, U256::from(5), U256::from(42));
    assert_eq!(word(&run(&state, SpecId::PRAGUE, &[]).unwrap()), U256::from(42));
}

#[test]
fn an_account_without_storage_proves_all_its_slots_zero() {
    let state = state(&READ_SLOT_5, EMPTY_ROOT_HASH);
    assert_eq!(word(&run(&state, SpecId::PRAGUE, &[]).unwrap()), U256::ZERO);
}

#[test]
fn unproven_accounts_and_code_are_named() {
    let nobody = ProvenState::new();
    assert!(matches!(
        run(&nobody, SpecId::PRAGUE, &[]),
        Err(EvmError::Missing(Missing::Account(_)))
    ));
    let mut codeless = ProvenState::new();
    codeless.insert_account(HERE, Some(account(&READ_SLOT_5, SOME_ROOT)));
    codeless.insert_account(Address::ZERO, None);
    let missing = Missing::Code(keccak256(READ_SLOT_5));
    assert_eq!(run(&codeless, SpecId::PRAGUE, &[]), Err(EvmError::Missing(missing)));
}

#[test]
fn other_code_than_the_proven_is_refused() {
    let mut state = ProvenState::new();
    let expected = keccak256(READ_SLOT_5);
    let mut other = READ_SLOT_5;
    other[1] ^= 1;
    let got = keccak256(other);
    let refused = state.insert_code(expected, Bytes::copy_from_slice(&other));
    assert_eq!(refused, Err(StateError::CodeHash { got, expected }));
    assert_eq!(state.account(&HERE), None);
}

#[test]
fn block_hashes_are_proven_too() {
    // blockhash(99)
    let mut state = state(&hex!("60634060005260206000f3"), EMPTY_ROOT_HASH);
    let missing = Missing::BlockHash(99);
    assert_eq!(run(&state, SpecId::PRAGUE, &[]), Err(EvmError::Missing(missing)));
    state.insert_block_hash(99, SOME_ROOT);
    assert_eq!(word(&run(&state, SpecId::PRAGUE, &[]).unwrap()), U256::from_be_bytes(SOME_ROOT.0));
}

#[test]
fn the_block_is_what_its_header_says() {
    // Each program returns one field of the block.
    let timestamp = hex!("4260005260206000f3");
    let randao = hex!("4460005260206000f3");
    let base_fee = hex!("4860005260206000f3");
    let chain_id = hex!("4660005260206000f3");
    let table: [(&[u8], U256); 4] = [
        (&timestamp, U256::from(BLOCK.timestamp)),
        (&randao, U256::from_be_bytes(SOME_ROOT.0)),
        (&base_fee, U256::from(7)),
        (&chain_id, U256::ONE),
    ];
    for (code, expected) in table {
        let state = state(code, EMPTY_ROOT_HASH);
        assert_eq!(word(&run(&state, SpecId::PRAGUE, &[]).unwrap()), expected);
    }
}

#[test]
fn a_fork_changes_the_rules() {
    // clz(1) of EIP-7939, 255 since Osaka and no instruction before
    let state = state(&hex!("60011e60005260206000f3"), EMPTY_ROOT_HASH);
    assert!(matches!(run(&state, SpecId::PRAGUE, &[]), Ok(CallOutcome::Halt { .. })));
    assert_eq!(word(&run(&state, SpecId::OSAKA, &[]).unwrap()), U256::from(255));
}

#[test]
fn reverts_and_endless_loops_come_back_as_what_they_are() {
    let reverts = state(&hex!("602a60005260206000fd"), EMPTY_ROOT_HASH);
    let outcome = run(&reverts, SpecId::PRAGUE, &[]).unwrap();
    assert!(matches!(outcome, CallOutcome::Revert { ref output, .. } if output[31] == 42));
    let endless = state(&hex!("5b600056"), EMPTY_ROOT_HASH);
    let outcome = run(&endless, SpecId::PRAGUE, &[]).unwrap();
    assert!(matches!(outcome, CallOutcome::Halt { gas_used: 30_000_000, .. }), "{outcome:?}");
}

#[test]
fn value_needs_balance() {
    let state = state(&[], EMPTY_ROOT_HASH);
    let message = Call { to: Some(HERE), value: U256::ONE, ..Call::default() };
    let refused = call(1, SpecId::PRAGUE, &BLOCK, &message, &state);
    assert!(matches!(refused, Err(EvmError::Refused(_))), "{refused:?}");
}

/// Writes 1 to slot 0, then clears it: refunded gas is needed all the same while it runs.
const WRITE_AND_CLEAR: [u8; 10] = hex!("60016000556000600055");

#[test]
fn an_estimate_is_the_smallest_limit_that_succeeds() {
    for code in [&WRITE_AND_CLEAR[..], &READ_SLOT_5, &[]] {
        let state = state(code, EMPTY_ROOT_HASH);
        let message = Call { to: Some(HERE), ..Call::default() };
        let gas = estimate_gas(1, SpecId::PRAGUE, &BLOCK, &message, &state).unwrap();
        let with = |gas| {
            let message = Call { gas: Some(gas), ..message.clone() };
            call(1, SpecId::PRAGUE, &BLOCK, &message, &state)
        };
        assert!(matches!(with(gas), Ok(CallOutcome::Success { .. })), "{gas}");
        assert!(!matches!(with(gas - 1), Ok(CallOutcome::Success { .. })), "{gas}");
    }
}

#[test]
fn what_fails_with_all_gas_has_no_estimate() {
    let state = state(&hex!("60006000fd"), EMPTY_ROOT_HASH);
    let message = Call { to: Some(HERE), ..Call::default() };
    let failed = estimate_gas(1, SpecId::OSAKA, &BLOCK, &message, &state);
    assert!(matches!(failed, Err(EvmError::Fails { gas: 16_777_216, .. })), "{failed:?}");
}

#[test]
fn precompiles_are_all_there() {
    // staticcall(gas, address, in 0..calldatasize, out 0..32); returns 32 bytes
    let program = |address: u16| {
        let [high, low] = address.to_be_bytes();
        let mut code = hex!("366000600037602060003660006100005afa60005260206000f3").to_vec();
        code[15] = high;
        code[16] = low;
        code
    };
    let mut failed = Vec::new();
    // 1..=0xa to Cancun, 0xb..=0x11 (BLS12-381) with Prague; with empty input hashes and identity
    // succeed, curve operations refuse, and a missing precompile would be an unproven account
    for address in (1..=0x11).chain([0x100]) {
        let state = state(&program(address), EMPTY_ROOT_HASH);
        if run(&state, SpecId::OSAKA, &[]).is_err() {
            failed.push(address);
        }
    }
    assert!(failed.is_empty(), "{failed:x?}");
}
