//! The operations, by the names blst gives them, on elements as blst stores them.
//!
//! Elements are below p, and so are results; R is 2³⁸⁴.

use crate::{
    columns::{difference, product, product_of_pairs, square, sum},
    limbs::{Bytes, Limbs, limbs},
    pairs::{less_p, load, minus, pairs, plus, plus_p, store},
};

/// An element of Fp²: real and imaginary part.
pub(crate) type Complex = [Bytes; 2];

/// a b / R.
#[inline(always)]
pub(crate) fn mul_mont(a: &Bytes, b: &Bytes) -> Bytes {
    reduced(&product(&limbs::<8>(a), &limbs::<0>(b)))
}

/// a² / R.
#[inline(always)]
pub(crate) fn sqr_mont(a: &Bytes) -> Bytes {
    reduced(&square(&limbs::<4>(a)))
}

/// a b / R in Fp².
#[inline(always)]
pub(crate) fn mul_mont_x([a0, a1]: &Complex, [b0, b1]: &Complex) -> Complex {
    let a = [limbs::<8>(a0), limbs::<8>(a1)];
    let [re, im] = product_of_pairs(&a, &[limbs::<0>(b0), limbs::<0>(b1)]);
    [reduced_signed(&re), reduced(&im)]
}

/// a² / R in Fp²: (a₀ + a₁)(a₀ − a₁) and 2 a₀ a₁.
#[inline(always)]
pub(crate) fn sqr_mont_x([a0, a1]: &Complex) -> Complex {
    let shifted = [limbs::<8>(a0), limbs::<8>(a1)];
    let plain = [limbs::<0>(a0), limbs::<0>(a1)];
    let re = product(&difference(&shifted), &sum(&plain));
    let im = product(&shifted[0].map(|limb| 2 * limb), &plain[1]);
    [reduced_signed(&re), reduced(&im)]
}

/// a + b.
#[inline(always)]
pub(crate) fn add_mod(a: &Bytes, b: &Bytes) -> Bytes {
    store(&less_p(plus(&load(a), &load(b))))
}

/// a − b.
#[inline(always)]
pub(crate) fn sub_mod(a: &Bytes, b: &Bytes) -> Bytes {
    store(&plus_p(minus(&load(a), &load(b))))
}

/// 3 a.
#[inline(always)]
pub(crate) fn mul_by_3_mod(a: &Bytes) -> Bytes {
    add_mod(&add_mod(a, a), a)
}

/// 2ⁿ a.
#[inline(always)]
pub(crate) fn lshift_mod(a: &Bytes, count: usize) -> Bytes {
    (0..count).fold(*a, |a, _| add_mod(&a, &a))
}

#[inline(always)]
fn reduced(value: &Limbs) -> Bytes {
    store(&less_p(pairs(value)))
}

#[inline(always)]
fn reduced_signed(value: &Limbs) -> Bytes {
    store(&less_p(plus_p(pairs(value))))
}
