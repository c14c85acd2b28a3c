//! Passphrases.

use std::sync::LazyLock;

use zeroize::Zeroizing;

use super::Secret;
use super::random::Randomness;
use crate::error::Result;

/// Common English words of 3 to 7 letters, none of which sounds like another; one a line, sorted.
const LIST: &str = include_str!("words.txt");

/// Without the digits that look like letters.
const DIGITS: &[u8] = b"23456789";

/// Six words and two digits: 73 bits.
const LEAST_WORDS: usize = 6;
const LEAST_LETTERS: usize = 3;
const MOST_LETTERS: usize = 7;

pub(super) static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| LIST.lines().collect());

#[derive(Clone)]
pub(super) struct Words {
    count: usize,
}

impl Words {
    /// As many words as even the shortest need to reach `length` characters.
    pub(super) fn at_least(length: u16) -> Self {
        let count = usize::from(length).saturating_sub(DIGIT_COUNT).div_ceil(LEAST_LETTERS + 1);
        Self { count: count.max(LEAST_WORDS) }
    }

    pub(super) fn longest(&self) -> usize {
        self.count * (MOST_LETTERS + 1) + DIGIT_COUNT
    }

    pub(super) fn entropy_bits(&self) -> f64 {
        let bits = |count: usize| u32::try_from(count).map_or(0.0, f64::from).log2();
        f64::from(u32::try_from(self.count).unwrap_or(u32::MAX)) * bits(WORDS.len())
            + DIGIT_COUNT as f64 * bits(DIGITS.len())
    }

    /// Capital and small letters, digits and the hyphen: four classes in every phrase.
    pub(super) fn candidate(&self) -> Result<Secret> {
        let mut randomness = Randomness::new();
        let mut places = Zeroizing::new(vec![0_usize; self.count]);
        for place in places.iter_mut() {
            *place = randomness.below(WORDS.len())?;
        }
        let words = || places.iter().filter_map(|place| WORDS.get(*place).copied());
        // Of exactly its length: growing would leave a copy behind.
        let length = words().map(|word| word.len() + 1).sum::<usize>() + DIGIT_COUNT;
        let mut text = Zeroizing::new(String::with_capacity(length));
        for word in words() {
            text.extend(word.chars().take(1).map(|first| first.to_ascii_uppercase()));
            text.extend(word.chars().skip(1));
            text.push('-');
        }
        for _ in 0..DIGIT_COUNT {
            let place = randomness.below(DIGITS.len())?;
            text.extend(DIGITS.get(place).map(|byte| char::from(*byte)));
        }
        Ok(Secret::new(std::mem::take(&mut text)))
    }
}

const DIGIT_COUNT: usize = 2;
