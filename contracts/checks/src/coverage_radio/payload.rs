//! What a beacon must send: payload, channel and data rate follow from the entropy.
//!
//! ```text
//!  seed      = SHA-256(remote entropy ‖ i64le(its time, s) ‖ local entropy ‖ i64le(0))
//!  data[i]   = low byte of the i-th word of ChaCha12(seed), i < 51
//!  frequency = channel number u16le(data[0..2]) mod n of the region
//!  data rate = first spreading factor of that channel that takes 51 bytes, at its bandwidth
//! ```
//! The channel index comes from the payload, not from further words of the stream.

use super::chacha::ChaCha12;
use heliotrope_device_proofs::report::PAYLOAD_LEN;
use heliotrope_device_proofs::wire::{BlockchainRegionParamV1, BlockchainRegionParamsV1};
use sha2::{Digest as _, Sha256};

/// Time of the local entropy that goes into the seed.
const LOCAL_ENTROPY_TIME_S: i64 = 0;
/// Versions of the derivation that exist; they derive alike.
const VERSIONS: [u32; 2] = [0, 1];
const SF12: i32 = 6;

/// Why nothing can be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The derivation has no such version.
    #[error("entropy version {got}, expected 0 or 1")]
    Version {
        /// Version found.
        got: u32,
    },
    /// The time does not fit.
    #[error("entropy time {got} s does not fit 63 bits")]
    Time {
        /// Time found.
        got: u64,
    },
    /// The region has no channels.
    #[error("region has no channels")]
    NoChannel,
    /// No spreading factor of the channel takes a beacon.
    #[error("channel {frequency_hz} Hz has no data rate for {expected} bytes")]
    NoDataRate {
        /// The channel.
        frequency_hz: u64,
        /// Length of a beacon.
        expected: usize,
    },
}

/// What a beacon must send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Payload.
    pub data: [u8; PAYLOAD_LEN],
    /// Channel in Hz.
    pub frequency_hz: u64,
    /// Number of the `data_rate` table.
    pub data_rate: i32,
}

/// The payload alone.
///
/// # Errors
/// If the version does not exist or the time does not fit.
pub fn payload(
    remote_entropy: &[u8],
    remote_time_s: u64,
    local_entropy: &[u8],
    version: u32,
) -> Result<[u8; PAYLOAD_LEN], PayloadError> {
    if !VERSIONS.contains(&version) {
        return Err(PayloadError::Version { got: version });
    }
    let time =
        i64::try_from(remote_time_s).map_err(|_| PayloadError::Time { got: remote_time_s })?;
    let seed = Sha256::new()
        .chain_update(remote_entropy)
        .chain_update(time.to_le_bytes())
        .chain_update(local_entropy)
        .chain_update(LOCAL_ENTROPY_TIME_S.to_le_bytes())
        .finalize();
    let mut words = ChaCha12::new(&seed.into());
    Ok(core::array::from_fn(|_| {
        let [low, ..] = words.next_word().to_le_bytes();
        low
    }))
}

/// Payload, channel and data rate.
///
/// # Errors
/// As [`payload`], or if the region has no channel for it.
pub fn derive(
    remote_entropy: &[u8],
    remote_time_s: u64,
    local_entropy: &[u8],
    version: u32,
    region: &BlockchainRegionParamsV1,
) -> Result<Derived, PayloadError> {
    let data = payload(remote_entropy, remote_time_s, local_entropy, version)?;
    let [low, high, ..] = data;
    let index = usize::from(u16::from_le_bytes([low, high]));
    let index = index.checked_rem(region.region_params.len()).ok_or(PayloadError::NoChannel)?;
    let channel = region.region_params.get(index).ok_or(PayloadError::NoChannel)?;
    let frequency_hz = channel.channel_frequency;
    let no_data_rate = PayloadError::NoDataRate { frequency_hz, expected: PAYLOAD_LEN };
    let data_rate = data_rate(channel).ok_or(no_data_rate)?;
    Ok(Derived { data, frequency_hz, data_rate })
}

/// The data rate at which a channel carries a beacon: `SF12BW125` = 0 … `SF7BW500` = 17.
#[must_use]
pub fn data_rate(channel: &BlockchainRegionParamV1) -> Option<i32> {
    let spreading = channel.spreading.as_ref()?;
    let fits = |size: u32| usize::try_from(size).is_ok_and(|size| size >= PAYLOAD_LEN);
    let chosen = spreading.tagged_spreading.iter().find(|s| fits(s.max_packet_size))?;
    let base = match channel.bandwidth {
        125_000 => 0,
        250_000 => 6,
        500_000 => 12,
        _ => return None,
    };
    let step = SF12.checked_sub(chosen.region_spreading).filter(|step| (0..6).contains(step))?;
    step.checked_add(base)
}
