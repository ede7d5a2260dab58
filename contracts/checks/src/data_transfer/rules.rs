//! The rules by number, name and reason: 1 to 8 are D1 to D8, 100 + n for rule Gn about the hotspot, 200 + n
//! for rule Bn of the bundle. Reasons below 100 are the network's `data_transfer_ingest_report_status`; it
//! has none for the others, whose reason is 1000 and their number.

use crate::judge::Rule;
use heliotrope_device_proofs::wire::mobile::ReportStatus as Status;

macro_rules! rules {
    ($($name:ident = $id:literal, $text:literal, $reason:expr;)+) => {
        $(
            #[doc = $text]
            pub const $name: Rule = Rule { id: $id, name: $text, reason: $reason };
        )+
        /// Every rule, ascending by number.
        pub const ALL: &[Rule] = &[$($name),+];
    };
}

rules! {
    D1 = 1, "D1 hotspot signed what it carried (signature bytes)", 1001;
    D2 = 2, "D2 carrier that signed is a routing key (keys)", Status::InvalidRoutingKey.code();
    D3 = 3, "D3 keys are of the network (network byte)", 1003;
    D4 = 4, "D4 event counts once (sessions)", Status::Duplicate.code();
    D5 = 5, "D5 no more is paid for than was carried (bytes)", 1005;
    D6 = 6, "D6 event is in the epoch (s since its start)", 1006;
    D7 = 7, "D7 reward is not cancelled (cancellations)", Status::Cancelled.code();
    D8 = 8, "D8 no more is paid than was burned (data credits)", 1008;
    G1 = 101, "G1 hotspot is known (status)", Status::InvalidGatewayKey.code();
    B1 = 201, "B1 session is of the payer (bytes that differ)", 1201;
    B2 = 202, "B2 some session is paid for (sessions)", 1202;
}
