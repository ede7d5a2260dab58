//! Receipts: the gateway that took a report in signs what it was and when.
//!
//! ```text
//!  signed: "heliotrope/receipt/1" ‖ SHA-256(report bytes) ‖ u64be(received, ms)
//! ```

#[cfg(feature = "verify")]
use super::ProvenanceError;
use crate::Bytes32;
use crate::cbor::{CborError, Decoder, Encoder};

const DOMAIN: &[u8] = b"heliotrope/receipt/1";
const MAX_KEY_LEN: usize = 1024;
const MAX_SIGNATURE_LEN: usize = 512;

/// A receipt of one report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// SHA-256 of the report bytes.
    pub digest: Bytes32,
    /// Receive time in milliseconds since 1970.
    pub received_ms: u64,
    /// Key of the receiver, Helium binary form.
    pub receiver_key: Vec<u8>,
    /// Signature of the receiver.
    pub signature: Vec<u8>,
}

impl Receipt {
    /// What the receiver signs.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        [DOMAIN, &self.digest, &self.received_ms.to_be_bytes()].concat()
    }

    pub(super) fn encode_to(&self, e: &mut Encoder) {
        e.array(4).bytes(&self.digest).uint(self.received_ms);
        e.bytes(&self.receiver_key).bytes(&self.signature);
    }

    pub(super) fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("receipt fields", 4)?;
        Ok(Self {
            digest: d.fixed("receipt digest bytes")?,
            received_ms: d.uint()?,
            receiver_key: d.bytes("receiver key bytes", MAX_KEY_LEN)?.to_vec(),
            signature: d.bytes("receipt signature bytes", MAX_SIGNATURE_LEN)?.to_vec(),
        })
    }
}

/// Checks that every receipt is of a report in the bundle, at the time the bundle gives, and signed.
#[cfg(feature = "verify")]
pub(super) fn authenticate(
    receipts: &[Receipt],
    bundle: &crate::bundle::EvidenceBundle,
) -> Result<(), ProvenanceError> {
    let received: std::collections::BTreeSet<_> = core::iter::once(&bundle.beacon)
        .chain(&bundle.witnesses)
        .map(|received| (received.received_ms, crate::sha256(&received.report)))
        .collect();
    for (index, receipt) in receipts.iter().enumerate() {
        if !received.contains(&(receipt.received_ms, receipt.digest)) {
            return Err(ProvenanceError::ReceiptUnused { index, got_ms: receipt.received_ms });
        }
        let key = crate::keys::PublicKey::from_bytes(&receipt.receiver_key);
        key.and_then(|key| key.verify(&receipt.signed_bytes(), &receipt.signature))
            .map_err(|error| ProvenanceError::ReceiptSignature { index, error })?;
    }
    Ok(())
}
