//! `cargo demo`.

use std::path::Path;

use anyhow::Result;

use crate::{
    lie::Link,
    setup,
    web_build::build_web,
    world::{self, World, WorldConfig},
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
    /// The link to lie about.
    pub lie: Option<Link>,
}

/// Builds everything, starts every part, says where to look, and ends all of it on Ctrl-C.
pub fn demo(root: &Path, options: DemoOptions) -> Result<()> {
    setup::for_demo(root)?;
    let checks = world::build(root)?;
    let web = build_web(root, &root.join("target/heliotrope/web"))?;
    let config = WorldConfig {
        root: root.to_path_buf(),
        state: root.join("target/heliotrope/demo"),
        port: options.port,
        gateways: options.gateways,
        seed: options.seed,
        lie: options.lie,
        web_dir: Some(web.out_dir),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let run = async {
            let mut world = World::start(config, &checks).await?;
            world.live().await?;
            say(&world, options.lie);
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

fn say(world: &World, lie: Option<Link>) {
    println!("\n  {}\n", world.url);
    println!("  Watch the hexes: each turns green when it is proven in your tab, link by link.");
    match lie {
        None => println!(
            "  Click one for its five links; then stop this and try: cargo demo -- --lie device"
        ),
        Some(link) => println!(
            "  One byte is changed on the way to your tab: the page must name {}, and show no green.",
            link.name().to_uppercase()
        ),
    }
    println!("  The chain's keys are public. Logs: target/heliotrope/demo/logs. Ctrl-C stops all.");
}

/// Stays until a part ends by itself, which is an error.
async fn watch(world: &mut World) -> Result<()> {
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        world.check()?;
    }
}
