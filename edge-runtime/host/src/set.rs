//! Modules that are loaded, by hash: whoever began with one finishes with it, whatever is pinned since.

use crate::{CheckModule, Host, HostError};
use std::sync::{Mutex, PoisonError};

/// Loaded modules, the last used first.
#[derive(Debug)]
pub struct ModuleSet {
    host: Host,
    most: usize,
    loaded: Mutex<Vec<CheckModule>>,
}

impl ModuleSet {
    /// A set that keeps the `most` modules used last. One that it lets go lives on with its holders.
    #[must_use]
    pub const fn new(host: Host, most: usize) -> Self {
        Self { host, most, loaded: Mutex::new(Vec::new()) }
    }

    /// The host that the modules run in.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The module of this hash. `bytes` fetches it, if it is not loaded.
    ///
    /// # Errors
    /// What `bytes` says, or why [`Host::load`] does not take the bytes.
    pub fn get<E: From<HostError>>(
        &self,
        hash: &[u8; 32],
        bytes: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<CheckModule, E> {
        if let Some(module) = self.touch(hash) {
            return Ok(module);
        }
        let module = self.host.load(&bytes()?, hash)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|other| other.hash() != hash);
        loaded.insert(0, module.clone());
        loaded.truncate(self.most);
        Ok(module)
    }

    fn touch(&self, hash: &[u8; 32]) -> Option<CheckModule> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let at = loaded.iter().position(|module| module.hash() == hash)?;
        let module = loaded.remove(at);
        loaded.insert(0, module.clone());
        Some(module)
    }
}
