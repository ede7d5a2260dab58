use super::*;
use heliotrope_device_proofs::abi::{CheckInput, Fact};
use heliotrope_device_proofs::bundle::{Entropy, EvidenceBundle, Received};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::provenance::{EntropySource, Receipt};
use heliotrope_device_proofs::radio::{BlockHashes, RadioSources};
use heliotrope_device_proofs::registry::STATUS_ACTIVE;
use heliotrope_device_proofs::wire::{
    BlockchainRegionParamV1, BlockchainRegionSpreadingV1, LoraBeaconReportReqV1,
    LoraWitnessReportReqV1, TaggedSpreading,
};

mod rules_in_order;
mod standing;
mod strict;
mod vectors;

const REGISTRY: [u8; 20] = [7; 20];
const HERE: u64 = 631_615_575_095_659_519;
const THERE: u64 = 631_615_576_056_478_207;
const BEACONER: u8 = 200;
const RECEIVER: u8 = 250;
const TIME_S: u64 = 1_677_163_710;
const STANDING: [u8; 20] = [9; 20];
/// The block that proved the facts.
const BLOCK: u64 = 1010;
/// Concentrator counter of every report, and at the report before, 605 s earlier.
const TMST: (u32, u32) = (1_000_000_000, 395_000_000);

fn region() -> BlockchainRegionParamsV1 {
    let size =
        |region_spreading, max_packet_size| TaggedSpreading { region_spreading, max_packet_size };
    let channel = |channel_frequency| BlockchainRegionParamV1 {
        channel_frequency,
        bandwidth: 125_000,
        max_eirp: 161,
        spreading: Some(BlockchainRegionSpreadingV1 {
            tagged_spreading: vec![size(4, 25), size(3, 67), size(2, 139)],
        }),
    };
    BlockchainRegionParamsV1 {
        region_params: vec![channel(867_100_000), channel(868_100_000), channel(868_500_000)],
    }
}

/// A case that passes, to be broken in one place.
struct Scene {
    bundle: EvidenceBundle,
    beacon: LoraBeaconReportReqV1,
    witnesses: Vec<(u64, LoraWitnessReportReqV1)>,
    radios: Vec<(u8, Option<Radio>)>,
    params: RadioParams,
    /// Provenance, if the evidence has version 2.
    provenance: Option<Provenance>,
    /// In the order of `radios`.
    standings: Vec<Option<Standing>>,
    denied_pairs: Vec<u8>,
    blockhash: Option<Bytes32>,
}

#[derive(Clone)]
struct Provenance {
    sessions: Vec<LoraStreamSessionInitV1>,
    /// Place of the report, beacon first, and who received it.
    receipts: Vec<(usize, u8)>,
    source: Option<EntropySource>,
}

fn radio(cell: u64) -> Radio {
    Radio { cell, gain_ddbi: 12, elevation_m: 3, region: 1, status: STATUS_ACTIVE, since: 1 }
}

/// What the network knows of a device that took part an hour ago and was heard of ten minutes ago.
fn in_good_standing() -> Standing {
    Standing {
        last_beacon_s: TIME_S - 6 * 3600,
        last_valid_beacon_s: TIME_S - 3600,
        last_valid_witness_s: TIME_S - 3600,
        last_received_s: TIME_S - 600,
        last_tmst: TMST.1,
        hex_scale: 5000,
        full: true,
        denied: false,
    }
}

fn receiver_id(key: u8) -> Bytes32 {
    registry::device_id(&[key; 33])
}

fn sources() -> RadioSources {
    RadioSources {
        standing: Some(STANDING),
        receivers: vec![receiver_id(RECEIVER)],
        blockhashes: Some(BlockHashes::ethereum()),
    }
}

impl Scene {
    fn new(witnesses: u8) -> Self {
        let (remote, local) = (vec![3; 32], vec![4; 4]);
        let derived = derive_payload(&remote, TIME_S, &local, 0, &region()).unwrap();
        let beacon = LoraBeaconReportReqV1 {
            pub_key: vec![BEACONER; 33],
            local_entropy: local,
            remote_entropy: remote.clone(),
            data: derived.data.to_vec(),
            frequency: derived.frequency_hz,
            datarate: derived.data_rate,
            tx_power: 14,
            tmst: TMST.0,
            signature: vec![1; 64],
            ..Default::default()
        };
        let heard = |key: u8| LoraWitnessReportReqV1 {
            pub_key: vec![key; 33],
            data: beacon.data.clone(),
            signal: -1200,
            snr: -40,
            frequency: beacon.frequency,
            datarate: beacon.datarate,
            tmst: TMST.0,
            signature: vec![1; 64],
            ..Default::default()
        };
        let received_ms = TIME_S * 1000 + 5000;
        let mut radios = vec![(BEACONER, Some(radio(HERE)))];
        radios.extend((0..witnesses).map(|key| (key, Some(radio(THERE)))));
        Self {
            bundle: EvidenceBundle {
                entropy: Entropy { data: remote, timestamp_s: TIME_S, version: 0 },
                beacon: Received { received_ms, report: Vec::new() },
                witnesses: Vec::new(),
            },
            witnesses: (0..witnesses)
                .map(|key| (received_ms + 10 + u64::from(key), heard(key)))
                .collect(),
            beacon,
            standings: vec![Some(in_good_standing()); radios.len()],
            radios,
            params: RadioParams::helium_2025_12(REGISTRY, 1, vec![(1, region().encode_to_vec())]),
            provenance: None,
            denied_pairs: Vec::new(),
            blockhash: Some([5; 32]),
        }
    }

