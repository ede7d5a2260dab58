use super::scene::{Commitment, EPOCH, MBIT, PLACE, START_S, Scene, Station};
use super::*;
use heliotrope_device_proofs::coverage_map::{DeviceType, Seniority, SeniorityReason};
use heliotrope_device_proofs::wire::mobile::signal_level::{HIGH, LOW, MEDIUM, NONE};

/// One outdoor radio with a strong signal in one hex.
fn one() -> Scene {
    Scene::new(vec![Station::new(1, false, &[(PLACE, HIGH, -700)])])
}

fn run(scene: &Scene) -> CheckOutput {
    check(&scene.input().encode()).unwrap()
}

/// What a rule says about a subject.
fn said(output: &CheckOutput, subject: u32, rule_id: u16) -> (Verdict, u16, i64, i64) {
    let mut outcomes = output.outcomes.iter();
    let found = outcomes.rfind(|o| o.subject == subject && o.rule_id == rule_id);
    let o = found.unwrap_or_else(|| panic!("{subject} {rule_id}: {:?}", output.outcomes));
    (o.verdict, o.reason, o.observed, o.limit)
}

/// The share of each radio, in whole points.
fn shares(scene: &Scene) -> Vec<f64> {
    let output = run(scene);
    let shares = output.outcomes.iter().filter(|o| o.rule_id == rules::P3.id);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    shares.map(|o| o.observed as f64 / 1e6).collect()
}

/// Changes the only radio; gives the verdict and what the rule says about its first heartbeat or itself.
fn broken(
    subject: u32,
    rule: judge::Rule,
    change: impl Fn(&mut Station),
) -> (Verdict, Verdict, u16, i64, i64) {
    let mut scene = one();
    change(&mut scene.stations[0]);
    let output = run(&scene);
    let (verdict, reason, observed, limit) = said(&output, subject, rule.id);
    (output.verdict, verdict, reason, observed, limit)
}

fn first_heartbeat(
    rule: judge::Rule,
    change: impl Fn(&mut Station),
) -> (Verdict, Verdict, u16, i64, i64) {
    broken(257, rule, change)
}

use Verdict::{Fail, Indeterminate, Pass};

#[test]
fn an_honest_area_passes() {
    let output = run(&one());
    assert_eq!(output.verdict, Pass, "{:?}", output.outcomes);
    assert_eq!((output.selected.as_slice(), output.subject_cell), ([0].as_slice(), one().area));
    assert_eq!(output.score_ppm, 1_000_000 / 2401);
    assert_eq!(output.facts_read, [0, 1]);
    assert_eq!(said(&output, 256, rules::P3.id), (Pass, 0, 120_000_000, 1));
    let not_boosted = |o: &&heliotrope_device_proofs::abi::RuleOutcome| o.rule_id != rules::P2.id;
    assert!(output.outcomes.iter().filter(not_boosted).all(|o| o.verdict == Pass));
}

#[test]
fn a_profile_that_is_not_known_is_refused() {
    let mut scene = one();
    scene.params.profile = "helium-2024-01".into();
    let input = scene.input();
    let refused =
        CheckError::Profile { got: "helium-2024-01".into(), expected: &[PROFILE_HELIUM_2026_01] };
    assert_eq!(check(&input.encode()).unwrap_err(), refused);
    assert_eq!(plan(&input.evidence, &input.params).unwrap_err(), refused);
}

#[test]
fn v1_v2_heartbeat_names_the_coverage_object_of_the_radio() {
    let short = first_heartbeat(rules::V1, |s| s.heartbeats[0].1.coverage_object.truncate(15));
    assert_eq!(short, (Fail, Fail, 7, 15, 16));
    let other = first_heartbeat(rules::V2, |s| s.heartbeats[0].1.coverage_object[3] ^= 1);
    assert_eq!(other, (Fail, Fail, 6, 1, 0));
}

#[test]
fn v3_radio_works() {
    let found = first_heartbeat(rules::V3, |s| s.heartbeats[0].1.operation_mode = false);
    assert_eq!(found, (Fail, Fail, 4, 0, 1));
}

