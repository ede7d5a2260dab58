//! `hash_tree_root` of any SSZ value by its schema, for vectors whose objects the light client itself never sees
//! (<https://github.com/ethereum/consensus-specs/blob/dev/ssz/simple-serialize.md>).

use alloy_primitives::B256;
use anyhow::{Context as _, Result, ensure};
use heliotrope_verifier::proofs::ssz_merkle::{merkleize, mix_in_length};

/// An SSZ type. Lengths of vectors and limits of lists are in elements.
#[derive(Clone, Debug)]
pub(super) enum Type {
    /// `uintN`, `boolean` and `BytesN` up to 32 bytes, by their size in bytes.
    Basic(usize),
    /// `ByteVector[N]`.
    Bytes(usize),
    /// `ByteList[N]`.
    ByteList(u64),
    /// `Bitvector[N]`.
    Bits(usize),
    /// `Bitlist[N]`.
    BitList(u64),
    /// `Vector[T, N]`.
    Vector(Box<Self>, usize),
    /// `List[T, N]`.
    List(Box<Self>, u64),
    /// A container.
    Container(Vec<Self>),
}

/// `List[T, N]`.
pub(super) fn list(of: Type, limit: u64) -> Type {
    Type::List(Box::new(of), limit)
}

/// `Vector[T, N]`.
pub(super) fn vector(of: Type, length: usize) -> Type {
    Type::Vector(Box::new(of), length)
}

impl Type {
    /// Bytes of a value, where all values have as many.
    fn fixed_size(&self) -> Option<usize> {
        match self {
            Self::Basic(size) | Self::Bytes(size) => Some(*size),
            Self::Bits(bits) => Some(bits.div_ceil(8)),
            Self::Vector(of, length) => of.fixed_size().map(|size| size * length),
            Self::Container(fields) => fields.iter().map(Self::fixed_size).sum(),
            Self::ByteList(_) | Self::BitList(_) | Self::List(..) => None,
        }
    }

    /// `hash_tree_root` of the value that `bytes` encode.
    pub(super) fn root(&self, bytes: &[u8]) -> Result<B256> {
        if let Some(size) = self.fixed_size() {
            ensure!(bytes.len() == size, "got {} bytes, expected {size}", bytes.len());
        }
        match self {
            Self::Basic(_) => Ok(B256::right_padding_from(bytes)),
            Self::Bytes(_) | Self::Bits(_) => Ok(tree(&chunks(bytes), chunks(bytes).len())),
            Self::ByteList(limit) => Ok(with_length(bytes, bytes.len(), *limit, 1)),
            Self::BitList(limit) => {
                let (bits, length) = without_delimiter(bytes)?;
                ensure!(length <= usize::try_from(*limit)?, "{length} bits, limit {limit}");
                let root = tree(&chunks(&bits), usize::try_from(limit.div_ceil(256))?);
                Ok(mix_in_length(&root, u64::try_from(length)?))
            }
            Self::Vector(of, length) => match **of {
                Self::Basic(size) if size < 32 => Ok(tree(&chunks(bytes), chunks(bytes).len())),
                _ => Ok(tree(&of.roots(bytes)?, *length)),
            },
            Self::List(of, limit) => match **of {
                Self::Basic(size) if size < 32 => {
                    Ok(with_length(bytes, bytes.len() / size, *limit, size))
                }
                _ => {
                    let roots = of.roots(bytes)?;
                    ensure!(roots.len() <= usize::try_from(*limit)?, "{} elements", roots.len());
                    let root = tree(&roots, usize::try_from(*limit)?);
                    Ok(mix_in_length(&root, u64::try_from(roots.len())?))
                }
            },
            Self::Container(fields) => {
                let parts = cut(fields, bytes)?;
                let roots = fields.iter().zip(parts).map(|(field, part)| field.root(part));
                Ok(tree(&roots.collect::<Result<Vec<_>>>()?, fields.len()))
            }
        }
    }

    /// Roots of a sequence of values of this type.
    fn roots(&self, bytes: &[u8]) -> Result<Vec<B256>> {
        if let Some(size) = self.fixed_size() {
            ensure!(
                bytes.len().is_multiple_of(size),
                "{} bytes in elements of {size}",
                bytes.len()
            );
            return bytes.chunks(size).map(|element| self.root(element)).collect();
        }
        let Some(first) = bytes.first_chunk::<4>() else { return Ok(Vec::new()) };
        let count = usize::try_from(u32::from_le_bytes(*first))? / 4;
        let fields = vec![self.clone(); count];
        cut(&fields, bytes)?.into_iter().map(|element| self.root(element)).collect()
    }
}

/// The bytes of each field: in place, or where its offset says.
fn cut<'a>(fields: &[Type], bytes: &'a [u8]) -> Result<Vec<&'a [u8]>> {
    let (mut at, mut offsets) = (0, Vec::new());
    for field in fields {
        let size = field.fixed_size().unwrap_or(4);
        let part = bytes.get(at..at + size).context("cut short")?;
        if field.fixed_size().is_none() {
            offsets.push(usize::try_from(u32::from_le_bytes(part.try_into()?))?);
        }
        at += size;
    }
    ensure!(offsets.first().is_none_or(|first| *first == at), "first offset is not {at}");
    offsets.push(bytes.len());
    let (mut at, mut heap) = (0, offsets.windows(2));
    let part = |field: &Type| {
        let size = field.fixed_size();
        let from = at;
        at += size.unwrap_or(4);
        match (size, size.is_none().then(|| heap.next()).flatten()) {
            (Some(size), _) => bytes.get(from..from + size).context("cut short"),
            (None, Some([start, end])) => bytes.get(*start..*end).context("offset out of order"),
            _ => anyhow::bail!("no offset"),
        }
    };
    fields.iter().map(part).collect()
}

fn chunks(bytes: &[u8]) -> Vec<B256> {
    bytes.chunks(32).map(B256::right_padding_from).collect()
}

fn with_length(bytes: &[u8], length: usize, limit: u64, size: usize) -> B256 {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).saturating_mul(size).div_ceil(32);
    mix_in_length(&tree(&chunks(bytes), limit), u64::try_from(length).unwrap_or(u64::MAX))
}

/// The bits of a `Bitlist` without the one that marks its end, and how many they are.
fn without_delimiter(bytes: &[u8]) -> Result<(Vec<u8>, usize)> {
    let (last, rest) = bytes.split_last().context("a bit list without an end")?;
    let top = usize::try_from(last.checked_ilog2().context("a bit list without an end")?)?;
    let mut bits = rest.to_vec();
    if top > 0 {
        bits.push(last ^ (1 << top));
    }
    Ok((bits, rest.len() * 8 + top))
}

/// `merkleize(chunks, limit)`.
fn tree(leaves: &[B256], limit: usize) -> B256 {
    merkleize(leaves, limit.max(1).next_power_of_two().ilog2())
}
