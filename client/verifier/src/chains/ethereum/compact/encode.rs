//! The bytes of compact data; the format is described in the parent module.

use alloy_primitives::B256;

use super::{
    CompactBootstrap, CompactError, CompactUpdate, Members, is_shorter_one_by_one, members_depth,
};
use crate::chains::ethereum::codec::{Reader, read_beacon, write_beacon};
use crate::chains::ethereum::spec::{ChainSpec, Fork};
use crate::chains::ethereum::ssz::LightClientSsz as _;
use crate::chains::ethereum::types::{
    CommitteeDigest, ExecutionProof, LightClientBootstrap, LightClientHeader, LightClientUpdate,
    SyncAggregate,
};
use crate::proofs::ssz_merkle::floorlog2;

const VERSION: u8 = 1;
/// `MAX_REQUEST_LIGHT_CLIENT_UPDATES` of the Beacon API.
pub const MAX_UPDATES: usize = 128;

const NEXT_COMMITTEE: u8 = 1;
const FINALITY: u8 = 2;

const BARE: u8 = 0;
const OWN_FORK: u8 = 1;
const GLOAS: u8 = 2;

fn flag(flag: u8, is_set: bool) -> u8 {
    if is_set { flag } else { 0 }
}

fn read_version(r: &mut Reader<'_>) -> Result<(), CompactError> {
    match r.array()? {
        [VERSION] => Ok(()),
        _ => Err(CompactError::Encoding("unknown version")),
    }
}

fn write_header(
    out: &mut Vec<u8>,
    header: &LightClientHeader,
    spec: &ChainSpec,
) -> Result<(), CompactError> {
    let (kind, fork) = match header.execution {
        ExecutionProof::None => {
            out.push(BARE);
            write_beacon(out, &header.beacon);
            return Ok(());
        }
        ExecutionProof::Payload { .. } => (OWN_FORK, spec.fork_at_slot(header.beacon.slot)),
        ExecutionProof::BlockHash { .. } => (GLOAS, Fork::Gloas),
    };
    let ssz = header.encode(fork, spec.preset())?;
    let length = u16::try_from(ssz.len()).map_err(|_| CompactError::Encoding("header too long"))?;
    out.push(kind);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&ssz);
    Ok(())
}

fn read_header(r: &mut Reader<'_>, spec: &ChainSpec) -> Result<LightClientHeader, CompactError> {
    let [kind] = r.array()?;
    if kind == BARE {
        return Ok(LightClientHeader { beacon: read_beacon(r)?, ..Default::default() });
    }
    let length = usize::from(u16::from_le_bytes(r.array()?));
    let ssz = r.take(length)?;
    let fork = match kind {
        // a header begins with its slot in every fork
        OWN_FORK => spec.fork_at_slot(Reader::new(ssz).uint64()?),
        GLOAS => Fork::Gloas,
        _ => return Err(CompactError::Encoding("unknown kind of header")),
    };
    let header = LightClientHeader::decode(fork, spec.preset(), ssz)?;
    match (kind, &header.execution) {
        (OWN_FORK, ExecutionProof::Payload { .. }) | (GLOAS, ExecutionProof::BlockHash { .. }) => {
            Ok(header)
        }
        _ => Err(CompactError::Encoding("a header whose execution data is not of its kind")),
    }
}

fn write_roots(out: &mut Vec<u8>, roots: &[B256]) {
    roots.iter().for_each(|root| out.extend_from_slice(root.as_slice()));
}

fn read_branch(r: &mut Reader<'_>, gindex: u64) -> Result<Vec<B256>, CompactError> {
    let depth = usize::try_from(floorlog2(gindex)).unwrap_or(0);
    Ok(r.roots(depth)?)
}

fn write_digest(out: &mut Vec<u8>, digest: &CommitteeDigest) {
    out.extend_from_slice(digest.pubkeys_root.as_slice());
    out.extend_from_slice(&digest.aggregate_pubkey);
}

fn read_digest(r: &mut Reader<'_>) -> Result<CommitteeDigest, CompactError> {
    Ok(CommitteeDigest { pubkeys_root: B256::new(r.array()?), aggregate_pubkey: r.array()? })
}

impl CompactBootstrap {
    /// The one encoding.
    ///
    /// # Errors
    ///
    /// When the header has no encoding in the fork.
    pub fn encode(&self, spec: &ChainSpec) -> Result<Vec<u8>, CompactError> {
        let LightClientBootstrap { header, current_sync_committee, current_sync_committee_branch } =
            &self.bootstrap;
        let mut out = vec![VERSION];
        write_header(&mut out, header, spec)?;
        write_digest(&mut out, current_sync_committee);
        write_roots(&mut out, current_sync_committee_branch);
        Ok(out)
    }

    /// Decodes exactly one bootstrap.
    ///
    /// # Errors
    ///
    /// When `bytes` is not the one encoding of a bootstrap.
    pub fn decode(bytes: &[u8], spec: &ChainSpec) -> Result<Self, CompactError> {
        let mut r = Reader::new(bytes);
        read_version(&mut r)?;
        let header = read_header(&mut r, spec)?;
        let current_sync_committee = read_digest(&mut r)?;
        let gindex = spec.current_sync_committee_gindex_at_slot(header.beacon.slot);
        let current_sync_committee_branch = read_branch(&mut r, gindex)?;
        r.finish()?;
        let bootstrap =
            LightClientBootstrap { header, current_sync_committee, current_sync_committee_branch };
        Ok(Self { bootstrap })
    }
}

