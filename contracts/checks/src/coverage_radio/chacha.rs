//! The `ChaCha` stream of 12 rounds, as the network's payload derivation draws from it.
//!
//! The state is the one of D. J. Bernstein's `ChaCha`: 4 words of constant, 8 of key, a 64-bit block counter, a
//! 64-bit nonce, here 0 (RFC 8439 §2.3 has the same block with 20 rounds and a shorter counter). Words come
//! out in order. A library's generator works on four blocks at once, in ten times the code; a test holds
//! this one against it.

const WORDS: usize = 16;
const DOUBLE_ROUNDS: usize = 6;
/// "expand 32-byte k".
const CONSTANT: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
/// Columns, then diagonals.
const QUARTERS: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

/// The stream of one key.
pub(super) struct ChaCha12 {
    key: [u32; 8],
    counter: u64,
    block: [u32; WORDS],
    /// Words of `block` that were given out.
    used: usize,
}

impl ChaCha12 {
    pub(super) fn new(seed: &[u8; 32]) -> Self {
        let (words, _) = seed.as_chunks::<4>();
        let mut key = [0; 8];
        for (to, from) in key.iter_mut().zip(words) {
            *to = u32::from_le_bytes(*from);
        }
        Self { key, counter: 0, block: [0; WORDS], used: WORDS }
    }

    /// The next word of the stream.
    pub(super) fn next_word(&mut self) -> u32 {
        if self.used >= WORDS {
            self.block = block(&self.key, self.counter);
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        let word = self.block.get(self.used).copied().unwrap_or_default();
        self.used = self.used.saturating_add(1);
        word
    }
}

fn block(key: &[u32; 8], counter: u64) -> [u32; WORDS] {
    let [a, b, c, d] = CONSTANT;
    let [k0, k1, k2, k3, k4, k5, k6, k7] = *key;
    let [h0, h1, h2, h3, l0, l1, l2, l3] = counter.to_be_bytes();
    let (low, high) = (u32::from_be_bytes([l0, l1, l2, l3]), u32::from_be_bytes([h0, h1, h2, h3]));
    let start = [a, b, c, d, k0, k1, k2, k3, k4, k5, k6, k7, low, high, 0, 0];
    let mut state = start;
    for _ in 0..DOUBLE_ROUNDS {
        for places in QUARTERS {
            quarter_round(&mut state, places);
        }
    }
    for (word, start) in state.iter_mut().zip(start) {
        *word = word.wrapping_add(start);
    }
    state
}

fn quarter_round(state: &mut [u32; WORDS], places: [usize; 4]) {
    let Ok([a, b, c, d]) = state.get_disjoint_mut(places) else {
        return;
    };
    for (first, second) in [(16, 12), (8, 7)] {
        *a = a.wrapping_add(*b);
        *d = (*d ^ *a).rotate_left(first);
        *c = c.wrapping_add(*d);
        *b = (*b ^ *c).rotate_left(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

    #[test]
    fn the_stream_is_that_of_the_library() {
        for seed in 0..=255 {
            let mut seed = [seed; 32];
            seed[31] = 7;
            let mut theirs = rand_chacha::ChaCha12Rng::from_seed(seed);
            let mut ours = ChaCha12::new(&seed);
            for word in 0..1000 {
                assert_eq!(ours.next_word(), theirs.next_u32(), "word {word}");
            }
        }
    }

    #[test]
    fn the_counter_carries_into_its_high_word() {
        let key = [1; 8];
        assert_ne!(block(&key, 5), block(&key, 5 + (1 << 32)));
    }
}
