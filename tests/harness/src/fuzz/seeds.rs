//! Real data to begin with. Each target takes a leading byte or two that say what follows; a check takes its own input.

use std::{fs, path::Path};

use anyhow::Result;
use heliotrope_device_proofs::{
    abi::CheckInput, bundle::EvidenceBundle, evidence::Evidence, protobuf::Message as _,
    provenance::EvidenceBundleV2, submission::Submission, wire::mobile::CellHeartbeatReqV1,
};

use super::served;
use crate::{
    bench_host,
    command::{vectors, workspace_root},
    conformance::{self, Vector},
};

/// An input of a target: its name and its bytes.
pub(super) type Seed = (String, Vec<u8>);

/// Writes the seeds of a target into its corpus.
pub(super) fn plant(target: &str, corpus: &Path) -> Result<()> {
    for (name, bytes) in seeds(target)? {
        fs::write(corpus.join(format!("seed-{name}")), bytes)?;
    }
    Ok(())
}

fn seeds(target: &str) -> Result<Vec<Seed>> {
    if let Some(check) = target.strip_prefix("check_") {
        let inputs = of_check(&check.replace('_', "-"))?;
        return Ok(inputs.into_iter().map(|vector| (vector.name, vector.input)).collect());
    }
    match target {
        "module_gate" => Ok(vec![("module".to_owned(), bench_host::ready_output()?.0)]),
        "bundles" => bundles(),
        "evidence" => evidence(),
        "module_output" => module_output(),
        "storage" => storage(),
        "reports" => reports(),
        "served" => served::served(),
        "core_reads" => served::core_reads(),
        _ => Ok(recorded(target)),
    }
}

fn of_check(check: &str) -> Result<Vec<Vector>> {
    conformance::vectors_of(&workspace_root().join("contracts/checks/vectors").join(check))
}

/// Inputs of a check's committed vectors, those that are whole.
pub(super) fn inputs(check: &str) -> Result<Vec<(Vector, CheckInput)>> {
    let whole = |vector: Vector| {
        let input = CheckInput::decode(&vector.input).ok()?;
        Some((vector, input))
    };
    Ok(of_check(check)?.into_iter().filter_map(whole).collect())
}

/// What begins with its kind.
pub(super) fn seed(name: impl Into<String>, kind: u8, bytes: &[u8]) -> Seed {
    (name.into(), [&[kind], bytes].concat())
}

fn bundles() -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for (check, kind_of_params) in [
        ("coverage-radio", None),
        ("storage-pdp", None),
        ("storage-commp", None),
        ("data-transfer", Some(2)),
        ("coverage-map", Some(3)),
    ] {
        for (vector, input) in inputs(check)? {
            let name = format!("{check}-{}", vector.name);
            if let Ok(Evidence::CoverageMap(map)) = Evidence::decode(&input.evidence) {
                seeds.push(seed(format!("{name}-oracle"), 1, &map.oracle));
            }
            if let Some(kind) = kind_of_params {
                seeds.push(seed(format!("{name}-params"), kind, &input.params));
            }
            seeds.push(seed(name, 0, &input.evidence));
        }
    }
    Ok(seeds)
}

/// Radio evidence of either version, and what it is served in.
fn evidence() -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for (vector, input) in inputs("coverage-radio")? {
        let kind = if EvidenceBundle::decode(&input.evidence).is_ok() { 0 } else { 5 };
        seeds.push(seed(vector.name, kind, &input.evidence));
    }
    for (name, bytes) in served::served()? {
        let kind = match name.as_str() {
            "evidence" => 1,
            "manifest" => 2,
            _ => continue,
        };
        seeds.push(seed(name, kind, bytes.get(1..).unwrap_or_default()));
    }
    Ok(seeds)
}

/// What the checks take and say.
fn module_output() -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for check in ["coverage-radio", "storage-pdp", "storage-commp", "data-transfer"] {
        for (vector, input) in inputs(check)? {
            let name = format!("{check}-{}", vector.name);
            if let Some(fact) = input.facts.first() {
                seeds.push(seed(format!("{name}-fact"), 0, &fact.encode()));
            }
            if let Some(output) = &vector.output {
                seeds.push(seed(format!("{name}-output"), 4, output));
            }
            if check == "coverage-radio" {
                seeds.push(seed(format!("{name}-params"), 6, &input.params));
            }
            seeds.push(seed(name, 3, &vector.input));
        }
    }
    Ok(seeds)
}

