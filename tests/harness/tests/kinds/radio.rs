//! Beacons and witnesses of a fleet's day: what counts once in any version of the bundle, and what `strict-1` says where
//! a source is not named.

use anyhow::{Context as _, Result, ensure};
use heliotrope_checks::coverage_radio::rules;
use heliotrope_device_proofs::{
    abi::Verdict,
    bundle::EvidenceBundle,
    provenance::EvidenceBundleV2,
    radio::{BlockHashes, RadioParams, RadioSources},
};
use heliotrope_harness::{
    deploy::Deployment,
    devchain::DevChain,
    fleet::{Fleet, region_params},
    world::CHAIN_ID,
};

use crate::stage::{accepted, counts_once, settled, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_that_was_settled_does_not_count_again_as_a_bundle() -> Result<()> {
    let params = async |deployment: &Deployment, _: &DevChain| {
        let registry = deployment.contracts.device_registry.into_array();
        Ok(Fleet::params(registry, CHAIN_ID).encode())
    };
    let Some(mut world) = start(("kinds-radio", 40), "coverage-radio", params).await? else {
        return Ok(());
    };
    world.send_reports().await?;
    let first = settled(&mut world).await?;
    let mut judged = first.all()?.into_iter();
    let passed = judged.rfind(|judged| judged.output.verdict == Verdict::Pass);
    let leaf = passed.context("a beacon that passes")?.leaf;
    // version 2 of the bundle: other bytes, and the same beacon
    let bundle = EvidenceBundle::decode(&leaf.bundle)?;
    let again = EvidenceBundleV2 { bundle, ..EvidenceBundleV2::default() }.encode();
    ensure!(again != leaf.bundle);
    accepted(&world, again.clone()).await?;
    counts_once(&mut world, &first, &[(&again, &leaf.bundle)]).await
}

/// Without a source that keeps standings, `strict-1` says of every beacon that it cannot tell: the registry's facts are
/// proven and hold (R1, R2), and R3 is the first rule that lacks something. It never passes by default.
#[tokio::test(flavor = "multi_thread")]
async fn strict_1_cannot_tell_without_a_contract_that_keeps_standings() -> Result<()> {
    let params = async |deployment: &Deployment, _: &DevChain| {
        let registry = deployment.contracts.device_registry.into_array();
        let sources =
            RadioSources { blockhashes: Some(BlockHashes::ethereum()), ..RadioSources::default() };
        Ok(RadioParams::strict_1(registry, CHAIN_ID, region_params(), sources).encode())
    };
    let Some(mut world) = start(("kinds-strict", 40), "coverage-radio", params).await? else {
        return Ok(());
    };
    world.send_reports().await?;
    let settled = settled(&mut world).await?;
    let judged = settled.all()?;
    ensure!(!judged.is_empty(), "nothing was judged");
    for judged in judged {
        let root = judged.lane.commitment.reward_root;
        ensure!(root == [0; 32], "nobody earns by what is not told");
        let output = judged.output;
        let said: Vec<_> = output.outcomes.iter().map(|o| (o.rule_id, o.verdict)).collect();
        let expected = [
            (rules::R1.id, Verdict::Pass),
            (rules::R2.id, Verdict::Pass),
            (rules::R3.id, Verdict::Indeterminate),
        ];
        ensure!(output.verdict == Verdict::Indeterminate && said == expected, "{said:?}");
        ensure!(!output.facts_read.is_empty(), "the registry's word was not read");
    }
    Ok(())
}
