//! Every difference between the profiles: the production rules accept, the strict ones refuse, and the
//! honest case passes both.

use super::*;

/// The strict scene under both profiles, after a change: (production, strict), each the verdict of the
/// bundle and the reasons of one subject.
type Both = ((Verdict, Vec<u16>), (Verdict, Vec<u16>));

fn under_both(subject: u32, change: impl Fn(&mut Scene)) -> Both {
    let run = |profile: &str| {
        // the second witness stays honest, so a witness that does not count shows in its reasons only
        let mut scene = Scene::strict(2);
        scene.params.profile = profile.into();
        change(&mut scene);
        (scene.run().verdict, scene.reasons(subject))
    };
    (run(PROFILE_HELIUM_2025_12), run(PROFILE_STRICT_1))
}

/// Production accepts; the strict beacon fails with this reason.
fn closes_for_beacons(reason: u16, change: impl Fn(&mut Scene)) {
    let (production, strict) = under_both(0, change);
    assert_eq!(production, (Verdict::Pass, vec![]));
    assert_eq!(strict, (Verdict::Fail, vec![reason]));
}

/// Production lets the first witness count; strictly it does not, with this reason.
fn closes_for_witnesses(reason: u16, change: impl Fn(&mut Scene)) {
    let (production, strict) = under_both(1, change);
    assert_eq!(production, (Verdict::Pass, vec![]));
    assert_eq!(strict, (Verdict::Pass, vec![reason]));
}

/// Production accepts; strictly something is missing.
fn is_missing_strictly(subject: u32, reason: u16, change: impl Fn(&mut Scene)) {
    let (production, strict) = under_both(subject, change);
    assert_eq!(production, (Verdict::Pass, vec![]));
    assert_eq!(strict, (Verdict::Indeterminate, vec![reason]));
}

fn provenance(scene: &mut Scene) -> &mut Provenance {
    scene.provenance.as_mut().unwrap()
}

#[test]
fn the_honest_case_passes_both() {
    let (production, strict) = under_both(0, |_| {});
    assert_eq!(production, (Verdict::Pass, vec![]));
    assert_eq!(strict, (Verdict::Pass, vec![]));
    let output = Scene::strict(3).run();
    assert_eq!(output.selected, [0, 1, 2]);
    assert!(output.outcomes.iter().all(|o| o.verdict == Verdict::Pass));
    let judged = |subject, rule: judge::Rule| {
        output.outcomes.iter().any(|o| (o.subject, o.rule_id) == (subject, rule.id))
    };
    assert!([rules::S1, rules::S2, rules::S3, rules::S4, rules::S7].iter().all(|r| judged(0, *r)));
    for rule in [rules::S1, rules::S2, rules::S5, rules::S6, rules::S7, rules::S8] {
        assert!(judged(2, rule), "{}", rule.name);
    }
}

#[test]
fn s1_a_report_is_signed_by_its_key_or_session() {
    closes_for_beacons(1, |s| s.beacon.signature.clear());
    closes_for_witnesses(1, |s| s.witnesses[0].1.signature.clear());
    closes_for_beacons(1, |s| provenance(s).sessions[0].nonce.clear());
    closes_for_beacons(1, |s| provenance(s).sessions[0].signature.clear());
    closes_for_beacons(1, |s| provenance(s).sessions[0].session_key = vec![BEACONER; 33]);
    // a gateway without a session signs for itself
    let (_, strict) = under_both(0, |s| provenance(s).sessions.clear());
    assert_eq!(strict, (Verdict::Pass, vec![]));
}

#[test]
fn s2_the_receive_time_is_countersigned() {
    is_missing_strictly(0, 1, |s| {
        provenance(s).receipts.remove(0);
    });
    is_missing_strictly(1, 1, |s| {
        provenance(s).receipts.remove(1);
    });
    is_missing_strictly(0, 1, |s| s.params.sources.as_mut().unwrap().receivers.clear());
    // by somebody whom the parameters do not name
    closes_for_beacons(1, |s| provenance(s).receipts[0].1 = 77);
    // by the reporter, though named
    let ids = |mut ids: Vec<Bytes32>| {
        ids.sort_unstable();
        ids
    };
    closes_for_witnesses(1, |s| {
        provenance(s).receipts[1].1 = 0;
        let named = ids(vec![receiver_id(RECEIVER), receiver_id(0)]);
        s.params.sources.as_mut().unwrap().receivers = named;
    });
}

