//! HIP-15 reward units, in ten-thousandths.
//!
//! ```text
//!  n witnesses    beaconer                   each witness
//!  0              0                          0
//!  1 … 4          n / 4                      1
//!  5 …            2 − 0.8^(n − 4)            (4 − (1 − 0.8^(n − 4))) / n
//! ```
//! (HIP-15 as in `helium/oracles`, `iot_verifier/src/runner.rs`; re-stated.) Upstream computes in
//! 28-digit decimals and rounds once, half to even, to four places. Here everything is an exact
//! fraction of integers and rounds the same way, so no digit is lost before the last step.

/// Witnesses that a beacon should have (`WITNESS_REDUNDANCY`).
pub const WITNESS_REDUNDANCY: u32 = 4;
/// One reward unit.
pub const UNIT: u32 = 10_000;
/// Most witnesses that the formula is exact for: 5^(n − 4) must fit 128 bits after scaling.
pub const MAX_WITNESSES: u32 = 44;
/// The decay 0.8 as a fraction (`POC_REWARD_DECAY_RATE`).
const DECAY: (u128, u128) = (4, 5);

/// What the beaconer and each witness get, by the number of witnesses. The compiler works it out, so that
/// no 128-bit division is in a module, and an overflow is an error of the build.
#[allow(clippy::indexing_slicing, reason = "by the compiler")]
const UNITS: [(u32, u32); 45] = {
    let mut units = [(0, 0); 45];
    let mut witnesses = 0;
    while witnesses <= MAX_WITNESSES {
        units[witnesses as usize] = worked_out(witnesses as u128);
        witnesses += 1;
    }
    units
};

/// What the beaconer gets for `witnesses` selected ones, in ten-thousandths of a unit; `None` above
/// [`MAX_WITNESSES`].
#[must_use]
pub fn beaconer_units(witnesses: u32) -> Option<u32> {
    UNITS.get(usize::try_from(witnesses).ok()?).map(|(beaconer, _)| *beaconer)
}

/// What each of `witnesses` selected ones gets, in ten-thousandths of a unit; `None` above
/// [`MAX_WITNESSES`].
#[must_use]
pub fn witness_units(witnesses: u32) -> Option<u32> {
    UNITS.get(usize::try_from(witnesses).ok()?).map(|(_, witness)| *witness)
}

#[expect(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "by the compiler")]
const fn worked_out(witnesses: u128) -> (u32, u32) {
    let redundancy = WITNESS_REDUNDANCY as u128;
    if witnesses == 0 {
        return (0, 0);
    }
    if witnesses <= redundancy {
        return (rounded(witnesses, redundancy).unwrap(), UNIT);
    }
    // 0.8^(n − 4)
    let (mut power, mut base, mut exponent) = (1, 1, witnesses - redundancy);
    while exponent > 0 {
        (power, base, exponent) = (power * DECAY.0, base * DECAY.1, exponent - 1);
    }
    let beaconer = rounded(2 * base - power, base);
    let witness = rounded((redundancy - 1) * base + power, base * witnesses);
    (beaconer.unwrap(), witness.unwrap())
}

/// `numerator / denominator` in ten-thousandths, half to even.
pub(super) const fn rounded(numerator: u128, denominator: u128) -> Option<u32> {
    let Some(scaled) = numerator.checked_mul(UNIT as u128) else {
        return None;
    };
    let (Some(down), Some(rest)) =
        (scaled.checked_div(denominator), scaled.checked_rem(denominator))
    else {
        return None;
    };
    let twice = rest.saturating_mul(2);
    let up = twice > denominator || (twice == denominator && down % 2 == 1);
    let value = down.saturating_add(up as u128);
    #[expect(clippy::cast_possible_truncation, reason = "compared before")]
    if value > u32::MAX as u128 { None } else { Some(value as u32) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `helium/oracles`, `iot_verifier/src/runner.rs`, `reward_unit_calculations`.
    const WITNESS: [u32; 15] = [
        10_000, 10_000, 10_000, 10_000, 7600, 6067, 5017, 4262, 3697, 3262, 2918, 2640, 2411, 2220,
        2057,
    ];

    #[test]
    fn hip_15_witness_units() {
        for (witnesses, expected) in (1..).zip(WITNESS) {
            assert_eq!(witness_units(witnesses), Some(expected), "{witnesses} witnesses");
        }
    }

    #[test]
    fn hip_15_beaconer_units() {
        let of = |witnesses| beaconer_units(witnesses).unwrap();
        assert_eq!([1, 2, 3, 4].map(of), [2500, 5000, 7500, 10_000]);
        // 2 − 0.8^k, by hand; the last one is the last of upstream's table
        assert_eq!([5, 6, 7, 15].map(of), [12_000, 13_600, 14_880, 19_141]);
    }

    #[test]
    fn hip_15_nobody_heard_is_nothing_for_anybody() {
        assert_eq!((beaconer_units(0), witness_units(0)), (Some(0), Some(0)));
    }

    #[test]
    fn hip_15_is_exact_to_its_limit_and_says_so_beyond() {
        for witnesses in 0..=MAX_WITNESSES {
            assert!(beaconer_units(witnesses).unwrap() <= 2 * UNIT);
            assert!(witness_units(witnesses).unwrap() <= UNIT);
        }
        assert_eq!(beaconer_units(MAX_WITNESSES + 1), None);
        assert_eq!(witness_units(u32::MAX), None);
    }

    #[test]
    fn half_goes_to_even() {
        assert_eq!(rounded(1, 20_000), Some(0));
        assert_eq!(rounded(3, 20_000), Some(2));
        assert_eq!(rounded(1, 0), None);
    }
}