    /// The same case with its history, under the production rules.
    fn with_history(witnesses: u8) -> Self {
        let mut scene = Self::new(witnesses);
        scene.params.sources = Some(sources());
        scene
    }

    /// The same case with its provenance too, under the strict rules.
    fn strict(witnesses: u8) -> Self {
        let mut scene = Self::with_history(witnesses);
        scene.params.profile = PROFILE_STRICT_1.into();
        scene.provenance = Some(Provenance {
            sessions: vec![LoraStreamSessionInitV1 {
                pub_key: vec![BEACONER; 33],
                nonce: vec![6; 32],
                session_key: vec![201; 33],
                signature: vec![1; 64],
            }],
            receipts: (0..=usize::from(witnesses)).map(|place| (place, RECEIVER)).collect(),
            source: Some(EntropySource { slot: 1000, blockhash: [5; 32], unix_s: TIME_S }),
        });
        scene
    }

    fn evidence(&self) -> Vec<u8> {
        let mut bundle = self.bundle.clone();
        bundle.beacon.report = self.beacon.encode_to_vec();
        bundle.witnesses = self
            .witnesses
            .iter()
            .map(|(received_ms, w)| Received {
                received_ms: *received_ms,
                report: w.encode_to_vec(),
            })
            .collect();
        let Some(provenance) = &self.provenance else {
            bundle.sort_witnesses();
            return bundle.encode();
        };
        let reports: Vec<_> = std::iter::once(&bundle.beacon).chain(&bundle.witnesses).collect();
        let receipt = |(place, key): &(usize, u8)| Receipt {
            digest: sha256(&reports[*place].report),
            received_ms: reports[*place].received_ms,
            receiver_key: vec![*key; 33],
            signature: vec![1; 64],
        };
        let mut receipts: Vec<_> = provenance.receipts.iter().map(receipt).collect();
        receipts.sort_by_key(|receipt| (receipt.received_ms, receipt.digest));
        let sessions = provenance.sessions.iter().map(|init| init.encode_to_vec()).collect();
        let entropy_source = provenance.source;
        bundle.sort_witnesses();
        EvidenceBundleV2 { bundle, sessions, receipts, entropy_source }.encode()
    }

    fn facts(&self) -> Vec<Fact> {
        let fact = |address, key, value| Fact { chain_id: 1, block: BLOCK, address, key, value };
        let id = |key: u8| registry::device_id(&[key; 33]);
        let mut facts = Vec::new();
        for (key, radio) in &self.radios {
            let slot = registry::radio_slot(&id(*key));
            facts.extend(radio.as_ref().map(|radio| fact(REGISTRY, slot, radio.to_word())));
        }
        let Some(sources) = &self.params.sources else {
            return facts;
        };
        if let Some(address) = sources.standing {
            for ((key, _), standing) in self.radios.iter().zip(&self.standings) {
                let slot = radio::standing_slot(&id(*key));
                facts.extend(standing.as_ref().map(|s| fact(address, slot, s.to_word())));
                if *key != BEACONER {
                    let slot = radio::denied_pair_slot(&id(*key), &id(BEACONER));
                    let mut word = [0; 32];
                    word[31] = u8::from(self.denied_pairs.contains(key));
                    facts.push(fact(address, slot, word));
                }
            }
        }
        let source = self.provenance.as_ref().and_then(|provenance| provenance.source);
        let pinned = sources.blockhashes.zip(source).zip(self.blockhash);
        facts.extend(
            pinned.map(|((pinned, s), hash)| fact(pinned.address, pinned.slot(s.slot), hash)),
        );
        facts
    }

    fn input(&self) -> CheckInput {
        CheckInput {
            module_hash: [1; 32],
            evidence: self.evidence(),
            facts: self.facts(),
            params: self.params.encode(),
            now_s: TIME_S + 60,
        }
    }

    fn run(&self) -> CheckOutput {
        check(&self.input().encode()).unwrap()
    }