/// Proofs of possession with their calldata, pieces with their names, and one that is handed in.
fn storage() -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for check in ["storage-pdp", "storage-commp"] {
        for (Vector { name, .. }, input) in inputs(check)? {
            let of = |part: &str, kind, bytes: &[u8]| seed(format!("{name}-{part}"), kind, bytes);
            match Evidence::decode(&input.evidence) {
                Ok(Evidence::Possession(proof)) => seeds.extend([
                    of("proof", 0, &input.evidence),
                    of("params", 1, &input.params),
                    of("calldata", 6, &proof.calldata),
                ]),
                Ok(Evidence::Commp(sample)) => seeds.extend([
                    of("sample", 2, &input.evidence),
                    of("params", 3, &input.params),
                    of("cid", 5, &sample.piece_cid),
                ]),
                _ => {}
            }
        }
    }
    let first = seeds.first().and_then(|(_, bytes)| bytes.get(1..));
    let submission = Submission {
        evidence: first.unwrap_or_default().to_vec(),
        public_key: vec![1; 33],
        signature: vec![2; 64],
    };
    seeds.push(seed("submission", 4, &submission.encode()));
    Ok(seeds)
}

/// Messages of the devices in the checks' vectors, and one that no check takes.
fn reports() -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for check in ["coverage-radio", "data-transfer", "coverage-map"] {
        for (vector, input) in inputs(check)? {
            let Ok(evidence) = Evidence::decode(&input.evidence) else { continue };
            for (number, (kind, message)) in messages(&evidence).into_iter().enumerate() {
                seeds.push(seed(format!("{}-{number}", vector.name), kind, message));
            }
        }
    }
    let cell = CellHeartbeatReqV1 {
        pub_key: vec![1; 33],
        hotspot_type: "outdoor".to_owned(),
        cell_id: 7,
        timestamp: 1_700_000_000,
        operation_mode: true,
        cbsd_category: "A".to_owned(),
        cbsd_id: "2AG32PBS3101S1202000464223GY0153".to_owned(),
        signature: vec![2; 64],
        coverage_object: vec![3; 16],
        ..CellHeartbeatReqV1::default()
    };
    seeds.push(seed("cell", 8, &cell.encode_to_vec()));
    for (name, json) in served::networks()? {
        seeds.push(seed(format!("network-{name}"), 4, &json));
        seeds.push(seed(format!("deployed-{name}"), 11, &json));
    }
    Ok(seeds)
}

