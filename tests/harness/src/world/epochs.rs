//! What a world does with its gateway: reports go in, an epoch closes and settles, blocks go on by the clock.

use std::{
    fs,
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_light_client::network::DeployedNetwork;
use heliotrope_verifier::consensus::UnixSeconds;
use serde_json::Value;

use super::{SLOTS_TO_FINALITY, STEP_TIMEOUT, World, now_s};
use crate::{
    fleet::Fleet,
    lie,
    lie_settlement::{self, Lie, Planted},
    progress::Progress,
};

/// Reports sent in one request.
pub const REPORTS_PER_BATCH: usize = 4_000;

impl World {
    /// Feeds the fleet's day to the gateway, waits until its settlement is final, and lets the chain
    /// go on by the clock; from then on the page is served.
    pub async fn live(&mut self) -> Result<()> {
        self.live_with(&[]).await.map(drop)
    }

    /// The same, with lies in what is settled; says where they are.
    pub async fn live_with(&mut self, lies: &[Lie]) -> Result<Vec<Planted>> {
        self.live_after(0..self.fleet.reports.len(), lies).await
    }

    /// The same with a part of the day.
    pub async fn live_after(&mut self, part: Range<usize>, lies: &[Lie]) -> Result<Vec<Planted>> {
        let progress = Progress::new();
        let what = format!("gateway: takes in {} reports", part.len());
        progress.step_async(&what, self.send_part(part)).await?;
        let settled = progress.step_async("epoch: check, settle, prove", self.settle_with(lies));
        let planted = settled.await?;
        self.go_by_the_clock().await?;
        Ok(planted)
    }

    /// From now on blocks come by themselves, and the page is served.
    pub async fn go_by_the_clock(&mut self) -> Result<()> {
        self.chain.catch_up(UnixSeconds(now_s())).await?;
        self.clock = Some(self.chain.run_realtime());
        if let Some(link) = self.config.lie {
            let upstream = self.gateway_url.clone();
            self.carrier = Some(lie::serve(link, upstream, self.config.port).await?);
        }
        Ok(())
    }

    /// Sends the fleet's reports in batches; says how many were accepted and rejected.
    pub async fn send_reports(&mut self) -> Result<(u64, u64)> {
        self.send_part(0..self.fleet.reports.len()).await
    }

    /// The same for some of them, in the order in which they came in.
    pub async fn send_part(&self, part: Range<usize>) -> Result<(u64, u64)> {
        let client = reqwest::Client::new();
        let url = format!("{}/v1/reports", self.gateway_url);
        let (mut accepted, mut rejected) = (0, 0);
        let reports = self.fleet.reports.get(part).context("the fleet has no such reports")?;
        for chunk in reports.chunks(REPORTS_PER_BATCH) {
            let outcome = send_batch(&client, &url, Fleet::batch(chunk)).await?;
            accepted += outcome["accepted"].as_u64().context("accepted")?;
            rejected += outcome["rejected"].as_array().context("rejected")?.len() as u64;
        }
        Ok((accepted, rejected))
    }

    /// Closes the epoch and makes blocks until its settlement is final and published.
    pub async fn settle(&mut self) -> Result<u64> {
        let epoch = self.close_epoch().await?;
        self.published(epoch).await?;
        Ok(epoch)
    }

    /// The same, but a proposer that lies comes between the gateway and the ledger.
    async fn settle_with(&mut self, lies: &[Lie]) -> Result<Vec<Planted>> {
        let epoch = self.close_epoch().await?;
        if lies.is_empty() {
            self.published(epoch).await?;
            return Ok(Vec::new());
        }
        let started = Instant::now();
        // no block is made, so what it proposes waits
        while self.status().await?["settlement"]["phase"] != "proposing" {
            self.check_gateway()?;
            ensure!(started.elapsed() < STEP_TIMEOUT, "epoch {epoch} is not judged");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.gateway.take().context("gateway")?.kill()?;
        let network = DeployedNetwork::from_json(&fs::read(self.network_file())?)?;
        let epochs = self.config.state.join("gateway/epochs");
        let (planted, sent) =
            lie_settlement::propose(&epochs, epoch, &network, &self.rpc, lies).await?;
        self.chain.advance(1).await?;
        sent.mined().await?;
        self.start_gateway().await?;
        self.published(epoch).await?;
        Ok(planted)
    }

    /// Closes the epoch; says its number.
    pub async fn close_epoch(&self) -> Result<u64> {
        let url = format!("{}/v1/epochs/close", self.gateway_url);
        let answer = reqwest::Client::new().post(url).send().await?.error_for_status()?;
        answer.json::<Value>().await?["epoch"].as_u64().context("epoch")
    }

    /// Makes blocks until an epoch's settlement is final and published.
    pub async fn published(&mut self, epoch: u64) -> Result<()> {
        let started = Instant::now();
        loop {
            let status = self.status().await?;
            if status["published"] == epoch {
                return Ok(());
            }
            match status["settlement"]["phase"].as_str() {
                // blocks come by themselves
                _ if self.clock.is_some() => {}
                Some("proposing") => self.chain.advance(1).await?,
                Some("waiting for finality") => self.chain.advance(SLOTS_TO_FINALITY).await?,
                _ => {}
            }
            self.check_gateway()?;
            if started.elapsed() > STEP_TIMEOUT {
                bail!("epoch {epoch} is not settled: {status}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Hands one batch to a gateway.
pub async fn send_batch(client: &reqwest::Client, url: &str, body: Vec<u8>) -> Result<Value> {
    Ok(client.post(url).body(body).send().await?.error_for_status()?.json().await?)
}