impl CompactUpdate {
    /// The one encoding.
    ///
    /// # Errors
    ///
    /// When a header has no encoding in the fork.
    pub fn encode(&self, spec: &ChainSpec) -> Result<Vec<u8>, CompactError> {
        let update = &self.update;
        let has_finality = !update.finality_branch.is_empty();
        let flags = flag(NEXT_COMMITTEE, update.next_sync_committee.is_some())
            | flag(FINALITY, has_finality);
        let mut out = vec![VERSION, flags];
        write_header(&mut out, &update.attested_header, spec)?;
        if let Some(digest) = &update.next_sync_committee {
            write_digest(&mut out, digest);
            write_roots(&mut out, &update.next_sync_committee_branch);
        }
        if has_finality {
            write_header(&mut out, &update.finalized_header, spec)?;
            write_roots(&mut out, &update.finality_branch);
        }
        out.extend_from_slice(&update.sync_aggregate.sync_committee_bits);
        out.extend_from_slice(&update.sync_aggregate.sync_committee_signature);
        out.extend_from_slice(&update.signature_slot.to_le_bytes());
        match &self.members {
            Members::All(keys) => keys.iter().for_each(|key| out.extend_from_slice(key)),
            Members::Absent(members) => members.iter().for_each(|(key, branch)| {
                out.extend_from_slice(key);
                write_roots(&mut out, branch);
            }),
        }
        Ok(out)
    }

    /// Decodes exactly one update.
    ///
    /// # Errors
    ///
    /// When `bytes` is not the one encoding of an update.
    pub fn decode(bytes: &[u8], spec: &ChainSpec) -> Result<Self, CompactError> {
        let mut r = Reader::new(bytes);
        read_version(&mut r)?;
        let [flags] = r.array()?;
        if flags & !(NEXT_COMMITTEE | FINALITY) != 0 {
            return Err(CompactError::Encoding("unknown flags"));
        }
        let attested_header = read_header(&mut r, spec)?;
        let slot = attested_header.beacon.slot;
        let (mut next_sync_committee, mut next_sync_committee_branch) = (None, Vec::new());
        if flags & NEXT_COMMITTEE != 0 {
            next_sync_committee = Some(read_digest(&mut r)?);
            let gindex = spec.next_sync_committee_gindex_at_slot(slot);
            next_sync_committee_branch = read_branch(&mut r, gindex)?;
        }
        let (mut finalized_header, mut finality_branch) = Default::default();
        if flags & FINALITY != 0 {
            finalized_header = read_header(&mut r, spec)?;
            finality_branch = read_branch(&mut r, spec.finalized_root_gindex_at_slot(slot))?;
        }
        let bits = spec.preset().sync_committee_size().div_ceil(8);
        let sync_aggregate = SyncAggregate {
            sync_committee_bits: r.take(bits)?.to_vec(),
            sync_committee_signature: r.array()?,
        };
        let signature_slot = r.uint64()?;
        let members = read_members(&mut r, &sync_aggregate, spec)?;
        r.finish()?;
        let update = LightClientUpdate {
            attested_header,
            next_sync_committee,
            next_sync_committee_branch,
            finalized_header,
            finality_branch,
            sync_aggregate,
            signature_slot,
        };
        Ok(Self { update, members })
    }
}

fn read_members(
    r: &mut Reader<'_>,
    aggregate: &SyncAggregate,
    spec: &ChainSpec,
) -> Result<Members, CompactError> {
    let preset = spec.preset();
    let absent = aggregate.participation().filter(|bit| !bit).count();
    if !is_shorter_one_by_one(absent, preset) {
        let keys = (0..preset.sync_committee_size()).map(|_| r.array());
        return Ok(Members::All(keys.collect::<Result<_, _>>()?));
    }
    let depth = usize::try_from(members_depth(preset)).unwrap_or(0);
    let mut members = Vec::new();
    for _ in 0..absent {
        members.push((r.array()?, r.roots(depth)?));
    }
    Ok(Members::Absent(members))
}

/// Several updates in one file; at most [`MAX_UPDATES`].
///
/// # Errors
///
/// When there are too many, or one has no encoding.
pub fn encode_batch(updates: &[CompactUpdate], spec: &ChainSpec) -> Result<Vec<u8>, CompactError> {
    let count = u16::try_from(updates.len()).ok().filter(|_| updates.len() <= MAX_UPDATES);
    let count = count.ok_or(CompactError::Encoding("too many updates"))?;
    let mut out = vec![VERSION];
    out.extend_from_slice(&count.to_le_bytes());
    for update in updates {
        let bytes = update.encode(spec)?;
        let length = u32::try_from(bytes.len());
        let length = length.map_err(|_| CompactError::Encoding("update too long"))?;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&bytes);
    }
    Ok(out)
}

/// The updates of [`encode_batch`].
///
/// # Errors
///
/// When `bytes` is not the one encoding of at most [`MAX_UPDATES`] updates.
pub fn decode_batch(bytes: &[u8], spec: &ChainSpec) -> Result<Vec<CompactUpdate>, CompactError> {
    let mut r = Reader::new(bytes);
    read_version(&mut r)?;
    let count = usize::from(u16::from_le_bytes(r.array()?));
    if count > MAX_UPDATES {
        return Err(CompactError::Encoding("too many updates"));
    }
    let mut updates = Vec::with_capacity(count);
    for _ in 0..count {
        let length = usize::try_from(u32::from_le_bytes(r.array()?));
        let length = length.map_err(|_| CompactError::Encoding("update too long"))?;
        updates.push(CompactUpdate::decode(r.take(length)?, spec)?);
    }
    r.finish()?;
    Ok(updates)
}
