//! How the light client containers are laid out in SSZ: cutting and joining fixed parts and heaps.

use alloy_primitives::{Address, B256, U256};

use super::gindex::BranchLengths;
use super::spec::{Fork, Preset};
use super::ssz::SszError;
use super::types::{
    BeaconBlockHeader, ExecutionPayloadHeader, ExecutionProof, LightClientHeader,
    MAX_EXTRA_DATA_BYTES, SyncAggregate, SyncCommittee,
};
use crate::consensus::GotExpected;

const OFFSET_BYTES: usize = 4;
const EXECUTION_FIXED_BYTES_CAPELLA: usize = 568;
const EXECUTION_FIXED_BYTES_DENEB: usize = 584;
const EXECUTION_BRANCH_LENGTH: usize = 4;

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], SszError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(|| {
            SszError::TooShort { missing: count.saturating_sub(self.bytes.len()) }
        })?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], SszError> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| SszError::TooShort { missing: N })
    }

    pub(super) fn uint64(&mut self) -> Result<u64, SszError> {
        self.array().map(u64::from_le_bytes)
    }

    fn root(&mut self) -> Result<B256, SszError> {
        self.array().map(B256::new)
    }

    pub(super) fn roots(&mut self, count: usize) -> Result<Vec<B256>, SszError> {
        (0..count).map(|_| self.root()).collect()
    }

    fn offset(&mut self) -> Result<usize, SszError> {
        let offset = u32::from_le_bytes(self.array()?);
        usize::try_from(offset).map_err(|_| SszError::Offset { got: usize::MAX, min: 0, max: 0 })
    }

    pub(super) const fn finish(&self) -> Result<(), SszError> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(SszError::TrailingBytes { excess: self.bytes.len() })
        }
    }
}

/// Cuts the heap of a container whose offsets, in order, are `offsets` and whose fixed part has `fixed` bytes.
fn heap<'a>(bytes: &'a [u8], fixed: usize, offsets: &[usize]) -> Result<Vec<&'a [u8]>, SszError> {
    match offsets.first() {
        Some(first) if *first != fixed => {
            return Err(SszError::FirstOffset(GotExpected::new(*first, fixed)));
        }
        _ => {}
    }
    let ends = offsets.iter().skip(1).copied().chain([bytes.len()]);
    offsets
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            bytes.get(*start..end).ok_or(SszError::Offset { got: *start, min: fixed, max: end })
        })
        .collect()
}

pub(super) fn read_beacon(r: &mut Reader<'_>) -> Result<BeaconBlockHeader, SszError> {
    Ok(BeaconBlockHeader {
        slot: r.uint64()?,
        proposer_index: r.uint64()?,
        parent_root: r.root()?,
        state_root: r.root()?,
        body_root: r.root()?,
    })
}

pub(super) fn write_beacon(out: &mut Vec<u8>, header: &BeaconBlockHeader) {
    out.extend_from_slice(&header.slot.to_le_bytes());
    out.extend_from_slice(&header.proposer_index.to_le_bytes());
    out.extend_from_slice(header.parent_root.as_slice());
    out.extend_from_slice(header.state_root.as_slice());
    out.extend_from_slice(header.body_root.as_slice());
}

fn read_execution(fork: Fork, bytes: &[u8]) -> Result<ExecutionPayloadHeader, SszError> {
    let has_blob_gas = fork >= Fork::Deneb;
    let mut r = Reader::new(bytes);
    let mut header = ExecutionPayloadHeader {
        parent_hash: r.root()?,
        fee_recipient: Address::new(r.array()?),
        state_root: r.root()?,
        receipts_root: r.root()?,
        logs_bloom: Box::new(r.array()?),
        prev_randao: r.root()?,
        block_number: r.uint64()?,
        gas_limit: r.uint64()?,
        gas_used: r.uint64()?,
        timestamp: r.uint64()?,
        ..Default::default()
    };
    let offset = r.offset()?;
    header.base_fee_per_gas = U256::from_le_bytes(r.array::<32>()?);
    header.block_hash = r.root()?;
    header.transactions_root = r.root()?;
    header.withdrawals_root = r.root()?;
    let mut fixed = EXECUTION_FIXED_BYTES_CAPELLA;
    if has_blob_gas {
        header.blob_gas_used = r.uint64()?;
        header.excess_blob_gas = r.uint64()?;
        fixed = EXECUTION_FIXED_BYTES_DENEB;
    }
    if offset != fixed {
        return Err(SszError::FirstOffset(GotExpected::new(offset, fixed)));
    }
    if r.bytes.len() > MAX_EXTRA_DATA_BYTES {
        return Err(SszError::ExtraDataTooLong { got: r.bytes.len(), max: MAX_EXTRA_DATA_BYTES });
    }
    header.extra_data = r.bytes.to_vec();
    Ok(header)
}

