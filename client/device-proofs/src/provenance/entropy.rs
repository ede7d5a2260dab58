//! Where a beacon's entropy comes from: the blockhash of a Solana slot and the second it was taken.
//!
//! ```text
//!  entropy = BLAKE3(i64le(second) ‖ blockhash)        (helium/oracles, poc_entropy; re-stated)
//! ```
//! That the blockhash is the slot's is for a light client of that chain to say.

#[cfg(feature = "verify")]
use super::ProvenanceError;
use crate::Bytes32;
use crate::cbor::{CborError, Decoder, Encoder};

/// The source of a beacon's entropy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntropySource {
    /// Slot of the blockhash.
    pub slot: u64,
    /// The blockhash.
    pub blockhash: Bytes32,
    /// When the entropy was made, in seconds since 1970.
    pub unix_s: u64,
}

impl EntropySource {
    /// The entropy that follows; `None` if the time does not fit.
    #[cfg(feature = "verify")]
    #[must_use]
    pub fn entropy(&self) -> Option<Bytes32> {
        let unix_s = i64::try_from(self.unix_s).ok()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&unix_s.to_le_bytes()).update(&self.blockhash);
        Some(hasher.finalize().into())
    }

    /// Checks that the entropy follows and was not made after it started to be valid.
    #[cfg(feature = "verify")]
    pub(super) fn authenticate(
        &self,
        entropy: &crate::bundle::Entropy,
    ) -> Result<(), ProvenanceError> {
        let (got, expected) = (self.unix_s, entropy.timestamp_s);
        if got > expected {
            return Err(ProvenanceError::EntropyTime { got, expected });
        }
        let got = self.entropy().map(|got| got.to_vec()).unwrap_or_default();
        if got == entropy.data {
            return Ok(());
        }
        Err(ProvenanceError::Entropy { got, expected: entropy.data.clone() })
    }

    pub(super) fn encode_to(&self, e: &mut Encoder) {
        e.array(3).uint(self.slot).bytes(&self.blockhash).uint(self.unix_s);
    }

    pub(super) fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("entropy source fields", 3)?;
        Ok(Self { slot: d.uint()?, blockhash: d.fixed("blockhash bytes")?, unix_s: d.uint()? })
    }
}
