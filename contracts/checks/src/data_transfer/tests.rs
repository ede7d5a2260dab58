use super::*;
use heliotrope_device_proofs::abi::{CheckInput, Fact};
use heliotrope_device_proofs::bundle::Received;
use heliotrope_device_proofs::data_transfer::{BYTES_PER_DC, EPOCH_S};
use heliotrope_device_proofs::protobuf::Message as _;
use heliotrope_device_proofs::registry::STATUS_ACTIVE;
use heliotrope_device_proofs::wire::mobile::{DataTransferEvent, DataTransferSessionReqV1};

const REGISTRY: [u8; 20] = [7; 20];
const CREDITS: [u8; 20] = [8; 20];
const EPOCH: u64 = 20_718;
const START_S: u64 = EPOCH * EPOCH_S;
const PAYER: [u8; 33] = [1; 33];

fn hotspot(key: u8) -> Vec<u8> {
    [&[0], [key; 32].as_slice()].concat()
}

fn carrier() -> Vec<u8> {
    vec![1; 33]
}

/// A case that passes, to be broken in one place.
struct Scene {
    sessions: Vec<DataTransferSessionReqV1>,
    statuses: Vec<(Vec<u8>, Option<u8>)>,
    burned: Option<u64>,
    params: DataTransferParams,
}

fn session(id: u8, by: u8, rewardable_bytes: u64) -> DataTransferSessionReqV1 {
    DataTransferSessionReqV1 {
        data_transfer_usage: Some(DataTransferEvent {
            pub_key: hotspot(by),
            upload_bytes: rewardable_bytes,
            download_bytes: 10,
            event_id: format!("event {id}"),
            payer: PAYER.into(),
            timestamp: START_S + u64::from(id),
            signature: vec![9; 64],
            ..Default::default()
        }),
        pub_key: carrier(),
        rewardable_bytes,
        signature: vec![8; 64],
        ..Default::default()
    }
}

impl Scene {
    /// Two sessions of hotspot 1, one of hotspot 2: 100 001 + 99 999 and 100 001 bytes, 2 + 2 credits.
    fn new() -> Self {
        Self {
            sessions: vec![session(0, 1, 100_001), session(1, 1, 99_999), session(2, 2, 100_001)],
            statuses: [1, 2].map(|key| (hotspot(key), Some(STATUS_ACTIVE))).to_vec(),
            burned: Some(4),
            params: DataTransferParams {
                profile: PROFILE_TWO_SIDED_1.into(),
                device_registry: REGISTRY,
                credits: CREDITS,
                burned_slot: 3,
                chain_id: 1,
                network: 0,
                routing_keys: vec![carrier(), vec![2; 33]],
                epoch_s: EPOCH_S,
                bytes_per_dc: BYTES_PER_DC,
            },
        }
    }

    fn bundle(&self) -> DataTransferBundle {
        let sessions = (0_u64..).zip(&self.sessions);
        let sessions = sessions.map(|(ms, session)| Received {
            received_ms: START_S * 1000 + ms,
            report: session.encode_to_vec(),
        });
        DataTransferBundle { payer: PAYER.into(), epoch: EPOCH, sessions: sessions.collect() }
    }

    fn input(&self) -> CheckInput {
        let fact = |address, key, value| Fact { chain_id: 1, block: 5, address, key, value };
        let bundle = self.bundle();
        let mut facts: Vec<_> = self
            .statuses
            .iter()
            .filter_map(|(key, status)| {
                let key = registry::radio_slot(&registry::device_id(key));
                let value = Radio { status: (*status)?, ..Default::default() }.to_word();
                Some(fact(REGISTRY, key, value))
            })
            .collect();
        let key = burned_key(&bundle, &self.params);
        facts.extend(self.burned.map(|burned| fact(CREDITS, key, word(burned))));
        CheckInput {
            module_hash: [1; 32],
            evidence: bundle.encode(),
            facts,
            params: self.params.encode(),
            now_s: START_S,
        }
    }

    fn run(&self) -> CheckOutput {
        check(&self.input().encode()).unwrap()
    }

