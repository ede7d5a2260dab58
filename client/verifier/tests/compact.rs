//! Compact sync leads where full sync leads, costs a twenty-fifth, and no changed bit of it is accepted.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: a panic is a failure"
)]

mod common;

use alloy_primitives::B256;
use common::{Chain, chain, committee, vectors};
use heliotrope_verifier::chains::ethereum::compact::{
    CompactBootstrap, CompactError, CompactStore, CompactUpdate, decode_batch, encode_batch,
    initialize_compact_store, process_compact_updates,
};
use heliotrope_verifier::chains::ethereum::{
    BatchError, ChainSpec, CommitteeDigest, Fork, LightClientBootstrap, LightClientError,
    LightClientSsz as _, LightClientUpdate, initialize_light_client_store,
    process_light_client_update, process_light_client_updates,
};

const SEED: [u8; 32] = [7; 32];

fn compact(c: &Chain) -> (CompactBootstrap, CompactUpdate) {
    let bootstrap = CompactBootstrap::from_full(&c.bootstrap, &c.spec);
    let update = CompactUpdate::from_full(&c.update, &committee(), true, &c.spec).unwrap();
    (bootstrap, update)
}

fn started(c: &Chain) -> CompactStore {
    initialize_compact_store(c.trusted_root, &compact(c).0, &c.spec).unwrap()
}

/// `bytes`, as often as it has bits, each time with another one flipped.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

#[test]
fn leads_where_full_sync_leads() {
    // up to 7 absent members are written one by one in the minimal preset, more as the whole committee
    for absent in [0, 1, 7, 8, 10] {
        let c = chain(absent);
        let mut full =
            initialize_light_client_store(c.trusted_root, &c.bootstrap, &c.spec).unwrap();
        process_light_client_update(&mut full, &c.update, c.current_slot, &c.spec).unwrap();
        let bytes = compact(&c).1.encode(&c.spec).unwrap();
        let update = CompactUpdate::decode(&bytes, &c.spec).unwrap();
        assert_eq!(update, compact(&c).1);
        let mut store = started(&c);
        process_compact_updates(&mut store, &[update], c.current_slot, SEED, &c.spec).unwrap();
        assert_eq!(store.finalized_header(), full.finalized_header());
        assert_eq!(store.optimistic_header(), full.optimistic_header());
        let digest = full.next_sync_committee().map(CommitteeDigest::from);
        assert_eq!(store.next_sync_committee(), digest.as_ref());
    }
}

#[test]
fn no_flipped_bit_of_an_update_is_accepted() {
    for absent in [0, 2, 9] {
        let c = chain(absent);
        let honest = compact(&c).1;
        let bytes = honest.encode(&c.spec).unwrap();
        let before = started(&c);
        let mut after = before.clone();
        process_compact_updates(&mut after, &[honest], c.current_slot, SEED, &c.spec).unwrap();
        for flipped in flips(&bytes) {
            let Ok(update) = CompactUpdate::decode(&flipped, &c.spec) else { continue };
            let slot = update.signature_slot();
            let mut store = before.clone();
            let processed =
                process_compact_updates(&mut store, &[update], c.current_slot, SEED, &c.spec);
            if processed.is_ok() {
                // Nobody signs `signature_slot`: the specification takes any that names the same committee and fork.
                assert!((34..=c.current_slot).contains(&slot), "slot {slot}");
                assert_eq!(store, after);
            } else {
                assert_eq!(store, before, "a refused update changes nothing");
            }
        }
    }
}

#[test]
fn no_flipped_bit_of_a_bootstrap_is_accepted() {
    let c = chain(0);
    let bytes = compact(&c).0.encode(&c.spec).unwrap();
    assert_eq!(CompactBootstrap::decode(&bytes, &c.spec).unwrap(), compact(&c).0);
    for flipped in flips(&bytes) {
        let Ok(bootstrap) = CompactBootstrap::decode(&flipped, &c.spec) else { continue };
        assert!(initialize_compact_store(c.trusted_root, &bootstrap, &c.spec).is_err());
    }
}

