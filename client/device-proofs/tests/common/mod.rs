//! What several tests do to bytes.
#![allow(dead_code, reason = "no test does all of it")]

/// The bytes with one bit flipped, for every bit, and which one it is.
pub(crate) fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit, flipped)
    })
}

/// There is one encoding of a value: bytes with a flipped bit that still decode are those of another value, and any
/// missing or further byte is an error.
pub(crate) fn one_encoding<T, E>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    same_bytes(bytes, &decode, encode);
    self_delimiting(bytes, decode);
}

/// As [`one_encoding`], of bytes that a cut may leave whole.
pub(crate) fn same_bytes<T, E>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    assert!(decode(bytes).is_ok_and(|value| encode(&value) == bytes), "the encoding decodes");
    for (bit, flipped) in flips(bytes) {
        if let Ok(other) = decode(&flipped) {
            assert_eq!(encode(&other), flipped, "bit {bit}");
        }
    }
    for extra in [0, 0xff] {
        let long = [bytes, &[extra]].concat();
        assert!(decode(&long).is_err(), "trailing {extra}");
    }
}

/// No part of the bytes decodes.
pub(crate) fn self_delimiting<T, E>(bytes: &[u8], decode: impl Fn(&[u8]) -> Result<T, E>) {
    for len in 0..bytes.len() {
        assert!(decode(&bytes[..len]).is_err(), "cut to {len}");
    }
}
