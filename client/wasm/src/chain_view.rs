//! The chain of one hex in words, with the bytes behind each link.

use std::collections::BTreeMap;

use heliotrope_device_proofs::{
    abi::Description,
    coverage::CellRecord,
    epoch::{EvidenceLeaf, LaneManifest},
    evidence::Evidence,
    keys, sha256,
};
use heliotrope_light_client::proof_chain::Anchor;

use crate::{
    leaf::{Judge, LeafProof, reason_name},
    protocol::{LeafResult, LinkName, LinkReport, Outcome, RuleRow},
    report::{Broken, Link, counted, hex0x},
};

/// What the chain is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) lane: &'a LaneManifest,
    pub(crate) anchor: &'a Anchor,
    pub(crate) judge: &'a Judge,
    pub(crate) record: &'a CellRecord,
}

/// Five links, device first.
pub(crate) fn links(
    about: &About<'_>,
    leaves: &[&EvidenceLeaf],
    judged: &BTreeMap<u32, LeafProof>,
    broken: Option<&Broken>,
    page: &BTreeMap<LinkName, LinkReport>,
) -> Vec<LinkReport> {
    let own = [
        device(leaves, judged),
        check(about, leaves, judged),
        commitment(about, leaves, judged, broken, page.get(&LinkName::Commitment)),
    ];
    let rest = [LinkName::Header, LinkName::Checkpoint].into_iter().map(|name| {
        let pending = || Link::new(name, Outcome::Pending, "").done();
        page.get(&name).cloned().unwrap_or_else(pending)
    });
    own.into_iter().chain(rest).collect()
}

/// The first break among results, as outcome and summary; `good` when there is none.
fn outcome<'a>(
    mut results: impl Iterator<Item = Option<&'a Broken>>,
    good: String,
) -> (Outcome, String) {
    results
        .find_map(|broken| broken)
        .map_or((Outcome::Verified, good), |broken| (Outcome::Broken, broken.message.clone()))
}

fn sum_ms(judged: &BTreeMap<u32, LeafProof>, which: usize) -> f64 {
    judged.values().filter_map(|proof| proof.ms.get(which)).sum()
}

fn device(leaves: &[&EvidenceLeaf], judged: &BTreeMap<u32, LeafProof>) -> LinkReport {
    let reports: usize = judged.values().filter_map(|proof| proof.device.as_ref().ok()).sum();
    let good = format!(
        "{} in {} are signed by their devices.",
        counted(reports, "report"),
        counted(leaves.len(), "beacon")
    );
    let (outcome, summary) =
        outcome(judged.values().map(|proof| proof.device.as_ref().err()), good);
    let bytes = leaves.iter().fold(0, |sum: usize, leaf| sum.saturating_add(leaf.bundle.len()));
    let mut link = Link::new(LinkName::Device, outcome, summary)
        .checked("every report decodes to exactly the same bytes")
        .checked("every signature is the named key's, over the report without it")
        .cost(bytes, sum_ms(judged, 0));
    for leaf in leaves.iter().take(4) {
        link = link.hex(format!("evidence bundle, leaf {}", leaf.index), &leaf.bundle);
        if let Some(key) = beaconer(leaf) {
            link = link.checked(format!("leaf {}: beacon of {key}", leaf.index));
        }
    }
    link.done()
}

fn check(
    about: &About<'_>,
    leaves: &[&EvidenceLeaf],
    judged: &BTreeMap<u32, LeafProof>,
) -> LinkReport {
    let pin = &about.judge.pin;
    let good = format!(
        "The pinned module gave {} again that {} committed, byte for byte.",
        counted(leaves.len(), "output"),
        if leaves.len() == 1 { "is" } else { "are" }
    );
    let (outcome, summary) = outcome(judged.values().map(|proof| proof.check.as_ref().err()), good);
    let bytes = leaves
        .iter()
        .fold(about.judge.bytes.len(), |sum: usize, leaf| sum.saturating_add(leaf.output.len()));
    let mut link = Link::new(LinkName::Check, outcome, summary)
        .checked(format!(
            "module {} is version {} in the check registry at block {}",
            pin.module_hash,
            pin.version,
            about.anchor.number()
        ))
        .checked(about.judge.parameters())
        .checked(format!(
            "the check's only clock is the anchor block's time, {}",
            about.anchor.timestamp()
        ))
        .checked("every chain fact it read is proven under that block's state root")
        .checked("it ran in this browser, without imports, in a fresh instance for each check")
        .cost(bytes, sum_ms(judged, 1));
    for leaf in leaves.iter().take(4) {
        link = link.hex(format!("output of the check, leaf {}", leaf.index), &leaf.output);
    }
    link.hex("parameters", &about.judge.params).done()
}

