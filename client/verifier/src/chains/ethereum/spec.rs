//! Presets and fork schedules as data: what the specification calls *preset* and *config*.
//!
//! | spec | here |
//! |---|---|
//! | preset constants | [`Preset`] |
//! | `*_FORK_VERSION`, `*_FORK_EPOCH` | [`ForkActivation`] in [`ChainSpec`] |
//! | `BLOB_SCHEDULE` | [`BlobParameters`] |
//! | `compute_fork_version`, `compute_fork_digest` | methods of [`ChainSpec`] |

use alloy_primitives::{B256, b256};

use crate::consensus::UnixSeconds;
use crate::proofs::ssz_merkle::{hash_pair, sha256};

/// `DOMAIN_SYNC_COMMITTEE`.
pub const DOMAIN_SYNC_COMMITTEE: [u8; 4] = [7, 0, 0, 0];
/// `FAR_FUTURE_EPOCH`: a fork that is not scheduled.
pub const FAR_FUTURE_EPOCH: u64 = u64::MAX;
/// `MIN_SYNC_COMMITTEE_PARTICIPANTS`.
pub const MIN_SYNC_COMMITTEE_PARTICIPANTS: u64 = 1;
/// Milliseconds in a second.
const MILLIS: u64 = 1000;

/// Sizes that are fixed per network family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Preset {
    /// Mainnet and the public test networks.
    Mainnet,
    /// Small sizes, for development networks and test vectors.
    Minimal,
}

impl Preset {
    /// `SYNC_COMMITTEE_SIZE`, in members.
    #[must_use]
    pub const fn sync_committee_size(self) -> usize {
        match self {
            Self::Mainnet => 512,
            Self::Minimal => 32,
        }
    }

    /// `SLOTS_PER_EPOCH`.
    #[must_use]
    pub const fn slots_per_epoch(self) -> u64 {
        match self {
            Self::Mainnet => 32,
            Self::Minimal => 8,
        }
    }

    /// `EPOCHS_PER_SYNC_COMMITTEE_PERIOD`.
    #[must_use]
    pub const fn epochs_per_sync_committee_period(self) -> u64 {
        match self {
            Self::Mainnet => 256,
            Self::Minimal => 8,
        }
    }

    /// `UPDATE_TIMEOUT`, in slots: one sync committee period.
    #[must_use]
    pub const fn update_timeout(self) -> u64 {
        self.slots_per_epoch().saturating_mul(self.epochs_per_sync_committee_period())
    }

    /// `compute_epoch_at_slot`.
    #[must_use]
    pub const fn compute_epoch_at_slot(self, slot: u64) -> u64 {
        match slot.checked_div(self.slots_per_epoch()) {
            Some(epoch) => epoch,
            None => 0,
        }
    }

    /// `compute_sync_committee_period`.
    #[must_use]
    pub const fn compute_sync_committee_period(self, epoch: u64) -> u64 {
        match epoch.checked_div(self.epochs_per_sync_committee_period()) {
            Some(period) => period,
            None => 0,
        }
    }

    /// `compute_sync_committee_period_at_slot`.
    #[must_use]
    pub const fn compute_sync_committee_period_at_slot(self, slot: u64) -> u64 {
        self.compute_sync_committee_period(self.compute_epoch_at_slot(slot))
    }

    /// The preset of this name, as in `PRESET_BASE`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "mainnet" => Some(Self::Mainnet),
            "minimal" => Some(Self::Minimal),
            _ => None,
        }
    }
}

/// A consensus fork, oldest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fork {
    /// Genesis; has no light client data.
    Phase0,
    /// Sync committees.
    Altair,
    /// The merge; light client data as in Altair.
    Bellatrix,
    /// Execution headers are proven.
    Capella,
    /// Blob gas fields.
    Deneb,
    /// Deeper state tree.
    Electra,
    /// Blob parameters in the fork digest; light client data as in Electra.
    Fulu,
    /// Enshrined proposer-builder separation: only the execution block hash is proven.
    Gloas,
}

impl Fork {
    /// All forks, oldest first.
    pub const ALL: [Self; 8] = [
        Self::Phase0,
        Self::Altair,
        Self::Bellatrix,
        Self::Capella,
        Self::Deneb,
        Self::Electra,
        Self::Fulu,
        Self::Gloas,
    ];

