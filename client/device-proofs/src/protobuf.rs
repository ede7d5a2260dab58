//! Protocol buffers (proto3) in one encoding: what this writer writes, and nothing else.
//!
//! ```text
//!  field = key (number << 3 | wire type) ‖ varint            fields ascend; a field with its default
//!        | key ‖ varint length ‖ bytes                       value is not there
//!        | key ‖ 8 bytes, little endian
//! ```
//! That is the encoding that the canonical writers of the Helium network produce, so whatever decodes here has
//! the bytes that its sender signed. Unknown, repeated, unordered and default fields, varints with spare
//! bytes, and numbers beyond their type are errors. Only what the messages of [`crate::wire`] need is here:
//! field numbers up to 15, so that a key is one byte, and no groups, single floats or packed lists.
//!
//! It trusts nothing about its input. No allocation is larger than the input.

/// Largest varint in bytes.
const MAX_VARINT_LEN: u32 = 10;
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;

/// Why bytes are not the one encoding of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtobufError {
    /// The input ends inside a value.
    #[error("input ends with {missing} bytes missing")]
    Truncated {
        /// How many are missing at least.
        missing: u64,
    },
    /// A varint has spare bytes or more than 64 bits.
    #[error("varint of field {number} is not in its shortest form")]
    Varint {
        /// Number of the field.
        number: u8,
    },
    /// A field with its default value, which is not written.
    #[error("field {number} has its default value written out")]
    Default {
        /// Number of the field.
        number: u8,
    },
    /// A number that its type cannot hold.
    #[error("field {number} is {got}, expected a number of {expected} bits")]
    Range {
        /// Number of the field.
        number: u8,
        /// The number as it stands in the varint.
        got: u64,
        /// Bits of the type.
        expected: u32,
    },
    /// A text that is not UTF-8.
    #[error("field {number} is not UTF-8")]
    Utf8 {
        /// Number of the field.
        number: u8,
    },
    /// A field that is unknown, repeated, out of order or of another wire type.
    #[error("key {got:#04x} with {left} bytes left, expected the end or a later field")]
    Field {
        /// The key byte.
        got: u8,
        /// Bytes from it to the end of the message.
        left: usize,
    },
}

/// A `double` as its bits: whoever signed it signed those, and they are equal or not. −0 is not the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Double(u64);

impl Double {
    /// The number.
    #[must_use]
    pub const fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl From<f64> for Double {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

/// A message with one encoding.
pub trait Message: Sized {
    /// Writes the fields.
    fn encode_to(&self, writer: &mut Writer);

    /// Reads the fields, up to the end of `reader` or the first byte that is none of them.
    ///
    /// # Errors
    /// If a field is not in its one encoding.
    fn decode_from(reader: &mut Reader<'_>) -> Result<Self, ProtobufError>;

    /// The one encoding of this message.
    fn encode_to_vec(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.encode_to(&mut writer);
        writer.out
    }

    /// Decodes the one encoding of a message.
    ///
    /// # Errors
    /// If the bytes are anything else.
    fn decode(bytes: &[u8]) -> Result<Self, ProtobufError> {
        let mut reader = Reader { rest: bytes };
        let message = Self::decode_from(&mut reader)?;
        match *reader.rest {
            [] => Ok(message),
            [got, ..] => Err(ProtobufError::Field { got, left: reader.rest.len() }),
        }
    }
}

/// Writes fields; those with their default value are left out.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    fn varint(&mut self, mut value: u64) {
        while let [low, ..] = value.to_le_bytes()
            && value > 0x7f
        {
            self.out.push(low | 0x80);
            value >>= 7;
        }
        let [low, ..] = value.to_le_bytes();
        self.out.push(low);
    }

    fn number(&mut self, number: u8, value: u64) {
        if value != 0 {
            self.out.push(key(number, VARINT));
            self.varint(value);
        }
    }

    fn delimited(&mut self, number: u8, value: &[u8]) {
        self.out.push(key(number, LENGTH_DELIMITED));
        self.varint(value.len() as u64);
        self.out.extend_from_slice(value);
    }

    /// A `uint64`.
    pub fn uint64(&mut self, number: u8, value: &u64) {
        self.number(number, *value);
    }

    /// A `uint32`.
    pub fn uint32(&mut self, number: u8, value: &u32) {
        self.number(number, u64::from(*value));
    }

    /// An `int32`, sign-extended to 64 bits.
    pub fn int32(&mut self, number: u8, value: &i32) {
        self.number(number, u64::from_be_bytes(i64::from(*value).to_be_bytes()));
    }

    /// A `sint32`: 0, −1, 1, −2 … as 0, 1, 2, 3 …
    pub fn sint32(&mut self, number: u8, value: &i32) {
        let zigzag = (value << 1) ^ (value >> 31);
        self.number(number, u64::from(u32::from_be_bytes(zigzag.to_be_bytes())));
    }

    /// A byte string.
    pub fn bytes(&mut self, number: u8, value: &[u8]) {
        if !value.is_empty() {
            self.delimited(number, value);
        }
    }

    /// A text.
    pub fn string(&mut self, number: u8, value: &str) {
        self.bytes(number, value.as_bytes());
    }

    /// A `bool`.
    pub fn boolean(&mut self, number: u8, value: &bool) {
        self.number(number, u64::from(*value));
    }

    /// A `double`.
    pub fn double(&mut self, number: u8, value: &Double) {
        if *value != Double::default() {
            self.out.push(key(number, FIXED64));
            self.out.extend_from_slice(&value.0.to_le_bytes());
        }
    }

    /// A message that may be missing.
    pub fn message<M: Message>(&mut self, number: u8, value: &Option<M>) {
        if let Some(value) = value {
            self.delimited(number, &value.encode_to_vec());
        }
    }

    /// A list of messages.
    pub fn messages<M: Message>(&mut self, number: u8, values: &[M]) {
        for value in values {
            self.delimited(number, &value.encode_to_vec());
        }
    }
}

const fn key(number: u8, wire: u8) -> u8 {
    (number << 3) | wire
}

/// Reads fields in ascending order; those that are not there have their default value.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Takes the key of a field, if it stands here.
    fn takes(&mut self, number: u8, wire: u8) -> bool {
        match self.rest.split_first() {
            Some((got, rest)) if *got == key(number, wire) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn varint(&mut self, number: u8) -> Result<u64, ProtobufError> {
        let mut value = 0_u64;
        for at in 0..MAX_VARINT_LEN {
            let (byte, rest) =
                self.rest.split_first().ok_or(ProtobufError::Truncated { missing: 1 })?;
            self.rest = rest;
            let (bits, shift) = (u64::from(byte & 0x7f), at.saturating_mul(7));
            let shifted = bits << shift;
            if shifted >> shift != bits {
                break;
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                // a last byte of 0 adds nothing, unless it is the only one
                if *byte == 0 && at > 0 {
                    break;
                }
                return Ok(value);
            }
        }
        Err(ProtobufError::Varint { number })
    }

    fn number(&mut self, number: u8) -> Result<u64, ProtobufError> {
        if !self.takes(number, VARINT) {
            return Ok(0);
        }
        match self.varint(number)? {
            0 => Err(ProtobufError::Default { number }),
            value => Ok(value),
        }
    }

    fn delimited(&mut self, number: u8) -> Result<Option<&'a [u8]>, ProtobufError> {
        if !self.takes(number, LENGTH_DELIMITED) {
            return Ok(None);
        }
        let len = self.varint(number)?;
        let split = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let missing = len.saturating_sub(self.rest.len() as u64);
        let (value, rest) = split.ok_or(ProtobufError::Truncated { missing })?;
        self.rest = rest;
        Ok(Some(value))
    }

    /// A `uint64`.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn uint64(&mut self, number: u8) -> Result<u64, ProtobufError> {
        self.number(number)
    }

