//! The rules that need history: judged with it, left out without.

use super::*;
use heliotrope_device_proofs::abi::RuleOutcome;

fn standing(scene: &mut Scene, place: usize, change: impl Fn(&mut Standing)) {
    change(scene.standings[place].as_mut().unwrap());
}

fn beacon(change: impl Fn(&mut Standing)) -> (Verdict, Vec<u16>) {
    Scene::with_history(2).beacon_after(|s| standing(s, 0, &change))
}

fn witness(change: impl Fn(&mut Standing)) -> Vec<u16> {
    Scene::with_history(2).witness_after(|s| standing(s, 1, &change))
}

/// The outcome of a rule about a subject.
fn of_rule(output: &CheckOutput, subject: u32, rule: u16) -> RuleOutcome {
    let mut outcomes = output.outcomes.iter();
    outcomes.find(|o| (o.subject, o.rule_id) == (subject, rule)).unwrap().clone()
}

const HISTORY: [(u32, u16); 8] =
    [(0, 3), (0, 5), (0, 6), (0, 8), (1, 103), (1, 104), (1, 109), (1, 115)];

#[test]
fn with_good_standing_every_rule_is_judged() {
    let output = Scene::with_history(1).run();
    assert_eq!((output.verdict, &output.selected[..]), (Verdict::Pass, &[0][..]));
    for (subject, rule) in HISTORY {
        assert_eq!(of_rule(&output, subject, rule).verdict, Verdict::Pass, "{subject} {rule}");
    }
    assert_eq!(output.facts_read.len(), 5);
}

#[test]
fn without_a_source_a_rule_is_shown_as_indeterminate_and_decides_nothing() {
    let output = Scene::new(1).run();
    assert_eq!(output.verdict, Verdict::Pass);
    for (subject, rule) in HISTORY {
        let outcome = of_rule(&output, subject, rule);
        assert_eq!((outcome.verdict, outcome.reason), (Verdict::Indeterminate, 0));
    }
}

#[test]
fn a_source_that_is_named_and_not_proven_is_indeterminate() {
    let (verdict, reasons) = Scene::with_history(2).beacon_after(|s| s.standings[0] = None);
    assert_eq!((verdict, reasons), (Verdict::Indeterminate, vec![9]));
    let mut scene = Scene::with_history(2);
    scene.standings[1] = None;
    assert_eq!((scene.run().verdict, scene.reasons(1)), (Verdict::Indeterminate, vec![9]));
    assert!(scene.run().selected.is_empty());
    // the pair's word is a fact of its own
    let mut input = Scene::with_history(1).input();
    let pair = radio::denied_pair_slot(&receiver_id(0), &receiver_id(BEACONER));
    input.facts.retain(|fact| fact.key != pair);
    let output = check(&input.encode()).unwrap();
    assert_eq!(output.verdict, Verdict::Indeterminate);
    assert_eq!(of_rule(&output, 1, rules::W4.id).reason, 21);
}

#[test]
fn r3_w3_denied_devices_do_not_count() {
    assert_eq!(beacon(|s| s.denied = true), (Verdict::Fail, vec![9]));
    assert_eq!(witness(|s| s.denied = true), [9]);
}

#[test]
fn w4_denied_pairs_do_not_count() {
    assert_eq!(Scene::with_history(2).witness_after(|s| s.denied_pairs = vec![0]), [21]);
    let scene = &mut Scene::with_history(2);
    scene.denied_pairs = vec![0];
    assert_eq!((scene.run().verdict, scene.run().selected), (Verdict::Pass, vec![1]));
}

#[test]
fn w4_w5_a_device_is_no_pair_with_itself() {
    let change = |s: &mut Scene| s.witnesses[0].1.pub_key = vec![BEACONER; 33];
    assert_eq!(Scene::with_history(2).witness_after(change), [15]);
}

#[test]
fn r5_w9_only_full_hotspots_count() {
    assert_eq!(beacon(|s| s.full = false), (Verdict::Fail, vec![5]));
    assert_eq!(witness(|s| s.full = false), [5]);
}

#[test]
fn r6_one_beacon_counts_in_six_hours() {
    let interval = TIME_S / (6 * 3600) * (6 * 3600);
    assert_eq!(beacon(|s| s.last_beacon_s = interval), (Verdict::Fail, vec![7]));
    assert_eq!(beacon(|s| s.last_beacon_s = interval - 1).0, Verdict::Pass);
    assert_eq!(beacon(|s| s.last_beacon_s = 0).0, Verdict::Pass);
    assert_eq!(beacon(|s| s.last_beacon_s = TIME_S + 6 * 3600).1, [7]);
}

#[test]
fn r8_beaconer_witnessed_in_the_last_48_hours() {
    let received_s = TIME_S + 5;
    let at = |last| beacon(move |s| s.last_valid_witness_s = last);
    assert_eq!(at(received_s - 48 * 3600), (Verdict::Fail, vec![24]));
    assert_eq!(at(received_s - 48 * 3600 + 1).0, Verdict::Pass);
    assert_eq!(at(0), (Verdict::Fail, vec![24]));
}

#[test]
fn w15_witness_beaconed_in_the_last_48_hours() {
    let received_s = TIME_S + 5;
    let at = |last| witness(move |s| s.last_valid_beacon_s = last);
    assert_eq!(at(received_s - 48 * 3600), [23]);
    assert_eq!(at(received_s - 48 * 3600 + 1), [0_u16; 0]);
    assert_eq!(at(0), [23]);
}

#[test]
fn h2_h3_h4_units_and_scales_of_a_bundle_that_passes() {
    let mut scene = Scene::with_history(5);
    standing(&mut scene, 2, |s| s.hex_scale = 0);
    let output = scene.run();
    let of = |subject, rule: judge::Rule| of_rule(&output, subject, rule.id).observed;
    assert_eq!(of(0, rules::H2), i64::from(reward::beaconer_units(5).unwrap()));
    assert_eq!(of(1, rules::H3), i64::from(reward::witness_units(5).unwrap()));
    assert_eq!((of(0, rules::H4), of(1, rules::H4)), (5000, 5000));
    // upstream's default for a place without a scale
    assert_eq!(of(2, rules::H4), 2000);
    // a bundle that does not pass is worth nothing
    standing(&mut scene, 0, |s| s.denied = true);
    assert!(scene.run().outcomes.iter().all(|o| o.rule_id != rules::H2.id));
}

#[test]
fn the_plan_names_every_word_that_is_read() {
    for scene in [Scene::new(3), Scene::with_history(3), Scene::strict(3)] {
        let input = scene.input();
        let plan = plan(&input.evidence, &input.params).unwrap();
        let output = check(&input.encode()).unwrap();
        assert_eq!(output.verdict, Verdict::Pass);
        assert_eq!(plan.0.len(), input.facts.len());
        assert_eq!(output.facts_read.len(), input.facts.len());
        let asked =
            |fact: &Fact| plan.0.iter().any(|q| (q.address, q.key) == (fact.address, fact.key));
        assert!(input.facts.iter().all(asked));
    }
}
