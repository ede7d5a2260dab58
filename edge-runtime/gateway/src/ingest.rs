//! Takes reports in: original bytes, one encoding, signed, by a registered key. What does not pass
//! gets an HTTP 4xx with a reason and is counted; what passes is on disk before it is acknowledged.
//!
//! A device reports a beacon once. The first report of a payload stands; what the device signs about the same
//! payload later is refused, in this epoch and in any other, since a beacon counts once. What only the pinned module
//! can tell to be the same is left out when it settles, see `replay`.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::StatusCode;
use heliotrope_device_proofs::{
    Bytes32,
    evidence::EvidenceError,
    protobuf::Message,
    registry,
    report::{MAX_REPORT_LEN, ReportError, SignedReport, decode_beacon, decode_witness},
    sha256,
    wire::{EntropyReportV1, InvalidReason, LoraBeaconIngestReportV1, LoraWitnessIngestReportV1},
};
use serde::Serialize;

use crate::{
    devices::Devices,
    handed_in::{HandedIn, HandedInError, MAX_HANDED_IN_LEN},
    receipt_log::{Entry, Kept, Kind, Receipt, ReceiptLog},
};

/// Reports in one batch, at most.
pub(crate) const MAX_BATCH_REPORTS: usize = 20_000;
/// Bytes in one batch, at most.
pub(crate) const MAX_BATCH_BYTES: usize = 8 << 20;

/// Why a report was not taken in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("body of {got} bytes, expected at most {expected}")]
    TooLarge { got: usize, expected: usize },
    #[error("{0}")]
    Malformed(String),
    #[error("{0}")]
    BadSignature(String),
    #[error("device {device} is not registered at finalized block {block}; register it first")]
    NotRegistered { device: String, block: u64 },
    #[error(
        "unknown report kind {0}, expected 0 (entropy), 1 (beacon), 2 (witness) or 3 (evidence)"
    )]
    UnknownKind(u8),
    #[error("this gateway stamps reports itself; send the report without the ingest wrapper")]
    UpstreamReceipt,
    #[error(
        "the device has reported this beacon before: report {standing} stands, and a beacon counts once"
    )]
    CountsOnce { standing: String },
    #[error("not ready: {0}; try again in a few seconds")]
    NotReady(String),
}

impl Rejection {
    /// The HTTP status that says it.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed(_) | Self::UnknownKind(_) => StatusCode::BAD_REQUEST,
            Self::BadSignature(_) => StatusCode::UNAUTHORIZED,
            Self::NotRegistered { .. } | Self::UpstreamReceipt => StatusCode::FORBIDDEN,
            Self::CountsOnce { .. } => StatusCode::CONFLICT,
            Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The network's own number for it.
    pub(crate) const fn reason(&self) -> InvalidReason {
        match self {
            Self::BadSignature(_) => InvalidReason::BadSignature,
            Self::NotRegistered { .. } => InvalidReason::GatewayNotFound,
            Self::CountsOnce { .. } => InvalidReason::Duplicate,
            Self::NotReady(_) => InvalidReason::UnknownError,
            _ => InvalidReason::InvalidPacket,
        }
    }

    const fn label(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Malformed(_) => "malformed",
            Self::BadSignature(_) => "bad_signature",
            Self::NotRegistered { .. } => "not_registered",
            Self::UnknownKind(_) => "unknown_kind",
            Self::UpstreamReceipt => "upstream_receipt",
            Self::CountsOnce { .. } => "counts_once",
            Self::NotReady(_) => "not_ready",
        }
    }
}

/// A report as it came, with what its sender says it is.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) kind: u8,
    /// Whether the bytes are an `*_ingest_report_v1`.
    pub(crate) wrapped: bool,
    pub(crate) bytes: Vec<u8>,
}

/// A report whose signature holds; its key may still be a stranger's.
#[derive(Debug)]
struct Signed {
    entry: Entry,
    device: Option<Bytes32>,
}

/// What became of one report of a batch.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RejectedReport {
    pub(crate) index: usize,
    pub(crate) reason: u16,
    pub(crate) error: String,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct BatchOutcome {
    pub(crate) accepted: usize,
    pub(crate) duplicates: usize,
    pub(crate) rejected: Vec<RejectedReport>,
}

/// The way in.
#[derive(Debug)]
pub(crate) struct Ingest {
    log: Arc<ReceiptLog>,
    devices: Arc<Devices>,
    accept_upstream_receipts: bool,
}

impl Ingest {
    pub(crate) const fn new(
        log: Arc<ReceiptLog>,
        devices: Arc<Devices>,
        accept_upstream_receipts: bool,
    ) -> Self {
        Self { log, devices, accept_upstream_receipts }
    }