fn write_execution(
    fork: Fork,
    header: &ExecutionPayloadHeader,
    out: &mut Vec<u8>,
) -> Result<(), SszError> {
    if header.extra_data.len() > MAX_EXTRA_DATA_BYTES {
        let got = header.extra_data.len();
        return Err(SszError::ExtraDataTooLong { got, max: MAX_EXTRA_DATA_BYTES });
    }
    let has_blob_gas = fork >= Fork::Deneb;
    if !has_blob_gas && (header.blob_gas_used, header.excess_blob_gas) != (0, 0) {
        return Err(SszError::WrongShape { fork: fork.name() });
    }
    out.extend_from_slice(header.parent_hash.as_slice());
    out.extend_from_slice(header.fee_recipient.as_slice());
    out.extend_from_slice(header.state_root.as_slice());
    out.extend_from_slice(header.receipts_root.as_slice());
    out.extend_from_slice(header.logs_bloom.as_slice());
    out.extend_from_slice(header.prev_randao.as_slice());
    for number in [header.block_number, header.gas_limit, header.gas_used, header.timestamp] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    let fixed =
        if has_blob_gas { EXECUTION_FIXED_BYTES_DENEB } else { EXECUTION_FIXED_BYTES_CAPELLA };
    write_offset(out, fixed);
    out.extend_from_slice(&header.base_fee_per_gas.to_le_bytes::<32>());
    out.extend_from_slice(header.block_hash.as_slice());
    out.extend_from_slice(header.transactions_root.as_slice());
    out.extend_from_slice(header.withdrawals_root.as_slice());
    if has_blob_gas {
        out.extend_from_slice(&header.blob_gas_used.to_le_bytes());
        out.extend_from_slice(&header.excess_blob_gas.to_le_bytes());
    }
    out.extend_from_slice(&header.extra_data);
    Ok(())
}

fn write_offset(out: &mut Vec<u8>, offset: usize) {
    let offset = u32::try_from(offset).unwrap_or(u32::MAX);
    out.extend_from_slice(&offset.to_le_bytes());
}

/// How headers of a fork are laid out.
#[derive(Clone, Copy)]
pub(super) enum HeaderLayout {
    BeaconOnly,
    Payload,
    BlockHash,
}

const BEACON_BYTES: usize = 112;

impl HeaderLayout {
    pub(super) const fn of(fork: Fork) -> Result<Self, SszError> {
        match fork {
            Fork::Phase0 => Err(SszError::NoLightClientData { fork: fork.name() }),
            Fork::Altair | Fork::Bellatrix => Ok(Self::BeaconOnly),
            Fork::Capella | Fork::Deneb | Fork::Electra | Fork::Fulu => Ok(Self::Payload),
            Fork::Gloas => Ok(Self::BlockHash),
        }
    }

    /// Bytes in the fixed part of a container that holds the header.
    fn bytes_in_fixed_part(self, lengths: BranchLengths) -> usize {
        match self {
            Self::BeaconOnly => BEACON_BYTES,
            Self::Payload => OFFSET_BYTES,
            Self::BlockHash => {
                BEACON_BYTES.saturating_add(lengths.execution.saturating_add(1).saturating_mul(32))
            }
        }
    }
}

/// Splits and joins containers whose headers may be of variable size.
pub(super) struct Codec {
    fork: Fork,
    preset: Preset,
    pub(super) layout: HeaderLayout,
    pub(super) lengths: BranchLengths,
}

