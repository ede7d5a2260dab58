//! A carrier that lies: it stands between the gateway and the page and changes one byte in whatever
//! carries the chosen link of the proof chain. The page must name that link.

use std::{str::FromStr, sync::Arc};

use anyhow::{Result, bail};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use heliotrope_device_proofs::{
    bundle::EvidenceBundle,
    epoch::{EpochManifest, ShardEvidence},
    protobuf::Message as _,
};

/// The link that is lied about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// A device's signature in every evidence bundle.
    Device,
    /// The check module's bytes.
    Check,
    /// The roots that the epoch manifest shows.
    Commitment,
    /// The light client's finality update.
    Header,
    /// The checkpoint that the network description names.
    Checkpoint,
}

impl Link {
    /// All links, from the device to the checkpoint.
    pub const ALL: [Self; 5] =
        [Self::Device, Self::Check, Self::Commitment, Self::Header, Self::Checkpoint];

    /// The link's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Check => "check",
            Self::Commitment => "commitment",
            Self::Header => "header",
            Self::Checkpoint => "checkpoint",
        }
    }

    /// Whether this answer carries the link.
    fn is_carried_by(self, path: &str) -> bool {
        match self {
            Self::Device => path.contains("/evidence/"),
            Self::Check => path.starts_with("/v1/modules/"),
            Self::Commitment => path.ends_with("/manifest"),
            Self::Header => path.ends_with("/finality_update"),
            Self::Checkpoint => path == "/v1/network.json",
        }
    }

    /// The answer with one byte changed.
    fn tell(self, body: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Device => forge_signatures(body),
            Self::Check => flip(body, body.len() / 2),
            Self::Commitment => forge_roots(body),
            // near the end of a finality update lies the finalized header's execution data
            Self::Header => flip(body, body.len().checked_sub(40)?),
            Self::Checkpoint => forge_checkpoint(body),
        }
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|link| link.name() == name);
        found.ok_or_else(|| format!("unknown link {name:?}, expected one of {known}"))
    }
}

fn flip(body: &[u8], at: usize) -> Option<Vec<u8>> {
    let mut lie = body.to_vec();
    *lie.get_mut(at)? ^= 1;
    Some(lie)
}

/// One byte of the beacon's signature, in every bundle of the file.
fn forge_signatures(body: &[u8]) -> Option<Vec<u8>> {
    let mut evidence = ShardEvidence::decode(body).ok()?;
    for leaf in &mut evidence.leaves {
        let mut bundle = EvidenceBundle::decode(&leaf.bundle).ok()?;
        let mut beacon =
            heliotrope_device_proofs::report::decode_beacon(&bundle.beacon.report).ok()?;
        *beacon.signature.last_mut()? ^= 1;
        bundle.beacon.report = beacon.encode_to_vec();
        leaf.bundle = bundle.encode();
    }
    Some(evidence.encode())
}

fn forge_roots(body: &[u8]) -> Option<Vec<u8>> {
    let mut manifest = EpochManifest::decode(body).ok()?;
    for lane in &mut manifest.lanes {
        lane.commitment.verdict_root[0] ^= 1;
    }
    Some(manifest.encode())
}

fn forge_checkpoint(body: &[u8]) -> Option<Vec<u8>> {
    let mut network: serde_json::Value = serde_json::from_slice(body).ok()?;
    let root = network["checkpoint"].as_str()?.to_owned();
    let last = if root.ends_with('0') { '1' } else { '0' };
    network["checkpoint"] = format!("{}{last}", &root[..root.len().checked_sub(1)?]).into();
    serde_json::to_vec(&network).ok()
}

#[derive(Debug)]
struct Carrier {
    link: Link,
    upstream: String,
    http: reqwest::Client,
}

/// Serves `upstream` on `port`, lying about `link`, until dropped with its task.
pub async fn serve(link: Link, upstream: String, port: u16) -> Result<tokio::task::JoinHandle<()>> {
    let carrier = Arc::new(Carrier { link, upstream, http: reqwest::Client::new() });
    let router = Router::new().fallback(carry).with_state(carrier);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            eprintln!("lying carrier: {error}");
        }
    }))
}

async fn carry(State(carrier): State<Arc<Carrier>>, request: Request) -> Response {
    match pass_on(&carrier, request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn pass_on(carrier: &Carrier, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let body: Bytes = axum::body::to_bytes(body, 16 << 20).await?;
    let mut onward = carrier
        .http
        .request(parts.method.clone(), format!("{}{path}", carrier.upstream))
        .body(body);
    for name in ["accept", "content-type"] {
        if let Some(value) = parts.headers.get(name) {
            onward = onward.header(name, value);
        }
    }
    let answer = onward.send().await?;
    let status = answer.status();
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers() {
        if name != "content-length" && name != "transfer-encoding" {
            headers.insert(name.clone(), value.clone());
        }
    }
    let mut bytes = answer.bytes().await?.to_vec();
    if status.is_success() && carrier.link.is_carried_by(parts.uri.path()) {
        let Some(lie) = carrier.link.tell(&bytes) else { bail!("nothing to lie about in {path}") };
        bytes = lie;
    }
    Ok((status, headers, Body::from(bytes)).into_response())
}
