//! The rules by number, name and reason: n for beacon rule Rn, 100 + n for witness rule Wn, 200 + n for
//! rule Hn of the bundle.

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
    R4 = 4, "R4 beacon came while the entropy was valid (s)", EntropyExpired;
    R7 = 7, "R7 beacon follows from the entropy (mismatch bits)", InvalidPacket;
    W1 = 101, "W1 witness is known (status)", GatewayNotFound;
    W2 = 102, "W2 witness has asserted its place (H3 resolution)", NotAsserted;
    W5 = 105, "W5 witness is not the beaconer", SelfWitness;
    W6 = 106, "W6 witness report came while the entropy was valid (s)", EntropyExpired;
    W7 = 107, "W7 witness report came soon enough (ms)", TooLate;
    W8 = 108, "W8 witness heard what was sent (bytes that differ)", InvalidPacket;
    W10 = 110, "W10 witness heard it on the same channel (Hz)", InvalidFrequency;
    W11 = 111, "W11 witness is in the same region (region)", InvalidRegion;
    W12 = 112, "W12 witness is not too near (H3 cells)", BelowMinDistance;
    W13 = 113, "W13 witness is not too far (m)", MaxDistanceExceeded;
    W14 = 114, "W14 signal is not stronger than free space allows (ddBm)", BadRssi;
    W16 = 116, "W16 witness reports once (reports)", Duplicate;
    W17 = 117, "W17 witness is among the first (rank)", None;
    H1 = 201, "H1 somebody who counts heard the beacon (witnesses)", GatewayNoValidWitnesses;
}
