//! The committed vectors of this check.

use super::*;
use crate::vectors::{Case, hold};

fn case(name: &'static str, about: &'static str, scene: &Scene) -> Case {
    (name, about, scene.input().encode())
}

fn changed(mut scene: Scene, change: impl Fn(&mut Scene)) -> Scene {
    change(&mut scene);
    scene
}

/// One witness for each rule that a witness can break, after an honest one.
fn every_fault() -> Scene {
    changed(Scene::with_history(16), |s| {
        let honest = s.witnesses[0].1.clone();
        s.radios[2].1 = Some(Radio::default());
        change_radio(s, 3, |r| r.cell = 0);
        s.standings[4].as_mut().unwrap().denied = true;
        s.denied_pairs = vec![4];
        s.witnesses[5].1.pub_key = vec![BEACONER; 33];
        s.witnesses[6].1.data[50] ^= 1;
        s.standings[8].as_mut().unwrap().full = false;
        s.witnesses[8].1.frequency += 100_001;
        change_radio(s, 10, |r| r.region = 5);
        change_radio(s, 11, |r| r.cell = HERE);
        let far = LatLng::new(35.9, 12.8).unwrap().to_cell(h3o::Resolution::Twelve);
        change_radio(s, 12, |r| r.cell = far.into());
        s.witnesses[12].1.signal = -100;
        s.standings[14].as_mut().unwrap().last_valid_beacon_s = 0;
        s.witnesses[14].1 = LoraWitnessReportReqV1 { snr: -41, ..honest };
        s.witnesses[15].0 = s.bundle.beacon.received_ms + 4001;
    })
}

fn history() -> Vec<Case> {
    let standing = |change: fn(&mut Standing)| {
        changed(Scene::with_history(2), |s| change(s.standings[0].as_mut().unwrap()))
    };
    vec![
        case("history", "history is named and good", &Scene::with_history(3)),
        case("history-missing", "history is named and not proven", &{
            changed(Scene::with_history(3), |s| s.standings[2] = None)
        }),
        case("r3-denied", "R3: the beaconer is denied", &standing(|s| s.denied = true)),
        case("r5-capability", "R5: the beaconer is no full hotspot", &standing(|s| s.full = false)),
        case("r6-interval", "R6: a second beacon in six hours", &{
            standing(|s| s.last_beacon_s = TIME_S)
        }),
        case("r8-reciprocity", "R8: the beaconer never witnessed", &{
            standing(|s| s.last_valid_witness_s = 0)
        }),
        case(
            "witness-faults",
            "a witness for each rule from W1 to W16 that it breaks",
            &every_fault(),
        ),
    ]
}

fn strict() -> Vec<Case> {
    let on = |change: fn(&mut Scene)| changed(Scene::strict(2), change);
    let under_both = |name, strict_name, about, change: fn(&mut Scene)| {
        let strict = on(change);
        let mut production = on(change);
        production.params.profile = PROFILE_HELIUM_2025_12.into();
        [case(name, about, &production), case(strict_name, about, &strict)]
    };
    let mut cases = vec![
        case("strict", "an honest bundle of version 2 under strict-1", &Scene::strict(3)),
        case("strict-version-1", "evidence of version 1 has no provenance", &{
            on(|s| s.provenance = None)
        }),
        case("strict-s3-block", "S3: the chain has another block at that height", &{
            on(|s| s.blockhash = Some([6; 32]))
        }),
    ];
    cases.extend(under_both("wrap", "strict-wrap", "W10: 2^31 Hz off", |s| {
        s.witnesses[0].1.frequency += 1 << 31;
    }));
    cases.extend(under_both("power", "strict-power", "S4: a boast of power", |s| {
        s.beacon.tx_power = 30;
    }));
    cases.extend(under_both(
        "unsigned",
        "strict-unsigned",
        "S1: a report without signature",
        |s| {
            s.beacon.signature.clear();
        },
    ));
    cases.extend(under_both("noise", "strict-noise", "S5, S6: what nobody could receive", |s| {
        s.witnesses[0].1.snr = -250;
        s.witnesses[1].1.signal = -1500;
    }));
    cases
}

#[test]
fn the_vectors_are_those_of_these_tests() {
    let mut cases = vec![
        case("honest", "three witnesses of an honest beacon", &Scene::new(3)),
        case("nobody", "H1: nobody heard the beacon", &Scene::new(0)),
        case("cap", "W17: seventeen witnesses, fourteen count", &Scene::new(17)),
        case("r1-unknown", "R1: the registry does not know the beaconer", &{
            changed(Scene::new(2), |s| s.radios[0].1 = Some(Radio::default()))
        }),
        case("r1-missing", "R1: no fact about the beaconer", &{
            changed(Scene::new(2), |s| s.radios[0].1 = None)
        }),
        case("r4-late", "R4: the beacon came after the entropy's window", &{
            changed(Scene::new(2), |s| s.bundle.beacon.received_ms = TIME_S * 1000 + 181_000)
        }),
        case("r7-payload", "R7: one bit of the payload", &{
            changed(Scene::new(2), |s| s.beacon.data[50] ^= 1)
        }),
        case("w16-twice", "W16: a second report of one key", &{
            changed(Scene::new(2), |s| s.witnesses[1].1.pub_key = vec![0; 33])
        }),
        case("profile", "a profile that there is not is refused", &{
            changed(Scene::new(1), |s| s.params.profile = "helium-2026-01".into())
        }),
        (
            "cut",
            "an input that is cut short is refused",
            Scene::new(1).input().encode()[..99].into(),
        ),
    ];
    cases.extend(history());
    cases.extend(strict());
    hold(NAME, cases);
}
