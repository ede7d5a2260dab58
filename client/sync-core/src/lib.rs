//! The consensus rules alone as wasm: compact data in, the finalized header out. No imports, so it runs wherever wasm
//! runs, and small enough to be in every page.
//!
//! ```text
//! host                                      core
//! input(n) ─▶ where to write n bytes
//! start()        trusted root, bootstrap ─▶ 0 or a refusal
//! apply(slot)    seed, batch of updates ──▶ 0 or a refusal; nothing changes then
//! output() ─▶ the finalized and optimistic headers, 256 bytes
//! ```
//!
//! With the feature `reads` it also proves accounts, slots, receipts and logs under those headers: see `reads`.
//!
//! What goes in is described in [`heliotrope_verifier::chains::ethereum::compact`]. Refusals are numbers, see
//! [`Refusal`]: the words are worth more bytes than the rules, and the host has them.
//!
//! Trusts: the root that the host names, its clock and its randomness. Mainnet, unless [`network`] names another.

#[cfg(feature = "reads")]
pub mod reads;

use std::cell::RefCell;

// blst calls it
#[cfg(target_arch = "wasm32")]
use heliotrope_bls_field as _;
use heliotrope_verifier::{
    chains::ethereum::{
        BlobParameters, ChainSpec, Fork, ForkActivation, LightClientHeader, Preset,
        compact::{
            CompactBootstrap, CompactError, CompactStore, decode_batch, initialize_compact_store,
            process_compact_updates,
        },
    },
    consensus::UnixSeconds,
};

/// Bytes that [`output`] points to: two headers of 128 bytes, finalized and optimistic. Each is beacon slot (u64), beacon
/// block root, execution block number (u64), execution block hash, execution state root, timestamp (u64) and 8 zeros,
/// integers little-endian; execution fields are zero while they are not known.
pub const OUTPUT_BYTES: usize = 256;
/// More than any batch: 128 updates that each carry a whole committee.
const MAX_INPUT_BYTES: usize = 4 << 20;

/// Why nothing was done.
#[repr(i32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Input is cut short, or [`start`] was not called.
    Use = 1,
    /// Input is not the one encoding of what it should be.
    Encoding = 2,
    /// A rule of the protocol does not hold.
    Rule = 3,
    /// A key of an absent member is not the committee's.
    Members = 4,
    /// Nodes, a block or receipts do not hash to what is proven.
    Proof = 5,
    /// The block's receipts have to be given first.
    Receipts = 6,
}

#[derive(Default)]
struct Core {
    input: Vec<u8>,
    output: Vec<u8>,
    spec: Option<ChainSpec>,
    store: Option<CompactStore>,
    #[cfg(feature = "reads")]
    reading: Option<reads::Reading>,
    #[cfg(feature = "reads")]
    answer: Vec<u8>,
}

thread_local! {
    static CORE: RefCell<Core> = RefCell::default();
}

impl Core {
    /// The network, mainnet if none was named.
    fn spec(&mut self) -> ChainSpec {
        self.spec.get_or_insert_with(ChainSpec::mainnet).clone()
    }

    fn network(&mut self) -> Option<()> {
        let input = std::mem::take(&mut self.input);
        let (preset, rest) = input.split_first()?;
        let preset = match preset {
            0 => Preset::Mainnet,
            1 => Preset::Minimal,
            _ => return None,
        };
        let (time, rest) = rest.split_first_chunk::<8>()?;
        let (slot_ms, rest) = rest.split_first_chunk::<8>()?;
        let (root, rest) = rest.split_first_chunk::<32>()?;
        let (blobs, rest) = rest.split_first()?;
        let (blobs, rest) = rest.split_at_checked(usize::from(*blobs).checked_mul(16)?)?;
        let activations = rest.chunks_exact(13);
        if !activations.remainder().is_empty() {
            return None;
        }
        let forks = activations.map(|activation| {
            let (fork, rest) = activation.split_first()?;
            let (version, epoch) = rest.split_first_chunk::<4>()?;
            Some(ForkActivation {
                fork: *Fork::ALL.get(usize::from(*fork))?,
                version: *version,
                epoch: u64::from_le_bytes(epoch.try_into().ok()?),
            })
        });
        let forks = forks.collect::<Option<Vec<_>>>()?;
        let genesis = UnixSeconds(u64::from_le_bytes(*time));
        let slot_ms = u64::from_le_bytes(*slot_ms);
        let blobs = blobs.chunks_exact(16).filter_map(|entry| {
            let (epoch, most) = entry.split_first_chunk::<8>()?;
            let most = most.try_into().ok()?;
            Some(BlobParameters {
                epoch: u64::from_le_bytes(*epoch),
                max_blobs_per_block: u64::from_le_bytes(most),
            })
        });
        let blobs = blobs.collect();
        let spec = ChainSpec::from_parts(preset, genesis, (*root).into(), slot_ms, forks, blobs);
        self.spec = Some(spec.ok()?);
        self.store = None;
        Some(())
    }

