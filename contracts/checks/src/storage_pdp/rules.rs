//! The rules by number and name: 1 to 8 are P1 to P8 of `PDPVerifier.provePossession`, 100 + n are L1 … about
//! the state that it reads, 200 + n for rule Sn of the service. A rule's reason is its number.

use crate::judge::Rule;

macro_rules! rules {
    ($($name:ident = $id:literal, $text:literal;)+) => {
        $(
            #[doc = $text]
            pub const $name: Rule = Rule { id: $id, name: $text, reason: $id };
        )+
        /// Every rule, ascending by number.
        pub const ALL: &[Rule] = &[$($name),+];
    };
}

rules! {
    P1 = 1, "P1 there is a proof (proofs)";
    P2 = 2, "P2 the challenge is due (epoch)";
    P3 = 3, "P3 the seed is the beacon of the challenge (mismatch bits)";
    P4 = 4, "P4 the challenged leaf is in the data set (leaf)";
    P5 = 5, "P5 the sum tree leads to the piece that is named (piece)";
    P6 = 6, "P6 path is as long as the tree is high (hashes)";
    P8 = 8, "P8 path leads to the root of the piece (bytes that differ)";
    L1 = 101, "L1 the data set is live (provider)";
    L2 = 102, "L2 the layout is the one that is named (layout)";
    L3 = 103, "L3 there are as many pieces as named (pieces)";
    L4 = 104, "L4 the leaf is in the piece (leaf)";
    S1 = 201, "S1 there are as many proofs as the service asks (proofs)";
}
