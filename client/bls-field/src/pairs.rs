//! A field element as seven pairs of limbs, 56 bits each: for what needs a carry at every step.

use crate::limbs::{Bytes, Limbs, P, word};

/// An element in radix 2⁵⁶, least significant first. The top may be negative.
pub(crate) type Pairs = [i64; 7];

const MASK: i64 = (1 << 56) - 1;
const P_PAIRS: Pairs = pairs(&P);

/// The pairs of an element.
#[inline(always)]
pub(crate) const fn load(b: &Bytes) -> Pairs {
    [
        word(b, 0) & MASK,
        word(b, 7) & MASK,
        word(b, 14) & MASK,
        word(b, 21) & MASK,
        word(b, 28) & MASK,
        word(b, 35) & MASK,
        word(b, 40) >> 16 & (MASK >> 8),
    ]
}

/// The bytes of an element.
#[inline(always)]
pub(crate) fn store(pairs: &Pairs) -> Bytes {
    let mut out = [0; 48];
    let [low @ .., top] = pairs;
    for (at, pair) in low.iter().enumerate() {
        // the eighth byte is the next pair's first, which overwrites it
        out[7 * at..7 * at + 8].copy_from_slice(&pair.to_le_bytes());
    }
    out[42..].copy_from_slice(&top.to_le_bytes()[..6]);
    out
}

/// Limbs below 2²⁸, two by two. The top one may be anything.
#[inline(always)]
pub(crate) const fn pairs(l: &Limbs) -> Pairs {
    [
        l[0] + (l[1] << 28),
        l[2] + (l[3] << 28),
        l[4] + (l[5] << 28),
        l[6] + (l[7] << 28),
        l[8] + (l[9] << 28),
        l[10] + (l[11] << 28),
        l[12] + (l[13] << 28),
    ]
}

/// With every carry and borrow taken to the top.
#[inline(always)]
pub(crate) fn carried(mut pairs: Pairs) -> Pairs {
    let mut carry = 0;
    let [low @ .., top] = &mut pairs;
    for pair in low {
        let sum = *pair + carry;
        *pair = sum & MASK;
        carry = sum >> 56;
    }
    *top += carry;
    pairs
}

#[inline(always)]
pub(crate) fn plus(a: &Pairs, b: &Pairs) -> Pairs {
    carried(core::array::from_fn(|at| a[at] + b[at]))
}

#[inline(always)]
pub(crate) fn minus(a: &Pairs, b: &Pairs) -> Pairs {
    carried(core::array::from_fn(|at| a[at] - b[at]))
}

/// A value in 0 … 2p, once p is taken off if it can be.
#[inline(always)]
pub(crate) fn less_p(value: Pairs) -> Pairs {
    let less = minus(&value, &P_PAIRS);
    if less[6] < 0 { value } else { less }
}

/// A value in −p … p, once p is put on if it is negative.
#[inline(always)]
pub(crate) fn plus_p(value: Pairs) -> Pairs {
    if value[6] < 0 { plus(&value, &P_PAIRS) } else { value }
}
