//! What every check of a radio asks first: the device's entry in the registry, and what stands there.
//!
//! The word is a proven fact or missing; what it says was asserted by the device's owner.

use crate::facts::Facts;
use crate::judge::Finding;
use heliotrope_device_proofs::h3;
use heliotrope_device_proofs::registry::{self, Radio, STATUS_ACTIVE};

/// The radio word of the device with this key; `None` if no fact says it.
pub(crate) fn radio(facts: &mut Facts<'_>, public_key: &[u8]) -> Option<Radio> {
    let slot = registry::radio_slot(&registry::device_id(public_key));
    facts.word(&slot).map(|word| Radio::from_word(&word))
}

/// The registry has the device, and it takes part.
///
/// A zero word is a proof that the device is unknown; a missing fact proves nothing.
pub(crate) fn is_known(radio: Option<Radio>) -> Finding {
    let Some(radio) = radio else {
        return Finding::missing();
    };
    Finding::holds_if(radio.status == STATUS_ACTIVE, radio.status, STATUS_ACTIVE)
}

/// The owner asserted a cell of resolution 12.
pub(crate) fn has_asserted(radio: Option<Radio>) -> Finding {
    let Some(radio) = radio else {
        return Finding::missing();
    };
    let resolution = h3::resolution(radio.cell);
    let is_cell = h3o::CellIndex::try_from(radio.cell).is_ok();
    let holds = is_cell && resolution == h3::ASSERTED_RESOLUTION;
    Finding::holds_if(holds, resolution, h3::ASSERTED_RESOLUTION)
}
