//! A beacon and who hears it, made of entropy that a block of the chain gives, with all that version 2 of the bundle
//! holds: session keys sign reports, a receiver signs when they came.

use anyhow::{Context as _, Result};
use heliotrope_checks::coverage_radio::{
    cell_distance, derive_payload, distance_m, expected_rssi_dbm,
};
use heliotrope_device_proofs::{
    bundle::{Entropy, EvidenceBundle, Received},
    protobuf::Message as _,
    provenance::{EntropySource, EvidenceBundleV2, Receipt},
    report::SignedReport as _,
    sha256,
    wire::{LoraBeaconReportReqV1, LoraStreamSessionInitV1, LoraWitnessReportReqV1},
};
use heliotrope_harness::fleet::{Gateway, GatewayKey, KeyType, Role, regions};

/// Witnesses of every beacon.
pub(crate) const WITNESSES: usize = 3;
/// When the network last heard of a device, before the beacon.
pub(crate) const SILENT_S: u64 = 600;
/// A device's counter of microseconds at that time.
pub(crate) const LAST_TMST: u32 = 1_000_000;

const ENTROPY_VERSION: u32 = 1;
/// How much weaker than free space allows a signal is, in tenths of a decibel.
const WEAKER_DDB: i32 = 100;
/// Fewest cells of resolution 11 between two gateways.
const MIN_CELLS: u32 = 8;

/// A gateway, and those of its city that can hear it.
pub(crate) struct Party<'a> {
    pub(crate) beaconer: &'a Gateway,
    pub(crate) witnesses: [&'a Gateway; WITNESSES],
}

/// What differs from one beacon to the next.
pub(crate) struct OnAir {
    pub(crate) source: EntropySource,
    pub(crate) local: [u8; 4],
    /// Who says when the reports came.
    pub(crate) receiver: GatewayKey,
}

/// The first gateway of the fleet with enough others around it.
pub(crate) fn party(gateways: &[Gateway]) -> Result<Party<'_>> {
    let honest = || gateways.iter().filter(|gateway| gateway.role == Role::Honest);
    let found = honest().find_map(|beaconer| {
        let hears = |other: &&Gateway| {
            let apart = cell_distance(beaconer.cell, other.cell);
            other.city == beaconer.city && apart.is_ok_and(|cells| cells >= MIN_CELLS)
        };
        let others: Vec<_> = honest().filter(hears).take(WITNESSES).collect();
        Some(Party { beaconer, witnesses: others.try_into().ok()? })
    });
    found.context("a gateway that others hear")
}

/// The key that a gateway signs reports with, once it has opened a session.
pub(crate) fn session_key(gateway: &Gateway) -> GatewayKey {
    GatewayKey::derive(KeyType::Ed25519, &[b"a session of", &gateway.device_id[..]].concat())
}

/// A gateway's word for a session key, signed with `signer`.
pub(crate) fn session(gateway: &Gateway, signer: &GatewayKey) -> Vec<u8> {
    let mut init = LoraStreamSessionInitV1 {
        pub_key: gateway.key.public().to_vec(),
        nonce: vec![9; 32],
        session_key: session_key(gateway).public().to_vec(),
        signature: Vec::new(),
    };
    init.signature = signer.sign(&init.signed_bytes());
    init.encode_to_vec()
}

