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
//! What goes in is described in [`heliotrope_verifier::chains::ethereum::compact`]. Refusals are numbers, see
//! [`Refusal`]: the words are worth more bytes than the rules, and the host has them.
//!
//! Trusts: the root that the host names, its clock and its randomness. Mainnet, unless [`network`] names another.

use std::cell::RefCell;

use heliotrope_verifier::{
    chains::ethereum::{
        ChainSpec, Fork, ForkActivation, LightClientHeader, Preset,
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
}

#[derive(Default)]
struct Core {
    input: Vec<u8>,
    output: Vec<u8>,
    spec: Option<ChainSpec>,
    store: Option<CompactStore>,
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
        let blobs = Vec::new();
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
    /// validators root, and for each fork from Phase0 on number, version (4 bytes) and epoch (u64).
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

    /// Where [`super::OUTPUT_BYTES`] bytes of headers are; null before [`start`].
    #[unsafe(no_mangle)]
    pub extern "C" fn output() -> *const u8 {
        CORE.with_borrow(|core| {
            if core.output.is_empty() { std::ptr::null() } else { core.output.as_ptr() }
        })
    }
}

pub use exports::{apply, input, network, output, start};
