//! The messages between the map and the verifier, both ways.
//!
//! The worker's messages are statements about bytes that it has checked; the map paints them and
//! decides nothing. H3 indexes travel as lower-case hex text, because a JavaScript number holds 53 bits.

mod check;

pub use check::{JudgeInfo, SaidBeside, SaidOfNext, VersionInfo, Versions};

use serde::{Deserialize, Serialize};

/// Version of this protocol; the worker says it in [`FromWorker::Hello`].
pub const PROTOCOL_VERSION: u32 = 3;

/// The five links of the proof chain, in the order in which the first broken one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkName {
    /// Reports are signed by the device keys.
    Device,
    /// The pinned module gives the committed verdict again.
    Check,
    /// Verdict and cell lie under the roots that the contract stores.
    Commitment,
    /// The contract's state lies under a finalized header.
    Header,
    /// The finalized header descends from a checkpoint on which the sources agree.
    Checkpoint,
}

impl LinkName {
    /// All links, device first.
    pub const ALL: [Self; 5] =
        [Self::Device, Self::Check, Self::Commitment, Self::Header, Self::Checkpoint];

    /// The name on the wire and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Check => "check",
            Self::Commitment => "commitment",
            Self::Header => "header",
            Self::Checkpoint => "checkpoint",
        }
    }

    /// 1 for the device, 5 for the checkpoint.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Device => 1,
            Self::Check => 2,
            Self::Commitment => 3,
            Self::Header => 4,
            Self::Checkpoint => 5,
        }
    }
}

/// How far a link has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing looked at yet.
    Pending,
    /// Bytes are being fetched or checked.
    Checking,
    /// The bytes were checked here and hold.
    Verified,
    /// The bytes were checked here and contradict themselves or an earlier link.
    Broken,
}

/// One link with what was checked, what it cost and the bytes behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkReport {
    /// Which link.
    pub link: LinkName,
    /// Its outcome.
    pub outcome: Outcome,
    /// One sentence for a reader.
    pub summary: String,
    /// The single statements that were checked, in order.
    #[serde(default)]
    pub checked: Vec<String>,
    /// Size of the bytes behind the link.
    pub bytes: u64,
    /// Time of the checks in milliseconds, without the network.
    pub ms: f64,
    /// The bytes themselves, shortened for display.
    #[serde(default)]
    pub exhibits: Vec<Exhibit>,
}

/// Bytes or JSON behind a link, as shown to a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// What the bytes are.
    pub label: String,
    /// Hex or JSON text.
    pub text: String,
    /// Full size; the text may show less.
    pub total_bytes: u64,
}

/// The proof state of one hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HexState {
    /// Only asserted by the server.
    Claimed,
    /// Links 3 to 5 hold: the cell is part of what the contract stores.
    Committed,
    /// All five links hold and the committed verdict is pass.
    Verified,
    /// All five links hold and the committed verdict is not a pass.
    Failed,
    /// All five links hold, but the anchor block is old.
    Stale,
    /// A link is broken.
    Broken,
    /// The ledger says that a dispute struck out the settlement it is part of: nothing of it counts.
    Refuted,
}

impl HexState {
    /// All states, in the order of the legend.
    pub const ALL: [Self; 7] = [
        Self::Verified,
        Self::Committed,
        Self::Claimed,
        Self::Failed,
        Self::Stale,
        Self::Broken,
        Self::Refuted,
    ];

    /// The word used on the wire and in styles.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Committed => "committed",
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Broken => "broken",
            Self::Refuted => "refuted",
        }
    }
}

/// One res-8 cell with its committed counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hex {
    /// H3 index, lower-case hex.
    pub cell: String,
    /// Proof state.
    pub state: HexState,
    /// Beacons in the epoch.
    pub beacons: u32,
    /// Beacons whose verdict is pass.
    pub passed: u32,
    /// Beacons whose verdict is fail.
    pub failed: u32,
    /// Beacons without enough input for a verdict.
    pub indeterminate: u32,
    /// Witnesses that count.
    pub witnesses_selected: u32,
    /// Witnesses that were refused.
    pub witnesses_rejected: u32,
}