#[test]
fn s3_entropy_is_of_a_recent_block() {
    is_missing_strictly(0, 4, |s| provenance(s).source = None);
    is_missing_strictly(0, 4, |s| s.blockhash = None);
    is_missing_strictly(0, 4, |s| s.params.sources.as_mut().unwrap().blockhashes = None);
    let source = |change: fn(&mut EntropySource)| {
        move |s: &mut Scene| change(provenance(s).source.as_mut().unwrap())
    };
    // not yet, or no longer, in the ring of hashes
    is_missing_strictly(0, 4, source(|source| source.slot = BLOCK));
    is_missing_strictly(0, 4, |s| {
        s.params.sources.as_mut().unwrap().blockhashes.as_mut().unwrap().ring = 9;
    });
    closes_for_beacons(4, |s| s.blockhash = Some([6; 32]));
    closes_for_beacons(4, source(|source| source.unix_s = TIME_S + 1));
    // 16 blocks of 12 s before now − 60 s: 132 s old at best, 120 s allowed
    closes_for_beacons(4, source(|source| source.slot = BLOCK - 16));
    let (_, strict) = under_both(0, source(|source| source.slot = BLOCK - 15));
    assert_eq!(strict.0, Verdict::Pass);
}

#[test]
fn s4_the_beacon_is_no_stronger_than_the_region_allows() {
    // 16.1 dBm radiated − 1.2 dBi, truncated
    closes_for_beacons(10, |s| s.beacon.tx_power = 15);
    let (_, strict) = under_both(0, |s| s.beacon.tx_power = 5);
    assert_eq!(strict.0, Verdict::Pass);
}

#[test]
fn s5_the_signal_can_be_told_from_the_noise() {
    // SF9 needs −12.5 dB; 3 dB are the radio's to err
    closes_for_witnesses(11, |s| s.witnesses[0].1.snr = -156);
    assert_eq!(Scene::strict(2).witness_after(|s| s.witnesses[0].1.snr = -155), [0_u16; 0]);
    let limits = (0..18).map(|rate| geo::snr_limit_ddb(rate).unwrap());
    assert!(limits.eq([-200, -175, -150, -125, -100, -75].repeat(3)));
    assert_eq!((geo::snr_limit_ddb(18), geo::snr_limit_ddb(-1)), (None, None));
}

#[test]
fn s6_the_signal_is_not_weaker_than_can_be_received() {
    // −123.1 dBm of noise in 125 kHz, and −12.5 dB for SF9
    closes_for_witnesses(11, |s| s.witnesses[0].1.signal = -1357);
    assert_eq!(Scene::strict(2).witness_after(|s| s.witnesses[0].1.signal = -1356), [0_u16; 0]);
    assert_eq!((geo::sensitivity_ddbm(0), geo::sensitivity_ddbm(17)), (Some(-1431), Some(-1246)));
    assert_eq!((geo::sensitivity_ddbm(18), geo::sensitivity_ddbm(i32::MIN)), (None, None));
}

#[test]
fn s7_the_concentrator_counter_goes_on() {
    // neither continued nor restarted: 606 s and the tolerance were there to count
    closes_for_witnesses(16, |s| s.witnesses[0].1.tmst = 395_000_000 + 700_000_000);
    closes_for_beacons(16, |s| s.beacon.tmst = 395_000_000 + 700_000_000);
    // a packet recorded before the last report, while the device kept running
    let change = |s: &mut Scene| {
        s.standings[1].as_mut().unwrap().last_received_s = TIME_S - 60;
        s.witnesses[0].1.tmst = 394_000_000;
    };
    closes_for_witnesses(16, change);
    let honest = |tmst: u32, last: u32| {
        Scene::strict(2).witness_after(move |s| {
            s.witnesses[0].1.tmst = tmst;
            s.standings[1].as_mut().unwrap().last_tmst = last;
        })
    };
    // 605 s on, with ten to spare; across the wrap; and after a restart
    assert_eq!(honest(1_010_000_000, 395_000_000), [0_u16; 0]);
    assert_eq!(honest(1_010_000_001, 395_000_000), [16]);
    assert_eq!(honest(5_000_000, u32::MAX - 600_000_000), [0_u16; 0]);
    assert_eq!(honest(30_000_000, 4_000_000_000), [0_u16; 0]);
}

#[test]
fn s8_the_witness_heard_the_data_rate_that_was_sent() {
    closes_for_witnesses(10, |s| s.witnesses[0].1.datarate += 1);
}

/// For reports that come late: the counters stand where they were.
fn heard_of_just_now(scene: &mut Scene) {
    for standing in scene.standings.iter_mut().flatten() {
        (standing.last_received_s, standing.last_tmst) = (TIME_S + 180, TMST.0);
    }
}