#[test]
fn v4_heartbeat_came_in_the_epoch() {
    let early = first_heartbeat(rules::V4, |s| s.heartbeats[0].0 = START_S * 1000 - 1);
    assert_eq!(early, (Fail, Fail, 2, -1, 86_399));
    let last = broken(268, rules::V4, |s| s.heartbeats[11].0 = (START_S + 86_400) * 1000 - 1);
    assert_eq!(last, (Pass, Pass, 0, 86_399, 86_399));
    let late = broken(268, rules::V4, |s| s.heartbeats[11].0 = (START_S + 86_400) * 1000);
    assert_eq!(late, (Fail, Fail, 2, 86_400, 86_399));
    let mut scene = one();
    scene.params.epoch_s = 0;
    assert_eq!(run(&scene).verdict, Indeterminate);
}

#[test]
fn v5_heartbeat_has_a_place() {
    for (lat, lon) in [(f64::NAN, 0.0), (f64::INFINITY, 0.0), (0.0, 180.5), (-90.5, 0.0)] {
        let found = first_heartbeat(rules::V5, |s| {
            (s.heartbeats[0].1.lat, s.heartbeats[0].1.lon) = (lat.into(), lon.into());
        });
        assert_eq!(found, (Fail, Fail, 8, 0, 12), "{lat} {lon}");
    }
}

#[test]
fn v6_place_is_where_radios_count() {
    let mut scene = one();
    scene.params.geofence = vec![h3::parent(PLACE, 0).unwrap(), h3::parent(PLACE, 12).unwrap()];
    assert_eq!(said(&run(&scene), 257, 6), (Pass, 0, 2, 1));
    scene.params.geofence = vec![scene.cell(7)];
    assert_eq!(said(&run(&scene), 257, 6), (Fail, 11, 0, 1));
    scene.params.geofence.clear();
    assert_eq!(said(&run(&scene), 257, 6), (Indeterminate, 11, 0, 0));
    assert_eq!(run(&scene).verdict, Indeterminate);
}

#[test]
fn v7_device_covers_by_wifi() {
    let of = |device_type| {
        first_heartbeat(rules::V7, move |s| s.statement.as_mut().unwrap().device_type = device_type)
    };
    assert_eq!(of(DeviceType::WifiIndoor), (Pass, Pass, 0, 1, 2));
    assert_eq!(of(DeviceType::WifiDataOnly), (Fail, Fail, 12, 3, 2));
    assert_eq!(of(DeviceType::Cbrs), (Fail, Fail, 12, 0, 2));
    let unknown = first_heartbeat(rules::V7, |s| s.statement = None);
    assert_eq!(unknown, (Indeterminate, Indeterminate, 12, 0, 0));
}

#[test]
fn v8_radio_is_known() {
    let gone = first_heartbeat(rules::V8, |s| s.device.as_mut().unwrap().status = 2);
    assert_eq!(gone, (Fail, Fail, 5, 2, 1));
    let unknown = first_heartbeat(rules::V8, |s| s.device = None);
    assert_eq!(unknown, (Indeterminate, Indeterminate, 5, 0, 0));
}

#[test]
fn v9_radio_has_asserted_its_place() {
    let none = first_heartbeat(rules::V9, |s| s.device.as_mut().unwrap().cell = 0);
    assert_eq!(none, (Fail, Fail, 10, 0, 12));
}

#[test]
fn hip_119_trust_falls_with_distance() {
    let steps = [0, 300, 301, 400, 401, u64::MAX];
    let trust = steps.map(|distance_m| heartbeat::trust_percent(distance_m, 300, 400));
    assert_eq!(trust, [100, 100, 25, 25, 0, 0]);
    // a quarter of 120 points
    let mut scene = one();
    scene.params.full_trust_m = 10;
    let far = h3o::CellIndex::try_from(PLACE).unwrap();
    let away: Vec<h3o::CellIndex> = far.grid_ring::<Vec<_>>(16);
    let metres = crate::coverage_radio::distance_m(away[0].into(), PLACE).unwrap();
    assert!((200..400).contains(&metres), "{metres} m");
    scene.stations[0].device.as_mut().unwrap().cell = away[0].into();
    assert_eq!(shares(&scene), [30.0]);
    assert_eq!(said(&run(&scene), 257, rules::T3.id), (Fail, 0, metres.into(), 10));
    scene.params.quarter_trust_m = u64::from(metres) - 1;
    assert_eq!((shares(&scene), run(&scene).verdict), (vec![0.0], Fail));
}

