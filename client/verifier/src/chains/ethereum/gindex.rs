//! Where things sit in the state and body trees, by fork. Names and values of the specification.

use super::spec::{ChainSpec, Fork};
use crate::proofs::ssz_merkle::floorlog2;

/// `FINALIZED_ROOT_GINDEX`.
pub const FINALIZED_ROOT_GINDEX: u64 = 105;
/// `CURRENT_SYNC_COMMITTEE_GINDEX`.
pub const CURRENT_SYNC_COMMITTEE_GINDEX: u64 = 54;
/// `NEXT_SYNC_COMMITTEE_GINDEX`.
pub const NEXT_SYNC_COMMITTEE_GINDEX: u64 = 55;
/// `EXECUTION_PAYLOAD_GINDEX`.
pub const EXECUTION_PAYLOAD_GINDEX: u64 = 25;
/// `FINALIZED_ROOT_GINDEX_ELECTRA`.
pub const FINALIZED_ROOT_GINDEX_ELECTRA: u64 = 169;
/// `CURRENT_SYNC_COMMITTEE_GINDEX_ELECTRA`.
pub const CURRENT_SYNC_COMMITTEE_GINDEX_ELECTRA: u64 = 86;
/// `NEXT_SYNC_COMMITTEE_GINDEX_ELECTRA`.
pub const NEXT_SYNC_COMMITTEE_GINDEX_ELECTRA: u64 = 87;
/// `FINALIZED_ROOT_GINDEX_GLOAS`.
pub const FINALIZED_ROOT_GINDEX_GLOAS: u64 = 735;
/// `CURRENT_SYNC_COMMITTEE_GINDEX_GLOAS`.
pub const CURRENT_SYNC_COMMITTEE_GINDEX_GLOAS: u64 = 2945;
/// `NEXT_SYNC_COMMITTEE_GINDEX_GLOAS`.
pub const NEXT_SYNC_COMMITTEE_GINDEX_GLOAS: u64 = 2946;
/// `EXECUTION_BLOCK_HASH_GINDEX`: of a Capella body.
pub const EXECUTION_BLOCK_HASH_GINDEX: u64 = 412;
/// `EXECUTION_BLOCK_HASH_GINDEX_DENEB`.
pub const EXECUTION_BLOCK_HASH_GINDEX_DENEB: u64 = 812;
/// `EXECUTION_BLOCK_HASH_GINDEX_GLOAS`.
pub const EXECUTION_BLOCK_HASH_GINDEX_GLOAS: u64 = 2856;

const fn by_fork(fork: Fork, altair: u64, electra: u64, gloas: u64) -> u64 {
    match fork {
        Fork::Phase0 | Fork::Altair | Fork::Bellatrix | Fork::Capella | Fork::Deneb => altair,
        Fork::Electra | Fork::Fulu => electra,
        Fork::Gloas => gloas,
    }
}

pub(super) const fn finalized_root_gindex(fork: Fork) -> u64 {
    by_fork(fork, FINALIZED_ROOT_GINDEX, FINALIZED_ROOT_GINDEX_ELECTRA, FINALIZED_ROOT_GINDEX_GLOAS)
}

pub(super) const fn current_sync_committee_gindex(fork: Fork) -> u64 {
    by_fork(
        fork,
        CURRENT_SYNC_COMMITTEE_GINDEX,
        CURRENT_SYNC_COMMITTEE_GINDEX_ELECTRA,
        CURRENT_SYNC_COMMITTEE_GINDEX_GLOAS,
    )
}

pub(super) const fn next_sync_committee_gindex(fork: Fork) -> u64 {
    by_fork(
        fork,
        NEXT_SYNC_COMMITTEE_GINDEX,
        NEXT_SYNC_COMMITTEE_GINDEX_ELECTRA,
        NEXT_SYNC_COMMITTEE_GINDEX_GLOAS,
    )
}

impl ChainSpec {
    /// `finalized_root_gindex_at_slot`.
    #[must_use]
    pub fn finalized_root_gindex_at_slot(&self, slot: u64) -> u64 {
        finalized_root_gindex(self.fork_at_slot(slot))
    }

    /// `current_sync_committee_gindex_at_slot`.
    #[must_use]
    pub fn current_sync_committee_gindex_at_slot(&self, slot: u64) -> u64 {
        current_sync_committee_gindex(self.fork_at_slot(slot))
    }

    /// `next_sync_committee_gindex_at_slot`.
    #[must_use]
    pub fn next_sync_committee_gindex_at_slot(&self, slot: u64) -> u64 {
        next_sync_committee_gindex(self.fork_at_slot(slot))
    }
}

/// Branch lengths in the containers of a fork, in nodes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct BranchLengths {
    pub(super) finality: usize,
    pub(super) sync_committee: usize,
    pub(super) execution: usize,
}

impl BranchLengths {
    pub(super) fn of(fork: Fork) -> Self {
        let depth = |gindex| usize::try_from(floorlog2(gindex)).unwrap_or(0);
        let execution_gindex = if fork >= Fork::Gloas {
            EXECUTION_BLOCK_HASH_GINDEX_GLOAS
        } else {
            EXECUTION_PAYLOAD_GINDEX
        };
        Self {
            finality: depth(finalized_root_gindex(fork)),
            sync_committee: depth(current_sync_committee_gindex(fork)),
            execution: depth(execution_gindex),
        }
    }
}