    /// The reasons that the first witness, or the beacon, is given.
    fn reasons(&self, subject: u32) -> Vec<u16> {
        let output = self.run();
        let broken = output.outcomes.iter().filter(|o| o.subject == subject && o.reason != 0);
        broken.map(|outcome| outcome.reason).collect()
    }

    fn witness(change: impl Fn(&mut Self)) -> Vec<u16> {
        Self::new(2).witness_after(change)
    }

    fn beacon(change: impl Fn(&mut Self)) -> (Verdict, Vec<u16>) {
        Self::new(2).beacon_after(change)
    }

    /// Verdict of the bundle, and the reasons of the beacon.
    fn beacon_after(mut self, change: impl Fn(&mut Self)) -> (Verdict, Vec<u16>) {
        change(&mut self);
        (self.run().verdict, self.reasons(0))
    }

    /// The reasons of the first witness.
    fn witness_after(mut self, change: impl Fn(&mut Self)) -> Vec<u16> {
        change(&mut self);
        self.reasons(1)
    }
}

fn change_radio(scene: &mut Scene, place: usize, change: impl Fn(&mut Radio)) {
    change(scene.radios[place].1.as_mut().unwrap());
}

#[test]
fn an_honest_bundle_passes() {
    let output = Scene::new(3).run();
    assert_eq!(output.verdict, Verdict::Pass);
    assert_eq!(output.selected, [0, 1, 2]);
    assert_eq!(output.score_ppm, 3_000_000 / 14);
    assert_eq!(output.subject_cell, HERE);
    assert_eq!(output.facts_read, [0, 1, 2, 3]);
    assert!(output.outcomes.iter().all(|o| o.reason == 0 && o.verdict != Verdict::Fail));
}

#[test]
fn an_unknown_profile_is_refused() {
    let mut scene = Scene::new(1);
    for profile in ["", "helium", "helium-2025-13", "strict-2"] {
        scene.params.profile = profile.into();
        let input = scene.input();
        let error = CheckError::Profile { got: profile.into(), expected: PROFILES };
        assert_eq!(check(&input.encode()), Err(error.clone()));
        assert_eq!(plan(&input.evidence, &input.params), Err(error));
        assert!(check(&input.encode()).is_err());
    }
}

#[test]
fn evidence_of_version_2_is_judged_as_that_of_version_1() {
    let mut two = Scene::strict(3);
    two.params = Scene::new(3).params;
    let (one, two) = (Scene::new(3).run(), two.run());
    assert_eq!((one.outcomes, one.selected), (two.outcomes, two.selected));
    assert_eq!((one.verdict, one.replay_key), (two.verdict, two.replay_key));
}

#[test]
fn facts_that_contradict_each_other_are_refused() {
    let refused = |change: &dyn Fn(&mut CheckInput)| {
        let mut input = Scene::new(1).input();
        change(&mut input);
        check(&input.encode()).unwrap_err()
    };
    assert!(matches!(
        refused(&|i| i.facts.push(i.facts[0].clone())),
        CheckError::FactRepeated { index: 2 }
    ));
    assert!(matches!(refused(&|i| i.facts[1].block = 6), CheckError::FactBlock { got: 6, .. }));
    assert!(matches!(refused(&|i| i.facts[0].chain_id = 2), CheckError::FactChain { got: 2, .. }));
}

#[test]
fn facts_of_other_contracts_are_not_read() {
    let mut input = Scene::new(1).input();
    input.facts.insert(0, Fact { address: [8; 20], ..input.facts[0].clone() });
    let output = check(&input.encode()).unwrap();
    assert_eq!((output.verdict, output.facts_read), (Verdict::Pass, vec![1, 2]));
}

#[test]
fn the_replay_key_does_not_depend_on_receipt() {
    let mut later = Scene::new(2);
    later.bundle.beacon.received_ms += 1;
    later.beacon.signature = vec![1];
    assert_eq!(later.run().replay_key, Scene::new(2).run().replay_key);
    let mut other = Scene::new(2);
    other.beacon.data[0] ^= 1;
    assert_ne!(other.run().replay_key, Scene::new(2).run().replay_key);
}

#[test]
fn the_plan_names_every_device_once() {
    let mut scene = Scene::new(3);
    scene.witnesses[2].1.pub_key = vec![0; 33];
    let input = scene.input();
    let plan = plan(&input.evidence, &input.params).unwrap();
    assert_eq!(plan.0.len(), 3);
    assert!(plan.0.iter().all(|query| query.address == REGISTRY));
}

#[test]
fn malformed_input_is_refused() {
    let bytes = Scene::new(1).input().encode();
    assert!(check(&bytes[1..]).is_err());
    assert!(check(&[]).is_err());
    assert!(plan(&[], &[]).is_err());
    assert_eq!(Description::decode(&describe().encode()).unwrap(), describe());
}