#[test]
fn a_radio_that_nobody_located_is_not_trusted_until_somebody_does() {
    let mut scene = one();
    for (_, heartbeat) in &mut scene.stations[0].heartbeats[..6] {
        heartbeat.location_validation_timestamp = 0;
    }
    // half of the hours
    assert_eq!(shares(&scene), [60.0]);
    assert_eq!(said(&run(&scene), 257, rules::T1.id), (Fail, 0, 0, 1));
    // later heartbeats inherit the last validated place, whatever they say themselves
    let mut scene = one();
    for (_, heartbeat) in &mut scene.stations[0].heartbeats[1..] {
        heartbeat.location_validation_timestamp = 0;
        heartbeat.lat = (heartbeat.lat.value() + 0.1).into();
    }
    assert_eq!(shares(&scene), [120.0]);
}

#[test]
fn a_radio_far_from_its_hexes_is_not_trusted() {
    let mut scene = one();
    let (_, _, farthest_m, _) = said(&run(&scene), 257, rules::T2.id);
    assert_eq!(farthest_m, 0);
    scene.stations[0] = Station::new(1, false, &[(PLACE, HIGH, -700), (scene.cell(0), HIGH, -700)]);
    let (_, _, farthest_m, limit_m) = said(&run(&scene), 257, rules::T2.id);
    assert!((100..1500).contains(&farthest_m), "{farthest_m} m");
    assert_eq!(limit_m, 2999);
    scene.params.max_distance_to_coverage_m = u64::try_from(farthest_m).unwrap();
    assert_eq!(said(&run(&scene), 257, rules::T2.id).0, Fail);
    assert_eq!(shares(&scene), [0.0]);
    scene.params.max_distance_to_coverage_m += 1;
    assert_eq!(shares(&scene), [240.0]);
}

#[test]
fn c1_coverage_is_modelled_by_somebody_who_may() {
    let found = broken(256, rules::C1, |s| s.coverage.pub_key = vec![6; 33]);
    assert_eq!(found, (Fail, Fail, 1, 0, 1));
}

#[test]
fn c2_every_hex_is_a_cell_of_resolution_12() {
    for location in ["8c2681a3064d9f", "8C2681A3064D9FF", "8b2681a3064dfff", "000000000000000", ""]
    {
        let found = broken(256, rules::C2, |s| s.coverage.coverage[0].location = location.into());
        assert_eq!(found, (Fail, Fail, 1202, 1, 0), "{location}");
    }
    let twice = broken(256, rules::C2, |s| {
        let hex = s.coverage.coverage[0].clone();
        s.coverage.coverage.push(hex);
    });
    assert_eq!(twice, (Fail, Fail, 1202, 1, 0));
    let none = broken(256, rules::C2, |s| s.coverage.coverage.clear());
    assert_eq!(none, (Fail, Fail, 1202, 0, 0));
}

#[test]
fn c3_every_signal_level_is_one_of_such_a_radio() {
    for (indoor, level, holds) in [
        (true, HIGH, true),
        (true, MEDIUM, false),
        (true, LOW, true),
        (true, NONE, false),
        (false, NONE, true),
        (false, 4, false),
    ] {
        let scene = Scene::new(vec![Station::new(1, indoor, &[(PLACE, level, -700)])]);
        let (verdict, reason, ..) = said(&run(&scene), 256, rules::C3.id);
        assert_eq!((verdict == Pass, reason), (holds, if holds { 0 } else { 1203 }));
    }
}

