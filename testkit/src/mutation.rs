//! Bad input from good: valid values changed in the ways in which bytes go wrong, from a seed.
//!
//! ```
//! use testkit::mutation::Mutator;
//!
//! let valid = vec![b"CN=Smith\\, J,DC=example,DC=test".to_vec()];
//! let mut one = Mutator::new(7);
//! let mut other = Mutator::new(7);
//! assert_eq!(one.next(&valid), other.next(&valid));
//! ```

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The longest that a changed value grows to, in bytes.
const LONGEST: usize = 64 * 1024;
/// The most changes of one value.
const MOST_CHANGES: u32 = 8;

/// Makes bad values. The same seed makes the same ones.
#[derive(Debug)]
pub struct Mutator {
    random: StdRng,
}

impl Mutator {
    /// Begins at a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed) }
    }

    /// The next value: one of `valid`, changed one to eight times; now and then plain noise.
    pub fn next(&mut self, valid: &[Vec<u8>]) -> Vec<u8> {
        if valid.is_empty() || self.random.random_range(0..32) == 0 {
            return self.noise(200);
        }
        let mut bytes = self.one_of(valid);
        for _ in 0..self.random.random_range(1..=MOST_CHANGES) {
            self.change(&mut bytes, valid);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, valid: &[Vec<u8>]) {
        let (from, to) = self.span(bytes.len());
        match self.random.random_range(0..10) {
            0 => bytes.truncate(from),
            1 => drop(bytes.drain(from..to)),
            2 => {
                let again = bytes.get(from..to).unwrap_or_default().to_vec();
                drop(bytes.splice(to..to, again));
            }
            3 => {
                let noise = self.noise(16);
                drop(bytes.splice(from..from, noise));
            }
            4 => {
                // The end of another value on the beginning of this one, or a piece of it inside.
                let other = self.one_of(valid);
                let (first, last) = self.span(other.len());
                let piece = other.get(first..last).unwrap_or_default().to_vec();
                let end = if self.random.random() { bytes.len() } else { from };
                drop(bytes.splice(from..end, piece));
            }
            5 => self.number(bytes, from),
            6 => self.digits(bytes),
            7 => bytes.get_mut(from..to).unwrap_or_default().fill(self.random.random()),
            _ => {
                // One bit.
                let bit = self.random.random_range(0..8);
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << bit;
                }
            }
        }
    }

    /// A number where a length, a count or an offset may stand: 1, 2 or 4 bytes, both orders.
    fn number(&mut self, bytes: &mut [u8], at: usize) {
        const NOTABLE: [u32; 10] = [0, 1, 7, 8, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFF_FFFF, u32::MAX];
        let chosen = self.random.random_range(0..=NOTABLE.len() + 1);
        let near = u32::try_from(bytes.len()).unwrap_or(u32::MAX).wrapping_add(self.random.random_range(0..5));
        let number = NOTABLE.get(chosen).copied().unwrap_or_else(|| near.wrapping_sub(2));
        let width = 1 << self.random.random_range(0..3_u32);
        let little: Vec<u8> = number.to_le_bytes().into_iter().take(width).collect();
        let order: Vec<u8> = if self.random.random() { little } else { little.into_iter().rev().collect() };
        bytes.iter_mut().skip(at).zip(order).for_each(|(byte, new)| *byte = new);
    }

    /// A number in text where one stands.
    fn digits(&mut self, bytes: &mut Vec<u8>) {
        const NOTABLE: [&str; 8] = [
            "0",
            "-1",
            "4294967296",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "1e999",
            "*",
        ];
        let starts: Vec<usize> = (0..bytes.len())
            .filter(|at| {
                let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
                digit(*at) && (*at == 0 || !digit(at - 1))
            })
            .collect();
        let Some(start) = self.place(starts.len()).and_then(|place| starts.get(place).copied()) else { return };
        let length = bytes.iter().skip(start).take_while(|byte| byte.is_ascii_digit()).count();
        let new = self.place(NOTABLE.len()).and_then(|place| NOTABLE.get(place)).copied().unwrap_or_default();
        drop(bytes.splice(start..start + length, new.bytes()));
    }

    fn noise(&mut self, longest: usize) -> Vec<u8> {
        let length = self.random.random_range(0..=longest);
        (0..length).map(|_| self.random.random()).collect()
    }

    fn one_of(&mut self, values: &[Vec<u8>]) -> Vec<u8> {
        self.place(values.len()).and_then(|place| values.get(place)).cloned().unwrap_or_default()
    }

    fn place(&mut self, length: usize) -> Option<usize> {
        (length > 0).then(|| self.random.random_range(0..length))
    }

    /// A part of so many bytes, most often a short one.
    fn span(&mut self, length: usize) -> (usize, usize) {
        let from = self.random.random_range(0..=length);
        let longest = if self.random.random() { 8 } else { length };
        (from, (from + self.random.random_range(0..=longest)).min(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_makes_many_different_values_and_the_same_ones_again() {
        let valid = vec![b"S-1-5-21-1-2-3-500".to_vec(), vec![1, 5, 0, 0, 0, 0, 0, 5]];
        let made = |seed| -> Vec<Vec<u8>> {
            let mut mutator = Mutator::new(seed);
            (0..2_000).map(|_| mutator.next(&valid)).collect()
        };
        let values = made(1);
        assert_eq!(values, made(1));
        assert_ne!(values, made(2));
        let different: BTreeSet<&Vec<u8>> = values.iter().collect();
        assert!(different.len() > 1_500, "{}", different.len());
        assert!(values.iter().all(|value| value.len() <= LONGEST));
        assert!(made(1).iter().any(|value| value.len() < 3) && values.iter().any(|value| value.len() > 40));
    }

    #[test]
    fn nothing_valid_is_needed() {
        assert!((0..100).map(|_| Mutator::new(1).next(&[])).all(|value| value.len() <= 200));
    }
}
