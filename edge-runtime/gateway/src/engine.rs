//! The check host for single commands: the gateway itself keeps one for all epochs, see `run`.

use alloy_primitives::B256;
use heliotrope_host::{CheckModule, Compiler, CompilerProcess, Host, HostConfig, HostError};
use heliotrope_light_client::proof_chain::{self, NoAnswer};

/// A host that compiles in a process of its own and keeps nothing.
pub(crate) fn host() -> Result<Host, HostError> {
    let compiler = Compiler::Process(CompilerProcess::this_program()?);
    Host::new(HostConfig { compiler, ..HostConfig::default() })
}

/// A pinned module in wasmtime, as the proof chain runs it.
pub(crate) struct Module(pub(crate) CheckModule);

impl Module {
    pub(crate) fn load(host: &Host, wasm: &[u8], pin: &B256) -> Result<Self, HostError> {
        host.load(wasm, &pin.0).map(Self)
    }
}

impl proof_chain::CheckModule for Module {
    fn plan(&self, evidence: &[u8], params: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        Ok(self.0.plan(evidence, params).map_err(|error| no_answer(&error))?.encode())
    }

    fn check(&self, input: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        self.0.check(input).map_err(|error| no_answer(&error))
    }
}

fn no_answer(error: &HostError) -> NoAnswer {
    match error {
        HostError::Refused => NoAnswer::Refused,
        other => NoAnswer::Host(other.to_string()),
    }
}