#[test]
fn c4_radio_was_there_long_enough() {
    let eleven = broken(256, rules::C4, |s| drop(s.heartbeats.pop()));
    assert_eq!(eleven, (Fail, Fail, 1204, 11, 12));
    // two heartbeats of an hour are one
    let crowded = broken(256, rules::C4, |s| s.heartbeats[11].0 = s.heartbeats[10].0 + 1);
    assert_eq!(crowded, (Fail, Fail, 1204, 11, 12));
}

#[test]
fn q1_q2_tests_that_are_impossible_or_old_do_not_count() {
    let fast = broken(384, rules::Q1, |s| s.speedtests[0].download_speed = 300 * MBIT + 1);
    assert_eq!(fast, (Fail, Fail, 1301, 37_500_001, 37_500_000));
    let old = broken(384, rules::Q2, |s| s.speedtests[0].timestamp = START_S - 86_401);
    assert_eq!(old, (Fail, Fail, 1302, 48 * 3600 + 1, 48 * 3600));
    let early = broken(384, rules::Q2, |s| s.speedtests[0].timestamp = START_S - 86_400);
    assert_eq!(early, (Pass, Pass, 0, 48 * 3600, 48 * 3600));
    let future = broken(385, rules::Q2, |s| s.speedtests[1].timestamp = START_S + 86_401);
    assert_eq!(future, (Fail, Fail, 1302, -1, 48 * 3600));
}

#[test]
fn q3_to_q6_a_backhaul_that_is_not_enough_says_why() {
    let few = broken(256, rules::Q3, |s| drop(s.speedtests.pop()));
    assert_eq!(few, (Fail, Fail, 1, 1, 2));
    let all = |change: fn(&mut heliotrope_device_proofs::wire::mobile::SpeedtestReqV1)| {
        move |s: &mut Station| s.speedtests.iter_mut().for_each(change)
    };
    let down = broken(256, rules::Q4, all(|t| t.download_speed = 30 * MBIT - 1));
    assert_eq!(down, (Fail, Fail, 2, 3_749_999, 3_750_000));
    let up = broken(256, rules::Q5, all(|t| t.upload_speed = 2 * MBIT - 1));
    assert_eq!(up, (Fail, Fail, 3, 249_999, 250_000));
    let slow = broken(256, rules::Q6, all(|t| t.latency = 100));
    assert_eq!(slow, (Fail, Fail, 4, 100, 99));
    let soon = broken(256, rules::Q6, all(|t| t.latency = 99));
    assert_eq!(soon, (Pass, Pass, 0, 99, 99));
}

#[test]
fn b1_area_is_a_cell_of_the_map() {
    let mut scene = one();
    for area in [PLACE, 0, h3::parent(PLACE, 7).unwrap()] {
        scene.area = area;
        let output = run(&scene);
        assert_eq!((output.verdict, output.outcomes.len()), (Fail, 1));
        assert_eq!(output.outcomes[0].reason, 1501);
    }
}

#[test]
fn b2_oracle_data_are_those_that_the_chain_commits_to() {
    let mut scene = one();
    scene.committed = Commitment::Word([3; 32]);
    let output = run(&scene);
    assert_eq!((output.verdict, said(&output, 0, 502).1), (Fail, 1502));
    for committed in [Commitment::Word([0; 32]), Commitment::Missing] {
        scene.committed = committed;
        assert_eq!(run(&scene).verdict, Indeterminate);
    }
    scene.committed = Commitment::Theirs;
    scene.has_oracle = false;
    assert_eq!(run(&scene).verdict, Indeterminate);
}

