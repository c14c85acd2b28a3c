//! Tokens of listings that nobody is to read: numbers, bound to what they are for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// How such tokens begin.
const PREFIX: &str = "RFNwdAIAAQ";

/// A token of numbers, for one use only.
pub(crate) fn write<const N: usize>(seed: u64, used_for: &str, numbers: [u64; N]) -> String {
    let plain: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    let tag = tag(seed, used_for, &plain);
    let hidden: Vec<u8> = plain.iter().zip(tag.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([tag.as_slice(), &hidden].concat()))
}

/// The numbers of a token; `None` where it was not made for this use.
pub(crate) fn read<const N: usize>(seed: u64, used_for: &str, token: &str) -> Option<[u64; N]> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
    let (given, hidden) = bytes.split_at_checked(16)?;
    let plain: Vec<u8> = hidden.iter().zip(given.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    if tag(seed, used_for, &plain) != given {
        return None;
    }
    let numbers = plain.chunks_exact(8).filter_map(|eight| eight.try_into().ok()).map(u64::from_be_bytes);
    numbers.collect::<Vec<_>>().try_into().ok()
}

fn tag(seed: u64, used_for: &str, plain: &[u8]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(used_for.as_bytes());
    hash.update(plain);
    let mut tag = [0; 16];
    tag.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_where_it_was_made_for() {
        let token = write(1, "users", [7, 9]);
        assert_eq!(read(1, "users", &token), Some([7, 9]));
        assert_eq!(read::<2>(2, "users", &token), None);
        assert_eq!(read::<2>(1, "groups", &token), None);
        assert_eq!(read::<2>(1, "users", &token[1..]), None);
        assert_eq!(read::<1>(1, "users", &token), None);
    }
}