#[test]
fn cut_or_longer_bytes_are_refused() {
    let c = chain(1);
    let bytes = compact(&c).1.encode(&c.spec).unwrap();
    for length in 0..bytes.len() {
        assert!(CompactUpdate::decode(&bytes[..length], &c.spec).is_err());
    }
    assert!(CompactUpdate::decode(&[&bytes[..], &[0]].concat(), &c.spec).is_err());
}

#[test]
fn absent_members_must_be_the_committees() {
    let c = chain(2);
    let bytes = compact(&c).1.encode(&c.spec).unwrap();
    let member = 48 + 5 * 32;
    let (first, second) = (bytes.len() - 2 * member, bytes.len() - member);
    // the two absent members change places, with their branches
    let swapped = [&bytes[..first], &bytes[second..], &bytes[first..second]].concat();
    let update = CompactUpdate::decode(&swapped, &c.spec).unwrap();
    let refused =
        process_compact_updates(&mut started(&c), &[update], c.current_slot, SEED, &c.spec);
    assert_eq!(refused, Err(CompactError::Members { update: 0 }));
    // one is left out
    assert!(CompactUpdate::decode(&bytes[..second], &c.spec).is_err());
}

/// The 46 updates of mainnet's periods 1347 to 1392, and what they start from.
struct Mainnet {
    spec: ChainSpec,
    root: B256,
    bootstrap: LightClientBootstrap,
    updates: Vec<(Fork, LightClientUpdate)>,
    now: u64,
}

fn mainnet() -> Option<Mainnet> {
    let folder = vectors("ethereum/mainnet_deneb_periods_1347_1392")?;
    let spec = ChainSpec::mainnet();
    let read = |part: &str| {
        let mut files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let named = |path: &std::path::PathBuf| path.to_string_lossy().contains(part);
        std::fs::read(files.find(named).unwrap()).unwrap()
    };
    let bootstrap =
        LightClientBootstrap::decode(Fork::Deneb, spec.preset(), &read("bootstrap")).unwrap();
    let file = read("updates");
    let mut updates = Vec::new();
    let mut rest = file.as_slice();
    while let Some((length, after)) = rest.split_first_chunk::<8>() {
        let (frame, after) = after.split_at(u64::from_le_bytes(*length) as usize);
        let fork = spec.fork_of_digest(frame[..4].try_into().unwrap()).unwrap();
        let update = LightClientUpdate::decode(fork, spec.preset(), &frame[4..]).unwrap();
        updates.push((fork, update));
        rest = after;
    }
    let root = bootstrap.header.beacon.hash_tree_root();
    let now = updates.last().unwrap().1.signature_slot;
    Some(Mainnet { spec, root, bootstrap, updates, now })
}

impl Mainnet {
    fn full(&self) -> Vec<LightClientUpdate> {
        self.updates.iter().map(|(_, update)| update.clone()).collect()
    }

    /// As the gateway reduces them: each with the committee that the update before it brought.
    fn compact(&self) -> (CompactStore, Vec<CompactUpdate>) {
        let bootstrap = CompactBootstrap::from_full(&self.bootstrap, &self.spec);
        let store = initialize_compact_store(self.root, &bootstrap, &self.spec).unwrap();
        let mut signers = &self.bootstrap.current_sync_committee;
        let mut updates = Vec::new();
        for (_, full) in &self.updates {
            let reduced = CompactUpdate::from_full(full, signers, false, &self.spec);
            updates.push(reduced.unwrap());
            signers = full.next_sync_committee.as_ref().unwrap();
        }
        (store, updates)
    }
}

