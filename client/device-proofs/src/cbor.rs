//! Deterministic CBOR (RFC 8949 §4.2): one encoding per value, and the decoder takes no other.
//!
//! Unsigned and negative integers, byte strings, text, arrays, and maps whose keys are small
//! unsigned integers in ascending order. No floats, tags, booleans or indefinite lengths. Types are
//! decoded field by field with a fixed shape, so the nesting depth is bounded by the type.

/// Why bytes are not the one encoding of a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CborError {
    /// The input ends inside a value.
    #[error("input ends at byte {at}, {missing} bytes short")]
    Truncated {
        /// Offset where more bytes were wanted.
        at: usize,
        /// How many are missing.
        missing: u64,
    },
    /// Bytes follow the value.
    #[error("{got} bytes after the end of the value")]
    Trailing {
        /// Number of extra bytes.
        got: usize,
    },
    /// An integer or length is not written in its shortest form.
    #[error("integer at byte {at} is not in its shortest form")]
    NotShortest {
        /// Offset of the head byte.
        at: usize,
    },
    /// Another kind of value stands here.
    #[error("major type {got} at byte {at}, expected {expected}")]
    Type {
        /// Offset of the head byte.
        at: usize,
        /// Major type found.
        got: u8,
        /// Major type wanted.
        expected: u8,
    },
    /// Indefinite length or a reserved additional-information value.
    #[error("additional information {got} at byte {at} is not allowed")]
    Head {
        /// Offset of the head byte.
        at: usize,
        /// The five low bits.
        got: u8,
    },
    /// A map key is missing, unknown, repeated or out of order.
    #[error("map key {got} at byte {at}, expected {expected}")]
    Key {
        /// Offset of the key.
        at: usize,
        /// Key found.
        got: u64,
        /// Key wanted.
        expected: u64,
    },
    /// A length, count or number is outside its allowed range.
    #[error("{what} is {got}, expected {expected}")]
    Range {
        /// What the number counts.
        what: &'static str,
        /// The number found.
        got: u64,
        /// The limit or exact value wanted.
        expected: u64,
    },
    /// Items that must be strictly ascending are not.
    #[error("{what} {index} is not above the one before it")]
    Order {
        /// What the items are.
        what: &'static str,
        /// Index of the offending item.
        index: usize,
    },
    /// A text string is not UTF-8.
    #[error("text at byte {at} is not UTF-8")]
    Utf8 {
        /// Offset of the text.
        at: usize,
    },
}

const UINT: u8 = 0;
const NINT: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

/// Writes deterministic CBOR.
#[derive(Debug, Default)]
pub struct Encoder {
    out: Vec<u8>,
}

impl Encoder {
    /// An empty encoder.
    #[must_use]
    pub const fn new() -> Self {
        Self { out: Vec::new() }
    }

    /// An encoder that writes over what a buffer holds.
    #[must_use]
    pub fn over(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self { out: buffer }
    }

    /// The bytes written so far.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    fn head(&mut self, major: u8, value: u64) -> &mut Self {
        let major = major << 5;
        if let Ok(small) = u8::try_from(value) {
            if small < 24 {
                self.out.push(major | small);
            } else {
                self.out.extend_from_slice(&[major | 24, small]);
            }
        } else if let Ok(v) = u16::try_from(value) {
            self.out.push(major | 25);
            self.out.extend_from_slice(&v.to_be_bytes());
        } else if let Ok(v) = u32::try_from(value) {
            self.out.push(major | 26);
            self.out.extend_from_slice(&v.to_be_bytes());
        } else {
            self.out.push(major | 27);
            self.out.extend_from_slice(&value.to_be_bytes());
        }
        self
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.head(UINT, value)
    }

    /// A signed integer.
    pub fn int(&mut self, value: i64) -> &mut Self {
        match u64::try_from(value) {
            Ok(v) => self.head(UINT, v),
            // -1 - value, which is the bitwise complement in two's complement
            Err(_) => self.head(NINT, u64::from_be_bytes((!value).to_be_bytes())),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.head(BYTES, value.len() as u64);
        self.out.extend_from_slice(value);
        self
    }

    /// A text string.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.head(TEXT, value.len() as u64);
        self.out.extend_from_slice(value.as_bytes());
        self
    }

    /// The head of an array of `len` items.
    pub fn array(&mut self, len: usize) -> &mut Self {
        self.head(ARRAY, len as u64)
    }

    /// The head of a map of `len` entries.
    pub fn map(&mut self, len: usize) -> &mut Self {
        self.head(MAP, len as u64)
    }
}

