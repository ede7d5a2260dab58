//! `cargo demo`.

use std::{path::Path, str::FromStr};

use anyhow::Result;

use crate::{
    change,
    checks_build::build_for_speed,
    lie::Link,
    lie_settlement::{Lie, Planted},
    quorum::{CHALLENGER_KEY, QUORUM_KEYS},
    setup,
    web_build::build_web,
    world::{self, CHECK, World, WorldConfig},
};

/// What the demo can be asked.
#[derive(Clone, Copy, Debug)]
pub struct DemoOptions {
    /// Port of the page.
    pub port: u16,
    /// Gateways in the fleet.
    pub gateways: u32,
    /// Seed of the fleet.
    pub seed: u64,
    /// What to lie about.
    pub lie: Option<DemoLie>,
}

/// Who lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DemoLie {
    /// The carrier, about one link on its way to the page.
    Carrier(Link),
    /// The proposer, on chain: it settles another verdict than the module gave.
    Settlement,
}

impl FromStr for DemoLie {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "settlement" {
            return Ok(Self::Settlement);
        }
        let carrier = name.parse().map(Self::Carrier);
        carrier.map_err(|error| format!("{error}, or settlement"))
    }
}

/// Builds everything, starts every part, says where to look, and ends all of it on Ctrl-C.
pub fn demo(root: &Path, options: DemoOptions) -> Result<()> {
    setup::for_demo(root)?;
    let checks = world::build(root)?;
    // another build of the same rules: what the vote is about
    let next = build_for_speed(root, CHECK, &root.join("target/heliotrope/next-version"))?;
    let web = build_web(root, &root.join("target/heliotrope/web"))?;
    let config = WorldConfig {
        root: root.to_path_buf(),
        state: root.join("target/heliotrope/demo"),
        port: options.port,
        gateways: options.gateways,
        seed: options.seed,
        lie: match options.lie {
            Some(DemoLie::Carrier(link)) => Some(link),
            Some(DemoLie::Settlement) | None => None,
        },
        web_dir: Some(web.out_dir),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let run = async {
            let mut world = World::start(config, &checks).await?;
            let lies: &[Lie] = match options.lie {
                Some(DemoLie::Settlement) => &[Lie::Verdict],
                _ => &[],
            };
            let all = world.fleet.reports.len();
            let [first, ..] = change::parts(all);
            let changes = options.lie.is_none();
            let planted = world.live_after(if changes { first } else { 0..all }, lies).await?;
            say(&world, options.lie, &planted)?;
            if changes {
                change::run(&mut world, &next).await?;
            }
            watch(&mut world).await
        };
        tokio::select! {
            outcome = run => outcome,
            _ = tokio::signal::ctrl_c() => {
                eprintln!("\nstopping");
                Ok(())
            }
        }
    })
}

fn say(world: &World, lie: Option<DemoLie>, planted: &[Planted]) -> Result<()> {
    println!("\n  {}\n", world.url);
    println!("  Watch the hexes: each turns green when it is proven in your tab, link by link.");
    match lie {
        None => println!(
            "  Click one for its five links; then stop this and try: cargo demo -- --lie device"
        ),
        Some(DemoLie::Carrier(link)) => println!(
            "  One byte is changed on the way to your tab: the page must name {}, and show no green.",
            link.name().to_uppercase()
        ),
        Some(DemoLie::Settlement) => say_dispute(world, planted)?,
    }
    println!("  The chain's keys are public. Logs: target/heliotrope/demo/logs. Ctrl-C stops all.");
    Ok(())
}

/// How the lie is challenged, with the keys of this chain in files.
fn say_dispute(world: &World, planted: &[Planted]) -> Result<()> {
    let network = world.network_file();
    let key = |name: &str, key: &str| -> Result<String> {
        let path = network.with_file_name(name);
        std::fs::write(&path, key)?;
        Ok(path.display().to_string())
    };
    let (rpc, checkpoint) = (&world.rpc, world.checkpoint);
    let common = format!("--checkpoint {checkpoint} --rpc {rpc} --key-file");
    let challenger = key("challenger.key", CHALLENGER_KEY)?;
    for Planted { lane, leaf, cell, .. } in planted {
        println!(
            "  The proposer settled a verdict that the module did not give: leaf {leaf} of lane {lane}, hex {cell:x}. The page must\n  \
             name CHECK, and hands out the proof. To have it struck out, with target/release/heliotrope (the first\n  \
             command makes the file that the page hands out, ID is what the second one says):\n\n    \
             heliotrope prove {cell:x} --gateway {} --checkpoint {checkpoint} --out lie.proof\n    \
             heliotrope challenge lie.proof {common} {challenger}",
            world.gateway_url
        );
    }
    for (number, of) in QUORUM_KEYS.iter().enumerate() {
        let voter = key(&format!("gateway-{number}.key"), of)?;
        println!(
            "    heliotrope vote lie.proof --dispute ID --gateway {} {common} {voter} --out vote-{number}",
            world.gateway_url
        );
    }
    println!("    heliotrope resolve vote-0 vote-1 vote-2 --rpc {rpc} --key-file {challenger}\n");
    Ok(())
}

/// Stays until a part ends by itself, which is an error.
async fn watch(world: &mut World) -> Result<()> {
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        world.check()?;
    }
}