#[test]
fn r4_w6_the_entropy_window_has_no_last_second() {
    // (TIME_S + 180.999 s; witnesses are judged by their own time)
    let at = |ms: u64| {
        move |s: &mut Scene| {
            heard_of_just_now(s);
            s.bundle.beacon.received_ms = TIME_S * 1000 + ms;
            for (received_ms, _) in &mut s.witnesses {
                *received_ms = TIME_S * 1000 + 180_000;
            }
        }
    };
    closes_for_beacons(3, at(180_999));
    assert_eq!(under_both(0, at(180_000)).1, (Verdict::Pass, vec![]));
    assert_eq!(under_both(0, |s| s.bundle.beacon.received_ms = TIME_S * 1000 - 1).1.1, [3]);
    let late = |ms: u64| {
        move |s: &mut Scene| {
            heard_of_just_now(s);
            s.bundle.beacon.received_ms = TIME_S * 1000 + 179_000;
            s.witnesses[0].0 = TIME_S * 1000 + 179_001;
            s.witnesses[1].0 = TIME_S * 1000 + ms;
        }
    };
    let (production, strict) = under_both(2, late(180_500));
    assert_eq!((production, strict), ((Verdict::Pass, vec![]), (Verdict::Pass, vec![3])));
    assert_eq!(under_both(2, late(180_000)).1, (Verdict::Pass, vec![]));
}

#[test]
fn w7_a_witness_is_not_long_before_the_beacon_report() {
    let early = |ms: u64| {
        move |s: &mut Scene| {
            s.witnesses[0].0 = s.bundle.beacon.received_ms - ms;
            s.witnesses[1].0 = s.bundle.beacon.received_ms - ms + 1;
        }
    };
    let (production, strict) = under_both(1, early(4001));
    assert_eq!(production, (Verdict::Pass, vec![]));
    assert_eq!(strict, (Verdict::Pass, vec![22]));
    assert_eq!(under_both(1, early(4000)).1, (Verdict::Pass, vec![]));
}

#[test]
fn w10_a_difference_of_two_to_the_31_hz_does_not_wrap() {
    closes_for_witnesses(14, |s| s.witnesses[0].1.frequency += 1 << 31);
}

#[test]
fn w13_the_longest_distance_has_no_last_kilometre() {
    let metres = distance_m(HERE, THERE).unwrap();
    assert_ne!(metres % 1000, 0);
    closes_for_witnesses(13, |s| {
        change_radio(s, 2, |r| r.cell = near());
        s.params.max_distance_km = metres / 1000;
    });
}

/// Two kilometres north of `HERE`.
fn near() -> u64 {
    let here = LatLng::from(h3o::CellIndex::try_from(HERE).unwrap());
    let north = LatLng::new(here.lat() + 0.02, here.lng()).unwrap();
    north.to_cell(h3o::Resolution::Twelve).into()
}

#[test]
fn w14_gains_count_to_the_tenth_and_the_frequency_is_the_one_that_was_sent() {
    let loudest = |change: fn(&mut Scene)| {
        let mut scene = Scene::strict(2);
        change(&mut scene);
        let output = scene.run();
        let limit = output.outcomes.iter().find(|o| (o.subject, o.rule_id) == (1, rules::W14.id));
        i32::try_from(limit.unwrap().limit).unwrap()
    };
    // −0.9 dBi twice are no gain in whole decibels, and −1.8 dB in truth
    let weak = |s: &mut Scene| {
        change_radio(s, 0, |r| r.gain_ddbi = -9);
        change_radio(s, 1, |r| r.gain_ddbi = -9);
    };
    let limit = loudest(weak);
    closes_for_witnesses(11, move |s| {
        weak(s);
        s.witnesses[0].1.signal = limit + 1;
    });
    // a hundredth of the frequency is a path loss of 40 dB less
    let sent = loudest(|_| {});
    closes_for_witnesses(11, move |s| {
        s.params.frequency_tolerance_hz = 900_000_000;
        s.witnesses[0].1.frequency /= 100;
        s.witnesses[0].1.signal = sent + 300;
    });
}

#[test]
fn history_that_nobody_keeps_is_indeterminate() {
    is_missing_strictly(0, 9, |s| s.params.sources.as_mut().unwrap().standing = None);
}

#[test]
fn h4_a_place_without_a_scale_has_none() {
    let scale = |profile: &str| {
        let mut scene = Scene::strict(1);
        scene.params.profile = profile.into();
        scene.standings[0].as_mut().unwrap().hex_scale = 0;
        let output = scene.run();
        assert_eq!(output.verdict, Verdict::Pass);
        let outcome = output.outcomes.iter().find(|o| (o.subject, o.rule_id) == (0, rules::H4.id));
        outcome.map(|o| (o.verdict, o.observed)).unwrap()
    };
    assert_eq!(scale(PROFILE_HELIUM_2025_12), (Verdict::Pass, 2000));
    assert_eq!(scale(PROFILE_STRICT_1), (Verdict::Indeterminate, 0));
}

#[test]
fn evidence_of_version_1_is_indeterminate() {
    let mut scene = Scene::strict(2);
    scene.provenance = None;
    assert_eq!((scene.run().verdict, scene.reasons(0)), (Verdict::Indeterminate, vec![1]));
}