/// Messages of the first few devices, by the number of their kind in the target.
fn messages(evidence: &Evidence) -> Vec<(u8, &[u8])> {
    /// One witness or radio is like the next.
    const FEW: usize = 2;
    match evidence {
        Evidence::Radio(EvidenceBundleV2 { bundle, sessions, .. }) => {
            let witnesses = bundle.witnesses.iter().take(FEW);
            std::iter::once((0, bundle.beacon.report.as_slice()))
                .chain(witnesses.map(|witness| (1, witness.report.as_slice())))
                .chain(sessions.iter().take(FEW).map(|session| (5, session.as_slice())))
                .collect()
        }
        Evidence::DataTransfer(bundle) => {
            let sessions = bundle.sessions.iter().take(FEW);
            sessions.map(|session| (6, session.report.as_slice())).collect()
        }
        Evidence::CoverageMap(bundle) => {
            let of_radio = bundle.radios.iter().take(FEW).map(|radio| {
                let heartbeat = radio.heartbeats.first().map(|sent| (7, sent.report.as_slice()));
                let speedtest = radio.speedtests.first().map(|sent| (9, sent.report.as_slice()));
                let coverage = Some((10, radio.coverage_object.as_slice()));
                [heartbeat, speedtest, coverage].into_iter().flatten()
            });
            of_radio.flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// Files of the shared vectors, where they are.
fn recorded(target: &str) -> Vec<Seed> {
    let Some(vectors) = vectors() else { return Vec::new() };
    let files: &[(&str, &[u8])] = match target {
        "light_client_ssz" => &[
            ("ethereum/mainnet_capella_periods_800_820/bootstrap.ssz", &[1, 0x82]),
            ("ethereum/mainnet_capella_periods_800_820/finUpdate.ssz", &[3, 0x82]),
            ("ethereum/mainnet_capella_periods_800_820/optUpdate.ssz", &[4, 0x82]),
        ],
        "beacon_api" => &[
            ("ethereum/devnet_capella_minimal/lodestar_capella_minimal_bootstrap.json", &[0]),
            ("ethereum/devnet_capella_minimal/lodestar_capella_minimal_updates.json", &[1]),
            ("ethereum/devnet_capella_minimal/lodestar_capella_minimal_finality_update.json", &[2]),
            (
                "ethereum/devnet_capella_minimal/lodestar_capella_minimal_optimistic_update.json",
                &[3],
            ),
            ("ethereum/mainnet_capella_periods_800_820/bootstrap.ssz", &[4]),
            ("ethereum/mainnet_capella_periods_800_820/finUpdate.ssz", &[6]),
        ],
        "json_rpc" => &[
            ("ethereum/execution_rpc/rpc/block_miner_proof.json", &[0]),
            ("ethereum/execution_rpc/rpc/block.json", &[1]),
            ("ethereum/execution_rpc/rpc/receipts.json", &[2]),
        ],
        _ => &[],
    };
    let read = |(number, (file, first)): (usize, &(&str, &[u8]))| {
        let bytes = fs::read(vectors.join(file)).ok()?;
        Some((number.to_string(), [first, bytes.as_slice()].concat()))
    };
    files.iter().enumerate().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use heliotrope_contracts::reward::tree::decode_leaves;
    use heliotrope_device_proofs::{
        calldata::ProvePossession,
        commp::{CommpParams, CommpSample},
        coverage_map::{CoverageMapParams, OracleData},
        data_transfer::DataTransferParams,
        epoch::{EpochManifest, LaneManifest, ShardEvidence},
        pdp::{PdpParams, PossessionProof},
        piece::PieceCid,
        proof::ProofBundle,
        report,
    };
    use heliotrope_light_client::network::{DeployedNetwork, Network};

    use super::*;

    /// Decodes a target's seeds, and says how many there are of each kind.
    fn taken<const N: usize>(
        target: &str,
        decodes: impl Fn(u8, &[u8]) -> Option<bool>,
    ) -> [usize; N] {
        let mut counts = [0; N];
        for (name, bytes) in seeds(target).unwrap() {
            let (kind, rest) = bytes.split_first().unwrap();
            // the vectors have oracle data that is none, and parameters of no profile
            if decodes(*kind, rest).unwrap_or_else(|| panic!("{name}: kind {kind}")) {
                counts[usize::from(*kind)] += 1;
            }
        }
        counts
    }

    #[test]
    fn a_target_begins_with_what_it_decodes() {
        let bundles: [usize; 4] = taken("bundles", |kind, bytes| {
            Some(match kind {
                0 => Evidence::decode(bytes).is_ok(),
                1 => OracleData::decode(bytes).is_ok(),
                2 => DataTransferParams::decode(bytes).is_ok(),
                3 => CoverageMapParams::decode(bytes).is_ok(),
                _ => return None,
            })
        });
        assert!(bundles.iter().all(|count| *count > 0), "{bundles:?}");
        let reports: [usize; 12] = taken("reports", |kind, bytes| {
            Some(match kind {
                0 => report::decode_beacon(bytes).is_ok(),
                1 => report::decode_witness(bytes).is_ok(),
                4 => Network::from_json(bytes).is_ok(),
                5 => report::decode_session_init(bytes).is_ok(),
                6 => report::decode_data_transfer_session(bytes).is_ok(),
                7 => report::decode_wifi_heartbeat(bytes).is_ok(),
                8 => report::decode_cell_heartbeat(bytes).is_ok(),
                9 => report::decode_speedtest(bytes).is_ok(),
                10 => report::decode_coverage_object(bytes).is_ok(),
                11 => DeployedNetwork::from_json(bytes).is_ok(),
                _ => return None,
            })
        });
        // keys, in binary and as text, are found at once
        let none: Vec<_> = (0..12).filter(|kind| reports[*kind] == 0).collect();
        assert_eq!(none, [2, 3]);
        let served: [usize; 5] = taken("served", |kind, bytes| {
            Some(match kind {
                0 => decode_leaves(bytes).is_ok(),
                1 => EpochManifest::decode(bytes).is_ok(),
                2 => LaneManifest::decode(bytes).is_ok(),
                3 => ShardEvidence::decode(bytes).is_ok(),
                4 => ProofBundle::from_file(bytes).is_ok(),
                _ => return None,
            })
        });
        assert_eq!(served, [2, 1, 1, 1, 1]);
        let storage: [usize; 7] = taken("storage", |kind, bytes| {
            Some(match kind {
                0 => PossessionProof::decode(bytes).is_ok(),
                1 => PdpParams::decode(bytes).is_ok(),
                2 => CommpSample::decode(bytes).is_ok(),
                3 => CommpParams::decode(bytes).is_ok(),
                4 => Submission::decode(bytes).is_ok(),
                5 => PieceCid::decode(bytes).is_ok(),
                6 => ProvePossession::decode(bytes).is_ok(),
                _ => return None,
            })
        });
        assert!(storage.iter().all(|count| *count > 0), "{storage:?}");
    }
}