/// A header that was read from the fixed part, or will be read from the heap.
pub(super) enum Slot {
    Ready(LightClientHeader),
    At(usize),
}

impl Codec {
    pub(super) fn new(fork: Fork, preset: Preset) -> Result<Self, SszError> {
        let layout = HeaderLayout::of(fork)?;
        Ok(Self { fork, preset, layout, lengths: BranchLengths::of(fork) })
    }

    pub(super) fn header_slot(&self, r: &mut Reader<'_>) -> Result<Slot, SszError> {
        match self.layout {
            HeaderLayout::Payload => Ok(Slot::At(r.offset()?)),
            HeaderLayout::BeaconOnly => {
                let beacon = read_beacon(r)?;
                Ok(Slot::Ready(LightClientHeader { beacon, execution: ExecutionProof::None }))
            }
            HeaderLayout::BlockHash => {
                let beacon = read_beacon(r)?;
                let execution_block_hash = r.root()?;
                let execution_branch = r.roots(self.lengths.execution)?;
                let proof = ExecutionProof::BlockHash { execution_block_hash, execution_branch };
                Ok(Slot::Ready(LightClientHeader { beacon, execution: proof.or_none() }))
            }
        }
    }

    pub(super) fn header_in_heap(&self, bytes: &[u8]) -> Result<LightClientHeader, SszError> {
        let mut r = Reader::new(bytes);
        let beacon = read_beacon(&mut r)?;
        let offset = r.offset()?;
        let execution_branch = r.roots(EXECUTION_BRANCH_LENGTH)?;
        let fixed = bytes.len().saturating_sub(r.bytes.len());
        let [heap] = heap(bytes, fixed, &[offset])?.try_into().unwrap_or([r.bytes]);
        let execution = Box::new(read_execution(self.fork, heap)?);
        let proof = ExecutionProof::Payload { execution, execution_branch };
        Ok(LightClientHeader { beacon, execution: proof.or_none() })
    }

    /// Reads headers whose offsets are known by now, and checks that nothing is left over.
    pub(super) fn headers<const N: usize>(
        &self,
        bytes: &[u8],
        rest: &Reader<'_>,
        slots: [Slot; N],
    ) -> Result<[LightClientHeader; N], SszError> {
        let offsets: Vec<usize> = slots
            .iter()
            .filter_map(|slot| if let Slot::At(at) = slot { Some(*at) } else { None })
            .collect();
        if offsets.is_empty() {
            rest.finish()?;
        }
        let fixed = bytes.len().saturating_sub(rest.bytes.len());
        let mut parts = heap(bytes, fixed, &offsets)?.into_iter();
        let mut headers = std::array::from_fn(|_| LightClientHeader::default());
        for (to, slot) in headers.iter_mut().zip(slots) {
            *to = match slot {
                Slot::Ready(header) => header,
                Slot::At(_) => self.header_in_heap(parts.next().unwrap_or_default())?,
            };
        }
        Ok(headers)
    }

    pub(super) fn committee(&self, r: &mut Reader<'_>) -> Result<SyncCommittee, SszError> {
        let pubkeys =
            (0..self.preset.sync_committee_size()).map(|_| r.array()).collect::<Result<_, _>>()?;
        Ok(SyncCommittee { pubkeys, aggregate_pubkey: r.array()? })
    }

    pub(super) fn aggregate(&self, r: &mut Reader<'_>) -> Result<SyncAggregate, SszError> {
        let bytes = self.preset.sync_committee_size().div_ceil(8);
        Ok(SyncAggregate {
            sync_committee_bits: r.take(bytes)?.to_vec(),
            sync_committee_signature: r.array()?,
        })
    }

    const fn wrong_shape(&self) -> SszError {
        SszError::WrongShape { fork: self.fork.name() }
    }

