//! The end-to-end tests in a browser: a real chain, a real gateway, a real page; then the same with liars.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    change::{self, parts},
    checks_build::{BuiltCheck, build_for_speed},
    lie::{self, Link},
    lie_settlement::Lie,
    process::free_port,
    quorum::{CHALLENGER_KEY, QUORUM_KEYS},
    tally::{Format, Tally},
    web_build::WebSizes,
    world::{CHECK, World, WorldConfig},
};

/// Gateways of the fleet that the browser tests look at: small enough to be proven in seconds.
const GATEWAYS: u32 = 160;
/// Seconds of notice of the announced versions: more than the tests take.
const NOTICE_S: u64 = 3_600;

fn config(root: &Path, web: &WebSizes, folder: &str) -> Result<WorldConfig> {
    Ok(WorldConfig {
        root: root.to_path_buf(),
        state: root.join("target/heliotrope").join(folder),
        port: free_port()?,
        gateways: GATEWAYS,
        seed: 1,
        lie: None,
        web_dir: Some(web.out_dir.clone()),
    })
}

/// Tests of one file against one address.
fn browser(root: &Path, spec: &str, url: &str) -> Command {
    let mut command = Command::new("node");
    command.current_dir(root.join("tests/e2e")).args(["--test", spec]);
    command.env("BASE_URL", url).env("LIE", "");
    command.env("PROGRAM", root.join("target/release/heliotrope"));
    command
}

/// The map, and the map with a lying carrier before it.
pub(crate) fn map(
    tally: &mut Tally,
    root: &Path,
    checks: &[BuiltCheck],
    web: &WebSizes,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let config = config(root, web, "e2e")?;
    let mut world = runtime.block_on(async {
        let mut world = World::start(config, checks).await?;
        world.live().await?;
        anyhow::Ok(world)
    })?;
    tally.run("browser: the map", Format::NodeTest, &mut browser(root, "map.spec.mjs", &world.url));
    for link in Link::ALL {
        let port = free_port()?;
        let carrier = runtime.block_on(lie::serve(link, world.gateway_url.clone(), port))?;
        let mut liar = browser(root, "map.spec.mjs", &format!("http://127.0.0.1:{port}"));
        let name = format!("browser: a lie about the {}", link.name());
        tally.run(&name, Format::NodeTest, liar.env("LIE", link.name()));
        carrier.abort();
    }
    world.check().context("after the browser tests")?;
    runtime.block_on(async { drop(world) });
    Ok(())
}

/// A change of the check that is announced; and then a proposer that lies.
pub(crate) fn change_and_settlement(
    tally: &mut Tally,
    root: &Path,
    checks: &[BuiltCheck],
    web: &WebSizes,
) -> Result<()> {
    let next = build_for_speed(root, CHECK, &root.join("target/heliotrope/next-version"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let config = config(root, web, "e2e-change")?;
    let mut world = runtime.block_on(async {
        let mut world = World::start(config, checks).await?;
        let [first, ..] = parts(world.fleet.reports.len());
        world.send_part(first).await?;
        world.settle().await?;
        announce(&mut world, &next).await?;
        anyhow::Ok(world)
    })?;
    let mut spec = browser(root, "change.spec.mjs", &world.url);
    tally.run("browser: a change of the check", Format::NodeTest, &mut spec);
    runtime.block_on(async {
        let [_, second, third] = parts(world.fleet.reports.len());
        world.live_after(second.start..third.end, &[Lie::Verdict]).await
    })?;
    let mut spec = browser(root, "settlement.spec.mjs", &world.url);
    let quorum: Vec<String> =
        QUORUM_KEYS.iter().map(|key| key_file(&world, key)).collect::<Result<_>>()?;
    spec.env("RPC", &world.rpc).env("QUORUM", quorum.join(","));
    spec.env("CHALLENGER", key_file(&world, CHALLENGER_KEY)?);
    tally.run("browser: a lie that was settled", Format::NodeTest, &mut spec);
    world.check().context("after the browser tests")?;
    runtime.block_on(async { drop(world) });
    Ok(())
}

/// Announces a good version, and two that come to no end: one in its check, one in its allocator.
async fn announce(world: &mut World, next: &BuiltCheck) -> Result<()> {
    let good = change::offer(world, next)?;
    world.vote_with_notice(good.module, good.params, NOTICE_S, |_| {}).await?;
    let for_ever = "(loop $l (br $l))";
    let loops_in_check = (format!("{for_ever} i64.const 0"), "i32.const 1024".to_owned());
    let loops_in_alloc = ("i64.const 0".to_owned(), format!("{for_ever} i32.const 0"));
    for (check, alloc) in [loops_in_check, loops_in_alloc] {
        let module = world.keep_module(&endless(&check, &alloc)?)?;
        world.vote_with_notice(module, good.params, NOTICE_S, |_| {}).await?;
    }
    world.finalize().await
}

/// A module that the gate lets in.
fn endless(check: &str, alloc: &str) -> Result<Vec<u8>> {
    // the only plan that asks for nothing is an empty list
    Ok(wat::parse_str(format!(
        r#"(module
            (memory (export "memory") 2 16)
            (data (i32.const 16) "\80")
            (func (export "hc_abi_v1") (result i32) i32.const 1)
            (func (export "hc_alloc") (param i32) (result i32) {alloc})
            (func (export "hc_describe") (result i64) unreachable)
            (func (export "hc_plan") (param i32 i32 i32 i32) (result i64) i64.const 0x1000000001)
            (func (export "hc_check") (param i32 i32) (result i64) {check}))"#
    ))?)
}

/// A key in a file of its own.
fn key_file(world: &World, key: &str) -> Result<String> {
    let name = format!("key-{}", key.get(2..10).context("a key")?);
    let path = world.network_file().with_file_name(name);
    fs::write(&path, key)?;
    Ok(path.display().to_string())
}
