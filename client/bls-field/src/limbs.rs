//! A field element as 14 limbs of 28 bits, and as the 48 little-endian bytes that blst keeps.
//!
//! wasm has no carry flag and no 64 × 64 → 128 multiplication. With 28-bit limbs a column of a product, that of the
//! reduction added, stays below 2⁶²: nothing is carried before a column is complete.

/// An element as blst stores it: 48 bytes, little endian (on wasm32 twelve 32-bit limbs).
pub(crate) type Bytes = [u8; 48];

/// An element in radix 2²⁸, least significant first. Signed: a difference of two limbs is a limb, too.
pub(crate) type Limbs = [i64; 14];

/// The low 28 bits.
pub(crate) const MASK: i64 = (1 << 28) - 1;

/// The prime of the base field, little endian (RFC 9380, section 8.8; p in draft-irtf-cfrg-pairing-friendly-curves,
/// section 4.2.1).
pub(crate) const P_BYTES: Bytes = [
    0xab, 0xaa, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xb9, 0xff, 0xff, 0x53, 0xb1, 0xfe, 0xff, 0xab, 0x1e,
    0x24, 0xf6, 0xb0, 0xf6, 0xa0, 0xd2, 0x30, 0x67, 0xbf, 0x12, 0x85, 0xf3, 0x84, 0x4b, 0x77, 0x64,
    0xd7, 0xac, 0x4b, 0x43, 0xb6, 0xa7, 0x1b, 0x4b, 0x9a, 0xe6, 0x7f, 0x39, 0xea, 0x11, 0x01, 0x1a,
];

/// The prime in limbs.
pub(crate) const P: Limbs = limbs::<0>(&P_BYTES);

/// −p⁻¹ mod 2²⁸.
pub(crate) const MINUS_P_INVERSE: i64 = 0xffc_fffd;

/// Eight bytes from `at` on.
#[inline(always)]
pub(crate) const fn word(b: &Bytes, at: usize) -> i64 {
    i64::from_le_bytes([
        b[at],
        b[at + 1],
        b[at + 2],
        b[at + 3],
        b[at + 4],
        b[at + 5],
        b[at + 6],
        b[at + 7],
    ])
}

/// The limb that begins at this bit. An element's highest bit is zero, so no sign comes in from the top.
#[inline(always)]
const fn limb(b: &Bytes, bit: usize) -> i64 {
    let byte = if bit / 8 < 40 { bit / 8 } else { 40 };
    word(b, byte) >> (bit - 8 * byte) & MASK
}

/// The limbs of an element times 2^`BY`, with `BY` at most 8.
///
/// blst reduces by 2³⁸⁴, fourteen limbs by 2³⁹²: eight factors of two in every product make up for it.
#[inline(always)]
pub(crate) const fn limbs<const BY: usize>(b: &Bytes) -> Limbs {
    [
        word(b, 0) << BY & MASK,
        limb(b, 28 - BY),
        limb(b, 56 - BY),
        limb(b, 84 - BY),
        limb(b, 112 - BY),
        limb(b, 140 - BY),
        limb(b, 168 - BY),
        limb(b, 196 - BY),
        limb(b, 224 - BY),
        limb(b, 252 - BY),
        limb(b, 280 - BY),
        limb(b, 308 - BY),
        limb(b, 336 - BY),
        limb(b, 364 - BY),
    ]
}