    /// The fork's name in lower case, as in the Beacon API's `version`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phase0 => "phase0",
            Self::Altair => "altair",
            Self::Bellatrix => "bellatrix",
            Self::Capella => "capella",
            Self::Deneb => "deneb",
            Self::Electra => "electra",
            Self::Fulu => "fulu",
            Self::Gloas => "gloas",
        }
    }

    /// The fork of this lower-case name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fork| fork.name() == name)
    }
}

/// When a fork begins and under which version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ForkActivation {
    /// The fork.
    pub fork: Fork,
    /// `*_FORK_VERSION`.
    pub version: [u8; 4],
    /// `*_FORK_EPOCH`; [`FAR_FUTURE_EPOCH`] when not scheduled.
    pub epoch: u64,
}

/// One entry of `BLOB_SCHEDULE`; part of the fork digest from Fulu on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlobParameters {
    /// First epoch.
    pub epoch: u64,
    /// `MAX_BLOBS_PER_BLOCK`.
    pub max_blobs_per_block: u64,
}

/// `MAX_BLOBS_PER_BLOCK_ELECTRA`.
const MAX_BLOBS_PER_BLOCK_ELECTRA: u64 = 9;

/// A network: everything that the rules need and that no proof gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChainSpec {
    preset: Preset,
    genesis_time: UnixSeconds,
    genesis_validators_root: B256,
    slot_duration_ms: u64,
    forks: Vec<ForkActivation>,
    blob_schedule: Vec<BlobParameters>,
}

/// The parts of a [`ChainSpec`] do not fit together.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainSpecError {
    /// A slot must last some time.
    #[error("slot duration is 0 ms")]
    ZeroSlotDuration,
    /// The first entry must be Phase0 at epoch 0.
    #[error("fork schedule does not begin with phase0 at epoch 0")]
    NoGenesisFork,
    /// Forks must come in order, each once, with epochs that do not decrease.
    #[error("fork schedule is out of order at {name}")]
    ForkOrder {
        /// Name of the entry that is out of order.
        name: &'static str,
    },
    /// Two active forks must not share a version.
    #[error("fork {name} has the version of an earlier fork")]
    SharedVersion {
        /// Name of the later fork.
        name: &'static str,
    },
}

impl ChainSpec {
    /// A network from its parts. `forks` begins with Phase0 at epoch 0, in order of [`Fork::ALL`]; forks that are left
    /// out never happen. `blob_schedule` may be in any order.
    ///
    /// # Errors
    ///
    /// When a slot lasts 0 ms or the schedule is out of order.
    pub fn from_parts(
        preset: Preset,
        genesis_time: UnixSeconds,
        genesis_validators_root: B256,
        slot_duration_ms: u64,
        forks: Vec<ForkActivation>,
        mut blob_schedule: Vec<BlobParameters>,
    ) -> Result<Self, ChainSpecError> {
        if slot_duration_ms == 0 {
            return Err(ChainSpecError::ZeroSlotDuration);
        }
        match forks.first() {
            Some(ForkActivation { fork: Fork::Phase0, epoch: 0, .. }) => {}
            _ => return Err(ChainSpecError::NoGenesisFork),
        }
        for (before, after) in forks.iter().zip(forks.iter().skip(1)) {
            if after.fork <= before.fork || after.epoch < before.epoch {
                return Err(ChainSpecError::ForkOrder { name: after.fork.name() });
            }
            let earlier = forks.iter().take_while(|f| f.fork < after.fork);
            if earlier.into_iter().any(|f| f.version == after.version) {
                return Err(ChainSpecError::SharedVersion { name: after.fork.name() });
            }
        }
        blob_schedule.sort_unstable_by_key(|entry| entry.epoch);
        Ok(Self {
            preset,
            genesis_time,
            genesis_validators_root,
            slot_duration_ms,
            forks,
            blob_schedule,
        })
    }

    /// Ethereum mainnet, up to Fulu; Gloas has a version and no epoch yet.
    #[must_use]
    pub fn mainnet() -> Self {
        let fork = |fork, number, epoch| ForkActivation { fork, version: [number, 0, 0, 0], epoch };
        Self {
            preset: Preset::Mainnet,
            genesis_time: UnixSeconds(1_606_824_023),
            genesis_validators_root: b256!(
                "4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95"
            ),
            slot_duration_ms: 12_000,
            forks: vec![
                fork(Fork::Phase0, 0, 0),
                fork(Fork::Altair, 1, 74_240),
                fork(Fork::Bellatrix, 2, 144_896),
                fork(Fork::Capella, 3, 194_048),
                fork(Fork::Deneb, 4, 269_568),
                fork(Fork::Electra, 5, 364_032),
                fork(Fork::Fulu, 6, 411_392),
                fork(Fork::Gloas, 7, FAR_FUTURE_EPOCH),
            ],
            blob_schedule: vec![
                BlobParameters { epoch: 412_672, max_blobs_per_block: 15 },
                BlobParameters { epoch: 419_072, max_blobs_per_block: 21 },
            ],
        }
    }

