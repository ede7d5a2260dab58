//! From bytes to machine code: the one unsafe call of the host.

use wasmtime::{Engine, Module};

/// Compiled code that is ours: just made by our compiler, or read back and found to carry our MAC.
///
/// Holding it proves where the bytes came from; only [`crate::cache`] and [`crate::host`] make one.
#[derive(Debug)]
pub(crate) struct OwnCode(Vec<u8>);

impl OwnCode {
    /// For the caller to vouch for the bytes.
    pub(crate) const fn vouch(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Makes a module of the code. The engine checks that its own version and settings made it.
    ///
    /// SECURITY: of 400 compiled modules with one bit flipped, 9 crashed the process and 3 gave a
    /// wrong result without a word; the engine's own checks stopped 2. So nothing is loaded by path,
    /// and nothing read from a disk is loaded before its MAC was checked, over these very bytes.
    #[expect(
        unsafe_code,
        reason = "the engine cannot tell whether machine code is its own; the MAC can"
    )]
    pub(crate) fn load(&self, engine: &Engine) -> wasmtime::Result<Module> {
        // SAFETY: the bytes are what our compiler put out: `OwnCode` says so, and they are loaded from
        // the buffer that was checked, not from a file that could have changed since.
        unsafe { Module::deserialize(engine, &self.0) }
    }
}