impl Party<'_> {
    /// A beacon with all its witnesses. Beaconer and first witness have sessions, the others sign for themselves.
    pub(crate) fn evidence(&self, on_air: &OnAir) -> Result<EvidenceBundleV2> {
        let beacon = self.beacon(on_air)?;
        let at = |seconds: u64, ms: u64, report| Received {
            received_ms: (on_air.source.unix_s + seconds) * 1000 + ms,
            report,
        };
        let heard = |(place, witness): (usize, &&Gateway)| {
            let report = self.heard(&beacon, witness, place == 0).encode_to_vec();
            at(1, 200 + 100 * place as u64, report)
        };
        let mut bundle = EvidenceBundle {
            entropy: Entropy {
                data: beacon.remote_entropy.clone(),
                timestamp_s: on_air.source.unix_s,
                version: ENTROPY_VERSION,
            },
            beacon: at(1, 0, beacon.encode_to_vec()),
            witnesses: self.witnesses.iter().enumerate().map(heard).collect(),
        };
        bundle.sort_witnesses();
        let mut sessions = [self.beaconer, self.witnesses[0]]
            .map(|gateway| session(gateway, &gateway.key))
            .to_vec();
        sessions.sort_unstable();
        let reports = std::iter::once(&bundle.beacon).chain(&bundle.witnesses);
        let mut receipts: Vec<_> = reports.map(|received| on_air.receipt(received)).collect();
        receipts.sort_by_key(|receipt| (receipt.received_ms, receipt.digest));
        Ok(EvidenceBundleV2 { bundle, sessions, receipts, entropy_source: Some(on_air.source) })
    }

    fn beacon(&self, on_air: &OnAir) -> Result<LoraBeaconReportReqV1> {
        let (source, local) = (on_air.source, on_air.local);
        let remote = source.entropy().context("a time that fits")?;
        let mut regions = regions().into_iter();
        let (_, region) =
            regions.find(|(number, _)| *number == self.beaconer.region).context("a region")?;
        let derived = derive_payload(&remote, source.unix_s, &local, ENTROPY_VERSION, &region)?;
        let mut channels = region.region_params.iter();
        let channel = channels.position(|c| c.channel_frequency == derived.frequency_hz);
        let channel = channel.context("a channel of the region")?;
        let max_eirp_ddbm = region.region_params[channel].max_eirp as i32;
        let mut beacon = LoraBeaconReportReqV1 {
            pub_key: self.beaconer.key.public().to_vec(),
            local_entropy: local.to_vec(),
            remote_entropy: remote.to_vec(),
            data: derived.data.to_vec(),
            frequency: derived.frequency_hz,
            channel: channel as i32,
            datarate: derived.data_rate,
            tx_power: (max_eirp_ddbm - i32::from(self.beaconer.gain_ddbi)) / 10,
            timestamp: source.unix_s * 1_000_000_000,
            signature: Vec::new(),
            tmst: counter(),
        };
        beacon.signature = session_key(self.beaconer).sign(&beacon.signed_bytes());
        Ok(beacon)
    }

    fn heard(
        &self,
        beacon: &LoraBeaconReportReqV1,
        witness: &Gateway,
        has_session: bool,
    ) -> LoraWitnessReportReqV1 {
        let free_space_dbm = expected_rssi_dbm(
            beacon.tx_power,
            self.beaconer.gain_ddbi.into(),
            witness.gain_ddbi.into(),
            distance_m(self.beaconer.cell, witness.cell).unwrap_or(1).max(1),
            beacon.frequency,
        );
        let mut report = LoraWitnessReportReqV1 {
            pub_key: witness.key.public().to_vec(),
            data: beacon.data.clone(),
            timestamp: beacon.timestamp,
            tmst: counter(),
            signal: (free_space_dbm * 10.0) as i32 - WEAKER_DDB,
            snr: 50,
            frequency: beacon.frequency,
            datarate: beacon.datarate,
            signature: Vec::new(),
        };
        let signer = if has_session { session_key(witness) } else { witness.key.clone() };
        report.signature = signer.sign(&report.signed_bytes());
        report
    }
}

/// The counter of every device a second after the entropy was made: it has gone on since the network heard of it.
const fn counter() -> u32 {
    LAST_TMST + (SILENT_S as u32 + 1) * 1_000_000
}

impl OnAir {
    fn receipt(&self, received: &Received) -> Receipt {
        let mut receipt = Receipt {
            digest: sha256(&received.report),
            received_ms: received.received_ms,
            receiver_key: self.receiver.public().to_vec(),
            signature: Vec::new(),
        };
        receipt.signature = self.receiver.sign(&receipt.signed_bytes());
        receipt
    }
}