/// Reads deterministic CBOR and nothing else.
#[derive(Debug)]
pub struct Decoder<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `input`.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0 }
    }

    /// Ends decoding.
    ///
    /// # Errors
    /// [`CborError::Trailing`] if bytes are left.
    pub const fn finish(self) -> Result<(), CborError> {
        match self.input.len().saturating_sub(self.at) {
            0 => Ok(()),
            got => Err(CborError::Trailing { got }),
        }
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.input.len().saturating_sub(self.at)
    }

    /// The next byte, left where it is.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], CborError> {
        let left = self.input.len().saturating_sub(self.at);
        let short = CborError::Truncated { at: self.at, missing: len.saturating_sub(left as u64) };
        let len = usize::try_from(len).map_err(|_| short.clone())?;
        let end = self.at.checked_add(len).ok_or_else(|| short.clone())?;
        let taken = self.input.get(self.at..end).ok_or(short)?;
        self.at = end;
        Ok(taken)
    }

    fn big_endian(&mut self, len: u64) -> Result<u64, CborError> {
        Ok(self.take(len)?.iter().fold(0, |acc, byte| (acc << 8) | u64::from(*byte)))
    }

    fn head(&mut self) -> Result<(usize, u8, u64), CborError> {
        let at = self.at;
        let first = self.take(1)?.first().copied().unwrap_or_default();
        let (major, info) = (first >> 5, first & 0x1f);
        let (value, shortest_from) = match info {
            0..24 => (u64::from(info), 0),
            24 => (self.big_endian(1)?, 24),
            25 => (self.big_endian(2)?, 1 << 8),
            26 => (self.big_endian(4)?, 1 << 16),
            27 => (self.big_endian(8)?, 1 << 32),
            got => return Err(CborError::Head { at, got }),
        };
        if value < shortest_from {
            return Err(CborError::NotShortest { at });
        }
        Ok((at, major, value))
    }

    fn expect(&mut self, expected: u8) -> Result<u64, CborError> {
        let (at, got, value) = self.head()?;
        if got == expected { Ok(value) } else { Err(CborError::Type { at, got, expected }) }
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// If something else stands here.
    pub fn uint(&mut self) -> Result<u64, CborError> {
        self.expect(UINT)
    }

    /// An unsigned integer that must fit `T`.
    ///
    /// # Errors
    /// If something else stands here, or it is out of range.
    pub fn small<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, CborError> {
        let got = self.uint()?;
        T::try_from(got).map_err(|_| CborError::Range { what, got, expected: size_limit::<T>() })
    }

    /// A number with one allowed value.
    ///
    /// # Errors
    /// If it is another.
    pub fn exactly(&mut self, what: &'static str, expected: u64) -> Result<(), CborError> {
        let got = self.uint()?;
        if got == expected { Ok(()) } else { Err(CborError::Range { what, got, expected }) }
    }

    /// A signed integer.
    ///
    /// # Errors
    /// If something else stands here, or it does not fit 64 bits.
    pub fn int(&mut self) -> Result<i64, CborError> {
        let (at, major, value) = self.head()?;
        let magnitude = i64::try_from(value).map_err(|_| CborError::Range {
            what: "integer",
            got: value,
            expected: i64::MAX.unsigned_abs(),
        })?;
        match major {
            UINT => Ok(magnitude),
            NINT => Ok(!magnitude),
            got => Err(CborError::Type { at, got, expected: UINT }),
        }
    }

    /// A byte string of at most `max` bytes.
    ///
    /// # Errors
    /// If something else stands here, or it is longer.
    pub fn bytes(&mut self, what: &'static str, max: usize) -> Result<&'a [u8], CborError> {
        let len = self.expect(BYTES)?;
        if len > max as u64 {
            return Err(CborError::Range { what, got: len, expected: max as u64 });
        }
        self.take(len)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// If something else stands here, or it has another length.
    pub fn fixed<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], CborError> {
        let got = self.bytes(what, N)?;
        <[u8; N]>::try_from(got).map_err(|_| CborError::Range {
            what,
            got: got.len() as u64,
            expected: N as u64,
        })
    }

    /// A text string of at most `max` bytes.
    ///
    /// # Errors
    /// If something else stands here, it is longer, or not UTF-8.
    pub fn text(&mut self, what: &'static str, max: usize) -> Result<&'a str, CborError> {
        let at = self.at;
        let len = self.expect(TEXT)?;
        if len > max as u64 {
            return Err(CborError::Range { what, got: len, expected: max as u64 });
        }
        core::str::from_utf8(self.take(len)?).map_err(|_| CborError::Utf8 { at })
    }

    /// The number of items of an array, at most `max`, and never more than the bytes left.
    ///
    /// # Errors
    /// If something else stands here, or there are more items.
    pub fn array(&mut self, what: &'static str, max: usize) -> Result<usize, CborError> {
        let got = self.expect(ARRAY)?;
        let limit = max.min(self.input.len().saturating_sub(self.at));
        match usize::try_from(got) {
            Ok(len) if len <= limit => Ok(len),
            _ => Err(CborError::Range { what, got, expected: limit as u64 }),
        }
    }

    /// An array of exactly `len` items.
    ///
    /// # Errors
    /// If something else stands here, or the count differs.
    pub fn tuple(&mut self, what: &'static str, len: usize) -> Result<(), CborError> {
        let got = self.expect(ARRAY)?;
        if got == len as u64 {
            Ok(())
        } else {
            Err(CborError::Range { what, got, expected: len as u64 })
        }
    }

    /// The head of a map of exactly `len` entries.
    ///
    /// # Errors
    /// If something else stands here, or the count differs.
    pub fn map(&mut self, what: &'static str, len: usize) -> Result<(), CborError> {
        let got = self.expect(MAP)?;
        if got == len as u64 {
            Ok(())
        } else {
            Err(CborError::Range { what, got, expected: len as u64 })
        }
    }

    /// The next map key, which must be `expected`: that makes keys known, unique and ascending.
    ///
    /// # Errors
    /// If it is another key.
    pub fn key(&mut self, expected: u64) -> Result<(), CborError> {
        let at = self.at;
        let got = self.uint()?;
        if got == expected { Ok(()) } else { Err(CborError::Key { at, got, expected }) }
    }
}

const fn size_limit<T>() -> u64 {
    match size_of::<T>() {
        1 => u8::MAX as u64,
        2 => u16::MAX as u64,
        4 => u32::MAX as u64,
        _ => u64::MAX,
    }
}

/// Fails unless `items` are strictly ascending by `key`.
///
/// # Errors
/// [`CborError::Order`] at the first item that is not above the one before it.
pub fn strictly_ascending<T, K: PartialOrd>(
    what: &'static str,
    items: &[T],
    key: impl Fn(&T) -> K,
) -> Result<(), CborError> {
    strictly_ascending_by(what, items, |a, b| key(a) < key(b))
}

/// Fails unless each item is `below` the next one.
///
/// # Errors
/// [`CborError::Order`] at the first item that is not above the one before it.
pub fn strictly_ascending_by<T>(
    what: &'static str,
    items: &[T],
    below: impl Fn(&T, &T) -> bool,
) -> Result<(), CborError> {
    for (index, pair) in items.windows(2).enumerate() {
        if let [a, b] = pair
            && !below(a, b)
        {
            return Err(CborError::Order { what, index: index.saturating_add(1) });
        }
    }
    Ok(())
}

/// Gives a type with `encode_to(&self, &mut Encoder)` and `decode_from(&mut Decoder)` its whole-value
/// `encode` and `decode`.
macro_rules! canonical {
    ($($name:ty),+ $(,)?) => {$(
        impl $name {
            /// The one encoding of this value.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let mut encoder = $crate::cbor::Encoder::new();
                self.encode_to(&mut encoder);
                encoder.finish()
            }

            /// Decodes the one encoding of a value.
            ///
            /// # Errors
            /// If the bytes are anything else.
            pub fn decode(bytes: &[u8]) -> Result<Self, $crate::cbor::CborError> {
                let mut decoder = $crate::cbor::Decoder::new(bytes);
                let value = Self::decode_from(&mut decoder)?;
                decoder.finish()?;
                Ok(value)
            }
        }
    )+};
}
pub(crate) use canonical;

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise"
)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8949_appendix_a_integers() {
        for (value, hex) in [
            (0_i64, "00"),
            (23, "17"),
            (24, "1818"),
            (255, "18ff"),
            (256, "190100"),
            (1_000_000, "1a000f4240"),
            (1_000_000_000_000, "1b000000e8d4a51000"),
            (-1, "20"),
            (-10, "29"),
            (-100, "3863"),
            (-1000, "3903e7"),
            (i64::MIN, "3b7fffffffffffffff"),
        ] {
            let mut e = Encoder::new();
            e.int(value);
            let bytes = e.finish();
            assert_eq!(hex::encode(&bytes), hex);
            assert_eq!(Decoder::new(&bytes).int().unwrap(), value);
        }
    }

    #[test]
    fn longer_forms_are_rejected() {
        for bytes in ["1800", "1817", "1900ff", "1a0000ffff", "1b00000000ffffffff"] {
            let bytes = hex::decode(bytes).unwrap();
            assert_eq!(Decoder::new(&bytes).uint(), Err(CborError::NotShortest { at: 0 }));
        }
    }

    #[test]
    fn indefinite_lengths_and_reserved_heads_are_rejected() {
        for bytes in ["5f", "9f", "bf", "1c", "1d", "1e", "ff"] {
            let bytes = hex::decode(bytes).unwrap();
            assert!(matches!(Decoder::new(&bytes).head(), Err(CborError::Head { .. })));
        }
    }

    #[test]
    fn lengths_are_bounded_before_allocation() {
        let bytes = hex::decode("9b7fffffffffffffff").unwrap();
        assert!(matches!(
            Decoder::new(&bytes).array("items", usize::MAX),
            Err(CborError::Range { .. })
        ));
        let bytes = hex::decode("5b7fffffffffffffff00").unwrap();
        assert!(Decoder::new(&bytes).bytes("data", usize::MAX).is_err());
    }
}