    /// Takes in a batch. The answer comes after the commit.
    pub(crate) async fn take(
        &self,
        reports: Vec<Incoming>,
    ) -> Result<Vec<Result<bool, Rejection>>, Rejection> {
        let upstream = self.accept_upstream_receipts;
        let signed = blocking(move || authenticate_all(&reports, upstream)).await?;
        let checked = self.registered(signed).await?;
        let entries: Vec<Entry> =
            checked.iter().filter_map(|r| r.as_ref().ok().map(|s| s.entry.clone())).collect();
        let log = Arc::clone(&self.log);
        let mut kept = blocking(move || log.append(&entries))
            .await?
            .map_err(|e| Rejection::NotReady(e.to_string()))?
            .into_iter();
        let outcomes: Vec<_> = checked
            .into_iter()
            .map(|r| r.and_then(|_| fresh(kept.next().unwrap_or(Kept::Known))))
            .collect();
        count(&outcomes);
        Ok(outcomes)
    }

    async fn registered(
        &self,
        signed: Vec<Result<Signed, Rejection>>,
    ) -> Result<Vec<Result<Signed, Rejection>>, Rejection> {
        let ids: BTreeSet<Bytes32> =
            signed.iter().filter_map(|s| s.as_ref().ok().and_then(|s| s.device)).collect();
        let active =
            self.devices.active(&ids).await.map_err(|e| Rejection::NotReady(e.to_string()))?;
        let block = self.devices.block();
        let check = |report: Signed| match report.device {
            Some(id) if !active.contains_key(&id) => {
                Err(Rejection::NotRegistered { device: hex::encode(id), block })
            }
            _ => Ok(report),
        };
        Ok(signed.into_iter().map(|s| s.and_then(check)).collect())
    }
}

/// Whether a report is new; refused if another stands for what it claims.
fn fresh(kept: Kept) -> Result<bool, Rejection> {
    match kept {
        Kept::New => Ok(true),
        Kept::Known => Ok(false),
        Kept::Claimed(standing) => Err(Rejection::CountsOnce { standing: hex::encode(standing) }),
    }
}

/// Runs what takes the processor or the disk away from the reactor.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Rejection> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Rejection::NotReady(e.to_string()))
}

fn count(outcomes: &[Result<bool, Rejection>]) {
    for outcome in outcomes {
        match outcome {
            Ok(true) => count_as("accepted"),
            Ok(false) => count_as("duplicate"),
            Err(rejection) => count_rejection(rejection),
        }
    }
}

/// Counts a report, or a whole body, that was refused.
pub(crate) fn count_rejection(rejection: &Rejection) {
    count_as(rejection.label());
}

fn count_as(outcome: &'static str) {
    metrics::counter!("heliotrope_reports_total", "outcome" => outcome).increment(1);
}

/// Splits a batch: repeated `[kind u8][length u32 LE][bytes]`.
pub(crate) fn split_batch(mut body: &[u8]) -> Result<Vec<Incoming>, Rejection> {
    let cut = || Rejection::Malformed("batch is cut short".into());
    let mut reports = Vec::new();
    while let Some((kind, rest)) = body.split_first() {
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut())?;
        let (bytes, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        reports.push(Incoming {
            kind: *kind,
            wrapped: matches!(*kind, 1 | 2),
            bytes: bytes.to_vec(),
        });
        if reports.len() > MAX_BATCH_REPORTS {
            return Err(Rejection::TooLarge { got: reports.len(), expected: MAX_BATCH_REPORTS });
        }
        body = rest;
    }
    Ok(reports)
}

/// Signatures are most of the work: all cores share it.
fn authenticate_all(reports: &[Incoming], upstream: bool) -> Vec<Result<Signed, Rejection>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = reports.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let work = |chunk| scope.spawn(move || authenticate_chunk(chunk, upstream));
        let handles: Vec<_> = reports.chunks(share).map(work).collect();
        let gone = || vec![Err(Rejection::NotReady("a worker stopped".into()))];
        handles.into_iter().flat_map(|h| h.join().unwrap_or_else(|_| gone())).collect()
    })
}

fn authenticate_chunk(chunk: &[Incoming], upstream: bool) -> Vec<Result<Signed, Rejection>> {
    chunk.iter().map(|report| authenticate(report, upstream)).collect()
}

