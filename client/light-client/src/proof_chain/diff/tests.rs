use super::*;

fn output(verdict: Verdict, score_ppm: u32) -> Answer {
    Answer::Judged(Box::new(CheckOutput {
        verdict,
        outcomes: Vec::new(),
        score_ppm,
        replay_key: [0; 32],
        facts_read: Vec::new(),
        input_hash: [0; 32],
        selected: Vec::new(),
        subject_cell: 0x08c1_fb46_741a_e9ff,
    }))
}

fn diff(rate: Option<Rate>, pairs: &[(Answer, Answer)]) -> Diff {
    let mut diff = Diff {
        pay_unit: if rate.is_some() { "token" } else { "score_ppm" },
        rate,
        ..Diff::default()
    };
    let lane = LaneManifest { lane: 5, ..LaneManifest::default() };
    for (index, (a, b)) in (0..).zip(pairs) {
        let leaf = EvidenceLeaf { index, ..EvidenceLeaf::default() };
        diff.add(&lane, &leaf, &Compared { a: a.clone(), b: b.clone() });
    }
    diff
}

#[test]
fn a_trap_is_no_change_and_its_words_are_not_in_the_json() {
    let trap = |words: &str| Answer::NoVerdict(words.into());
    let pass = output(Verdict::Pass, 500_000);
    let of = |words: &str| diff(None, &[(pass.clone(), trap(words)), (trap(words), trap(words))]);
    let (native, browser) = (of("wasm trap: unreachable"), of("RuntimeError: unreachable"));
    assert!(native.changes.is_empty() && native.hexes.is_empty());
    assert_eq!(native.no_verdict.len(), 2);
    assert_eq!(native.old, Totals::default());
    assert_eq!(native.to_json(), browser.to_json());
    assert_eq!(
        native.to_json(),
        "{\"epoch\":0,\"a\":{\"module\":\"\",\"params\":\"\"},\"b\":{\"module\":\"\",\"params\":\"\"},\
         \"pay_unit\":\"score_ppm\",\"leaves\":2,\"unserved\":0,\
         \"old\":{\"pass\":0,\"fail\":0,\"indeterminate\":0,\"refused\":0,\"score_ppm\":0,\"pay\":\"0\"},\
         \"new\":{\"pass\":0,\"fail\":0,\"indeterminate\":0,\"refused\":0,\"score_ppm\":0,\"pay\":\"0\"},\
         \"changes\":[],\"hexes\":{},\
         \"no_verdict\":[{\"lane\":5,\"leaf\":0,\"versions\":\"b\"},{\"lane\":5,\"leaf\":1,\"versions\":\"ab\"}]}"
    );
}

#[test]
fn a_change_of_the_score_alone_is_a_change_of_pay() {
    let rate = Rate { per_score: 3, cap: 1_000, from_epoch: 0 };
    let same = output(Verdict::Pass, 1_000_000);
    let pairs =
        [(same.clone(), same), (output(Verdict::Pass, 500_000), output(Verdict::Pass, 1_000_000))];
    let diff = diff(Some(rate), &pairs);
    assert_eq!(diff.changes.len(), 1);
    let change = diff.changes.first().unwrap();
    assert_eq!((change.leaf, change.old.pay.as_str(), change.new.pay.as_str()), (1, "1", "3"));
    assert_eq!((diff.old.pay, diff.new.pay, diff.old.pass), (4, 6, 2));
    let hex = diff.hexes.get(&change.hex).unwrap();
    assert_eq!((hex.old_score_ppm, hex.new_score_ppm), (500_000, 1_000_000));
}

#[test]
fn a_refusal_is_an_answer() {
    let diff = diff(None, &[(output(Verdict::Fail, 0), Answer::Refused)]);
    assert_eq!(diff.changes.first().unwrap().new.verdict, "refused");
    assert_eq!((diff.old.fail, diff.new.refused), (1, 1));
}
