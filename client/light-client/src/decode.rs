//! Beacon API answers to the verifier's types: SSZ as served (a fork name in a header, or length and
//! fork digest in front of each update), JSON where a source has nothing else.

use heliotrope_verifier::chains::ethereum::{
    ChainSpec, Fork, LightClientBootstrap, LightClientFinalityUpdate, LightClientSsz,
    LightClientUpdate,
};

use crate::{beacon_api, platform::FetchResponse};

/// One bootstrap.
pub(crate) fn bootstrap(
    response: &FetchResponse,
    spec: &ChainSpec,
) -> Result<LightClientBootstrap, String> {
    if response.is_json {
        return beacon_api::bootstrap(&response.body, spec).map_err(|e| e.to_string());
    }
    ssz(response, spec)
}

/// One finality update.
pub(crate) fn finality_update(
    response: &FetchResponse,
    spec: &ChainSpec,
) -> Result<LightClientFinalityUpdate, String> {
    if response.is_json {
        return beacon_api::finality_update(&response.body, spec).map_err(|e| e.to_string());
    }
    ssz(response, spec)
}

/// A list of updates.
pub(crate) fn updates(
    response: &FetchResponse,
    spec: &ChainSpec,
) -> Result<Vec<LightClientUpdate>, String> {
    if response.is_json {
        return beacon_api::updates(&response.body, spec).map_err(|e| e.to_string());
    }
    let decode = |(fork, ssz)| {
        LightClientUpdate::decode(fork, spec.preset(), ssz).map_err(|e| e.to_string())
    };
    frames(&response.body, spec)?.into_iter().map(decode).collect()
}

fn ssz<T: LightClientSsz>(response: &FetchResponse, spec: &ChainSpec) -> Result<T, String> {
    let name = response
        .consensus_version
        .as_deref()
        .ok_or("SSZ without an Eth-Consensus-Version header")?;
    let fork = Fork::from_name(name).ok_or_else(|| format!("unknown fork {name:?}"))?;
    T::decode(fork, spec.preset(), &response.body).map_err(|e| e.to_string())
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