#[test]
fn b3_one_radio_of_which_nothing_is_known_makes_all_ranks_unknown() {
    let mut scene = one();
    scene.stations.push(Station::new(2, false, &[(scene.cell(3), LOW, -900)]));
    scene.stations[1].device = None;
    let output = run(&scene);
    assert_eq!((output.verdict, output.selected.len()), (Indeterminate, 0));
    // nothing is said of a hex
    let mut scene = one();
    scene.hexes.retain(|hex| hex.cell != PLACE);
    assert_eq!(run(&scene).verdict, Indeterminate);
    // a radio that breaks a rule is not ranked and hinders nobody
    let mut scene = one();
    scene.stations.push(Station::new(2, false, &[(PLACE, HIGH, -600)]));
    scene.stations[1].coverage.pub_key.clear();
    assert_eq!(shares(&scene), [120.0]);
    scene.stations.clear();
    assert_eq!((run(&scene).verdict, said(&run(&scene), 0, 503).1), (Fail, 1503));
}

#[test]
fn hip_105_outdoors_the_strongest_signal_is_first_then_the_oldest_then_the_lower_key() {
    let station = |key, power| Station::new(key, false, &[(PLACE, HIGH, power)]);
    let mut scene = Scene::new(vec![station(1, -700), station(2, -600), station(3, -700)]);
    assert_eq!(shares(&scene), [60.0, 120.0, 30.0]);
    scene.stations[2] = scene.stations[2].clone().since(START_S - 86_401);
    assert_eq!(shares(&scene), [30.0, 120.0, 60.0]);
    // whatever the order in which they are handed in
    scene.stations.reverse();
    assert_eq!(shares(&scene), [30.0, 120.0, 60.0]);
    scene.stations.push(station(4, -800));
    assert_eq!(shares(&scene), [30.0, 120.0, 60.0, 0.0]);
}

#[test]
fn hip_105_indoors_the_highest_level_alone_counts_and_outdoors_is_ranked_apart() {
    let station = |key, level| Station::new(key, true, &[(PLACE, level, -700)]);
    let mut scene = Scene::new(vec![station(1, LOW), station(2, HIGH), station(3, HIGH)]);
    assert_eq!(shares(&scene), [0.0, 400.0, 0.0]);
    scene.stations[0] = Station::new(1, false, &[(PLACE, LOW, -700)]);
    scene.params.outdoor_points = [16, 8, 4];
    assert_eq!(shares(&scene), [4.0, 400.0, 0.0]);
}

#[test]
fn a_hex_beyond_the_area_is_another_bundle_s() {
    let mut scene = one();
    let beyond = h3o::CellIndex::try_from(scene.area).unwrap();
    let beyond: Vec<h3o::CellIndex> = beyond.grid_ring::<Vec<_>>(1);
    let beyond = beyond[0].center_child(h3o::Resolution::Twelve).unwrap();
    scene.stations[0] = Station::new(1, false, &[(PLACE, HIGH, -700), (beyond.into(), HIGH, -700)]);
    assert_eq!(shares(&scene), [120.0]);
    assert_eq!(said(&run(&scene), 256, rules::P1.id), (Pass, 0, 1, 1));
}

#[test]
fn a_radio_that_was_silent_loses_its_seniority() {
    let station = |key| Station::new(key, false, &[(PLACE, HIGH, -700)]).since(START_S - 900_000);
    let mut scene = Scene::new(vec![station(1), station(2)]);
    assert_eq!(shares(&scene), [120.0, 60.0]);
    scene.stations[0].statement.as_mut().unwrap().seniority = Some(Seniority {
        uuid: [1; 16],
        since_s: START_S - 900_000,
        last_heartbeat_s: START_S - 72 * 3600 - 1,
        reason: SeniorityReason::NewCoverageClaimTime,
    });
    assert_eq!(shares(&scene), [60.0, 120.0]);
}