    fn event(&mut self, index: usize) -> &mut DataTransferEvent {
        self.sessions[index].data_transfer_usage.as_mut().unwrap()
    }
}

/// The verdict of the changed scene, and of the first session: the rule it ends with and its reason.
fn broken(change: impl Fn(&mut Scene)) -> (Verdict, Verdict, u16, u16) {
    let mut scene = Scene::new();
    change(&mut scene);
    let output = scene.run();
    let last = output.outcomes.iter().rfind(|outcome| outcome.subject == 1).unwrap();
    assert!(output.selected.is_empty() || !output.selected.contains(&0));
    (output.verdict, last.verdict, last.rule_id, last.reason)
}

#[test]
fn an_honest_bundle_passes_in_either_profile() {
    let mut scene = Scene::new();
    let output = scene.run();
    assert_eq!(output.verdict, Verdict::Pass, "{:?}", output.outcomes);
    assert_eq!((output.selected, output.score_ppm), (vec![0, 1, 2], 1_000_000));
    assert_eq!(output.facts_read, [0, 1, 2]);
    assert!(output.outcomes.iter().all(|o| o.verdict == Verdict::Pass && o.reason == 0));
    scene.params.profile = PROFILE_HELIUM_2026_06.into();
    let output = scene.run();
    assert_eq!(output.verdict, Verdict::Pass);
    assert!(output.outcomes.iter().all(|o| o.rule_id != rules::D1.id));
}

#[test]
fn a_profile_that_is_not_known_is_refused() {
    let mut scene = Scene::new();
    scene.params.profile = "helium-2027-01".into();
    let input = scene.input();
    let refused = CheckError::Profile {
        got: "helium-2027-01".into(),
        expected: &[PROFILE_HELIUM_2026_06, PROFILE_TWO_SIDED_1],
    };
    assert_eq!(check(&input.encode()).unwrap_err(), refused);
    assert_eq!(plan(&input.evidence, &input.params).unwrap_err(), refused);
}

#[test]
fn d1_hotspot_signed_what_it_carried() {
    let unsigned = |scene: &mut Scene| scene.event(0).signature.clear();
    let indeterminate = Verdict::Indeterminate;
    assert_eq!(broken(unsigned), (indeterminate, indeterminate, 1, 1001));
    // upstream takes the carrier's word
    let mut scene = Scene::new();
    unsigned(&mut scene);
    scene.params.profile = PROFILE_HELIUM_2026_06.into();
    assert_eq!(scene.run().selected, [0, 1, 2]);
}

#[test]
fn d2_carrier_that_signed_is_a_routing_key() {
    let found = broken(|scene| scene.sessions[0].pub_key = vec![3; 33]);
    assert_eq!(found, (Verdict::Pass, Verdict::Fail, 2, 3));
}

#[test]
fn d3_keys_are_of_the_network() {
    let found = broken(|scene| {
        scene.event(0).pub_key[0] = 0x10;
        let key = scene.event(0).pub_key.clone();
        scene.statuses.push((key, Some(STATUS_ACTIVE)));
    });
    assert_eq!(found, (Verdict::Pass, Verdict::Fail, 3, 1003));
    let found = broken(|scene| {
        scene.sessions[0].pub_key[0] = 0x11;
        let key = scene.sessions[0].pub_key.clone();
        scene.params.routing_keys.push(key);
        scene.params.routing_keys.sort();
    });
    assert_eq!(found, (Verdict::Pass, Verdict::Fail, 3, 1003));
    let all = broken(|scene| scene.params.network = 0x10);
    assert_eq!(all, (Verdict::Fail, Verdict::Fail, 3, 1003));
}

#[test]
fn d4_event_counts_once() {
    let mut scene = Scene::new();
    scene.event(1).event_id = "event 0".into();
    let output = scene.run();
    assert_eq!((output.verdict, output.selected), (Verdict::Pass, vec![0, 2]));
    let second = output.outcomes.iter().find(|o| o.subject == 2 && o.reason != 0).unwrap();
    assert_eq!((second.rule_id, second.reason, second.observed), (4, 4, 2));
    // 200 002 of 300 001 bytes
    assert_eq!(output.score_ppm, 666_671);
}

