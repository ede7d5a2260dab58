//! SSZ of the light client containers: exactly one encoding each, by fork and preset.
//!
//! ```text
//! fixed part: fields in order, each of fixed size, or a 4-byte offset
//! heap:       the variable-size fields in order, first offset = length of the fixed part, no gaps, nothing after
//! ```
//!
//! Lengths are known from fork and preset before anything is allocated.

use super::codec::{Codec, HeaderLayout, Part, Reader, aggregate_bytes};
use super::spec::{Fork, Preset};
use super::types::{
    LightClientBootstrap, LightClientFinalityUpdate, LightClientHeader,
    LightClientOptimisticUpdate, LightClientUpdate,
};
use crate::consensus::GotExpected;

/// Why bytes are not the one encoding of a container.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SszError {
    /// The bytes end inside a field.
    #[error("{missing} bytes missing")]
    TooShort {
        /// Bytes missing for the field.
        missing: usize,
    },
    /// Bytes follow the container.
    #[error("{excess} bytes left over")]
    TrailingBytes {
        /// Bytes left over.
        excess: usize,
    },
    /// The first offset must point behind the fixed part.
    #[error("first offset in bytes: {0}")]
    FirstOffset(GotExpected<usize>),
    /// Offsets must not go back or point outside.
    #[error("offset {got} is before {min} or behind the end at {max}")]
    Offset {
        /// The offset, in bytes.
        got: usize,
        /// Lowest allowed.
        min: usize,
        /// Highest allowed.
        max: usize,
    },
    /// `extra_data` is longer than the limit.
    #[error("extra data of {got} bytes, at most {max} allowed")]
    ExtraDataTooLong {
        /// Its length in bytes.
        got: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The fork has no light client data.
    #[error("fork {fork} has no light client data")]
    NoLightClientData {
        /// Name of the fork.
        fork: &'static str,
    },
    /// The value has no encoding in that fork.
    #[error("value has no encoding in fork {fork}")]
    WrongShape {
        /// Name of the fork.
        fork: &'static str,
    },
    /// A four-byte fork digest was expected in front and is not one of this network.
    #[error("unknown fork digest {0:02x?}")]
    UnknownForkDigest([u8; 4]),
}

/// A container with one canonical SSZ encoding per fork and preset.
pub trait LightClientSsz: Sized {
    /// Decodes exactly one value.
    ///
    /// # Errors
    ///
    /// When `bytes` is not the canonical encoding of one value in that fork and preset.
    fn decode(fork: Fork, preset: Preset, bytes: &[u8]) -> Result<Self, SszError>;

    /// Encodes as of `fork`; branches get that fork's length.
    ///
    /// # Errors
    ///
    /// When the value does not exist in that fork, such as an execution header in Altair.
    fn encode(&self, fork: Fork, preset: Preset) -> Result<Vec<u8>, SszError>;
}

impl LightClientSsz for LightClientHeader {
    fn decode(fork: Fork, preset: Preset, bytes: &[u8]) -> Result<Self, SszError> {
        let codec = Codec::new(fork, preset)?;
        if matches!(codec.layout, HeaderLayout::Payload) {
            return codec.header_in_heap(bytes);
        }
        let mut r = Reader::new(bytes);
        let slot = codec.header_slot(&mut r)?;
        codec.headers(bytes, &r, [slot]).map(|[header]| header)
    }

    fn encode(&self, fork: Fork, preset: Preset) -> Result<Vec<u8>, SszError> {
        Codec::new(fork, preset)?.encode_header(self)
    }
}

impl LightClientSsz for LightClientBootstrap {
    fn decode(fork: Fork, preset: Preset, bytes: &[u8]) -> Result<Self, SszError> {
        let codec = Codec::new(fork, preset)?;
        let mut r = Reader::new(bytes);
        let header = codec.header_slot(&mut r)?;
        let current_sync_committee = codec.committee(&mut r)?;
        let current_sync_committee_branch = r.roots(codec.lengths.sync_committee)?;
        let [header] = codec.headers(bytes, &r, [header])?;
        Ok(Self { header, current_sync_committee, current_sync_committee_branch })
    }

    fn encode(&self, fork: Fork, preset: Preset) -> Result<Vec<u8>, SszError> {
        let codec = Codec::new(fork, preset)?;
        let mut fixed = Vec::new();
        codec.write_committee(&mut fixed, Some(&self.current_sync_committee))?;
        let branch = &self.current_sync_committee_branch;
        codec.write_branch(&mut fixed, branch, codec.lengths.sync_committee)?;
        let header = codec.encode_header(&self.header)?;
        Ok(codec.join(vec![Part::Header(header), Part::Fixed(fixed)]))
    }
}

