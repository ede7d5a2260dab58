//! What the targets share.

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