#[test]
fn hip_103_hip_134_what_a_hex_counts() {
    use heliotrope_device_proofs::coverage_map::Assignment::{A, B, C};
    let scene = one();
    let (hex, radio) = (&scene.hexes[0], scene.stations[0].statement.as_ref().unwrap());
    // upstream's table: footfall, land type, urbanized
    for (footfall, landtype, urbanized, percent) in [
        (A, A, A, 100),
        (A, C, B, 100),
        (B, A, A, 70),
        (B, C, B, 50),
        (C, A, A, 40),
        (C, B, A, 30),
        (C, C, A, 5),
        (C, A, B, 20),
        (C, B, B, 15),
        (C, C, B, 3),
        (A, A, C, 0),
        (C, C, C, 0),
    ] {
        let mut hex = heliotrope_device_proofs::coverage_map::HexAssignments {
            footfall,
            landtype,
            urbanized,
            ..hex.clone()
        };
        assert_eq!(rank::assignment_percent(&hex, radio), percent);
        let mut radio = radio.clone();
        radio.unique_connections = 25;
        assert_eq!(rank::assignment_percent(&hex, &radio), percent);
        radio.unique_connections = 26;
        assert_eq!(rank::assignment_percent(&hex, &radio), 100);
        radio.unique_connections = 0;
        hex.service_provider_override = true;
        assert_eq!(rank::assignment_percent(&hex, &radio), 100);
        radio.banned = true;
        assert_eq!(rank::assignment_percent(&hex, &radio), 0);
    }
}

#[test]
fn hip_84_hip_93_hip_119_boosts_count_for_a_radio_that_is_used_trusted_and_near() {
    let mut scene = Scene::new(vec![Station::new(1, true, &[(PLACE, HIGH, -700)])]);
    let place = scene.hexes.iter().position(|hex| hex.cell == PLACE).unwrap();
    scene.hexes[place].boost = 5;
    // nobody uses it: the hex counts in full and is not boosted
    assert_eq!(shares(&scene), [400.0]);
    scene.stations[0].statement.as_mut().unwrap().unique_connections = 26;
    assert_eq!(shares(&scene), [2000.0]);
    assert_eq!(said(&run(&scene), 256, rules::P2.id), (Pass, 0, 26, 26));
    // nine hours of twelve are three quarters, eight are not
    for (hours, share) in [(9, 1500.0), (8, 400.0 * 8.0 / 12.0)] {
        let mut scene = scene.clone();
        for (_, heartbeat) in &mut scene.stations[0].heartbeats[..12 - hours] {
            heartbeat.location_validation_timestamp = 0;
        }
        assert!((shares(&scene)[0] - share).abs() < 1e-5, "{hours} h: {:?}", shares(&scene));
    }
    // farther than 50 m on average
    let far = h3o::CellIndex::try_from(PLACE).unwrap();
    let away: Vec<h3o::CellIndex> = far.grid_ring::<Vec<_>>(4);
    let metres = crate::coverage_radio::distance_m(away[0].into(), PLACE).unwrap();
    assert!((51..300).contains(&metres), "{metres} m");
    scene.stations[0].device.as_mut().unwrap().cell = away[0].into();
    assert_eq!(shares(&scene), [400.0]);
}

#[test]
fn the_plan_is_what_the_check_reads() {
    let mut scene = one();
    scene.stations.push(Station::new(2, true, &[(PLACE, HIGH, -700)]));
    let input = scene.input();
    let plan = plan(&input.evidence, &input.params).unwrap();
    let mut facts: Vec<_> = input.facts.iter().map(|fact| (fact.address, fact.key)).collect();
    facts.sort_unstable();
    assert_eq!(plan.0.iter().map(|q| (q.address, q.key)).collect::<Vec<_>>(), facts);
    assert_eq!(check(&input.encode()).unwrap().facts_read, [0, 1, 2]);
}

#[test]
fn an_area_counts_once_per_epoch() {
    let mut more = one();
    more.stations.push(Station::new(2, true, &[(PLACE, HIGH, -700)]));
    assert_eq!(run(&more).replay_key, run(&one()).replay_key);
    let mut input = one().input();
    input.evidence = CoverageMapBundle { epoch: EPOCH + 1, ..one().bundle() }.encode();
    assert_ne!(check(&input.encode()).unwrap().replay_key, run(&one()).replay_key);
}

