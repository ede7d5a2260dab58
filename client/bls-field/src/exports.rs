//! The functions by which blst reaches its field arithmetic (`src/vect.h`), for wasm32.
//!
//! Trusted: that blst passes its own prime, and pointers to elements; a result may lie where an operand lies, so
//! operands are read before it is written.
#![expect(unsafe_code, reason = "C calls these; what they compute is in safe functions")]

use crate::{
    field::{
        Complex, add_mod, lshift_mod, mul_by_3_mod, mul_mont, mul_mont_x, sqr_mont, sqr_mont_x,
        sub_mod,
    },
    limbs::Bytes,
};

/// The prime: there is one.
type Prime = *const Bytes;

#[unsafe(no_mangle)]
unsafe extern "C" fn mul_mont_384(
    ret: *mut Bytes,
    a: *const Bytes,
    b: *const Bytes,
    _: Prime,
    _: u32,
) {
    // SAFETY: as said above.
    unsafe { *ret = mul_mont(&*a, &*b) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sqr_mont_384(ret: *mut Bytes, a: *const Bytes, _: Prime, _: u32) {
    // SAFETY: as said above.
    unsafe { *ret = sqr_mont(&*a) }
}

/// `a` squared `count` times, then times `b`.
#[unsafe(no_mangle)]
unsafe extern "C" fn sqr_n_mul_mont_383(
    ret: *mut Bytes,
    a: *const Bytes,
    count: usize,
    p: Prime,
    n0: u32,
    b: *const Bytes,
) {
    // SAFETY: as said above.
    unsafe {
        let mut power = *a;
        for _ in 0..count {
            sqr_mont_384(&raw mut power, &raw const power, p, n0);
        }
        mul_mont_384(ret, &raw const power, b, p, n0);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mul_mont_384x(
    ret: *mut Complex,
    a: *const Complex,
    b: *const Complex,
    _: Prime,
    _: u32,
) {
    // SAFETY: as said above.
    unsafe { *ret = mul_mont_x(&*a, &*b) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sqr_mont_384x(ret: *mut Complex, a: *const Complex, _: Prime, _: u32) {
    // SAFETY: as said above.
    unsafe { *ret = sqr_mont_x(&*a) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn add_mod_384(ret: *mut Bytes, a: *const Bytes, b: *const Bytes, _: Prime) {
    // SAFETY: as said above.
    unsafe { *ret = add_mod(&*a, &*b) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sub_mod_384(ret: *mut Bytes, a: *const Bytes, b: *const Bytes, _: Prime) {
    // SAFETY: as said above.
    unsafe { *ret = sub_mod(&*a, &*b) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mul_by_3_mod_384(ret: *mut Bytes, a: *const Bytes, _: Prime) {
    // SAFETY: as said above.
    unsafe { *ret = mul_by_3_mod(&*a) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lshift_mod_384(ret: *mut Bytes, a: *const Bytes, count: usize, _: Prime) {
    // SAFETY: as said above.
    unsafe { *ret = lshift_mod(&*a, count) }
}