    fn start(&mut self) -> Result<(), Refusal> {
        let input = std::mem::take(&mut self.input);
        let spec = self.spec();
        self.store = None;
        self.show();
        let (root, bootstrap) = input.split_first_chunk::<32>().ok_or(Refusal::Use)?;
        let bootstrap =
            CompactBootstrap::decode(bootstrap, &spec).map_err(|_| Refusal::Encoding)?;
        let store = initialize_compact_store((*root).into(), &bootstrap, &spec)
            .map_err(|_| Refusal::Rule)?;
        self.store = Some(store);
        self.show();
        Ok(())
    }

    fn apply(&mut self, current_slot: u64) -> Result<(), Refusal> {
        let input = std::mem::take(&mut self.input);
        let spec = self.spec();
        let (seed, batch) = input.split_first_chunk::<32>().ok_or(Refusal::Use)?;
        let store = self.store.as_mut().ok_or(Refusal::Use)?;
        let updates = decode_batch(batch, &spec).map_err(|_| Refusal::Encoding)?;
        process_compact_updates(store, &updates, current_slot, *seed, &spec).map_err(|error| {
            match error {
                CompactError::Members { .. } => Refusal::Members,
                _ => Refusal::Rule,
            }
        })?;
        self.show();
        Ok(())
    }

    /// Puts the store's headers where the host reads them.
    fn show(&mut self) {
        self.output.clear();
        if let Some(store) = &self.store {
            write_header(&mut self.output, store.finalized_header());
            write_header(&mut self.output, store.optimistic_header());
        }
    }
}

#[cfg(feature = "reads")]
impl Core {
    fn header(&self, at: reads::At) -> Option<&LightClientHeader> {
        let store = self.store.as_ref()?;
        match at {
            reads::At::Finalized => Some(store.finalized_header()),
            reads::At::Optimistic => Some(store.optimistic_header()),
            reads::At::Block => None,
        }
    }

    fn account(&mut self, at: i32) -> Result<(), Refusal> {
        let input = std::mem::take(&mut self.input);
        let at = reads::At::from_number(at).ok_or(Refusal::Use)?;
        let of_header = |header: &LightClientHeader| {
            header.execution_payload_header().map(|execution| execution.state_root.0)
        };
        let state_root = match at {
            reads::At::Block => self.reading.as_ref().map(reads::Reading::state_root),
            _ => self.header(at).and_then(of_header),
        };
        self.answer = reads::account(&input, state_root.ok_or(Refusal::Use)?)?;
        Ok(())
    }

    fn block(&mut self, at: i32) -> Result<(), Refusal> {
        let input = std::mem::take(&mut self.input);
        let at = reads::At::from_number(at).ok_or(Refusal::Use)?;
        let hash = match at {
            reads::At::Block => self.reading.as_ref().map(reads::Reading::parent_hash),
            _ => self.header(at).and_then(LightClientHeader::execution_block_hash).map(|h| h.0),
        };
        let reading = reads::Reading::block(&input, hash.ok_or(Refusal::Use)?)?;
        self.answer = reading.answer();
        self.reading = Some(reading);
        Ok(())
    }

    fn receipts(&mut self) -> Result<(), Refusal> {
        let input = std::mem::take(&mut self.input);
        self.reading.as_mut().ok_or(Refusal::Use)?.receipts(&input)
    }

    fn logs(&mut self) -> Result<(), Refusal> {
        let input = std::mem::take(&mut self.input);
        self.answer = self.reading.as_ref().ok_or(Refusal::Use)?.logs(&input)?;
        Ok(())
    }
}