#[test]
fn d5_no_more_is_paid_for_than_was_carried() {
    let carried = |scene: &mut Scene, bytes| {
        (scene.event(0).upload_bytes, scene.event(0).download_bytes) = (bytes, 1);
    };
    let mut exactly = Scene::new();
    carried(&mut exactly, 100_000);
    assert_eq!(exactly.run().selected, [0, 1, 2]);
    let found = broken(|scene| carried(scene, 99_999));
    assert_eq!(found, (Verdict::Pass, Verdict::Fail, 5, 1005));
}

#[test]
fn d6_event_is_in_the_epoch() {
    for (time_s, holds) in [
        (START_S - 1, false),
        (START_S, true),
        (START_S + EPOCH_S - 1, true),
        (START_S + EPOCH_S, false),
        (u64::MAX, false),
    ] {
        let mut scene = Scene::new();
        scene.event(0).timestamp = time_s;
        assert_eq!(scene.run().selected.contains(&0), holds, "{time_s}");
    }
    let found = broken(|scene| scene.event(0).timestamp = 0);
    assert_eq!(found, (Verdict::Pass, Verdict::Fail, 6, 1006));
    let unknown = broken(|scene| scene.params.epoch_s = 0);
    assert_eq!(unknown, (Verdict::Indeterminate, Verdict::Indeterminate, 6, 1006));
}

#[test]
fn d7_reward_is_not_cancelled() {
    let found = broken(|scene| scene.sessions[0].reward_cancelled = true);
    assert_eq!(found, (Verdict::Pass, Verdict::Fail, 7, 1));
}

#[test]
fn d8_no_more_is_paid_than_was_burned() {
    let of = |burned| {
        let mut scene = Scene::new();
        scene.burned = burned;
        let output = scene.run();
        let rule = output.outcomes.into_iter().find(|o| o.rule_id == rules::D8.id).unwrap();
        (output.verdict, rule.verdict, rule.observed, rule.limit)
    };
    assert_eq!(of(Some(4)), (Verdict::Pass, Verdict::Pass, 4, 4));
    assert_eq!(of(Some(u64::MAX)), (Verdict::Pass, Verdict::Pass, 4, i64::MAX));
    assert_eq!(of(Some(3)), (Verdict::Fail, Verdict::Fail, 4, 3));
    assert_eq!(of(Some(0)), (Verdict::Fail, Verdict::Fail, 4, 0));
    assert_eq!(of(None), (Verdict::Indeterminate, Verdict::Indeterminate, 0, 0));
    let mut scene = Scene::new();
    scene.params.bytes_per_dc = 0;
    assert_eq!(scene.run().verdict, Verdict::Indeterminate);
}

#[test]
fn d8_is_broken_even_if_something_else_is_missing() {
    let mut scene = Scene::new();
    scene.statuses[1].1 = None;
    scene.burned = Some(1);
    assert_eq!(scene.run().verdict, Verdict::Fail);
    scene.burned = Some(2);
    assert_eq!(scene.run().verdict, Verdict::Indeterminate);
}

#[test]
fn g1_hotspot_is_known() {
    let found = broken(|scene| scene.statuses[0].1 = Some(0));
    assert_eq!(found, (Verdict::Pass, Verdict::Fail, 101, 2));
    let found = broken(|scene| scene.statuses[0].1 = None);
    assert_eq!(found, (Verdict::Indeterminate, Verdict::Indeterminate, 101, 2));
}

#[test]
fn b1_session_is_of_the_payer() {
    let found = broken(|scene| scene.event(0).payer[5] ^= 1);
    assert_eq!(found, (Verdict::Pass, Verdict::Fail, 201, 1201));
    let found = broken(|scene| scene.event(0).payer.clear());
    assert_eq!(found, (Verdict::Pass, Verdict::Fail, 201, 1201));
}

#[test]
fn b2_some_session_is_paid_for() {
    let mut scene = Scene::new();
    scene.sessions.clear();
    let output = scene.run();
    assert_eq!(output.verdict, Verdict::Fail);
    assert_eq!(output.outcomes[0].reason, 1202);
    // as upstream: a session of no bytes is no fault and is not burned for
    let mut scene = Scene::new();
    scene.sessions[2] = session(2, 2, 0);
    scene.burned = Some(2);
    let output = scene.run();
    assert_eq!((output.verdict, output.selected), (Verdict::Pass, vec![0, 1]));
}

