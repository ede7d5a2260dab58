//! Every operation against the same one on big integers: at the edges, and on elements drawn by a fixed generator.

use alloy_primitives::Uint;

use crate::{
    field::{
        add_mod, lshift_mod, mul_by_3_mod, mul_mont, mul_mont_x, sqr_mont, sqr_mont_x, sub_mod,
    },
    limbs::{Bytes, MINUS_P_INVERSE, P, P_BYTES, limbs},
};

type Big = Uint<832, 13>;

fn big(bytes: &Bytes) -> Big {
    Big::from_le_slice(bytes)
}

fn p() -> Big {
    big(&P_BYTES)
}

fn bytes(value: Big) -> Bytes {
    let all = value.to_le_bytes::<104>();
    assert!(all[48..].iter().all(|byte| *byte == 0), "{value} is wider than 384 bits");
    all[..48].try_into().expect("48 bytes")
}

/// R⁻¹, by Fermat.
fn r_inverse() -> Big {
    let r: Big = (Big::ONE << 384) % p();
    r.pow_mod(p() - Big::from(2), p())
}

fn montgomery(a: Big, b: Big) -> Big {
    a.mul_mod(b, p()).mul_mod(r_inverse(), p())
}

/// The edges of the range and of the limbs, then elements of a 64-bit generator (`SplitMix64`).
fn elements() -> Vec<Big> {
    let mut all = vec![Big::ZERO, Big::ONE, p() - Big::ONE, p() - Big::from(2), p() >> 1];
    for limb in 1..14 {
        let bit = Big::ONE << (28 * limb);
        all.extend([bit % p(), bit - Big::ONE, (p() - bit) % p()]);
    }
    let mut state = 1_u64;
    for _ in 0..60 {
        let mut random = [0; 48];
        for word in random.chunks_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            word.copy_from_slice(&(mixed ^ mixed >> 31).to_le_bytes());
        }
        all.push(big(&random) % p());
    }
    all
}

#[test]
fn limbs_are_the_element() {
    let value = |limbs: [i64; 14]| {
        limbs.iter().rev().fold(Big::ZERO, |sum, limb| {
            assert!((0..1 << 28).contains(limb), "{limb} is not a limb");
            (sum << 28) + Big::from(*limb)
        })
    };
    for element in elements() {
        assert_eq!(value(limbs::<0>(&bytes(element))), element);
        assert_eq!(value(limbs::<4>(&bytes(element))), element << 4);
        assert_eq!(value(limbs::<8>(&bytes(element))), element << 8);
    }
    assert_eq!(P[0] * MINUS_P_INVERSE % (1 << 28), (1 << 28) - 1);
}

#[test]
fn sums_and_differences() {
    for a in elements() {
        let x = bytes(a);
        assert_eq!(big(&mul_by_3_mod(&x)), a.mul_mod(Big::from(3), p()));
        for count in 1..4 {
            assert_eq!(big(&lshift_mod(&x, count)), (a << count) % p());
        }
        for b in elements() {
            let y = bytes(b);
            assert_eq!(big(&add_mod(&x, &y)), (a + b) % p());
            assert_eq!(big(&sub_mod(&x, &y)), (a + p() - b) % p());
        }
    }
}

#[test]
fn products() {
    for a in elements() {
        let x = bytes(a);
        assert_eq!(big(&sqr_mont(&x)), montgomery(a, a));
        for b in elements() {
            assert_eq!(big(&mul_mont(&x, &bytes(b))), montgomery(a, b));
        }
    }
}

#[test]
fn complex_products() {
    let all = elements();
    let pairs: Vec<[Big; 2]> =
        all.iter().zip(all.iter().rev().chain(&all)).map(|(a, b)| [*a, *b]).collect();
    for [a0, a1] in &pairs {
        let a = [bytes(*a0), bytes(*a1)];
        let square = sqr_mont_x(&a).map(|part| big(&part));
        assert_eq!(square, complex([*a0, *a1], [*a0, *a1]));
        for [b0, b1] in &pairs {
            let product = mul_mont_x(&a, &[bytes(*b0), bytes(*b1)]).map(|part| big(&part));
            assert_eq!(product, complex([*a0, *a1], [*b0, *b1]));
        }
    }
}

fn complex([a0, a1]: [Big; 2], [b0, b1]: [Big; 2]) -> [Big; 2] {
    let minus = p() - montgomery(a1, b1);
    [montgomery(a0, b0).add_mod(minus, p()), montgomery(a0, b1).add_mod(montgomery(a1, b0), p())]
}
