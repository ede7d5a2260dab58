//! From receipts to evidence bundles: a beacon, the witnesses that heard its payload, the entropy; and what came as a
//! bundle already.

use std::collections::BTreeMap;

use h3o::CellIndex;
use heliotrope_device_proofs::{
    Bytes32,
    bundle::{Entropy, EvidenceBundle, Received},
    epoch::NO_AREA,
    evidence::Ground,
    h3,
    protobuf::Message as _,
    registry,
    report::{decode_beacon, decode_witness},
    wire::EntropyReportV1,
};

use crate::{
    handed_in::HandedIn,
    receipt_log::{Kind, Receipt},
};

/// A bundle, and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Gathered {
    /// The evidence bundle, encoded.
    pub(crate) bundle: Vec<u8>,
    /// When it, or its beacon, came, Unix milliseconds.
    pub(crate) received_ms: u64,
    /// What decides its lane.
    pub(crate) ground: Ground,
    /// The device that earns by it.
    pub(crate) earns: Option<Bytes32>,
}

/// What an epoch's receipts come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathering {
    pub(crate) bundles: Vec<Gathered>,
    /// Witness reports of payloads that no beacon report claims.
    pub(crate) orphans: usize,
    /// Beacons whose entropy was never received; they cannot be judged.
    pub(crate) without_entropy: usize,
}

/// Groups receipts by payload. Witnesses beyond a bundle's limit are the latest and are left out.
pub(crate) fn gather(receipts: Vec<Receipt>) -> Gathering {
    let mut entropies: BTreeMap<Vec<u8>, Entropy> = BTreeMap::new();
    let (mut beacons, mut whole) = (Vec::new(), Vec::new());
    let mut witnesses: BTreeMap<Vec<u8>, Vec<Received>> = BTreeMap::new();
    for Receipt { kind, received_ms, report } in receipts {
        match kind {
            Kind::Entropy => {
                if let Ok(entropy) = EntropyReportV1::decode(report.as_slice()) {
                    entropies.entry(entropy.data.clone()).or_insert(Entropy {
                        data: entropy.data,
                        timestamp_s: entropy.timestamp,
                        version: entropy.version,
                    });
                }
            }
            Kind::Evidence => {
                // it was authenticated at the door
                if let Ok(HandedIn { bundle, ground, earns, .. }) = HandedIn::known(&report) {
                    whole.push(Gathered { bundle, received_ms, ground, earns });
                }
            }
            Kind::Beacon => beacons.push(Received { received_ms, report }),
            Kind::Witness => {
                if let Ok(witness) = decode_witness(&report) {
                    let heard = witnesses.entry(witness.data).or_default();
                    heard.push(Received { received_ms, report });
                }
            }
        }
    }
    let mut gathering = bundle_up(&entropies, beacons, witnesses);
    gathering.bundles.extend(whole);
    gathering
}

fn bundle_up(
    entropies: &BTreeMap<Vec<u8>, Entropy>,
    beacons: Vec<Received>,
    mut witnesses: BTreeMap<Vec<u8>, Vec<Received>>,
) -> Gathering {
    let mut gathering = Gathering::default();
    for beacon in beacons {
        let Ok(report) = decode_beacon(&beacon.report) else { continue };
        let Some(entropy) = entropies.get(&report.remote_entropy) else {
            gathering.without_entropy = gathering.without_entropy.saturating_add(1);
            continue;
        };
        let heard = witnesses.remove(&report.data).unwrap_or_default();
        let mut bundle = EvidenceBundle { entropy: entropy.clone(), beacon, witnesses: heard };
        bundle.sort_witnesses();
        bundle.witnesses.truncate(heliotrope_device_proofs::bundle::MAX_WITNESSES);
        let beaconer = registry::device_id(&report.pub_key);
        gathering.bundles.push(Gathered {
            received_ms: bundle.beacon.received_ms,
            ground: Ground::Device(beaconer),
            earns: Some(beaconer),
            bundle: bundle.encode(),
        });
    }
    gathering.orphans = witnesses.values().map(Vec::len).sum();
    gathering
}

/// Lane and area of a bundle; `cell_of` says where a device is registered. `None` where it is not, or at a place that
/// there is not.
///
/// SECURITY: the registry takes any number of resolution 12 for a place. One of a base cell that there is not has a lane
/// that the ledger refuses, and with it went the whole epoch, for ever; any other that is no cell of H3 breaks R2, and
/// what is on no map is found in no file of a lane that has one.
pub(crate) fn place(
    ground: &Ground,
    cell_of: impl Fn(&Bytes32) -> Option<u64>,
) -> Option<(u32, u64)> {
    let (cell, resolution) = match ground {
        Ground::Nowhere(_) => return Some((ground.lane()?, NO_AREA)),
        Ground::Cell(cell) => (*cell, h3::MAP_RESOLUTION),
        Ground::Device(id) => (cell_of(id)?, h3::ASSERTED_RESOLUTION),
    };
    is_cell(cell, resolution).then_some((h3::lane(cell), h3::parent(cell, h3::SHARD_RESOLUTION)?))
}

/// Whether it is an H3 cell of a resolution.
pub(crate) fn is_cell(cell: u64, resolution: u8) -> bool {
    CellIndex::try_from(cell).is_ok_and(|cell| u8::from(cell.resolution()) == resolution)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: Ground = Ground::Device([1; 32]);
    const CELL: u64 = 0x08c2_8308_2803_61ff;

    fn place_of(cell: u64) -> Option<(u32, u64)> {
        place(&DEVICE, |_| Some(cell))
    }

    #[test]
    fn what_is_at_no_cell_has_no_lane() {
        assert_eq!(place_of(CELL), Some((20, 0x0842_8309_ffff_ffff)));
        assert_eq!(place(&DEVICE, |_| None), None);
        // base cells 122 to 127, and a digit that is none
        let of_base = |base: u64| CELL & !(0x7f << 45) | base << 45;
        assert_eq!(place_of(of_base(121)).map(|(lane, _)| lane), Some(121));
        assert!((122..128).all(|base| place_of(of_base(base)).is_none()));
        assert_eq!(place_of(CELL | 7 << 9), None);
    }

    #[test]
    fn a_device_is_at_resolution_12_and_an_area_at_that_of_the_map() {
        let area = h3::parent(CELL, h3::MAP_RESOLUTION).unwrap();
        let none = |_: &Bytes32| None;
        assert_eq!(place(&Ground::Cell(area), none), place_of(CELL));
        assert_eq!((place(&Ground::Cell(CELL), none), place_of(area)), (None, None));
    }
}
