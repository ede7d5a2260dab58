//! `harness bench-host`: what a check costs in the host, beside the same rules as native code in the same run.

mod inputs;

pub(crate) use inputs::ready_output;

use std::{fs, hint::black_box, path::Path, time::Instant};

use anyhow::{Context as _, Result, ensure};
use heliotrope_checks::{coverage_radio, parts, storage_commp, storage_pdp};
use heliotrope_host::{CacheConfig, CheckModule, Host, HostConfig, Origin};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::checks_build::{BuiltCheck, build_checks, build_parts};

/// Runs of each measurement.
const RUNS: usize = 400;
/// Loads of each module from the cache.
const LOADS: usize = 1_000;
/// Instances that live at once when their memory is measured.
const LIVING: u32 = 400;

/// Measures, prints the table, and leaves the figures as JSON.
pub fn bench_host(root: &Path) -> Result<()> {
    let checks = build_checks(root, &root.join("target/heliotrope/checks"))?;
    let host = Host::new(HostConfig::default())?;
    let mut table = Table::default();
    empty(&host, &mut table)?;
    parts(&host, root, &mut table)?;
    rules(&host, &checks, &mut table)?;
    memory(&checks, &mut table)?;
    cold(root, &checks, &mut table)?;
    fs::write(
        root.join("target/heliotrope/bench-host.json"),
        serde_json::to_string_pretty(&table.0)?,
    )?;
    Ok(())
}

/// The rows so far, as JSON; printed as they come.
#[derive(Default)]
struct Table(Vec<Value>);

impl Table {
    fn beside_native(&mut self, what: &str, host: f64, native: f64, unit: &str) {
        let ratio = host / native;
        println!(
            "{what:<46} host {host:>9.2} {unit}   native {native:>9.2} {unit}   {ratio:>5.2}×"
        );
        self.0.push(json!({ "what": what, "host": host, "native": native, "unit": unit }));
    }

    fn limit(&mut self, what: &str, got: f64, limit: f64, unit: &str) {
        let ratio = got / limit;
        println!("{what:<46} host {got:>9.2} {unit}   limit  {limit:>9.2} {unit}   {ratio:>5.2}×");
        self.0.push(json!({ "what": what, "host": got, "limit": limit, "unit": unit }));
    }
}

/// A module that gives back an output that lies ready: what is left is the host.
fn empty(host: &Host, table: &mut Table) -> Result<()> {
    let (wasm, input) = ready_output()?;
    let module = load(host, &wasm)?;
    table.limit("empty check in a fresh instance", micros(|| run(&module, &input))?, 8.0, "µs");
    Ok(())
}

/// The loops alone, beside the same functions as native code.
fn parts(host: &Host, root: &Path, table: &mut Table) -> Result<()> {
    let built = build_parts(root, &root.join("target/heliotrope/bench-host"))?;
    let module = host.load(&fs::read(&built.path)?, &built.sha256)?;
    for (what, part, times, each) in [
        ("geometry of 1,000 witnesses", parts::PLACES, 1_000, 1.0),
        ("the same with the places of their cells", parts::CELLS, 1_000, 1.0),
        ("sha254 path of height 30, alone", parts::PATHS, 100, 0.01),
    ] {
        let input = inputs::part(part, times);
        ensure!(module.check(&input)? == parts::check(&input)?.encode(), "{what}: native differs");
        let host = micros(|| run(&module, &input))? * each;
        let native = micros(|| done(parts::check(&input)))? * each;
        table.beside_native(what, host, native, "µs");
    }
    Ok(())
}

fn rules(host: &Host, checks: &[BuiltCheck], table: &mut Table) -> Result<()> {
    let radio = module(host, checks, "coverage-radio")?;
    let (witnesses, bundles) = inputs::radio()?;
    let per_thousand = 1_000.0 / f64::from(witnesses);
    let judged = |check: &dyn Fn(&[u8]) -> Result<()>| -> Result<f64> {
        Ok(micros(|| bundles.iter().try_for_each(|input| check(input)))? * per_thousand)
    };
    let native = judged(&|input| done(coverage_radio::check(input)))?;
    table.beside_native(
        "1,000 witnesses, all rules",
        judged(&|input| run(&radio, input))?,
        native,
        "µs",
    );

    // the difference of two inputs is what only one of them holds
    let commp = module(host, checks, "storage-commp")?;
    let (few, many) = (inputs::opened(1)?, inputs::opened(101)?);
    let path = |check: &dyn Fn(&[u8]) -> Result<()>| -> Result<f64> {
        Ok((micros(|| check(&many))? - micros(|| check(&few))?) / 100.0)
    };
    let native_path = path(&|input| done(storage_commp::check(input)))?;
    table.beside_native(
        "sha254 path of height 30, in a sample",
        path(&|input| run(&commp, input))?,
        native_path,
        "µs",
    );

    let pdp = module(host, checks, "storage-pdp")?;
    let (without, with) = (inputs::challenge(false)?, inputs::challenge(true)?);
    let signature = |check: &dyn Fn(&[u8]) -> Result<()>| -> Result<f64> {
        Ok((micros(|| check(&with))? - micros(|| check(&without))?) / 1_000.0)
    };
    let native_signature = signature(&|input| done(storage_pdp::check(input)))?;
    table.beside_native(
        "drand signature",
        signature(&|input| run(&pdp, input))?,
        native_signature,
        "ms",
    );
    Ok(())
}