fn write_header(out: &mut Vec<u8>, header: &LightClientHeader) {
    let start = out.len();
    out.extend_from_slice(&header.beacon.slot.to_le_bytes());
    out.extend_from_slice(header.beacon.hash_tree_root().as_slice());
    if let Some(execution) = header.execution_payload_header() {
        out.extend_from_slice(&execution.block_number.to_le_bytes());
        out.extend_from_slice(execution.block_hash.as_slice());
        out.extend_from_slice(execution.state_root.as_slice());
        out.extend_from_slice(&execution.timestamp.to_le_bytes());
    } else if let Some(hash) = header.execution_block_hash() {
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(hash.as_slice());
    }
    out.resize(start.saturating_add(OUTPUT_BYTES / 2), 0);
}

fn status(result: Result<(), Refusal>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(refusal) => refusal as i32,
    }
}

#[allow(
    unsafe_code,
    reason = "exported by name: the host has no other way to call; nothing here dereferences"
)]
mod exports {
    use super::{CORE, MAX_INPUT_BYTES, Refusal, status};

    /// Makes room for `length` bytes of input and says where; null when that is too many. The place is the host's until
    /// the next call.
    #[unsafe(no_mangle)]
    pub extern "C" fn input(length: usize) -> *mut u8 {
        CORE.with_borrow_mut(|core| {
            if length > MAX_INPUT_BYTES {
                return std::ptr::null_mut();
            }
            core.input = vec![0; length];
            core.input.as_mut_ptr()
        })
    }

    /// Names another network: preset (0 mainnet, 1 minimal), genesis time (u64), slot in milliseconds (u64), genesis
    /// validators root, blob schedule (a count (u8), then epoch (u64) and most blobs (u64) of each), and for each fork
    /// from Phase0 on number, version (4 bytes) and epoch (u64).
    #[unsafe(no_mangle)]
    pub extern "C" fn network() -> i32 {
        CORE.with_borrow_mut(|core| status(core.network().ok_or(Refusal::Use)))
    }

    /// Starts from a trusted block root (32 bytes) and a compact bootstrap.
    #[unsafe(no_mangle)]
    pub extern "C" fn start() -> i32 {
        CORE.with_borrow_mut(|core| status(core.start()))
    }

    /// Applies a batch, with 32 random bytes in front. All of it or nothing.
    #[unsafe(no_mangle)]
    pub extern "C" fn apply(current_slot: u64) -> i32 {
        CORE.with_borrow_mut(|core| status(core.apply(current_slot)))
    }

    /// Proves an account and slots, see [`crate::reads::account`]; `at` is 0 finalized, 1 optimistic, 2 the block read.
    #[cfg(feature = "reads")]
    #[unsafe(no_mangle)]
    pub extern "C" fn account(at: i32) -> i32 {
        CORE.with_borrow_mut(|core| status(core.account(at)))
    }

    /// Reads a block from its RLP: the head's, or with `at` 2 the parent of the one read last.
    #[cfg(feature = "reads")]
    #[unsafe(no_mangle)]
    pub extern "C" fn block(at: i32) -> i32 {
        CORE.with_borrow_mut(|core| status(core.block(at)))
    }

    /// Takes all receipts of the block read.
    #[cfg(feature = "reads")]
    #[unsafe(no_mangle)]
    pub extern "C" fn receipts() -> i32 {
        CORE.with_borrow_mut(|core| status(core.receipts()))
    }

    /// Finds logs in the block read.
    #[cfg(feature = "reads")]
    #[unsafe(no_mangle)]
    pub extern "C" fn logs() -> i32 {
        CORE.with_borrow_mut(|core| status(core.logs()))
    }

    /// Where the answer of the last read is. It is there until the next one.
    #[cfg(feature = "reads")]
    #[unsafe(no_mangle)]
    pub extern "C" fn answer() -> *const u8 {
        CORE.with_borrow(|core| core.answer.as_ptr())
    }

    /// Bytes of that answer.
    #[cfg(feature = "reads")]
    #[unsafe(no_mangle)]
    pub extern "C" fn answer_length() -> usize {
        CORE.with_borrow(|core| core.answer.len())
    }

    /// Where [`super::OUTPUT_BYTES`] bytes of headers are; null before [`start`].
    #[unsafe(no_mangle)]
    pub extern "C" fn output() -> *const u8 {
        CORE.with_borrow(|core| {
            if core.output.is_empty() { std::ptr::null() } else { core.output.as_ptr() }
        })
    }
}

#[cfg(feature = "reads")]
pub use exports::{account, answer, answer_length, block, logs, receipts};
pub use exports::{apply, input, network, output, start};
