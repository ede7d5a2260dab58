//! One file per proof format. All of them take bytes and a root that is already trusted.

pub mod eip1186;
pub mod header;
pub mod mpt;
pub mod ordered_trie;
pub mod receipts;
pub mod ssz_merkle;
