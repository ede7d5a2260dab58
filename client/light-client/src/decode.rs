//! Beacon API answers to the verifier's types: SSZ as served (a fork name in a header, or length and
//! fork digest in front of each update), JSON where a source has nothing else.

use heliotrope_verifier::chains::ethereum::{
    ChainSpec, Fork, LightClientBootstrap, LightClientFinalityUpdate, LightClientOptimisticUpdate,
    LightClientSsz, LightClientUpdate,
};

use crate::{beacon_api, platform::FetchResponse};

/// Bytes that are not what was asked for, in words.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

impl DecodeError {
    #[allow(clippy::needless_pass_by_value, reason = "what map_err hands over")]
    fn of(reason: impl ToString) -> Self {
        Self(reason.to_string())
    }
}

/// One bootstrap.
///
/// # Errors
///
/// When the answer is not one encoding of it.
pub fn bootstrap(
    response: &FetchResponse,
    spec: &ChainSpec,
) -> Result<LightClientBootstrap, DecodeError> {
    if response.is_json {
        return beacon_api::bootstrap(&response.body, spec).map_err(DecodeError::of);
    }
    ssz(response, spec)
}

/// One finality update.
///
/// # Errors
///
/// When the answer is not one encoding of it.
pub fn finality_update(
    response: &FetchResponse,
    spec: &ChainSpec,
) -> Result<LightClientFinalityUpdate, DecodeError> {
    if response.is_json {
        return beacon_api::finality_update(&response.body, spec).map_err(DecodeError::of);
    }
    ssz(response, spec)
}

/// One optimistic update.
///
/// # Errors
///
/// When the answer is not one encoding of it.
pub fn optimistic_update(
    response: &FetchResponse,
    spec: &ChainSpec,
) -> Result<LightClientOptimisticUpdate, DecodeError> {
    if response.is_json {
        return beacon_api::optimistic_update(&response.body, spec).map_err(DecodeError::of);
    }
    ssz(response, spec)
}

/// A list of updates.
///
/// # Errors
///
/// When the answer is not one encoding of it.
pub fn updates(
    response: &FetchResponse,
    spec: &ChainSpec,
) -> Result<Vec<LightClientUpdate>, DecodeError> {
    if response.is_json {
        return beacon_api::updates(&response.body, spec).map_err(DecodeError::of);
    }
    let decode =
        |(fork, ssz)| LightClientUpdate::decode(fork, spec.preset(), ssz).map_err(DecodeError::of);
    frames(&response.body, spec).map_err(DecodeError::of)?.into_iter().map(decode).collect()
}

fn ssz<T: LightClientSsz>(response: &FetchResponse, spec: &ChainSpec) -> Result<T, DecodeError> {
    let name = response
        .consensus_version
        .as_deref()
        .ok_or_else(|| DecodeError::of("SSZ without an Eth-Consensus-Version header"))?;
    let fork =
        Fork::from_name(name).ok_or_else(|| DecodeError(format!("unknown fork {name:?}")))?;
    T::decode(fork, spec.preset(), &response.body).map_err(DecodeError::of)
}

/// Cuts `[u64 LE length][4-byte fork digest][SSZ]` repeated, the length counting the digest.
pub(crate) fn frames<'a>(
    mut bytes: &'a [u8],
    spec: &ChainSpec,
) -> Result<Vec<(Fork, &'a [u8])>, String> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or("cut short in a length")?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|e| e.to_string())?;
        let (frame, rest) = rest
            .split_at_checked(length)
            .ok_or_else(|| format!("update of {length} bytes, only {} are there", rest.len()))?;
        let (digest, ssz) = frame.split_first_chunk::<4>().ok_or("cut short in a fork digest")?;
        let fork = spec
            .fork_of_digest(*digest)
            .ok_or_else(|| format!("unknown fork digest 0x{}", hex::encode(digest)))?;
        frames.push((fork, ssz));
        bytes = rest;
    }
    Ok(frames)
}