/// `helium/oracles`, `mobile_packet_verifier`, `test_bytes_to_dc`: of 2026, and of the years before.
#[test]
fn test_bytes_to_dc() {
    for per_dc in [100_000, 20_000] {
        let dc = |bytes| bytes_to_dc(bytes, per_dc).unwrap();
        assert_eq!([dc(1), dc(per_dc), dc(per_dc + 1)], [1, 1, 2]);
    }
    assert_eq!(bytes_to_dc(u64::MAX, 1), Some(u64::MAX));
    assert_eq!(bytes_to_dc(1, 0), None);
}

#[test]
fn facts_that_contradict_each_other_are_refused() {
    let mut input = Scene::new().input();
    input.facts[2].block = 6;
    let error = check(&input.encode()).unwrap_err();
    assert_eq!(error, CheckError::FactBlock { index: 2, got: 6, expected: 5 });
}

#[test]
fn the_plan_is_what_the_check_reads() {
    let input = Scene::new().input();
    let plan = plan(&input.evidence, &input.params).unwrap();
    let mut facts: Vec<_> = input.facts.iter().map(|fact| (fact.address, fact.key)).collect();
    facts.sort_unstable();
    assert_eq!(plan.0.iter().map(|q| (q.address, q.key)).collect::<Vec<_>>(), facts);
}

#[test]
fn a_payer_pays_once_per_epoch() {
    let mut other = Scene::new();
    other.sessions.pop();
    assert_eq!(other.run().replay_key, Scene::new().run().replay_key);
    let mut input = Scene::new().input();
    let bundle = DataTransferBundle { epoch: EPOCH + 1, ..Scene::new().bundle() };
    input.evidence = bundle.encode();
    assert_ne!(check(&input.encode()).unwrap().replay_key, Scene::new().run().replay_key);
}

#[test]
fn malformed_input_is_refused() {
    let mut input = Scene::new().input();
    assert!(check(&input.encode()[1..]).is_err());
    let mut bundle = Scene::new().bundle();
    bundle.sessions[1].report = DataTransferSessionReqV1::default().encode_to_vec();
    input.evidence = bundle.encode();
    assert!(matches!(check(&input.encode()), Err(CheckError::DataTransfer(_))));
    assert!(check(&[]).is_err() && plan(&[], &[]).is_err());
    assert_eq!(Description::decode(&describe().encode()).unwrap(), describe());
}

#[test]
fn the_vectors_are_those_of_these_tests() {
    let case = |name, about, scene: &Scene| (name, about, scene.input().encode());
    let changed = |change: fn(&mut Scene)| {
        let mut scene = Scene::new();
        change(&mut scene);
        scene
    };
    let cases = vec![
        case("honest", "three sessions, signed on both sides", &Scene::new()),
        case("one-sided", "D1: an event without the hotspot's signature", &{
            changed(|s| s.event(0).signature.clear())
        }),
        case("one-sided-helium", "the same where the carrier's word is enough", &{
            changed(|s| {
                s.event(0).signature.clear();
                s.params.profile = PROFILE_HELIUM_2026_06.into();
            })
        }),
        case("faults", "D7, D4 and D6, one session each: nothing is paid", &{
            changed(|s| {
                s.sessions[0].reward_cancelled = true;
                s.event(1).event_id = "event 0".into();
                s.event(2).timestamp = 0;
            })
        }),
        case("d8-burned", "D8: more is claimed than was burned", &{
            changed(|s| s.burned = Some(3))
        }),
        case("d8-missing", "D8: no fact about what was burned", &changed(|s| s.burned = None)),
        case("profile", "a profile that there is not is refused", &{
            changed(|s| s.params.profile = "helium-2027-01".into())
        }),
        (
            "cut",
            "an input that is cut short is refused",
            Scene::new().input().encode()[..99].into(),
        ),
    ];
    crate::vectors::hold(NAME, cases);
}
