//! The rules by number, name and reason: n for beacon rule Rn, 100 + n for witness rule Wn, 200 + n for
//! rule Hn of the bundle, 300 + n for rule Sn, which only the profile `strict-1` has.

use crate::judge::Rule;
use heliotrope_device_proofs::wire::InvalidReason as Reason;

macro_rules! rules {
    ($($name:ident = $id:literal, $text:literal, $reason:ident;)+) => {
        $(
            #[doc = $text]
            pub const $name: Rule = Rule { id: $id, name: $text, reason: Reason::$reason.code() };
        )+
        /// Every rule, ascending by number.
        pub const ALL: &[Rule] = &[$($name),+];
    };
}

rules! {
    R1 = 1, "R1 beaconer is known (status)", GatewayNotFound;
    R2 = 2, "R2 beaconer has asserted its place (H3 resolution)", NotAsserted;
    R3 = 3, "R3 beaconer is not denied (denied)", Denied;
    R4 = 4, "R4 beacon came while the entropy was valid (s)", EntropyExpired;
    R5 = 5, "R5 beaconer is a full hotspot (full)", InvalidCapability;
    R6 = 6, "R6 beacon is the first of its interval (interval)", IrregularInterval;
    R7 = 7, "R7 beacon follows from the entropy (mismatch bits)", InvalidPacket;
    R8 = 8, "R8 beaconer has witnessed lately (s)", GatewayNoValidWitnesses;
    W1 = 101, "W1 witness is known (status)", GatewayNotFound;
    W2 = 102, "W2 witness has asserted its place (H3 resolution)", NotAsserted;
    W3 = 103, "W3 witness is not denied (denied)", Denied;
    W4 = 104, "W4 witness may witness this beaconer (denied)", DeniedEdge;
    W5 = 105, "W5 witness is not the beaconer", SelfWitness;
    W6 = 106, "W6 witness report came while the entropy was valid (s)", EntropyExpired;
    W7 = 107, "W7 witness report came soon enough (ms)", TooLate;
    W8 = 108, "W8 witness heard what was sent (bytes that differ)", InvalidPacket;
    W9 = 109, "W9 witness is a full hotspot (full)", InvalidCapability;
    W10 = 110, "W10 witness heard it on the same channel (Hz)", InvalidFrequency;
    W11 = 111, "W11 witness is in the same region (region)", InvalidRegion;
    W12 = 112, "W12 witness is not too near (H3 cells)", BelowMinDistance;
    W13 = 113, "W13 witness is not too far (m)", MaxDistanceExceeded;
    W14 = 114, "W14 signal is not stronger than free space allows (ddBm)", BadRssi;
    W15 = 115, "W15 witness has beaconed lately (s)", GatewayNoValidBeacons;
    W16 = 116, "W16 witness reports once (reports)", Duplicate;
    W17 = 117, "W17 witness is among the first (rank)", None;
    H1 = 201, "H1 somebody who counts heard the beacon (witnesses)", GatewayNoValidWitnesses;
    H2 = 202, "H2 HIP-15 units of the beaconer (1/10000)", None;
    H3 = 203, "H3 HIP-15 units of the witness (1/10000)", None;
    H4 = 204, "H4 HIP-17 scale of the place (1/10000)", ScalingFactorNotFound;
    S1 = 301, "S1 report is signed by its key or session (mismatch bits)", BadSignature;
    S2 = 302, "S2 receive time is countersigned (receipts)", BadSignature;
    S3 = 303, "S3 entropy is of a recent block of the chain (mismatch bits)", BadEntropy;
    S4 = 304, "S4 beacon is no stronger than the region allows (dBm)", InvalidPacket;
    S5 = 305, "S5 signal can be told from the noise (ddB)", BadRssi;
    S6 = 306, "S6 signal is not weaker than can be received (ddBm)", BadRssi;
    S7 = 307, "S7 concentrator counter goes on (ms)", Stale;
    S8 = 308, "S8 witness heard the data rate that was sent (data rate)", InvalidPacket;
}
