//! Products column by column, reduced as they go: Montgomery's multiplication by "product scanning".
//!
//! A column is the sum of all `a[i] · b[j]` with `i + j = k`, of what the column before carried, and of `q[i] · p[j]`,
//! where `q[k]` is chosen so that the column ends in 28 zero bits. What is left is the result in the upper columns.

use crate::limbs::{Limbs, MASK, MINUS_P_INVERSE, P};

/// Calls `$column!(k; i j, …)` for the 27 columns of a product of fourteen limbs. Written out: an engine keeps in
/// registers only what is not indexed at run time.
macro_rules! for_each_column {
    ($column:ident) => {
        $column!(0; 0 0);
        $column!(1; 0 1, 1 0);
        $column!(2; 0 2, 1 1, 2 0);
        $column!(3; 0 3, 1 2, 2 1, 3 0);
        $column!(4; 0 4, 1 3, 2 2, 3 1, 4 0);
        $column!(5; 0 5, 1 4, 2 3, 3 2, 4 1, 5 0);
        $column!(6; 0 6, 1 5, 2 4, 3 3, 4 2, 5 1, 6 0);
        $column!(7; 0 7, 1 6, 2 5, 3 4, 4 3, 5 2, 6 1, 7 0);
        $column!(8; 0 8, 1 7, 2 6, 3 5, 4 4, 5 3, 6 2, 7 1, 8 0);
        $column!(9; 0 9, 1 8, 2 7, 3 6, 4 5, 5 4, 6 3, 7 2, 8 1, 9 0);
        $column!(10; 0 10, 1 9, 2 8, 3 7, 4 6, 5 5, 6 4, 7 3, 8 2, 9 1, 10 0);
        $column!(11; 0 11, 1 10, 2 9, 3 8, 4 7, 5 6, 6 5, 7 4, 8 3, 9 2, 10 1, 11 0);
        $column!(12; 0 12, 1 11, 2 10, 3 9, 4 8, 5 7, 6 6, 7 5, 8 4, 9 3, 10 2, 11 1, 12 0);
        $column!(13; 0 13, 1 12, 2 11, 3 10, 4 9, 5 8, 6 7, 7 6, 8 5, 9 4, 10 3, 11 2, 12 1, 13 0);
        $column!(14; 1 13, 2 12, 3 11, 4 10, 5 9, 6 8, 7 7, 8 6, 9 5, 10 4, 11 3, 12 2, 13 1);
        $column!(15; 2 13, 3 12, 4 11, 5 10, 6 9, 7 8, 8 7, 9 6, 10 5, 11 4, 12 3, 13 2);
        $column!(16; 3 13, 4 12, 5 11, 6 10, 7 9, 8 8, 9 7, 10 6, 11 5, 12 4, 13 3);
        $column!(17; 4 13, 5 12, 6 11, 7 10, 8 9, 9 8, 10 7, 11 6, 12 5, 13 4);
        $column!(18; 5 13, 6 12, 7 11, 8 10, 9 9, 10 8, 11 7, 12 6, 13 5);
        $column!(19; 6 13, 7 12, 8 11, 9 10, 10 9, 11 8, 12 7, 13 6);
        $column!(20; 7 13, 8 12, 9 11, 10 10, 11 9, 12 8, 13 7);
        $column!(21; 8 13, 9 12, 10 11, 11 10, 12 9, 13 8);
        $column!(22; 9 13, 10 12, 11 11, 12 10, 13 9);
        $column!(23; 10 13, 11 12, 12 11, 13 10);
        $column!(24; 11 13, 12 12, 13 11);
        $column!(25; 12 13, 13 12);
        $column!(26; 13 13);
    };
}

/// One result on its way through the columns.
struct Reduction {
    carry: i64,
    q: Limbs,
    out: Limbs,
}

impl Reduction {
    #[inline(always)]
    const fn new() -> Self {
        Self { carry: 0, q: [0; 14], out: [0; 14] }
    }

    /// Closes column `k`.
    #[inline(always)]
    fn close(&mut self, k: usize, column: i64) {
        let sum = self.carry + column;
        if k < 14 {
            let q = sum.wrapping_mul(MINUS_P_INVERSE) & MASK;
            self.q[k] = q;
            self.carry = (sum + q * P[0]) >> 28;
        } else {
            self.out[k - 14] = sum & MASK;
            self.carry = sum >> 28;
        }
    }

    #[inline(always)]
    const fn end(mut self) -> Limbs {
        self.out[13] = self.carry;
        self.out
    }
}

/// `a · b / 2³⁹²` modulo p, not reduced: below 2p if `a · b` is below 2³⁹² p.
#[inline(always)]
pub(crate) fn product(a: &Limbs, b: &Limbs) -> Limbs {
    let mut r = Reduction::new();
    macro_rules! column {
        ($k:literal; $($i:literal $j:literal),+) => {
            r.close($k, 0 $(+ a[$i] * b[$j] + r.q[$i] * P[$j])+);
        };
    }
    for_each_column!(column);
    r.end()
}

/// `a² / 2³⁹²` as [`product`]: each pair of different limbs once, and doubled.
#[inline(always)]
pub(crate) fn square(a: &Limbs) -> Limbs {
    let twice = a.map(|limb| 2 * limb);
    let mut r = Reduction::new();
    macro_rules! column {
        ($k:literal; $($i:literal $j:literal),+) => {
            r.close($k, 0 $(+ once(a, &twice, $i, $j) + r.q[$i] * P[$j])+);
        };
    }
    for_each_column!(column);
    r.end()
}

#[inline(always)]
const fn once(a: &Limbs, twice: &Limbs, i: usize, j: usize) -> i64 {
    if i < j {
        a[i] * twice[j]
    } else if i == j {
        a[i] * a[i]
    } else {
        0
    }
}

/// `(a₀ + a₁ i)(b₀ + b₁ i) / 2³⁹²` modulo p, by Karatsuba's three products in every column.
///
/// The real part lies in −p … 2p, the imaginary one in 0 … 2p.
#[inline(always)]
pub(crate) fn product_of_pairs(a: &[Limbs; 2], b: &[Limbs; 2]) -> [Limbs; 2] {
    let [a_sum, b_sum] = [sum(a), sum(b)];
    let (mut re, mut im) = (Reduction::new(), Reduction::new());
    macro_rules! column {
        ($k:literal; $($i:literal $j:literal),+) => {
            let low = 0 $(+ a[0][$i] * b[0][$j])+;
            let high = 0 $(+ a[1][$i] * b[1][$j])+;
            let both = 0 $(+ a_sum[$i] * b_sum[$j])+;
            re.close($k, low - high $(+ re.q[$i] * P[$j])+);
            im.close($k, both - low - high $(+ im.q[$i] * P[$j])+);
        };
    }
    for_each_column!(column);
    [re.end(), im.end()]
}

/// Limb by limb: one bit more than an operand's.
#[inline(always)]
pub(crate) fn sum([a, b]: &[Limbs; 2]) -> Limbs {
    core::array::from_fn(|at| a[at] + b[at])
}

/// Limb by limb, with signs.
#[inline(always)]
pub(crate) fn difference([a, b]: &[Limbs; 2]) -> Limbs {
    core::array::from_fn(|at| a[at] - b[at])
}
