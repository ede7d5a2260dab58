use super::{Fleet, FleetConfig, Fraud, ReportKind, bundles};
use heliotrope_checks::coverage_radio;
use heliotrope_device_proofs::abi::{CheckInput, CheckOutput, Fact, Verdict};
use heliotrope_device_proofs::bundle::EvidenceBundle;
use heliotrope_device_proofs::registry;
use std::collections::BTreeMap;

const REGISTRY: [u8; 20] = [7; 20];
const CHAIN: u64 = 31337;

fn small() -> Fleet {
    Fleet::generate(FleetConfig { gateways: 112, ..FleetConfig::default() })
}

fn facts(fleet: &Fleet) -> BTreeMap<[u8; 32], Fact> {
    let facts = fleet.gateways.iter().map(|gateway| {
        let key = registry::radio_slot(&gateway.device_id);
        let value = gateway.radio(1).to_word();
        (key, Fact { chain_id: CHAIN, block: 9, address: REGISTRY, key, value })
    });
    facts.collect()
}

fn input(bundle: &EvidenceBundle, facts: &BTreeMap<[u8; 32], Fact>) -> Vec<u8> {
    let evidence = bundle.encode();
    let params = Fleet::params(REGISTRY, CHAIN).encode();
    let plan = coverage_radio::plan(&evidence, &params).unwrap();
    let facts = plan.0.iter().map(|query| facts[&query.key].clone()).collect();
    CheckInput { module_hash: [1; 32], evidence, facts, params, now_s: 2_000_000_000 }.encode()
}

/// What the rules say of one fleet: (payload, key, reason) of everything they reject.
#[test]
fn every_planted_fraud_gets_its_reason_and_every_honest_report_passes() {
    let fleet = small();
    let facts = facts(&fleet);
    let bundled = bundles(&fleet).unwrap();
    let mut got = Vec::new();
    for index in &bundled.rejected {
        assert_eq!(fleet.reports[*index].kind, ReportKind::Witness);
        got.push((*index, 1));
    }
    let mut found: Vec<(String, String, u16)> = Vec::new();
    let name = |bytes: &[u8]| hex::encode(&bytes[bytes.len() - 4..]);
    let mut bad_beacons = 0;
    for bundle in &bundled.bundles {
        let output = coverage_radio::check(&input(bundle, &facts)).unwrap();
        let reports = bundle.authenticate().unwrap().reports().clone();
        for outcome in
            output.outcomes.iter().filter(|o| o.verdict != Verdict::Pass && o.reason != 0)
        {
            let key = match outcome.subject.checked_sub(1) {
                None => reports.beacon.pub_key.clone(),
                Some(witness) => reports.witnesses[witness as usize].pub_key.clone(),
            };
            found.push((name(&reports.beacon.data), name(&key), outcome.reason));
        }
        bad_beacons += usize::from(output.verdict != Verdict::Pass);
        assert_eq!(output.score_ppm, output.selected.len() as u32 * 1_000_000 / 14);
    }
    let of =
        |ingest: bool| fleet.expected.iter().filter(move |e| e.fraud.fails_at_ingest() == ingest);
    let expected: Vec<_> = of(true).map(|e| (e.report, e.reason)).collect();
    assert_eq!(got, expected);
    let mut expected: Vec<_> =
        of(false).map(|e| (name(&e.beacon_data), name(&e.pub_key), e.reason)).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let wrong = fleet.expected.iter().filter(|e| e.fraud == Fraud::WrongPayload).count();
    assert_eq!(bad_beacons, wrong);
    for fraud in Fraud::ALL {
        assert!(fleet.expected.iter().any(|e| e.fraud == fraud), "{fraud:?} is not planted");
    }
}

#[test]
fn a_missing_fact_is_never_a_pass() {
    let fleet = small();
    let facts = facts(&fleet);
    let bundle = &bundles(&fleet).unwrap().bundles[0];
    for left_out in bundle.device_ids().unwrap() {
        let evidence = bundle.encode();
        let params = Fleet::params(REGISTRY, CHAIN).encode();
        let plan = coverage_radio::plan(&evidence, &params).unwrap();
        let keys = plan.0.iter().filter(|q| q.key != registry::radio_slot(&left_out));
        let facts = keys.map(|query| facts[&query.key].clone()).collect();
        let input = CheckInput { module_hash: [1; 32], evidence, facts, params, now_s: 0 };
        let output = coverage_radio::check(&input.encode()).unwrap();
        assert_eq!(output.verdict, Verdict::Indeterminate);
        assert!(output.selected.is_empty());
        assert_eq!(output.score_ppm, 0);
    }
}

#[test]
fn a_fleet_follows_from_its_seed_and_survives_its_file() {
    let (one, two) = (small(), small());
    assert_eq!(one.reports, two.reports);
    let path = std::env::temp_dir().join(format!("heliotrope-fleet-{}", std::process::id()));
    one.save(&path).unwrap();
    let read = Fleet::load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        (read.config, &read.reports, &read.expected),
        (one.config, &one.reports, &one.expected)
    );
    assert_eq!(read.gateways[3].key.public(), one.gateways[3].key.public());
    assert!(one.reports.is_sorted_by_key(|report| report.received_ms));
}

/// The pinned bytes give the same output in every engine, and the verdict of the rules run natively (whose logarithm
/// may differ in the last bits, by less than the fleet's margins).
#[test]
fn the_pinned_module_says_the_same_on_every_host() {
    use heliotrope_host::{Host, HostConfig};
    let root = crate::command::workspace_root();
    let out = root.join("target/heliotrope/checks");
    let built = crate::checks_build::build_checks(&root, &out).unwrap();
    let check = built.iter().find(|check| check.name == coverage_radio::NAME).unwrap();
    let fleet = small();
    let facts = facts(&fleet);
    let bundled = bundles(&fleet).unwrap();
    let inputs: Vec<_> = bundled.bundles.iter().map(|bundle| input(bundle, &facts)).collect();
    let outputs = crate::gate::agreed(check, &inputs).unwrap();
    for (input, output) in inputs.iter().zip(&outputs) {
        let output = output.as_ref().unwrap();
        assert_eq!(coverage_radio::check(input).unwrap(), CheckOutput::decode(output).unwrap());
    }
    let host = Host::new(HostConfig::default()).unwrap();
    let module = host.load(&std::fs::read(&check.path).unwrap(), &check.sha256).unwrap();
    assert_eq!(module.describe().unwrap(), coverage_radio::describe());
    for bundle in &bundled.bundles {
        let (evidence, params) = (bundle.encode(), Fleet::params(REGISTRY, CHAIN).encode());
        let plan = coverage_radio::plan(&evidence, &params).unwrap();
        assert_eq!(module.plan(&evidence, &params).unwrap(), plan);
    }
}
