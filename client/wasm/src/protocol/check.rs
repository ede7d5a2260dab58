//! What is said of the versions of the check: proven from the registry, or, where it says so, the gateway's word.

use serde::{Deserialize, Serialize};

/// A version of the check that judged, proven from the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeInfo {
    /// Its number in the registry.
    pub version: u64,
    /// sha256 of the module.
    pub module_hash: String,
    /// Name of the rule profile in its parameters; empty where they name none.
    pub profile: String,
}

/// A version of the check as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// Its number.
    pub version: u64,
    /// sha256 of the module.
    pub module_hash: String,
    /// sha256 of the parameters.
    pub params_hash: String,
    /// Unix seconds from which it judges.
    pub active_from: u64,
    /// Name of the rule profile in its parameters, which were compared with their hash; empty where they are not
    /// served, or name none.
    pub profile: String,
}

/// What the check registry says, proven under a finalized header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The version that judges.
    pub active: Option<VersionInfo>,
    /// Those that are announced, the first to come first.
    pub announced: Vec<VersionInfo>,
    /// Number of the finalized block.
    pub block: u64,
    /// What the gateway says of the next one; nobody can prove it.
    pub said: Option<SaidOfNext>,
}

/// What a gateway says of the next version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidOfNext {
    /// Whether it has it, compiled.
    pub ready: bool,
    /// Why not.
    pub error: Option<String>,
    /// What came of judging an epoch by both.
    pub beside: Option<SaidBeside>,
}

/// What a gateway says of an epoch that it judged by both versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidBeside {
    /// The epoch.
    pub epoch: u64,
    /// Leaves that were judged.
    pub leaves: u64,
    /// Leaves that would come to something else.
    pub changed: u64,
    /// Leaves without a verdict of one of them.
    pub no_verdict: u64,
}
