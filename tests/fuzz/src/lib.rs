//! What the targets share.

use heliotrope_checks::CHECKS;
use heliotrope_device_proofs::{
    abi::{CheckInput, CheckOutput, Plan},
    sha256,
};
use heliotrope_verifier::chains::ethereum::{Fork, Preset};

/// Forks with light client data.
pub const FORKS: [Fork; 7] = [
    Fork::Altair,
    Fork::Bellatrix,
    Fork::Capella,
    Fork::Deneb,
    Fork::Electra,
    Fork::Fulu,
    Fork::Gloas,
];

/// Takes the first byte as a choice.
#[must_use]
pub fn choice(data: &[u8]) -> Option<(usize, &[u8])> {
    data.split_first().map(|(first, rest)| (usize::from(*first), rest))
}

/// Takes the first byte as a fork and a preset.
#[must_use]
pub fn shape(data: &[u8]) -> Option<(Fork, Preset, &[u8])> {
    let (number, rest) = choice(data)?;
    let preset = if number & 0x80 == 0 { Preset::Minimal } else { Preset::Mainnet };
    FORKS.get(number & 0x7f).map(|fork| (*fork, preset, rest))
}

/// Cuts `[u16 LE length][bytes]` repeated; what is left over is the last part.
#[must_use]
pub fn parts(mut data: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (part, rest) = rest.split_at(length);
        parts.push(part.to_vec());
        data = rest;
    }
    parts
}

/// What decodes must be the one encoding of its value.
#[macro_export]
macro_rules! canonical {
    ($kind:ty, $bytes:expr) => {
        if let Ok(value) = <$kind>::decode($bytes) {
            assert_eq!(value.encode(), $bytes, "two encodings of one value");
        }
    };
}

/// Gives a check any bytes as its input. It refuses them, or says something well-formed about these very bytes; so does
/// its plan for the evidence in them.
///
/// # Panics
/// If it does neither.
pub fn judge(name: &str, data: &[u8]) {
    let Some(check) = CHECKS.iter().find(|check| check.name == name) else {
        panic!("no check {name}")
    };
    if let Ok(input) = CheckInput::decode(data)
        && let Some(plan) = (check.plan)(&input.evidence, &input.params)
    {
        assert_eq!(Plan::decode(&plan).expect("a plan").encode(), plan);
    }
    if let Some(bytes) = (check.check)(data) {
        let output = CheckOutput::decode(&bytes).expect("an output");
        assert_eq!(output.encode(), bytes);
        assert_eq!(output.input_hash, sha256(data));
        let facts = CheckInput::decode(data).expect("judged, so it decodes").facts.len();
        assert!(output.facts_read.iter().all(|fact| (*fact as usize) < facts));
    }
}

/// The body of a module's first section of this id.
#[must_use]
pub fn section(module: &[u8], id: u8) -> Option<&[u8]> {
    let mut rest = module.get(8..)?;
    loop {
        let (&got, after) = rest.split_first()?;
        let (mut size, mut shift, mut at) = (0_usize, 0, 0);
        loop {
            let byte = *after.get(at)?;
            size |= usize::from(byte & 0x7f) << shift;
            (shift, at) = (shift + 7, at + 1);
            if byte < 0x80 {
                break;
            }
        }
        let body = after.get(at..at.checked_add(size)?)?;
        if got == id {
            return Some(body);
        }
        rest = after.get(at + size..)?;
    }
}