#[test]
fn malformed_input_is_refused() {
    let mut input = one().input();
    assert!(check(&input.encode()[1..]).is_err());
    let mut bundle = one().bundle();
    bundle.oracle = vec![0];
    input.evidence = bundle.encode();
    assert!(matches!(check(&input.encode()), Err(CheckError::Format { what: "oracle data", .. })));
    bundle.oracle.clear();
    bundle.radios[0].hotspot_key[0] ^= 1;
    input.evidence = bundle.encode();
    assert!(matches!(check(&input.encode()), Err(CheckError::CoverageMap(_))));
    assert!(check(&[]).is_err() && plan(&[], &[]).is_err());
    assert_eq!(Description::decode(&describe().encode()).unwrap(), describe());
}

/// As much as a bundle can hold: what is said of it still fits into an output.
#[test]
fn the_largest_bundle_fits_into_one_output() {
    use heliotrope_device_proofs::coverage_map::{MAX_HEARTBEATS, MAX_RADIOS, MAX_SPEEDTESTS};
    let station = |key: u8| {
        let mut station = Station::new(key, false, &[(PLACE, HIGH, -700)]);
        let (first, test) = (station.heartbeats[0].clone(), station.speedtests[0].clone());
        station.heartbeats = (0..MAX_HEARTBEATS as u64)
            .map(|n| (first.0 + n * 3_600_000, first.1.clone()))
            .collect();
        station.speedtests = (0..MAX_SPEEDTESTS as u64)
            .map(|n| heliotrope_device_proofs::wire::mobile::SpeedtestReqV1 {
                timestamp: test.timestamp + n,
                ..test.clone()
            })
            .collect();
        station
    };
    let scene = Scene::new((1..=MAX_RADIOS as u8).map(station).collect());
    let output = run(&scene);
    assert!(output.outcomes.len() > 7000, "{}", output.outcomes.len());
    assert_eq!(CheckOutput::decode(&output.encode()).unwrap(), output);
}

/// `helium/oracles`, `coverage_point_calculator`: the cases of its integration tests.
#[test]
fn upstream_s_published_cases() {
    for (name, scene, expected) in published::cases() {
        let output = run(&scene);
        let shares = output.outcomes.iter().filter(|o| o.rule_id == rules::P3.id);
        let shares: Vec<_> = shares.map(|o| u64::try_from(o.observed / 1000).unwrap()).collect();
        assert_eq!(shares, expected, "{name}");
        assert_eq!(output.verdict, Pass, "{name}");
    }
}

#[test]
fn the_vectors_are_those_of_these_tests() {
    let case = |name, about, scene: &Scene| (name, about, scene.input().encode());
    let changed = |change: fn(&mut Scene)| {
        let mut scene = one();
        change(&mut scene);
        scene
    };
    let mut cases = vec![
        case("honest", "one radio covers one hex", &one()),
        case("b1-area", "B1: the area is no cell of the map", &changed(|s| s.area = PLACE)),
        case("b2-oracle", "B2: other oracle data than the chain says", &{
            changed(|s| s.committed = Commitment::Word([3; 32]))
        }),
        case("b2-missing", "B2: no fact about the oracle data", &{
            changed(|s| s.committed = Commitment::Missing)
        }),
        case("v5-place", "V5: a place that is none", &{
            changed(|s| s.stations[0].heartbeats[0].1.lat = f64::NAN.into())
        }),
        case("v8-missing", "V8: no fact about the radio", &{
            changed(|s| s.stations[0].device = None)
        }),
        case("c4-hours", "C4: eleven hours of twelve", &{
            changed(|s| drop(s.stations[0].heartbeats.pop()))
        }),
        case("q6-latency", "Q6: a slow backhaul", &{
            changed(|s| s.stations[0].speedtests.iter_mut().for_each(|t| t.latency = 100))
        }),
        case("profile", "a profile that there is not is refused", &{
            changed(|s| s.params.profile = "helium-2024-01".into())
        }),
        ("cut", "an input that is cut short is refused", one().input().encode()[..99].into()),
    ];
    let published = published::cases();
    for (name, scene, _) in published {
        cases.push((name, "a case of upstream's tests", scene.input().encode()));
    }
    crate::vectors::hold(NAME, cases);
}