#[test]
fn real_periods_hold_and_cost_little() {
    let Some(m) = mainnet() else { return };
    let (mut store, updates) = m.compact();
    let bytes = encode_batch(&updates, &m.spec).unwrap();
    let full: usize = m
        .updates
        .iter()
        .map(|(fork, update)| update.encode(*fork, m.spec.preset()).unwrap().len())
        .sum();
    println!(
        "{} periods: {} bytes, {} each; full {full}, ratio {:.1}",
        updates.len(),
        bytes.len(),
        bytes.len() / updates.len(),
        full as f64 / bytes.len() as f64
    );
    assert!(bytes.len() * 60 <= 70_000 * updates.len(), "{} bytes", bytes.len());
    let updates = decode_batch(&bytes, &m.spec).unwrap();
    process_compact_updates(&mut store, &updates, m.now, SEED, &m.spec).unwrap();
    let started = initialize_light_client_store(m.root, &m.bootstrap, &m.spec).unwrap();
    let mut whole = started.clone();
    for (_, update) in &m.updates {
        process_light_client_update(&mut whole, update, m.now, &m.spec).unwrap();
    }
    let mut together = started;
    process_light_client_updates(&mut together, &m.full(), m.now, SEED, &m.spec).unwrap();
    assert_eq!(together, whole, "with all keys, one by one and together");
    assert_eq!(store.finalized_header().beacon, whole.finalized_header().beacon);
    assert_eq!(store.optimistic_header().beacon, whole.optimistic_header().beacon);
    let digest = whole.next_sync_committee().map(CommitteeDigest::from);
    assert_eq!(store.next_sync_committee(), digest.as_ref());
}

#[test]
fn execution_data_is_learned_when_it_comes() {
    let Some(m) = mainnet() else { return };
    let (mut store, updates) = m.compact();
    process_compact_updates(&mut store, &updates, m.now, SEED, &m.spec).unwrap();
    assert_eq!(store.finalized_header().execution_block_hash(), None);
    let (_, last) = m.updates.last().unwrap();
    let signers = m.updates[m.updates.len() - 2].1.next_sync_committee.as_ref().unwrap();
    // as a finality update: no committee, but the execution headers
    let finality = LightClientUpdate {
        next_sync_committee: None,
        next_sync_committee_branch: Vec::new(),
        ..last.clone()
    };
    let finality = CompactUpdate::from_full(&finality, signers, true, &m.spec).unwrap();
    process_compact_updates(&mut store, &[finality], m.now, SEED, &m.spec).unwrap();
    assert_eq!(store.finalized_header(), &last.finalized_header);
}

#[test]
fn a_bad_signature_in_the_middle_is_named_and_nothing_changes() {
    let Some(m) = mainnet() else { return };
    let (store, updates) = m.compact();
    let bytes = updates[20].encode(&m.spec).unwrap();
    // the signature of another update, a valid point: only the pairing can tell
    let other = updates[21].encode(&m.spec).unwrap();
    let at = 2 + 113 + 80 + 5 * 32 + 113 + 6 * 32 + 64;
    let mut forged = bytes;
    forged[at..at + 96].copy_from_slice(&other[at..at + 96]);
    let mut batch = updates;
    batch[20] = CompactUpdate::decode(&forged, &m.spec).unwrap();
    let mut after = store.clone();
    let refused = process_compact_updates(&mut after, &batch[..30], m.now, SEED, &m.spec);
    assert!(matches!(
        refused,
        Err(CompactError::Rule { update: 20, error: LightClientError::Signature(_) })
    ));
    assert_eq!(after, store);
}

#[test]
fn a_bad_signature_among_full_updates_is_named_and_nothing_changes() {
    let Some(m) = mainnet() else { return };
    let store = initialize_light_client_store(m.root, &m.bootstrap, &m.spec).unwrap();
    let mut batch = m.full();
    let other = batch[8].sync_aggregate.sync_committee_signature;
    batch[7].sync_aggregate.sync_committee_signature = other;
    let mut after = store.clone();
    let refused = process_light_client_updates(&mut after, &batch[..12], m.now, SEED, &m.spec);
    assert!(matches!(
        refused,
        Err(BatchError { update: 7, error: LightClientError::Signature(_) })
    ));
    assert_eq!(after, store);
    process_light_client_updates(&mut after, &batch[..7], m.now, SEED, &m.spec).unwrap();
    assert_ne!(after, store);
}
