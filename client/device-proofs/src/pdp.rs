//! Evidence of a proof of data possession (`FilOzone/pdp`, `PDPVerifier`): bundle kind 2.
//!
//! It holds the calldata of `provePossession` untouched, and what the contract read from elsewhere when
//! it judged it, so that it stays judgeable when every server is gone:
//!
//! ```text
//!  calldata          data set, and per challenge a leaf with its path      as sent
//!  challenge epoch ┐
//!  beacon          ┘ drand round and signature: the seed of the challenges  verified by the check
//!  layout, piece count, piece ids      which storage words to prove         claims, verified by the check
//! ```
//! Nothing in it is trusted and nobody signs it; who handed it in is said by [`crate::submission`].

use crate::bundle::{BUNDLE_VERSION, within_bundle};
use crate::cbor::{CborError, Decoder, Encoder, canonical};
use crate::{Address, Bytes32, sha256};

/// Kind of the bundle: a proof of data possession.
pub const KIND_POSSESSION_PROOF: u64 = 2;
/// Most challenges in a bundle: with [`MAX_PIECES`], the facts of all of them fit into one input.
pub const MAX_CHALLENGES: usize = 24;
/// Most pieces of a data set.
pub const MAX_PIECES: u64 = 1 << 32;
/// Longest path, in hashes.
pub const MAX_PATH: usize = 50;
/// Largest calldata in bytes.
pub const MAX_CALLDATA_LEN: usize = 4 + 32 * (3 + MAX_CHALLENGES * (4 + MAX_PATH));
/// Bytes of a drand public key (compressed G2).
pub const DRAND_KEY_LEN: usize = 96;
/// Bytes of a drand signature (compressed G1).
pub const DRAND_SIGNATURE_LEN: usize = 48;
/// First four bytes of `keccak256("provePossession(uint256,(bytes32,bytes32[])[])")`.
pub const PROVE_POSSESSION_SELECTOR: [u8; 4] = [0xf5, 0x8f, 0x95, 0x2b];

/// How the contract keeps the pieces of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Layout {
    /// One mapping per property: data sets older than the cutover of v3.5.
    Legacy = 0,
    /// `compactPieces`: two words per piece.
    Compact = 1,
}

/// A round of the drand beacon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// Number of the round, from 1.
    pub round: u64,
    /// The network's signature over it.
    pub signature: [u8; DRAND_SIGNATURE_LEN],
}

/// The evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PossessionProof {
    /// Calldata of `provePossession`, selector first, as it was sent.
    pub calldata: Vec<u8>,
    /// Epoch whose beacon seeds the challenges.
    pub challenge_epoch: u64,
    /// That beacon.
    pub beacon: Beacon,
    /// How the contract keeps this data set.
    pub layout: Layout,
    /// How many pieces the data set ever had.
    pub piece_count: u64,
    /// The piece that each challenge hits, in order.
    pub piece_ids: Vec<u64>,
}

/// A drand network and its clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrandChain {
    /// Public key, compressed G2.
    pub public_key: [u8; DRAND_KEY_LEN],
    /// Time of round 1, in seconds since 1970.
    pub genesis_s: u64,
    /// Seconds between rounds.
    pub period_s: u64,
}

/// Parameters of the check `storage-pdp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PdpParams {
    /// Address of the verifier (the proxy, whose storage it is).
    pub verifier: Address,
    /// Its chain.
    pub chain_id: u64,
    /// Time of epoch 0, in seconds since 1970.
    pub genesis_s: u64,
    /// Seconds between epochs.
    pub epoch_s: u64,
    /// How long before its epoch a beacon is taken, in seconds: nodes take the last round before the
    /// epoch before (`MaxBeaconRoundForEpoch`), so this is one epoch on Filecoin.
    pub lookback_s: u64,
    /// The beacon.
    pub drand: DrandChain,
    /// Fewest challenges that the service takes.
    pub min_challenges: u32,
}

/// drand `quicknet` (chain `52db9…e971`, scheme `bls-unchained-g1-rfc9380`), the beacon of Filecoin.
pub const QUICKNET: DrandChain = DrandChain {
    public_key: [
        0x83, 0xcf, 0x0f, 0x28, 0x96, 0xad, 0xee, 0x7e, 0xb8, 0xb5, 0xf0, 0x1f, 0xca, 0xd3, 0x91,
        0x22, 0x12, 0xc4, 0x37, 0xe0, 0x07, 0x3e, 0x91, 0x1f, 0xb9, 0x00, 0x22, 0xd3, 0xe7, 0x60,
        0x18, 0x3c, 0x8c, 0x4b, 0x45, 0x0b, 0x6a, 0x0a, 0x6c, 0x3a, 0xc6, 0xa5, 0x77, 0x6a, 0x2d,
        0x10, 0x64, 0x51, 0x0d, 0x1f, 0xec, 0x75, 0x8c, 0x92, 0x1c, 0xc2, 0x2b, 0x0e, 0x17, 0xe6,
        0x3a, 0xaf, 0x4b, 0xcb, 0x5e, 0xd6, 0x63, 0x04, 0xde, 0x9c, 0xf8, 0x09, 0xbd, 0x27, 0x4c,
        0xa7, 0x3b, 0xab, 0x4a, 0xf5, 0xa6, 0xe9, 0xc7, 0x6a, 0x4b, 0xc0, 0x9e, 0x76, 0xea, 0xe8,
        0x99, 0x1e, 0xf5, 0xec, 0xe4, 0x5a,
    ],
    genesis_s: 1_692_803_367,
    period_s: 3,
};

