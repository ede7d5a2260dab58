//! Takes in a single report: exactly one encoding, bounded size, signed by the key it names.

use crate::protobuf::{Message, ProtobufError};
use crate::wire::mobile::{
    CellHeartbeatReqV1, CoverageObjectReqV1, DataTransferEvent, DataTransferSessionReqV1,
    SpeedtestReqV1, WifiHeartbeatReqV1,
};
use crate::wire::{LoraBeaconReportReqV1, LoraStreamSessionInitV1, LoraWitnessReportReqV1};

/// Largest report accepted, in bytes.
pub const MAX_REPORT_LEN: usize = 1024;
/// Largest message of the mobile network accepted, in bytes: their radios have RSA keys, of 4096 bits at
/// most, whose keys and signatures are half a kilobyte each.
pub const MAX_MOBILE_REPORT_LEN: usize = 2048;
/// Largest coverage object accepted, in bytes: about two and a half thousand hexes.
pub const MAX_COVERAGE_OBJECT_LEN: usize = 64 * 1024;
/// Length of a beacon payload in bytes.
pub const PAYLOAD_LEN: usize = 51;

/// Why a report is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Too long.
    #[error("report of {got} bytes, expected at most {expected}")]
    Size {
        /// Length found.
        got: usize,
        /// Limit.
        expected: usize,
    },
    /// Not the one encoding of this message.
    #[error("report is not canonical: {0}")]
    Protobuf(#[from] ProtobufError),
    /// The key or the signature is bad.
    #[cfg(feature = "verify")]
    #[error("report is not signed by the key it names: {0}")]
    Signature(#[from] crate::keys::KeyError),
}

/// Decodes a `lora_beacon_report_req_v1`.
///
/// # Errors
/// If the bytes are not the one encoding of such a message, or too many.
pub fn decode_beacon(bytes: &[u8]) -> Result<LoraBeaconReportReqV1, ReportError> {
    decode(bytes, MAX_REPORT_LEN)
}

/// Decodes a `lora_witness_report_req_v1`.
///
/// # Errors
/// If the bytes are not the one encoding of such a message, or too many.
pub fn decode_witness(bytes: &[u8]) -> Result<LoraWitnessReportReqV1, ReportError> {
    decode(bytes, MAX_REPORT_LEN)
}

/// Decodes a `lora_stream_session_init_v1`.
///
/// # Errors
/// If the bytes are not the one encoding of such a message, or too many.
pub fn decode_session_init(bytes: &[u8]) -> Result<LoraStreamSessionInitV1, ReportError> {
    decode(bytes, MAX_REPORT_LEN)
}

/// Decodes a `data_transfer_session_req_v1`.
///
/// # Errors
/// If the bytes are not the one encoding of such a message, or too many.
pub fn decode_data_transfer_session(bytes: &[u8]) -> Result<DataTransferSessionReqV1, ReportError> {
    decode(bytes, MAX_MOBILE_REPORT_LEN)
}

/// Decodes a `wifi_heartbeat_req_v1`.
///
/// # Errors
/// If the bytes are not the one encoding of such a message, or too many.
pub fn decode_wifi_heartbeat(bytes: &[u8]) -> Result<WifiHeartbeatReqV1, ReportError> {
    decode(bytes, MAX_MOBILE_REPORT_LEN)
}

/// Decodes a `cell_heartbeat_req_v1`.
///
/// # Errors
/// If the bytes are not the one encoding of such a message, or too many.
pub fn decode_cell_heartbeat(bytes: &[u8]) -> Result<CellHeartbeatReqV1, ReportError> {
    decode(bytes, MAX_MOBILE_REPORT_LEN)
}

/// Decodes a `speedtest_req_v1`.
///
/// # Errors
/// If the bytes are not the one encoding of such a message, or too many.
pub fn decode_speedtest(bytes: &[u8]) -> Result<SpeedtestReqV1, ReportError> {
    decode(bytes, MAX_MOBILE_REPORT_LEN)
}

/// Decodes a `coverage_object_req_v1`.
///
/// # Errors
/// If the bytes are not the one encoding of such a message, or too many.
pub fn decode_coverage_object(bytes: &[u8]) -> Result<CoverageObjectReqV1, ReportError> {
    decode(bytes, MAX_COVERAGE_OBJECT_LEN)
}

fn decode<M: Message>(bytes: &[u8], max: usize) -> Result<M, ReportError> {
    if bytes.len() > max {
        return Err(ReportError::Size { got: bytes.len(), expected: max });
    }
    Ok(M::decode(bytes)?)
}

/// A report that names its key and carries its signature.
pub trait SignedReport: Message + Clone {
    /// The key it names, binary form.
    fn public_key(&self) -> &[u8];
    /// The signature it carries.
    fn signature(&self) -> &[u8];
    /// The bytes that are signed: the message re-encoded with `signature` emptied.
    fn signed_bytes(&self) -> Vec<u8>;

    /// Checks the signature under the key that the report names.
    ///
    /// # Errors
    /// [`ReportError::Signature`] if the key is not valid or did not sign this.
    #[cfg(feature = "verify")]
    fn authenticate(&self) -> Result<crate::keys::PublicKey, ReportError> {
        let key = crate::keys::PublicKey::from_bytes(self.public_key())?;
        key.verify(&self.signed_bytes(), self.signature())?;
        Ok(key)
    }
}

macro_rules! signed_report {
    ($($name:ty),+) => {$(
        impl SignedReport for $name {
            fn public_key(&self) -> &[u8] {
                &self.pub_key
            }

            fn signature(&self) -> &[u8] {
                &self.signature
            }

            fn signed_bytes(&self) -> Vec<u8> {
                Self { signature: Vec::new(), ..self.clone() }.encode_to_vec()
            }
        }
    )+};
}
signed_report!(
    CellHeartbeatReqV1,
    CoverageObjectReqV1,
    DataTransferEvent,
    DataTransferSessionReqV1,
    LoraBeaconReportReqV1,
    LoraStreamSessionInitV1,
    LoraWitnessReportReqV1,
    SpeedtestReqV1,
    WifiHeartbeatReqV1
);
