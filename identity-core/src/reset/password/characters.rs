//! Passwords of random characters.

use zeroize::Zeroizing;

use super::Secret;
use super::random::Randomness;
use crate::error::Result;

/// The classes. Left out: what looks alike (`0 O`, `1 l I |`); quotes, backslash, comma,
/// semicolon, space, `& < >`, which files and markup read as their own; `= + - @`, with which a
/// spreadsheet begins a formula.
pub(super) const CLASSES: [&[u8]; 4] =
    [b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"abcdefghijkmnopqrstuvwxyz", b"23456789", b"!#$%*./:?^_~()[]{}"];

#[derive(Clone)]
pub(super) struct Characters {
    length: u16,
}

impl Characters {
    pub(super) fn new(length: u16) -> Self {
        Self { length }
    }

    /// By inclusion and exclusion: all strings, less those that lack a class.
    pub(super) fn entropy_bits(&self) -> f64 {
        if usize::from(self.length) < CLASSES.len() {
            return 0.0;
        }
        let length = f64::from(self.length);
        let all = size(0b1111);
        // As a share of all strings, so that nothing overflows at any length.
        let share: f64 = (0..1_u32 << CLASSES.len())
            .map(|left| {
                let sign = if (4 - left.count_ones()) % 2 == 0 { 1.0 } else { -1.0 };
                sign * (size(left) / all).powf(length)
            })
            .sum();
        length * all.log2() + share.log2()
    }

    /// Each string that has all four classes is equally likely: a string without one of them is
    /// thrown away whole, so that no place in it is more often a digit than another.
    pub(super) fn candidate(&self) -> Result<Secret> {
        let alphabet: Vec<u8> = CLASSES.concat();
        let mut randomness = Randomness::new();
        loop {
            // Of exactly its length: growing would leave a copy behind.
            let mut text = Zeroizing::new(String::with_capacity(self.length.into()));
            for _ in 0..self.length {
                let place = randomness.below(alphabet.len())?;
                text.extend(alphabet.get(place).map(|byte| char::from(*byte)));
            }
            if CLASSES.iter().all(|class| text.bytes().any(|byte| class.contains(&byte))) {
                return Ok(Secret::new(std::mem::take(&mut text)));
            }
        }
    }
}

/// How many characters the classes of a set have.
fn size(set: u32) -> f64 {
    let sizes = CLASSES.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1).map(|(_, class)| class.len());
    u32::try_from(sizes.sum::<usize>()).map_or(0.0, f64::from)
}
