//! Uniform choices from the operating system's generator.

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// A supply of random numbers. What was drawn is wiped.
pub(super) struct Randomness {
    bytes: Zeroizing<[u8; 256]>,
    used: usize,
}

impl Randomness {
    pub(super) fn new() -> Self {
        let bytes = Zeroizing::new([0; 256]);
        Self { used: bytes.len(), bytes }
    }

    /// A number below `bound`, each equally likely: a draw from the uneven rest is thrown away.
    /// `bound` is 1 to 65,536.
    pub(super) fn below(&mut self, bound: usize) -> Result<usize> {
        let bound = bound.clamp(1, 1 << 16);
        let even = (1 << 16) / bound * bound;
        loop {
            let drawn = self.draw()?;
            if drawn < even {
                return Ok(drawn % bound);
            }
        }
    }

    /// 0 to 65,535.
    fn draw(&mut self) -> Result<usize> {
        if self.used + 2 > self.bytes.len() {
            SysRng.try_fill_bytes(self.bytes.as_mut_slice()).map_err(|error| {
                Error::new(ErrorKind::Unavailable, super::GENERATE)
                    .with_detail("the operating system gives no randomness")
                    .with_source(error)
            })?;
            self.used = 0;
        }
        let drawn = self.bytes.iter().skip(self.used).take(2).fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        self.used += 2;
        Ok(drawn)
    }
}