    /// The bytes of a header by itself.
    pub(super) fn encode_header(&self, header: &LightClientHeader) -> Result<Vec<u8>, SszError> {
        let mut out = Vec::new();
        write_beacon(&mut out, &header.beacon);
        match (self.layout, &header.execution) {
            (HeaderLayout::BeaconOnly, ExecutionProof::None) => {}
            (HeaderLayout::Payload, ExecutionProof::None) => {
                let zeros = vec![B256::ZERO; EXECUTION_BRANCH_LENGTH];
                self.encode_payload(&ExecutionPayloadHeader::default(), &zeros, &mut out)?;
            }
            (HeaderLayout::Payload, ExecutionProof::Payload { execution, execution_branch }) => {
                self.encode_payload(execution, execution_branch, &mut out)?;
            }
            (HeaderLayout::BlockHash, ExecutionProof::None) => {
                out.extend_from_slice(B256::ZERO.as_slice());
                self.write_branch(&mut out, &[], self.lengths.execution)?;
            }
            (
                HeaderLayout::BlockHash,
                ExecutionProof::BlockHash { execution_block_hash, execution_branch },
            ) => {
                out.extend_from_slice(execution_block_hash.as_slice());
                self.write_branch(&mut out, execution_branch, self.lengths.execution)?;
            }
            _ => return Err(self.wrong_shape()),
        }
        Ok(out)
    }

    fn encode_payload(
        &self,
        execution: &ExecutionPayloadHeader,
        branch: &[B256],
        out: &mut Vec<u8>,
    ) -> Result<(), SszError> {
        write_offset(
            out,
            BEACON_BYTES
                .saturating_add(OFFSET_BYTES)
                .saturating_add(EXECUTION_BRANCH_LENGTH.saturating_mul(32)),
        );
        self.write_branch(out, branch, EXECUTION_BRANCH_LENGTH)?;
        write_execution(self.fork, execution, out)
    }

    pub(super) fn write_branch(
        &self,
        out: &mut Vec<u8>,
        branch: &[B256],
        length: usize,
    ) -> Result<(), SszError> {
        let extra = length.checked_sub(branch.len()).ok_or_else(|| self.wrong_shape())?;
        out.extend(std::iter::repeat_n(0u8, extra.saturating_mul(32)));
        branch.iter().for_each(|node| out.extend_from_slice(node.as_slice()));
        Ok(())
    }

    pub(super) fn write_committee(
        &self,
        out: &mut Vec<u8>,
        committee: Option<&SyncCommittee>,
    ) -> Result<(), SszError> {
        let empty;
        let committee = match committee {
            Some(committee) => committee,
            None => {
                empty = SyncCommittee::empty(self.preset);
                &empty
            }
        };
        if committee.pubkeys.len() != self.preset.sync_committee_size() {
            return Err(self.wrong_shape());
        }
        committee.pubkeys.iter().for_each(|key| out.extend_from_slice(key));
        out.extend_from_slice(&committee.aggregate_pubkey);
        Ok(())
    }

    /// Joins the parts: a header goes to the fixed part or, by offset, to the heap.
    pub(super) fn join(&self, parts: Vec<Part>) -> Vec<u8> {
        let in_fixed = self.layout.bytes_in_fixed_part(self.lengths);
        let fixed = parts
            .iter()
            .map(|part| if let Part::Fixed(bytes) = part { bytes.len() } else { in_fixed })
            .fold(0usize, usize::saturating_add);
        let (mut out, mut heap) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Fixed(bytes) => out.extend(bytes),
                Part::Header(bytes) if matches!(self.layout, HeaderLayout::Payload) => {
                    write_offset(&mut out, fixed.saturating_add(heap.len()));
                    heap.extend(bytes);
                }
                Part::Header(bytes) => out.extend(bytes),
            }
        }
        out.extend(heap);
        out
    }
}

pub(super) enum Part {
    Fixed(Vec<u8>),
    Header(Vec<u8>),
}

pub(super) fn aggregate_bytes(aggregate: &SyncAggregate, signature_slot: u64) -> Part {
    let mut out = aggregate.sync_committee_bits.clone();
    out.extend_from_slice(&aggregate.sync_committee_signature);
    out.extend_from_slice(&signature_slot.to_le_bytes());
    Part::Fixed(out)
}
