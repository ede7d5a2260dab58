//! Which check judges: proven from `CheckRegistry`, then loaded by hash. Other bytes never run.

use std::path::{Path, PathBuf};

use alloy_primitives::{B256, U256};
use anyhow::{Context as _, Result, bail, ensure};
use heliotrope_contracts::{Version, check_count_slot, check_version_slots};
use heliotrope_device_proofs::sha256;
use heliotrope_host::{CheckModule, ModuleSet, Origin};
use heliotrope_light_client::execution::ProvenBlock;

use crate::chain::Chain;

/// A version of a check, proven at a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Pin {
    /// Its number in the registry.
    pub(crate) number: u64,
    /// What the registry says.
    pub(crate) version: Version,
}

/// A pinned check that is ready to run.
#[derive(Debug)]
pub(crate) struct PinnedCheck {
    pub(crate) pin: Pin,
    pub(crate) module: CheckModule,
    pub(crate) params: Vec<u8>,
}

/// Slots that prove which version is active: the count, then every version from the newest down to
/// the first that was active. A reader needs just these.
#[derive(Clone, Debug, Default)]
pub(crate) struct PinProof {
    pub(crate) slots: Vec<B256>,
    pub(crate) nodes: Vec<Vec<u8>>,
}

/// Proves which version of the network's check was active at `block`.
pub(crate) async fn prove_pin(chain: &Chain, block: &ProvenBlock) -> Result<(Pin, PinProof)> {
    let (check_id, registry) = (chain.deployed.check_id, chain.deployed.contracts.check_registry);
    let mut proof = PinProof::default();
    let count_slot = check_count_slot(check_id);
    let count = chain.prove(block, registry, &[count_slot]).await?;
    proof.extend(&[count_slot], count.nodes);
    let count = count.values.first().copied().unwrap_or(U256::ZERO);
    let mut number = u64::try_from(count).context("count of versions")?;
    while number > 0 {
        let slots = check_version_slots(check_id, number);
        let proven = chain.prove(block, registry, &slots).await?;
        proof.extend(&slots, proven.nodes);
        let words: [U256; 3] =
            proven.values.try_into().map_err(|_| anyhow::anyhow!("expected 3 words"))?;
        let version = Version::from_words(words);
        if version.active_from_s <= block.timestamp {
            return Ok((Pin { number, version }, proof));
        }
        number = number.saturating_sub(1);
    }
    bail!(
        "no version of check {check_id} is active at block {} (time {}); pin one in {registry}",
        block.number,
        block.timestamp
    )
}

impl PinProof {
    fn extend(&mut self, slots: &[B256], nodes: Vec<Vec<u8>>) {
        self.slots.extend_from_slice(slots);
        for node in nodes {
            if !self.nodes.contains(&node) {
                self.nodes.push(node);
            }
        }
    }
}

/// Loads the pinned bytes from the content-addressed folder. Whoever holds the check finishes with it,
/// also when the registry pins another meanwhile.
pub(crate) fn load(modules: &ModuleSet, folder: &Path, pin: Pin) -> Result<PinnedCheck> {
    let hash = pin.version.module_hash;
    let module = modules.get(&hash.0, || read_pinned(&module_path(folder, hash)))?;
    match module.origin() {
        Origin::Unkept { reason } => {
            tracing::warn!(%hash, reason, "the compiled check module is not kept");
        }
        origin => tracing::debug!(%hash, ?origin, "check module"),
    }
    let path = params_path(folder, pin.version.params_hash);
    let params = read_pinned(&path)?;
    let (got, expected) = (B256::from(sha256(&params)), pin.version.params_hash);
    ensure!(got == expected, "{}: sha256 is {got}, the pin says {expected}", path.display());
    Ok(PinnedCheck { pin, module, params })
}

fn read_pinned(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| {
        format!("{}: the chain pins these bytes; fetch them from any mirror", path.display())
    })
}

/// Where a module's bytes are kept.
pub(crate) fn module_path(folder: &Path, hash: B256) -> PathBuf {
    folder.join(format!("{}.wasm", hex::encode(hash)))
}

/// Where parameters are kept.
pub(crate) fn params_path(folder: &Path, hash: B256) -> PathBuf {
    folder.join(format!("{}.params", hex::encode(hash)))
}
