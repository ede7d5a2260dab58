//! Links 1, 2 and 3 of one evidence bundle, each judged by itself.
//!
//! All three are always looked at, and the first broken one in the order of the chain is named: a
//! flipped bit in a signature also changes the bundle's hash, but what is wrong is the signature.

use heliotrope_device_proofs::{
    abi::CheckOutput,
    epoch::{EvidenceLeaf, LaneManifest},
    evidence,
};
use heliotrope_light_client::proof_chain::{self, Anchor, NoAnswer, Pin, Unproven, judge_again};

use crate::{
    module::{CheckModule, ModuleError},
    platform::clock_ms,
    protocol::LinkName,
    report::{Broken, Halt},
    versions::profile_name,
};

/// The pinned module with its parameters, both compared with the pin.
#[derive(Debug)]
pub(crate) struct Judge {
    /// The pin.
    pub(crate) pin: Pin,
    /// The module.
    pub(crate) module: CheckModule,
    /// The parameters' bytes.
    pub(crate) params: Vec<u8>,
    /// The module's bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Judge {
    /// The parameters in a sentence.
    pub(crate) fn parameters(&self) -> String {
        let profile = profile_name(&self.params);
        let named = if profile.is_empty() { String::new() } else { format!(", profile {profile}") };
        format!("its parameters are the pinned {}{named}", self.pin.params_hash)
    }
}

/// What a leaf came to.
#[derive(Debug)]
pub(crate) struct LeafProof {
    /// Link 1; how many messages devices signed.
    pub(crate) device: Result<usize, Broken>,
    /// Link 2; the committed output, which the module gave again.
    pub(crate) check: Result<CheckOutput, Broken>,
    /// Link 3.
    pub(crate) commitment: Result<(), Broken>,
    /// Milliseconds of each.
    pub(crate) ms: [f64; 3],
}

impl LeafProof {
    /// The first broken link in the order of the chain.
    pub(crate) fn broken(&self) -> Option<&Broken> {
        self.device
            .as_ref()
            .err()
            .or_else(|| self.check.as_ref().err())
            .or_else(|| self.commitment.as_ref().err())
    }
}

/// Looks at one leaf.
///
/// # Errors
/// If the module gives no verdict in this browser: then nothing can be said of the leaf.
pub(crate) fn prove(
    leaf: &EvidenceLeaf,
    lane: &LaneManifest,
    anchor: &mut Anchor,
    judge: &Judge,
) -> Result<LeafProof, Halt> {
    let begin = clock_ms();
    let device = device(leaf);
    let after_device = clock_ms();
    let check = match judge_again(leaf, anchor, &judge.pin, &judge.params, &judge.module) {
        Ok(output) => Ok(output),
        Err(Unproven::Broken(what)) => Err(Broken::new(LinkName::Check, what)),
        Err(Unproven::NoVerdict(why)) => return Err(Halt::no_verdict(&why)),
    };
    let after_check = clock_ms();
    let commitment = committed(leaf, lane);
    let ms = [after_device - begin, after_check - after_device, clock_ms() - after_check];
    Ok(LeafProof { device, check, commitment, ms })
}

/// Link 3 of a leaf.
pub(crate) fn committed(leaf: &EvidenceLeaf, lane: &LaneManifest) -> Result<(), Broken> {
    leaf.verify(lane).map_err(|error| {
        Broken::new(
            LinkName::Commitment,
            format!("leaf {} of lane {}: {error}", leaf.index, lane.lane),
        )
    })
}

/// Link 1 of a leaf; how many messages devices signed.
pub(crate) fn device(leaf: &EvidenceLeaf) -> Result<usize, Broken> {
    evidence::authenticate(&leaf.bundle).map_err(|error| {
        Broken::new(LinkName::Device, format!("evidence leaf {}: {error}", leaf.index))
    })
}

impl proof_chain::CheckModule for CheckModule {
    fn plan(&self, evidence: &[u8], params: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        self.plan(evidence, params).map_err(|error| no_answer(&error))
    }

    fn check(&self, input: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        self.check(input).map_err(|error| no_answer(&error))
    }
}

fn no_answer(error: &ModuleError) -> NoAnswer {
    match error {
        ModuleError::Refused => NoAnswer::Refused,
        other => NoAnswer::Host(other.to_string()),
    }
}

/// Names of the network's reason numbers, from 0.
const REASONS: [&str; 25] = [
    "",
    "bad_signature",
    "not_asserted",
    "entropy_expired",
    "bad_entropy",
    "invalid_capability",
    "invalid_pubkey",
    "irregular_interval",
    "gateway_not_found",
    "denied",
    "invalid_packet",
    "bad_rssi",
    "invalid_region",
    "max_distance_exceeded",
    "invalid_frequency",
    "self_witness",
    "stale",
    "scaling_factor_not_found",
    "unknown_error",
    "below_min_distance",
    "duplicate",
    "denied_edge",
    "too_late",
    "gateway_no_valid_beacons",
    "gateway_no_valid_witnesses",
];

/// The network's name of a reason number; empty when it has none.
pub(crate) fn reason_name(code: u16) -> &'static str {
    REASONS.get(usize::from(code)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use heliotrope_device_proofs::wire::InvalidReason;

    use super::*;

    #[test]
    fn reasons_keep_the_networks_numbers() {
        assert_eq!(reason_name(InvalidReason::SelfWitness.code()), "self_witness");
        assert_eq!(reason_name(InvalidReason::TooLate.code()), "too_late");
        assert_eq!(
            reason_name(InvalidReason::GatewayNoValidWitnesses.code()),
            "gateway_no_valid_witnesses"
        );
        assert_eq!(reason_name(999), "");
    }
}