/// One rule of the check, applied to the beacon or to one witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRow {
    /// `beacon` or `witness 3`.
    pub subject: String,
    /// Number of the rule in the module.
    pub rule: u64,
    /// Name of the rule, as the module describes itself.
    pub name: String,
    /// `pass`, `fail` or `indeterminate`.
    pub verdict: String,
    /// Reason code; upstream numbers where there are some.
    pub reason: u64,
    /// Name of the reason code.
    pub reason_name: String,
    /// What was observed, in the rule's unit.
    pub observed: i64,
    /// The limit, in the rule's unit.
    pub limit: i64,
}

/// One evidence bundle of a hex with the result of its check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafResult {
    /// Leaf index in the lane's trees.
    pub leaf: u32,
    /// sha256 of the bundle, hex.
    pub bundle_id: String,
    /// The beaconing device, in its network's text form.
    pub beaconer: String,
    /// `pass`, `fail` or `indeterminate`.
    pub verdict: String,
    /// Score in parts per million.
    pub score_ppm: u64,
    /// Number of witness reports.
    pub witnesses: u32,
    /// Every rule, in the module's order.
    pub rows: Vec<RuleRow>,
}

/// What the network says about itself; asserted, only used to know what to prove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInfo {
    /// Name of the network.
    pub name: String,
    /// Chain id.
    pub chain_id: u64,
    /// A development chain: its keys are public.
    pub dev: bool,
    /// Where checkpoints are compared.
    pub checkpoint_sources: Vec<String>,
    /// `SettlementLedger`.
    pub settlement_ledger: String,
}

/// The proven head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadInfo {
    /// Newest beacon slot the client has seen signed.
    pub optimistic_slot: u64,
    /// Finalized beacon slot.
    pub finalized_slot: u64,
    /// Finalized execution block.
    pub finalized_block: u64,
    /// Its hash.
    pub finalized_hash: String,
    /// Its time, unix seconds.
    pub finalized_time: u64,
    /// The checkpoint the header descends from.
    pub checkpoint_root: String,
    /// Slot of the checkpoint.
    pub checkpoint_slot: u64,
    /// Time of the checkpoint, unix seconds.
    pub checkpoint_time: u64,
}

/// The epoch on the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochInfo {
    /// Number of the epoch.
    pub epoch: u64,
    /// Lanes (H3 base cells) with commitments.
    pub lanes: u32,
    /// Coverage shards.
    pub shards: u32,
    /// The versions of the check that judged it, each proven at its anchor block; empty until one is.
    pub judges: Vec<JudgeInfo>,
    /// Time of the oldest anchor block, unix seconds; 0 until proven.
    pub anchor_time: u64,
}

/// A call to execute on proven state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRequest {
    /// Sender, hex; the zero address when nobody is named.
    pub from: Option<String>,
    /// Receiver, hex; nobody creates a contract.
    pub to: Option<String>,
    /// Calldata, hex.
    pub data: String,
    /// Whether to find the least gas with which it succeeds, instead.
    #[serde(default)]
    pub estimate: bool,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAnswer {
    /// `success`, `revert` or `halt`.
    pub status: String,
    /// What it returned, hex.
    pub output: String,
    /// Gas.
    pub gas_used: u64,
    /// The rule that a halt breaks.
    pub reason: Option<String>,
    /// Number of the finalized block on whose state it ran.
    pub block: u64,
    /// Its hash.
    pub block_hash: String,
}

