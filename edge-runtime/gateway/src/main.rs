//! `heliotrope`: the gateway, and the light client on the command line.

mod chain;
mod check;
mod claim;
mod compact;
mod config;
mod devices;
mod dispute;
mod engine;
mod files;
mod gather;
mod govern;
mod handed_in;
mod ingest;
mod lane;
mod mirrors;
mod payout;
mod pinned;
mod prove;
mod receipt_log;
mod replay;
mod rewards;
mod rpc;
mod run;
mod server;
mod settle;
mod side_by_side;
mod sync;
mod upcoming;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use alloy_primitives::B256;
use anyhow::Result;
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

#[derive(Debug, Parser)]
#[command(
    name = "heliotrope",
    version,
    about = "Check physical networks instead of believing them"
)]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the gateway: take in reports, check, settle, serve.
    Run {
        /// Settings, TOML; `HELIOTROPE_*` in the environment goes on top.
        #[arg(long, default_value = "heliotrope.toml")]
        config: PathBuf,
    },
    /// Verify a chain from a checkpoint to its newest finalized execution block.
    Sync {
        /// Folder of recorded mainnet files: bootstrap, updates, finality update; JSON or SSZ.
        #[arg(long, conflicts_with_all = ["network", "source"])]
        recorded: Option<PathBuf>,
        #[command(flatten)]
        live: sync::Live,
    },
    /// Prove a hex of a gateway's map here, and keep its five links in one file.
    Prove(prove::Prove),
    /// What an account has earned and not yet had, proven here; with a key and a node it is claimed.
    Claim(claim::Claim),
    /// Before a vote: what a change of the check would change.
    #[command(subcommand)]
    Govern(govern::Govern),
    /// Run a check module over a piece of evidence and say what every rule came to.
    Check(check::Check),
    /// Judge a file offline: do the five links of a proof hold, or does the chain refute what a source said?
    Verify {
        /// The file.
        file: PathBuf,
        /// Beacon block root that you trust; the file must stand on it.
        #[arg(long)]
        checkpoint: Option<B256>,
    },
    /// Show the chain what is wrong in a proof: a fraud proof where one transaction decides, else a question to the
    /// quorum. Costs a bond, which a false challenge loses.
    Challenge(dispute::challenge::Challenge),
    /// As a bonded gateway: run the module on a disputed leaf and sign what came out.
    Vote(dispute::vote::Vote),
    /// Bring the gateways' votes to the dispute game.
    Resolve(dispute::vote::Resolve),
    /// Serve Ethereum's JSON-RPC on this machine; every answer is proven before it is given.
    ServeRpc(rpc::ServeRpc),
}

fn main() -> Result<ExitCode> {
    // before any thread is there: the compiler of check modules limits its own process
    if let Some(exit) = heliotrope_host::compile_if_asked() {
        return Ok(exit);
    }
    act().map(|()| ExitCode::SUCCESS)
}

#[tokio::main]
async fn act() -> Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Cli::parse().command {
        Action::Run { config } => run::run(&config).await,
        Action::Verify { file, checkpoint } => {
            say(&verify::verify(&file, checkpoint)?);
            Ok(())
        }
        Action::Prove(wanted) => {
            say(&prove::prove(&wanted).await?);
            Ok(())
        }
        Action::Claim(wanted) => {
            say(&claim::claim(&wanted).await?);
            Ok(())
        }
        Action::Govern(govern::Govern::Diff(wanted)) => {
            say(&govern::diff(&wanted).await?);
            Ok(())
        }
        Action::Check(wanted) => {
            say(&check::check(&wanted)?);
            Ok(())
        }
        Action::Challenge(wanted) => {
            say(&dispute::challenge::challenge(&wanted).await?);
            Ok(())
        }
        Action::Vote(wanted) => {
            say(&dispute::vote::vote(&wanted).await?);
            Ok(())
        }
        Action::Resolve(wanted) => {
            say(&dispute::vote::resolve(&wanted).await?);
            Ok(())
        }
        Action::ServeRpc(settings) => rpc::serve(&settings).await,
        Action::Sync { recorded, live } => {
            say(&match recorded {
                Some(folder) => sync::recorded(&folder, live.checkpoint)?,
                None => sync::network(&live).await?,
            });
            Ok(())
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn say(text: &str) {
    println!("{text}");
}
