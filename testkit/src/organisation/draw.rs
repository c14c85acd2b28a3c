//! Deterministic draws: every property of an account is a function of seed, index and a word.

use uuid::Uuid;

/// Odd, so that it has an inverse modulo 2^48.
const STRIDE: u64 = 0x5DEE_CE66_D6A5;
const MASK_48: u64 = (1 << 48) - 1;

/// 64 well-mixed bits of seed, index and the word for what is drawn (SplitMix64's finaliser).
pub(crate) fn draw(seed: u64, index: u64, word: &str) -> u64 {
    let mut state = mix(seed ^ 0x9E37_79B9_7F4A_7C15);
    for byte in word.bytes() {
        state = mix(state ^ u64::from(byte));
    }
    mix(state ^ index.wrapping_mul(0xD6E8_FEB8_6659_FD93))
}

/// A draw from `0..bound`; 0 for a bound of 0.
pub(crate) fn below(seed: u64, index: u64, word: &str, bound: u64) -> u64 {
    draw(seed, index, word).checked_rem(bound).unwrap_or(0)
}

/// One of `choices`, or nothing when there is none.
pub(crate) fn one_of<'a, T>(seed: u64, index: u64, word: &str, choices: &'a [T]) -> Option<&'a T> {
    choices.get(usize::try_from(below(seed, index, word, choices.len() as u64)).unwrap_or(0))
}

/// The objectGUID of an account. Its last six bytes are the index under a bijection, so that
/// [`index_of`] needs no table.
pub(crate) fn guid(seed: u64, index: u64) -> Uuid {
    let node = index.wrapping_mul(STRIDE).wrapping_add(draw(seed, 0, "guid offset")) & MASK_48;
    let high = u128::from(draw(seed, index, "guid")) << 64;
    let middle = u128::from(draw(seed, index, "guid middle") & 0xFFFF) << 48;
    uuid::Builder::from_random_bytes((high | middle | u128::from(node)).to_be_bytes()).into_uuid()
}

/// The index whose [`guid`] this would be; the caller checks that it is.
pub(crate) fn index_of(seed: u64, guid: Uuid) -> u64 {
    let node = (guid.as_u128() & u128::from(MASK_48)) as u64;
    node.wrapping_sub(draw(seed, 0, "guid offset")).wrapping_mul(inverse(STRIDE)) & MASK_48
}

/// The inverse modulo 2^64 of an odd number, by Newton's iteration.
fn inverse(odd: u64) -> u64 {
    let mut x = odd;
    for _ in 0..6 {
        x = x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
    }
    x
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