/// Map to worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// Begin, or begin again.
    Start {
        /// Origin of the gateway or CDN, without a slash at the end.
        base_url: String,
        /// A checkpoint block root that the user names; it overrides the network's.
        checkpoint: Option<String>,
    },
    /// Verify this hex first and send its chain.
    OpenHex {
        /// H3 index, hex.
        cell: String,
    },
    /// Cells in view: their shards are verified first.
    SetView {
        /// H3 indexes of res-4 parents, hex.
        parents: Vec<String>,
    },
    /// Execute a call on the state of the proven head.
    Call {
        /// Comes back with the answer.
        id: u32,
        /// The call.
        call: CallRequest,
    },
    /// Build the proof bundle of a hex, for [`FromWorker::Bundle`].
    Bundle {
        /// H3 index, hex.
        cell: String,
    },
    /// Judge the epoch on the map by an announced version too, for [`FromWorker::Compared`].
    Compare {
        /// Number of the version.
        version: u64,
    },
    /// Stop at the next step.
    Stop,
}

/// Worker to map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    /// The worker runs.
    Hello {
        /// [`PROTOCOL_VERSION`].
        version: u32,
    },
    /// What the network says about itself.
    Network {
        /// The description.
        network: NetworkInfo,
    },
    /// A sign of life for the watchdog.
    Alive {
        /// What comes next are calls of a check module: if they do not end, the module is to blame.
        judging: bool,
    },
    /// What the check registry says, proven here; or why that is not known.
    Versions {
        /// The versions.
        versions: Option<Versions>,
        /// Why there are none.
        error: Option<String>,
    },
    /// How far the comparison of two versions has come.
    Comparing {
        /// Number of the version.
        version: u64,
        /// Areas done.
        done: u32,
        /// Areas in all.
        total: u32,
    },
    /// The comparison has ended.
    Compared {
        /// Number of the version.
        version: u64,
        /// What would change, in the bytes that `heliotrope govern diff --json` prints.
        json: Option<String>,
        /// Why there is none.
        error: Option<String>,
    },
    /// The proof bundle of a hex.
    Bundle {
        /// H3 index, hex.
        cell: String,
        /// Address of the file in this browser.
        url: Option<String>,
        /// Why there is none.
        error: Option<String>,
    },
    /// The present step, in words; also a sign of life for the watchdog.
    Progress {
        /// What is being done.
        text: String,
        /// Steps done.
        done: u32,
        /// Steps in all; 0 when unknown.
        total: u32,
    },
    /// The proven head.
    Head {
        /// The head.
        head: HeadInfo,
    },
    /// The epoch.
    Epoch {
        /// The epoch.
        epoch: EpochInfo,
    },
    /// One link of the page as a whole has changed.
    Link {
        /// The link.
        report: LinkReport,
    },
    /// Hexes that are new or have changed.
    Hexes {
        /// The hexes.
        hexes: Vec<Hex>,
    },
    /// The chain of one hex.
    Chain {
        /// H3 index, hex.
        cell: String,
        /// The hex's state.
        state: HexState,
        /// Five links, device first.
        links: Vec<LinkReport>,
        /// The check's results per evidence bundle.
        leaves: Vec<LeafResult>,
        /// What was committed of it is wrong, and its proof bundle shows that.
        challengeable: bool,
    },
    /// A link is broken.
    Broken {
        /// The first broken link.
        link: LinkName,
        /// What contradicts what.
        message: String,
        /// The hex; nothing when the whole page depends on it.
        cell: Option<String>,
        /// A hex whose proof bundle shows the break.
        shown_by: Option<String>,
    },
    /// Something needed could not be had: no statement about truth.
    Failed {
        /// What went wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The network has no closed epoch yet.
    Empty {
        /// What to do.
        hint: String,
    },
    /// The network has closed a later epoch than the one on the map.
    Newer {
        /// Number of the later epoch.
        epoch: u64,
    },
    /// A call was executed, or not.
    Called {
        /// That of the request.
        id: u32,
        /// What became of it.
        answer: Option<CallAnswer>,
        /// Why it was not executed.
        error: Option<String>,
    },
    /// Everything that was asked for has been checked.
    Done {
        /// Bytes fetched.
        bytes: u64,
        /// Wall time in milliseconds.
        ms: f64,
    },
}