fn authenticate(incoming: &Incoming, upstream: bool) -> Result<Signed, Rejection> {
    let kind = Kind::from_byte(incoming.kind).ok_or(Rejection::UnknownKind(incoming.kind))?;
    let expected = if kind == Kind::Evidence { MAX_HANDED_IN_LEN } else { MAX_REPORT_LEN };
    if incoming.bytes.len() > expected {
        return Err(Rejection::TooLarge { got: incoming.bytes.len(), expected });
    }
    if incoming.wrapped && !upstream {
        return Err(Rejection::UpstreamReceipt);
    }
    let (received_ms, report) = unwrap(kind, incoming)?;
    let (device, claim) = match kind {
        Kind::Entropy => (None, None),
        Kind::Beacon => {
            let beacon = decode_beacon(&report).map_err(|e| refuse(&e))?;
            let device = signer(&beacon)?;
            (Some(device), Some(claim(&device, &beacon.data)))
        }
        Kind::Witness => (Some(signer(&decode_witness(&report).map_err(|e| refuse(&e))?)?), None),
        Kind::Evidence => (Some(HandedIn::open(&report)?.by), None),
    };
    Ok(Signed { entry: Entry { receipt: Receipt { kind, received_ms, report }, claim }, device })
}

impl From<HandedInError> for Rejection {
    fn from(error: HandedInError) -> Self {
        match &error {
            HandedInError::Submission(_) => Self::BadSignature(error.to_string()),
            HandedInError::Evidence(inner) if !matches!(inner, EvidenceError::Encoding(_)) => {
                Self::BadSignature(error.to_string())
            }
            _ => Self::Malformed(error.to_string()),
        }
    }
}

/// Names a beacon: whose it is, and its payload.
fn claim(device: &Bytes32, payload: &[u8]) -> Bytes32 {
    sha256(&[device, payload].concat())
}

fn refuse(error: &ReportError) -> Rejection {
    match error {
        ReportError::Size { got, expected } => {
            Rejection::TooLarge { got: *got, expected: *expected }
        }
        ReportError::Signature(_) => Rejection::BadSignature(error.to_string()),
        _ => Rejection::Malformed(error.to_string()),
    }
}

fn signer(report: &impl SignedReport) -> Result<Bytes32, Rejection> {
    let key = report.authenticate().map_err(|e| refuse(&e))?;
    Ok(registry::device_id(key.as_bytes()))
}

/// The report inside, and when it was received: as the ingestor says, or now.
fn unwrap(kind: Kind, incoming: &Incoming) -> Result<(u64, Vec<u8>), Rejection> {
    let bytes = incoming.bytes.as_slice();
    match kind {
        Kind::Entropy => {
            let entropy: EntropyReportV1 = canonical(bytes)?;
            Ok((entropy.timestamp.saturating_mul(1000), bytes.to_vec()))
        }
        _ if !incoming.wrapped => Ok((now_ms(), bytes.to_vec())),
        // it has no ingest wrapper
        Kind::Evidence => Err(Rejection::UpstreamReceipt),
        Kind::Beacon => {
            let wrapper: LoraBeaconIngestReportV1 = canonical(bytes)?;
            inner(wrapper.received_timestamp, wrapper.report)
        }
        Kind::Witness => {
            let wrapper: LoraWitnessIngestReportV1 = canonical(bytes)?;
            inner(wrapper.received_timestamp, wrapper.report)
        }
    }
}

fn inner(received_ms: u64, report: Option<impl Message>) -> Result<(u64, Vec<u8>), Rejection> {
    let report = report.ok_or_else(|| Rejection::Malformed("ingest report without one".into()))?;
    Ok((received_ms, report.encode_to_vec()))
}

/// Decodes a message of which `bytes` is the one encoding.
fn canonical<M: Message>(bytes: &[u8]) -> Result<M, Rejection> {
    M::decode(bytes).map_err(|e| Rejection::Malformed(format!("report is not canonical: {e}")))
}

#[expect(clippy::disallowed_methods, reason = "the gateway stamps reports with its clock")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_split_exactly() {
        let body = [0, 2, 0, 0, 0, 7, 8, 1, 1, 0, 0, 0, 9];
        let reports = split_batch(&body).unwrap();
        assert_eq!(reports.len(), 2);
        assert_eq!((reports[1].kind, reports[1].bytes.as_slice()), (1, [9].as_slice()));
        for cut in 1..body.len() {
            if cut != 7 {
                assert!(matches!(split_batch(&body[..cut]), Err(Rejection::Malformed(_))), "{cut}");
            }
        }
    }

    #[test]
    fn bytes_from_strangers_are_refused_with_a_reason() {
        let report = |kind, bytes: &[u8]| Incoming { kind, wrapped: false, bytes: bytes.to_vec() };
        let status = |r: Incoming| authenticate(&r, false).unwrap_err().status().as_u16();
        assert_eq!(status(report(1, b"\xff\xff")), 400);
        assert_eq!(status(report(9, b"")), 400);
        assert_eq!(status(report(2, &[0; 5000])), 413);
        assert_eq!(status(report(1, b"")), 401);
        assert_eq!(status(Incoming { wrapped: true, ..report(1, b"") }), 403);
    }
}