impl PdpParams {
    /// The deployed verifier of Filecoin mainnet (`FilOzone/pdp`, README), with the number of challenges of
    /// its services (`CHALLENGES_PER_PROOF`).
    #[must_use]
    pub const fn filecoin_mainnet() -> Self {
        Self {
            verifier: [
                0xba, 0xdd, 0x0b, 0x92, 0xc1, 0xc7, 0x1d, 0x02, 0xe7, 0xd5, 0x20, 0xf6, 0x4c, 0x08,
                0x76, 0x53, 0x8f, 0xa2, 0x55, 0x7f,
            ],
            chain_id: 314,
            genesis_s: 1_598_306_400,
            epoch_s: 30,
            lookback_s: 30,
            drand: QUICKNET,
            min_challenges: 5,
        }
    }

    /// The drand round whose value an epoch has (FIP-0095, canonical behaviour); round 1 for epochs before
    /// drand began. `None` if the numbers do not fit.
    #[must_use]
    pub fn round_of(&self, epoch: u64) -> Option<u64> {
        let time = epoch.checked_mul(self.epoch_s)?.checked_add(self.genesis_s)?;
        let since = time.saturating_sub(self.lookback_s).saturating_sub(self.drand.genesis_s);
        since.checked_div(self.drand.period_s)?.checked_add(1)
    }

    /// The pinned hash of the parameters: SHA-256 of their encoding.
    #[must_use]
    pub fn hash(&self) -> Bytes32 {
        sha256(&self.encode())
    }
}

canonical!(PossessionProof, PdpParams);

impl PossessionProof {
    /// The id of the evidence: SHA-256 of its encoding.
    #[must_use]
    pub fn id(&self) -> Bytes32 {
        sha256(&self.encode())
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.map(8).uint(0).uint(BUNDLE_VERSION).uint(1).uint(KIND_POSSESSION_PROOF);
        e.uint(2).bytes(&self.calldata).uint(3).uint(self.challenge_epoch);
        e.uint(4).array(2).uint(self.beacon.round).bytes(&self.beacon.signature);
        e.uint(5).uint(self.layout as u64).uint(6).uint(self.piece_count);
        e.uint(7).array(self.piece_ids.len());
        for id in &self.piece_ids {
            e.uint(*id);
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        within_bundle(d)?;
        d.map("bundle fields", 8)?;
        d.key(0)?;
        d.exactly("bundle version", BUNDLE_VERSION)?;
        d.key(1)?;
        d.exactly("bundle kind", KIND_POSSESSION_PROOF)?;
        d.key(2)?;
        let calldata = d.bytes("calldata bytes", MAX_CALLDATA_LEN)?.to_vec();
        d.key(3)?;
        let challenge_epoch = d.uint()?;
        d.key(4)?;
        d.tuple("beacon fields", 2)?;
        let beacon = Beacon { round: d.uint()?, signature: d.fixed("signature bytes")? };
        d.key(5)?;
        let layout = match d.uint()? {
            0 => Layout::Legacy,
            1 => Layout::Compact,
            got => return Err(CborError::Range { what: "layout", got, expected: 1 }),
        };
        d.key(6)?;
        let piece_count = bounded(d, "piece count", MAX_PIECES)?;
        d.key(7)?;
        let count = d.array("piece ids", MAX_CHALLENGES)?;
        let id = |_| bounded(d, "piece id", MAX_PIECES);
        let piece_ids = (0..count).map(id).collect::<Result<_, _>>()?;
        Ok(Self { calldata, challenge_epoch, beacon, layout, piece_count, piece_ids })
    }
}

fn bounded(d: &mut Decoder<'_>, what: &'static str, expected: u64) -> Result<u64, CborError> {
    let got = d.uint()?;
    if got > expected { Err(CborError::Range { what, got, expected }) } else { Ok(got) }
}

impl PdpParams {
    fn encode_to(&self, e: &mut Encoder) {
        e.map(8).uint(0).uint(crate::abi::ABI_VERSION).uint(1).bytes(&self.verifier);
        e.uint(2).uint(self.chain_id).uint(3).uint(self.genesis_s).uint(4).uint(self.epoch_s);
        e.uint(5).uint(self.lookback_s).uint(6).array(3).bytes(&self.drand.public_key);
        e.uint(self.drand.genesis_s).uint(self.drand.period_s);
        e.uint(7).uint(u64::from(self.min_challenges));
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.map("params fields", 8)?;
        d.key(0)?;
        d.exactly("params version", crate::abi::ABI_VERSION)?;
        d.key(1)?;
        let verifier = d.fixed("address bytes")?;
        let mut number = |key| d.key(key).and_then(|()| d.uint());
        let (chain_id, genesis_s, epoch_s) = (number(2)?, number(3)?, number(4)?);
        let lookback_s = number(5)?;
        d.key(6)?;
        d.tuple("drand fields", 3)?;
        let drand = DrandChain {
            public_key: d.fixed("public key bytes")?,
            genesis_s: d.uint()?,
            period_s: d.uint()?,
        };
        d.key(7)?;
        let min_challenges = d.small("fewest challenges")?;
        Ok(Self { verifier, chain_id, genesis_s, epoch_s, lookback_s, drand, min_challenges })
    }
}
