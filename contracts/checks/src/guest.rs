//! The guest side of check ABI v1.
//!
//! ```text
//!  host                          module
//!  hc_alloc(len)            ──►  keeps a buffer, gives its address
//!  writes input there
//!  hc_check(ptr, len)       ──►  takes the buffer back, judges
//!                           ◄──  ptr << 32 | len of the output; 0 = input refused
//! ```
//! The module takes back only buffers that it gave out itself, so no address from the host is ever
//! turned into a slice. A trap is no verdict.

use std::sync::Mutex;

/// Largest buffer given out, in bytes.
pub const MAX_BUFFER_LEN: u32 = 1 << 20;

/// Buffers that the host has not handed back. A call takes two at most, so the list is searched through.
static BUFFERS: Mutex<Vec<(u32, Vec<u8>)>> = Mutex::new(Vec::new());

fn address(buffer: &[u8]) -> u32 {
    u32::try_from(buffer.as_ptr().addr()).unwrap_or_default()
}

/// Gives out a zeroed buffer of `len` bytes; 0 if that is too much.
pub fn alloc(len: u32) -> u32 {
    let (Ok(size), Ok(mut buffers)) = (usize::try_from(len), BUFFERS.lock()) else {
        return 0;
    };
    if len > MAX_BUFFER_LEN {
        return 0;
    }
    // one byte at least: an empty vector has no address of its own
    let buffer = vec![0; size.max(1)];
    let ptr = address(&buffer);
    buffers.push((ptr, buffer));
    ptr
}

/// Takes back a buffer, with what the host wrote into it.
pub fn take(ptr: u32, len: u32) -> Option<Vec<u8>> {
    let mut buffers = BUFFERS.lock().ok()?;
    let place = buffers.iter().position(|(at, _)| *at == ptr)?;
    let (_, mut buffer) = buffers.swap_remove(place);
    let len = usize::try_from(len).ok()?;
    if buffer.len() < len {
        return None;
    }
    buffer.truncate(len);
    Some(buffer)
}

/// Hands bytes to the host, for the life of the instance.
pub fn give(bytes: Option<Vec<u8>>) -> i64 {
    let Some((bytes, len)) = bytes.and_then(|b| u32::try_from(b.len()).ok().map(|len| (b, len)))
    else {
        return 0;
    };
    let ptr = address(bytes.leak());
    i64::from_be_bytes(((u64::from(ptr) << 32) | u64::from(len)).to_be_bytes())
}

/// Prints the rules of a check: number, reason, name.
///
/// # Errors
/// If standard output is closed.
#[cfg(not(target_arch = "wasm32"))]
pub fn print_rules(
    description: &heliotrope_device_proofs::abi::Description,
) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} {}", description.name, description.version)?;
    for rule in &description.rules {
        writeln!(out, "{:>5}  reason {:>2}  {}", rule.rule_id, rule.reason, rule.name)?;
    }
    Ok(())
}

/// Exports a check under ABI v1: `export_check!(storage_pdp)`. Natively it is a program that prints the rules.
///
/// The check has `describe() -> Description`, `plan(evidence: &[u8], params: &[u8]) -> Result<Plan, _>` and
/// `check(input: &[u8]) -> Result<CheckOutput, _>`; an error refuses.
#[macro_export]
macro_rules! export_check {
    ($check:ident) => {
        #[cfg(not(target_arch = "wasm32"))]
        fn main() -> std::io::Result<()> {
            $crate::guest::print_rules(&$crate::$check::describe())
        }

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "exported symbols have fixed names")]
        const _: () = {
            use $crate::guest::{give, take};
            use $crate::$check::{check, describe, plan};

            #[unsafe(no_mangle)]
            extern "C" fn hc_abi_v1() -> i32 {
                1
            }

            #[unsafe(no_mangle)]
            extern "C" fn hc_alloc(len: u32) -> u32 {
                $crate::guest::alloc(len)
            }

            #[unsafe(no_mangle)]
            extern "C" fn hc_describe() -> i64 {
                give(Some(describe().encode()))
            }

            #[unsafe(no_mangle)]
            extern "C" fn hc_plan(evidence: u32, len: u32, params: u32, params_len: u32) -> i64 {
                let input = take(evidence, len).zip(take(params, params_len));
                give(
                    input.and_then(|(evidence, params)| {
                        Some(plan(&evidence, &params).ok()?.encode())
                    }),
                )
            }

            #[unsafe(no_mangle)]
            extern "C" fn hc_check(input: u32, len: u32) -> i64 {
                give(take(input, len).and_then(|input| {
                    let output = check(&input).ok()?;
                    // where the input was: it is no longer needed, and memory that is there costs nothing
                    Some(output.encode_into(input))
                }))
            }
        };
    };
}