    /// The same network with another genesis time.
    #[must_use]
    pub const fn with_genesis_time(mut self, genesis_time: UnixSeconds) -> Self {
        self.genesis_time = genesis_time;
        self
    }

    /// The preset.
    #[must_use]
    pub const fn preset(&self) -> Preset {
        self.preset
    }

    /// `genesis_time`.
    #[must_use]
    pub const fn genesis_time(&self) -> UnixSeconds {
        self.genesis_time
    }

    /// `genesis_validators_root`.
    #[must_use]
    pub const fn genesis_validators_root(&self) -> B256 {
        self.genesis_validators_root
    }

    /// `SLOT_DURATION_MS`.
    #[must_use]
    pub const fn slot_duration_ms(&self) -> u64 {
        self.slot_duration_ms
    }

    /// The fork schedule, oldest first.
    #[must_use]
    pub fn forks(&self) -> &[ForkActivation] {
        &self.forks
    }

    /// `compute_sync_committee_period_at_slot`.
    #[must_use]
    pub const fn compute_sync_committee_period_at_slot(&self, slot: u64) -> u64 {
        self.preset.compute_sync_committee_period_at_slot(slot)
    }

    /// The slot at `now`; 0 before genesis.
    #[must_use]
    pub const fn current_slot(&self, now: UnixSeconds) -> u64 {
        let elapsed_ms = now.0.saturating_sub(self.genesis_time.0).saturating_mul(MILLIS);
        match elapsed_ms.checked_div(self.slot_duration_ms) {
            Some(slot) => slot,
            None => 0,
        }
    }

    /// When `slot` begins, in seconds, rounded down.
    #[must_use]
    pub const fn slot_start(&self, slot: u64) -> UnixSeconds {
        let offset_s = match slot.saturating_mul(self.slot_duration_ms).checked_div(MILLIS) {
            Some(offset_s) => offset_s,
            None => 0,
        };
        UnixSeconds(self.genesis_time.0.saturating_add(offset_s))
    }

    fn activation_at_epoch(&self, epoch: u64) -> ForkActivation {
        let genesis = ForkActivation { fork: Fork::Phase0, version: [0; 4], epoch: 0 };
        self.forks.iter().rev().find(|f| epoch >= f.epoch).copied().unwrap_or(genesis)
    }

    /// The fork of `epoch`.
    #[must_use]
    pub fn fork_at_epoch(&self, epoch: u64) -> Fork {
        self.activation_at_epoch(epoch).fork
    }

    /// The fork of `slot`.
    #[must_use]
    pub fn fork_at_slot(&self, slot: u64) -> Fork {
        self.fork_at_epoch(self.preset.compute_epoch_at_slot(slot))
    }

    /// `compute_fork_version`.
    #[must_use]
    pub fn compute_fork_version(&self, epoch: u64) -> [u8; 4] {
        self.activation_at_epoch(epoch).version
    }

    /// `compute_fork_data_root`.
    #[must_use]
    pub fn compute_fork_data_root(&self, version: [u8; 4]) -> B256 {
        hash_pair(&B256::right_padding_from(&version), &self.genesis_validators_root)
    }

    /// `compute_domain`.
    #[must_use]
    pub fn compute_domain(&self, domain_type: [u8; 4], version: [u8; 4]) -> B256 {
        let root = self.compute_fork_data_root(version);
        let mut domain = B256::ZERO;
        let bytes = domain_type.iter().chain(root.iter());
        domain.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        domain
    }

    /// The entry of the blob schedule that is in force in `epoch` (EIP-7892).
    #[must_use]
    pub fn blob_parameters(&self, epoch: u64) -> BlobParameters {
        let electra = self.forks.iter().find(|f| f.fork == Fork::Electra);
        let fallback = BlobParameters {
            epoch: electra.map_or(FAR_FUTURE_EPOCH, |f| f.epoch),
            max_blobs_per_block: MAX_BLOBS_PER_BLOCK_ELECTRA,
        };
        self.blob_schedule.iter().rev().find(|b| epoch >= b.epoch).copied().unwrap_or(fallback)
    }