impl LightClientSsz for LightClientUpdate {
    fn decode(fork: Fork, preset: Preset, bytes: &[u8]) -> Result<Self, SszError> {
        let codec = Codec::new(fork, preset)?;
        let mut r = Reader::new(bytes);
        let attested = codec.header_slot(&mut r)?;
        let committee = codec.committee(&mut r)?;
        let next_sync_committee_branch = r.roots(codec.lengths.sync_committee)?;
        let finalized = codec.header_slot(&mut r)?;
        let finality_branch = r.roots(codec.lengths.finality)?;
        let sync_aggregate = codec.aggregate(&mut r)?;
        let signature_slot = r.uint64()?;
        let [attested_header, finalized_header] =
            codec.headers(bytes, &r, [attested, finalized])?;
        Ok(Self {
            attested_header,
            next_sync_committee: (!committee.is_empty()).then_some(committee),
            next_sync_committee_branch,
            finalized_header,
            finality_branch,
            sync_aggregate,
            signature_slot,
        })
    }

    fn encode(&self, fork: Fork, preset: Preset) -> Result<Vec<u8>, SszError> {
        let codec = Codec::new(fork, preset)?;
        let mut committee = Vec::new();
        codec.write_committee(&mut committee, self.next_sync_committee.as_ref())?;
        let branch = &self.next_sync_committee_branch;
        codec.write_branch(&mut committee, branch, codec.lengths.sync_committee)?;
        let mut finality = Vec::new();
        codec.write_branch(&mut finality, &self.finality_branch, codec.lengths.finality)?;
        Ok(codec.join(vec![
            Part::Header(codec.encode_header(&self.attested_header)?),
            Part::Fixed(committee),
            Part::Header(codec.encode_header(&self.finalized_header)?),
            Part::Fixed(finality),
            aggregate_bytes(&self.sync_aggregate, self.signature_slot),
        ]))
    }
}

impl LightClientSsz for LightClientFinalityUpdate {
    fn decode(fork: Fork, preset: Preset, bytes: &[u8]) -> Result<Self, SszError> {
        let codec = Codec::new(fork, preset)?;
        let mut r = Reader::new(bytes);
        let attested = codec.header_slot(&mut r)?;
        let finalized = codec.header_slot(&mut r)?;
        let finality_branch = r.roots(codec.lengths.finality)?;
        let sync_aggregate = codec.aggregate(&mut r)?;
        let signature_slot = r.uint64()?;
        let [attested_header, finalized_header] =
            codec.headers(bytes, &r, [attested, finalized])?;
        Ok(Self {
            attested_header,
            finalized_header,
            finality_branch,
            sync_aggregate,
            signature_slot,
        })
    }

    fn encode(&self, fork: Fork, preset: Preset) -> Result<Vec<u8>, SszError> {
        let codec = Codec::new(fork, preset)?;
        let mut finality = Vec::new();
        codec.write_branch(&mut finality, &self.finality_branch, codec.lengths.finality)?;
        Ok(codec.join(vec![
            Part::Header(codec.encode_header(&self.attested_header)?),
            Part::Header(codec.encode_header(&self.finalized_header)?),
            Part::Fixed(finality),
            aggregate_bytes(&self.sync_aggregate, self.signature_slot),
        ]))
    }
}

impl LightClientSsz for LightClientOptimisticUpdate {
    fn decode(fork: Fork, preset: Preset, bytes: &[u8]) -> Result<Self, SszError> {
        let codec = Codec::new(fork, preset)?;
        let mut r = Reader::new(bytes);
        let attested = codec.header_slot(&mut r)?;
        let sync_aggregate = codec.aggregate(&mut r)?;
        let signature_slot = r.uint64()?;
        let [attested_header] = codec.headers(bytes, &r, [attested])?;
        Ok(Self { attested_header, sync_aggregate, signature_slot })
    }

    fn encode(&self, fork: Fork, preset: Preset) -> Result<Vec<u8>, SszError> {
        let codec = Codec::new(fork, preset)?;
        Ok(codec.join(vec![
            Part::Header(codec.encode_header(&self.attested_header)?),
            aggregate_bytes(&self.sync_aggregate, self.signature_slot),
        ]))
    }
}