fn commitment(
    about: &About<'_>,
    leaves: &[&EvidenceLeaf],
    judged: &BTreeMap<u32, LeafProof>,
    broken: Option<&Broken>,
    page: Option<&LinkReport>,
) -> LinkReport {
    let lane = about.lane;
    let good = format!("The settlement ledger commits to this cell in lane {}.", lane.lane);
    let folded = broken.filter(|broken| broken.link == LinkName::Commitment);
    let breaks = judged.values().map(|proof| proof.commitment.as_ref().err());
    let (outcome, summary) = outcome(breaks.chain([folded]), good);
    let hashes = leaves.iter().fold(0, |sum: usize, leaf| {
        sum.saturating_add(leaf.evidence_path.len()).saturating_add(leaf.verdict_path.len())
    });
    let page_bytes = page.map_or(0, |page| usize::try_from(page.bytes).unwrap_or(usize::MAX));
    let mut link = Link::new(LinkName::Commitment, outcome, summary)
        .checked(format!("{} bundles lie under the evidence root", leaves.len()))
        .checked(format!("{} outputs lie under the verdict root, at the same places", leaves.len()))
        .checked("the cell's numbers are the fold of these verdicts")
        .checked("its shard lies under the coverage root");
    for line in page.map(|page| page.checked.clone()).unwrap_or_default() {
        link = link.checked(line);
    }
    let json = serde_json::json!({
        "lane": lane.lane,
        "leaf_count": lane.leaf_count,
        "leaves": about.record.leaves,
        "evidence_root": hex0x(&lane.commitment.evidence_root),
        "verdict_root": hex0x(&lane.commitment.verdict_root),
        "coverage_root": hex0x(&lane.commitment.coverage_root),
        "paths": leaves.iter().map(|leaf| serde_json::json!({
            "leaf": leaf.index,
            "evidence_path": leaf.evidence_path.iter().map(|hash| hex0x(hash)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    link = link.json("roots and paths", &json).cost(
        hashes.saturating_mul(32).saturating_add(page_bytes),
        sum_ms(judged, 2) + page.map_or(0.0, |page| page.ms),
    );
    let mut report = link.done();
    report.exhibits.extend(page.map(|page| page.exhibits.clone()).unwrap_or_default());
    report
}

fn beaconer(leaf: &EvidenceLeaf) -> Option<String> {
    let Evidence::Radio(evidence) = Evidence::decode(&leaf.bundle).ok()? else { return None };
    let reports = evidence.bundle.reports().ok()?;
    Some(keys::b58(&reports.beacon.pub_key))
}

/// What the check said of each bundle of the hex.
pub(crate) fn leaves(
    about: &About<'_>,
    leaves: &[&EvidenceLeaf],
    judged: &BTreeMap<u32, LeafProof>,
) -> Vec<LeafResult> {
    let names: BTreeMap<u16, String> = about
        .judge
        .module
        .describe()
        .ok()
        .and_then(|bytes| Description::decode(&bytes).ok())
        .map(|description| {
            description.rules.into_iter().map(|rule| (rule.rule_id, rule.name)).collect()
        })
        .unwrap_or_default();
    leaves
        .iter()
        .filter_map(|leaf| {
            let output = judged.get(&leaf.index)?.check.as_ref().ok()?;
            let witnesses = match Evidence::decode(&leaf.bundle).ok()? {
                Evidence::Radio(evidence) => evidence.bundle.witnesses.len(),
                _ => 0,
            };
            let rows = output.outcomes.iter().map(|row| RuleRow {
                subject: match row.subject {
                    0 => "beacon".to_owned(),
                    n => format!("witness {n}"),
                },
                rule: u64::from(row.rule_id),
                name: names.get(&row.rule_id).cloned().unwrap_or_else(|| row.rule_id.to_string()),
                verdict: row.verdict.as_str().to_owned(),
                reason: u64::from(row.reason),
                reason_name: reason_name(row.reason).to_owned(),
                observed: row.observed,
                limit: row.limit,
            });
            Some(LeafResult {
                leaf: leaf.index,
                bundle_id: hex::encode(sha256(&leaf.bundle)),
                beaconer: beaconer(leaf).unwrap_or_default(),
                verdict: output.verdict.as_str().to_owned(),
                score_ppm: u64::from(output.score_ppm),
                witnesses: u32::try_from(witnesses).unwrap_or(u32::MAX),
                rows: rows.collect(),
            })
        })
        .collect()
}
