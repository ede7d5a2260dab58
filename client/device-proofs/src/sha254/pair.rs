//! SHA-256 of two nodes side by side (FIPS 180-4): 64 bytes, so two blocks, of which the second is always the same
//! padding.
//!
//! ```text
//!  left ‖ right ─ schedule, 64 words ─ 64 rounds ─┐
//!       padding ─ 64 words, constant ─ 64 rounds ─┴─ state
//! ```
//! Natively the library hashes, with the processor's instructions for SHA-256. Wasm has none, and there a path is
//! nothing but such pairs: rounds that know the second schedule, and that keep from each "majority" what the next one
//! needs, take three quarters of the library's time. A test holds one against the other.

use crate::Bytes32;

/// The state that SHA-256 begins with (section 5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

#[cfg(not(target_arch = "wasm32"))]
pub(super) use library::sha256_pair;
#[cfg(target_arch = "wasm32")]
pub(super) use rounds::sha256_pair;

fn bytes(state: [u32; 8]) -> Bytes32 {
    let mut bytes = Bytes32::default();
    for (bytes, word) in bytes.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

#[cfg(not(target_arch = "wasm32"))]
mod library {
    use super::{Bytes32, INITIAL, bytes};
    use sha2::block_api::compress256;

    /// The second block: a one bit, zeros, and the length in bits (section 5.1.1).
    const PADDING: [u8; 64] = {
        let mut block = [0; 64];
        block[0] = 0x80;
        block[62] = 2;
        block
    };

    /// SHA-256 of `left ‖ right`.
    pub(crate) fn sha256_pair(left: &Bytes32, right: &Bytes32) -> Bytes32 {
        let mut blocks = [[0; 64], PADDING];
        let (first, second) = blocks[0].split_at_mut(32);
        first.copy_from_slice(left);
        second.copy_from_slice(right);
        let mut state = INITIAL;
        compress256(&mut state, &blocks);
        bytes(state)
    }
}

#[cfg(any(target_arch = "wasm32", test))]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "places are constants, modulo 16: the compiler refuses others"
)]
mod rounds {
    use super::{Bytes32, INITIAL, bytes};

    /// The constants of the rounds (section 4.2.2).
    #[rustfmt::skip]
    const K: [u32; 64] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ];

    /// Writes a statement 64 times, each with its number: what a loop keeps in memory stays in registers.
    macro_rules! unrolled {
        ($number:ident => $statement:expr) => {
            unrolled!(@ $number $statement;
                0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
                32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63)
        };
        (@ $number:ident $statement:expr; $($n:literal)*) => {$({
            const $number: usize = $n;
            $statement;
        })*};
    }

    /// Word `I` of the schedule (section 6.2.2, step 1), in the place of the word 16 before.
    #[inline(always)]
    const fn scheduled<const I: usize>(w: &mut [u32; 16]) -> u32 {
        if I >= 16 {
            let (w15, w2) = (w[(I + 1) % 16], w[(I + 14) % 16]);
            let s0 = w15.rotate_right(7) ^ w15.rotate_right(18) ^ (w15 >> 3);
            let s1 = w2.rotate_right(17) ^ w2.rotate_right(19) ^ (w2 >> 10);
            w[I % 16] = w[I % 16].wrapping_add(s0).wrapping_add(w[(I + 9) % 16]).wrapping_add(s1);
        }
        w[I % 16].wrapping_add(K[I])
    }

    /// The schedule of the second block, with the constants.
    const PADDING: [u32; 64] = {
        let mut w = [0x8000_0000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 512];
        let mut words = [0; 64];
        unrolled!(I => words[I] = scheduled::<I>(&mut w));
        words
    };

    /// The eight working variables, and what the last round knows of the next majority.
    struct Variables {
        words: [u32; 8],
        b_xor_c: u32,
    }

    impl Variables {
        const fn new(words: [u32; 8]) -> Self {
            Self { words, b_xor_c: words[1] ^ words[2] }
        }

        /// Step 3 of section 6.2.2. `Ch = g ⊕ (e ∧ (f ⊕ g))`, and `Maj = b ⊕ ((a ⊕ b) ∧ (b ⊕ c))`.
        #[inline(always)]
        const fn round(&mut self, word: u32) {
            let [a, b, c, d, e, f, g, h] = self.words;
            let t1 = h.wrapping_add(word).wrapping_add(g ^ (e & (f ^ g)));
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let t1 = t1.wrapping_add(s1);
            let a_xor_b = a ^ b;
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let sum = t1.wrapping_add(s0).wrapping_add(b ^ (a_xor_b & self.b_xor_c));
            self.words = [sum, a, b, c, d.wrapping_add(t1), e, f, g];
            self.b_xor_c = a_xor_b;
        }

        /// Step 4: the next state.
        fn added_to(&self, mut state: [u32; 8]) -> [u32; 8] {
            for (word, variable) in state.iter_mut().zip(self.words) {
                *word = word.wrapping_add(variable);
            }
            state
        }
    }

    /// SHA-256 of `left ‖ right`.
    pub(crate) fn sha256_pair(left: &Bytes32, right: &Bytes32) -> Bytes32 {
        let (mut w, mut words) = ([0; 16], left.as_chunks().0.iter().chain(right.as_chunks().0));
        w.fill_with(|| words.next().map_or(0, |bytes| u32::from_be_bytes(*bytes)));
        let mut variables = Variables::new(INITIAL);
        unrolled!(I => variables.round(scheduled::<I>(&mut w)));
        let state = variables.added_to(INITIAL);
        let mut variables = Variables::new(state);
        unrolled!(I => variables.round(PADDING[I]));
        bytes(variables.added_to(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_hash_as_the_library_does() {
        let mut pair = (Bytes32::default(), [0xff; 32]);
        for _ in 0..1_000 {
            let hash = sha256_pair(&pair.0, &pair.1);
            assert_eq!(rounds::sha256_pair(&pair.0, &pair.1), hash, "{pair:x?}");
            pair = (pair.1, hash);
        }
    }
}