    /// A `uint32`.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn uint32(&mut self, number: u8) -> Result<u32, ProtobufError> {
        let got = self.number(number)?;
        u32::try_from(got).map_err(|_| ProtobufError::Range { number, got, expected: 32 })
    }

    /// An `int32`.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn int32(&mut self, number: u8) -> Result<i32, ProtobufError> {
        let got = self.number(number)?;
        let value = i64::from_be_bytes(got.to_be_bytes());
        i32::try_from(value).map_err(|_| ProtobufError::Range { number, got, expected: 32 })
    }

    /// A `sint32`.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn sint32(&mut self, number: u8) -> Result<i32, ProtobufError> {
        let zigzag = self.uint32(number)?;
        let half = i32::from_be_bytes((zigzag >> 1).to_be_bytes());
        Ok(if zigzag & 1 == 0 { half } else { !half })
    }

    /// A byte string.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn bytes(&mut self, number: u8) -> Result<Vec<u8>, ProtobufError> {
        match self.delimited(number)? {
            None => Ok(Vec::new()),
            Some([]) => Err(ProtobufError::Default { number }),
            Some(value) => Ok(value.to_vec()),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn string(&mut self, number: u8) -> Result<String, ProtobufError> {
        String::from_utf8(self.bytes(number)?).map_err(|_| ProtobufError::Utf8 { number })
    }

    /// A `bool`.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn boolean(&mut self, number: u8) -> Result<bool, ProtobufError> {
        match self.number(number)? {
            0 => Ok(false),
            1 => Ok(true),
            got => Err(ProtobufError::Range { number, got, expected: 1 }),
        }
    }

    /// A `double`.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn double(&mut self, number: u8) -> Result<Double, ProtobufError> {
        if !self.takes(number, FIXED64) {
            return Ok(Double::default());
        }
        let missing = 8_u64.saturating_sub(self.rest.len() as u64);
        let (bytes, rest) =
            self.rest.split_first_chunk().ok_or(ProtobufError::Truncated { missing })?;
        self.rest = rest;
        match Double(u64::from_le_bytes(*bytes)) {
            Double(0) => Err(ProtobufError::Default { number }),
            value => Ok(value),
        }
    }

    /// A message that may be missing.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn message<M: Message>(&mut self, number: u8) -> Result<Option<M>, ProtobufError> {
        self.delimited(number)?.map(M::decode).transpose()
    }

    /// A list of messages.
    ///
    /// # Errors
    /// If it is not in its one encoding.
    pub fn messages<M: Message>(&mut self, number: u8) -> Result<Vec<M>, ProtobufError> {
        let mut values = Vec::new();
        while let Some(value) = self.message(number)? {
            values.push(value);
        }
        Ok(values)
    }
}

/// Declares a message: `name: type = kind(number)`, ascending by number.
macro_rules! message {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty = $kind:ident($number:literal),)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)+
        }

        impl $crate::protobuf::Message for $name {
            fn encode_to(&self, writer: &mut $crate::protobuf::Writer) {
                $(writer.$kind($number, &self.$field);)+
            }

            fn decode_from(
                reader: &mut $crate::protobuf::Reader<'_>,
            ) -> Result<Self, $crate::protobuf::ProtobufError> {
                Ok(Self { $($field: reader.$kind($number)?,)+ })
            }
        }
    };
}
pub(crate) use message;