/// Memory of instances that have judged and are still held, each row in a pool that nobody used before.
fn memory(checks: &[BuiltCheck], table: &mut Table) -> Result<()> {
    let wasm_of = |name: &str| {
        let check =
            checks.iter().find(|check| check.name == name).context("not in the manifest")?;
        anyhow::Ok(fs::read(&check.path)?)
    };
    let (empty, nothing) = ready_output()?;
    let radio = inputs::radio()?.1.pop().context("a bundle")?;
    for (name, wasm, input) in [
        ("empty", empty, nothing),
        ("coverage-radio", wasm_of("coverage-radio")?, radio),
        ("storage-commp", wasm_of("storage-commp")?, inputs::opened(1)?),
    ] {
        let host = Host::new(HostConfig { instances: LIVING + 1, ..HostConfig::default() })?;
        let module = load(&host, &wasm)?;
        let before = private_kib()?;
        // the output is the caller's
        let live = || module.check_held(&input).map(|(_, held)| held);
        let held: Vec<_> = (0..LIVING).map(|_| live()).collect::<Result<_, _>>()?;
        let more = private_kib()?.saturating_sub(before);
        drop(held);
        let each = f64::from(u32::try_from(more)?) / f64::from(LIVING);
        table.limit(&format!("live instance after a check: {name}"), each, 32.0, "KiB");
    }
    Ok(())
}

/// From the bytes of a module to one that runs, when its code is kept: hash, MAC, loading, ABI.
fn cold(root: &Path, checks: &[BuiltCheck], table: &mut Table) -> Result<()> {
    let folder = root.join("target/heliotrope/bench-host");
    let cache = CacheConfig { folder: folder.join("code"), secret: folder.join("secret") };
    let host = Host::new(HostConfig { cache: Some(cache), ..HostConfig::default() })?;
    for check in checks {
        let wasm = fs::read(&check.path)?;
        host.load(&wasm, &check.sha256)?;
        let mut times = Vec::with_capacity(LOADS);
        for _ in 0..LOADS {
            let began = Instant::now();
            let module = host.load(&wasm, &check.sha256)?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
            ensure!(module.origin() == &Origin::Kept, "{:?}", module.origin());
        }
        times.sort_by(f64::total_cmp);
        let p99 = times.get(LOADS * 99 / 100).copied().context("no load")?;
        table.limit(&format!("start of kept code, p99: {}", check.name), p99, 1.0, "ms");
    }
    Ok(())
}

fn module(host: &Host, checks: &[BuiltCheck], name: &str) -> Result<CheckModule> {
    let check = checks.iter().find(|check| check.name == name).context("not in the manifest")?;
    Ok(host.load(&fs::read(&check.path)?, &check.sha256)?)
}

fn load(host: &Host, wasm: &[u8]) -> Result<CheckModule> {
    Ok(host.load(wasm, &Sha256::digest(wasm).into())?)
}

fn run(module: &CheckModule, input: &[u8]) -> Result<()> {
    black_box(module.check(black_box(input))?);
    Ok(())
}

fn done<T, E: std::error::Error + Send + Sync + 'static>(output: Result<T, E>) -> Result<()> {
    black_box(output?);
    Ok(())
}

/// Median of the runs in microseconds.
fn micros(run: impl Fn() -> Result<()>) -> Result<f64> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let began = Instant::now();
        run()?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    times.get(RUNS / 2).copied().context("no run")
}

/// Memory that is this process's alone: the pages of a module's data that nobody wrote to are shared by its instances.
fn private_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    Ok(line.context("no RssAnon")?.trim().trim_end_matches(" kB").parse()?)
}