    /// `compute_fork_digest` at the epoch of `slot`.
    #[must_use]
    pub fn compute_fork_digest(&self, slot: u64) -> [u8; 4] {
        self.compute_fork_digest_at_epoch(self.preset.compute_epoch_at_slot(slot))
    }

    /// `compute_fork_digest`.
    #[must_use]
    pub fn compute_fork_digest_at_epoch(&self, epoch: u64) -> [u8; 4] {
        let activation = self.activation_at_epoch(epoch);
        let base = self.compute_fork_data_root(activation.version);
        let mask = if activation.fork >= Fork::Fulu {
            let parameters = self.blob_parameters(epoch);
            let mut bytes = parameters.epoch.to_le_bytes().to_vec();
            bytes.extend_from_slice(&parameters.max_blobs_per_block.to_le_bytes());
            sha256(&bytes)
        } else {
            B256::ZERO
        };
        let mut digest = [0u8; 4];
        let bytes = base.iter().zip(mask.iter()).map(|(b, m)| b ^ m);
        digest.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        digest
    }

    /// The fork whose digest this is. Epochs where the digest changes are tried (fork epochs and blob schedule), then the
    /// versions of forks that were over as soon as they began.
    #[must_use]
    pub fn fork_of_digest(&self, digest: [u8; 4]) -> Option<Fork> {
        let fork_epochs = self.forks.iter().map(|f| f.epoch);
        let blob_epochs = self.blob_schedule.iter().map(|b| b.epoch);
        fork_epochs
            .chain(blob_epochs)
            .filter(|epoch| *epoch != FAR_FUTURE_EPOCH)
            .find(|epoch| self.compute_fork_digest_at_epoch(*epoch) == digest)
            .map(|epoch| self.fork_at_epoch(epoch))
            .or_else(|| {
                let scheduled = |f: &&ForkActivation| f.epoch != FAR_FUTURE_EPOCH;
                let has_plain_digest = |f: &&ForkActivation| {
                    f.fork < Fork::Fulu
                        && self.compute_fork_data_root(f.version).starts_with(&digest)
                };
                self.forks.iter().filter(scheduled).find(has_plain_digest).map(|f| f.fork)
            })
    }

    /// The fork whose version this is.
    #[must_use]
    pub fn fork_of_version(&self, version: [u8; 4]) -> Option<Fork> {
        self.forks.iter().find(|f| f.version == version).map(|f| f.fork)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mainnet_is_a_valid_schedule() {
        let spec = ChainSpec::mainnet();
        let again = ChainSpec::from_parts(
            spec.preset,
            spec.genesis_time,
            spec.genesis_validators_root,
            spec.slot_duration_ms,
            spec.forks.clone(),
            spec.blob_schedule.clone(),
        );
        assert_eq!(again, Ok(spec));
    }

    #[test]
    fn fork_digests_of_mainnet() {
        let spec = ChainSpec::mainnet();
        // well-known digests of the peer-to-peer network
        assert_eq!(spec.compute_fork_digest_at_epoch(0), [0xb5, 0x30, 0x3f, 0x2a]);
        assert_eq!(spec.compute_fork_digest_at_epoch(74_240), [0xaf, 0xca, 0xab, 0xa0]);
        assert_eq!(spec.compute_fork_digest_at_epoch(194_048), [0xbb, 0xa4, 0xda, 0x96]);
        assert_eq!(spec.compute_fork_digest_at_epoch(269_568), [0x6a, 0x95, 0xa1, 0xa9]);
        assert_eq!(spec.compute_fork_digest_at_epoch(364_032), [0xad, 0x53, 0x2c, 0xeb]);
        assert_eq!(spec.fork_of_digest([0x6a, 0x95, 0xa1, 0xa9]), Some(Fork::Deneb));
    }

    #[test]
    fn slots_and_time() {
        let spec = ChainSpec::mainnet();
        assert_eq!(spec.current_slot(UnixSeconds(0)), 0);
        assert_eq!(spec.current_slot(spec.slot_start(7)), 7);
        assert_eq!(Preset::Mainnet.compute_sync_committee_period_at_slot(8192), 1);
    }
}
