//! `eth_estimateGas`.

use crate::{
    BlockContext, Call, CallOutcome, EvmError, ProvenState, SpecId, execute::call as execute,
};

/// EIP-7825: no transaction has more gas since Osaka.
const MAX_TX_GAS: u64 = 1 << 24;
/// Gas of a transaction that does nothing.
const TX_GAS: u64 = 21_000;

/// The smallest gas limit with which `call` succeeds.
///
/// Clients differ here: geth stops within 1.5 % above. This one goes to the end, so that the answer
/// depends on nothing but the state.
///
/// # Errors
///
/// [`EvmError::Fails`] when the call fails with all the gas it may have; else as [`crate::call`].
pub fn estimate_gas(
    chain_id: u64,
    spec: SpecId,
    block: &BlockContext,
    call: &Call,
    state: &ProvenState,
) -> Result<u64, EvmError> {
    let attempt = |gas: u64| {
        let call = Call { gas: Some(gas), ..call.clone() };
        execute(chain_id, spec, block, &call, state)
    };
    let cap = if spec.is_enabled_in(SpecId::OSAKA) { MAX_TX_GAS } else { u64::MAX };
    let most = call.gas.unwrap_or(block.gas_limit).min(cap);
    let used = match attempt(most)? {
        CallOutcome::Success { gas_used, .. } => gas_used,
        outcome => return Err(EvmError::Fails { gas: most, outcome }),
    };
    // Fails below, succeeds at. What a call paid is a good guess: it needs more only while it runs
    // (refunds, the 63/64 of EIP-150).
    let (mut fails, mut succeeds) = (TX_GAS.min(used).saturating_sub(1), most);
    let mut guess = used;
    while fails.saturating_add(1) < succeeds {
        let enough = match attempt(guess) {
            Ok(CallOutcome::Success { .. }) => true,
            // too little gas to begin with is refused before anything runs
            Ok(_) | Err(EvmError::Refused(_)) => false,
            Err(error) => return Err(error),
        };
        let middle;
        if enough {
            succeeds = guess;
            // the first guess is most often right, which one step down shows
            middle = if guess == used { used.saturating_sub(1) } else { fails.midpoint(succeeds) };
        } else {
            fails = guess;
            // from a failure in small steps: the answer is near
            let near = fails.saturating_add(fails.div_euclid(32));
            middle = fails.midpoint(succeeds).min(near);
        }
        guess = middle.max(fails.saturating_add(1));
    }
    Ok(succeeds)
}
